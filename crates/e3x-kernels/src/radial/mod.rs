//! Sets of functions of one variable, `y[e, k] = f_k(t)` at `t = x[e] / divisor + offset`, with
//! derivatives of any order with respect to `x`.
//!
//! Values, values with a weight for each `e`, and sums over `k` are closed under differentiation.
//!
//! As everywhere in this crate, evaluated in double precision and rounded once.

mod bernstein;
mod waves;
mod windows;

use crate::error::check_len;
use crate::{Error, Real, Result, par};

/// Values per task.
const TASK: usize = 1 << 9;

/// What one value costs, in multiply-adds of a kernel.
const WORK: usize = 64;

/// A family of functions, numbered from 0. The names in parentheses are those of E3x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Family {
    /// Bernstein polynomials `C(n, k) t^k (1 - t)^(n - k)` with `n = num - 1` on [0, 1]. Outside
    /// the first or the last is 1, all others and all derivatives are 0 (`basic_bernstein`).
    Bernstein,
    /// Chebyshev polynomials `cos(k arccos(t))` on [-1, 1]. Outside `sign(t)^k`, all derivatives
    /// 0 (`basic_chebyshev`).
    Chebyshev,
    /// `cos(pi k t)` (`basic_fourier`).
    Fourier,
    /// `exp(-sqrt(2 num) (num - 1) (t - k/(num - 1))^2)` (`basic_gaussian`).
    Gaussian,
    /// `sin(pi (k + 1) t) / (pi (k + 1) t)` for `t <= 1`, else 0 (`sinc`).
    Sinc,
    /// 1 for `k/num <= t <= (k + 1)/num`, else 0 (`rectangular_window`).
    RectangularWindow,
    /// `max(0, 1 - |num t - k|)` (`triangular_window`).
    TriangularWindow,
    /// `switch(num t - k + 1) - switch(num t - k)` (`smooth_window`).
    SmoothWindow,
}

/// The argument of a family, `t = x / divisor + offset`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Argument {
    /// What `x` is divided by.
    pub divisor: f64,
    /// What is added afterwards.
    pub offset: f64,
}

/// The functions of a [`Family`] that belong together, differentiated `order` times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Functions {
    /// Which family.
    pub family: Family,
    /// How many functions.
    pub num: usize,
    /// Order of the derivative with respect to `x`.
    pub order: usize,
    /// Argument of the functions.
    pub argument: Argument,
}

impl Functions {
    /// `y[e, k] = f_k(x[e])`.
    ///
    /// # Errors
    /// If `num` is zero, or `order` larger than the family supports.
    pub fn evaluate<T: Real>(&self, x: &[T]) -> Result<Vec<T>> {
        let mut y = vec![T::ZERO; x.len() * self.num];
        self.rows(x, &mut y, self.num, |_, row, y| {
            for (y, &value) in y.iter_mut().zip(row) {
                *y = T::of(value);
            }
        })?;
        Ok(y)
    }

    /// `y[e, k] = s[e] f_k(x[e])`.
    ///
    /// # Errors
    /// As [`Functions::evaluate`], or if `s` and `x` differ in length.
    pub fn weighted<T: Real>(&self, s: &[T], x: &[T]) -> Result<Vec<T>> {
        check_len("s", s.len(), x.len())?;
        let mut y = vec![T::ZERO; x.len() * self.num];
        self.rows(x, &mut y, self.num, |e, row, y| {
            let s = s[e].to_f64();
            for (y, &value) in y.iter_mut().zip(row) {
                *y = T::of(s * value);
            }
        })?;
        Ok(y)
    }

    /// `s[e] = sum_k z[e, k] f_k(x[e])`.
    ///
    /// # Errors
    /// As [`Functions::evaluate`], or if `z` has the wrong length.
    pub fn contract<T: Real>(&self, z: &[T], x: &[T]) -> Result<Vec<T>> {
        check_len("z", z.len(), x.len() * self.num)?;
        let mut s = vec![T::ZERO; x.len()];
        self.rows(x, &mut s, 1, |e, row, s| {
            let z = &z[e * self.num..][..self.num];
            let products = z.iter().zip(row).map(|(z, value)| z.to_f64() * value);
            s[0] = T::of(products.sum());
        })?;
        Ok(s)
    }

    /// Calls `f(e, functions at x[e], result of e)` for every `e`, in parallel where it pays.
    fn rows<T: Real>(
        &self,
        x: &[T],
        out: &mut [T],
        width: usize,
        f: impl Fn(usize, &[f64], &mut [T]) + Sync,
    ) -> Result<()> {
        let num = self.num;
        if num == 0 {
            return Err(Error::argument("num", "at least 1", "0"));
        }
        let table = Table::new(self.family, num, self.order)?;
        let chain = self.argument.divisor.powi(-(self.order as i32));
        let run = |start: usize, x: &[T], out: &mut [T]| {
            let mut row = vec![0.0; num];
            let mut work = vec![0.0; table.work];
            for (i, (x, out)) in x.iter().zip(out.chunks_exact_mut(width)).enumerate() {
                let t = x.to_f64() / self.argument.divisor + self.argument.offset;
                if t.is_nan() {
                    row.fill(f64::NAN);
                } else {
                    table.row(t, &mut row, &mut work);
                }
                if self.order > 0 {
                    for value in &mut row {
                        *value *= chain;
                    }
                }
                f(start + i, &row, out);
            }
        };
        let items = TASK.div_ceil(num);
        par::for_each(
            (out.chunks_mut(items * width).zip(x.chunks(items))).enumerate(),
            x.len() * num * WORK,
            |(i, (out, x))| run(i * items, x, out),
        );
        Ok(())
    }
}

/// What does not depend on the argument.
struct Table {
    family: Family,
    num: usize,
    order: usize,
    /// Binomial coefficients of the degree that remains after `order` derivatives (Bernstein).
    binomials: Vec<f64>,
    /// Overall factor of the derivatives (Bernstein).
    factor: f64,
    /// Size of the work space.
    work: usize,
}

impl Table {
    fn new(family: Family, num: usize, order: usize) -> Result<Self> {
        let mut table = Self {
            family,
            num,
            order,
            binomials: Vec::new(),
            factor: 0.0,
            work: 0,
        };
        match family {
            Family::Bernstein => {
                table.work = num;
                if order < num {
                    let degree = num - 1 - order;
                    table.binomials = bernstein::binomial_row(degree);
                    // n (n - 1) ... (n - order + 1)
                    table.factor = (degree + 1..num).map(|k| k as f64).product();
                }
            }
            Family::Chebyshev => table.work = 2 * (order + 1),
            Family::Sinc | Family::SmoothWindow => {
                crate::scalar::check_order(order)?;
            }
            _ => {}
        }
        Ok(table)
    }

    /// The functions at `t`, a number.
    fn row(&self, t: f64, row: &mut [f64], work: &mut [f64]) {
        match self.family {
            Family::Bernstein => self.bernstein(t, row, work),
            Family::Chebyshev => self.chebyshev(t, row, work),
            Family::Fourier => self.fourier(t, row),
            Family::Gaussian => self.gaussian(t, row),
            Family::Sinc => self.sinc(t, row),
            Family::RectangularWindow => self.rectangular_window(t, row),
            Family::TriangularWindow => self.triangular_window(t, row),
            Family::SmoothWindow => self.smooth_window(t, row),
        }
    }
}

#[cfg(test)]
mod tests;

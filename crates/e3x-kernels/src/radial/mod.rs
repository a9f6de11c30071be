//! Sets of functions of one variable, `y[e, k] = f_k(t)` at `t = x[e] / divisor + offset`, with
//! derivatives of any order with respect to `x`.
//!
//! As everywhere in this crate, evaluated in double precision and rounded once.

mod bernstein;
mod waves;
mod windows;

use rayon::prelude::*;

use crate::{Error, Real, Result};

/// Below this number of values the threads cost more than they save.
const PARALLEL: usize = 1 << 12;

/// A family of functions, numbered from 0. The names in brackets are those of E3x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Family {
    /// Bernstein polynomials `C(n, k) t^k (1 - t)^(n - k)` with `n = num - 1` on [0, 1]. Outside
    /// the first or the last is 1, all others and all derivatives are 0 [basic_bernstein].
    Bernstein,
    /// Chebyshev polynomials `cos(k arccos(t))` on [-1, 1]. Outside `sign(t)^k`, all derivatives
    /// 0 [basic_chebyshev].
    Chebyshev,
    /// `cos(pi k t)` [basic_fourier].
    Fourier,
    /// `exp(-sqrt(2 num) (num - 1) (t - k/(num - 1))^2)` [basic_gaussian].
    Gaussian,
    /// `sin(pi (k + 1) t) / (pi (k + 1) t)` for `t <= 1`, else 0 [sinc].
    Sinc,
    /// 1 for `k/num <= t <= (k + 1)/num`, else 0 [rectangular_window].
    RectangularWindow,
    /// `max(0, 1 - |num t - k|)` [triangular_window].
    TriangularWindow,
    /// `switch(num t - k + 1) - switch(num t - k)` [smooth_window].
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

impl Family {
    /// The derivative of this order of the first `num` functions at every entry of `x`,
    /// `num` values for each.
    ///
    /// # Errors
    /// If `num` is zero, or `order` larger than the family supports.
    pub fn evaluate<T: Real>(
        self,
        num: usize,
        order: usize,
        argument: Argument,
        x: &[T],
    ) -> Result<Vec<T>> {
        if num == 0 {
            return Err(Error::argument("num", "at least 1", "0"));
        }
        let table = Table::new(self, num, order)?;
        let chain = argument.divisor.powi(-(order as i32));
        let mut y = vec![T::ZERO; x.len() * num];
        let run = |x: &[T], y: &mut [T]| {
            let mut row = vec![0.0; num];
            let mut work = vec![0.0; table.work];
            for (x, y) in x.iter().zip(y.chunks_exact_mut(num)) {
                let t = x.to_f64() / argument.divisor + argument.offset;
                if t.is_nan() {
                    row.fill(f64::NAN);
                } else {
                    table.row(t, &mut row, &mut work);
                }
                for (y, &value) in y.iter_mut().zip(&row) {
                    *y = T::of(value * chain);
                }
            }
        };
        if y.len() < PARALLEL {
            run(x, &mut y);
        } else {
            let items = (PARALLEL / 4).div_ceil(num);
            y.par_chunks_mut(items * num)
                .zip(x.par_chunks(items))
                .for_each(|(y, x)| run(x, y));
        }
        Ok(y)
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

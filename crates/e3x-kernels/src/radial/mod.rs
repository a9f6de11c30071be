//! Sets of functions of one variable, `y[e, k] = f_k(t)` at `t = x[e] / divisor + offset`, with
//! derivatives of any order with respect to `x`.
//!
//! Values, values with a weight for each `e`, and sums over `k` are closed under differentiation.
//!
//! As everywhere in this crate, evaluated in double precision and rounded once.

mod bernstein;
mod waves;
mod windows;

use std::mem::MaybeUninit;

use crate::arithmetic::{Arithmetic, with_arithmetic};
use crate::error::check_len;
use crate::lanes::{LANES, Lanes, rows_of_lanes};
use crate::{Error, Real, Result, par};

/// Numbers of several arguments, one per lane.
type Numbers = Lanes<f64>;

/// Values per task, and what one costs in multiply-adds of a kernel: of families that are vector code, and of others.
const TASK_OF_LANES: usize = 1 << 12;
const WORK_OF_LANES: usize = 16;
const TASK: usize = 1 << 9;
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

/// What becomes of the functions.
#[derive(Clone, Copy)]
enum Use<'a, T> {
    /// They are the result.
    Values,
    /// With a weight for each argument.
    Weighted(&'a [T]),
    /// Their sum, with weights.
    Sums(&'a [T]),
}

impl Functions {
    /// `y[e, k] = f_k(x[e])`.
    ///
    /// # Errors
    /// If `num` is zero, or `order` larger than the family supports.
    pub fn evaluate<T: Real>(&self, x: &[T]) -> Result<Vec<T>> {
        self.results(x, Use::Values)
    }

    /// `y[e, k] = s[e] f_k(x[e])`.
    ///
    /// # Errors
    /// As [`Functions::evaluate`], or if `s` and `x` differ in length.
    pub fn weighted<T: Real>(&self, s: &[T], x: &[T]) -> Result<Vec<T>> {
        check_len("s", s.len(), x.len())?;
        self.results(x, Use::Weighted(s))
    }

    /// `s[e] = sum_k z[e, k] f_k(x[e])`.
    ///
    /// # Errors
    /// As [`Functions::evaluate`], or if `z` has the wrong length.
    pub fn contract<T: Real>(&self, z: &[T], x: &[T]) -> Result<Vec<T>> {
        check_len("z", z.len(), x.len() * self.num)?;
        self.results(x, Use::Sums(z))
    }

    /// What becomes of the functions at every `x`, in parallel where it pays.
    fn results<T: Real>(&self, x: &[T], to: Use<'_, T>) -> Result<Vec<T>> {
        with_arithmetic!(A => self.results_with::<T, A>(x, to))
    }

    fn results_with<T: Real, A>(&self, x: &[T], to: Use<'_, T>) -> Result<Vec<T>>
    where
        A: Arithmetic<Block<f64> = Numbers>,
    {
        let num = self.num;
        if num == 0 {
            return Err(Error::argument("num", "at least 1", "0"));
        }
        let width = if let Use::Sums(_) = to { 1 } else { num };
        let table = Table::new(self.family, num, self.order)?;
        let (task_size, work) = if table.has_lanes() {
            (TASK_OF_LANES, WORK_OF_LANES)
        } else {
            (TASK, WORK)
        };
        let items = task_size.div_ceil(num).next_multiple_of(LANES);
        let write = |task: usize, out: &mut [MaybeUninit<T>]| {
            let mut rows = vec![Numbers::zero(); num];
            let mut space = vec![Numbers::zero(); table.work];
            let mut first = task * items;
            for out in out.chunks_mut(LANES * width) {
                let t = self.arguments(&x[first..][..out.len() / width]);
                A::vectorized(
                    #[inline(always)]
                    || {
                        table.rows::<A>(&t, &mut rows, &mut space);
                        self.finish::<A>(&t, &mut rows);
                    },
                );
                to.write(first, &rows, out);
                first += LANES;
            }
        };
        let ends = par::even_ends(x.len() * width, items * width);
        // SAFETY: what becomes of all functions is written.
        Ok(unsafe { par::filled(&ends, x.len() * num * work, write) })
    }

    /// The arguments that belong to at most as many numbers as there are lanes.
    fn arguments<T: Real>(&self, x: &[T]) -> Numbers {
        let mut t = Numbers::zero();
        for (t, x) in t.iter_mut().zip(x) {
            *t = x.to_f64() / self.argument.divisor + self.argument.offset;
        }
        t
    }

    /// Functions of `x` from those of `t`. Not a number stays one.
    #[inline(always)]
    fn finish<A>(&self, t: &Numbers, rows: &mut [Numbers])
    where
        A: Arithmetic<Block<f64> = Numbers>,
    {
        if self.order > 0 {
            let chain = self.argument.divisor.powi(-(self.order as i32));
            let chain: A::Sum<f64> = A::load(&Lanes([chain; LANES]));
            for row in &mut *rows {
                A::store(A::multiply(A::load(row), chain), row);
            }
        }
        for (i, t) in t.iter().enumerate() {
            if t.is_nan() {
                for row in &mut *rows {
                    row[i] = f64::NAN;
                }
            }
        }
    }
}

impl<T: Real> Use<'_, T> {
    /// Writes what becomes of the functions at some arguments, of which `first` is the first one.
    ///
    /// Not compiled for vector instructions: compilers would gather a row from the lanes of others, which takes
    /// longer.
    #[inline(never)]
    fn write(self, first: usize, rows: &[Numbers], out: &mut [MaybeUninit<T>]) {
        let num = rows.len();
        match self {
            Use::Values => rows_of_lanes(rows, out),
            Use::Weighted(s) => {
                for ((i, out), s) in out.chunks_exact_mut(num).enumerate().zip(&s[first..]) {
                    let s = s.to_f64();
                    for (value, row) in out.iter_mut().zip(rows) {
                        value.write(T::from_f64(s * row[i]));
                    }
                }
            }
            Use::Sums(z) => {
                let z = z[first * num..].chunks_exact(num);
                for ((i, sum), z) in out.iter_mut().enumerate().zip(z) {
                    let products = z.iter().zip(rows).map(|(z, row)| z.to_f64() * row[i]);
                    sum.write(T::from_f64(products.sum()));
                }
            }
        }
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
            Family::Bernstein if order < num => {
                let degree = num - 1 - order;
                table.binomials = bernstein::binomial_row(degree);
                // n (n - 1) ... (n - order + 1)
                table.factor = (degree + 1..num).map(|k| k as f64).product();
            }
            Family::Chebyshev => table.work = 2 * (order + 1),
            Family::Sinc | Family::SmoothWindow => {
                crate::scalar::check_order(order)?;
            }
            _ => {}
        }
        Ok(table)
    }

    /// Whether several arguments are evaluated together, as vector code.
    fn has_lanes(&self) -> bool {
        matches!(
            self.family,
            Family::Bernstein | Family::Chebyshev | Family::Gaussian
        )
    }

    /// The functions at some arguments; anything where those are not numbers.
    #[inline(always)]
    fn rows<A>(&self, t: &Numbers, rows: &mut [Numbers], space: &mut [Numbers])
    where
        A: Arithmetic<Block<f64> = Numbers>,
    {
        match self.family {
            Family::Bernstein => self.bernstein::<A>(t, rows),
            Family::Chebyshev => self.chebyshev::<A>(t, rows, space),
            Family::Gaussian => self.gaussian(t, rows),
            _ => self.one_by_one(t, rows),
        }
    }

    /// Families that are evaluated at one argument after the other.
    #[inline(never)]
    fn one_by_one(&self, t: &Numbers, rows: &mut [Numbers]) {
        let mut row = vec![0.0; self.num];
        for (i, &t) in t.iter().enumerate() {
            if t.is_nan() {
                continue;
            }
            match self.family {
                Family::Bernstein | Family::Chebyshev | Family::Gaussian => {}
                Family::Fourier => self.fourier(t, &mut row),
                Family::Sinc => self.sinc(t, &mut row),
                Family::RectangularWindow => self.rectangular_window(t, &mut row),
                Family::TriangularWindow => self.triangular_window(t, &mut row),
                Family::SmoothWindow => self.smooth_window(t, &mut row),
            }
            for (values, value) in rows.iter_mut().zip(&row) {
                values[i] = *value;
            }
        }
    }
}

#[cfg(test)]
mod tests;

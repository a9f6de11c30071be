//! Gathering rows by index, and reducing rows that share an index.
//!
//! The input of a gather and the output of a reduction are `num_rows` rows of `width` contiguous
//! values; the other side has one row per entry of the index list. Gather and sum are each
//! other's adjoint, so the derivatives of one are calls of the other. Every output row is reduced
//! by one thread in ascending order of its entries: results do not depend on the thread count.

use std::marker::PhantomData;
use std::sync::OnceLock;

use crate::csr::{Csr, PADDING};
use crate::error::check_len;
use crate::gather::gather;
use crate::lanes::dispatch;
use crate::reduce::{Max, Min, Reduce, Reduction, Sum};
use crate::{Error, Real, Result, par};

/// Values per task.
const TASK: usize = 1 << 14;

/// What one value costs, in multiply-adds of a kernel.
const WORK: usize = 8;

/// Element types of index operations: floating point numbers and integers.
pub trait Value: Copy + Send + Sync + PartialOrd + 'static {
    /// Zero.
    const ZERO: Self;
    /// The sum; integers wrap.
    #[must_use]
    fn plus(self, other: Self) -> Self;
}

impl<T: Real> Value for T {
    const ZERO: Self = T::ZERO;

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }
}

macro_rules! impl_value {
    ($($t:ty)*) => {$(
        impl Value for $t {
            const ZERO: Self = 0;

            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
        }
    )*};
}

impl_value!(u8 u32 i16 i32 i64);

/// The row that each entry of an index list points to.
#[derive(Debug, Clone)]
pub struct Segments {
    rows: Vec<u32>,
    num_rows: usize,
    groups: OnceLock<Csr>,
}

impl Segments {
    /// Checks the index list. An entry may be [`PADDING`]: gathers give zeros, reductions skip it.
    ///
    /// # Errors
    /// If an entry is out of range, or if there are 2^32 - 1 entries or rows, or more.
    pub fn new(rows: Vec<u32>, num_rows: usize) -> Result<Self> {
        for (argument, len) in [("rows", rows.len()), ("num_rows", num_rows)] {
            if len >= PADDING as usize {
                let expected = "fewer than 2^32 - 1";
                return Err(Error::argument(argument, expected, len.to_string()));
            }
        }
        if let Some(bad) = rows
            .iter()
            .find(|&&i| i != PADDING && i as usize >= num_rows)
        {
            let expected = format!("indices below {num_rows}");
            return Err(Error::argument("rows", expected, bad.to_string()));
        }
        Ok(Self {
            rows,
            num_rows,
            groups: OnceLock::new(),
        })
    }

    /// Number of entries, padding included.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Number of rows.
    pub fn num_rows(&self) -> usize {
        self.num_rows
    }

    /// The row of each entry, or [`PADDING`].
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    pub(crate) fn groups(&self) -> &Csr {
        self.groups
            .get_or_init(|| Csr::new(&self.rows, self.num_rows))
    }

    /// Copies row `rows[e]` of `x` to row `e` of the result; padding gives zeros.
    ///
    /// # Errors
    /// If `x` does not hold `num_rows * width` values.
    pub fn gather<T: Value>(&self, x: &[T], width: usize) -> Result<Vec<T>> {
        check_len("x", x.len(), self.num_rows * width)?;
        Ok(gather(&self.rows, x, width))
    }

    /// Sums the rows of `x` that point to the same row; rows without entries are zero.
    ///
    /// # Errors
    /// If `x` does not hold `len() * width` values.
    pub fn sum<T: Value>(&self, x: &[T], width: usize) -> Result<Vec<T>> {
        self.reduce::<T, Sum>(x, width, T::ZERO)
    }

    /// The largest of the values that point to the same row, and `initial`. NaN propagates.
    ///
    /// # Errors
    /// If `x` does not hold `len() * width` values.
    pub fn max<T: Value>(&self, x: &[T], width: usize, initial: T) -> Result<Vec<T>> {
        self.reduce::<T, Max>(x, width, initial)
    }

    /// The smallest of the values that point to the same row, and `initial`. NaN propagates.
    ///
    /// # Errors
    /// If `x` does not hold `len() * width` values.
    pub fn min<T: Value>(&self, x: &[T], width: usize, initial: T) -> Result<Vec<T>> {
        self.reduce::<T, Min>(x, width, initial)
    }

    fn reduce<T: Value, R: Reduction>(&self, x: &[T], width: usize, initial: T) -> Result<Vec<T>> {
        check_len("x", x.len(), self.rows.len() * width)?;
        let mut out = vec![initial; self.num_rows * width];
        let groups = self.groups();
        let work = x.len().div_ceil(self.num_rows.max(1)).max(width);
        for_blocks(&mut out, width, work, |first, out| {
            dispatch(Reduce {
                groups,
                first,
                x,
                width,
                out,
                reduction: PhantomData::<R>,
            });
        });
        Ok(out)
    }

    /// Derivative of [`Segments::max`] or [`Segments::min`] with the result `extreme`: entries
    /// that equal the extreme share it evenly, all others have zero.
    ///
    /// # Errors
    /// If `x` does not hold `len() * width` values or `extreme` not `num_rows() * width`.
    pub fn shares<T: Real>(&self, x: &[T], extreme: &[T], width: usize) -> Result<Vec<T>> {
        check_len("extreme", extreme.len(), self.num_rows * width)?;
        let at_extreme = self.gather(extreme, width)?;
        check_len("x", x.len(), at_extreme.len())?;
        let one_if_equal = |(&x, &m): (&T, &T)| if x == m { T::ONE } else { T::ZERO };
        let mut ties: Vec<T> = x.iter().zip(&at_extreme).map(one_if_equal).collect();
        if width > 0 {
            for (tie, _) in ties
                .chunks_exact_mut(width)
                .zip(&self.rows)
                .filter(|&(_, &row)| row == PADDING)
            {
                tie.fill(T::ZERO);
            }
        }
        let counts = self.gather(&self.sum(&ties, width)?, width)?;
        for ((tie, count), m) in ties.iter_mut().zip(counts).zip(at_extreme) {
            if count > T::ONE {
                *tie = *tie / count;
            } else if m.partial_cmp(&m).is_none() {
                *tie = m; // The result is not a number, and so is its derivative.
            }
        }
        Ok(ties)
    }
}

/// Calls `f` with blocks of whole rows of `out` and the number of their first row, in parallel if
/// there is enough work; `work` is the number of values behind one row.
fn for_blocks<T: Value>(
    out: &mut [T],
    width: usize,
    work: usize,
    f: impl Fn(usize, &mut [T]) + Send + Sync,
) {
    if out.is_empty() {
        return;
    }
    let block = TASK.div_ceil(work.max(1));
    let total = out.len() / width * work * WORK;
    par::for_each_chunk(out, block * width, total, |task, chunk| {
        f(task * block, chunk);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lists() -> impl Strategy<Value = (Vec<u32>, usize)> {
        (1usize..6).prop_flat_map(|n| {
            let row = prop_oneof![4 => 0..n as u32, 1 => Just(PADDING)];
            (prop::collection::vec(row, 0..40), Just(n))
        })
    }

    proptest! {
        #[test]
        fn reductions_match_loops(
            (rows, n) in lists(),
            width in prop_oneof![1usize..4, Just(16), Just(53)],
            sorted: bool,
        ) {
            let mut rows = rows;
            if sorted {
                rows.sort_unstable();
            }
            let x: Vec<f64> = (0..rows.len() * width).map(|i| ((i * 37) % 11) as f64 - 5.0).collect();
            let segments = Segments::new(rows.clone(), n)?;
            let (mut sum, mut max) = (vec![0.0; n * width], vec![f64::NEG_INFINITY; n * width]);
            for (e, &row) in rows.iter().enumerate().filter(|&(_, &row)| row != PADDING) {
                for c in 0..width {
                    sum[row as usize * width + c] += x[e * width + c];
                    let m = &mut max[row as usize * width + c];
                    *m = m.max(x[e * width + c]);
                }
            }
            prop_assert_eq!(segments.sum(&x, width)?, sum);
            prop_assert_eq!(&segments.max(&x, width, f64::NEG_INFINITY)?, &max);
            let negative: Vec<f64> = x.iter().map(|v| -v).collect();
            let min = segments.min(&negative, width, f64::INFINITY)?;
            prop_assert!(min.iter().zip(&max).all(|(a, b)| *a == -b));
            // The shares of each row with entries add up to one.
            let total = segments.sum(&segments.shares(&x, &max, width)?, width)?;
            for (t, m) in total.iter().zip(&max) {
                prop_assert!((t - f64::from(u8::from(m.is_finite()))).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn large_lists_match_small_ones() -> Result<()> {
        let (n, width) = (1000, 7);
        let rows: Vec<u32> = (0..30_000u32).map(|e| (e * 7919) % n).collect();
        let x: Vec<i64> = (0..rows.len() as i64 * width).map(|i| i % 1013).collect();
        let segments = Segments::new(rows.clone(), n as usize)?;
        let mut expected = vec![0; n as usize * width as usize];
        for (e, &row) in rows.iter().enumerate() {
            for c in 0..width as usize {
                expected[row as usize * width as usize + c] += x[e * width as usize + c];
            }
        }
        let sum = segments.sum(&x, width as usize)?;
        assert_eq!(sum, expected);
        let gathered = segments.gather(&sum, width as usize)?;
        for (row, chunk) in rows.iter().zip(gathered.chunks_exact(width as usize)) {
            assert_eq!(
                chunk,
                &sum[*row as usize * width as usize..][..width as usize]
            );
        }
        Ok(())
    }

    #[test]
    fn not_a_number_is_the_extreme() -> Result<()> {
        for rows in [vec![0, 0, 0, 1], vec![1, 0, 0, 0]] {
            let segments = Segments::new(rows.clone(), 2)?;
            for width in [1, 3, 32, 51] {
                for e in 0..4 {
                    let mut x = vec![1.0; 4 * width];
                    x[(e + 1) * width - 1] = f32::NAN;
                    let row = rows[e] as usize;
                    for y in [segments.max(&x, width, 0.0)?, segments.min(&x, width, 2.0)?] {
                        let place = (row + 1) * width - 1;
                        assert!(
                            y.iter()
                                .enumerate()
                                .all(|(i, y)| y.is_nan() == (i == place))
                        );
                    }
                }
            }
        }
        Ok(())
    }

    #[test]
    fn empty_sizes_work() -> Result<()> {
        let segments = Segments::new(vec![], 0)?;
        assert!(segments.sum::<f32>(&[], 3)?.is_empty());
        let segments = Segments::new(vec![0, PADDING], 2)?;
        assert!(segments.gather::<f32>(&[], 0)?.is_empty());
        assert!(segments.shares::<f32>(&[], &[], 0)?.is_empty());
        assert!(segments.gather(&[1.0], 1).is_err());
        assert!(Segments::new(vec![2], 2).is_err());
        Ok(())
    }
}

//! Softmax over the entries of a list that point to the same row.

mod sorted;

use std::ops::Range;

use pulp::NullaryFnOnce;

use self::sorted::Sorted;

use crate::csr::{Csr, PADDING};
use crate::error::check_len;
use crate::lanes::dispatch;
use crate::par::for_each_chunk;
use crate::{Real, Result, Segments};

/// Numbers per task.
const TASK: usize = 1 << 14;
/// What an exponential costs beside a multiply-add.
const COST: usize = 8;

/// The softmax of entries without the weights of its numerator:
///
/// ```text
/// u[e] = exp(x[e] - m[i]) / sum over e' -> i of w[e'] exp(x[e'] - m[i])       e -> i
/// m[i] = max(initial, x[e'] for e' -> i)
/// ```
///
/// `x`, `weights` (ones if there are none) and the result hold `width` values per entry. Maxima and
/// sums leave out entries that are [`PADDING`] in `segments`; their own result is that of the row
/// that `all` has for them, and zero if that is padding too. Where a sum is zero, so are the
/// results. They are finite if `x` and `weights` are.
///
/// If `segments` is sorted and `all` differs from it in its padding only, every exponential is
/// evaluated once, and what belongs to a row is dealt with while it is in the first cache.
///
/// ```
/// use e3x_kernels::{Segments, softmax::softmax};
/// let list = Segments::new(vec![0, 0, 1], 2).unwrap();
/// let u = softmax(&list, &list, &[1000.0, 1000.0, -5.0], None, 1, f64::MIN).unwrap();
/// assert_eq!(u, [0.5, 0.5, 1.0]);
/// ```
///
/// # Errors
/// If the lists or slices do not fit together.
pub fn softmax<T: Real>(
    segments: &Segments,
    all: &Segments,
    x: &[T],
    weights: Option<&[T]>,
    width: usize,
    initial: T,
) -> Result<Vec<T>> {
    check_len("all", all.len(), segments.len())?;
    check_len("x", x.len(), segments.len() * width)?;
    check_len("weights", weights.map_or(x.len(), <[T]>::len), x.len())?;
    if all.num_rows() > segments.num_rows() {
        check_len("all", all.num_rows(), segments.num_rows())?;
    }
    if x.is_empty() {
        return Ok(vec![]);
    }
    let numbers = Numbers {
        x,
        weights,
        width,
        initial,
    };
    match Sorted::new(segments, all) {
        Some(sorted) => Ok(sorted.softmax(numbers)),
        None => unsorted(segments, all, numbers),
    }
}

/// What a softmax is computed from, for some entries.
#[derive(Clone, Copy)]
struct Numbers<'a, T> {
    x: &'a [T],
    weights: Option<&'a [T]>,
    width: usize,
    initial: T,
}

impl<T> Numbers<'_, T> {
    /// Those of some of the entries.
    #[inline(always)]
    fn of(self, entries: Range<usize>) -> Self {
        let range = entries.start * self.width..entries.end * self.width;
        Self {
            x: &self.x[range.clone()],
            weights: match self.weights {
                Some(weights) => Some(&weights[range]),
                None => None,
            },
            ..self
        }
    }
}

/// Maxima of all rows, then their sums, then the results of all entries.
fn unsorted<T: Real>(
    segments: &Segments,
    all: &Segments,
    numbers: Numbers<'_, T>,
) -> Result<Vec<T>> {
    let Numbers {
        x,
        weights,
        width,
        initial,
    } = numbers;
    let maxima = segments.max(x, width, initial)?;
    let factors = factors(segments, x, weights, width, &maxima);
    let mut out = vec![T::ZERO; x.len()];
    let entries = TASK.div_ceil(width);
    for_each_chunk(&mut out, entries * width, COST * x.len(), |task, out| {
        let first = task * entries;
        let rows = &all.rows()[first..];
        let x = &x[first * width..];
        dispatch(Quotients {
            rows,
            x,
            width,
            maxima: &maxima,
            factors: &factors,
            out,
        });
    });
    Ok(out)
}

/// The reciprocals of the sums, zero where a sum is zero.
fn factors<T: Real>(
    segments: &Segments,
    x: &[T],
    weights: Option<&[T]>,
    width: usize,
    maxima: &[T],
) -> Vec<T> {
    let mut out = vec![T::ZERO; maxima.len()];
    let rows = (TASK * segments.num_rows()).div_ceil(x.len()).max(1);
    for_each_chunk(&mut out, rows * width, COST * x.len(), |task, out| {
        dispatch(Factors {
            groups: segments.groups(),
            first: task * rows,
            x,
            weights,
            width,
            maxima,
            out,
        });
    });
    out
}

#[inline(always)]
fn add_exponentials<T: Real>(x: &[T], maxima: &[T], sums: &mut [T]) {
    for ((&x, &m), sum) in x.iter().zip(maxima).zip(sums) {
        *sum += (x - m).exp_lane();
    }
}

#[inline(always)]
fn add_weighted<T: Real>(x: &[T], weights: &[T], maxima: &[T], sums: &mut [T]) {
    for (((&x, &w), &m), sum) in x.iter().zip(weights).zip(maxima).zip(sums) {
        *sum += w * (x - m).exp_lane();
    }
}

/// Reciprocals, zero where a sum is zero.
#[inline(always)]
fn invert<T: Real>(sums: &mut [T]) {
    for sum in sums {
        *sum = if *sum == T::ZERO {
            T::ZERO
        } else {
            T::ONE / *sum
        };
    }
}

/// The sums of some rows, then their reciprocals.
struct Factors<'a, T> {
    groups: &'a Csr,
    /// The first row.
    first: usize,
    x: &'a [T],
    weights: Option<&'a [T]>,
    width: usize,
    maxima: &'a [T],
    out: &'a mut [T],
}

impl<T: Real> NullaryFnOnce for Factors<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let width = self.width;
        for (i, out) in self.out.chunks_exact_mut(width).enumerate() {
            let row = self.first + i;
            let maxima = &self.maxima[row * width..][..width];
            for position in self.groups.range(row) {
                let entry = self.groups.entry(position) * width;
                let x = &self.x[entry..][..width];
                match self.weights {
                    Some(weights) => {
                        add_weighted(x, &weights[entry..][..width], maxima, out);
                    }
                    None => add_exponentials(x, maxima, out),
                }
            }
            invert(out);
        }
    }
}

/// The results of some entries.
struct Quotients<'a, T> {
    rows: &'a [u32],
    x: &'a [T],
    width: usize,
    maxima: &'a [T],
    factors: &'a [T],
    out: &'a mut [T],
}

impl<T: Real> NullaryFnOnce for Quotients<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let width = self.width;
        let entries = self
            .x
            .chunks_exact(width)
            .zip(self.out.chunks_exact_mut(width));
        for ((x, out), &row) in entries.zip(self.rows) {
            if row == PADDING {
                continue;
            }
            let place = row as usize * width;
            let (maxima, factors) = (
                &self.maxima[place..][..width],
                &self.factors[place..][..width],
            );
            for (((out, &x), &m), &factor) in out.iter_mut().zip(x).zip(maxima).zip(factors) {
                *out = (x - m).exp_lane() * factor;
            }
        }
    }
}

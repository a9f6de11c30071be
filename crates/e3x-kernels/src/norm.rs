//! Norms and directions of rows, without overflow and underflow on the way.
//!
//! With n the norm of a row x and u = x / n, the directional derivative of u along h is the
//! projection `(h - u (u h)) / n`. Rows whose squared norm is not a normal number are *small*: what
//! becomes of them is a choice.

use crate::error::check_len;
use crate::lanes::{LANES, Lanes, sum, vectorized};
use crate::par::for_each_chunk;
use crate::{Real, Result};

/// Numbers per task.
const TASK: usize = 1 << 14;

/// What becomes of a small row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Small {
    /// Divided by its norm all the same, if that is not zero; derivative as for `Keep`.
    Divide,
    /// Left as it is; the derivative is the identity.
    Keep,
    /// Replaced by zero; the derivative is zero.
    Zero,
}

/// The norm of each row of `width` numbers.
///
/// ```
/// assert_eq!(e3x_kernels::norm::norms(&[3.0, 4.0, 0.0, 0.0], 2).unwrap(), [5.0, 0.0]);
/// ```
///
/// # Errors
/// If `x` is not a whole number of rows.
pub fn norms<T: Real>(x: &[T], width: usize) -> Result<Vec<T>> {
    let mut out = vec![T::ZERO; num_rows(x, width)?];
    for_each_chunk(&mut out, rows_per_task(width), x.len(), |task, out| {
        let x = &x[task * rows_per_task(width) * width..];
        vectorized(|| norms_of_rows(x, width, out));
    });
    Ok(out)
}

/// The reciprocals of [`norms`], zero for small rows.
///
/// ```
/// assert_eq!(e3x_kernels::norm::inverse_norms(&[0.0, 4.0, 0.0, 0.0], 2).unwrap(), [0.25, 0.0]);
/// ```
///
/// # Errors
/// As [`norms`].
pub fn inverse_norms<T: Real>(x: &[T], width: usize) -> Result<Vec<T>> {
    let mut out = norms(x, width)?;
    for norm in &mut out {
        *norm = if is_small(*norm) {
            T::ZERO
        } else {
            T::ONE / *norm
        };
    }
    Ok(out)
}

/// Each row of `width` numbers divided by its norm.
///
/// ```
/// use e3x_kernels::norm::{Small, units};
/// assert_eq!(units(&[3.0, 4.0, 0.0, 0.0], 2, Small::Keep).unwrap(), [0.6, 0.8, 0.0, 0.0]);
/// ```
///
/// # Errors
/// As [`norms`].
pub fn units<T: Real>(x: &[T], width: usize, small: Small) -> Result<Vec<T>> {
    if num_rows(x, width)? == 0 {
        return Ok(vec![]);
    }
    let mut out = vec![T::ZERO; x.len()];
    let chunk = rows_per_task(width) * width;
    for_each_chunk(&mut out, chunk, x.len(), |task, out| {
        let x = &x[task * chunk..][..out.len()];
        vectorized(|| units_of_rows(x, width, small, out));
    });
    Ok(out)
}

/// The derivatives of [`units`] along the rows of `h`.
///
/// ```
/// use e3x_kernels::norm::{Small, unit_tangents};
/// let (x, h) = ([0.0, 2.0], [1.0, 1.0]);
/// assert_eq!(unit_tangents(&x, &h, 2, Small::Keep).unwrap(), [0.5, 0.0]);
/// ```
///
/// # Errors
/// As [`norms`], or if `h` has another length than `x`.
pub fn unit_tangents<T: Real>(x: &[T], h: &[T], width: usize, small: Small) -> Result<Vec<T>> {
    check_len("h", h.len(), x.len())?;
    if num_rows(x, width)? == 0 {
        return Ok(vec![]);
    }
    let mut out = vec![T::ZERO; x.len()];
    let chunk = rows_per_task(width) * width;
    for_each_chunk(&mut out, chunk, 2 * x.len(), |task, out| {
        let range = task * chunk..task * chunk + out.len();
        vectorized(|| tangents_of_rows(&x[range.clone()], &h[range], width, small, out));
    });
    Ok(out)
}

fn num_rows<T>(x: &[T], width: usize) -> Result<usize> {
    let rows = x.len().checked_div(width).unwrap_or(0);
    check_len("x", x.len(), rows * width)?;
    Ok(rows)
}

fn rows_per_task(width: usize) -> usize {
    TASK.div_ceil(width.max(1))
}

#[inline(always)]
fn norms_of_rows<T: Real>(x: &[T], width: usize, out: &mut [T]) {
    if width == 3 {
        // A constant width lets the compiler unroll the common case.
        for (row, out) in x.as_chunks::<3>().0.iter().zip(out) {
            *out = norm_of(row);
        }
        return;
    }
    for (row, out) in x.chunks_exact(width).zip(out) {
        *out = norm_of(row);
    }
}

#[inline(always)]
fn units_of_rows<T: Real>(x: &[T], width: usize, small: Small, out: &mut [T]) {
    if width == 3 {
        let rows = x.as_chunks::<3>().0.iter();
        for (row, out) in rows.zip(out.as_chunks_mut::<3>().0) {
            unit_of(row, small, out);
        }
        return;
    }
    for (row, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        unit_of(row, small, out);
    }
}

#[inline(always)]
fn unit_of<T: Real>(row: &[T], small: Small, out: &mut [T]) {
    let norm = norm_of(row);
    if !is_small(norm) || (small == Small::Divide && norm > T::ZERO) {
        for (out, &x) in out.iter_mut().zip(row) {
            *out = x / norm;
        }
    } else if small == Small::Zero {
        out.fill(T::ZERO);
    } else {
        out.copy_from_slice(row);
    }
}

#[inline(always)]
fn tangents_of_rows<T: Real>(x: &[T], h: &[T], width: usize, small: Small, out: &mut [T]) {
    let rows = x.chunks_exact(width).zip(h.chunks_exact(width));
    for ((x, h), out) in rows.zip(out.chunks_exact_mut(width)) {
        let norm = norm_of(x);
        if !is_small(norm) {
            let mut dot = T::ZERO;
            for (&x, &h) in x.iter().zip(h) {
                dot += x / norm * h;
            }
            for ((out, &x), &h) in out.iter_mut().zip(x).zip(h) {
                *out = (h - x / norm * dot) / norm;
            }
        } else if small == Small::Zero {
            out.fill(T::ZERO);
        } else {
            out.copy_from_slice(h);
        }
    }
}

/// The norm of a row.
#[inline(always)]
fn norm_of<T: Real>(row: &[T]) -> T {
    let square = square_of(row);
    // Above this, parts that underflowed do not count.
    let safe = T::TINY * T::of((1u64 << 60) as f64);
    if square >= safe && square * T::ZERO == T::ZERO {
        return square.sqrt();
    }
    scaled_norm(row, square)
}

/// The squared norm: a sum over lanes, then over the lanes.
#[inline(always)]
fn square_of<T: Real>(row: &[T]) -> T {
    let (blocks, rest) = row.as_chunks::<LANES>();
    let mut total = T::ZERO;
    if !blocks.is_empty() {
        let mut squares = Lanes::zero();
        for block in blocks {
            for lane in 0..LANES {
                squares[lane] += block[lane] * block[lane];
            }
        }
        total = sum(&squares);
    }
    for &x in rest {
        total += x * x;
    }
    total
}

/// The norm of a row whose squares overflow or vanish.
#[cold]
fn scaled_norm<T: Real>(row: &[T], square: T) -> T {
    let max = row.iter().fold(T::ZERO, |m, &v| m.max(v.abs()));
    if max > T::ZERO && max * T::ZERO != T::ZERO {
        return square; // infinite, or not a number
    }
    let scale = max.max(T::TINY);
    let square = row
        .iter()
        .fold(T::ZERO, |s, &v| s + (v / scale) * (v / scale));
    scale * square.sqrt()
}

/// Whether derivatives at a row of this norm are those at zero.
#[inline(always)]
fn is_small<T: Real>(norm: T) -> bool {
    norm * norm <= T::TINY
}

//! Norms and directions of rows, without overflow and underflow on the way.
//!
//! With n the norm of a row x and u = x / n, the directional derivative of u along h is the
//! projection `(h - u (u h)) / n`. Rows whose squared norm is not a normal number are *small*: what
//! becomes of them is a choice.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use pulp::NullaryFnOnce;

use crate::arithmetic::{Arithmetic, with_arithmetic};
use crate::error::check_len;
use crate::lanes::{LANES, Lanes, dispatch, sum};
use crate::par::{even_ends, filled, for_each_chunk};
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
        with_arithmetic!(A => dispatch(Norms {
            arithmetic: PhantomData::<A>,
            x,
            width,
            out,
        }));
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
    let chunk = rows_per_task(width) * width;
    // SAFETY: each part has as many whole rows as its part of `x`, and all of their numbers are
    // written.
    Ok(unsafe {
        filled(&even_ends(x.len(), chunk), x.len(), |task, out| {
            let x = &x[task * chunk..][..out.len()];
            with_arithmetic!(A => dispatch(Units {
                arithmetic: PhantomData::<A>,
                x,
                width,
                small,
                out,
            }));
        })
    })
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
    let chunk = rows_per_task(width) * width;
    // SAFETY: as above.
    Ok(unsafe {
        filled(&even_ends(x.len(), chunk), 2 * x.len(), |task, out| {
            let range = task * chunk..task * chunk + out.len();
            let (x, h) = (&x[range.clone()], &h[range]);
            with_arithmetic!(A => A::vectorized(|| {
                tangents_of_rows::<T, A>(x, h, width, small, out);
            }));
        })
    })
}

fn num_rows<T>(x: &[T], width: usize) -> Result<usize> {
    let rows = x.len().checked_div(width).unwrap_or(0);
    check_len("x", x.len(), rows * width)?;
    Ok(rows)
}

fn rows_per_task(width: usize) -> usize {
    TASK.div_ceil(width.max(1))
}

/// The [`norms`] of some rows.
struct Norms<'a, T, A> {
    arithmetic: PhantomData<A>,
    x: &'a [T],
    width: usize,
    out: &'a mut [T],
}

impl<T: Real, A: Arithmetic<Block<T> = Lanes<T>>> NullaryFnOnce for Norms<'_, T, A> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        if self.width == 3 {
            // A constant width lets the compiler unroll the common case.
            for (row, out) in self.x.as_chunks::<3>().0.iter().zip(self.out) {
                *out = norm_of::<T, A>(row);
            }
            return;
        }
        let groups = self.x.chunks(LANES * self.width);
        for (rows, out) in groups.zip(self.out.chunks_mut(LANES)) {
            let norms = norms_of::<T, A>(rows, self.width);
            out.copy_from_slice(&norms[..out.len()]);
        }
    }
}

/// The [`units`] of some rows.
struct Units<'a, T, A> {
    arithmetic: PhantomData<A>,
    x: &'a [T],
    width: usize,
    small: Small,
    out: &'a mut [MaybeUninit<T>],
}

impl<T: Real, A: Arithmetic<Block<T> = Lanes<T>>> NullaryFnOnce for Units<'_, T, A> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            x,
            width,
            small,
            out,
            ..
        } = self;
        if width == 3 {
            // A constant width lets the compiler unroll the common case.
            let rows = x.as_chunks::<3>().0.iter();
            for (row, out) in rows.zip(out.as_chunks_mut::<3>().0) {
                let norm = norm_of::<T, A>(row);
                unit_of(row, &Quotients::by(norm), small, out);
            }
            return;
        }
        let size = LANES * width;
        for (rows, out) in x.chunks(size).zip(out.chunks_mut(size)) {
            let norms = norms_of::<T, A>(rows, width);
            let mut reciprocals = norms;
            for f in 0..LANES {
                reciprocals[f] = T::ONE / norms[f];
            }
            let rows = rows.chunks_exact(width).zip(out.chunks_exact_mut(width));
            for (f, (row, out)) in rows.enumerate() {
                let quotients = Quotients {
                    divisor: norms[f],
                    reciprocal: reciprocals[f],
                };
                unit_of(row, &quotients, small, out);
            }
        }
    }
}

/// A row divided by its norm.
#[inline(always)]
fn unit_of<T: Real>(row: &[T], quotients: &Quotients<T>, small: Small, out: &mut [MaybeUninit<T>]) {
    let norm = quotients.divisor;
    if !is_small(norm) && norm <= T::ONE / T::TINY {
        let (blocks, rest) = row.as_chunks::<LANES>();
        let (out_blocks, out_rest) = out.as_chunks_mut::<LANES>();
        for (out, block) in out_blocks.iter_mut().zip(blocks) {
            let mut lanes = *block;
            for lane in &mut lanes {
                *lane = quotients.of(*lane);
            }
            out.write_copy_of_slice(&lanes);
        }
        for (out, &x) in out_rest.iter_mut().zip(rest) {
            out.write(quotients.of(x));
        }
    } else if !is_small(norm) || (small == Small::Divide && norm > T::ZERO) {
        for (out, &x) in out.iter_mut().zip(row) {
            out.write(x / norm);
        }
    } else if small == Small::Zero {
        for out in out {
            out.write(T::ZERO);
        }
    } else {
        out.write_copy_of_slice(row);
    }
}

#[inline(always)]
fn tangents_of_rows<T: Real, A: Arithmetic<Block<T> = Lanes<T>>>(
    x: &[T],
    h: &[T],
    width: usize,
    small: Small,
    out: &mut [MaybeUninit<T>],
) {
    let rows = x.chunks_exact(width).zip(h.chunks_exact(width));
    for ((x, h), out) in rows.zip(out.chunks_exact_mut(width)) {
        let norm = norm_of::<T, A>(x);
        if !is_small(norm) {
            let mut dot = T::ZERO;
            for (&x, &h) in x.iter().zip(h) {
                dot += x / norm * h;
            }
            for ((out, &x), &h) in out.iter_mut().zip(x).zip(h) {
                out.write((h - x / norm * dot) / norm);
            }
        } else if small == Small::Zero {
            for out in out {
                out.write(T::ZERO);
            }
        } else {
            out.write_copy_of_slice(h);
        }
    }
}

/// The norms of up to [`LANES`] rows: their roots at once.
#[inline(always)]
fn norms_of<T: Real, A: Arithmetic<Block<T> = Lanes<T>>>(rows: &[T], width: usize) -> Lanes<T> {
    let mut squares = Lanes([T::ONE; LANES]);
    for (square, row) in squares.iter_mut().zip(rows.chunks_exact(width)) {
        *square = square_of::<T, A>(row);
    }
    let (mut norms, mut are_safe) = (squares, true);
    for f in 0..LANES {
        norms[f] = squares[f].sqrt();
        are_safe &= is_safe(squares[f]);
    }
    if !are_safe {
        for (f, row) in rows.chunks_exact(width).enumerate() {
            if !is_safe(squares[f]) {
                norms[f] = scaled_norm(row, squares[f]);
            }
        }
    }
    norms
}

/// The norm of a row.
#[inline(always)]
fn norm_of<T: Real, A: Arithmetic<Block<T> = Lanes<T>>>(row: &[T]) -> T {
    let square = square_of::<T, A>(row);
    if is_safe(square) {
        return square.sqrt();
    }
    scaled_norm(row, square)
}

/// Whether a sum of squares neither overflowed nor lost parts that count.
#[inline(always)]
fn is_safe<T: Real>(square: T) -> bool {
    // Above this, parts that underflowed do not count.
    let safe = T::TINY * T::of((1u64 << 60) as f64);
    square >= safe && square * T::ZERO == T::ZERO
}

/// The squared norm: a sum over lanes, then over the lanes.
#[inline(always)]
fn square_of<T: Real, A: Arithmetic<Block<T> = Lanes<T>>>(row: &[T]) -> T {
    let (blocks, rest) = row.as_chunks::<LANES>();
    let mut total = T::ZERO;
    if !blocks.is_empty() {
        let mut squares = Lanes::zero();
        for block in blocks {
            let block = Lanes(*block);
            A::accumulate::<T>(&mut squares, &block, &block);
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

/// Quotients with the same divisor, rounded as by divisions, but several times as fast: by its
/// reciprocal and a correction (Markstein, "IA-64 and Elementary Functions", chapter 8). The divisor
/// and its reciprocal must be normal numbers; where the quotient is none, its last bit may differ.
struct Quotients<T> {
    divisor: T,
    reciprocal: T,
}

impl<T: Real> Quotients<T> {
    #[inline(always)]
    fn by(divisor: T) -> Self {
        Self {
            divisor,
            reciprocal: T::ONE / divisor,
        }
    }

    #[inline(always)]
    fn of(&self, x: T) -> T {
        let estimate = x * self.reciprocal;
        let rest = (-estimate).mul_add(self.divisor, x);
        rest.mul_add(self.reciprocal, estimate)
    }
}

/// Whether derivatives at a row of this norm are those at zero.
#[inline(always)]
fn is_small<T: Real>(norm: T) -> bool {
    norm * norm <= T::TINY
}

//! Features into the frame of an edge and back.
//!
//! The functions that other files call are compiled on their own, for vector instructions, and not
//! inlined: they are called from many places, and code for all degrees is long.

use super::frames::frame_len;
use super::plan::{Irrep, Side};
use crate::Real;
use crate::lanes::{self, Arithmetic, LANES, Lanes};

/// The rows of the frame that an irrep uses: `2 reach + 1` rows of `2 l + 1` numbers.
#[inline(always)]
pub(super) fn rows_of<'a, T>(frame: &'a [T], irrep: &Irrep) -> &'a [T] {
    let width = 2 * irrep.degree + 1;
    let start = first_of(irrep);
    &frame[start..start + (2 * irrep.reach + 1) * width]
}

/// Where they start.
#[inline(always)]
pub(super) fn first_of(irrep: &Irrep) -> usize {
    let width = 2 * irrep.degree + 1;
    irrep.degree.checked_sub(1).map_or(0, frame_len) + (irrep.degree - irrep.reach) * width
}

/// Runs `$call` with `$n` known at compile time for small degrees.
macro_rules! unrolled {
    ($degree:expr, $n:ident => $call:expr) => {
        match $degree {
            0 => {
                let $n = 1;
                $call
            }
            1 => {
                let $n = 3;
                $call
            }
            2 => {
                let $n = 5;
                $call
            }
            3 => {
                let $n = 7;
                $call
            }
            degree => {
                let $n = 2 * degree + 1;
                $call
            }
        }
    };
}

/// `local += D x` for all irreps; `x` are the rows of one node, `local` those in the frame.
#[inline(never)]
pub(super) fn into_frame<A: Arithmetic, T: Real>(
    side: &Side,
    frame: &[T],
    x: &[Lanes<T>],
    local: &mut [Lanes<T>],
) {
    A::vectorized(
        #[inline(always)]
        || {
            for irrep in &side.irreps {
                let local = &mut local[irrep.center - irrep.reach..=irrep.center + irrep.reach];
                let (matrix, x) = (rows_of(frame, irrep), &x[irrep.row..]);
                unrolled!(irrep.degree, n => multiply::<A, T>(n, matrix, x, local));
            }
        },
    );
}

#[inline(always)]
fn multiply<A: Arithmetic, T: Real>(
    n: usize,
    matrix: &[T],
    x: &[Lanes<T>],
    local: &mut [Lanes<T>],
) {
    let x = &x[..n];
    for (row, local) in matrix.chunks_exact(n).zip(local) {
        let mut acc = *local;
        for j in 0..n {
            lanes::accumulate_scaled::<A, T>(&mut acc, row[j], &x[j]);
        }
        *local = acc;
    }
}

/// `x += D^T local` for all irreps.
#[inline(never)]
pub(super) fn out_of_frame<A: Arithmetic, T: Real>(
    side: &Side,
    frame: &[T],
    local: &[Lanes<T>],
    x: &mut [Lanes<T>],
) {
    A::vectorized(
        #[inline(always)]
        || {
            for irrep in &side.irreps {
                let local = &local[irrep.center - irrep.reach..=irrep.center + irrep.reach];
                let (matrix, x) = (rows_of(frame, irrep), &mut x[irrep.row..]);
                unrolled!(irrep.degree, n => multiply_transposed::<A, T>(n, matrix, local, x));
            }
        },
    );
}

#[inline(always)]
fn multiply_transposed<A: Arithmetic, T: Real>(
    n: usize,
    matrix: &[T],
    local: &[Lanes<T>],
    x: &mut [Lanes<T>],
) {
    let x = &mut x[..n];
    for j in 0..n {
        let mut acc = x[j];
        for (m, local) in local.iter().enumerate() {
            lanes::accumulate_scaled::<A, T>(&mut acc, matrix[m * n + j], local);
        }
        x[j] = acc;
    }
}

/// `gradient += sum over features of local x^T`, for all irreps: what `D` gets from `local · D x`.
/// `local` and `x` hold `blocks` blocks of rows.
#[inline(never)]
pub(super) fn outer_product<A: Arithmetic, T: Real>(
    side: &Side,
    blocks: usize,
    local: &[Lanes<T>],
    x: &[Lanes<T>],
    gradient: &mut [T],
) {
    A::vectorized(
        #[inline(always)]
        || {
            for irrep in &side.irreps {
                let width = 2 * irrep.degree + 1;
                let start = first_of(irrep);
                for m in 0..2 * irrep.reach + 1 {
                    let row = irrep.center - irrep.reach + m;
                    let gradient = &mut gradient[start + m * width..start + (m + 1) * width];
                    unrolled!(irrep.degree, n => dot_products::<A, T>(
                        n,
                        blocks,
                        (&local[row..], side.local_rows),
                        (&x[irrep.row..], side.rows),
                        gradient,
                    ));
                }
            }
        },
    );
}

#[inline(always)]
fn dot_products<A: Arithmetic, T: Real>(
    n: usize,
    blocks: usize,
    (local, local_stride): (&[Lanes<T>], usize),
    (x, stride): (&[Lanes<T>], usize),
    gradient: &mut [T],
) {
    for j in 0..n {
        let mut acc = [T::ZERO; LANES];
        for block in 0..blocks {
            lanes::accumulate::<A, T>(
                &mut acc,
                &local[block * local_stride],
                &x[block * stride + j],
            );
        }
        gradient[j] += lanes::sum(&acc);
    }
}

//! Features into the frame of an edge and back.
//!
//! The functions that other files call are compiled on their own, for vector instructions, and not
//! inlined: they are called from many places, and code for all degrees is long.

use super::frames::frame_len;
use super::plan::{Irrep, Side};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::lanes::{self, Lanes};

/// Where the rows of the frame that an irrep uses start: `2 reach + 1` rows of `2 l + 1` numbers.
#[inline(always)]
fn first_of(irrep: &Irrep) -> usize {
    let width = 2 * irrep.degree + 1;
    irrep.degree.checked_sub(1).map_or(0, frame_len) + (irrep.degree - irrep.reach) * width
}

/// Calls `$function(n, rows, ...)`, with the sizes of the matrix known at compile time if it is that
/// of a small degree and complete.
macro_rules! for_degree {
    ($irrep:expr, $function:ident($($arg:expr),*)) => {
        match ($irrep.degree, $irrep.reach) {
            (0, 0) => $function::<A, T>(1, 1, $($arg),*),
            (1, 0) => $function::<A, T>(3, 1, $($arg),*),
            (1, 1) => $function::<A, T>(3, 3, $($arg),*),
            (2, 0) => $function::<A, T>(5, 1, $($arg),*),
            (2, 2) => $function::<A, T>(5, 5, $($arg),*),
            (3, 3) => $function::<A, T>(7, 7, $($arg),*),
            (l, reach) => $function::<A, T>(2 * l + 1, 2 * reach + 1, $($arg),*),
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
                let (matrix, x) = (&frame[first_of(irrep)..], &x[irrep.row..]);
                for_degree!(irrep, multiply(matrix, x, local));
            }
        },
    );
}

#[inline(always)]
fn multiply<A: Arithmetic, T: Real>(
    n: usize,
    rows: usize,
    matrix: &[T],
    x: &[Lanes<T>],
    local: &mut [Lanes<T>],
) {
    let (matrix, x, local) = (&matrix[..rows * n], &x[..n], &mut local[..rows]);
    for m in 0..rows {
        let mut acc = local[m];
        for j in 0..n {
            A::accumulate_scaled(&mut acc, matrix[m * n + j], &x[j]);
        }
        local[m] = acc;
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
                let (matrix, x) = (&frame[first_of(irrep)..], &mut x[irrep.row..]);
                for_degree!(irrep, multiply_transposed(matrix, local, x));
            }
        },
    );
}

#[inline(always)]
fn multiply_transposed<A: Arithmetic, T: Real>(
    n: usize,
    rows: usize,
    matrix: &[T],
    local: &[Lanes<T>],
    x: &mut [Lanes<T>],
) {
    let (matrix, x, local) = (&matrix[..rows * n], &mut x[..n], &local[..rows]);
    for j in 0..n {
        let mut acc = x[j];
        for m in 0..rows {
            A::accumulate_scaled(&mut acc, matrix[m * n + j], &local[m]);
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
                let gradient = &mut gradient[first_of(irrep)..];
                let local = &local[irrep.center - irrep.reach..];
                let x = &x[irrep.row..];
                for_degree!(irrep, add_outer_product(side, blocks, local, x, gradient));
            }
        },
    );
}

#[inline(always)]
fn add_outer_product<A: Arithmetic, T: Real>(
    n: usize,
    rows: usize,
    side: &Side,
    blocks: usize,
    local: &[Lanes<T>],
    x: &[Lanes<T>],
    gradient: &mut [T],
) {
    for m in 0..rows {
        for j in 0..n {
            let mut acc = Lanes::zero();
            for block in 0..blocks {
                let local = &local[block * side.local_rows + m];
                A::accumulate(&mut acc, local, &x[block * side.rows + j]);
            }
            gradient[m * n + j] += lanes::sum(&acc);
        }
    }
}

//! Features into the frame of an edge and back.
//!
//! The functions that other files call are compiled on their own, for vector instructions, and not
//! inlined: they are called from many places, and code for all degrees is long.

use super::outer::{self, Ends};
use super::pass::{Rows, RowsMut};
use super::plan::Side;
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::lanes::Block;

/// Calls `$function::<A, T, N>(first, n, ...)` for groups of N of `len` rows of a matrix with n columns (or the other way
/// round), N at most as many as registers hold. N is a constant, so that sums stay in registers, and so is n for complete
/// matrices of degrees up to 6.
macro_rules! for_groups {
    ($len:expr, $n:expr, $function:ident $args:tt) => {
        let (len, most) = ($len, most_rows::<A, T>());
        match $n {
            1 if len == 1 => for_groups!(@call 1, 0, 1, $function $args),
            3 if len == 3 && most >= 3 => for_groups!(@call 3, 0, 3, $function $args),
            5 if len == 5 && most >= 5 => for_groups!(@call 5, 0, 5, $function $args),
            7 if len == 7 && most >= 7 => for_groups!(@call 7, 0, 7, $function $args),
            9 if len == 9 && most >= 5 => {
                for_groups!(@call 5, 0, 9, $function $args);
                for_groups!(@call 4, 5, 9, $function $args);
            }
            11 if len == 11 && most >= 6 => {
                for_groups!(@call 6, 0, 11, $function $args);
                for_groups!(@call 5, 6, 11, $function $args);
            }
            13 if len == 13 && most >= 7 => {
                for_groups!(@call 7, 0, 13, $function $args);
                for_groups!(@call 6, 7, 13, $function $args);
            }
            n => {
                let mut first = 0;
                while first < len {
                    // The last two groups are of the same size.
                    let left = len - first;
                    let num = match left {
                        left if left >= 2 * most => most,
                        left if left > most => left.div_ceil(2),
                        left => left,
                    };
                    match num {
                        1 => for_groups!(@call 1, first, n, $function $args),
                        2 => for_groups!(@call 2, first, n, $function $args),
                        3 => for_groups!(@call 3, first, n, $function $args),
                        4 => for_groups!(@call 4, first, n, $function $args),
                        5 => for_groups!(@call 5, first, n, $function $args),
                        6 => for_groups!(@call 6, first, n, $function $args),
                        _ => for_groups!(@call 7, first, n, $function $args),
                    }
                    first += num;
                }
            }
        }
    };
    (@call $group:literal, $first:expr, $n:expr, $function:ident ($($arg:expr),*)) => {
        $function::<A, T, $group>($first, $n, $($arg),*)
    };
}

/// Rows that are added up at once: registers also hold what is added.
#[inline(always)]
fn most_rows<A: Arithmetic, T: Real>() -> usize {
    (A::held::<T>() - 2).clamp(2, 7)
}

/// `local = D x` for all irreps, or `local += D x` if `add`, of one block; `x` are the rows of one node, `local`
/// those in the frame. All rows that what turns them takes if `widened`.
#[inline(never)]
pub(super) fn into_frame<A: Arithmetic, T: Real>(
    side: &Side,
    frame: &[T],
    (x, block): (Rows<'_, T>, usize),
    local: &mut [A::Block<T>],
    (add, widened): (bool, bool),
) {
    A::vectorized(
        #[inline(always)]
        || {
            for irrep in &side.irreps {
                let irrep = if widened { irrep.widened() } else { *irrep };
                let local = &mut local[irrep.center - irrep.reach..=irrep.center + irrep.reach];
                let matrix = &frame[irrep.matrix()..];
                let x = (x.of(irrep.row, block), x.stride);
                for_groups!(
                    local.len(),
                    2 * irrep.degree + 1,
                    multiply(matrix, x, local, add)
                );
            }
        },
    );
}

/// `local[m] = sum over all n columns j of matrix[m, j] x[j]` for N rows m, from `first` on, or what there was as well if
/// `add`.
#[inline(always)]
fn multiply<A: Arithmetic, T: Real, const N: usize>(
    first: usize,
    n: usize,
    matrix: &[T],
    (x, stride): (&[T], usize),
    local: &mut [A::Block<T>],
    add: bool,
) {
    let local = &mut local[first..first + N];
    let matrix = &matrix[first * n..(first + N) * n];
    let lanes = A::Block::<T>::LANES;
    assert!(x.len() >= (n - 1) * stride + lanes);
    let mut sums = [A::zero(); N];
    if add {
        for m in 0..N {
            sums[m] = A::load(&local[m]);
        }
    }
    for j in 0..n {
        // SAFETY: j is below n.
        let x = A::load_row(unsafe { x.get_unchecked(j * stride..j * stride + lanes) });
        for m in 0..N {
            // SAFETY: m is below N.
            let factor = unsafe { *matrix.get_unchecked(m * n + j) };
            A::add_scaled_sum(&mut sums[m], factor, x);
        }
    }
    for m in 0..N {
        A::store(sums[m], &mut local[m]);
    }
}

/// `x += D^T local` for all irreps.
#[inline(never)]
pub(super) fn out_of_frame<A: Arithmetic, T: Real>(
    side: &Side,
    frame: &[T],
    local: &[A::Block<T>],
    x: &mut RowsMut<'_, T>,
) {
    A::vectorized(
        #[inline(always)]
        || {
            for irrep in &side.irreps {
                let local = &local[irrep.center - irrep.reach..=irrep.center + irrep.reach];
                let matrix = &frame[irrep.matrix()..];
                let rows = &mut x.numbers[irrep.row * x.stride..];
                let n = 2 * irrep.degree + 1;
                for_groups!(n, n, multiply_transposed(matrix, local, rows, x.stride));
            }
        },
    );
}

/// `x[j] += sum over all rows m of matrix[m, j] local[m]` for N of the n columns j, from `first` on.
#[inline(always)]
fn multiply_transposed<A: Arithmetic, T: Real, const N: usize>(
    first: usize,
    n: usize,
    matrix: &[T],
    local: &[A::Block<T>],
    x: &mut [T],
    stride: usize,
) {
    let matrix = &matrix[..local.len() * n];
    let lanes = A::Block::<T>::LANES;
    let x = &mut x[first * stride..];
    assert!(first + N <= n && x.len() >= (N - 1) * stride + lanes);
    let mut sums = [A::zero(); N];
    for j in 0..N {
        // SAFETY: j is below N.
        sums[j] = A::load_row(unsafe { x.get_unchecked(j * stride..j * stride + lanes) });
    }
    for (m, local) in local.iter().enumerate() {
        let local = A::load(local);
        for j in 0..N {
            // SAFETY: m is below the number of rows, j below n - first.
            let factor = unsafe { *matrix.get_unchecked(m * n + first + j) };
            A::add_scaled_sum(&mut sums[j], factor, local);
        }
    }
    for j in 0..N {
        // SAFETY: as above.
        let x = unsafe { x.get_unchecked_mut(j * stride..j * stride + lanes) };
        A::store_row(sums[j], x);
    }
}

/// `gradient += sum over features of local x^T`, for all irreps: what `D` gets from `local · D x`.
/// `local` and `x` hold `blocks` blocks of rows.
#[inline(never)]
pub(super) fn outer_product<A: Arithmetic, T: Real>(
    side: &Side,
    blocks: usize,
    local: &[A::Block<T>],
    x: Rows<'_, T>,
    gradient: &mut [T],
) {
    A::vectorized(
        #[inline(always)]
        || {
            if outer::fits::<A, T>() {
                let ends = Ends::new(side, blocks, local, x);
                outer::add::<A::Single, T>(side, &ends, gradient);
                return;
            }
            let (rows_apart, apart) = (side.rows / 2, side.local_rows / 2);
            for irrep in &side.irreps {
                let gradient = &mut gradient[irrep.matrix()..];
                let from = irrep.center - irrep.reach;
                let of_irrep = (&local[from..], irrep.row);
                if side.parities == 1 {
                    let irreps = [of_irrep];
                    let ends = (&x, irreps.as_slice());
                    let n = 2 * irrep.degree + 1;
                    let rows = 2 * irrep.reach + 1;
                    for_groups!(n, n, add_outer_product(rows, side, blocks, ends, gradient));
                } else if irrep.row < rows_apart {
                    // Both parities have the same matrix.
                    let other = (&local[apart + from..], irrep.row + rows_apart);
                    let irreps = [of_irrep, other];
                    let ends = (&x, irreps.as_slice());
                    let n = 2 * irrep.degree + 1;
                    let rows = 2 * irrep.reach + 1;
                    for_groups!(n, n, add_outer_product(rows, side, blocks, ends, gradient));
                }
            }
        },
    );
}

/// Features outside of the frame, and rows of some irreps in the frame with the first row of each outside.
type Irreps<'a, T, B> = (&'a Rows<'a, T>, &'a [(&'a [B], usize)]);

/// `gradient[m, j] += sum over features of local[m] x[j]` for N columns j, from `first` on. The sum over one irrep
/// or two.
#[inline(always)]
fn add_outer_product<A: Arithmetic, T: Real, const N: usize>(
    first: usize,
    n: usize,
    rows: usize,
    side: &Side,
    blocks: usize,
    (x, irreps): Irreps<'_, T, A::Block<T>>,
    gradient: &mut [T],
) {
    let gradient = &mut gradient[..rows * n];
    let mut columns = [[x.of(0, 0); N]; 2];
    for (columns, (_, row)) in columns.iter_mut().zip(irreps) {
        for j in 0..N {
            columns[j] = x.of(row + first + j, 0);
        }
    }
    for m in 0..rows {
        let mut sums = [A::zero(); N];
        for ((local, _), columns) in irreps.iter().zip(&columns) {
            for block in 0..blocks {
                let factor = A::load(&local[block * side.local_rows + m]);
                for j in 0..N {
                    let x = A::load_row(&columns[j][block * x.block..]);
                    A::add_multiple_sum(&mut sums[j], x, factor);
                }
            }
        }
        A::add_sums(sums, &mut gradient[m * n + first..][..N]);
    }
}

//! Features into the frame of an edge and back.
//!
//! The functions that other files call are compiled on their own, for vector instructions, and not
//! inlined: they are called from many places, and code for all degrees is long.

use super::outer::{self, Ends};
use super::pass::{Rows, RowsMut};
use super::plan::Side;
use crate::Real;
use crate::arithmetic::Arithmetic;

/// Calls `$function::<A, T, N>(first, n, rows, ...)` for the N columns (or rows) of the matrix of an
/// irrep that start at `first`, part by part. N is a constant, so that what belongs to these columns
/// stays in registers. For small degrees with a complete matrix there is one part, of known size.
macro_rules! for_parts {
    ($irrep:expr, $which:ident, $function:ident $args:tt) => {
        match ($irrep.degree, $irrep.reach) {
            (0, 0) => for_parts!(@whole $which, 1, 1, $function $args),
            (1, 0) => for_parts!(@whole $which, 3, 1, $function $args),
            (1, 1) => for_parts!(@whole $which, 3, 3, $function $args),
            (2, 0) => for_parts!(@whole $which, 5, 1, $function $args),
            (2, 2) => for_parts!(@whole $which, 5, 5, $function $args),
            (2, 1) => for_parts!(@whole $which, 5, 3, $function $args),
            (3, 3) => for_parts!(@whole $which, 7, 7, $function $args),
            (degree, reach) => {
                let (n, rows) = (2 * degree + 1, 2 * reach + 1);
                let len = for_parts!(@choose $which, n, rows);
                let mut first = 0;
                while first < len {
                    match len - first {
                        1 => for_parts!(@part 1, first, n, rows, $function $args),
                        2 => for_parts!(@part 2, first, n, rows, $function $args),
                        3 => for_parts!(@part 3, first, n, rows, $function $args),
                        4 => for_parts!(@part 4, first, n, rows, $function $args),
                        5 => for_parts!(@part 5, first, n, rows, $function $args),
                        6 => for_parts!(@part 6, first, n, rows, $function $args),
                        _ => for_parts!(@part 7, first, n, rows, $function $args),
                    }
                    first += 7;
                }
            }
        }
    };
    (@choose columns, $n:expr, $rows:expr) => { $n };
    (@choose rows, $n:expr, $rows:expr) => { $rows };
    (@whole columns, $n:literal, $rows:literal, $function:ident $args:tt) => {
        for_parts!(@part $n, 0, $n, $rows, $function $args)
    };
    (@whole rows, $n:literal, $rows:literal, $function:ident $args:tt) => {
        for_parts!(@part $rows, 0, $n, $rows, $function $args)
    };
    (@part $part:literal, $first:expr, $n:expr, $rows:expr, $function:ident ($($arg:expr),*)) => {
        $function::<A, T, $part>($first, $n, $rows, $($arg),*)
    };
}

/// Some blocks of lanes in registers.
#[inline(always)]
fn load<A: Arithmetic, T: Real, const N: usize>(lanes: &[A::Block<T>]) -> [A::Sum<T>; N] {
    let mut sums = [A::zero(); N];
    for i in 0..N {
        sums[i] = A::load(&lanes[i]);
    }
    sums
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
                for_parts!(irrep, columns, multiply(matrix, x, local, add));
            }
        },
    );
}

/// `local[m] += sum over N columns j, from `first` on, of matrix[m, j] x[j]`; the first columns replace
/// what was there unless `add`.
#[inline(always)]
fn multiply<A: Arithmetic, T: Real, const N: usize>(
    first: usize,
    n: usize,
    rows: usize,
    matrix: &[T],
    (x, stride): (&[T], usize),
    local: &mut [A::Block<T>],
    add: bool,
) {
    let (matrix, local) = (&matrix[..rows * n], &mut local[..rows]);
    let mut columns = [A::zero(); N];
    let mut start = first * stride;
    for j in 0..N {
        columns[j] = A::load_row(&x[start..]);
        start += stride;
    }
    for m in 0..rows {
        let mut acc = if add || first > 0 {
            A::load(&local[m])
        } else {
            A::zero()
        };
        let row = &matrix[m * n + first..][..N];
        for j in 0..N {
            A::add_scaled_sum(&mut acc, row[j], columns[j]);
        }
        A::store(acc, &mut local[m]);
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
                for_parts!(
                    irrep,
                    rows,
                    multiply_transposed(matrix, local, rows, x.stride)
                );
            }
        },
    );
}

/// `x[j] += sum over N rows m, from `first` on, of matrix[m, j] local[m]`.
#[inline(always)]
fn multiply_transposed<A: Arithmetic, T: Real, const N: usize>(
    first: usize,
    n: usize,
    rows: usize,
    matrix: &[T],
    local: &[A::Block<T>],
    x: &mut [T],
    stride: usize,
) {
    let matrix = &matrix[first * n..rows * n];
    assert!(matrix.len() >= N * n);
    let local = load::<A, T, N>(&local[first..first + N]);
    for (j, x) in x.chunks_mut(stride).take(n).enumerate() {
        let mut acc = A::load_row(x);
        for m in 0..N {
            // SAFETY: m is below N, and j below n.
            let factor = unsafe { *matrix.get_unchecked(m * n + j) };
            A::add_scaled_sum(&mut acc, factor, local[m]);
        }
        A::store_row(acc, x);
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
                    for_parts!(
                        irrep,
                        columns,
                        add_outer_product(side, blocks, ends, gradient)
                    );
                } else if irrep.row < rows_apart {
                    // Both parities have the same matrix.
                    let other = (&local[apart + from..], irrep.row + rows_apart);
                    let irreps = [of_irrep, other];
                    let ends = (&x, irreps.as_slice());
                    for_parts!(
                        irrep,
                        columns,
                        add_outer_product(side, blocks, ends, gradient)
                    );
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

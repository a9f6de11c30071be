//! Products of small square matrices, for one block of lanes of `NI` items.

use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::lanes::Lanes;
use crate::place::{nth, nth_mut};

/// Two matrices, `(place, item)`.
pub(super) type Factors<'a, T> = [&'a [Lanes<T>]; 2];

/// Which of the two matrices is transposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transposed {
    None,
    First,
    Second,
}

/// Writes the sum of products of pairs of matrices of `order` rows and columns.
#[inline(always)]
pub(super) fn multiply<T: Real, A: Arithmetic<Block<T> = Lanes<T>>, const NI: usize>(
    order: usize,
    transposed: Transposed,
    pairs: &[Factors<'_, T>],
    out: &mut [Lanes<T>],
) {
    // The functions below rely on it.
    let size = order * order * NI;
    assert!(out.len() == size && pairs.iter().flatten().all(|matrix| matrix.len() == size));
    match transposed {
        Transposed::None => sizes::<T, A, NI, false, false>(order, pairs, out),
        Transposed::First => sizes::<T, A, NI, true, false>(order, pairs, out),
        Transposed::Second => sizes::<T, A, NI, false, true>(order, pairs, out),
    }
}

/// Orders up to that of degree 6 are known when compiling; 0 stands for others.
#[inline(always)]
fn sizes<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const NI: usize,
    const LEFT: bool,
    const RIGHT: bool,
>(
    order: usize,
    pairs: &[Factors<'_, T>],
    out: &mut [Lanes<T>],
) {
    match order {
        3 => rows::<T, A, NI, LEFT, RIGHT, 3>(order, pairs, out),
        5 => rows::<T, A, NI, LEFT, RIGHT, 5>(order, pairs, out),
        7 => rows::<T, A, NI, LEFT, RIGHT, 7>(order, pairs, out),
        _ => rows::<T, A, NI, LEFT, RIGHT, 0>(order, pairs, out),
    }
}

/// Not inlined: all orders in one function take minutes to compile.
#[inline(never)]
fn rows<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const NI: usize,
    const LEFT: bool,
    const RIGHT: bool,
    const ORDER: usize,
>(
    order: usize,
    pairs: &[Factors<'_, T>],
    out: &mut [Lanes<T>],
) {
    A::vectorized(
        #[inline(always)]
        || {
            // Two rows at a time if registers hold their sums.
            let twice = if A::held::<T>() < 32 { 0 } else { order / 2 };
            for item in 0..NI {
                for i in 0..twice {
                    let place = (item, 2 * i);
                    columns::<T, A, NI, LEFT, RIGHT, ORDER, 2>(order, place, pairs, out);
                }
                for i in 2 * twice..order {
                    columns::<T, A, NI, LEFT, RIGHT, ORDER, 1>(order, (item, i), pairs, out);
                }
            }
        },
    );
}

/// Some rows of the product.
#[inline(always)]
fn columns<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const NI: usize,
    const LEFT: bool,
    const RIGHT: bool,
    const ORDER: usize,
    const ROWS: usize,
>(
    order: usize,
    (item, i): (usize, usize),
    pairs: &[Factors<'_, T>],
    out: &mut [Lanes<T>],
) {
    match ORDER {
        3 => tile::<T, A, NI, LEFT, RIGHT, ORDER, ROWS, 3>(order, item, [i, 0], pairs, out),
        5 => tile::<T, A, NI, LEFT, RIGHT, ORDER, ROWS, 5>(order, item, [i, 0], pairs, out),
        7 => tile::<T, A, NI, LEFT, RIGHT, ORDER, ROWS, 7>(order, item, [i, 0], pairs, out),
        _ => {
            let fours = order / 4;
            for j in 0..fours {
                tile::<T, A, NI, LEFT, RIGHT, ORDER, ROWS, 4>(order, item, [i, 4 * j], pairs, out);
            }
            for j in 4 * fours..order {
                tile::<T, A, NI, LEFT, RIGHT, ORDER, ROWS, 1>(order, item, [i, j], pairs, out);
            }
        }
    }
}

/// Entries of the product from (i, j) on.
#[inline(always)]
fn tile<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const NI: usize,
    const LEFT: bool,
    const RIGHT: bool,
    const ORDER: usize,
    const ROWS: usize,
    const COLUMNS: usize,
>(
    order: usize,
    item: usize,
    [i, j]: [usize; 2],
    pairs: &[Factors<'_, T>],
    out: &mut [Lanes<T>],
) {
    let columns = if ORDER == 0 { order } else { ORDER };
    let place = |row: usize, column: usize, transposed: bool| {
        let [row, column] = if transposed {
            [column, row]
        } else {
            [row, column]
        };
        (row * columns + column) * NI + item
    };
    let mut sums = [[A::zero::<T>(); COLUMNS]; ROWS];
    for [left, right] in pairs {
        // Not unrolled, as the number is not known when compiling: all numbers on the right would be kept on the stack for
        // all rows.
        for k in 0..order {
            let mut numbers = [A::zero::<T>(); COLUMNS];
            for c in 0..COLUMNS {
                numbers[c] = A::load(nth(right, place(k, j + c, RIGHT)));
            }
            for r in 0..ROWS {
                let number = A::load(nth(left, place(i + r, k, LEFT)));
                for c in 0..COLUMNS {
                    A::add_multiple_sum(&mut sums[r][c], number, numbers[c]);
                }
            }
        }
    }
    for r in 0..ROWS {
        for c in 0..COLUMNS {
            A::store(sums[r][c], nth_mut(out, place(i + r, j + c, false)));
        }
    }
}

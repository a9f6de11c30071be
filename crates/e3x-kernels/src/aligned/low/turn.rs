//! Irreps of known degree into the frame and back. ROWS is their number of entries, TURNED that of those in the frame.

use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::lanes::Block;

/// Numbers of a frame before those of a degree.
const fn start(rows: usize) -> usize {
    rows * (rows + 1) * (rows + 2) / 6 - rows * rows
}

/// The middle rows of the matrix of a degree.
#[inline(always)]
fn matrix<T, const ROWS: usize, const TURNED: usize>(frame: &[T]) -> &[T] {
    let first = start(ROWS) + (ROWS - TURNED) / 2 * ROWS;
    &frame[first..first + TURNED * ROWS]
}

/// `local = D x`, the middle rows.
#[inline(always)]
pub(super) fn turn<A: Arithmetic, T: Real, const ROWS: usize, const TURNED: usize>(
    frame: &[T],
    (x, stride): (&[T], usize),
    local: &mut [A::Block<T>],
) {
    let matrix = matrix::<T, ROWS, TURNED>(frame);
    let local = &mut local[..TURNED];
    let lanes = A::Block::<T>::LANES;
    assert!(x.len() >= (ROWS - 1) * stride + lanes);
    let mut columns = [A::zero(); ROWS];
    for j in 0..ROWS {
        // SAFETY: j is below ROWS.
        columns[j] = A::load_row(unsafe { x.get_unchecked(j * stride..j * stride + lanes) });
    }
    for m in 0..TURNED {
        let mut sum = A::zero();
        for j in 0..ROWS {
            A::add_scaled_sum(&mut sum, matrix[m * ROWS + j], columns[j]);
        }
        A::store(sum, &mut local[m]);
    }
}

/// `x += D^T local`, where all but the middle rows are zero.
#[inline(always)]
pub(super) fn turn_back<A: Arithmetic, T: Real, const ROWS: usize, const TURNED: usize>(
    frame: &[T],
    local: &[A::Sum<T>; ROWS],
    x: &mut [T],
    stride: usize,
) {
    let matrix = matrix::<T, ROWS, TURNED>(frame);
    let lanes = A::Block::<T>::LANES;
    assert!(x.len() >= (ROWS - 1) * stride + lanes);
    for j in 0..ROWS {
        // SAFETY: j is below ROWS.
        let x = unsafe { x.get_unchecked_mut(j * stride..j * stride + lanes) };
        let mut sum = A::load_row(x);
        for m in 0..TURNED {
            let local = local[(ROWS - TURNED) / 2 + m];
            A::add_scaled_sum(&mut sum, matrix[m * ROWS + j], local);
        }
        A::store_row(sum, x);
    }
}

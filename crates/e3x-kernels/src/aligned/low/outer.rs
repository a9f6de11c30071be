//! Derivatives with respect to the frame of an edge, written at once.

use std::mem::MaybeUninit;

use crate::Real;
use crate::aligned::frames::frame_len;
use crate::aligned::outer::{self, Ends};
use crate::aligned::pass::Rows;
use crate::aligned::plan::Side;
use crate::arithmetic::Arithmetic;

/// Whether [`write`] can be used for frames of a length: all entries have to take part, and there has to be something
/// to turn.
#[inline(always)]
pub(super) fn fits<A: Arithmetic, T: Real>(side: &Side, frame: usize) -> bool {
    let degrees = side.irreps.len() / side.parities;
    let complete = side.local_rows == side.rows && frame == frame_len(degrees - 1);
    outer::fits::<A, T>() && complete && degrees > 1
}

/// Writes the derivatives with respect to all numbers of a frame up to the highest degree of a side. `local` and `x`
/// hold `blocks` blocks of rows.
#[inline(always)]
pub(super) fn write<A: Arithmetic, T: Real>(
    side: &Side,
    blocks: usize,
    local: &[A::Block<T>],
    x: Rows<'_, T>,
    gradient: &mut [MaybeUninit<T>],
) {
    let ends = Ends::new(side, blocks, local, x);
    gradient[..10].write_copy_of_slice(&lowest::<A::Single, T>(&ends));
    if side.irreps.len() > 2 * side.parities {
        // Degree 2: three rows and the other two.
        let upper = outer::sums::<A::Single, T, 3, 5, 15>(&ends, [4, 4]);
        gradient[10..25].write_copy_of_slice(&upper);
        let lower = outer::sums::<A::Single, T, 2, 5, 10>(&ends, [7, 4]);
        gradient[25..35].write_copy_of_slice(&lower);
    }
}

/// Degrees 0 and 1 together.
#[inline(always)]
fn lowest<S: Arithmetic, T: Real>(ends: &Ends<'_, T>) -> [T; 10] {
    let (mut first, mut second) = ([[S::zero(); 1]; 1], [[S::zero(); 3]; 3]);
    for part in 0..ends.parts {
        outer::add_part::<S, T, 1, 1>(ends, part, [0, 0], &mut first);
        outer::add_part::<S, T, 3, 3>(ends, part, [1, 1], &mut second);
    }
    let mut sums = [first[0][0]; 10];
    for i in 0..9 {
        sums[1 + i] = second[i / 3][i % 3];
    }
    S::sums(sums)
}

//! Derivatives with respect to the frame of an edge: outer products of what an irrep gets in the frame and what it is
//! outside, summed over features and parities.
//!
//! All elements of a matrix (or three rows of one of degree 2) are in registers at once, 16 features wide, and their
//! lanes are added together at the end.

use std::mem::MaybeUninit;

use crate::Real;
use crate::aligned::pass::Rows;
use crate::aligned::plan::{Irrep, Side};
use crate::arithmetic::Arithmetic;
use crate::lanes::{Block, LANES};

/// Both ends of the products: derivatives in the frame, `(block, row)`, and features outside.
struct Ends<'a, T, B> {
    side: &'a Side,
    blocks: usize,
    local: &'a [B],
    x: Rows<'a, T>,
}

/// Whether [`write`] can be used: registers hold the sums of the largest part, and there is something to turn.
#[inline(always)]
pub(super) fn fits<A: Arithmetic, T: Real>(side: &Side) -> bool {
    A::Single::held::<T>() >= 32 && side.irreps.len() > side.parities
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
    let ends = Ends {
        side,
        blocks,
        local,
        x,
    };
    // Degrees 0 and 1 together.
    let mut first = [[A::Single::zero(); 1]];
    add::<A, T, 1, 1>(&ends, 0, 0, &mut first);
    let mut second = [[A::Single::zero(); 3]; 3];
    add::<A, T, 3, 3>(&ends, 1, 0, &mut second);
    let mut sums = [first[0][0]; 10];
    for i in 0..9 {
        sums[1 + i] = second[i / 3][i % 3];
    }
    gradient[..10].write_copy_of_slice(&A::Single::sums(sums));
    if side.irreps.len() == 2 * side.parities {
        return;
    }
    let mut upper = [[A::Single::zero(); 5]; 3];
    add::<A, T, 3, 5>(&ends, 2, 0, &mut upper);
    let mut sums = [upper[0][0]; 15];
    for i in 0..15 {
        sums[i] = upper[i / 5][i % 5];
    }
    gradient[10..25].write_copy_of_slice(&A::Single::sums(sums));
    let mut lower = [[A::Single::zero(); 5]; 2];
    add::<A, T, 2, 5>(&ends, 2, 3, &mut lower);
    let mut sums = [lower[0][0]; 10];
    for i in 0..10 {
        sums[i] = lower[i / 5][i % 5];
    }
    gradient[25..35].write_copy_of_slice(&A::Single::sums(sums));
}

/// Adds the products of N rows in the frame, from `first` on, and all ROWS outside, for the irreps of a degree.
#[inline(always)]
fn add<A: Arithmetic, T: Real, const N: usize, const ROWS: usize>(
    ends: &Ends<'_, T, A::Block<T>>,
    degree: usize,
    first: usize,
    sums: &mut [[<A::Single as Arithmetic>::Sum<T>; ROWS]; N],
) {
    let (width, stride) = (A::Block::<T>::LANES, ends.x.stride);
    let of_degree = |irrep: &&Irrep| irrep.degree == degree;
    for irrep in ends.side.irreps.iter().filter(of_degree) {
        for block in 0..ends.blocks {
            let start = block * ends.side.local_rows + irrep.center - irrep.degree + first;
            let local = A::Block::flat(&ends.local[start..][..N]);
            let x = ends.x.of(irrep.row, block);
            for part in (0..width).step_by(LANES) {
                let mut columns = [A::Single::zero(); ROWS];
                for j in 0..ROWS {
                    columns[j] = A::Single::load_row(&x[j * stride + part..]);
                }
                for m in 0..N {
                    let factor = A::Single::load_row(&local[m * width + part..]);
                    for j in 0..ROWS {
                        A::Single::add_multiple_sum(&mut sums[m][j], columns[j], factor);
                    }
                }
            }
        }
    }
}

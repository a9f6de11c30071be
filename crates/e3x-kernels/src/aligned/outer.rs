//! Outer products of what irreps get in the frame of an edge and what they are outside, summed over features and
//! parities: derivatives with respect to the matrices of the frame.
//!
//! Many elements of a matrix are in registers at once, 16 features wide, and their lanes are added together at the end:
//! for processors with registers for that.

use super::pass::Rows;
use super::plan::Side;
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::lanes::{Block, LANES};

/// Whether registers hold as many sums as a part of a matrix has here, and what they are made of.
#[inline(always)]
pub(super) fn fits<A: Arithmetic, T: Real>() -> bool {
    A::Single::held::<T>() >= 32
}

/// Both ends of the products: derivatives in the frame, `(block, row)`, and features outside.
pub(super) struct Ends<'a, T> {
    /// Parts of sixteen features of one parity.
    pub parts: usize,
    /// Parities but one, blocks of sixteen features in a block but one: zero or one.
    both: usize,
    halves: usize,
    /// Rows in the frame of all parities, and rows of a parity in the frame and outside.
    all_rows: usize,
    rows: [usize; 2],
    /// Features of a block.
    width: usize,
    local: &'a [T],
    x: Rows<'a, T>,
}

impl<'a, T: Real> Ends<'a, T> {
    /// `local` and `x` hold `blocks` blocks of rows.
    #[inline(always)]
    pub fn new<B: Block<T>>(side: &Side, blocks: usize, local: &'a [B], x: Rows<'a, T>) -> Self {
        // The last numbers that are read.
        assert!(local.len() >= blocks * side.local_rows && side.parities <= 2);
        assert!(x.of(side.rows - 1, blocks - 1).len() >= B::LANES && B::LANES <= 2 * LANES);
        Self {
            parts: side.parities * blocks * B::LANES / LANES,
            both: side.parities - 1,
            halves: B::LANES / LANES - 1,
            all_rows: side.local_rows,
            rows: [side.local_rows, side.rows].map(|rows| rows / side.parities),
            width: B::LANES,
            local: B::flat(local),
            x,
        }
    }

    /// Where the numbers of both ends start.
    #[inline(always)]
    fn starts(&self, part: usize) -> [usize; 2] {
        let (parity, half) = (part & self.both, part >> self.both);
        let (block, half) = (half >> self.halves, half & self.halves);
        let [local, row] = self.rows.map(|rows| parity * rows);
        [
            (block * self.all_rows + local) * self.width + half * LANES,
            row * self.x.stride + block * self.x.block + half * LANES,
        ]
    }
}

/// Adds the products of M rows in the frame and N rows outside, from `first` on, for one part of the features.
#[inline(always)]
pub(super) fn add_part<S: Arithmetic, T: Real, const M: usize, const N: usize>(
    ends: &Ends<'_, T>,
    part: usize,
    first: [usize; 2],
    sums: &mut [[S::Sum<T>; N]; M],
) {
    let [local, x] = ends.starts(part);
    let mut columns = [S::zero(); N];
    for j in 0..N {
        columns[j] = S::load_row(numbers(ends.x.numbers, x + (first[1] + j) * ends.x.stride));
    }
    for m in 0..M {
        let factor = S::load_row(numbers(ends.local, local + (first[0] + m) * ends.width));
        for j in 0..N {
            S::add_multiple_sum(&mut sums[m][j], columns[j], factor);
        }
    }
}

/// Sixteen numbers.
#[inline(always)]
fn numbers<T>(all: &[T], start: usize) -> &[T] {
    debug_assert!(start + LANES <= all.len());
    // SAFETY: rows of a side, which were checked in `Ends::new`.
    unsafe { all.get_unchecked(start..start + LANES) }
}

/// The sums over all features of products of M rows in the frame and N rows outside; K is M N.
#[inline(always)]
pub(super) fn sums<S: Arithmetic, T: Real, const M: usize, const N: usize, const K: usize>(
    ends: &Ends<'_, T>,
    first: [usize; 2],
) -> [T; K] {
    let mut sums = [[S::zero(); N]; M];
    for part in 0..ends.parts {
        add_part::<S, T, M, N>(ends, part, first, &mut sums);
    }
    let mut all = [S::zero(); K];
    for i in 0..K {
        all[i] = sums[i / N][i % N];
    }
    S::sums(all)
}

/// Adds the sums of all irreps to the derivatives with respect to a frame.
#[inline(always)]
pub(super) fn add<S: Arithmetic, T: Real>(side: &Side, ends: &Ends<'_, T>, gradient: &mut [T]) {
    for irrep in &side.irreps[..side.irreps.len() / side.parities] {
        let n = 2 * irrep.degree + 1;
        let rows = 2 * irrep.reach + 1;
        let gradient = &mut gradient[irrep.matrix()..][..rows * n];
        // Parts of three to five columns.
        let parts = n.div_ceil(5);
        for part in 0..parts {
            let columns = part * n / parts..(part + 1) * n / parts;
            let mut matrix = Matrix {
                n,
                rows,
                column: columns.start,
                first: [irrep.center - irrep.reach, irrep.row + columns.start],
                gradient: &mut *gradient,
            };
            match columns.len() {
                1 => matrix.add::<S, 1, 1, 1, 1, 1>(ends),
                3 => matrix.add::<S, 5, 3, 15, 3, 9>(ends),
                4 => matrix.add::<S, 4, 4, 16, 3, 12>(ends),
                _ => matrix.add::<S, 3, 5, 15, 2, 10>(ends),
            }
        }
    }
}

/// Some columns of the matrix of an irrep.
struct Matrix<'a, T> {
    /// All columns, and rows.
    n: usize,
    rows: usize,
    /// The first of these columns.
    column: usize,
    /// First row of the irrep in the frame, and that of the first column outside.
    first: [usize; 2],
    gradient: &'a mut [T],
}

impl<T: Real> Matrix<'_, T> {
    /// Adds the sums of N columns: M rows at a time, then R, then one. K and Q are M N and R N.
    #[inline(always)]
    fn add<
        S: Arithmetic,
        const M: usize,
        const N: usize,
        const K: usize,
        const R: usize,
        const Q: usize,
    >(
        &mut self,
        ends: &Ends<'_, T>,
    ) {
        let mut m = 0;
        while m + M <= self.rows {
            self.add_rows::<S, M, N, K>(ends, m);
            m += M;
        }
        while m + R <= self.rows {
            self.add_rows::<S, R, N, Q>(ends, m);
            m += R;
        }
        while m < self.rows {
            self.add_rows::<S, 1, N, N>(ends, m);
            m += 1;
        }
    }

    /// Adds the sums of M rows, from `m` on.
    #[inline(always)]
    fn add_rows<S: Arithmetic, const M: usize, const N: usize, const K: usize>(
        &mut self,
        ends: &Ends<'_, T>,
        m: usize,
    ) {
        let sums = sums::<S, T, M, N, K>(ends, [self.first[0] + m, self.first[1]]);
        for (i, sums) in sums.chunks_exact(N).enumerate() {
            let row = &mut self.gradient[(m + i) * self.n + self.column..][..N];
            for (number, sum) in row.iter_mut().zip(sums) {
                *number += *sum;
            }
        }
    }
}

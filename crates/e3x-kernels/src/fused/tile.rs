//! Rows and matrices of some items.

use super::job::Task;
use super::kernel::{Kernel, LEVELS};
use super::matrix::{Conversion, Times, Weighted};
use super::multiply::{Factors, Transposed, multiply};
use super::plan::{CHANNELS, SIDES};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::items::{read_row, write_row};
use crate::lanes::Lanes;
use crate::prefetch::Ahead;

/// Derivatives with respect to weights, `(block of lanes, matrix, degree)`.
pub(super) type Totals<T> = [Vec<Lanes<T>>; SIDES];

/// Rows and matrices of some items, one block of lanes of each.
pub(super) struct Buffers<T, const NI: usize> {
    /// Irreps, `(parity, row, item)`, and matrices, `(matrix, place, item)`.
    irreps: [[Vec<Lanes<T>>; LEVELS]; SIDES],
    matrices: [[Vec<Lanes<T>>; LEVELS]; SIDES],
    /// Of one argument after the other: weights times irreps, derivatives with respect to matrices and to irreps.
    weighted: Vec<Lanes<T>>,
    derivatives: Vec<Lanes<T>>,
    target: Vec<Lanes<T>>,
    pub totals: Totals<T>,
}

impl<T: Real, const NI: usize> Buffers<T, NI> {
    pub fn new(kernel: &Kernel<'_, T>) -> Self {
        let zeros = |num: usize| vec![Lanes::zero(); num];
        let levels = |used: [bool; LEVELS], num: usize| {
            used.map(|used| if used { zeros(num * NI) } else { Vec::new() })
        };
        let sides: [usize; SIDES] = std::array::from_fn(|side| side);
        let most = |num: &dyn Fn(&Conversion<'_, T>) -> usize| {
            let nums = kernel.conversions.iter().map(num);
            zeros(nums.max().unwrap_or_default() * NI)
        };
        let rows =
            |conversion: &Conversion<'_, T>| conversion.side.parities * conversion.side.rows();
        let places = |conversion: &Conversion<'_, T>| conversion.num_matrices * conversion.size;
        Self {
            irreps: sides
                .map(|side| levels(kernel.needs[side].irreps, rows(&kernel.conversions[side]))),
            matrices: sides.map(|side| {
                levels(
                    kernel.needs[side].matrices,
                    places(&kernel.conversions[side]),
                )
            }),
            weighted: most(&|conversion| conversion.num_matrices * conversion.side.rows()),
            derivatives: most(&places),
            target: most(&rows),
            totals: sides.map(|side| {
                let Conversion {
                    num_matrices,
                    side: of,
                    ..
                } = kernel.conversions[side];
                let wanted = kernel.needs[side].weights_wanted;
                zeros(if wanted {
                    kernel.blocks * num_matrices * of.degrees
                } else {
                    0
                })
            }),
        }
    }

    /// Reads the irreps that are needed of `num` items; missing items are zero.
    #[inline(always)]
    pub fn read<A: Arithmetic<Block<T> = Lanes<T>>>(
        &mut self,
        kernel: &Kernel<'_, T>,
        (first, num): (usize, usize),
        block: usize,
    ) {
        let features = kernel.job.features;
        for side in 0..SIDES {
            for level in 0..LEVELS {
                let to = self.irreps[side][level].as_chunks_mut::<NI>().0;
                let all = kernel.operands.of(level, side).unwrap_or_default();
                for i in 0..NI {
                    if i >= num {
                        for to in &mut *to {
                            to[i] = Lanes::zero();
                        }
                        continue;
                    }
                    let rows = all.chunks_exact(features).skip((first + i) * to.len());
                    for (row, to) in rows.zip(&mut *to) {
                        read_row::<T, A>(row, block, &mut to[i]);
                    }
                }
            }
        }
    }

    /// Writes the matrices of an argument.
    #[inline(always)]
    pub fn write_matrices<A: Arithmetic<Block<T> = Lanes<T>>>(
        &mut self,
        kernel: &Kernel<'_, T>,
        ahead: &mut Ahead,
        side: usize,
        block: usize,
    ) {
        let conversion = &kernel.conversions[side];
        let weights = |level: usize| kernel.weights(side, level, block);
        let irreps = self.irreps[side].each_ref().map(Vec::as_slice);
        let [matrices, tangents] = &mut self.matrices[side];
        let weighted = &mut self.weighted;
        if !matrices.is_empty() {
            conversion.write::<A, NI>(ahead, &[(weights(0), irreps[0])], weighted, matrices);
        }
        if !tangents.is_empty() {
            let sums: [Weighted<'_, T>; 2] = [(weights(0), irreps[1]), (weights(1), irreps[0])];
            let sums = match [irreps[1].is_empty(), weights(1).is_empty()] {
                [true, _] => &sums[1..],
                [_, true] => &sums[..1],
                _ => &sums,
            };
            conversion.write::<A, NI>(ahead, sums, weighted, tangents);
        }
    }

    /// Computes the derivatives with respect to an argument and its weights that are wanted.
    #[inline(always)]
    pub fn differentiate<A: Arithmetic<Block<T> = Lanes<T>>>(
        &mut self,
        kernel: &Kernel<'_, T>,
        ahead: &mut Ahead,
        side: usize,
        block: usize,
    ) {
        let needs = kernel.needs[side];
        let last = usize::from(kernel.operands.has_tangents());
        for level in (0..=last).rev() {
            // The derivative of the first level is multiplied with tangents of this argument.
            let times = last - level;
            let [weights, irreps] = [
                kernel.weights(side, times, block),
                &self.irreps[side][times],
            ];
            let times = Times {
                weights: if needs.irreps_wanted { weights } else { &[] },
                irreps: if needs.weights_wanted { irreps } else { &[] },
                adds: times > 0,
            };
            if times.weights.is_empty() && times.irreps.is_empty() {
                continue;
            }
            let conversion = &kernel.conversions[side];
            let derivatives =
                &mut self.derivatives[..conversion.num_matrices * conversion.size * NI];
            products::<T, A, NI>(kernel, side, level, &self.matrices, derivatives);
            let num = conversion.num_matrices * conversion.side.degrees;
            let totals = match self.totals[side].get_mut(block * num..(block + 1) * num) {
                Some(totals) => totals,
                None => &mut [],
            };
            conversion.read::<A, NI>(ahead, derivatives, &times, &mut self.target, totals);
        }
    }

    /// Writes the derivative with respect to an argument of `num` items.
    #[inline(always)]
    pub fn write<A: Arithmetic<Block<T> = Lanes<T>>>(
        &self,
        kernel: &Kernel<'_, T>,
        side: usize,
        task: &mut Task<'_, T>,
        (first, num): (usize, usize),
        block: usize,
    ) {
        if !kernel.needs[side].irreps_wanted {
            return;
        }
        let rows = kernel.rows(side);
        let from = &self.target.as_chunks::<NI>().0[..rows];
        let size = rows * kernel.job.features;
        let items = task.results[side].chunks_exact_mut(size).skip(first);
        for (i, item) in items.take(num).enumerate() {
            for (row, from) in item.chunks_exact_mut(kernel.job.features).zip(from) {
                write_row::<T, A>(A::load(&from[i]), row, block);
            }
        }
    }
}

/// Writes the derivatives with respect to the matrices of an argument: products of the others, and at the second level
/// their derivatives along tangents.
#[inline(always)]
fn products<T: Real, A: Arithmetic<Block<T> = Lanes<T>>, const NI: usize>(
    kernel: &Kernel<'_, T>,
    side: usize,
    level: usize,
    matrices: &[[Vec<Lanes<T>>; LEVELS]; SIDES],
    derivatives: &mut [Lanes<T>],
) {
    let size = kernel.conversions[side].size * NI;
    // X = Z Y', Y = X' Z and Z = X Y, of matrices that are transposed.
    let ([left, right], transposed) = match side {
        0 => ([2, 1], Transposed::Second),
        1 => ([0, 2], Transposed::First),
        _ => ([0, 1], Transposed::None),
    };
    for (index, out) in derivatives.chunks_exact_mut(size).enumerate() {
        let mut pairs: [Factors<'_, T>; 4] = [[&[], &[]]; 4];
        let mut num = 0;
        for channel in CHANNELS.iter().filter(|channel| channel[side] == index) {
            let matrix = |side: usize, level: usize| {
                let start = channel[side] * size;
                matrices[side][level]
                    .get(start..start + size)
                    .unwrap_or_default()
            };
            for of_left in 0..=level {
                let pair = [matrix(left, of_left), matrix(right, level - of_left)];
                if pair.iter().all(|matrix| !matrix.is_empty()) {
                    pairs[num] = pair;
                    num += 1;
                }
            }
        }
        multiply::<T, A, NI>(kernel.job.plan.order(), transposed, &pairs[..num], out);
    }
}

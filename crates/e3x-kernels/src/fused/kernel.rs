//! What a computation needs for all items.

use super::job::Task;
use super::matrix::{Conversion, Rounded};
use super::plan::{NUM_MATRICES, SIDES, Term};
use super::{FusedJob, Operands, Slot};
use crate::Real;
use crate::lanes::{self, Lanes};
use crate::prefetch::Ahead;

/// Arguments, and their tangents.
pub(super) const LEVELS: usize = 2;

/// A computation with everything that does not depend on the items.
pub(super) struct Kernel<'a, T> {
    pub job: FusedJob<'a>,
    pub operands: Operands<'a, T>,
    pub conversions: [Conversion<'a, T>; SIDES],
    /// Weights and their tangents, `(block of lanes, matrix, degree)`.
    weights: [[Vec<Lanes<T>>; LEVELS]; SIDES],
    pub needs: [Needs; SIDES],
    pub blocks: usize,
}

/// What is computed for an argument and its weights.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Needs {
    /// Irreps and their tangents are read.
    pub irreps: [bool; LEVELS],
    /// Matrices and their tangents, for the derivatives with respect to other arguments.
    pub matrices: [bool; LEVELS],
    /// Derivatives with respect to irreps and to weights. With tangents, those of the second level; those of the first are
    /// multiplied with the tangents of this argument.
    pub irreps_wanted: bool,
    pub weights_wanted: bool,
}

impl<'a, T: Real> Kernel<'a, T> {
    pub fn new(job: FusedJob<'a>, operands: Operands<'a, T>) -> Self {
        let blocks = lanes::num_blocks(job.features);
        let conversions = std::array::from_fn(|side| {
            let num_matrices = NUM_MATRICES[side];
            let side = job.plan.side(side);
            let round = |terms: &[Term]| {
                let rounded = terms.iter().map(|term| Rounded {
                    place: term.place,
                    coefficient: T::from_f64(term.coefficient),
                });
                rounded.collect()
            };
            Conversion {
                side,
                num_matrices,
                size: job.plan.order() * job.plan.order(),
                to_matrix: round(&side.to_matrix),
                from_matrix: round(&side.from_matrix),
            }
        });
        let packed = |level: usize, slot: Slot| {
            let rows = slot.rows(job.plan);
            let Some(weights) = operands.of(level, slot as usize) else {
                return Vec::new();
            };
            let mut packed = vec![Lanes::zero(); blocks * rows];
            for (block, packed) in packed.chunks_exact_mut(rows).enumerate() {
                lanes::load_rows(weights, job.features, block, packed);
            }
            packed
        };
        let weights = std::array::from_fn(|side| {
            std::array::from_fn(|level| packed(level, Slot::ALL[SIDES + side]))
        });
        Self {
            job,
            operands,
            conversions,
            weights,
            needs: std::array::from_fn(|side| Needs::new(side, &job, &operands)),
            blocks,
        }
    }

    /// Multiply-adds of all items, roughly: each derivative takes as many as the product.
    pub fn work(&self) -> usize {
        let derivatives = self.needs.iter().map(|needs| {
            let levels = 1 + usize::from(needs.matrices[1]);
            usize::from(needs.irreps_wanted || needs.weights_wanted) * levels
        });
        let each = self.job.plan.multiply_adds() * self.job.features;
        derivatives.sum::<usize>() * each * self.job.items
    }

    /// Weights of an argument or their tangents, if there are any, `(matrix, degree)`.
    #[inline(always)]
    pub fn weights(&self, side: usize, level: usize, block: usize) -> &[Lanes<T>] {
        let weights = &self.weights[side][level];
        let num = weights.len() / self.blocks;
        &weights[block * num..][..num]
    }

    /// Rows of the irreps of an argument.
    pub fn rows(&self, side: usize) -> usize {
        let Conversion { side, .. } = self.conversions[side];
        side.parities * side.rows()
    }

    /// What `num` items need later on, counted from the first item of the task.
    pub fn ahead(&self, task: &Task<'_, T>, first: usize, num: usize) -> Ahead {
        let sides = self.conversions.iter().zip(&self.needs);
        let steps = sides.map(|(conversion, needs)| {
            let levels = needs.matrices.iter().filter(|&&needed| needed).count();
            let derivatives = usize::from(needs.irreps_wanted || needs.weights_wanted);
            levels * conversion.side.pairs.len() + derivatives * conversion.side.rows()
        });
        let mut ahead = Ahead::new(steps.sum::<usize>() * self.blocks);
        for side in 0..SIDES {
            let size = self.rows(side) * self.job.features;
            let of_all = task.first + first;
            let last = (of_all + num).min(self.job.items);
            for level in 0..LEVELS {
                let values = self.operands.of(level, side).unwrap_or_default();
                ahead.add(values, of_all * size..last * size);
            }
            ahead.add(&*task.results[side], first * size..(first + num) * size);
        }
        ahead.start()
    }
}

impl Needs {
    fn new<T>(side: usize, job: &FusedJob<'_>, operands: &Operands<'_, T>) -> Self {
        let wanted = |side: usize| [side, side + SIDES].map(|slot| job.wanted[slot]);
        let given = |slot: usize| operands.of(1, slot).is_some();
        let [irreps_wanted, weights_wanted] = wanted(side);
        let others = (0..SIDES).any(|other| other != side && wanted(other).contains(&true));
        let tangent = given(side) || given(side + SIDES);
        Self {
            irreps: [
                others || weights_wanted,
                given(side) && (others || weights_wanted),
            ],
            matrices: [others, others && tangent],
            irreps_wanted,
            weights_wanted,
        }
    }
}

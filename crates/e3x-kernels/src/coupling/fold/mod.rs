//! The derivative with respect to one argument with degrees: nothing but its sums is written to memory.
//!
//! With complex numbers as in `program.rs`
//!
//! ```text
//! Z[M] += X[m1] (sum over l2 of w a Y[M - m1])
//! ```
//!
//! where what is in brackets stays in registers, and weights times coefficients are the same for all items. Entries m1 and -m1
//! are each other's conjugates, so that both products need half of their multiplications: with T and T' in brackets,
//!
//! ```text
//! (c + i s) T + (c - i s) T' = c (T + T') + i s (T - T')
//! ```
//!
//! and processors may add beside multiplications. Groups of products, which serve several arguments, write all products of
//! entries and read them again.

mod program;
mod sum;
mod tile;

pub(crate) use program::Fold;

use std::mem::MaybeUninit;

use super::job::Task;
use super::{CouplingJob, Operands};
use crate::arithmetic::Arithmetic;
use crate::lanes::{self, Lanes};
use crate::place::at;
use crate::prefetch::Ahead;
use crate::{CouplingPlan, Real};
use sum::{Factors, sum_up};
use tile::Tile;

/// Most items of proper tensors that are computed together, if both of their factors fill no more than half of the nearest
/// cache.
const MOST_ITEMS: usize = 8;
const HALF_OF_CACHE: usize = 1 << 14;

/// A program with weights times coefficients, `(block of lanes, parity of the second factor, coefficient, parity of the
/// first factor)`: pairs of sums are taken for one parity after the other.
pub(super) struct Weighted<'a, T> {
    pub program: &'a Fold,
    coefficients: Vec<Lanes<T>>,
    /// Rows of the factors and of the target.
    rows: [usize; 3],
}

impl<'a, T: Real> Weighted<'a, T> {
    /// From weights as `(block of lanes, path)`.
    pub fn new(program: &'a Fold, weights: &[Lanes<T>], plan: &CouplingPlan) -> Self {
        let parities = plan.spec().first.0;
        let mut coefficients = Vec::new();
        for weights in weights.chunks_exact(plan.path_places()) {
            for inner in 0..parities {
                for coefficient in &program.coefficients {
                    let value = T::from_f64(coefficient.value);
                    for parity in 0..parities {
                        let channel = parity * parities + (inner + parity) % parities;
                        let weight = at(weights, coefficient.paths[channel]);
                        coefficients.push(lanes::scaled(value, weight));
                    }
                }
            }
        }
        let [first, second] = program.roles.factors.map(|slot| slot.rows(plan));
        Self {
            program,
            coefficients,
            rows: [first, second, program.roles.target.rows(plan)],
        }
    }

    /// Writes the target of a task.
    pub fn visit<A: Arithmetic<Block<T> = Lanes<T>>>(
        &self,
        job: &CouplingJob<'_>,
        operands: &Operands<'_, T>,
        task: &mut Task<'_, T>,
    ) {
        let [first, second, _] = self.rows;
        let bytes = (first + second) * MOST_ITEMS * size_of::<Lanes<T>>();
        if job.plan.channels() > 1 {
            self.visit_items::<A, 2, 2>(job, operands, task);
        } else if bytes > HALF_OF_CACHE {
            self.visit_items::<A, 1, { MOST_ITEMS / 2 }>(job, operands, task);
        } else {
            self.visit_items::<A, 1, MOST_ITEMS>(job, operands, task);
        }
    }

    /// The same, `NI` items at a time. Not inlined: the code is long.
    #[inline(never)]
    fn visit_items<A: Arithmetic<Block<T> = Lanes<T>>, const P: usize, const NI: usize>(
        &self,
        job: &CouplingJob<'_>,
        operands: &Operands<'_, T>,
        task: &mut Task<'_, T>,
    ) {
        let blocks = lanes::num_blocks(job.features);
        let mut tile = Tile::<T, P, NI>::new(self.program, self.rows, operands, job.features);
        let steps = self.program.sums.len() * blocks;
        let results = &mut *task.results[self.program.roles.target as usize];
        A::vectorized(
            #[inline(always)]
            || {
                for first in (0..task.items).step_by(NI) {
                    let num = NI.min(task.items - first);
                    let next = first + num;
                    let num_next = NI.min(job.items - task.first - next);
                    // Memory would have nothing to do meanwhile.
                    let places = [task.first + next, next];
                    let mut ahead = tile.ahead(results, places, num_next, steps);
                    for block in 0..blocks {
                        tile.load::<A>((task.first + first, num), block);
                        self.write::<A, P, NI>(block, &mut ahead, &tile, (first, num), results);
                    }
                }
            },
        );
    }

    /// Writes the target of `num` items from the item `first` of the task on.
    #[inline(always)]
    fn write<A: Arithmetic<Block<T> = Lanes<T>>, const P: usize, const NI: usize>(
        &self,
        block: usize,
        ahead: &mut Ahead,
        tile: &Tile<'_, T, P, NI>,
        items: (usize, usize),
        results: &mut [MaybeUninit<T>],
    ) {
        let program = self.program;
        let num = program.coefficients.len() * P;
        let mut coefficients = [&[][..]; P];
        for (inner, part) in coefficients.iter_mut().enumerate() {
            let part_of_all = &self.coefficients[(block * P + inner) * num..][..num];
            *part = part_of_all.as_chunks::<P>().0;
        }
        let [x, inner] = tile.factors();
        let factors = Factors {
            coefficients,
            inner,
            x,
        };
        let mut of_outs = program.sums.as_slice();
        for out in &program.outs {
            if out.parts == 1 {
                let totals = sum_up::<T, A, P, NI, 1>(out, &mut of_outs, &factors, ahead);
                tile.store::<A, 1>(out, &totals, items, block, results);
            } else {
                let totals = sum_up::<T, A, P, NI, 2>(out, &mut of_outs, &factors, ahead);
                tile.store::<A, 2>(out, &totals, items, block, results);
            }
        }
    }
}

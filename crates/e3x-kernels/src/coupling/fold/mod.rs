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
//!
//! Sums are over neighbours, odd and even degrees alike, because numbers of odd degrees are turned (`program.rs`). If
//! weights times coefficients are more than the second cache holds beside the factors, an entry of the target is computed for
//! several tiles of items before the next one.

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
use tile::Group;

/// Most items of proper tensors that are computed together, if both of their factors fill no more than half of the nearest
/// cache.
const MOST_ITEMS: usize = 8;
const HALF_OF_CACHE: usize = 1 << 14;

/// Bytes of weights times coefficients beyond which several tiles of items are worked off together, and their number.
const HALF_OF_SECOND_CACHE: usize = 1 << 19;
const MOST_TILES: usize = 8;

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

    /// Tiles of items that are worked off together for each entry of the target: if there are many coefficients, these come
    /// from far away once for all of them.
    fn tiles(&self, parities: usize) -> usize {
        let coefficients = self.program.coefficients.len() * parities.pow(2);
        if coefficients * size_of::<Lanes<T>>() > HALF_OF_SECOND_CACHE {
            MOST_TILES
        } else {
            1
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
        let tiles = self.tiles(P);
        let mut group =
            Group::<T, P, NI>::new(self.program, self.rows, operands, job.features, tiles);
        let steps = self.program.sums.len() * blocks * tiles;
        let results = &mut *task.results[self.program.roles.target as usize];
        A::vectorized(
            #[inline(always)]
            || {
                for first in (0..task.items).step_by(NI * tiles) {
                    let num = (NI * tiles).min(task.items - first);
                    let next = first + num;
                    let num_next = (NI * tiles).min(job.items - task.first - next);
                    // Memory would have nothing to do meanwhile.
                    let places = [task.first + next, next];
                    let mut ahead = group.ahead(results, places, num_next, steps);
                    for block in 0..blocks {
                        group.load::<A>((task.first + first, num), block);
                        self.write::<A, P, NI>(block, &mut ahead, &group, (first, num), results);
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
        group: &Group<'_, T, P, NI>,
        (first, num): (usize, usize),
        results: &mut [MaybeUninit<T>],
    ) {
        let program = self.program;
        let size = program.coefficients.len() * P;
        let mut coefficients = [&[][..]; P];
        for (inner, part) in coefficients.iter_mut().enumerate() {
            let part_of_all = &self.coefficients[(block * P + inner) * size..][..size];
            *part = part_of_all.as_chunks::<P>().0;
        }
        // What is read again and again stays near: coefficients of a few entries, or factors of a few items.
        let outs_at_once = if group.tiles() > 1 {
            1
        } else {
            program.outs.len()
        };
        let mut rest = program.sums.as_slice();
        for outs in program.outs.chunks(outs_at_once.max(1)) {
            let sums_of_outs = rest;
            for (tile, at) in (0..num).step_by(NI).enumerate() {
                let [x, second] = group.factors(tile);
                let factors = Factors {
                    coefficients,
                    second,
                    x,
                };
                let items = (first + at, NI.min(num - at));
                let mut sums = sums_of_outs;
                for out in outs {
                    if out.parts == 1 {
                        let totals = sum_up::<T, A, P, NI, 1>(out, &mut sums, &factors, ahead);
                        group.store::<A, 1>(out, &totals, items, block, results);
                    } else {
                        let totals = sum_up::<T, A, P, NI, 2>(out, &mut sums, &factors, ahead);
                        group.store::<A, 2>(out, &totals, items, block, results);
                    }
                }
                rest = sums;
            }
        }
    }
}

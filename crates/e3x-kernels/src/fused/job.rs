//! Items one after the other: to matrices, products of these, and back.

use super::kernel::Kernel;
use super::plan::SIDES;
use super::tile::{Buffers, Totals};
use super::{FusedJob, Operands, SLOTS, Slot};
use crate::arithmetic::{Arithmetic, with_arithmetic};
use crate::items::{self, tasks};
use crate::lanes::{LANES, Lanes};
use crate::{Real, par};

pub(super) type Task<'a, T> = items::Task<'a, T, SIDES>;

impl FusedJob<'_> {
    pub(crate) fn run<T: Real>(self, operands: Operands<'_, T>) -> Vec<Vec<T>> {
        let len = |slot: Slot| {
            let len = slot.len(self.plan, self.items, self.features);
            if self.wanted[slot as usize] { len } else { 0 }
        };
        // Those of items are written, those of weights are added to.
        let mut results: [Vec<T>; SLOTS] = Slot::ALL.map(|slot| {
            if slot.is_weight() {
                vec![T::ZERO; len(slot)]
            } else {
                Vec::with_capacity(len(slot))
            }
        });
        if self.items > 0 && self.features > 0 {
            let kernel = Kernel::new(self, operands);
            with_arithmetic!(A => run::<T, A>(&kernel, &mut results));
            for (slot, result) in Slot::ALL.into_iter().zip(&mut results) {
                // SAFETY: tasks have written all rows of all items.
                unsafe { result.set_len(len(slot)) };
            }
        }
        let wanted = results.into_iter().zip(self.wanted);
        wanted
            .filter_map(|(result, wanted)| wanted.then_some(result))
            .collect()
    }
}

/// Writes the results of items to vectors that have the capacity, and adds to those of weights.
fn run<T: Real, A: Arithmetic<Block<T> = Lanes<T>>>(
    kernel: &Kernel<'_, T>,
    results: &mut [Vec<T>; SLOTS],
) {
    let FusedJob {
        plan,
        items,
        features,
        wanted,
    } = kernel.job;
    let sizes: [usize; SIDES] = std::array::from_fn(|side| {
        let slot = Slot::ALL[side];
        if wanted[side] {
            slot.rows(plan) * features
        } else {
            0
        }
    });
    let [first, second, product, weights @ ..] = results;
    let tasks = tasks(items, sizes, [first, second, product]);
    let sums = par::map_owned(tasks, kernel.work(), |task| visit::<T, A>(kernel, task));
    for sums in sums {
        for (sums, weight) in sums.iter().zip(&mut *weights) {
            let rows = weight.len() / features;
            for (sums, block) in sums.chunks_exact(rows.max(1)).zip(0..) {
                for (sums, row) in sums.iter().zip(weight.chunks_exact_mut(features)) {
                    for (value, &sum) in row[block * LANES..].iter_mut().zip(sums.iter()) {
                        *value += sum;
                    }
                }
            }
        }
    }
}

/// Computes the items of a task, as many together as the nearest cache holds; returns the derivatives with respect to
/// weights.
fn visit<T: Real, A: Arithmetic<Block<T> = Lanes<T>>>(
    kernel: &Kernel<'_, T>,
    task: Task<'_, T>,
) -> Totals<T> {
    match kernel.job.plan.order() {
        ..=5 => visit_items::<T, A, 4>(kernel, task),
        7 => visit_items::<T, A, 2>(kernel, task),
        _ => visit_items::<T, A, 1>(kernel, task),
    }
}

/// The same, `NI` items at a time. Not inlined: the code is long.
#[inline(never)]
fn visit_items<T: Real, A: Arithmetic<Block<T> = Lanes<T>>, const NI: usize>(
    kernel: &Kernel<'_, T>,
    mut task: Task<'_, T>,
) -> Totals<T> {
    let mut buffers = Buffers::<T, NI>::new(kernel);
    A::vectorized(
        #[inline(always)]
        || {
            for first in (0..task.items).step_by(NI) {
                let num = NI.min(task.items - first);
                // Memory would have nothing to do meanwhile.
                let mut ahead = kernel.ahead(&task, first + num, NI);
                for block in 0..kernel.blocks {
                    buffers.read::<A>(kernel, (task.first + first, num), block);
                    for side in 0..SIDES {
                        buffers.write_matrices::<A>(kernel, &mut ahead, side, block);
                    }
                    for side in 0..SIDES {
                        buffers.differentiate::<A>(kernel, &mut ahead, side, block);
                        buffers.write::<A>(kernel, side, &mut task, (first, num), block);
                    }
                }
            }
        },
    );
    buffers.totals
}

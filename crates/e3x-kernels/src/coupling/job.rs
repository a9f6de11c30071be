//! Splitting the items over threads.

use super::item::Kernel;
use super::tile::Buffers;
use super::{CouplingJob, Operands, SLOTS, Slot};
use crate::arithmetic::{Arithmetic, with_arithmetic};
use crate::items::{self, tasks};
use crate::lanes::{LANES, Lanes};
use crate::{Real, par};

impl CouplingJob<'_> {
    pub(crate) fn run<T: Real>(self, operands: Operands<'_, T>) -> Vec<Vec<T>> {
        let len = |slot: Slot| {
            let len = slot.len(self.plan, self.items, self.features);
            if self.wanted[slot as usize] { len } else { 0 }
        };
        // Those of items are written, that of the weight is added to.
        let mut results: [Vec<T>; SLOTS] = Slot::ALL.map(|slot| match slot {
            Slot::Weight => vec![T::ZERO; len(slot)],
            _ => Vec::with_capacity(len(slot)),
        });
        if self.items > 0 && self.features > 0 {
            with_arithmetic!(A => run(&Kernel::<T, A>::new(self, operands), &mut results));
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

/// Items of one task with the rows of their results.
pub(super) type Task<'a, T> = items::Task<'a, T, SLOTS>;

/// Writes the results of items to vectors that have the capacity, and adds to that of the weight.
fn run<T: Real, A: Arithmetic<Block<T> = Lanes<T>>>(
    kernel: &Kernel<'_, T, A>,
    results: &mut [Vec<T>; SLOTS],
) {
    let CouplingJob {
        plan,
        items,
        features,
        wanted,
    } = kernel.job;
    // The weight has no items.
    let sizes = Slot::ALL.map(|slot| match slot {
        Slot::Weight => 0,
        _ if wanted[slot as usize] => slot.rows(plan) * features,
        _ => 0,
    });
    let tasks = tasks(items, sizes, results.each_mut());
    let sums = par::map_owned(tasks, kernel.work(), |task| visit(kernel, task));
    let weight = &mut results[Slot::Weight as usize];
    if weight.is_empty() {
        return;
    }
    let paths = kernel.paths();
    for sums in sums {
        for (sums, block) in sums.chunks_exact(paths.len()).zip(0..) {
            for (sums, path) in sums.iter().zip(&paths) {
                let Some(path) = path else { continue };
                let row = &mut weight[path.weight * features..][..features];
                for (value, &sum) in row[block * LANES..].iter_mut().zip(sums.iter()) {
                    *value += sum;
                }
            }
        }
    }
}

/// Computes the items of a task; returns the derivative with respect to the weight.
fn visit<T: Real, A: Arithmetic<Block<T> = Lanes<T>>>(
    kernel: &Kernel<'_, T, A>,
    mut task: Task<'_, T>,
) -> Vec<Lanes<T>> {
    let Kernel { job, operands, .. } = kernel;
    let spec = job.plan.spec();
    for fold in &kernel.folds {
        fold.visit::<A>(job, operands, &mut task);
    }
    // Groups take the factor with fewer parities first.
    let [first, second] = [spec.first.0, spec.second.0];
    match (&kernel.joint, [first.min(second), first.max(second)]) {
        // As few items as make two sums at a time: the nearest cache hardly holds the factors of more.
        (Some(joint), [1, _]) => joint.visit::<A, 1, 2>(job, operands, &mut task),
        (Some(joint), _) => joint.visit::<A, 2, 1>(job, operands, &mut task),
        _ if !kernel.folds.is_empty() => Vec::new(),
        (None, [1, 1]) => visit_items::<T, A, 1, 1, 8>(kernel, task),
        (None, [1, _]) => visit_items::<T, A, 1, 2, 4>(kernel, task),
        (None, [_, _]) => visit_items::<T, A, 2, 2, 2>(kernel, task),
    }
}

/// Computes the items of a task, `NI` at a time: `P1 * P2 * NI` is the same for all. Not inlined: the code
/// is long.
#[inline(never)]
fn visit_items<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P1: usize,
    const P2: usize,
    const NI: usize,
>(
    kernel: &Kernel<'_, T, A>,
    mut task: Task<'_, T>,
) -> Vec<Lanes<T>> {
    let mut buffers = Buffers::<T, NI>::new(kernel);
    let steps = kernel.steps() * kernel.blocks;
    A::vectorized(
        #[inline(always)]
        || {
            for first in (0..task.items).step_by(NI) {
                let num = NI.min(task.items - first);
                let items = (task.first + first, num);
                // Memory would have nothing to do meanwhile.
                let next = first + num;
                let num_next = NI.min(kernel.job.items - task.first - next);
                let mut ahead = buffers.ahead(
                    &kernel.job,
                    &kernel.operands,
                    &task.results,
                    (task.first + next, num_next),
                    (next, steps),
                );
                for block in 0..kernel.blocks {
                    buffers.load(&kernel.job, &kernel.operands, items, block);
                    kernel.tile::<P1, P2, NI>(block, &mut ahead, &mut buffers);
                    buffers.store(&kernel.job, &mut task.results, (first, num), block);
                }
            }
        },
    );
    buffers.weight
}

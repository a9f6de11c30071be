//! Splitting the items over threads.

use super::item::{Buffers, Kernel, Results};
use super::stage::Operands;
use super::{CouplingJob, SLOTS, Slot};
use crate::arithmetic::{Arithmetic, with_arithmetic};
use crate::lanes::{LANES, Lanes};
use crate::{Real, par};

/// Fewest items of a task, and most tasks. Fixed, so that results do not depend on the number of
/// threads.
const MIN_ITEMS: usize = 16;
const MAX_TASKS: usize = 64;

impl CouplingJob<'_> {
    pub(crate) fn run<T: Real>(self, operands: Operands<'_, T>) -> Vec<Vec<T>> {
        let mut results = Slot::ALL.map(|slot| {
            let wanted = self.wanted[slot as usize];
            let len = slot.len(self.plan, self.items, self.features);
            vec![T::ZERO; if wanted { len } else { 0 }]
        });
        if self.items > 0 && self.features > 0 {
            with_arithmetic!(A => run(&Kernel::<T, A>::new(self, operands), &mut results));
        }
        let wanted = results.into_iter().zip(self.wanted);
        wanted
            .filter_map(|(result, wanted)| wanted.then_some(result))
            .collect()
    }

    /// Multiply-adds, roughly.
    fn work(&self) -> usize {
        let entries: usize = self
            .plan
            .pairs()
            .iter()
            .map(|pair| pair.forward.entries.len())
            .sum();
        2 * self.items * self.features * entries * self.plan.channels()
    }
}

/// Items of one task with the rows of their results.
struct Task<'a, T> {
    first: usize,
    items: usize,
    results: Results<'a, T>,
}

fn run<T: Real, A: Arithmetic<Block<T> = Lanes<T>>>(
    kernel: &Kernel<'_, T, A>,
    results: &mut [Vec<T>; SLOTS],
) {
    let CouplingJob {
        plan,
        items,
        features,
        ..
    } = kernel.job;
    let size = items.div_ceil(MAX_TASKS).max(MIN_ITEMS);
    let [first, second, weight, product] = results;
    let rows = |slot: Slot| slot.rows(plan) * features;
    let mut rest = [
        (first.as_mut_slice(), rows(Slot::First)),
        (second.as_mut_slice(), rows(Slot::Second)),
        (&mut [], 0),
        (product.as_mut_slice(), rows(Slot::Product)),
    ];
    let tasks: Vec<Task<'_, T>> = (0..items)
        .step_by(size)
        .map(|first| {
            let items = size.min(items - first);
            let results = rest.each_mut().map(|(rest, rows)| {
                let wanted = (*rows * items).min(rest.len());
                rest.split_off_mut(..wanted).unwrap_or_default()
            });
            Task {
                first,
                items,
                results,
            }
        })
        .collect();
    let sums = par::map_owned(tasks, kernel.job.work(), |task| visit(kernel, task));
    if weight.is_empty() {
        return;
    }
    let paths = plan.paths();
    for sums in sums {
        for (i, sums) in sums.iter().enumerate() {
            let (path, block) = (&paths[i / kernel.blocks], i % kernel.blocks);
            let row = &mut weight[path.weight * features..][..features];
            for (value, &sum) in row[block * LANES..].iter_mut().zip(sums.iter()) {
                *value += sum;
            }
        }
    }
}

/// Largest number of numbers that the products of a pair of degrees may have, so that they stay in
/// the innermost caches.
const MAX_PRODUCTS: usize = 1 << 14;

/// Computes the items of a task; returns the derivative with respect to the weight.
fn visit<T: Real, A: Arithmetic<Block<T> = Lanes<T>>>(
    kernel: &Kernel<'_, T, A>,
    mut task: Task<'_, T>,
) -> Vec<Lanes<T>> {
    let plan = kernel.job.plan;
    let [p1, p2] = [plan.spec().first.0, plan.spec().second.0];
    let largest = plan
        .pairs()
        .iter()
        .map(|pair| pair.len[0] * pair.len[1])
        .max();
    let two = 2 * LANES * plan.channels() * largest.unwrap_or(0) <= MAX_PRODUCTS;
    let most = if two { 2 } else { 1 };
    let mut buffers = kernel.buffers(most);
    let mut block = 0;
    while block < kernel.blocks {
        let num = most.min(kernel.blocks - block);
        let task = &mut task;
        let buffers = &mut buffers;
        match (p1, p2, num) {
            (1, 1, 1) => visit_blocks::<T, A, 1, 1, 1, 1>(kernel, task, block, buffers),
            (1, 1, _) => visit_blocks::<T, A, 1, 1, 2, 2>(kernel, task, block, buffers),
            (1, _, 1) => visit_blocks::<T, A, 1, 2, 1, 2>(kernel, task, block, buffers),
            (1, _, _) => visit_blocks::<T, A, 1, 2, 2, 4>(kernel, task, block, buffers),
            (_, 1, 1) => visit_blocks::<T, A, 2, 1, 1, 2>(kernel, task, block, buffers),
            (_, 1, _) => visit_blocks::<T, A, 2, 1, 2, 4>(kernel, task, block, buffers),
            (_, _, 1) => visit_blocks::<T, A, 2, 2, 1, 4>(kernel, task, block, buffers),
            (_, _, _) => visit_blocks::<T, A, 2, 2, 2, 8>(kernel, task, block, buffers),
        }
        block += num;
    }
    buffers.weight
}

/// Computes `NUM` blocks of lanes of all items of a task. `N` is `P1 * P2 * NUM`. Not inlined: the
/// code is long.
#[inline(never)]
fn visit_blocks<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P1: usize,
    const P2: usize,
    const NUM: usize,
    const N: usize,
>(
    kernel: &Kernel<'_, T, A>,
    task: &mut Task<'_, T>,
    block: usize,
    buffers: &mut Buffers<T>,
) {
    A::vectorized(
        #[inline(always)]
        || {
            for i in 0..task.items {
                let mut results = task.results.each_mut().map(|rows| {
                    let size = rows.len() / task.items;
                    &mut rows[i * size..(i + 1) * size]
                });
                let item = task.first + i;
                kernel.item::<P1, P2, NUM, N>(item, block, buffers, &mut results);
            }
        },
    );
}

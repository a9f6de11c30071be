//! Rows of some items, one block of lanes of each, in the order in which kernels read them.

use std::mem::MaybeUninit;

use super::item::Kernel;
use super::multiply::N;
use super::stage::OPERANDS;
use super::{CouplingJob, Operands, SLOTS, Slot};
use crate::arithmetic::Arithmetic;
use crate::lanes::{self, Lanes};
use crate::prefetch::Ahead;
use crate::{CouplingPlan, Real};

/// Buffers of a task for `NI` items at a time. Rows of items are `(row, parity, item)`.
pub(super) struct Buffers<T, const NI: usize> {
    /// Rows of the items, by operand.
    pub rows: [Vec<Lanes<T>>; OPERANDS],
    /// Rows of the derivatives with respect to the arguments, that of the weight excepted.
    pub sums: [Vec<Lanes<T>>; SLOTS],
    /// Derivative with respect to the weight of all items of the task, `(block, path)`, with one more path for
    /// those that do not exist.
    pub weight: Vec<Lanes<T>>,
    /// Numbers of a group, `(product or out, part)`.
    pub products: Vec<[Lanes<T>; N]>,
}

/// Rows of the items' results, empty where they are not wanted.
pub(super) type Results<'a, T> = [&'a mut [MaybeUninit<T>]; SLOTS];

/// A row of all items, for `P` parities.
pub(super) type Row<T, const P: usize, const NI: usize> = [[Lanes<T>; NI]; P];

/// A row for the parity of `at`, `(row, parity)`, and those after it.
#[inline(always)]
pub(super) fn row<T, const P: usize, const NI: usize>(
    rows: &[Lanes<T>],
    at: u32,
) -> &Row<T, P, NI> {
    debug_assert!((at as usize + P) * NI <= rows.len());
    // SAFETY: rows of products and outs are those of the arguments of their plan (`program.rs`), and buffers
    // have all of these (`Buffers::new`); an array has the layout of its elements.
    unsafe { &*rows.as_ptr().add(at as usize * NI).cast() }
}

/// As [`row`].
#[inline(always)]
pub(super) fn row_mut<T, const P: usize, const NI: usize>(
    rows: &mut [Lanes<T>],
    at: u32,
) -> &mut Row<T, P, NI> {
    debug_assert!((at as usize + P) * NI <= rows.len());
    // SAFETY: as above.
    unsafe { &mut *rows.as_mut_ptr().add(at as usize * NI).cast() }
}

/// Size of the parity axis of an argument.
fn parity(plan: &CouplingPlan, slot: Slot) -> usize {
    let spec = plan.spec();
    match slot {
        Slot::First => spec.first.0,
        Slot::Second => spec.second.0,
        Slot::Weight => 1,
        Slot::Product => spec.product.0,
    }
}

impl<T: Real, const NI: usize> Buffers<T, NI> {
    pub fn new<A: Arithmetic<Block<T> = Lanes<T>>>(kernel: &Kernel<'_, T, A>) -> Self {
        let Kernel {
            job,
            stages,
            blocks,
            ..
        } = kernel;
        let plan = job.plan;
        let used = |operand: usize| {
            let slot = Slot::ALL[operand % SLOTS];
            let used = slot != Slot::Weight && stages.uses(operand);
            vec![Lanes::zero(); if used { slot.rows(plan) * NI } else { 0 }]
        };
        let wanted = |slot: Slot| {
            let wanted = job.wanted[slot as usize] && slot != Slot::Weight;
            vec![Lanes::zero(); if wanted { slot.rows(plan) * NI } else { 0 }]
        };
        let weights = if job.wanted[Slot::Weight as usize] {
            plan.path_places() * blocks
        } else {
            0
        };
        Self {
            rows: std::array::from_fn(used),
            sums: Slot::ALL.map(wanted),
            weight: vec![Lanes::zero(); weights],
            products: vec![[Lanes::zero(); N]; 2 * kernel.most_products()],
        }
    }

    /// Reads `num` items from `first` on and clears sums; missing items are zero.
    #[inline(always)]
    pub fn load(
        &mut self,
        job: &CouplingJob<'_>,
        operands: &Operands<'_, T>,
        (first, num): (usize, usize),
        block: usize,
    ) {
        let features = job.features;
        for operand in 0..OPERANDS {
            let slot = Slot::ALL[operand % SLOTS];
            let rows = &mut self.rows[operand];
            let Some(values) = operands
                .of(operand / SLOTS, operand % SLOTS)
                .filter(|_| !rows.is_empty())
            else {
                continue;
            };
            let parity = parity(job.plan, slot);
            let len = rows.len() / NI;
            let degrees = len / parity;
            for (at, lanes) in rows.as_chunks_mut::<NI>().0.iter_mut().enumerate() {
                let row = at % parity * degrees + at / parity;
                for (i, lanes) in lanes.iter_mut().enumerate() {
                    if i < num {
                        let start = ((first + i) * len + row) * features;
                        lanes::load_to(&values[start..][..features], block, lanes);
                    } else {
                        *lanes = Lanes::zero();
                    }
                }
            }
        }
        for sums in &mut self.sums {
            sums.fill(Lanes::zero());
        }
    }

    /// What [`Self::load`] and [`Self::store`] need of these items, in some steps.
    pub fn ahead(
        &self,
        job: &CouplingJob<'_>,
        operands: &Operands<'_, T>,
        results: &Results<'_, T>,
        (first, num): (usize, usize),
        (next, steps): (usize, usize),
    ) -> Ahead {
        let mut ahead = Ahead::new(steps);
        for operand in 0..OPERANDS {
            let size = self.rows[operand].len() / NI * job.features;
            if let Some(values) = operands
                .of(operand / SLOTS, operand % SLOTS)
                .filter(|_| size > 0)
            {
                ahead.add(values, first * size..(first + num) * size);
            }
        }
        for (sums, results) in self.sums.iter().zip(results) {
            let size = sums.len() / NI * job.features;
            ahead.add(results, next * size..(next + num) * size);
        }
        ahead.start()
    }

    /// Writes the sums of `num` items to their results, from the item `first` of these on.
    #[inline(always)]
    pub fn store(
        &self,
        job: &CouplingJob<'_>,
        results: &mut Results<'_, T>,
        (first, num): (usize, usize),
        block: usize,
    ) {
        let features = job.features;
        for (slot, results) in Slot::ALL.into_iter().zip(results) {
            let sums = &self.sums[slot as usize];
            if sums.is_empty() {
                continue;
            }
            let parity = parity(job.plan, slot);
            let len = sums.len() / NI;
            let degrees = len / parity;
            for (at, lanes) in sums.as_chunks::<NI>().0.iter().enumerate() {
                let row = at % parity * degrees + at / parity;
                for (i, lanes) in lanes.iter().take(num).enumerate() {
                    let start = ((first + i) * len + row) * features;
                    lanes::write(&mut results[start..][..features], block, lanes);
                }
            }
        }
    }
}

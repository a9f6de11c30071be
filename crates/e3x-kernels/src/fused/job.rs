//! Items one after the other: to matrices, products of these, and back.

use super::matrix::{Rounded, Times, Turns, Weighted};
use super::multiply::{Factors, Transposed, multiply};
use super::plan::{CHANNELS, PLANES, SIDES, Term};
use super::{FusedJob, Operands, SLOTS, Slot};
use crate::arithmetic::{Arithmetic, with_arithmetic};
use crate::items::{self, read_row, tasks, write_row};
use crate::lanes::{self, LANES, Lanes};
use crate::prefetch::Ahead;
use crate::{Real, par};

/// Arguments, and their tangents.
const LEVELS: usize = 2;

type Task<'a, T> = items::Task<'a, T, SIDES>;

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

/// A computation with everything that does not depend on the items.
struct Kernel<'a, T> {
    job: FusedJob<'a>,
    operands: Operands<'a, T>,
    turns: [Turns<'a, T>; SIDES],
    /// Weights and their tangents, `(block of lanes, matrix, degree)`.
    weights: [[Vec<Lanes<T>>; LEVELS]; SIDES],
    needs: [Needs; SIDES],
    blocks: usize,
}

/// What is computed for an argument and its weights.
#[derive(Debug, Clone, Copy, Default)]
struct Needs {
    /// Irreps and their tangents are read.
    irreps: [bool; LEVELS],
    /// Matrices and their tangents, for the derivatives with respect to other arguments.
    matrices: [bool; LEVELS],
    /// Derivatives with respect to irreps and to weights. With tangents, those of the second level; those of the first are
    /// multiplied with the tangents of this argument.
    irreps_wanted: bool,
    weights_wanted: bool,
}

impl<'a, T: Real> Kernel<'a, T> {
    fn new(job: FusedJob<'a>, operands: Operands<'a, T>) -> Self {
        let blocks = lanes::num_blocks(job.features);
        let turns = std::array::from_fn(|side| {
            let planes = PLANES[side];
            let side = job.plan.side(side);
            let round = |terms: &[Term]| {
                let rounded = terms.iter().map(|term| Rounded {
                    place: term.place,
                    coefficient: T::from_f64(term.coefficient),
                });
                rounded.collect()
            };
            Turns {
                side,
                planes,
                size: job.plan.order() * job.plan.order(),
                to_matrix: round(&side.to_matrix),
                from_matrix: round(&side.from_matrix),
            }
        });
        let packed = |level: usize, slot: Slot| {
            let rows = slot.rows(job.plan);
            let Some(weights) = operands.of(level, slot) else {
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
            turns,
            weights,
            needs: std::array::from_fn(|side| Needs::new(side, &job, &operands)),
            blocks,
        }
    }

    /// Multiply-adds of all items, roughly: each derivative takes as many as the product.
    fn work(&self) -> usize {
        let derivatives = self.needs.iter().map(|needs| {
            let levels = 1 + usize::from(needs.matrices[1]);
            usize::from(needs.irreps_wanted || needs.weights_wanted) * levels
        });
        let each = self.job.plan.multiply_adds() * self.job.features;
        derivatives.sum::<usize>() * each * self.job.items
    }
}

impl Needs {
    fn new<T>(side: usize, job: &FusedJob<'_>, operands: &Operands<'_, T>) -> Self {
        let wanted = |side: usize| [side, side + SIDES].map(|slot| job.wanted[slot]);
        let given = |slot: usize| operands.of(1, Slot::ALL[slot]).is_some();
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

/// Derivatives with respect to weights, `(block of lanes, matrix, degree)`.
type Totals<T> = [Vec<Lanes<T>>; SIDES];

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

/// Rows and matrices of some items, one block of lanes of each.
struct Buffers<T, const NI: usize> {
    /// Irreps, `(parity, row, item)`, and matrices, `(matrix, place, item)`.
    irreps: [[Vec<Lanes<T>>; LEVELS]; SIDES],
    matrices: [[Vec<Lanes<T>>; LEVELS]; SIDES],
    /// Of one argument after the other: weights times irreps, derivatives with respect to matrices and to irreps.
    weighted: Vec<Lanes<T>>,
    derivatives: Vec<Lanes<T>>,
    target: Vec<Lanes<T>>,
    totals: Totals<T>,
}

impl<T: Real, const NI: usize> Buffers<T, NI> {
    fn new(kernel: &Kernel<'_, T>) -> Self {
        let zeros = |num: usize| vec![Lanes::zero(); num];
        let levels = |used: [bool; LEVELS], num: usize| {
            used.map(|used| if used { zeros(num * NI) } else { Vec::new() })
        };
        let sides: [usize; SIDES] = std::array::from_fn(|side| side);
        let most = |num: &dyn Fn(&Turns<'_, T>) -> usize| {
            let nums = kernel.turns.iter().map(num);
            zeros(nums.max().unwrap_or_default() * NI)
        };
        let rows = |turns: &Turns<'_, T>| turns.side.parities * turns.side.rows();
        let places = |turns: &Turns<'_, T>| turns.planes * turns.size;
        Self {
            irreps: sides.map(|side| levels(kernel.needs[side].irreps, rows(&kernel.turns[side]))),
            matrices: sides
                .map(|side| levels(kernel.needs[side].matrices, places(&kernel.turns[side]))),
            weighted: most(&|turns| turns.planes * turns.side.rows()),
            derivatives: most(&places),
            target: most(&rows),
            totals: sides.map(|side| {
                let Turns {
                    planes, side: of, ..
                } = kernel.turns[side];
                let wanted = kernel.needs[side].weights_wanted;
                zeros(if wanted {
                    kernel.blocks * planes * of.degrees
                } else {
                    0
                })
            }),
        }
    }

    /// Reads the irreps that are needed of `num` items; missing items are zero.
    #[inline(always)]
    fn read<A: Arithmetic<Block<T> = Lanes<T>>>(
        &mut self,
        kernel: &Kernel<'_, T>,
        (first, num): (usize, usize),
        block: usize,
    ) {
        let features = kernel.job.features;
        for side in 0..SIDES {
            for level in 0..LEVELS {
                let to = self.irreps[side][level].as_chunks_mut::<NI>().0;
                let all = kernel
                    .operands
                    .of(level, Slot::ALL[side])
                    .unwrap_or_default();
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
    fn write_matrices<A: Arithmetic<Block<T> = Lanes<T>>>(
        &mut self,
        kernel: &Kernel<'_, T>,
        ahead: &mut Ahead,
        side: usize,
        block: usize,
    ) {
        let turns = &kernel.turns[side];
        let weights = |level: usize| kernel.weights(side, level, block);
        let irreps = self.irreps[side].each_ref().map(Vec::as_slice);
        let [matrices, tangents] = &mut self.matrices[side];
        let weighted = &mut self.weighted;
        if !matrices.is_empty() {
            turns.write::<A, NI>(ahead, &[(weights(0), irreps[0])], weighted, matrices);
        }
        if !tangents.is_empty() {
            let sums: [Weighted<'_, T>; 2] = [(weights(0), irreps[1]), (weights(1), irreps[0])];
            let sums = match [irreps[1].is_empty(), weights(1).is_empty()] {
                [true, _] => &sums[1..],
                [_, true] => &sums[..1],
                _ => &sums,
            };
            turns.write::<A, NI>(ahead, sums, weighted, tangents);
        }
    }

    /// Computes the derivatives with respect to an argument and its weights that are wanted.
    #[inline(always)]
    fn differentiate<A: Arithmetic<Block<T> = Lanes<T>>>(
        &mut self,
        kernel: &Kernel<'_, T>,
        ahead: &mut Ahead,
        side: usize,
        block: usize,
    ) {
        let needs = kernel.needs[side];
        let last = usize::from(kernel.operands.tangents.is_some());
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
            let turns = &kernel.turns[side];
            let derivatives = &mut self.derivatives[..turns.planes * turns.size * NI];
            products::<T, A, NI>(kernel, side, level, &self.matrices, derivatives);
            let num = turns.planes * turns.side.degrees;
            let totals = match self.totals[side].get_mut(block * num..(block + 1) * num) {
                Some(totals) => totals,
                None => &mut [],
            };
            turns.read::<A, NI>(ahead, derivatives, &times, &mut self.target, totals);
        }
    }

    /// Writes the derivative with respect to an argument of `num` items.
    #[inline(always)]
    fn write<A: Arithmetic<Block<T> = Lanes<T>>>(
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

impl<T: Real> Kernel<'_, T> {
    /// Weights of an argument or their tangents, if there are any, `(matrix, degree)`.
    #[inline(always)]
    fn weights(&self, side: usize, level: usize, block: usize) -> &[Lanes<T>] {
        let weights = &self.weights[side][level];
        let num = weights.len() / self.blocks;
        &weights[block * num..][..num]
    }

    /// Rows of the irreps of an argument.
    fn rows(&self, side: usize) -> usize {
        let Turns { side, .. } = self.turns[side];
        side.parities * side.rows()
    }

    /// What `num` items need later on, counted from the first item of the task.
    fn ahead(&self, task: &Task<'_, T>, first: usize, num: usize) -> Ahead {
        let sides = self.turns.iter().zip(&self.needs);
        let steps = sides.map(|(turns, needs)| {
            let levels = needs.matrices.iter().filter(|&&needed| needed).count();
            let derivatives = usize::from(needs.irreps_wanted || needs.weights_wanted);
            levels * turns.side.pairs.len() + derivatives * turns.side.rows()
        });
        let mut ahead = Ahead::new(steps.sum::<usize>() * self.blocks);
        for side in 0..SIDES {
            let size = self.rows(side) * self.job.features;
            let of_all = task.first + first;
            let last = (of_all + num).min(self.job.items);
            for level in 0..LEVELS {
                let values = self.operands.of(level, Slot::ALL[side]).unwrap_or_default();
                ahead.add(values, of_all * size..last * size);
            }
            ahead.add(&*task.results[side], first * size..(first + num) * size);
        }
        ahead.start()
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
    let size = kernel.turns[side].size * NI;
    // X = Z Y', Y = X' Z and Z = X Y, of matrices that are transposed.
    let ([left, right], transposed) = match side {
        0 => ([2, 1], Transposed::Second),
        1 => ([0, 2], Transposed::First),
        _ => ([0, 1], Transposed::None),
    };
    for (plane, out) in derivatives.chunks_exact_mut(size).enumerate() {
        let mut pairs: [Factors<'_, T>; 4] = [[&[], &[]]; 4];
        let mut num = 0;
        for channel in CHANNELS.iter().filter(|channel| channel[side] == plane) {
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

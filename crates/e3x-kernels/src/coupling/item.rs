//! What one item adds to each argument, for one or two blocks of lanes.

use std::marker::PhantomData;

use super::program::{Out, Pair, Sparse};
use super::stage::{OPERANDS, Operand, Operands, Stage, Stages};
use super::{CouplingJob, SLOTS, Slot};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::lanes::{self, Lanes};

/// A computation with everything that does not depend on the item.
pub(super) struct Kernel<'a, T, A> {
    arithmetic: PhantomData<A>,
    pub job: CouplingJob<'a>,
    operands: Operands<'a, T>,
    stages: Stages,
    /// Coefficients of all pairs of degrees, forward and backward.
    coefficients: Vec<[Sparse<T>; 2]>,
    /// The weight and its tangent as `(path, block of lanes)`.
    weights: [Vec<Lanes<T>>; 2],
    pub blocks: usize,
}

/// Buffers of a task. Rows of an item are `(row, parity, block)`.
pub(super) struct Buffers<T> {
    /// Rows of the item, by operand.
    rows: [Vec<Lanes<T>>; OPERANDS],
    /// Rows of the derivatives with respect to the arguments, that of the weight excepted.
    sums: [Vec<Lanes<T>>; SLOTS],
    /// Derivative with respect to the weight of all items of the task, `(path, block)`.
    pub weight: Vec<Lanes<T>>,
    /// Products of an item, `(row, channel, block)`.
    products: Vec<Lanes<T>>,
}

/// Rows of the item's results, empty where they are not wanted.
pub(super) type Results<'a, T> = [&'a mut [T]; SLOTS];

impl<'a, T: Real, A: Arithmetic<Block<T> = Lanes<T>>> Kernel<'a, T, A> {
    pub fn new(job: CouplingJob<'a>, operands: Operands<'a, T>) -> Self {
        let blocks = lanes::num_blocks(job.features);
        let pack = |weights: Option<&[T]>| {
            let mut packed = vec![Lanes::zero(); job.plan.paths().len() * blocks];
            let Some(weights) = weights else {
                return packed;
            };
            for (path, packed) in job.plan.paths().iter().zip(packed.chunks_exact_mut(blocks)) {
                let row = &weights[path.weight * job.features..][..job.features];
                for (block, lanes) in packed.iter_mut().enumerate() {
                    lanes::load_to(row, block, lanes);
                }
            }
            packed
        };
        let weight = Slot::Weight as usize;
        let tangent = operands.tangents.and_then(|tangents| tangents[weight]);
        let round = |pair: &Pair| [pair.forward.rounded(), pair.backward.rounded()];
        Self {
            arithmetic: PhantomData,
            stages: Stages::new(job.wanted, &operands),
            coefficients: job.plan.pairs().iter().map(round).collect(),
            weights: [pack(operands.args[weight]), pack(tangent)],
            blocks,
            job,
            operands,
        }
    }

    /// Buffers for `num` blocks at a time.
    pub fn buffers(&self, num: usize) -> Buffers<T> {
        let plan = self.job.plan;
        let zeros = |rows: usize| vec![Lanes::zero(); rows];
        let rows = |pair: &Pair| pair.rows.max(pair.len[0] * pair.len[1]);
        let most = plan.pairs().iter().map(rows).max().unwrap_or(0);
        Buffers {
            rows: std::array::from_fn(|operand| zeros(Slot::ALL[operand % SLOTS].rows(plan) * num)),
            sums: Slot::ALL.map(|slot| zeros(slot.rows(plan) * num)),
            weight: zeros(plan.paths().len() * self.blocks),
            products: zeros(most * plan.channels() * num),
        }
    }

    /// Size of the parity axis of an argument.
    fn parity(&self, slot: Slot) -> usize {
        let spec = self.job.plan.spec();
        match slot {
            Slot::First => spec.first.0,
            Slot::Second => spec.second.0,
            Slot::Weight => 1,
            Slot::Product => spec.product.0,
        }
    }

    /// Computes `NUM` blocks of the results of one item, from `block` on; adds to the derivative
    /// with respect to the weight.
    #[inline(always)]
    pub fn item<const P1: usize, const P2: usize, const NUM: usize, const N: usize>(
        &self,
        item: usize,
        block: usize,
        buffers: &mut Buffers<T>,
        results: &mut Results<'_, T>,
    ) {
        self.load(item, block, NUM, buffers);
        for (pair, [forward, backward]) in self.job.plan.pairs().iter().zip(&self.coefficients) {
            for stage in &self.stages.forward {
                multiply_factors::<T, A, P1, P2, NUM, N>(stage, pair, buffers);
                self.forward::<NUM, N>(stage, pair, forward, block, buffers);
            }
            for stage in &self.stages.backward {
                self.multiply_weights::<NUM, N>(stage, pair, block, buffers);
                backward_rows::<T, A, P1, P2, NUM, N>(stage, pair, backward, buffers);
            }
        }
        for (slot, out) in Slot::ALL.into_iter().zip(results.iter_mut()) {
            let (parity, sums) = (self.parity(slot), &buffers.sums[slot as usize]);
            let degrees = slot.rows(self.job.plan) / parity;
            for (i, row) in out.chunks_exact_mut(self.job.features).enumerate() {
                let sums = &sums[(i % degrees * parity + i / degrees) * NUM..][..NUM];
                for (b, lanes) in sums.iter().enumerate() {
                    lanes::store(row, block + b, lanes);
                }
            }
        }
    }

    /// Reads the operands of an item and clears its sums.
    #[inline(always)]
    fn load(&self, item: usize, block: usize, num: usize, buffers: &mut Buffers<T>) {
        let (plan, features) = (self.job.plan, self.job.features);
        for operand in 0..OPERANDS {
            let slot = Slot::ALL[operand % SLOTS];
            let values = match operand.checked_sub(SLOTS) {
                None => self.operands.args[operand],
                Some(tangent) => self.operands.tangents.and_then(|t| t[tangent]),
            };
            let used = slot != Slot::Weight && self.stages.uses(operand);
            let Some(values) = values.filter(|_| used) else {
                continue;
            };
            let (rows, parity) = (slot.rows(plan), self.parity(slot));
            let degrees = rows / parity;
            let values = values[item * rows * features..][..rows * features].chunks_exact(features);
            for (i, row) in values.enumerate() {
                let at = (i % degrees * parity + i / degrees) * num;
                for (b, lanes) in buffers.rows[operand][at..at + num].iter_mut().enumerate() {
                    lanes::load_to(row, block + b, lanes);
                }
            }
        }
        for (slot, sums) in Slot::ALL.into_iter().zip(&mut buffers.sums) {
            if self.job.wanted[slot as usize] && slot != Slot::Weight {
                sums.fill(Lanes::zero());
            }
        }
    }

    /// Blocks of the weights of a path, or of their tangents.
    #[inline(always)]
    fn weight<const NUM: usize>(&self, operand: Operand, path: usize, block: usize) -> &[Lanes<T>] {
        &self.weights[operand / SLOTS][path * self.blocks + block..][..NUM]
    }

    /// Couples products of the factors, and adds to the product and the weight.
    #[inline(always)]
    fn forward<const NUM: usize, const N: usize>(
        &self,
        stage: &Stage,
        pair: &Pair,
        matrix: &Sparse<T>,
        block: usize,
        buffers: &mut Buffers<T>,
    ) {
        let [weight, z] = stage.times;
        let parity = self.parity(Slot::Product);
        let sums = &mut buffers.sums[Slot::Product as usize];
        let mut start = 0;
        for out in &pair.outs {
            let mut totals = [A::zero::<T>(); N];
            for k in 0..out.len {
                let end = matrix.ends[out.first + k];
                let entries = &matrix.entries[start as usize..end as usize];
                start = end;
                let coupled = row::<T, A, N>(entries, &buffers.products);
                let at = (out.row3 + k) * parity;
                for c in 0..N / NUM {
                    let Some(channel) = out.channels[c] else {
                        continue;
                    };
                    let at = (at + channel.parity3) * NUM;
                    if let Some(weight) = weight {
                        let weight = self.weight::<NUM>(weight, channel.path, block);
                        let sums = &mut sums[at..][..NUM];
                        for b in 0..NUM {
                            A::accumulate_multiple(&mut sums[b], &weight[b], coupled[c * NUM + b]);
                        }
                    }
                    if let Some(z) = z {
                        let z = &buffers.rows[z][at..][..NUM];
                        for b in 0..NUM {
                            A::add_multiple(&mut totals[c * NUM + b], &z[b], coupled[c * NUM + b]);
                        }
                    }
                }
            }
            if z.is_none() {
                continue;
            }
            for c in 0..N / NUM {
                if let Some(channel) = out.channels[c] {
                    let sums = &mut buffers.weight[channel.path * self.blocks + block..][..NUM];
                    for b in 0..NUM {
                        A::add(&mut sums[b], totals[c * NUM + b]);
                    }
                }
            }
        }
    }

    /// The products of weights and entries of z, `(k, channel, block)`.
    #[inline(always)]
    fn multiply_weights<const NUM: usize, const N: usize>(
        &self,
        stage: &Stage,
        pair: &Pair,
        block: usize,
        buffers: &mut Buffers<T>,
    ) {
        let parity = self.parity(Slot::Product);
        if pair.outs.iter().any(|out| out.channels.contains(&None)) {
            buffers.products[..pair.rows * N].fill(Lanes::zero());
        }
        for (index, &[weight, z]) in stage.products.iter().enumerate() {
            let z = &buffers.rows[z];
            for Out {
                len,
                first,
                row3,
                channels,
            } in &pair.outs
            {
                for (c, channel) in channels.iter().enumerate() {
                    let Some(channel) = channel else {
                        continue;
                    };
                    let weight = self.weight::<NUM>(weight, channel.path, block);
                    for k in 0..*len {
                        let z = &z[((row3 + k) * parity + channel.parity3) * NUM..][..NUM];
                        let at = (first + k) * N + c * NUM;
                        let products = &mut buffers.products[at..at + NUM];
                        for b in 0..NUM {
                            let mut sum = if index == 0 {
                                A::zero()
                            } else {
                                A::load(&products[b])
                            };
                            A::add_product(&mut sum, &weight[b], &z[b]);
                            A::store::<T>(sum, &mut products[b]);
                        }
                    }
                }
            }
        }
    }
}

/// The products of the entries of the factors, `(i, j, channel, block)`.
#[inline(always)]
fn multiply_factors<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P1: usize,
    const P2: usize,
    const NUM: usize,
    const N: usize,
>(
    stage: &Stage,
    pair: &Pair,
    buffers: &mut Buffers<T>,
) {
    let [n1, n2] = pair.len;
    for (index, &[x, y]) in stage.products.iter().enumerate() {
        let x = &buffers.rows[x][pair.row[0] * P1 * NUM..][..n1 * P1 * NUM];
        let y = &buffers.rows[y][pair.row[1] * P2 * NUM..][..n2 * P2 * NUM];
        let products = buffers.products[..n1 * n2 * N].chunks_exact_mut(n2 * N);
        for (x, products) in x.chunks_exact(P1 * NUM).zip(products) {
            for (y, products) in y.chunks_exact(P2 * NUM).zip(products.chunks_exact_mut(N)) {
                for n in 0..N {
                    let (p1, p2, b) = (n / (P2 * NUM), n / NUM % P2, n % NUM);
                    let mut sum = if index == 0 {
                        A::zero()
                    } else {
                        A::load(&products[n])
                    };
                    A::add_product(&mut sum, &x[p1 * NUM + b], &y[p2 * NUM + b]);
                    A::store::<T>(sum, &mut products[n]);
                }
            }
        }
    }
}

/// Couples products of weights and entries of z, and adds to the factors.
#[inline(always)]
fn backward_rows<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P1: usize,
    const P2: usize,
    const NUM: usize,
    const N: usize,
>(
    stage: &Stage,
    pair: &Pair,
    matrix: &Sparse<T>,
    buffers: &mut Buffers<T>,
) {
    let [n1, n2] = pair.len;
    let [other1, other2] = stage.times;
    let [first, second, ..] = &mut buffers.sums;
    let first = &mut first[pair.row[0] * P1 * NUM..][..n1 * P1 * NUM];
    let second = &mut second[pair.row[1] * P2 * NUM..][..n2 * P2 * NUM];
    let mut start = 0;
    for i in 0..n1 {
        for j in 0..n2 {
            let end = matrix.ends[i * n2 + j];
            let entries = &matrix.entries[start as usize..end as usize];
            start = end;
            if entries.is_empty() {
                continue;
            }
            let coupled = row::<T, A, N>(entries, &buffers.products);
            if let Some(other) = other1 {
                let y = &buffers.rows[other][(pair.row[1] + j) * P2 * NUM..];
                let sums = &mut first[i * P1 * NUM..];
                add_to_factor::<T, A, P1, P2, NUM, N>(sums, y, coupled, [P2, 1]);
            }
            if let Some(other) = other2 {
                let x = &buffers.rows[other][(pair.row[0] + i) * P1 * NUM..];
                let sums = &mut second[j * P2 * NUM..];
                add_to_factor::<T, A, P2, P1, NUM, N>(sums, x, coupled, [1, P2]);
            }
        }
    }
}

/// Adds what was coupled, times an entry of the other factor, to an entry of a factor, for all `P`
/// parities of this one and `Q` of the other, which stand `strides` apart among the channels.
#[inline(always)]
fn add_to_factor<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const Q: usize,
    const NUM: usize,
    const N: usize,
>(
    sums: &mut [Lanes<T>],
    others: &[Lanes<T>],
    coupled: [A::Sum<T>; N],
    strides: [usize; 2],
) {
    let (sums, others) = (&mut sums[..P * NUM], &others[..Q * NUM]);
    for m in 0..P * NUM {
        let (p, b) = (m / NUM, m % NUM);
        let mut sum = A::load(&sums[m]);
        for q in 0..Q {
            let channel = p * strides[0] + q * strides[1];
            A::add_multiple(&mut sum, &others[q * NUM + b], coupled[channel * NUM + b]);
        }
        A::store::<T>(sum, &mut sums[m]);
    }
}

/// One row of the product of a sparse matrix with rows of `N` blocks of lanes.
#[inline(always)]
fn row<T: Real, A: Arithmetic<Block<T> = Lanes<T>>, const N: usize>(
    entries: &[(u32, T)],
    input: &[Lanes<T>],
) -> [A::Sum<T>; N] {
    let mut sums = [A::zero(); N];
    for &(column, c) in entries {
        let row = &input[column as usize * N..][..N];
        for n in 0..N {
            A::add_scaled(&mut sums[n], c, &row[n]);
        }
    }
    sums
}

//! Coupled products of the factors, which go to the target and to the weights.

use super::Slot;
use super::entries::CHANNELS;
use super::item::{Kernel, contract, for_each_kind, put};
use super::multiply::{N, multiply};
use super::program::{Group, Kind, Out};
use super::stage::Stage;
use super::tile::{Buffers, row, row_mut};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::lanes::Lanes;
use crate::place::{at, at_mut};

impl<T: Real, A: Arithmetic<Block<T> = Lanes<T>>> Kernel<'_, T, A> {
    /// Couples the products of a group.
    #[inline(always)]
    pub(super) fn forward<const P1: usize, const P2: usize, const NI: usize, const PARTS: usize>(
        &self,
        stage: &Stage,
        group: &Group,
        coefficients: &[T],
        block: usize,
        buffers: &mut Buffers<T, NI>,
    ) {
        if let (&[[x, y]], [out]) = (&stage.products[..], &group.outs[..]) {
            let (x, y) = (buffers.rows[x].as_slice(), buffers.rows[y].as_slice());
            let coupled = couple::<T, A, P1, P2, NI, PARTS>(group, coefficients, x, y);
            if out.odd {
                self.add_out::<NI, PARTS, true>(stage, out, &coupled, block, buffers);
            } else {
                self.add_out::<NI, PARTS, false>(stage, out, &coupled, block, buffers);
            }
            return;
        }
        multiply_factors::<T, A, P1, P2, NI, PARTS>(stage, group, buffers);
        let (even, odd) = coefficients.split_at(group.evens * group.products.len());
        self.add_outs::<NI, PARTS, false>(stage, group, even, block, buffers);
        if PARTS > 1 {
            self.add_outs::<NI, PARTS, true>(stage, group, odd, block, buffers);
        }
    }

    /// Couples the products of a group to all outs whose degrees have an odd sum, or an even one. The processor
    /// would not foresee their signs if they came in another order.
    #[inline(always)]
    fn add_outs<const NI: usize, const PARTS: usize, const ODD: bool>(
        &self,
        stage: &Stage,
        group: &Group,
        coefficients: &[T],
        block: usize,
        buffers: &mut Buffers<T, NI>,
    ) {
        let (even, odd) = group.outs.split_at(group.evens);
        let rows = coefficients.chunks_exact(group.products.len());
        let outs = if ODD { odd } else { even }.iter().zip(rows);
        if let [Some(times), None] = stage.times {
            // As `add_out`, with less to look up for each out.
            let weights = self.weights(times, block);
            let sums = buffers.sums[Slot::Product as usize].as_mut_slice();
            for (out, row) in outs {
                let coupled = contract::<T, A, PARTS>(row, &buffers.products);
                add_to_target::<T, A, NI, PARTS, ODD>(out, &coupled, weights, sums);
            }
            return;
        }
        for (out, row) in outs {
            let coupled = contract::<T, A, PARTS>(row, &buffers.products);
            self.add_out::<NI, PARTS, ODD>(stage, out, &coupled, block, buffers);
        }
    }

    /// Adds coupled products to an entry of the target and to the weights of its paths.
    #[inline(always)]
    fn add_out<const NI: usize, const PARTS: usize, const ODD: bool>(
        &self,
        stage: &Stage,
        out: &Out,
        coupled: &[[A::Sum<T>; N]; PARTS],
        block: usize,
        buffers: &mut Buffers<T, NI>,
    ) {
        let [times_weight, times_z] = stage.times;
        if let Some(times) = times_weight {
            let sums = buffers.sums[Slot::Product as usize].as_mut_slice();
            add_to_target::<T, A, NI, PARTS, ODD>(out, coupled, self.weights(times, block), sums);
        }
        if let Some(times) = times_z {
            let paths = self.job.plan.path_places();
            let totals = &mut buffers.weight[block * paths..][..paths];
            add_to_weights::<T, A, NI, PARTS, ODD>(out, coupled, &buffers.rows[times], totals);
        }
    }
}

/// A row of a matrix times the products of the entries of the factors, which are not written to memory: that
/// is worth it if it is the only row.
#[inline(always)]
fn couple<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P1: usize,
    const P2: usize,
    const NI: usize,
    const PARTS: usize,
>(
    group: &Group,
    row: &[T],
    x: &[Lanes<T>],
    y: &[Lanes<T>],
) -> [[A::Sum<T>; N]; PARTS] {
    let mut sums = [[A::zero::<T>(); N]; PARTS];
    let mut row = row.iter();
    for_each_kind!(PARTS, group, |kind, product| {
        let Some(&c) = row.next() else { break };
        let product = multiply::<T, A, P1, P2, NI, PARTS>(kind, product, x, y);
        for part in 0..PARTS {
            for n in 0..N {
                A::add_scaled_sum(&mut sums[part][n], c, product[part][n]);
            }
        }
    });
    sums
}

/// The products of the entries of the factors, `(product, part, channel and item)`.
#[inline(always)]
fn multiply_factors<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P1: usize,
    const P2: usize,
    const NI: usize,
    const PARTS: usize,
>(
    stage: &Stage,
    group: &Group,
    buffers: &mut Buffers<T, NI>,
) {
    for (index, &[x, y]) in stage.products.iter().enumerate() {
        let (x, y) = (buffers.rows[x].as_slice(), buffers.rows[y].as_slice());
        let mut products = buffers.products.as_chunks_mut::<PARTS>().0.iter_mut();
        for_each_kind!(PARTS, group, |kind, product| {
            let Some(to) = products.next() else { break };
            let product = multiply::<T, A, P1, P2, NI, PARTS>(kind, product, x, y);
            put::<T, A, PARTS>(&product, index > 0, to);
        });
    }
}

/// The target: `z += w coupled`.
#[inline(always)]
fn add_to_target<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const NI: usize,
    const PARTS: usize,
    const ODD: bool,
>(
    out: &Out,
    coupled: &[[A::Sum<T>; N]; PARTS],
    weights: &[Lanes<T>],
    sums: &mut [Lanes<T>],
) {
    // Channels that share their rows are added in registers.
    let shared = N / NI == CHANNELS;
    for c in 0..if shared { CHANNELS / 2 } else { N / NI } {
        let other = if shared { CHANNELS - 1 - c } else { c };
        let own = A::load(at(weights, out.paths[c]));
        let others = A::load(at(weights, out.paths[other]));
        for part in 0..PARTS {
            let [sums] = row_mut::<T, 1, NI>(sums, out.rows[part][c]);
            for i in 0..NI {
                let mut sum = A::load(&sums[i]);
                let (first, second) = (coupled[part][c * NI + i], coupled[part][other * NI + i]);
                add::<T, A, ODD>(&mut sum, part, own, first);
                if shared {
                    add::<T, A, ODD>(&mut sum, part, others, second);
                }
                A::store::<T>(sum, &mut sums[i]);
            }
        }
    }
}

/// `w += z coupled`.
#[inline(always)]
fn add_to_weights<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const NI: usize,
    const PARTS: usize,
    const ODD: bool,
>(
    out: &Out,
    coupled: &[[A::Sum<T>; N]; PARTS],
    z: &[Lanes<T>],
    totals: &mut [Lanes<T>],
) {
    for c in 0..N / NI {
        let to = at_mut(totals, out.paths[c]);
        let mut total = A::load(to);
        for part in 0..PARTS {
            let [z] = row::<T, 1, NI>(z, out.rows[part][c]);
            for i in 0..NI {
                add::<T, A, ODD>(&mut total, part, A::load(&z[i]), coupled[part][c * NI + i]);
            }
        }
        A::store::<T>(total, to);
    }
}

/// `sum += a b`, or `-=` for the second part of an odd out.
#[inline(always)]
fn add<T: Real, A: Arithmetic<Block<T> = Lanes<T>>, const ODD: bool>(
    sum: &mut A::Sum<T>,
    part: usize,
    a: A::Sum<T>,
    b: A::Sum<T>,
) {
    if ODD && part == 1 {
        A::subtract_multiple_sum(sum, a, b);
    } else {
        A::add_multiple_sum(sum, a, b);
    }
}

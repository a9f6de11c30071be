//! Coupled products of weights and entries of z, which go to the factors.

use std::mem::swap;

use super::Slot;
use super::item::{Kernel, contract, for_each_kind, put};
use super::multiply::{N, differentiate};
use super::program::{Group, Kind, Out, Product};
use super::stage::Stage;
use super::tile::{Buffers, row};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::lanes::Lanes;
use crate::place::at;

impl<T: Real, A: Arithmetic<Block<T> = Lanes<T>>> Kernel<'_, T, A> {
    /// Couples weights and entries of z, and adds to the factors of the products of a group.
    #[inline(always)]
    pub(super) fn backward<
        const P1: usize,
        const P2: usize,
        const NI: usize,
        const PARTS: usize,
    >(
        &self,
        stage: &Stage,
        group: &Group,
        coefficients: &[T],
        block: usize,
        buffers: &mut Buffers<T, NI>,
    ) {
        if let (&[[weight, z]], [out]) = (&stage.products[..], &group.outs[..]) {
            // The only row need not be written to memory.
            let (weights, z) = (self.weights(weight, block), buffers.rows[z].as_slice());
            let weighted = weigh::<T, A, NI, PARTS>(out, weights, z);
            let mut column = coefficients.iter();
            for_each_kind!(PARTS, group, |kind, product| {
                let Some(&c) = column.next() else { break };
                let mut coupled = [[A::zero::<T>(); N]; PARTS];
                for part in 0..PARTS {
                    for n in 0..N {
                        A::add_scaled_sum(&mut coupled[part][n], c, weighted[part][n]);
                    }
                }
                add_product::<T, A, P1, P2, NI, PARTS>(stage, kind, product, &coupled, buffers);
            });
            return;
        }
        self.multiply_weights::<NI, PARTS>(stage, group, block, buffers);
        let mut matrix = coefficients.chunks_exact(group.outs.len());
        for_each_kind!(PARTS, group, |kind, product| {
            let Some(row) = matrix.next() else { break };
            let coupled = contract::<T, A, PARTS>(row, &buffers.products);
            add_product::<T, A, P1, P2, NI, PARTS>(stage, kind, product, &coupled, buffers);
        });
    }

    /// The products of weights and entries of z, `(out, part, channel and item)`.
    #[inline(always)]
    fn multiply_weights<const NI: usize, const PARTS: usize>(
        &self,
        stage: &Stage,
        group: &Group,
        block: usize,
        buffers: &mut Buffers<T, NI>,
    ) {
        for (index, &[weight, z]) in stage.products.iter().enumerate() {
            let (weights, z) = (self.weights(weight, block), buffers.rows[z].as_slice());
            let products = buffers.products.as_chunks_mut::<PARTS>().0;
            for (out, to) in group.outs.iter().zip(products) {
                let weighted = weigh::<T, A, NI, PARTS>(out, weights, z);
                put::<T, A, PARTS>(&weighted, index > 0, to);
            }
        }
    }
}

/// `w z`.
#[inline(always)]
fn weigh<T: Real, A: Arithmetic<Block<T> = Lanes<T>>, const NI: usize, const PARTS: usize>(
    out: &Out,
    weights: &[Lanes<T>],
    z: &[Lanes<T>],
) -> [[A::Sum<T>; N]; PARTS] {
    let mut weighted = [[A::zero::<T>(); N]; PARTS];
    for c in 0..N / NI {
        let weight = A::load(at(weights, out.paths[c]));
        for part in 0..PARTS {
            let [z] = row::<T, 1, NI>(z, out.rows[part][c]);
            let weight = signed::<T, A>(out, part, weight);
            for i in 0..NI {
                weighted[part][c * NI + i] = A::multiply(weight, A::load(&z[i]));
            }
        }
    }
    weighted
}

/// `a` for the first part of a complex number, and with the sign of the second part for that. No branch: the signs of
/// the outs of all groups are too many for the processor to foresee.
#[inline(always)]
fn signed<T: Real, A: Arithmetic<Block<T> = Lanes<T>>>(
    out: &Out,
    part: usize,
    a: A::Sum<T>,
) -> A::Sum<T> {
    if part == 0 {
        return a;
    }
    let mut product = A::zero();
    A::add_scaled_sum(
        &mut product,
        T::from_f64(if out.odd { -1.0 } else { 1.0 }),
        a,
    );
    product
}

/// Adds what was coupled, times the entries of the other factor, to the entries of the factors.
#[inline(always)]
fn add_product<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P1: usize,
    const P2: usize,
    const NI: usize,
    const PARTS: usize,
>(
    stage: &Stage,
    kind: Kind,
    product: &Product,
    coupled: &[[A::Sum<T>; N]; PARTS],
    buffers: &mut Buffers<T, NI>,
) {
    let Buffers { rows, sums, .. } = buffers;
    let [mut first, mut second, ..] = sums.each_mut();
    if stage.factors[0] == Slot::Second {
        swap(&mut first, &mut second);
    }
    let [times_y, times_x] = stage.times;
    if let Some(y) = times_y {
        let (at, strides) = ([product.first, product.second], [P2 * NI, NI]);
        differentiate::<T, A, P1, P2, NI, PARTS>(kind, at, &rows[y], first, coupled, strides);
    }
    if let Some(x) = times_x {
        let (at, strides) = ([product.second, product.first], [NI, P2 * NI]);
        let kind = kind.exchanged();
        differentiate::<T, A, P2, P1, NI, PARTS>(kind, at, &rows[x], second, coupled, strides);
    }
}

//! First derivatives: what one edge adds to each of the six arguments.

use std::marker::PhantomData;

use super::drive::{EdgeKernel, Sink};
use super::pass::{
    Orders, Pass, couple, couple_back, for_orders, pair_products, spread, weighted_sum,
};
use super::plan::Pair;
use super::rotate::{into_frame, out_of_frame, outer_product};
use super::{SLOTS, Slot};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::lanes::Lanes;

pub(super) struct First<'a, T, A> {
    arithmetic: PhantomData<A>,
    pass: &'a Pass<'a, T>,
    args: [&'a [T]; SLOTS],
    /// `(block of lanes, path)`.
    weights: Vec<Lanes<T>>,
}

/// Buffers; those with all blocks hold one block of rows after the other.
pub(super) struct Scratch<T> {
    /// Rows of the two nodes, all blocks.
    x: Vec<Lanes<T>>,
    z: Vec<Lanes<T>>,
    /// The same in the frame of the edge, one block.
    local_x: Vec<Lanes<T>>,
    local_z: Vec<Lanes<T>>,
    /// Derivatives with respect to them, all blocks.
    grad_x: Vec<Lanes<T>>,
    grad_z: Vec<Lanes<T>>,
    /// Radial part of the filter, one block, and derivatives with respect to it.
    filter: Vec<Lanes<T>>,
    radial: Vec<Lanes<T>>,
    /// Rows of a node while they are added to.
    rows: Vec<Lanes<T>>,
}

impl<'a, T: Real, A: Arithmetic> First<'a, T, A> {
    pub fn new(pass: &'a Pass<'a, T>, args: [&'a [T]; SLOTS]) -> Self {
        Self {
            arithmetic: PhantomData,
            weights: pass.pack_weights(args[Slot::Weight as usize]),
            pass,
            args,
        }
    }

    fn arg(&self, slot: Slot) -> &[T] {
        self.args[slot as usize]
    }

    /// Couples one pair of irreps of one block; `x` and `z` are the local rows of all arguments.
    #[inline(always)]
    fn pair<const N: usize>(
        &self,
        orders: Orders<'_>,
        block: usize,
        wanted: [bool; SLOTS],
        s: &mut Scratch<T>,
        weight_sums: &mut [Lanes<T>],
    ) {
        let (plan, pair) = (self.pass.plan, orders.pair);
        let [input, radial, weight, input_frame, output_frame, output] = wanted;
        let grad_x = &mut s.grad_x[block * plan.input.local_rows..];
        let grad_z = &mut s.grad_z[block * plan.output.local_rows..];
        // Filters of these |m|, and the products that they multiply.
        let (mut gains, mut products) = ([A::zero(); N], [A::zero(); N]);
        if radial || weight {
            pair_products::<A, T, N>(orders, &s.local_x, &s.local_z, &mut products);
        }
        let couples = input || input_frame || output_frame || output;
        let first = block * plan.paths.len();
        let paths = plan.paths[pair.paths.clone()].iter();
        let weights = &self.weights[first..][pair.paths.clone()];
        let coefficients = self.pass.coefficients::<N>(orders);
        for (i, ((path, w), c)) in paths.zip(weights).zip(coefficients).enumerate() {
            let r = &s.filter[path.degree];
            if couples {
                let mut gain = A::zero();
                A::add_product(&mut gain, w, r);
                spread::<A, T, N>(c, gain, &mut gains);
            }
            if radial || weight {
                let q = weighted_sum::<A, T, N>(c, &products);
                if radial {
                    A::accumulate_multiple(&mut s.radial[path.degree], w, q);
                }
                if weight {
                    A::accumulate_multiple(&mut weight_sums[pair.paths.start + i], r, q);
                }
            }
        }
        if input || input_frame {
            couple_back::<A, T, N>(orders, &gains, &s.local_z, grad_x);
        }
        if output || output_frame {
            couple::<A, T, N>(orders, &gains, &s.local_x, grad_z);
        }
    }
}

impl<T: Real, A: Arithmetic> EdgeKernel<T> for First<'_, T, A> {
    type Arithmetic = A;
    type Scratch = Scratch<T>;

    fn pass(&self) -> &Pass<'_, T> {
        self.pass
    }

    fn scratch(&self) -> Scratch<T> {
        let (plan, blocks) = (self.pass.plan, self.pass.blocks);
        let zeros = |rows: usize| vec![Lanes::zero(); rows];
        Scratch {
            x: zeros(plan.input.rows * blocks),
            z: zeros(plan.output.rows * blocks),
            local_x: zeros(plan.input.local_rows),
            local_z: zeros(plan.output.local_rows),
            grad_x: zeros(plan.input.local_rows * blocks),
            grad_z: zeros(plan.output.local_rows * blocks),
            filter: zeros(plan.filter_degrees()),
            radial: zeros(plan.filter_degrees()),
            rows: zeros(plan.input.rows.max(plan.output.rows)),
        }
    }

    #[inline(always)]
    fn edge(&self, edge: usize, wanted: [bool; SLOTS], s: &mut Scratch<T>, sink: &mut Sink<'_, T>) {
        let (pass, plan) = (self.pass, self.pass.plan);
        let [input, radial, weight, input_frame, output_frame, output] = wanted;
        let src = pass.edges.src()[edge] as usize;
        let dst = pass.edges.dst()[edge] as usize;
        let matrices = |slot: Slot| {
            let frames = self.arg(slot);
            let len = frames.len() / pass.edges.len();
            &frames[edge * len..(edge + 1) * len]
        };
        let input_matrices = matrices(Slot::InputFrame);
        let output_matrices = matrices(Slot::OutputFrame);
        s.grad_x.fill(Lanes::zero());
        s.grad_z.fill(Lanes::zero());
        for block in 0..pass.blocks {
            let products = radial || weight;
            if products || input_frame || output_frame || output {
                let x = &mut s.x[block * plan.input.rows..];
                pass.load(&plan.input, self.arg(Slot::Input), src, block, x);
                if products || output_frame || output {
                    s.local_x.fill(Lanes::zero());
                    into_frame::<A, T>(&plan.input, input_matrices, x, &mut s.local_x);
                }
            }
            if products || input_frame || output_frame || input {
                let z = &mut s.z[block * plan.output.rows..];
                pass.load(&plan.output, self.arg(Slot::Output), dst, block, z);
                if products || input_frame || input {
                    s.local_z.fill(Lanes::zero());
                    into_frame::<A, T>(&plan.output, output_matrices, z, &mut s.local_z);
                }
            }
            pass.load_filter(self.arg(Slot::Radial), edge, block, &mut s.filter);
            s.radial.fill(Lanes::zero());
            let sums = sink.weight_sums(plan.paths.len(), block);
            for pair in &plan.pairs {
                for_orders!(pair, self.pair(block, wanted, s, sums));
            }
            if input {
                let local = &s.grad_x[block * plan.input.local_rows..];
                sink.input.update(
                    src,
                    block,
                    &mut s.rows,
                    #[inline(always)]
                    |rows| {
                        out_of_frame::<A, T>(&plan.input, input_matrices, local, rows);
                    },
                );
            }
            if output {
                let local = &s.grad_z[block * plan.output.local_rows..];
                sink.output.update(
                    dst,
                    block,
                    &mut s.rows,
                    #[inline(always)]
                    |rows| {
                        out_of_frame::<A, T>(&plan.output, output_matrices, local, rows);
                    },
                );
            }
            if radial {
                sink.store_radial(edge, block, &s.radial);
            }
        }
        if input_frame {
            let out = sink.input_frame(edge);
            outer_product::<A, T>(&plan.input, pass.blocks, &s.grad_x, &s.x, out);
        }
        if output_frame {
            let out = sink.output_frame(edge);
            outer_product::<A, T>(&plan.output, pass.blocks, &s.grad_z, &s.z, out);
        }
    }
}

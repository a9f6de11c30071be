//! Mixed second derivatives along tangents: what one edge adds to each of the six arguments.
//!
//! With a dot for the derivative along the tangents, the sum becomes
//!
//! ```text
//! dS = sum over pairs and |m|  dg p(x', z') + g (p(dx', z') + p(x', dz'))
//! dx' = D dx + dD x     dz' = E dz + dE z     dg = sum over paths  c (dw r + w dr)
//! ```
//!
//! with D and E for the frames of input and output, and what is computed are the first derivatives of dS.

use std::marker::PhantomData;

use super::drive::{EdgeKernel, Sink};
use super::pass::{
    Orders, Pass, couple, couple_back, for_orders, pair_products, spread, weighted_sum,
};
use super::plan::{Pair, Side};
use super::rotate::{into_frame, out_of_frame, outer_product};
use super::{SLOTS, Slot};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::lanes::Lanes;

pub(super) struct Second<'a, T, A> {
    arithmetic: PhantomData<A>,
    pass: &'a Pass<'a, T>,
    args: [&'a [T]; SLOTS],
    tangents: [Option<&'a [T]>; SLOTS],
    /// Weights and their tangents, `(block of lanes, path)`.
    weights: Vec<Lanes<T>>,
    moved_weights: Vec<Lanes<T>>,
}

/// Buffers for the features of one end of an edge.
struct End<T> {
    /// Rows of the node and of its tangent, all blocks.
    values: Vec<Lanes<T>>,
    tangent: Vec<Lanes<T>>,
    /// The same in the frame of the edge, one block.
    local: Vec<Lanes<T>>,
    local_tangent: Vec<Lanes<T>>,
    /// Derivatives with respect to them, all blocks.
    grad: Vec<Lanes<T>>,
    grad_tangent: Vec<Lanes<T>>,
}

impl<T: Real> End<T> {
    fn new(side: &Side, blocks: usize) -> Self {
        let zeros = |rows: usize| vec![Lanes::zero(); rows];
        Self {
            values: zeros(side.rows * blocks),
            tangent: zeros(side.rows * blocks),
            local: zeros(side.local_rows),
            local_tangent: zeros(side.local_rows),
            grad: zeros(side.local_rows * blocks),
            grad_tangent: zeros(side.local_rows * blocks),
        }
    }
}

pub(super) struct Scratch<T> {
    x: End<T>,
    z: End<T>,
    /// Radial part of the filter, one block, its tangent, and derivatives with respect to it.
    filter: Vec<Lanes<T>>,
    moved_filter: Vec<Lanes<T>>,
    radial: Vec<Lanes<T>>,
    /// Rows of a node while they are added to.
    rows: Vec<Lanes<T>>,
}

/// The matrices of an edge, and their tangent.
type Matrices<'a, T> = (&'a [T], Option<&'a [T]>);

impl<'a, T: Real, A: Arithmetic> Second<'a, T, A> {
    pub fn new(
        pass: &'a Pass<'a, T>,
        args: [&'a [T]; SLOTS],
        tangents: [Option<&'a [T]>; SLOTS],
    ) -> Self {
        Self {
            arithmetic: PhantomData,
            weights: pass.pack_weights(args[Slot::Weight as usize]),
            moved_weights: pass.pack_weights(tangents[Slot::Weight as usize].unwrap_or_default()),
            pass,
            args,
            tangents,
        }
    }

    fn arg(&self, slot: Slot) -> &[T] {
        self.args[slot as usize]
    }

    fn tangent(&self, slot: Slot) -> Option<&[T]> {
        self.tangents[slot as usize]
    }

    /// Reads the features of one end and their tangent, and turns both into the frame.
    #[inline(always)]
    fn read_end(
        &self,
        side: &Side,
        slot: Slot,
        (node, block): (usize, usize),
        (matrices, turned): Matrices<'_, T>,
        end: &mut End<T>,
    ) {
        let values = &mut end.values[block * side.rows..];
        self.pass.load(side, self.arg(slot), node, block, values);
        end.local.fill(Lanes::zero());
        end.local_tangent.fill(Lanes::zero());
        into_frame::<A, T>(side, matrices, values, &mut end.local);
        if let Some(turned) = turned {
            into_frame::<A, T>(side, turned, values, &mut end.local_tangent);
        }
        if let Some(tangent) = self.tangent(slot) {
            let values = &mut end.tangent[block * side.rows..];
            self.pass.load(side, tangent, node, block, values);
            into_frame::<A, T>(side, matrices, values, &mut end.local_tangent);
        }
    }

    /// Adds the derivatives with respect to the frame of one end.
    #[inline(always)]
    fn frame_of_end(&self, side: &Side, slot: Slot, end: &End<T>, out: &mut [T]) {
        outer_product::<A, T>(side, self.pass.blocks, &end.grad, &end.values, out);
        if self.tangent(slot).is_some() {
            outer_product::<A, T>(side, self.pass.blocks, &end.grad_tangent, &end.tangent, out);
        }
    }

    /// Couples one pair of irreps of one block.
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
        let [dx, dr, dw, turns_x, turns_z, dz] = self.tangents.map(|tangent| tangent.is_some());
        let (dx, dz) = (dx || turns_x, dz || turns_z);
        // Filters of these |m|, the products that they multiply, and the tangents of both.
        let (mut gains, mut moved_gains) = ([A::zero(); N], [A::zero(); N]);
        let (mut products, mut moved) = ([A::zero(); N], [A::zero(); N]);
        if (radial && dw) || (weight && dr) {
            pair_products::<A, T, N>(orders, &s.x.local, &s.z.local, &mut products);
        }
        if radial || weight {
            if dx {
                pair_products::<A, T, N>(orders, &s.x.local_tangent, &s.z.local, &mut moved);
            }
            if dz {
                pair_products::<A, T, N>(orders, &s.x.local, &s.z.local_tangent, &mut moved);
            }
        }
        let first = block * plan.paths.len();
        let paths = plan.paths[pair.paths.clone()].iter();
        let weights = self.weights[first..][pair.paths.clone()].iter();
        let weights = weights.zip(&self.moved_weights[first..][pair.paths.clone()]);
        let coefficients = self.pass.coefficients::<N>(orders);
        for (i, ((path, (w, moved_w)), c)) in paths.zip(weights).zip(coefficients).enumerate() {
            let (r, moved_r) = (&s.filter[path.degree], &s.moved_filter[path.degree]);
            let mut gain = A::zero();
            A::add_product(&mut gain, w, r);
            spread::<A, T, N>(c, gain, &mut gains);
            if radial || weight {
                let q = weighted_sum::<A, T, N>(c, &moved);
                if radial {
                    A::accumulate_multiple(&mut s.radial[path.degree], w, q);
                }
                if weight {
                    A::accumulate_multiple(&mut weight_sums[pair.paths.start + i], r, q);
                }
            }
            if dr || dw {
                let mut moved_gain = A::zero();
                A::add_product(&mut moved_gain, moved_w, r);
                A::add_product(&mut moved_gain, w, moved_r);
                spread::<A, T, N>(c, moved_gain, &mut moved_gains);
                let q = weighted_sum::<A, T, N>(c, &products);
                if radial && dw {
                    A::accumulate_multiple(&mut s.radial[path.degree], moved_w, q);
                }
                if weight && dr {
                    A::accumulate_multiple(&mut weight_sums[pair.paths.start + i], moved_r, q);
                }
            }
        }
        if input || input_frame {
            let grad = &mut s.x.grad[block * plan.input.local_rows..];
            if dr || dw {
                couple_back::<A, T, N>(orders, &moved_gains, &s.z.local, grad);
            }
            if dz {
                couple_back::<A, T, N>(orders, &gains, &s.z.local_tangent, grad);
            }
            if input_frame || turns_x {
                let grad = &mut s.x.grad_tangent[block * plan.input.local_rows..];
                couple_back::<A, T, N>(orders, &gains, &s.z.local, grad);
            }
        }
        if output || output_frame {
            let grad = &mut s.z.grad[block * plan.output.local_rows..];
            if dr || dw {
                couple::<A, T, N>(orders, &moved_gains, &s.x.local, grad);
            }
            if dx {
                couple::<A, T, N>(orders, &gains, &s.x.local_tangent, grad);
            }
            if output_frame || turns_z {
                let grad = &mut s.z.grad_tangent[block * plan.output.local_rows..];
                couple::<A, T, N>(orders, &gains, &s.x.local, grad);
            }
        }
    }
}

/// Adds the derivatives with respect to the features of one end, in the order of features.
#[inline(always)]
fn turn_back<A: Arithmetic, T: Real>(
    side: &Side,
    block: usize,
    (matrices, turned): Matrices<'_, T>,
    end: &End<T>,
    rows: &mut [Lanes<T>],
) {
    out_of_frame::<A, T>(side, matrices, &end.grad[block * side.local_rows..], rows);
    if let Some(turned) = turned {
        let local = &end.grad_tangent[block * side.local_rows..];
        out_of_frame::<A, T>(side, turned, local, rows);
    }
}

impl<T: Real, A: Arithmetic> EdgeKernel<T> for Second<'_, T, A> {
    type Arithmetic = A;
    type Scratch = Scratch<T>;

    fn pass(&self) -> &Pass<'_, T> {
        self.pass
    }

    fn scratch(&self) -> Scratch<T> {
        let (plan, blocks) = (self.pass.plan, self.pass.blocks);
        let zeros = |rows: usize| vec![Lanes::zero(); rows];
        Scratch {
            x: End::new(&plan.input, blocks),
            z: End::new(&plan.output, blocks),
            filter: zeros(plan.filter_degrees()),
            moved_filter: zeros(plan.filter_degrees()),
            radial: zeros(plan.filter_degrees()),
            rows: zeros(plan.input.rows.max(plan.output.rows)),
        }
    }

    #[inline(always)]
    fn edge(&self, edge: usize, wanted: [bool; SLOTS], s: &mut Scratch<T>, sink: &mut Sink<'_, T>) {
        let (pass, plan) = (self.pass, self.pass.plan);
        let [input, radial, _, input_frame, output_frame, output] = wanted;
        let src = pass.edges.src()[edge] as usize;
        let dst = pass.edges.dst()[edge] as usize;
        let len = self.arg(Slot::InputFrame).len() / pass.edges.len();
        let range = edge * len..(edge + 1) * len;
        let matrices = |slot: Slot| {
            let turned = self.tangent(slot).map(|tangent| &tangent[range.clone()]);
            (&self.arg(slot)[range.clone()], turned)
        };
        let into_x = matrices(Slot::InputFrame);
        let into_z = matrices(Slot::OutputFrame);
        for end in [&mut s.x, &mut s.z] {
            end.grad.fill(Lanes::zero());
            end.grad_tangent.fill(Lanes::zero());
        }
        for block in 0..pass.blocks {
            self.read_end(&plan.input, Slot::Input, (src, block), into_x, &mut s.x);
            self.read_end(&plan.output, Slot::Output, (dst, block), into_z, &mut s.z);
            pass.load_filter(self.arg(Slot::Radial), edge, block, &mut s.filter);
            if let Some(moved) = self.tangent(Slot::Radial) {
                pass.load_filter(moved, edge, block, &mut s.moved_filter);
            }
            s.radial.fill(Lanes::zero());
            let sums = sink.weight_sums(plan.paths.len(), block);
            for pair in &plan.pairs {
                for_orders!(pair, self.pair(block, wanted, s, sums));
            }
            if input {
                sink.input.update(
                    src,
                    block,
                    &mut s.rows,
                    #[inline(always)]
                    |rows| {
                        turn_back::<A, T>(&plan.input, block, into_x, &s.x, rows);
                    },
                );
            }
            if output {
                sink.output.update(
                    dst,
                    block,
                    &mut s.rows,
                    #[inline(always)]
                    |rows| {
                        turn_back::<A, T>(&plan.output, block, into_z, &s.z, rows);
                    },
                );
            }
            if radial {
                sink.store_radial(edge, block, &s.radial);
            }
        }
        if input_frame {
            let out = sink.input_frame(edge);
            self.frame_of_end(&plan.input, Slot::Input, &s.x, out);
        }
        if output_frame {
            let out = sink.output_frame(edge);
            self.frame_of_end(&plan.output, Slot::Output, &s.z, out);
        }
    }
}

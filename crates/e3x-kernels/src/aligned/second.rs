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

use super::drive::EdgeKernel;
use super::pass::{Coefficients, Pass, RowsMut};
use super::plan::Side;
use super::rotate::{into_frame, out_of_frame, outer_product};
use super::share::{Shares, share};
use super::sink::Sink;
use super::sums::{Sums, sum};
use super::{SLOTS, Slot};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::lanes::Block;

pub(super) struct Second<'a, T: Real, A: Arithmetic> {
    pass: &'a Pass<'a>,
    args: [&'a [T]; SLOTS],
    tangents: [Option<&'a [T]>; SLOTS],
    c: Coefficients<T>,
    /// Weights and their tangents, `(block, path)`.
    weights: Vec<A::Block<T>>,
    moved_weights: Vec<A::Block<T>>,
}

/// Buffers for the features of one end of an edge.
struct End<B> {
    /// The node whose rows were read.
    node: Option<usize>,
    /// Rows of the node and of its tangent, all blocks, if they have to be copied.
    values: Vec<B>,
    tangent: Vec<B>,
    /// The same in the frame of the edge, one block.
    local: Vec<B>,
    local_tangent: Vec<B>,
    /// Derivatives with respect to them, all blocks.
    grad: Vec<B>,
    grad_tangent: Vec<B>,
}

impl<B: Copy> End<B> {
    fn new<T: Real>(side: &Side, pass: &Pass<'_>) -> Self
    where
        B: Block<T>,
    {
        let blocks = pass.blocks;
        let zeros = |rows: usize| vec![B::ZERO; rows];
        Self {
            node: None,
            values: zeros(pass.buffered(side.rows)),
            tangent: zeros(pass.buffered(side.rows)),
            local: zeros(side.local_rows),
            local_tangent: zeros(side.local_rows),
            grad: zeros(side.local_rows * blocks),
            grad_tangent: zeros(side.local_rows * blocks),
        }
    }
}

pub(super) struct Scratch<B> {
    x: End<B>,
    z: End<B>,
    /// Radial part of the filter, one block, its tangent, and derivatives with respect to it.
    filter: Vec<B>,
    moved_filter: Vec<B>,
    radial: Vec<B>,
}

/// The matrices of an edge, and their tangent.
type Matrices<'a, T> = (&'a [T], Option<&'a [T]>);

impl<'a, T: Real, A: Arithmetic> Second<'a, T, A> {
    pub fn new(
        pass: &'a Pass<'a>,
        args: [&'a [T]; SLOTS],
        tangents: [Option<&'a [T]>; SLOTS],
    ) -> Self {
        Self {
            c: Coefficients::new(pass.plan),
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
        end: &mut End<A::Block<T>>,
    ) {
        let (pass, values) = (self.pass, self.arg(slot));
        // Edges are visited node by node: rows of one end are mostly those of the edge before.
        let other = block == 0 && end.node != Some(node);
        if other {
            pass.load(side, values, node, &mut end.values);
        }
        let rows = (pass.rows(side, values, node, &end.values), block);
        into_frame::<A, T>(side, matrices, rows, &mut end.local, (false, false));
        if let Some(turned) = turned {
            into_frame::<A, T>(side, turned, rows, &mut end.local_tangent, (false, false));
        }
        if let Some(tangent) = self.tangent(slot) {
            if other {
                pass.load(side, tangent, node, &mut end.tangent);
            }
            let rows = (pass.rows(side, tangent, node, &end.tangent), block);
            let turns = turned.is_some();
            into_frame::<A, T>(side, matrices, rows, &mut end.local_tangent, (turns, false));
        }
    }

    /// Adds the derivatives with respect to the frame of one end.
    #[inline(always)]
    fn frame_of_end(
        &self,
        side: &Side,
        (slot, node): (Slot, usize),
        end: &End<A::Block<T>>,
        out: &mut [T],
    ) {
        let pass = self.pass;
        let rows = pass.rows(side, self.arg(slot), node, &end.values);
        outer_product::<A, T>(side, pass.blocks, &end.grad, rows, out);
        if let Some(tangent) = self.tangent(slot) {
            let rows = pass.rows(side, tangent, node, &end.tangent);
            outer_product::<A, T>(side, pass.blocks, &end.grad_tangent, rows, out);
        }
    }

    /// The weights of one block and their tangents.
    #[inline(always)]
    fn weights(&self, block: usize) -> [&[A::Block<T>]; 2] {
        let num = self.pass.plan.paths.len();
        [&self.weights, &self.moved_weights].map(|weights| &weights[block * num..][..num])
    }

    /// What radial part and weights get.
    #[inline(always)]
    fn filters(
        &self,
        block: usize,
        wanted: [bool; SLOTS],
        s: &mut Scratch<A::Block<T>>,
        weight_sums: &mut [A::Block<T>],
    ) {
        let products = (&self.pass.plan.products, &self.c.products[..]);
        let [_, wants_radial, wants_weight, ..] = wanted;
        if !(wants_radial || wants_weight) {
            return;
        }
        let [dx, dr, dw, turns_x, turns_z, dz] = self.tangents.map(|tangent| tangent.is_some());
        let [w, moved_w] = self.weights(block);
        s.radial.fill(Block::ZERO);
        let x_moves = (dx || turns_x).then_some((&s.x.local_tangent[..], &s.z.local[..]));
        let z_moves = (dz || turns_z).then_some((&s.x.local[..], &s.z.local_tangent[..]));
        if let Some(ends) = x_moves.or(z_moves) {
            let shares = Shares {
                radial: wants_radial.then_some((w, &mut s.radial[..])),
                weight: wants_weight.then_some((&s.filter[..], &mut *weight_sums)),
            };
            share::<A, T>(products, ends, x_moves.and(z_moves), shares);
        }
        // With the tangents of the other factor, if there are any.
        let shares = Shares {
            radial: (wants_radial && dw).then_some((moved_w, &mut s.radial[..])),
            weight: (wants_weight && dr).then_some((&s.moved_filter[..], weight_sums)),
        };
        if shares.radial.is_some() || shares.weight.is_some() {
            let ends = (&s.x.local[..], &s.z.local[..]);
            share::<A, T>(products, ends, None, shares);
        }
    }

    /// The derivatives with respect to one block of one end and its tangent, in the frame.
    #[inline(always)]
    fn couple(
        &self,
        sums: (&Sums, &[T]),
        (to, turns): (&mut End<A::Block<T>>, bool),
        (from, from_moves): (&End<A::Block<T>>, bool),
        [filter, moved_filter]: [&[A::Block<T>]; 2],
        (block, start): (usize, usize),
    ) {
        let [w, moved_w] = self.weights(block);
        let moves = |slot: Slot| self.tangent(slot).is_some();
        let grad = &mut to.grad[start..];
        let mut add = false;
        for (factors, others, moves) in [
            ((moved_w, filter), &from.local, moves(Slot::Weight)),
            ((w, moved_filter), &from.local, moves(Slot::Radial)),
            ((w, filter), &from.local_tangent, from_moves),
        ] {
            if moves {
                sum::<A, T>(sums, factors, others, grad, add);
                add = true;
            }
        }
        if !add {
            grad.fill(Block::ZERO);
        }
        if turns {
            let grad = &mut to.grad_tangent[start..];
            sum::<A, T>(sums, (w, filter), &from.local, grad, false);
        }
    }
}

/// Adds the derivatives with respect to the features of one end, in the order of features.
#[inline(always)]
fn turn_back<A: Arithmetic, T: Real>(
    side: &Side,
    block: usize,
    (matrices, turned): Matrices<'_, T>,
    end: &End<A::Block<T>>,
    mut rows: RowsMut<'_, T>,
) {
    let grad = &end.grad[block * side.local_rows..];
    out_of_frame::<A, T>(side, matrices, grad, &mut rows);
    if let Some(turned) = turned {
        let local = &end.grad_tangent[block * side.local_rows..];
        out_of_frame::<A, T>(side, turned, local, &mut rows);
    }
}

impl<T: Real, A: Arithmetic> EdgeKernel<T> for Second<'_, T, A> {
    type Arithmetic = A;
    type Scratch = Scratch<A::Block<T>>;

    fn pass(&self) -> &Pass<'_> {
        self.pass
    }

    fn scratch(&self) -> Scratch<A::Block<T>> {
        let plan = self.pass.plan;
        let zeros = |rows: usize| vec![Block::ZERO; rows];
        Scratch {
            x: End::new(&plan.input, self.pass),
            z: End::new(&plan.output, self.pass),
            filter: zeros(plan.filter_degrees()),
            moved_filter: zeros(plan.filter_degrees()),
            radial: zeros(plan.filter_degrees()),
        }
    }

    #[inline(always)]
    fn edge(
        &self,
        edge: usize,
        wanted: [bool; SLOTS],
        s: &mut Scratch<A::Block<T>>,
        sink: &mut Sink<'_, T, A::Block<T>>,
    ) {
        let (pass, plan) = (self.pass, self.pass.plan);
        let [input, radial, _, input_frame, output_frame, output] = wanted;
        let src = pass.edges.src()[edge] as usize;
        let dst = pass.edges.dst()[edge] as usize;
        let len = pass.frame_len;
        let range = edge * len..(edge + 1) * len;
        let matrices = |slot: Slot| {
            let turned = self.tangent(slot).map(|tangent| &tangent[range.clone()]);
            (&self.arg(slot)[range.clone()], turned)
        };
        let into_x = matrices(Slot::InputFrame);
        let into_z = matrices(Slot::OutputFrame);
        let moves = |slot: Slot, (_, turned): Matrices<'_, T>| {
            self.tangent(slot).is_some() || turned.is_some()
        };
        let (x_moves, z_moves) = (moves(Slot::Input, into_x), moves(Slot::Output, into_z));
        for block in 0..pass.blocks {
            self.read_end(&plan.input, Slot::Input, (src, block), into_x, &mut s.x);
            self.read_end(&plan.output, Slot::Output, (dst, block), into_z, &mut s.z);
            pass.load_filter(self.arg(Slot::Radial), edge, block, &mut s.filter);
            if let Some(moved) = self.tangent(Slot::Radial) {
                pass.load_filter(moved, edge, block, &mut s.moved_filter);
            }
            let sums = sink.weight_sums(plan.paths.len(), block);
            self.filters(block, wanted, s, sums);
            let filters = [&s.filter[..], &s.moved_filter[..]];
            if input || input_frame {
                let (to, from) = (
                    (&mut s.x, input_frame || into_x.1.is_some()),
                    (&s.z, z_moves),
                );
                let at = (block, block * plan.input.local_rows);
                self.couple((&plan.to_input, &self.c.to_input), to, from, filters, at);
            }
            if output || output_frame {
                let (to, from) = (
                    (&mut s.z, output_frame || into_z.1.is_some()),
                    (&s.x, x_moves),
                );
                let at = (block, block * plan.output.local_rows);
                self.couple((&plan.to_output, &self.c.to_output), to, from, filters, at);
            }
            if input {
                let rows = sink.input.block(src, block);
                turn_back::<A, T>(&plan.input, block, into_x, &s.x, rows);
            }
            if output {
                let rows = sink.output.block(dst, block);
                turn_back::<A, T>(&plan.output, block, into_z, &s.z, rows);
            }
            if radial {
                sink.store_radial(edge, block, &s.radial);
            }
        }
        (s.x.node, s.z.node) = (Some(src), Some(dst));
        if input_frame {
            let out = sink.input_frame(edge);
            self.frame_of_end(&plan.input, (Slot::Input, src), &s.x, out);
        }
        if output_frame {
            let out = sink.output_frame(edge);
            self.frame_of_end(&plan.output, (Slot::Output, dst), &s.z, out);
        }
    }
}

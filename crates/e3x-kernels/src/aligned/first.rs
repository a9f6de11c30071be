//! First derivatives: what one edge adds to each of the six arguments.

use super::drive::EdgeKernel;
use super::pass::{Coefficients, Pass};
use super::plan::Side;
use super::rotate::{into_frame, out_of_frame, outer_product};
use super::share::{Shares, share};
use super::sink::Sink;
use super::sums::sum;
use super::torque::{self, Generators};
use super::{SLOTS, Slot};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::lanes::Block;

pub(super) struct First<'a, T: Real, A: Arithmetic> {
    pass: &'a Pass<'a>,
    args: [&'a [T]; SLOTS],
    c: Coefficients<T>,
    /// `(block, path)`.
    weights: Vec<A::Block<T>>,
    /// What turns input and output, if only the torques of derivatives with respect to frames matter.
    generators: [Option<Generators<T>>; 2],
}

/// Buffers; those with all blocks hold one block of rows after the other.
pub(super) struct Scratch<B> {
    /// The nodes whose rows were read: source and destination.
    nodes: [Option<usize>; 2],
    /// Rows of the two nodes, all blocks, if they have to be copied.
    x: Vec<B>,
    z: Vec<B>,
    /// The same in the frame of the edge, one block.
    local_x: Vec<B>,
    local_z: Vec<B>,
    /// Derivatives with respect to them, all blocks.
    grad_x: Vec<B>,
    grad_z: Vec<B>,
    /// Radial part of the filter, one block, and derivatives with respect to it.
    filter: Vec<B>,
    radial: Vec<B>,
    /// Torques of the two ends.
    torques: [[B; 2]; 2],
}

impl<'a, T: Real, A: Arithmetic> First<'a, T, A> {
    pub fn new(pass: &'a Pass<'a>, args: [&'a [T]; SLOTS], for_torques: bool) -> Self {
        let of_side = |side: &Side| {
            let generators = side.generators.as_ref().filter(|_| for_torques);
            generators.map(Generators::rounded)
        };
        let generators = [&pass.plan.input, &pass.plan.output].map(of_side);
        Self {
            c: Coefficients::new(pass.plan),
            weights: pass.pack_weights(args[Slot::Weight as usize]),
            pass,
            args,
            generators,
        }
    }

    fn arg(&self, slot: Slot) -> &[T] {
        self.args[slot as usize]
    }

    /// What one edge adds to radial part and weights, and the derivatives with respect to the features
    /// in the frame; one block.
    #[inline(always)]
    fn block(
        &self,
        block: usize,
        wanted: [bool; SLOTS],
        s: &mut Scratch<A::Block<T>>,
        weight_sums: &mut [A::Block<T>],
    ) {
        let plan = self.pass.plan;
        let [
            wants_input,
            wants_radial,
            wants_weight,
            input_frame,
            output_frame,
            output,
        ] = wanted;
        let num = plan.paths.len();
        let own = &self.weights[block * num..][..num];
        if wants_radial || wants_weight {
            s.radial.fill(Block::ZERO);
            let shares = Shares {
                radial: wants_radial.then_some((own, &mut s.radial)),
                weight: wants_weight.then_some((&s.filter, weight_sums)),
            };
            share::<A, T>(
                (&plan.products, &self.c.products),
                (&s.local_x, &s.local_z),
                None,
                shares,
            );
        }
        let (back, forth) = (wants_input || input_frame, output_frame || output);
        if back {
            let grad = &mut s.grad_x[block * plan.input.local_rows..];
            let sums = (&plan.to_input, &self.c.to_input[..]);
            sum::<A, T>(sums, (own, &s.filter), &s.local_z, grad, false);
        }
        if forth {
            let grad = &mut s.grad_z[block * plan.output.local_rows..];
            let sums = (&plan.to_output, &self.c.to_output[..]);
            sum::<A, T>(sums, (own, &s.filter), &s.local_x, grad, false);
        }
    }
}

impl<T: Real, A: Arithmetic> EdgeKernel<T> for First<'_, T, A> {
    type Arithmetic = A;
    type Scratch = Scratch<A::Block<T>>;

    fn pass(&self) -> &Pass<'_> {
        self.pass
    }

    fn scratch(&self) -> Scratch<A::Block<T>> {
        let (plan, blocks) = (self.pass.plan, self.pass.blocks);
        let zeros = |rows: usize| vec![Block::ZERO; rows];
        Scratch {
            nodes: [None; 2],
            x: zeros(self.pass.buffered(plan.input.rows)),
            z: zeros(self.pass.buffered(plan.output.rows)),
            local_x: zeros(plan.input.local_rows),
            local_z: zeros(plan.output.local_rows),
            grad_x: zeros(plan.input.local_rows * blocks),
            grad_z: zeros(plan.output.local_rows * blocks),
            filter: zeros(plan.filter_degrees()),
            radial: zeros(plan.filter_degrees()),
            torques: [[Block::ZERO; 2]; 2],
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
        let [input, radial, weight, input_frame, output_frame, output] = wanted;
        let src = pass.edges.src()[edge] as usize;
        let dst = pass.edges.dst()[edge] as usize;
        let len = pass.frame_len;
        // The argument of the only slot that is wanted may be missing; it is not used.
        let matrices = |slot: Slot| {
            let frames = self.arg(slot).get(edge * len..(edge + 1) * len);
            frames.unwrap_or_default()
        };
        // Edges are visited node by node: rows of one end are mostly those of the edge before.
        let [other_src, other_dst] = [s.nodes[0] != Some(src), s.nodes[1] != Some(dst)];
        s.nodes = [Some(src), Some(dst)];
        let input_matrices = matrices(Slot::InputFrame);
        let output_matrices = matrices(Slot::OutputFrame);
        let products = radial || weight;
        let reads_x = products || input_frame || output_frame || output;
        let reads_z = products || input_frame || output_frame || input;
        if reads_x && other_src {
            pass.load(&plan.input, self.arg(Slot::Input), src, &mut s.x);
        }
        if reads_z && other_dst {
            pass.load(&plan.output, self.arg(Slot::Output), dst, &mut s.z);
        }
        let [generators_x, generators_z] = self.generators.each_ref().map(Option::as_ref);
        let generators_x = generators_x.filter(|_| input_frame);
        let generators_z = generators_z.filter(|_| output_frame);
        if generators_x.is_some() || generators_z.is_some() {
            s.torques = [[Block::ZERO; 2]; 2];
        }
        for block in 0..pass.blocks {
            if products || output_frame || output || generators_x.is_some() {
                let x = pass.rows(&plan.input, self.arg(Slot::Input), src, &s.x);
                let x = (x, block);
                let mode = (false, generators_x.is_some());
                into_frame::<A, T>(&plan.input, input_matrices, x, &mut s.local_x, mode);
            }
            if products || input_frame || input || generators_z.is_some() {
                let z = pass.rows(&plan.output, self.arg(Slot::Output), dst, &s.z);
                let z = (z, block);
                let mode = (false, generators_z.is_some());
                into_frame::<A, T>(&plan.output, output_matrices, z, &mut s.local_z, mode);
            }
            pass.load_filter(self.arg(Slot::Radial), edge, block, &mut s.filter);
            let sums = sink.weight_sums(plan.paths.len(), block);
            self.block(block, wanted, s, sums);
            if let Some(generators) = generators_x {
                let local = &s.grad_x[block * plan.input.local_rows..];
                generators.add::<A>(local, &s.local_x, &mut s.torques[0]);
            }
            if let Some(generators) = generators_z {
                let local = &s.grad_z[block * plan.output.local_rows..];
                generators.add::<A>(local, &s.local_z, &mut s.torques[1]);
            }
            if input {
                let local = &s.grad_x[block * plan.input.local_rows..];
                let mut rows = sink.input.block(src, block);
                out_of_frame::<A, T>(&plan.input, input_matrices, local, &mut rows);
            }
            if output {
                let local = &s.grad_z[block * plan.output.local_rows..];
                let mut rows = sink.output.block(dst, block);
                out_of_frame::<A, T>(&plan.output, output_matrices, local, &mut rows);
            }
            if radial {
                sink.store_radial(edge, block, &s.radial);
            }
        }
        if input_frame {
            let out = sink.input_frame(edge);
            if generators_x.is_some() {
                torque::write::<A, T>(&s.torques[0], input_matrices, out);
            } else {
                let x = pass.rows(&plan.input, self.arg(Slot::Input), src, &s.x);
                outer_product::<A, T>(&plan.input, pass.blocks, &s.grad_x, x, out);
            }
        }
        if output_frame {
            let out = sink.output_frame(edge);
            if generators_z.is_some() {
                torque::write::<A, T>(&s.torques[1], output_matrices, out);
            } else {
                let z = pass.rows(&plan.output, self.arg(Slot::Output), dst, &s.z);
                outer_product::<A, T>(&plan.output, pass.blocks, &s.grad_z, z, out);
            }
        }
    }
}

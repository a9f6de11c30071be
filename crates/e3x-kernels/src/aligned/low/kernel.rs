//! First derivatives, as [`First`](super::super::first::First) has them, for plans of low degrees.

use super::couple::{Backward, Results, back, forth, into_frame};
use super::outer;
use super::pair::Shared;
use super::{FILTERS, LowPlan, MOST_ROWS};
use crate::Real;
use crate::aligned::drive::EdgeKernel;
use crate::aligned::pass::{Pass, rounded};
use crate::aligned::plan::Side;
use crate::aligned::rotate::outer_product;
use crate::aligned::sink::{EdgeRows, Sink};
use crate::aligned::torque::{self, Generators};
use crate::aligned::{SLOTS, Slot};
use crate::arithmetic::Arithmetic;
use crate::lanes::Block;

pub(in crate::aligned) struct LowFirst<'a, T: Real, A: Arithmetic> {
    pass: &'a Pass<'a>,
    low: &'a LowPlan,
    args: [&'a [T]; SLOTS],
    coefficients: Vec<T>,
    /// Weights times coefficients, `(block, coefficient)`.
    table: Vec<A::Block<T>>,
    /// What turns input and output, if only the torques of derivatives with respect to frames matter.
    generators: [Option<Generators<T>>; 2],
}

pub(in crate::aligned) struct Scratch<B> {
    x: Features<B>,
    z: Features<B>,
    /// The filter and derivatives with respect to it, one block, if rows do not consist of whole blocks.
    filter: Vec<B>,
    radial: Vec<B>,
}

/// Buffers for one end of an edge; those with all blocks hold one block of rows after the other.
struct Features<B> {
    /// The node whose rows were read.
    node: Option<usize>,
    /// Its rows, all blocks, if they have to be copied.
    rows: Vec<B>,
    /// The same in the frame of the edge, one block.
    local: [B; MOST_ROWS],
    /// Derivatives with respect to them, all blocks, if those with respect to the frame are wanted.
    grad: Vec<B>,
    torques: [B; 2],
}

/// What an edge has at one end.
struct AtEnd<'a, T: Real> {
    side: &'a Side,
    /// The features of all nodes, and the node.
    values: &'a [T],
    node: usize,
    frame: &'a [T],
    /// If only torques matter.
    generators: Option<&'a Generators<T>>,
}

impl<'a, T: Real, A: Arithmetic> LowFirst<'a, T, A> {
    pub fn new(
        pass: &'a Pass<'a>,
        low: &'a LowPlan,
        args: [&'a [T]; SLOTS],
        for_torques: bool,
    ) -> Self {
        let of_side = |side: &Side| {
            let generators = side.generators.as_ref().filter(|_| for_torques);
            generators.map(Generators::rounded)
        };
        let coefficients = rounded(&pass.plan.coefficients);
        Self {
            table: table::<T, A>(pass, low, args[Slot::Weight as usize], &coefficients),
            coefficients,
            generators: [&pass.plan.input, &pass.plan.output].map(of_side),
            pass,
            low,
            args,
        }
    }

    #[inline(always)]
    fn arg(&self, slot: Slot) -> &'a [T] {
        self.args[slot as usize]
    }

    /// One end of an edge whose frame is, or is not, wanted.
    #[inline(always)]
    fn at_end(&self, edge: usize, output: bool, wants_frame: bool) -> AtEnd<'_, T> {
        let (pass, len) = (self.pass, self.pass.frame_len);
        let (side, slots, nodes) = if output {
            let slots = [Slot::Output, Slot::OutputFrame];
            (&pass.plan.output, slots, pass.edges.dst())
        } else {
            let slots = [Slot::Input, Slot::InputFrame];
            (&pass.plan.input, slots, pass.edges.src())
        };
        // The argument of the only slot that is wanted may be missing; it is not used.
        let frame = self.arg(slots[1]).get(edge * len..(edge + 1) * len);
        let generators = self.generators[usize::from(output)].as_ref();
        AtEnd {
            side,
            values: self.arg(slots[0]),
            node: nodes[edge] as usize,
            frame: frame.unwrap_or_default(),
            generators: generators.filter(|_| wants_frame),
        }
    }

    /// One block of the filter of an edge by degree; zeros if there is none.
    #[inline(always)]
    fn filter(
        &self,
        edge: usize,
        block: usize,
        buffer: &mut [A::Block<T>],
    ) -> [A::Sum<T>; FILTERS] {
        let (pass, radial) = (self.pass, self.arg(Slot::Radial));
        let mut filter = [A::zero(); FILTERS];
        let degrees = pass.plan.filter_degrees();
        if !pass.whole {
            pass.load_filter(radial, edge, block, buffer);
            for (sum, row) in filter.iter_mut().zip(buffer) {
                *sum = A::load(row);
            }
        } else if !radial.is_empty() {
            let size = degrees * pass.features;
            let rows = &radial[edge * size..][..size];
            for (l, sum) in filter.iter_mut().enumerate().take(degrees) {
                let start = l * pass.features + block * A::Block::<T>::LANES;
                *sum = A::load_row(&rows[start..]);
            }
        }
        filter
    }

    /// Writes what one block of the filter of an edge gets.
    #[inline(always)]
    fn store_radial(
        &self,
        (edge, block): (usize, usize),
        sums: [A::Sum<T>; FILTERS],
        buffer: &mut [A::Block<T>],
        sink: &mut Sink<'_, T, A::Block<T>>,
    ) {
        let sums = sums.into_iter().take(self.pass.plan.filter_degrees());
        if self.pass.whole {
            let rows = sink.radial(edge);
            for (l, sum) in sums.enumerate() {
                let start = l * self.pass.features + block * A::Block::<T>::LANES;
                A::write_row(sum, &mut rows[start..]);
            }
        } else {
            for (row, sum) in buffer.iter_mut().zip(sums) {
                A::store(sum, row);
            }
            sink.store_radial(edge, block, buffer);
        }
    }

    /// One block of everything but derivatives with respect to frames, of features that were turned. No closures: they
    /// are not always inlined.
    #[inline(always)]
    fn block(
        &self,
        (edge, block): (usize, usize),
        wanted: [bool; SLOTS],
        [x, z]: [&AtEnd<'_, T>; 2],
        s: &mut Scratch<A::Block<T>>,
        sink: &mut Sink<'_, T, A::Block<T>>,
    ) {
        let (pass, num) = (self.pass, self.low.paths.len());
        let [input, radial, weight, input_frame, output_frame, output] = wanted;
        let shared = Shared {
            table: &self.table[block * num..][..num],
            coefficients: &self.coefficients[..num],
            filter: self.filter(edge, block, &mut s.filter),
        };
        if input || radial || weight || input_frame {
            let paths = pass.plan.paths.len();
            let mut backward = Backward {
                local_x: &s.x.local,
                local_z: &s.z.local,
                input: input || input_frame,
                radial: if radial {
                    Some([A::zero(); FILTERS])
                } else {
                    None
                },
                weights: if weight {
                    Some(&mut sink.weight[block * paths..][..paths])
                } else {
                    None
                },
            };
            let mut to = Results::none();
            if input_frame {
                to.local = Some(&mut s.x.grad[block * x.side.local_rows..]);
            }
            if input {
                to.rows = Some((x.frame, sink.input.block(x.node, block)));
            }
            back::<A, T>(&self.low.input, &shared, &mut backward, &mut to);
            if let Some(sums) = backward.radial {
                self.store_radial((edge, block), sums, &mut s.radial, sink);
            }
        }
        if output || output_frame {
            let mut to = Results::none();
            if output_frame {
                to.local = Some(&mut s.z.grad[block * z.side.local_rows..]);
            }
            if output {
                to.rows = Some((z.frame, sink.output.block(z.node, block)));
            }
            forth::<A, T>(&self.low.output, &shared, &s.x.local, &mut to);
        }
    }
}

/// Weights times coefficients; zeros if there are no weights.
fn table<T: Real, A: Arithmetic>(
    pass: &Pass<'_>,
    low: &LowPlan,
    weights: &[T],
    coefficients: &[T],
) -> Vec<A::Block<T>> {
    let weights = pass.pack_weights::<T, A::Block<T>>(weights);
    let num = low.paths.len();
    let mut table = vec![Block::ZERO; pass.blocks * num];
    A::vectorized(
        #[inline(always)]
        || {
            for (i, product) in table.iter_mut().enumerate() {
                let (block, coefficient) = (i / num, i % num);
                let path = block * pass.plan.paths.len() + low.paths[coefficient] as usize;
                let scaled = A::scaled(coefficients[coefficient], A::load(&weights[path]));
                A::store(scaled, product);
            }
        },
    );
    table
}

impl<B: Copy> Features<B> {
    fn new<T: Real>(pass: &Pass<'_>, side: &Side, frame: Slot) -> Self
    where
        B: Block<T>,
    {
        let grads = if pass.wanted[frame as usize] {
            side.local_rows * pass.blocks
        } else {
            0
        };
        Self {
            node: None,
            rows: vec![B::ZERO; pass.buffered(side.rows)],
            local: [B::ZERO; MOST_ROWS],
            grad: vec![B::ZERO; grads],
            torques: [B::ZERO; 2],
        }
    }

    /// Reads the rows of the node, if they have to be copied and are not those of the edge before.
    #[inline(always)]
    fn read<T: Real>(&mut self, pass: &Pass<'_>, end: &AtEnd<'_, T>, reads: bool)
    where
        B: Block<T>,
    {
        if reads && self.node != Some(end.node) {
            pass.load(end.side, end.values, end.node, &mut self.rows);
        }
        self.node = Some(end.node);
    }

    /// Writes the derivatives with respect to the frame of an edge.
    #[inline(always)]
    fn write_frame<T: Real, A: Arithmetic<Block<T> = B>>(
        &self,
        pass: &Pass<'_>,
        end: &AtEnd<'_, T>,
        edge: usize,
        frames: &EdgeRows<'_, T>,
    ) where
        B: Block<T>,
    {
        let rows = pass.rows(end.side, end.values, end.node, &self.rows);
        if end.generators.is_some() {
            // SAFETY: an edge is visited once, by one task, and this is the only reference to its frame.
            let out = unsafe { frames.zeros(edge) };
            torque::write::<A, T>(&self.torques, end.frame, out);
        } else if outer::fits::<A, T>(end.side, pass.frame_len) {
            // SAFETY: as above.
            let out = unsafe { frames.room(edge) };
            outer::write::<A, T>(end.side, pass.blocks, &self.grad, rows, out);
        } else {
            // SAFETY: as above.
            let out = unsafe { frames.zeros(edge) };
            outer_product::<A, T>(end.side, pass.blocks, &self.grad, rows, out);
        }
    }
}

impl<T: Real, A: Arithmetic> EdgeKernel<T> for LowFirst<'_, T, A> {
    type Arithmetic = A;
    type Scratch = Scratch<A::Block<T>>;

    fn pass(&self) -> &Pass<'_> {
        self.pass
    }

    fn scratch(&self) -> Scratch<A::Block<T>> {
        let (pass, plan) = (self.pass, self.pass.plan);
        let filters = pass
            .buffered(plan.filter_degrees())
            .min(plan.filter_degrees());
        Scratch {
            x: Features::new(pass, &plan.input, Slot::InputFrame),
            z: Features::new(pass, &plan.output, Slot::OutputFrame),
            filter: vec![Block::ZERO; filters],
            radial: vec![Block::ZERO; filters],
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
        let pass = self.pass;
        let [input, radial, weight, input_frame, output_frame, output] = wanted;
        let x = self.at_end(edge, false, input_frame);
        let z = self.at_end(edge, true, output_frame);
        let products = radial || weight || input_frame || output_frame;
        s.x.read(pass, &x, products || output);
        s.z.read(pass, &z, products || input);
        let turns_x = radial || weight || output_frame || output || x.generators.is_some();
        let turns_z = radial || weight || input_frame || input || z.generators.is_some();
        if x.generators.is_some() || z.generators.is_some() {
            (s.x.torques, s.z.torques) = ([Block::ZERO; 2], [Block::ZERO; 2]);
        }
        for block in 0..pass.blocks {
            if turns_x {
                let rows = pass.rows(x.side, x.values, x.node, &s.x.rows);
                let (frame, local) = (x.frame, &mut s.x.local);
                into_frame::<A, T>(
                    &self.low.input,
                    frame,
                    (rows, block),
                    local,
                    x.generators.is_some(),
                );
            }
            if turns_z {
                let rows = pass.rows(z.side, z.values, z.node, &s.z.rows);
                let (frame, local) = (z.frame, &mut s.z.local);
                into_frame::<A, T>(
                    &self.low.output,
                    frame,
                    (rows, block),
                    local,
                    z.generators.is_some(),
                );
            }
            self.block((edge, block), wanted, [&x, &z], s, sink);
            for (end, s) in [(&x, &mut s.x), (&z, &mut s.z)] {
                if let Some(generators) = end.generators {
                    let grad = &s.grad[block * end.side.local_rows..];
                    generators.add::<A>(grad, &s.local, &mut s.torques);
                }
            }
        }
        if input_frame {
            let frames = sink.input_frame;
            s.x.write_frame::<T, A>(pass, &x, edge, frames);
        }
        if output_frame {
            let frames = sink.output_frame;
            s.z.write_frame::<T, A>(pass, &z, edge, frames);
        }
    }
}

//! First derivatives: what one edge adds to each of the five arguments.

use super::drive::{EdgeKernel, Sink};
use super::pass::{MAX_NUM, Pass, couple, couple_back, for_num, pair_products, weighted_sum};
use super::rotate::{into_frame, out_of_frame, outer_product};
use std::marker::PhantomData;

use super::{SLOTS, Slot};
use crate::Real;
use crate::lanes::{self, Arithmetic, LANES, Lanes};

pub(super) struct First<'a, T, A> {
    arithmetic: PhantomData<A>,
    pass: &'a Pass<'a, T>,
    args: [&'a [T]; SLOTS],
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
    /// Derivatives with respect to the radial part, one block.
    radial: Vec<Lanes<T>>,
    /// Rows of a node while they are added to.
    rows: Vec<Lanes<T>>,
}

impl<'a, T: Real, A: Arithmetic> First<'a, T, A> {
    pub fn new(pass: &'a Pass<'a, T>, args: [&'a [T]; SLOTS]) -> Self {
        Self {
            arithmetic: PhantomData,
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
        n: usize,
        index: usize,
        (edge, block): (usize, usize),
        wanted: [bool; SLOTS],
        s: &mut Scratch<T>,
        weight_sums: &mut [Lanes<T>],
    ) {
        let plan = self.pass.plan;
        let pair = &plan.pairs[index];
        let [input, radial, weight, input_frame, output_frame, output] = wanted;
        let grad_x = &mut s.grad_x[block * plan.input.local_rows..];
        let grad_z = &mut s.grad_z[block * plan.output.local_rows..];
        let mut gains = [[T::ZERO; LANES]; N];
        let mut products = [[T::ZERO; LANES]; N];
        if radial || weight {
            pair_products::<A, T>(pair, n, &s.local_x, &s.local_z, &mut products);
        }
        for path in pair.paths.clone() {
            let c = self.pass.coefficients(path, n);
            let at = &plan.paths[path];
            let row = edge * plan.filter_degrees() + at.degree;
            let couples = input || input_frame || output_frame || output;
            // What nobody needs may not be there.
            let (mut w, mut r) = ([T::ZERO; LANES], [T::ZERO; LANES]);
            if couples || radial {
                w = self.pass.row(self.arg(Slot::Weight), at.weight, block);
            }
            if couples || weight {
                r = self.pass.row(self.arg(Slot::Radial), row, block);
            }
            if couples {
                let gain = lanes::product(&w, &r);
                for m in 0..n {
                    lanes::accumulate_scaled::<A, T>(&mut gains[m], c[m], &gain);
                }
            }
            if radial || weight {
                let q = weighted_sum::<A, T>(n, c, &products);
                if radial {
                    lanes::accumulate::<A, T>(&mut s.radial[at.degree], &w, &q);
                }
                if weight {
                    lanes::accumulate::<A, T>(&mut weight_sums[path], &r, &q);
                }
            }
        }
        if input || input_frame {
            couple_back::<A, T>(pair, n, &gains, &s.local_z, grad_x);
        }
        if output || output_frame {
            couple::<A, T>(pair, n, &gains, &s.local_x, grad_z);
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
        let zeros = |rows: usize| vec![[T::ZERO; LANES]; rows];
        Scratch {
            x: zeros(plan.input.rows * blocks),
            z: zeros(plan.output.rows * blocks),
            local_x: zeros(plan.input.local_rows),
            local_z: zeros(plan.output.local_rows),
            grad_x: zeros(plan.input.local_rows * blocks),
            grad_z: zeros(plan.output.local_rows * blocks),
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
        s.grad_x.fill([T::ZERO; LANES]);
        s.grad_z.fill([T::ZERO; LANES]);
        for block in 0..pass.blocks {
            let products = radial || weight;
            if products || input_frame || output_frame || output {
                let x = &mut s.x[block * plan.input.rows..];
                pass.load(&plan.input, self.arg(Slot::Input), src, block, x);
                if products || output_frame || output {
                    s.local_x.fill([T::ZERO; LANES]);
                    into_frame::<A, T>(&plan.input, input_matrices, x, &mut s.local_x);
                }
            }
            if products || input_frame || output_frame || input {
                let z = &mut s.z[block * plan.output.rows..];
                pass.load(&plan.output, self.arg(Slot::Output), dst, block, z);
                if products || input_frame || input {
                    s.local_z.fill([T::ZERO; LANES]);
                    into_frame::<A, T>(&plan.output, output_matrices, z, &mut s.local_z);
                }
            }
            s.radial.fill([T::ZERO; LANES]);
            let first = block * if weight { plan.paths.len() } else { 0 };
            let sums = &mut sink.weight[first..];
            for (index, pair) in plan.pairs.iter().enumerate() {
                for_num!(pair.num, self.pair(index, (edge, block), wanted, s, sums));
            }
            if input {
                let rows = &mut s.rows[..plan.input.rows];
                sink.input.load(src, block, rows);
                let local = &s.grad_x[block * plan.input.local_rows..];
                out_of_frame::<A, T>(&plan.input, input_matrices, local, rows);
                sink.input.store(src, block, rows);
            }
            if output {
                let rows = &mut s.rows[..plan.output.rows];
                sink.output.load(dst, block, rows);
                let local = &s.grad_z[block * plan.output.local_rows..];
                out_of_frame::<A, T>(&plan.output, output_matrices, local, rows);
                sink.output.store(dst, block, rows);
            }
            if radial {
                // SAFETY: an edge is visited once, by one task.
                let out = unsafe { sink.radial.of(edge) };
                for (out, lanes) in out.chunks_exact_mut(pass.features).zip(&s.radial) {
                    lanes::store(out, block, lanes);
                }
            }
        }
        if input_frame {
            // SAFETY: an edge is visited once, by one task.
            let out = unsafe { sink.input_frame.of(edge) };
            outer_product::<A, T>(&plan.input, pass.blocks, &s.grad_x, &s.x, out);
        }
        if output_frame {
            // SAFETY: an edge is visited once, by one task.
            let out = unsafe { sink.output_frame.of(edge) };
            outer_product::<A, T>(&plan.output, pass.blocks, &s.grad_z, &s.z, out);
        }
    }
}

//! Splitting a pass over threads.

use std::ops::Range;

use super::pass::Pass;
use super::sink::{EdgeRows, NodeChunks, NodeRows, Sink};
use super::split::{self, Tasks};
use super::{SLOTS, Slot};
use crate::arithmetic::Arithmetic;
use crate::csr::Csr;
use crate::lanes::Block;
use crate::{Real, par};

/// What is computed at each edge.
pub(super) trait EdgeKernel<T: Real>: Sync {
    /// How it adds products.
    type Arithmetic: Arithmetic;
    /// Buffers that a task reuses.
    type Scratch;

    fn pass(&self) -> &Pass<'_, T>;
    fn scratch(&self) -> Self::Scratch;
    /// Adds what an edge contributes to the slots that are wanted. Implementations are
    /// `#[inline(always)]`.
    fn edge(
        &self,
        edge: usize,
        wanted: [bool; SLOTS],
        scratch: &mut Self::Scratch,
        sink: &mut Sink<T, BlockOf<T, Self>>,
    );
}

/// The blocks that a kernel computes with.
pub(super) type BlockOf<T, K> = <<K as EdgeKernel<T>>::Arithmetic as Arithmetic>::Block<T>;

/// Runs a pass and returns the slots that are wanted, in order.
pub(super) fn run<T: Real, K: EdgeKernel<T>>(kernel: &K) -> Vec<Vec<T>> {
    let pass = kernel.pass();
    let mut results: [Vec<T>; SLOTS] = Slot::ALL.map(|slot| {
        let len: usize = slot
            .shape(pass.plan, pass.edges, pass.features)
            .iter()
            .product();
        vec![T::ZERO; if pass.wanted[slot as usize] { len } else { 0 }]
    });
    if pass.features > 0 && !pass.edges.is_empty() {
        let only = |slots: &[Slot]| {
            let mut wanted = [false; SLOTS];
            for &slot in slots {
                wanted[slot as usize] = pass.wanted[slot as usize];
            }
            wanted
        };
        // Sums at sources and at destinations in one pass would write to each other's nodes. Tasks
        // that share sources collect the sums at sources on their own if they have few of them.
        let tasks = Tasks::new(pass);
        let wants_input = pass.wanted[Slot::Input as usize];
        let mut others = pass.wanted;
        others[Slot::Input as usize] = false;
        if wants_input && !others.contains(&true) {
            by_source(kernel, pass.wanted, &mut results[Slot::Input as usize]);
        } else if wants_input && tasks.num_sources() > 2 * pass.edges.num_src() + 64 {
            by_source(
                kernel,
                only(&[Slot::Input]),
                &mut results[Slot::Input as usize],
            );
            by_destination(kernel, others, &tasks, &mut results);
        } else {
            by_destination(kernel, pass.wanted, &tasks, &mut results);
        }
    }
    let wanted = pass.wanted;
    results
        .into_iter()
        .zip(wanted)
        .filter_map(|(result, wanted)| wanted.then_some(result))
        .collect()
}

/// Visits the edges of some nodes. Not inlined: the code is long, and called from several places.
#[inline(never)]
fn visit<T: Real, K: EdgeKernel<T>>(
    kernel: &K,
    csr: &Csr,
    nodes: &Range<usize>,
    wanted: [bool; SLOTS],
    sink: &mut Sink<'_, T, BlockOf<T, K>>,
) {
    K::Arithmetic::vectorized(
        #[inline(always)]
        || {
            let mut scratch = kernel.scratch();
            for node in nodes.clone() {
                for position in csr.range(node) {
                    kernel.edge(csr.entry(position), wanted, &mut scratch, sink);
                }
            }
            sink.input.flush();
            sink.output.flush();
        },
    );
}

/// Sums at sources only: tasks of sources.
fn by_source<T: Real, K: EdgeKernel<T>>(kernel: &K, wanted: [bool; SLOTS], result: &mut [T]) {
    let pass = kernel.pass();
    let (rows, features) = (pass.plan.input.rows, pass.features);
    let tasks = split::even(pass, pass.edges.num_src());
    let none = EdgeRows::new(&mut [], 0);
    let size = tasks[0].len() * rows * features;
    par::for_each_chunk(result, size, pass.work(), |task, values| {
        let mut sink = Sink {
            input: NodeRows::new(values, tasks[task].start, features, rows),
            output: NodeRows::nowhere(),
            radial: &none,
            input_frame: &none,
            output_frame: &none,
            features,
            weight: Vec::new(),
        };
        visit(kernel, pass.edges.by_src(), &tasks[task], wanted, &mut sink);
    });
}

/// Everything in one pass over destinations.
fn by_destination<T: Real, K: EdgeKernel<T>>(
    kernel: &K,
    wanted: [bool; SLOTS],
    tasks: &Tasks,
    results: &mut [Vec<T>; SLOTS],
) {
    let pass = kernel.pass();
    let (plan, edges, features) = (pass.plan, pass.edges, pass.features);
    let [input, radial, weight, input_frame, output_frame, output] = results;
    let wants = |slot: Slot| wanted[slot as usize];
    let radial = EdgeRows::new(radial, edges.len());
    let input_frame = EdgeRows::new(input_frame, edges.len());
    let output_frame = EdgeRows::new(output_frame, edges.len());
    let outputs = NodeChunks::new(output, &tasks.nodes, plan.output.rows * features);
    let size = plan.input.rows * features;
    let inputs = NodeChunks::new(input, &tasks.sources, size);
    let run = |task: usize| {
        let sources = &tasks.sources[task];
        let mut own = if wants(Slot::Input) && tasks.share_sources {
            vec![T::ZERO; sources.len() * size]
        } else {
            Vec::new()
        };
        let input = if tasks.share_sources {
            own.as_mut_slice()
        } else {
            // SAFETY: each task takes its own chunk, once, and no two tasks have the same sources.
            unsafe { inputs.of(task) }
        };
        let sums = if wants(Slot::Weight) {
            vec![Block::ZERO; plan.paths.len() * pass.blocks]
        } else {
            Vec::new()
        };
        // SAFETY: each task takes its own chunk, once.
        let values = unsafe { outputs.of(task) };
        let mut sink = Sink {
            input: NodeRows::new(input, sources.start, features, plan.input.rows),
            output: NodeRows::new(values, tasks.nodes[task].start, features, plan.output.rows),
            radial: &radial,
            input_frame: &input_frame,
            output_frame: &output_frame,
            features,
            weight: sums,
        };
        visit(
            kernel,
            edges.by_dst(),
            &tasks.nodes[task],
            wanted,
            &mut sink,
        );
        let weight = sink.weight;
        (own, weight)
    };
    let partial = par::map_tasks(tasks.nodes.len(), pass.work(), run);
    for ((inputs, weights), sources) in partial.iter().zip(&tasks.sources) {
        if !inputs.is_empty() {
            for (sum, &value) in input[sources.start * size..].iter_mut().zip(inputs) {
                *sum += value;
            }
        }
        for (i, sums) in weights.iter().enumerate() {
            let (block, path) = (i / plan.paths.len(), i % plan.paths.len());
            let row = plan.paths[path].weight * features;
            let row = &mut weight[row..row + features];
            let first = block * BlockOf::<T, K>::LANES;
            for (value, sum) in row[first..].iter_mut().zip(sums.numbers()) {
                *value += sum;
            }
        }
    }
}

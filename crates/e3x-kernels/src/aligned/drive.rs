//! Splitting a pass over threads.

use std::ops::Range;

use super::pass::Pass;
use super::sink::{EdgeRows, NodeChunks, NodeRows, Sink};
use super::{SLOTS, Slot};
use crate::arithmetic::Arithmetic;
use crate::csr::Csr;
use crate::lanes::Block;
use crate::{Real, par};

/// Most tasks of a pass. Fixed, so that results do not depend on the number of threads.
const TASKS: usize = 16;

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
        // collect the sums at sources on their own if they have few of them.
        let tasks = tasks(pass.edges.num_dst());
        let sources: Vec<_> = tasks.iter().map(|nodes| sources(pass, nodes)).collect();
        let total: usize = sources.iter().map(ExactSizeIterator::len).sum();
        let wants_input = pass.wanted[Slot::Input as usize];
        let mut others = pass.wanted;
        others[Slot::Input as usize] = false;
        if wants_input && !others.contains(&true) {
            by_source(kernel, pass.wanted, &mut results[Slot::Input as usize]);
        } else if wants_input && total > 2 * pass.edges.num_src() + 64 {
            by_source(
                kernel,
                only(&[Slot::Input]),
                &mut results[Slot::Input as usize],
            );
            by_destination(kernel, others, &tasks, &sources, &mut results);
        } else {
            by_destination(kernel, pass.wanted, &tasks, &sources, &mut results);
        }
    }
    let wanted = pass.wanted;
    results
        .into_iter()
        .zip(wanted)
        .filter_map(|(result, wanted)| wanted.then_some(result))
        .collect()
}

/// Ranges of nodes.
fn tasks(num: usize) -> Vec<Range<usize>> {
    let size = num.div_ceil(TASKS).max(1);
    (0..num)
        .step_by(size)
        .map(|first| first..num.min(first + size))
        .collect()
}

/// The range of the sources of all edges that end at some nodes.
fn sources<T>(pass: &Pass<'_, T>, nodes: &Range<usize>) -> Range<usize> {
    let by_dst = pass.edges.by_dst();
    let (mut first, mut end) = (usize::MAX, 0);
    for position in by_dst.range(nodes.start).start..by_dst.range(nodes.end - 1).end {
        let src = pass.edges.src()[by_dst.entry(position)] as usize;
        (first, end) = (first.min(src), end.max(src + 1));
    }
    first.min(end)..end
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
    let tasks = tasks(pass.edges.num_src());
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
    tasks: &[Range<usize>],
    sources: &[Range<usize>],
    results: &mut [Vec<T>; SLOTS],
) {
    let pass = kernel.pass();
    let (plan, edges, features) = (pass.plan, pass.edges, pass.features);
    let [input, radial, weight, input_frame, output_frame, output] = results;
    let wants = |slot: Slot| wanted[slot as usize];
    let radial = EdgeRows::new(radial, edges.len());
    let input_frame = EdgeRows::new(input_frame, edges.len());
    let output_frame = EdgeRows::new(output_frame, edges.len());
    let size = plan.output.rows * features;
    let outputs = NodeChunks::new(output, tasks, size);
    let run = |task: usize| {
        let mut inputs = if wants(Slot::Input) {
            vec![T::ZERO; sources[task].len() * plan.input.rows * features]
        } else {
            Vec::new()
        };
        let sums = if wants(Slot::Weight) {
            vec![Block::ZERO; plan.paths.len() * pass.blocks]
        } else {
            Vec::new()
        };
        // SAFETY: each task takes its own chunk, once.
        let values = unsafe { outputs.of(task) };
        let mut sink = Sink {
            input: NodeRows::new(&mut inputs, sources[task].start, features, plan.input.rows),
            output: NodeRows::new(values, tasks[task].start, features, plan.output.rows),
            radial: &radial,
            input_frame: &input_frame,
            output_frame: &output_frame,
            features,
            weight: sums,
        };
        visit(kernel, edges.by_dst(), &tasks[task], wanted, &mut sink);
        let weight = sink.weight;
        (inputs, weight)
    };
    let partial = par::map_tasks(tasks.len(), pass.work(), run);
    for ((inputs, weights), sources) in partial.iter().zip(sources) {
        if wants(Slot::Input) {
            let first = sources.start * plan.input.rows * features;
            for (sum, &value) in input[first..].iter_mut().zip(inputs) {
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

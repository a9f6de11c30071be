//! Splitting a pass over threads.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::pass::Pass;
use super::sink::{EdgeRows, NodeChunks, NodeRows, Sink};
use super::split::{self, Tasks};
use super::{SLOTS, Slot};
use crate::arithmetic::Arithmetic;
use crate::csr::{Csr, PADDING};
use crate::lanes::Block;
use crate::{Real, par};

/// Numbers at sources that are added up by one task.
const NUMBERS_PER_TASK: usize = 1 << 13;

/// What is computed at each edge.
pub(super) trait EdgeKernel<T: Real>: Sync {
    /// How it adds products.
    type Arithmetic: Arithmetic;
    /// Buffers that a task reuses.
    type Scratch;

    fn pass(&self) -> &Pass<'_>;
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
    let lens: [usize; SLOTS] = Slot::ALL.map(|slot| {
        let len = slot.len(pass.plan, pass.edges, pass.features);
        if pass.wanted[slot as usize] { len } else { 0 }
    });
    let mut results = lens.map(Vec::with_capacity);
    if pass.features > 0 && !pass.edges.is_empty() {
        fill(kernel, &lens, &mut results);
    } else {
        for (result, len) in results.iter_mut().zip(lens) {
            result.resize(len, T::ZERO);
        }
    }
    let wanted = pass.wanted;
    results
        .into_iter()
        .zip(wanted)
        .filter_map(|(result, wanted)| wanted.then_some(result))
        .collect()
}

/// Fills the results, of which there is nothing but room, up to `lens`.
fn fill<T: Real, K: EdgeKernel<T>>(
    kernel: &K,
    lens: &[usize; SLOTS],
    results: &mut [Vec<T>; SLOTS],
) {
    let pass = kernel.pass();
    let input = Slot::Input as usize;
    // Sums at sources and at destinations in one pass would write to each other's nodes. Tasks
    // that share sources collect the sums at sources on their own if they have few of them.
    let tasks = Tasks::new(pass);
    let mut others = pass.wanted;
    others[input] = false;
    let mut only = [false; SLOTS];
    only[input] = pass.wanted[input];
    let separately = tasks.num_sources() > 2 * pass.edges.num_src() + 64;
    if only[input] && (separately || !others.contains(&true)) {
        results[input] = by_source(kernel, only);
        if !others.contains(&true) {
            return;
        }
        only[input] = false;
    }
    others[input] = only[input];
    by_destination(kernel, others, &tasks, lens, results);
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
fn by_source<T: Real, K: EdgeKernel<T>>(kernel: &K, wanted: [bool; SLOTS]) -> Vec<T> {
    let pass = kernel.pass();
    let (rows, features) = (pass.plan.input.rows, pass.features);
    let tasks = split::even(pass, pass.edges.num_src());
    let ends: Vec<usize> = tasks.iter().map(|t| t.end * rows * features).collect();
    let sum = |task: usize, values: &mut [MaybeUninit<T>]| {
        let none = EdgeRows::new(&mut [], 0);
        let chunk = 0..tasks[task].len();
        let values = NodeChunks::new(values, std::slice::from_ref(&chunk), rows * features);
        // SAFETY: this is the only chunk, and it is taken once.
        let values = unsafe { values.of(0) };
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
    };
    // SAFETY: the chunk of a task is filled with zeros, and these with what edges add.
    unsafe { par::filled(&ends, pass.work(), sum) }
}

/// Everything in one pass over destinations.
fn by_destination<T: Real, K: EdgeKernel<T>>(
    kernel: &K,
    wanted: [bool; SLOTS],
    tasks: &Tasks,
    lens: &[usize; SLOTS],
    results: &mut [Vec<T>; SLOTS],
) {
    let pass = kernel.pass();
    let (plan, edges, features) = (pass.plan, pass.edges, pass.features);
    let wants = |slot: Slot| wanted[slot as usize];
    let room = |slot: Slot| if wants(slot) { lens[slot as usize] } else { 0 };
    let mut spare = Slot::ALL.map(room).into_iter();
    let [input, radial, _, input_frame, output_frame, output] = results
        .each_mut()
        .map(|result| &mut result.spare_capacity_mut()[..spare.next().unwrap_or(0)]);
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
    for (edge, _) in (edges.dst().iter().enumerate()).filter(|&(_, &dst)| dst == PADDING) {
        for rows in [&radial, &input_frame, &output_frame] {
            // SAFETY: no edge is visited any more.
            unsafe { rows.zeros(edge) };
        }
    }
    for slot in Slot::ALL {
        let elsewhere = slot == Slot::Weight || (slot == Slot::Input && tasks.share_sources);
        if wants(slot) && !elsewhere {
            // SAFETY: all rows of edges are written, those of padding just now; the tasks have all destinations and,
            // if they do not share them, all sources.
            unsafe { results[slot as usize].set_len(room(slot)) };
        }
    }
    if wants(Slot::Input) && tasks.share_sources {
        let inputs: Vec<&[T]> = partial.iter().map(|(input, _)| input.as_slice()).collect();
        results[Slot::Input as usize] = sum_at_sources(&inputs, tasks, room(Slot::Input), size);
    }
    if wants(Slot::Weight) {
        let weight = &mut results[Slot::Weight as usize];
        weight.resize(room(Slot::Weight), T::ZERO);
        for (_, sums) in &partial {
            add_weights(pass, sums, weight);
        }
    }
}

/// The sums at sources, `size` numbers each, from those that tasks have collected.
fn sum_at_sources<T: Real>(partial: &[&[T]], tasks: &Tasks, len: usize, size: usize) -> Vec<T> {
    let nodes = NUMBERS_PER_TASK.div_ceil(size);
    let add = |task: usize, out: &mut [MaybeUninit<T>]| {
        out.fill(MaybeUninit::new(T::ZERO));
        // SAFETY: all of its numbers were just written.
        let out = unsafe { out.assume_init_mut() };
        let first = task * nodes * size;
        for (partial, sources) in partial.iter().zip(&tasks.sources) {
            let start = sources.start * size;
            let (from, to) = (
                start.max(first),
                (sources.end * size).min(first + out.len()),
            );
            if from < to {
                let values = &partial[from - start..to - start];
                for (sum, &value) in out[from - first..].iter_mut().zip(values) {
                    *sum += value;
                }
            }
        }
    };
    let work = 2 * partial.iter().map(|numbers| numbers.len()).sum::<usize>();
    // SAFETY: all numbers are written.
    unsafe { par::filled(&par::even_ends(len, nodes * size), work, add) }
}

/// Adds sums of the weight, `(block, path)`.
fn add_weights<T: Real, B: Block<T>>(pass: &Pass<'_>, sums: &[B], weight: &mut [T]) {
    let (paths, features) = (&pass.plan.paths, pass.features);
    for (i, sums) in sums.iter().enumerate() {
        let (block, path) = (i / paths.len(), i % paths.len());
        let row = paths[path].weight * features;
        let row = &mut weight[row..row + features];
        for (value, sum) in row[block * B::LANES..].iter_mut().zip(sums.numbers()) {
            *value += sum;
        }
    }
}

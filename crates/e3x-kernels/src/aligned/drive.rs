//! Splitting a pass over threads.

use std::marker::PhantomData;
use std::ops::Range;

use super::pass::Pass;
use super::{SLOTS, Slot};
use crate::arithmetic::Arithmetic;
use crate::csr::Csr;
use crate::lanes::{self, Block};
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

/// Where a task adds its results.
pub(super) struct Sink<'a, T, B> {
    pub input: NodeRows<'a, T, B>,
    pub output: NodeRows<'a, T, B>,
    radial: &'a EdgeRows<'a, T>,
    input_frame: &'a EdgeRows<'a, T>,
    output_frame: &'a EdgeRows<'a, T>,
    features: usize,
    /// Sums of the weight: `(block, path)`.
    weight: Vec<B>,
}

impl<T: Real, B: Block<T>> Sink<'_, T, B> {
    /// The sums of the weight of one block; nothing if they are not wanted.
    #[inline(always)]
    pub fn weight_sums(&mut self, paths: usize, block: usize) -> &mut [B] {
        let first = self.weight.len().min(block * paths);
        &mut self.weight[first..]
    }

    /// Writes one block of the radial part of an edge, a row for each degree.
    #[inline(always)]
    pub fn store_radial(&mut self, edge: usize, block: usize, rows: &[B]) {
        // SAFETY: an edge is visited once, by one task, and this is its only reference.
        let out = unsafe { self.radial.of(edge) };
        lanes::store_rows(out, self.features, block, rows);
    }

    /// The numbers of the input's frame of an edge.
    #[inline(always)]
    pub fn input_frame(&mut self, edge: usize) -> &mut [T] {
        // SAFETY: an edge is visited once, by one task, and `self` is borrowed as long as the row.
        unsafe { self.input_frame.of(edge) }
    }

    /// The numbers of the output's frame of an edge.
    #[inline(always)]
    pub fn output_frame(&mut self, edge: usize) -> &mut [T] {
        // SAFETY: as for the input's frame.
        unsafe { self.output_frame.of(edge) }
    }
}

/// Rows of a range of nodes.
///
/// Those of the node that was added to last are in a buffer: edges are visited node by node, so that one end
/// of them changes rarely.
pub(super) struct NodeRows<'a, T, B> {
    values: &'a mut [T],
    first: usize,
    features: usize,
    rows: usize,
    /// The node in the buffer, and its rows: `(block, row)`.
    held: Option<usize>,
    buffer: Vec<B>,
}

impl<'a, T: Real, B: Block<T>> NodeRows<'a, T, B> {
    fn new(values: &'a mut [T], first: usize, features: usize, rows: usize) -> Self {
        Self {
            values,
            first,
            features,
            rows,
            held: None,
            buffer: vec![B::ZERO; rows * features.div_ceil(B::LANES)],
        }
    }

    /// Without results.
    fn nowhere() -> Self {
        Self::new(&mut [], 0, 1, 0)
    }

    #[inline(always)]
    fn of(&mut self, node: usize) -> &mut [T] {
        let size = self.rows * self.features;
        &mut self.values[(node - self.first) * size..][..size]
    }

    /// One block of the rows of a node, to add to.
    #[inline(always)]
    pub fn block(&mut self, node: usize, block: usize) -> &mut [B] {
        if self.held != Some(node) {
            self.flush();
            let (features, num) = (self.features, self.rows);
            let mut buffer = std::mem::take(&mut self.buffer);
            let rows = self.of(node);
            for (block, buffer) in buffer.chunks_exact_mut(num.max(1)).enumerate() {
                lanes::load_rows(rows, features, block, buffer);
            }
            self.buffer = buffer;
            self.held = Some(node);
        }
        &mut self.buffer[block * self.rows..][..self.rows]
    }

    /// Writes the rows in the buffer back.
    #[inline(always)]
    fn flush(&mut self) {
        if let Some(node) = self.held.take() {
            let (features, num) = (self.features, self.rows);
            let buffer = std::mem::take(&mut self.buffer);
            let rows = self.of(node);
            for (block, buffer) in buffer.chunks_exact(num.max(1)).enumerate() {
                lanes::store_rows(rows, features, block, buffer);
            }
            self.buffer = buffer;
        }
    }
}

/// One row of numbers for each edge, written by whichever task has the edge.
pub(super) struct EdgeRows<'a, T> {
    start: *mut T,
    width: usize,
    edges: usize,
    borrowed: PhantomData<&'a mut [T]>,
}

// SAFETY: a pass visits each edge in one task only, so that no two threads touch the same row.
unsafe impl<T: Send> Sync for EdgeRows<'_, T> {}

impl<'a, T> EdgeRows<'a, T> {
    fn new(values: &'a mut [T], edges: usize) -> Self {
        Self {
            start: values.as_mut_ptr(),
            width: values.len() / edges.max(1),
            edges,
            borrowed: PhantomData,
        }
    }

    /// The row of an edge.
    ///
    /// # Safety
    /// No other reference to the row of this edge may exist.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)] // The rows of different edges do not overlap.
    unsafe fn of(&self, edge: usize) -> &mut [T] {
        assert!(edge < self.edges);
        // SAFETY: rows 0..edges lie inside the slice that is borrowed, and the caller has the only
        // reference to this one.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(edge * self.width), self.width) }
    }
}

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

/// Chunks of node rows, one for each task.
struct NodeChunks<'a, T> {
    start: *mut T,
    len: usize,
    tasks: &'a [Range<usize>],
    size: usize,
    borrowed: PhantomData<&'a mut [T]>,
}

// SAFETY: the chunks of different tasks do not overlap; see `of`.
unsafe impl<T: Send> Sync for NodeChunks<'_, T> {}

impl<'a, T> NodeChunks<'a, T> {
    fn new(values: &'a mut [T], tasks: &'a [Range<usize>], size: usize) -> Self {
        Self {
            start: values.as_mut_ptr(),
            len: values.len(),
            tasks,
            size,
            borrowed: PhantomData,
        }
    }

    /// The chunk of a task; empty if nothing is computed at nodes.
    ///
    /// # Safety
    /// No other reference to the chunk of this task may exist.
    #[allow(clippy::mut_from_ref)] // The chunks of different tasks do not overlap.
    unsafe fn of(&self, task: usize) -> &mut [T] {
        let nodes = &self.tasks[task];
        let (first, end) = (nodes.start * self.size, nodes.end * self.size);
        if end > self.len {
            return &mut [];
        }
        // SAFETY: the range was just checked, and ranges of nodes do not overlap.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(first), end - first) }
    }
}

//! Where the tasks of a pass add their results.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

use super::pass::RowsMut;
use crate::Real;
use crate::lanes::{self, Block};

/// Where one task adds its results.
pub(super) struct Sink<'a, T, B> {
    pub input: NodeRows<'a, T, B>,
    pub output: NodeRows<'a, T, B>,
    pub radial: &'a EdgeRows<'a, T>,
    pub input_frame: &'a EdgeRows<'a, T>,
    pub output_frame: &'a EdgeRows<'a, T>,
    pub features: usize,
    /// Sums of the weight: `(block, path)`.
    pub weight: Vec<B>,
}

impl<T: Real, B: Block<T>> Sink<'_, T, B> {
    /// The sums of the weight of one block; nothing if they are not wanted.
    #[inline(always)]
    pub fn weight_sums(&mut self, paths: usize, block: usize) -> &mut [B] {
        let first = self.weight.len().min(block * paths);
        &mut self.weight[first..]
    }

    /// Room for the radial part of an edge, a row for each degree.
    #[inline(always)]
    pub fn radial(&mut self, edge: usize) -> &mut [MaybeUninit<T>] {
        // SAFETY: an edge is visited once, by one task, and `self` is borrowed as long as the row.
        unsafe { self.radial.room(edge) }
    }

    /// Writes one block of the radial part of an edge, a row for each degree.
    #[inline(always)]
    pub fn store_radial(&mut self, edge: usize, block: usize, rows: &[B]) {
        // SAFETY: an edge is visited once, by one task, and this is its only reference.
        let out = unsafe { self.radial.room(edge) };
        let rest = self.features - block * B::LANES;
        let numbers = B::flat(rows).chunks_exact(B::LANES);
        for (out, numbers) in out.chunks_exact_mut(self.features).zip(numbers) {
            let out = &mut out[block * B::LANES..];
            if rest >= B::LANES {
                for i in 0..B::LANES {
                    out[i].write(numbers[i]);
                }
            } else {
                out.write_copy_of_slice(&numbers[..rest]);
            }
        }
    }

    /// The numbers of the input's frame of an edge, all zero.
    #[inline(always)]
    pub fn input_frame(&mut self, edge: usize) -> &mut [T] {
        // SAFETY: an edge is visited once, by one task, and `self` is borrowed as long as the row.
        unsafe { self.input_frame.zeros(edge) }
    }

    /// The numbers of the output's frame of an edge, all zero.
    #[inline(always)]
    pub fn output_frame(&mut self, edge: usize) -> &mut [T] {
        // SAFETY: as for the input's frame.
        unsafe { self.output_frame.zeros(edge) }
    }
}

/// Rows of a range of nodes.
///
/// Rows of whole blocks are added to where they are. Of others, those of the node that was added to last are in a
/// buffer: edges are visited node by node, so that one end of them changes rarely.
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
    pub fn new(values: &'a mut [T], first: usize, features: usize, rows: usize) -> Self {
        let whole = features.is_multiple_of(B::LANES);
        let blocks = if whole {
            0
        } else {
            features.div_ceil(B::LANES)
        };
        Self {
            values,
            first,
            features,
            rows,
            held: None,
            buffer: vec![B::ZERO; rows * blocks],
        }
    }

    /// Without results.
    pub fn nowhere() -> Self {
        Self::new(&mut [], 0, 1, 0)
    }

    /// Where the rows of a node are.
    #[inline(always)]
    fn range(&self, node: usize) -> Range<usize> {
        let size = self.rows * self.features;
        let start = (node - self.first) * size;
        start..start + size
    }

    /// One block of the rows of a node, to add to.
    #[inline(always)]
    pub fn block(&mut self, node: usize, block: usize) -> RowsMut<'_, T> {
        if self.buffer.is_empty() {
            let range = self.range(node);
            return RowsMut {
                numbers: &mut self.values[range][block * B::LANES..],
                stride: self.features,
            };
        }
        if self.held != Some(node) {
            self.flush();
            let rows = &self.values[self.range(node)];
            for (block, buffer) in self.buffer.chunks_exact_mut(self.rows).enumerate() {
                lanes::load_rows(rows, self.features, block, buffer);
            }
            self.held = Some(node);
        }
        RowsMut {
            numbers: B::flat_mut(&mut self.buffer[block * self.rows..][..self.rows]),
            stride: B::LANES,
        }
    }

    /// Writes the rows in the buffer back.
    #[inline(always)]
    pub fn flush(&mut self) {
        if let Some(node) = self.held.take() {
            let range = self.range(node);
            let rows = &mut self.values[range];
            for (block, buffer) in self.buffer.chunks_exact(self.rows).enumerate() {
                lanes::store_rows(rows, self.features, block, buffer);
            }
        }
    }
}

/// One row of numbers for each edge, written by whichever task has the edge.
pub(super) struct EdgeRows<'a, T> {
    start: *mut MaybeUninit<T>,
    width: usize,
    edges: usize,
    borrowed: PhantomData<&'a mut [MaybeUninit<T>]>,
}

// SAFETY: a pass visits each edge in one task only, so that no two threads touch the same row.
unsafe impl<T: Send> Sync for EdgeRows<'_, T> {}

impl<'a, T: Real> EdgeRows<'a, T> {
    pub fn new(values: &'a mut [MaybeUninit<T>], edges: usize) -> Self {
        Self {
            start: values.as_mut_ptr(),
            width: values.len() / edges.max(1),
            edges,
            borrowed: PhantomData,
        }
    }

    /// Room for the row of an edge.
    ///
    /// # Safety
    /// No other reference to the row of this edge may exist.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)] // The rows of different edges do not overlap.
    pub unsafe fn room(&self, edge: usize) -> &mut [MaybeUninit<T>] {
        assert!(edge < self.edges);
        // SAFETY: rows 0..edges lie inside the slice that is borrowed, and the caller has the only
        // reference to this one.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(edge * self.width), self.width) }
    }

    /// The row of an edge, filled with zeros.
    ///
    /// # Safety
    /// As for [`Self::room`].
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn zeros(&self, edge: usize) -> &mut [T] {
        // SAFETY: the caller has the only reference.
        let row = unsafe { self.room(edge) };
        row.fill(MaybeUninit::new(T::ZERO));
        // SAFETY: all of its numbers were just written.
        unsafe { row.assume_init_mut() }
    }
}

/// Chunks of node rows, one for each task.
pub(super) struct NodeChunks<'a, T> {
    start: *mut MaybeUninit<T>,
    len: usize,
    tasks: &'a [Range<usize>],
    size: usize,
    borrowed: PhantomData<&'a mut [MaybeUninit<T>]>,
}

// SAFETY: the chunks of different tasks do not overlap; see `of`.
unsafe impl<T: Send> Sync for NodeChunks<'_, T> {}

impl<'a, T: Real> NodeChunks<'a, T> {
    pub fn new(values: &'a mut [MaybeUninit<T>], tasks: &'a [Range<usize>], size: usize) -> Self {
        Self {
            start: values.as_mut_ptr(),
            len: values.len(),
            tasks,
            size,
            borrowed: PhantomData,
        }
    }

    /// The chunk of a task, filled with zeros; empty if nothing is computed at nodes.
    ///
    /// # Safety
    /// No other reference to the chunk of this task may exist.
    #[allow(clippy::mut_from_ref)] // The chunks of different tasks do not overlap.
    pub unsafe fn of(&self, task: usize) -> &mut [T] {
        let nodes = &self.tasks[task];
        let (first, end) = (nodes.start * self.size, nodes.end * self.size);
        if end > self.len {
            return &mut [];
        }
        // SAFETY: the range was just checked, and ranges of nodes do not overlap.
        let chunk = unsafe { std::slice::from_raw_parts_mut(self.start.add(first), end - first) };
        chunk.fill(MaybeUninit::new(T::ZERO));
        // SAFETY: all of its numbers were just written.
        unsafe { chunk.assume_init_mut() }
    }
}

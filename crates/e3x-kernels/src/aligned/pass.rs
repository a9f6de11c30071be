//! What both passes over the edges have in common.

use super::SLOTS;
use super::frames::frame_len;
use super::plan::{AlignedPlan, Side};
use crate::Real;
use crate::edges::EdgeList;
use crate::lanes::{self, Block};

/// What an edge costs, in multiply-adds of a matrix product, and one of its multiply-adds, roughly.
const WORK_OF_EDGE: usize = 4096;
const WORK: usize = 3;

/// Rows of one end of an edge, all blocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a, T> {
    pub numbers: &'a [T],
    /// From a row to the next.
    pub stride: usize,
    /// From a block to the next.
    pub block: usize,
}

impl<'a, T> Rows<'a, T> {
    /// The numbers from those of a row and a block on.
    #[inline(always)]
    pub fn of(&self, row: usize, block: usize) -> &'a [T] {
        &self.numbers[row * self.stride + block * self.block..]
    }
}

/// One block of rows that are added to.
#[derive(Debug)]
pub(super) struct RowsMut<'a, T> {
    pub numbers: &'a mut [T],
    /// From a row to the next.
    pub stride: usize,
}

/// One pass over the edges of a graph.
pub(super) struct Pass<'a> {
    pub plan: &'a AlignedPlan,
    pub edges: &'a EdgeList,
    pub features: usize,
    /// Blocks that hold the features.
    pub blocks: usize,
    /// Whether rows of features consist of whole blocks: these are read and written where they are, others go
    /// through buffers.
    pub whole: bool,
    /// Numbers in the frame of an edge.
    pub frame_len: usize,
    /// The slots that are computed.
    pub wanted: [bool; SLOTS],
}

impl<'a> Pass<'a> {
    pub fn new(
        plan: &'a AlignedPlan,
        edges: &'a EdgeList,
        features: usize,
        wanted: [bool; SLOTS],
        lanes: usize,
    ) -> Self {
        Self {
            plan,
            edges,
            features,
            blocks: features.div_ceil(lanes),
            whole: features.is_multiple_of(lanes),
            frame_len: frame_len(plan.frame_degree()),
            wanted,
        }
    }

    /// What a pass costs, in multiply-adds of a matrix product.
    pub fn work(&self) -> usize {
        let of_edge = WORK_OF_EDGE + WORK * self.features * self.plan.work();
        self.edges.len() * of_edge
    }

    /// Blocks in a buffer for the rows of a node.
    pub fn buffered(&self, rows: usize) -> usize {
        if self.whole { 0 } else { rows * self.blocks }
    }

    /// Reads the rows of a node to a buffer of all blocks, if they do not consist of whole blocks.
    #[inline(always)]
    pub fn load<T: Real, B: Block<T>>(
        &self,
        side: &Side,
        values: &[T],
        node: usize,
        buffer: &mut [B],
    ) {
        if self.whole {
            return;
        }
        let rows = &values[node * side.rows * self.features..];
        for (block, buffer) in buffer.chunks_exact_mut(side.rows).enumerate() {
            lanes::load_rows(rows, self.features, block, buffer);
        }
    }

    /// The rows of a node: where they are, or those of the buffer that [`Self::load`] filled.
    #[inline(always)]
    pub fn rows<'v, T: Real, B: Block<T>>(
        &self,
        side: &Side,
        values: &'v [T],
        node: usize,
        buffer: &'v [B],
    ) -> Rows<'v, T> {
        if self.whole {
            let size = side.rows * self.features;
            return Rows {
                numbers: &values[node * size..][..size],
                stride: self.features,
                block: B::LANES,
            };
        }
        Rows {
            numbers: B::flat(buffer),
            stride: B::LANES,
            block: side.rows * B::LANES,
        }
    }

    /// The weights of all paths as `(block of lanes, path)`; zeros if there are none.
    pub fn pack_weights<T: Real, B: Block<T>>(&self, weights: &[T]) -> Vec<B> {
        let mut packed = vec![B::ZERO; self.blocks * self.plan.paths.len()];
        if weights.is_empty() {
            return packed;
        }
        let paths = packed.chunks_exact_mut(self.plan.paths.len().max(1));
        for (block, packed) in paths.enumerate() {
            for (to, path) in packed.iter_mut().zip(&self.plan.paths) {
                let row = &weights[path.weight * self.features..][..self.features];
                lanes::load_to(row, block, to);
            }
        }
        packed
    }

    /// Reads one block of the filter of an edge, a row for each degree; nothing if there is none.
    #[inline(always)]
    pub fn load_filter<T: Real, B: Block<T>>(
        &self,
        radial: &[T],
        edge: usize,
        block: usize,
        to: &mut [B],
    ) {
        if radial.is_empty() {
            return;
        }
        let rows = &radial[edge * to.len() * self.features..];
        lanes::load_rows(rows, self.features, block, to);
    }
}

/// Coefficients in the precision of a pass.
pub(super) fn rounded<T: Real>(coefficients: &[f64]) -> Vec<T> {
    coefficients.iter().map(|&c| T::from_f64(c)).collect()
}

/// The coefficients of what couples both ends and of its transpose.
pub(super) struct Coefficients<T> {
    pub to_input: Vec<T>,
    pub to_output: Vec<T>,
    pub products: Vec<T>,
}

impl<T: Real> Coefficients<T> {
    pub fn new(plan: &AlignedPlan) -> Self {
        Self {
            to_input: rounded(&plan.to_input.coefficients),
            to_output: rounded(&plan.to_output.coefficients),
            products: rounded(&plan.products.coefficients),
        }
    }
}

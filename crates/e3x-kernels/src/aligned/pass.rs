//! What both passes over the edges have in common.

use super::SLOTS;
use super::plan::{AlignedPath, AlignedPlan, Part, Side};
use crate::Real;
use crate::edges::EdgeList;
use crate::lanes::{self, Block};

/// One pass over the edges of a graph.
pub(super) struct Pass<'a, T> {
    pub plan: &'a AlignedPlan,
    pub edges: &'a EdgeList,
    pub features: usize,
    /// Blocks that hold the features.
    pub blocks: usize,
    /// The slots that are computed.
    pub wanted: [bool; SLOTS],
    /// Those of the plan.
    pub coefficients: Vec<T>,
}

impl<'a, T: Real> Pass<'a, T> {
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
            wanted,
            coefficients: plan.coefficients.iter().map(|&c| T::from_f64(c)).collect(),
        }
    }

    /// Multiply-adds, roughly.
    pub fn work(&self) -> usize {
        self.edges.len() * self.features * self.plan.work()
    }

    /// Coefficients, from the first on, and paths of a part.
    #[inline(always)]
    pub fn part(&self, part: &Part) -> (&[T], &[AlignedPath]) {
        let paths = &self.plan.paths[part.paths.clone()];
        (&self.coefficients[part.coefficients..], paths)
    }

    /// Reads one block of the rows of a node.
    #[inline(always)]
    pub fn load<B: Block<T>>(
        &self,
        side: &Side,
        values: &[T],
        node: usize,
        block: usize,
        to: &mut [B],
    ) {
        let rows = &values[node * side.rows * self.features..];
        lanes::load_rows(rows, self.features, block, &mut to[..side.rows]);
    }

    /// The weights of all paths as `(block of lanes, path)`; zeros if there are none.
    pub fn pack_weights<B: Block<T>>(&self, weights: &[T]) -> Vec<B> {
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
    pub fn load_filter<B: Block<T>>(&self, radial: &[T], edge: usize, block: usize, to: &mut [B]) {
        if radial.is_empty() {
            return;
        }
        let rows = &radial[edge * to.len() * self.features..];
        lanes::load_rows(rows, self.features, block, to);
    }
}

//! What both passes over the edges have in common.

use super::SLOTS;
use super::plan::{AlignedPlan, Pair, Side};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::edges::EdgeList;
use crate::lanes::{self, Lanes};

/// One pass over the edges of a graph.
pub(super) struct Pass<'a, T> {
    pub plan: &'a AlignedPlan,
    pub edges: &'a EdgeList,
    pub features: usize,
    /// Blocks of lanes that hold the features.
    pub blocks: usize,
    /// The slots that are computed.
    pub wanted: [bool; SLOTS],
    coefficients: Vec<T>,
}

impl<'a, T: Real> Pass<'a, T> {
    pub fn new(
        plan: &'a AlignedPlan,
        edges: &'a EdgeList,
        features: usize,
        wanted: [bool; SLOTS],
    ) -> Self {
        Self {
            plan,
            edges,
            features,
            blocks: lanes::num_blocks(features),
            wanted,
            coefficients: plan.coefficients.iter().map(|&c| T::from_f64(c)).collect(),
        }
    }

    /// Multiply-adds, roughly.
    pub fn work(&self) -> usize {
        self.edges.len() * self.features * self.plan.work()
    }

    /// Reads one block of the rows of a node.
    #[inline(always)]
    pub fn load(&self, side: &Side, values: &[T], node: usize, block: usize, to: &mut [Lanes<T>]) {
        let rows = &values[node * side.rows * self.features..][..side.rows * self.features];
        for (lanes, row) in to[..side.rows]
            .iter_mut()
            .zip(rows.chunks_exact(self.features))
        {
            lanes::load_to(row, block, lanes);
        }
    }

    /// The coefficients of the paths of a pair, `num` for each.
    #[inline(always)]
    pub fn coefficients(&self, pair: &Pair) -> &[T] {
        let first = self.plan.paths[pair.paths.start].coefficients;
        &self.coefficients[first..first + pair.paths.len() * pair.num]
    }

    /// The weights of all paths as `(block of lanes, path)`; zeros if there are none.
    pub fn pack_weights(&self, weights: &[T]) -> Vec<Lanes<T>> {
        let mut packed = vec![Lanes::zero(); self.blocks * self.plan.paths.len()];
        if weights.is_empty() {
            return packed;
        }
        let paths = packed.chunks_exact_mut(self.plan.paths.len().max(1));
        for (block, packed) in paths.enumerate() {
            for (lanes, path) in packed.iter_mut().zip(&self.plan.paths) {
                let row = &weights[path.weight * self.features..][..self.features];
                lanes::load_to(row, block, lanes);
            }
        }
        packed
    }

    /// Reads one block of the filter of an edge, a row for each degree; nothing if there is none.
    #[inline(always)]
    pub fn load_filter(&self, radial: &[T], edge: usize, block: usize, to: &mut [Lanes<T>]) {
        if radial.is_empty() {
            return;
        }
        let size = to.len() * self.features;
        let rows = radial[edge * size..][..size].chunks_exact(self.features);
        for (lanes, row) in to.iter_mut().zip(rows) {
            lanes::load_to(row, block, lanes);
        }
    }
}

/// `z[±m] += g[|m|] x[±m]`, or, if the pair is odd, `z[m] += g[m] x[-m]` and `z[-m] -= g[m] x[m]`.
#[inline(always)]
pub(super) fn couple<A: Arithmetic, T: Real>(
    pair: &Pair,
    n: usize,
    g: &[Lanes<T>],
    x: &[Lanes<T>],
    z: &mut [Lanes<T>],
) {
    if !pair.odd {
        A::accumulate(&mut z[pair.z], &g[0], &x[pair.x]);
    }
    for m in 1..n {
        if pair.odd {
            A::accumulate(&mut z[pair.z + m], &g[m], &x[pair.x - m]);
            A::deduct(&mut z[pair.z - m], &g[m], &x[pair.x + m]);
        } else {
            A::accumulate(&mut z[pair.z + m], &g[m], &x[pair.x + m]);
            A::accumulate(&mut z[pair.z - m], &g[m], &x[pair.x - m]);
        }
    }
}

/// The transpose of [`couple`].
#[inline(always)]
pub(super) fn couple_back<A: Arithmetic, T: Real>(
    pair: &Pair,
    n: usize,
    g: &[Lanes<T>],
    z: &[Lanes<T>],
    x: &mut [Lanes<T>],
) {
    if !pair.odd {
        A::accumulate(&mut x[pair.x], &g[0], &z[pair.z]);
    }
    for m in 1..n {
        if pair.odd {
            A::accumulate(&mut x[pair.x - m], &g[m], &z[pair.z + m]);
            A::deduct(&mut x[pair.x + m], &g[m], &z[pair.z - m]);
        } else {
            A::accumulate(&mut x[pair.x + m], &g[m], &z[pair.z + m]);
            A::accumulate(&mut x[pair.x - m], &g[m], &z[pair.z - m]);
        }
    }
}

/// `p[|m|] +=` the product of input and output that `g[|m|]` multiplies.
#[inline(always)]
pub(super) fn pair_products<A: Arithmetic, T: Real>(
    pair: &Pair,
    n: usize,
    x: &[Lanes<T>],
    z: &[Lanes<T>],
    p: &mut [Lanes<T>],
) {
    if !pair.odd {
        A::accumulate(&mut p[0], &x[pair.x], &z[pair.z]);
    }
    for m in 1..n {
        if pair.odd {
            A::accumulate(&mut p[m], &x[pair.x - m], &z[pair.z + m]);
            A::deduct(&mut p[m], &x[pair.x + m], &z[pair.z - m]);
        } else {
            A::accumulate(&mut p[m], &x[pair.x + m], &z[pair.z + m]);
            A::accumulate(&mut p[m], &x[pair.x - m], &z[pair.z - m]);
        }
    }
}

/// `sum over m of c[m] p[m]`.
#[inline(always)]
pub(super) fn weighted_sum<A: Arithmetic, T: Real>(n: usize, c: &[T], p: &[Lanes<T>]) -> Lanes<T> {
    let mut sum = lanes::scaled(c[0], &p[0]);
    for m in 1..n {
        A::accumulate_scaled(&mut sum, c[m], &p[m]);
    }
    sum
}

/// Most coefficients that a pair may have.
pub(super) const MAX_NUM: usize = 32;

/// Calls `$self.$function(n, ...)` with `n` known at compile time for pairs of few coefficients.
macro_rules! for_num {
    ($num:expr, $self:ident.$function:ident($($arg:expr),*)) => {
        match $num {
            1 => $self.$function(1, $($arg),*),
            2 => $self.$function(2, $($arg),*),
            3 => $self.$function(3, $($arg),*),
            n => $self.$function(n, $($arg),*),
        }
    };
}
pub(super) use for_num;

//! What both passes over the edges have in common.

use super::SLOTS;
use super::plan::{AlignedPlan, Pair, Side};
use crate::Real;
use crate::edges::EdgeList;
use crate::lanes::{self, Arithmetic, Lanes};

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
            *lanes = lanes::load(row, block);
        }
    }

    /// One row of a slice of rows.
    #[inline(always)]
    pub fn row(&self, values: &[T], row: usize, block: usize) -> Lanes<T> {
        lanes::load(&values[row * self.features..][..self.features], block)
    }

    /// The coefficients of a path.
    #[inline(always)]
    pub fn coefficients(&self, path: usize, num: usize) -> &[T] {
        &self.coefficients[self.plan.paths[path].coefficients..][..num]
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
        lanes::accumulate::<A, T>(&mut z[pair.z], &g[0], &x[pair.x]);
    }
    for m in 1..n {
        if pair.odd {
            lanes::accumulate::<A, T>(&mut z[pair.z + m], &g[m], &x[pair.x - m]);
            lanes::deduct::<A, T>(&mut z[pair.z - m], &g[m], &x[pair.x + m]);
        } else {
            lanes::accumulate::<A, T>(&mut z[pair.z + m], &g[m], &x[pair.x + m]);
            lanes::accumulate::<A, T>(&mut z[pair.z - m], &g[m], &x[pair.x - m]);
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
        lanes::accumulate::<A, T>(&mut x[pair.x], &g[0], &z[pair.z]);
    }
    for m in 1..n {
        if pair.odd {
            lanes::accumulate::<A, T>(&mut x[pair.x - m], &g[m], &z[pair.z + m]);
            lanes::deduct::<A, T>(&mut x[pair.x + m], &g[m], &z[pair.z - m]);
        } else {
            lanes::accumulate::<A, T>(&mut x[pair.x + m], &g[m], &z[pair.z + m]);
            lanes::accumulate::<A, T>(&mut x[pair.x - m], &g[m], &z[pair.z - m]);
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
        lanes::accumulate::<A, T>(&mut p[0], &x[pair.x], &z[pair.z]);
    }
    for m in 1..n {
        if pair.odd {
            lanes::accumulate::<A, T>(&mut p[m], &x[pair.x - m], &z[pair.z + m]);
            lanes::deduct::<A, T>(&mut p[m], &x[pair.x + m], &z[pair.z - m]);
        } else {
            lanes::accumulate::<A, T>(&mut p[m], &x[pair.x + m], &z[pair.z + m]);
            lanes::accumulate::<A, T>(&mut p[m], &x[pair.x - m], &z[pair.z - m]);
        }
    }
}

/// `sum over m of c[m] p[m]`.
#[inline(always)]
pub(super) fn weighted_sum<A: Arithmetic, T: Real>(n: usize, c: &[T], p: &[Lanes<T>]) -> Lanes<T> {
    let mut sum = lanes::scaled(c[0], &p[0]);
    for m in 1..n {
        lanes::accumulate_scaled::<A, T>(&mut sum, c[m], &p[m]);
    }
    sum
}

/// Most coefficients that a pair may have.
pub(super) const MAX_NUM: usize = 32;

/// Calls `$self.$function::<N>(n, ...)` with `n == N` for pairs of few coefficients, which keeps
/// them in registers.
macro_rules! for_num {
    ($num:expr, $self:ident.$function:ident($($arg:expr),*)) => {
        match $num {
            1 => $self.$function::<1>(1, $($arg),*),
            2 => $self.$function::<2>(2, $($arg),*),
            3 => $self.$function::<3>(3, $($arg),*),
            4 => $self.$function::<4>(4, $($arg),*),
            n => $self.$function::<MAX_NUM>(n, $($arg),*),
        }
    };
}
pub(super) use for_num;

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

    /// The coefficients of the paths of a pair for some |m|.
    #[inline(always)]
    pub fn coefficients<const N: usize>(
        &self,
        orders: Orders<'_>,
    ) -> impl Iterator<Item = &[T; N]> {
        let Orders { pair, first } = orders;
        let start = self.plan.paths[pair.paths.start].coefficients;
        let all = &self.coefficients[start..start + pair.paths.len() * pair.num];
        all.chunks_exact(pair.num)
            .filter_map(move |path| path[first..].first_chunk())
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

/// Some values of |m| of a pair of irreps. How many is a constant of the functions below, so that what
/// belongs to them stays in registers.
#[derive(Clone, Copy)]
pub(super) struct Orders<'a> {
    pub pair: &'a Pair,
    /// The first |m|.
    pub first: usize,
}

/// `z[±m] += g[|m|] x[±m]`, or, if the pair is odd, `z[m] += g[m] x[-m]` and `z[-m] -= g[m] x[m]`.
#[inline(always)]
pub(super) fn couple<A: Arithmetic, T: Real, const N: usize>(
    orders: Orders<'_>,
    g: &[A::Sum<T>; N],
    x: &[Lanes<T>],
    z: &mut [Lanes<T>],
) {
    let pair = orders.pair;
    for i in 0..N {
        let m = orders.first + i;
        if pair.odd {
            if m > 0 {
                A::accumulate_multiple(&mut z[pair.z + m], &x[pair.x - m], g[i]);
                A::deduct_multiple(&mut z[pair.z - m], &x[pair.x + m], g[i]);
            }
        } else {
            A::accumulate_multiple(&mut z[pair.z + m], &x[pair.x + m], g[i]);
            if m > 0 {
                A::accumulate_multiple(&mut z[pair.z - m], &x[pair.x - m], g[i]);
            }
        }
    }
}

/// The transpose of [`couple`].
#[inline(always)]
pub(super) fn couple_back<A: Arithmetic, T: Real, const N: usize>(
    orders: Orders<'_>,
    g: &[A::Sum<T>; N],
    z: &[Lanes<T>],
    x: &mut [Lanes<T>],
) {
    let pair = orders.pair;
    for i in 0..N {
        let m = orders.first + i;
        if pair.odd {
            if m > 0 {
                A::accumulate_multiple(&mut x[pair.x - m], &z[pair.z + m], g[i]);
                A::deduct_multiple(&mut x[pair.x + m], &z[pair.z - m], g[i]);
            }
        } else {
            A::accumulate_multiple(&mut x[pair.x + m], &z[pair.z + m], g[i]);
            if m > 0 {
                A::accumulate_multiple(&mut x[pair.x - m], &z[pair.z - m], g[i]);
            }
        }
    }
}

/// `p[|m|] +=` the product of input and output that `g[|m|]` multiplies.
#[inline(always)]
pub(super) fn pair_products<A: Arithmetic, T: Real, const N: usize>(
    orders: Orders<'_>,
    x: &[Lanes<T>],
    z: &[Lanes<T>],
    p: &mut [A::Sum<T>; N],
) {
    let pair = orders.pair;
    for i in 0..N {
        let m = orders.first + i;
        if pair.odd {
            if m > 0 {
                A::add_product(&mut p[i], &x[pair.x - m], &z[pair.z + m]);
                A::subtract_product(&mut p[i], &x[pair.x + m], &z[pair.z - m]);
            }
        } else {
            A::add_product(&mut p[i], &x[pair.x + m], &z[pair.z + m]);
            if m > 0 {
                A::add_product(&mut p[i], &x[pair.x - m], &z[pair.z - m]);
            }
        }
    }
}

/// `sum over m of c[m] p[m]`.
#[inline(always)]
pub(super) fn weighted_sum<A: Arithmetic, T: Real, const N: usize>(
    c: &[T; N],
    p: &[A::Sum<T>; N],
) -> A::Sum<T> {
    let mut sum = A::zero();
    for i in 0..N {
        A::add_scaled_sum(&mut sum, c[i], p[i]);
    }
    sum
}

/// `g[m] += c[m] gain`.
#[inline(always)]
pub(super) fn spread<A: Arithmetic, T: Real, const N: usize>(
    c: &[T; N],
    gain: A::Sum<T>,
    g: &mut [A::Sum<T>; N],
) {
    for i in 0..N {
        A::add_scaled_sum(&mut g[i], c[i], gain);
    }
}

/// Calls `$self.$function::<N>(orders, ...)` for all |m| of a pair, at most four at a time.
macro_rules! for_orders {
    ($pair:expr, $self:ident.$function:ident($($arg:expr),*)) => {
        let pair: &Pair = $pair;
        let mut first = 0;
        while first < pair.num {
            let orders = Orders { pair, first };
            match pair.num - first {
                1 => $self.$function::<1>(orders, $($arg),*),
                2 => $self.$function::<2>(orders, $($arg),*),
                3 => $self.$function::<3>(orders, $($arg),*),
                _ => $self.$function::<4>(orders, $($arg),*),
            }
            first += 4;
        }
    };
}
pub(super) use for_orders;

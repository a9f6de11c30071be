//! Scores of attention: products of queries and keys along edges, summed for each head.
//!
//! ```text
//! S = sum over edges e, degrees and parities d, rows r of d, features f
//!       q[dst(e), r, f]  k[src(e), r, f]  c[e, d, f]  z[e, f mod heads]
//! ```
//!
//! with one of its four arguments left out: leaving out z gives the scores, leaving out another
//! argument the derivative with respect to it when z is the cotangent. Products of edges are never
//! stored.

use crate::arithmetic::{Arithmetic, with_arithmetic};
use crate::csr::PADDING;
use crate::edges::EdgeList;
use crate::error::check_len;
use crate::lanes::{self, LANES, Lanes};
use crate::{Real, Result, par};

/// Number of arguments of the sum.
#[doc(hidden)]
pub const SLOTS: usize = 4;

/// An argument of the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// q, `(destination nodes, parity, (max_degree + 1)^2, features)`.
    Query,
    /// k, `(source nodes, parity, (max_degree + 1)^2, features)`.
    Key,
    /// c, `(edges, parity, max_degree + 1, features)`.
    Encoding,
    /// z, `(edges, heads)`.
    Score,
}

/// Sizes of queries and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScorePlan {
    /// Size of the parity axis.
    pub parity: usize,
    /// Highest degree.
    pub max_degree: usize,
    /// Features of queries and keys.
    pub features: usize,
    /// Heads, at least 1: feature `f` belongs to head `f mod heads`.
    pub heads: usize,
}

impl Slot {
    /// All arguments, in order.
    pub const ALL: [Self; SLOTS] = [Self::Query, Self::Key, Self::Encoding, Self::Score];

    /// Shape of the argument.
    pub fn shape(self, plan: &ScorePlan, edges: &EdgeList) -> Vec<usize> {
        let rows = (plan.max_degree + 1).pow(2);
        match self {
            Self::Query => vec![edges.num_dst(), plan.parity, rows, plan.features],
            Self::Key => vec![edges.num_src(), plan.parity, rows, plan.features],
            Self::Encoding => vec![edges.len(), plan.parity, plan.max_degree + 1, plan.features],
            Self::Score => vec![edges.len(), plan.heads],
        }
    }

    fn name(self) -> &'static str {
        ["query", "key", "encoding", "score"][self as usize]
    }
}

/// Nodes or edges of a task of the parallel loops.
const NODES_PER_TASK: usize = 8;
const EDGES_PER_TASK: usize = 64;

/// The derivative of S with respect to `slot`; that with respect to z are the scores themselves.
///
/// `args` has all arguments in the order of [`Slot::ALL`]; that of `slot` is ignored. Edges whose
/// destination is [`PADDING`] have score zero and take part in no sum.
///
/// # Errors
/// If an argument has the wrong size.
pub fn form<T: Real>(
    plan: &ScorePlan,
    edges: &EdgeList,
    slot: Slot,
    args: [&[T]; SLOTS],
) -> Result<Vec<T>> {
    let len = |slot: Slot| slot.shape(plan, edges).iter().product();
    for other in Slot::ALL.into_iter().filter(|&other| other != slot) {
        check_len(other.name(), args[other as usize].len(), len(other))?;
    }
    let mut out = vec![T::ZERO; len(slot)];
    if !out.is_empty() && !edges.is_empty() && plan.features > 0 {
        let job = Job {
            plan,
            edges,
            rows: plan.parity * (plan.max_degree + 1).pow(2),
            blocks: lanes::num_blocks(plan.features),
            args,
        };
        with_arithmetic!(A => job.run::<A>(slot, &mut out));
    }
    Ok(out)
}

struct Job<'a, T> {
    plan: &'a ScorePlan,
    edges: &'a EdgeList,
    /// Rows of a node.
    rows: usize,
    blocks: usize,
    args: [&'a [T]; SLOTS],
}

/// Buffers of a task: one block of the rows of both ends, and of the result.
struct Buffers<T> {
    near: Vec<Lanes<T>>,
    far: Vec<Lanes<T>>,
    /// `(block, row)`.
    sums: Vec<Lanes<T>>,
}

impl<T: Real> Job<'_, T> {
    fn run<A: Arithmetic<Block<T> = Lanes<T>>>(&self, slot: Slot, out: &mut [T]) {
        let (rows, features) = (self.rows, self.plan.features);
        let work = self.edges.len() * rows * features;
        let (size, num) = match slot {
            Slot::Query | Slot::Key => (rows * features, NODES_PER_TASK),
            Slot::Encoding => (self.encoding_rows() * features, EDGES_PER_TASK),
            Slot::Score => (self.plan.heads, EDGES_PER_TASK),
        };
        par::for_each_chunk(out, size * num, work, |task, out| {
            self.task::<A>(slot, task * num, size, out);
        });
    }

    /// The results of the nodes or edges from `first` on. Not inlined: it is compiled for the
    /// instructions of `A`.
    #[inline(never)]
    fn task<A: Arithmetic<Block<T> = Lanes<T>>>(
        &self,
        slot: Slot,
        first: usize,
        size: usize,
        out: &mut [T],
    ) {
        A::vectorized(
            #[inline(always)]
            || {
                let zeros = |rows: usize| vec![Lanes::zero(); rows];
                let mut buffers = Buffers {
                    near: zeros(self.rows),
                    far: zeros(self.rows),
                    sums: zeros(self.rows * self.blocks),
                };
                for (i, out) in out.chunks_exact_mut(size).enumerate() {
                    match slot {
                        Slot::Query | Slot::Key => {
                            self.node::<A>(slot, first + i, out, &mut buffers);
                        }
                        _ if self.edges.dst()[first + i] == PADDING => {}
                        Slot::Encoding => self.encoding::<A>(first + i, out, &mut buffers),
                        Slot::Score => self.score::<A>(first + i, out, &mut buffers),
                    }
                }
            },
        );
    }

    fn encoding_rows(&self) -> usize {
        self.plan.parity * (self.plan.max_degree + 1)
    }

    /// Reads one block of the rows of a node.
    #[inline(always)]
    fn load(&self, slot: Slot, node: u32, block: usize, to: &mut [Lanes<T>]) {
        let size = self.rows * self.plan.features;
        let rows = self.args[slot as usize][node as usize * size..][..size]
            .chunks_exact(self.plan.features);
        for (row, lanes) in rows.zip(to) {
            lanes::load_to(row, block, lanes);
        }
    }

    /// Reads one block of the rows at both ends of an edge.
    #[inline(always)]
    fn load_ends(&self, edge: usize, block: usize, s: &mut Buffers<T>) {
        self.load(Slot::Query, self.edges.dst()[edge], block, &mut s.near);
        self.load(Slot::Key, self.edges.src()[edge], block, &mut s.far);
    }

    /// One block of the factors of an edge of one degree and parity.
    #[inline(always)]
    fn factors(&self, edge: usize, row: usize, block: usize, to: &mut Lanes<T>) {
        let start = (edge * self.encoding_rows() + row) * self.plan.features;
        let row = &self.args[Slot::Encoding as usize][start..start + self.plan.features];
        lanes::load_to(row, block, to);
    }

    /// The numbers of the heads of an edge, for each feature of a block.
    #[inline(always)]
    fn heads(&self, edge: usize, block: usize) -> Lanes<T> {
        let heads = self.plan.heads;
        let z = &self.args[Slot::Score as usize][edge * heads..][..heads];
        let mut lanes = Lanes::zero();
        let mut head = block * LANES % heads;
        for lane in lanes.iter_mut() {
            *lane = z[head];
            head = if head + 1 == heads { 0 } else { head + 1 };
        }
        lanes
    }

    /// Degrees and parities: their position and rows.
    #[inline(always)]
    fn degrees(&self) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
        let (degrees, parity) = (self.plan.max_degree + 1, self.plan.parity);
        (0..parity * degrees).map(move |d| {
            let (p, l) = (d / degrees, d % degrees);
            let first = p * degrees * degrees;
            (d, first + l * l..first + (l + 1) * (l + 1))
        })
    }

    /// The sum over the edges of a node.
    #[inline(always)]
    fn node<A: Arithmetic<Block<T> = Lanes<T>>>(
        &self,
        slot: Slot,
        node: usize,
        out: &mut [T],
        s: &mut Buffers<T>,
    ) {
        let (csr, other, ends) = match slot {
            Slot::Query => (self.edges.by_dst(), Slot::Key, self.edges.src()),
            _ => (self.edges.by_src(), Slot::Query, self.edges.dst()),
        };
        s.sums.fill(Lanes::zero());
        for position in csr.range(node) {
            let edge = csr.entry(position);
            for block in 0..self.blocks {
                self.load(other, ends[edge], block, &mut s.far);
                let heads = self.heads(edge, block);
                let sums = &mut s.sums[block * self.rows..][..self.rows];
                let mut factors = Lanes::zero();
                for (d, rows) in self.degrees() {
                    self.factors(edge, d, block, &mut factors);
                    let gain = lanes::product(&factors, &heads);
                    for r in rows {
                        A::accumulate::<T>(&mut sums[r], &gain, &s.far[r]);
                    }
                }
            }
        }
        for (r, row) in out.chunks_exact_mut(self.plan.features).enumerate() {
            for block in 0..self.blocks {
                lanes::store(row, block, &s.sums[block * self.rows + r]);
            }
        }
    }

    /// One block of the products of query and key of an edge, summed over the rows of a degree.
    #[inline(always)]
    fn product<A: Arithmetic<Block<T> = Lanes<T>>>(
        rows: std::ops::Range<usize>,
        s: &Buffers<T>,
    ) -> Lanes<T> {
        let mut sum = A::zero::<T>();
        for r in rows {
            A::add_product(&mut sum, &s.near[r], &s.far[r]);
        }
        let mut lanes = Lanes::zero();
        A::store(sum, &mut lanes);
        lanes
    }

    #[inline(always)]
    fn encoding<A: Arithmetic<Block<T> = Lanes<T>>>(
        &self,
        edge: usize,
        out: &mut [T],
        s: &mut Buffers<T>,
    ) {
        for block in 0..self.blocks {
            self.load_ends(edge, block, s);
            let heads = self.heads(edge, block);
            for (d, rows) in self.degrees() {
                let product = lanes::product(&Self::product::<A>(rows, s), &heads);
                let row = &mut out[d * self.plan.features..][..self.plan.features];
                lanes::store(row, block, &product);
            }
        }
    }

    #[inline(always)]
    fn score<A: Arithmetic<Block<T> = Lanes<T>>>(
        &self,
        edge: usize,
        out: &mut [T],
        s: &mut Buffers<T>,
    ) {
        for block in 0..self.blocks {
            self.load_ends(edge, block, s);
            let mut total = Lanes::zero();
            let mut factors = Lanes::zero();
            for (d, rows) in self.degrees() {
                self.factors(edge, d, block, &mut factors);
                A::accumulate::<T>(&mut total, &factors, &Self::product::<A>(rows, s));
            }
            // Lanes beyond the last feature are zero.
            let mut head = block * LANES % self.plan.heads;
            for &value in total.iter() {
                out[head] += value;
                head = if head + 1 == self.plan.heads {
                    0
                } else {
                    head + 1
                };
            }
        }
    }
}

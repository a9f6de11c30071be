//! The five forms of message passing.

use super::Slot;
use crate::edges::{EdgeList, PADDING};
use crate::lanes::{self, Lanes};
use crate::plan::{Block, Path};
use crate::{CouplingPlan, Real, par};

/// Nodes or edges per task of the parallel loops. Fixed, so that results do not depend on the
/// number of threads.
const NODES_PER_TASK: usize = 4;
const EDGES_PER_TASK: usize = 32;

pub(super) struct Job<'a, T> {
    pub(super) plan: &'a CouplingPlan,
    pub(super) edges: &'a EdgeList,
    pub(super) features: usize,
    pub(super) blocks: usize,
    pub(super) operands: [&'a [T]; 5],
    /// Coefficients of all blocks in this precision, as `(index into angular, index into the
    /// matrices, coefficient)`.
    pub(super) terms: Vec<(u32, u32, T)>,
}

/// What a task reuses from edge to edge.
pub(super) struct Scratch<T> {
    /// The matrices M of all blocks of the current edge.
    pub(super) matrices: Vec<T>,
    /// Rows of z of the paths of one block, times their gain: `(path, block of lanes, k)`.
    pub(super) gained: Vec<Lanes<T>>,
    /// Sums of the argument left out: `(block of lanes, row)`.
    pub(super) sums: Vec<Lanes<T>>,
    pub(super) x: Vec<Lanes<T>>,
    pub(super) z: Vec<Lanes<T>>,
}

impl<'a, T: Real> Job<'a, T> {
    pub(super) fn new(
        plan: &'a CouplingPlan,
        edges: &'a EdgeList,
        features: usize,
        operands: [&'a [T]; 5],
    ) -> Self {
        let mut terms = Vec::new();
        for block in plan.blocks() {
            let [l1, _, l3] = block.degrees;
            terms.extend(block.terms.iter().map(|term| {
                let angular = l1 * l1 + term.i as usize;
                let matrix = block.matrix + term.j as usize * (2 * l3 + 1) + term.k as usize;
                (angular as u32, matrix as u32, T::from_f64(term.value))
            }));
        }
        Self {
            plan,
            edges,
            features,
            blocks: lanes::num_blocks(features),
            operands,
            terms,
        }
    }

    /// Computes the argument left out.
    pub(super) fn run(&self, slot: Slot, out: &mut [T]) {
        match slot {
            Slot::Output => self.per_node(
                out,
                self.plan.rows3(),
                #[inline(always)]
                |node, scratch| {
                    let edges = self.edges.by_dst();
                    for position in edges.range(node) {
                        self.node_of_edge::<true>(edges.entry(position), scratch);
                    }
                },
            ),
            Slot::Input => self.per_node(
                out,
                self.plan.rows2(),
                #[inline(always)]
                |node, scratch| {
                    let edges = self.edges.by_src();
                    for position in edges.range(node) {
                        self.node_of_edge::<false>(edges.entry(position), scratch);
                    }
                },
            ),
            Slot::Radial => {
                let degrees = self.plan.spec().first.1 + 1;
                self.per_edge(
                    out,
                    degrees * self.features,
                    #[inline(always)]
                    |edge, out, scratch| {
                        scratch.sums.fill(Lanes::zero());
                        self.radial_of_edge(edge, scratch);
                        self.store(&scratch.sums, degrees, out);
                    },
                );
            }
            Slot::Angular => {
                let size = (self.plan.spec().first.1 + 1).pow(2);
                self.per_edge(
                    out,
                    size,
                    #[inline(always)]
                    |edge, out, scratch| {
                        self.angular_of_edge(edge, out, scratch);
                    },
                );
            }
            Slot::Weight => self.reduce_weight(out),
        }
    }

    /// Multiply-adds of the whole form.
    fn work(&self) -> usize {
        let matrix = |path: &Path| {
            let (nj, nk, _) = self.matrix_of(path);
            nj * nk
        };
        self.edges.len() * self.features * self.plan.paths().iter().map(matrix).sum::<usize>()
    }

    /// Most rows that [`Scratch::gained`] holds.
    fn most_gained(&self) -> usize {
        let rows = |b: &Block| b.paths.len() * self.blocks * (2 * b.degrees[2] + 1);
        self.plan.blocks().iter().map(rows).max().unwrap_or(0)
    }

    fn scratch(&self, rows: usize) -> Scratch<T> {
        let zeros = |n: usize| vec![Lanes::zero(); n];
        Scratch {
            matrices: vec![T::ZERO; self.plan.matrices_len()],
            gained: zeros(self.most_gained()),
            sums: zeros(rows * self.blocks),
            x: zeros(self.plan.rows2() * self.blocks),
            z: zeros(self.plan.rows3() * self.blocks),
        }
    }

    fn per_node(&self, out: &mut [T], rows: usize, sum: impl Fn(usize, &mut Scratch<T>) + Sync) {
        let stride = rows * self.features;
        par::for_each_chunk(out, stride * NODES_PER_TASK, self.work(), |task, out| {
            lanes::vectorized(
                #[inline(always)]
                || {
                    let mut scratch = self.scratch(rows);
                    for (i, out) in out.chunks_mut(stride).enumerate() {
                        scratch.sums.fill(Lanes::zero());
                        sum(task * NODES_PER_TASK + i, &mut scratch);
                        self.store(&scratch.sums, rows, out);
                    }
                },
            );
        });
    }

    fn per_edge(
        &self,
        out: &mut [T],
        stride: usize,
        fill: impl Fn(usize, &mut [T], &mut Scratch<T>) + Sync,
    ) {
        let rows = self.plan.spec().first.1 + 1;
        par::for_each_chunk(out, stride * EDGES_PER_TASK, self.work(), |task, out| {
            lanes::vectorized(
                #[inline(always)]
                || {
                    let mut scratch = self.scratch(rows);
                    for (i, out) in out.chunks_mut(stride).enumerate() {
                        let edge = task * EDGES_PER_TASK + i;
                        if self.edges.dst()[edge] != PADDING {
                            fill(edge, out, &mut scratch);
                        }
                    }
                },
            );
        });
    }

    fn reduce_weight(&self, out: &mut [T]) {
        let rows = self.plan.weight_rows();
        let edges = self.edges.len();
        let per_task = EDGES_PER_TASK.max(edges.div_ceil(64));
        let partial = |task: usize| {
            lanes::vectorized(
                #[inline(always)]
                || {
                    let mut scratch = self.scratch(rows);
                    for edge in task * per_task..edges.min((task + 1) * per_task) {
                        if self.edges.dst()[edge] != PADDING {
                            self.weight_of_edge(edge, &mut scratch);
                        }
                    }
                    scratch.sums
                },
            )
        };
        let tasks = edges.div_ceil(per_task);
        let partials: Vec<Vec<Lanes<T>>> = par::map_tasks(tasks, self.work(), partial);
        let mut total = vec![Lanes::zero(); rows * self.blocks];
        for partial in partials {
            for (sum, value) in total.iter_mut().zip(&partial) {
                lanes::add_scaled(sum, T::ONE, value);
            }
        }
        self.store(&total, rows, out);
    }

    fn store(&self, sums: &[Lanes<T>], rows: usize, out: &mut [T]) {
        for (r, row) in out.chunks_mut(self.features).enumerate() {
            for block in 0..self.blocks {
                lanes::store(row, block, &sums[block * rows + r]);
            }
        }
    }
}

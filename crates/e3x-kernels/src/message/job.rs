//! The five forms of message passing.

use super::Slot;
use crate::edges::{EdgeList, PADDING};
use crate::lanes::{self, LANES, Lanes};
use crate::plan::Path;
use crate::{CouplingPlan, Real, par};

/// Nodes or edges per task of the parallel loops. Fixed, so that results do not depend on the
/// number of threads.
const NODES_PER_TASK: usize = 4;
const EDGES_PER_TASK: usize = 32;

pub(super) struct Job<'a, T> {
    plan: &'a CouplingPlan,
    edges: &'a EdgeList,
    features: usize,
    blocks: usize,
    operands: [&'a [T]; 5],
    /// Coefficients of all blocks in this precision, as `(index into angular, index into the
    /// matrices, coefficient)`.
    terms: Vec<(u32, u32, T)>,
}

/// What a task reuses from edge to edge.
struct Scratch<T> {
    /// The matrices M of all blocks of the current edge.
    matrices: Vec<T>,
    /// Derivative with respect to the matrices, lanes not yet summed.
    matrix_lanes: Vec<Lanes<T>>,
    /// Sums of the argument left out: `(block of lanes, row)`.
    sums: Vec<Lanes<T>>,
    x: Vec<Lanes<T>>,
    z: Vec<Lanes<T>>,
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
                    edges.for_each(node, |edge| self.node_of_edge::<true>(edge, scratch));
                },
            ),
            Slot::Input => self.per_node(
                out,
                self.plan.rows2(),
                #[inline(always)]
                |node, scratch| {
                    let edges = self.edges.by_src();
                    edges.for_each(node, |edge| self.node_of_edge::<false>(edge, scratch));
                },
            ),
            Slot::Radial => {
                let degrees = self.plan.spec().first.1 + 1;
                self.per_edge(
                    out,
                    degrees * self.features,
                    #[inline(always)]
                    |edge, out, scratch| {
                        scratch.sums.fill([T::ZERO; LANES]);
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

    fn scratch(&self, rows: usize) -> Scratch<T> {
        let zeros = |n: usize| vec![[T::ZERO; LANES]; n];
        Scratch {
            matrices: vec![T::ZERO; self.plan.matrices_len()],
            matrix_lanes: zeros(self.plan.matrices_len()),
            sums: zeros(rows * self.blocks),
            x: zeros(self.plan.rows2()),
            z: zeros(self.plan.rows3()),
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
                        scratch.sums.fill([T::ZERO; LANES]);
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
        let mut total = vec![[T::ZERO; LANES]; rows * self.blocks];
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

    #[inline(always)]
    fn row(&self, slot: Slot, row: usize, block: usize) -> Lanes<T> {
        let start = row * self.features;
        lanes::load(
            &self.operands[slot as usize][start..start + self.features],
            block,
        )
    }

    #[inline(always)]
    fn load_input(&self, edge: usize, block: usize, x: &mut [Lanes<T>]) {
        let first = self.edges.src()[edge] as usize * self.plan.rows2();
        for (r, lanes) in x.iter_mut().enumerate() {
            *lanes = self.row(Slot::Input, first + r, block);
        }
    }

    #[inline(always)]
    fn load_output(&self, edge: usize, block: usize, z: &mut [Lanes<T>]) {
        let first = self.edges.dst()[edge] as usize * self.plan.rows3();
        for (r, lanes) in z.iter_mut().enumerate() {
            *lanes = self.row(Slot::Output, first + r, block);
        }
    }

    #[inline(always)]
    fn fill_matrices(&self, edge: usize, matrices: &mut [T]) {
        let size = (self.plan.spec().first.1 + 1).pow(2);
        let angular = &self.operands[Slot::Angular as usize][edge * size..(edge + 1) * size];
        matrices.fill(T::ZERO);
        for &(i, jk, c) in &self.terms {
            let entry = &mut matrices[jk as usize];
            *entry = c.mul_add(angular[i as usize], *entry);
        }
    }

    /// Sizes of the matrix of a path and where it starts: `(2 l2 + 1, 2 l3 + 1, start)`.
    #[inline(always)]
    fn matrix_of(&self, path: &Path) -> (usize, usize, usize) {
        let block = &self.plan.blocks()[path.block];
        (
            2 * block.degrees[1] + 1,
            2 * block.degrees[2] + 1,
            block.matrix,
        )
    }

    /// Weight times radial part of the filter.
    #[inline(always)]
    fn gain(&self, edge: usize, path: &Path, block: usize) -> Lanes<T> {
        let weight = self.row(Slot::Weight, path.weight, block);
        lanes::product(&weight, &self.radial(edge, path, block))
    }

    #[inline(always)]
    fn radial(&self, edge: usize, path: &Path, block: usize) -> Lanes<T> {
        let degrees = self.plan.spec().first.1 + 1;
        self.row(Slot::Radial, edge * degrees + self.degree1(path), block)
    }

    #[inline(always)]
    fn degree1(&self, path: &Path) -> usize {
        self.plan.blocks()[path.block].degrees[0]
    }

    /// Adds what an edge sends to its destination (`FORWARD`), or the other way round.
    #[inline(always)]
    fn node_of_edge<const FORWARD: bool>(&self, edge: usize, s: &mut Scratch<T>) {
        self.fill_matrices(edge, &mut s.matrices);
        let rows = if FORWARD {
            self.plan.rows3()
        } else {
            self.plan.rows2()
        };
        for block in 0..self.blocks {
            let from = if FORWARD {
                self.load_input(edge, block, &mut s.x);
                &s.x
            } else {
                self.load_output(edge, block, &mut s.z);
                &s.z
            };
            let sums = &mut s.sums[block * rows..(block + 1) * rows];
            for path in self.plan.paths() {
                let gain = self.gain(edge, path, block);
                let (nj, nk, start) = self.matrix_of(path);
                // Sizes, strides in the matrix and first rows of both sides.
                let (n_from, from_stride, from_row, n_to, to_stride, to_row) = if FORWARD {
                    (nj, nk, path.row2, nk, 1, path.row3)
                } else {
                    (nk, 1, path.row3, nj, nk, path.row2)
                };
                let from = &from[from_row..from_row + n_from];
                for (to, sum) in sums[to_row..to_row + n_to].iter_mut().enumerate() {
                    let mut acc = [T::ZERO; LANES];
                    for (i, row) in from.iter().enumerate() {
                        let entry = s.matrices[start + to * to_stride + i * from_stride];
                        lanes::add_scaled(&mut acc, entry, row);
                    }
                    lanes::add_product(sum, &gain, &acc);
                }
            }
        }
    }

    /// `sum over j, k of M[j, k] x[j] z[k]` of a path.
    #[inline(always)]
    fn contraction(&self, path: &Path, s: &Scratch<T>) -> Lanes<T> {
        let (nj, nk, start) = self.matrix_of(path);
        let mut total = [T::ZERO; LANES];
        for k in 0..nk {
            let mut acc = [T::ZERO; LANES];
            for j in 0..nj {
                lanes::add_scaled(
                    &mut acc,
                    s.matrices[start + j * nk + k],
                    &s.x[path.row2 + j],
                );
            }
            lanes::add_product(&mut total, &acc, &s.z[path.row3 + k]);
        }
        total
    }

    #[inline(always)]
    fn radial_of_edge(&self, edge: usize, s: &mut Scratch<T>) {
        self.fill_matrices(edge, &mut s.matrices);
        let rows = self.plan.spec().first.1 + 1;
        for block in 0..self.blocks {
            self.load_input(edge, block, &mut s.x);
            self.load_output(edge, block, &mut s.z);
            for path in self.plan.paths() {
                let contraction = self.contraction(path, s);
                let weight = self.row(Slot::Weight, path.weight, block);
                let sum = &mut s.sums[block * rows + self.degree1(path)];
                lanes::add_product(sum, &weight, &contraction);
            }
        }
    }

    #[inline(always)]
    fn weight_of_edge(&self, edge: usize, s: &mut Scratch<T>) {
        self.fill_matrices(edge, &mut s.matrices);
        let rows = self.plan.weight_rows();
        for block in 0..self.blocks {
            self.load_input(edge, block, &mut s.x);
            self.load_output(edge, block, &mut s.z);
            for path in self.plan.paths() {
                let contraction = self.contraction(path, s);
                let radial = self.radial(edge, path, block);
                let sum = &mut s.sums[block * rows + path.weight];
                lanes::add_product(sum, &radial, &contraction);
            }
        }
    }

    #[inline(always)]
    fn angular_of_edge(&self, edge: usize, out: &mut [T], s: &mut Scratch<T>) {
        s.matrix_lanes.fill([T::ZERO; LANES]);
        for block in 0..self.blocks {
            self.load_input(edge, block, &mut s.x);
            self.load_output(edge, block, &mut s.z);
            for path in self.plan.paths() {
                let gain = self.gain(edge, path, block);
                let (nj, nk, start) = self.matrix_of(path);
                for k in 0..nk {
                    let z = lanes::product(&gain, &s.z[path.row3 + k]);
                    for j in 0..nj {
                        let entry = &mut s.matrix_lanes[start + j * nk + k];
                        lanes::add_product(entry, &z, &s.x[path.row2 + j]);
                    }
                }
            }
        }
        for (sum, lanes) in s.matrices.iter_mut().zip(&s.matrix_lanes) {
            *sum = lanes::sum(lanes);
        }
        for &(i, jk, c) in &self.terms {
            let entry = &mut out[i as usize];
            *entry = c.mul_add(s.matrices[jk as usize], *entry);
        }
    }
}

//! What one edge adds to each of the five forms.

use super::Slot;
use super::job::{Job, Scratch};
use crate::Real;
use crate::lanes::{self, Lanes};
use crate::plan::Path;

impl<T: Real> Job<'_, T> {
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
        for (r, lanes) in x.iter_mut().take(self.plan.rows2()).enumerate() {
            *lanes = self.row(Slot::Input, first + r, block);
        }
    }

    #[inline(always)]
    fn load_output(&self, edge: usize, block: usize, z: &mut [Lanes<T>]) {
        let first = self.edges.dst()[edge] as usize * self.plan.rows3();
        for (r, lanes) in z.iter_mut().take(self.plan.rows3()).enumerate() {
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
    pub(super) fn matrix_of(&self, path: &Path) -> (usize, usize, usize) {
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
    pub(super) fn node_of_edge<const FORWARD: bool>(&self, edge: usize, s: &mut Scratch<T>) {
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
                    let mut acc = Lanes::zero();
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
        let mut total = Lanes::zero();
        for k in 0..nk {
            let mut acc = Lanes::zero();
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
    pub(super) fn radial_of_edge(&self, edge: usize, s: &mut Scratch<T>) {
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
    pub(super) fn weight_of_edge(&self, edge: usize, s: &mut Scratch<T>) {
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

    /// First the derivatives with respect to the matrices, each summed over paths and features in
    /// registers, then from them the one with respect to the angular part.
    #[inline(always)]
    pub(super) fn angular_of_edge(&self, edge: usize, out: &mut [T], s: &mut Scratch<T>) {
        let (rows2, rows3) = (self.plan.rows2(), self.plan.rows3());
        for block in 0..self.blocks {
            self.load_input(edge, block, &mut s.x[block * rows2..][..rows2]);
            self.load_output(edge, block, &mut s.z[block * rows3..][..rows3]);
        }
        for coefficients in self.plan.blocks() {
            let [_, l2, l3] = coefficients.degrees;
            let (nj, nk) = (2 * l2 + 1, 2 * l3 + 1);
            let paths = &self.plan.paths()[coefficients.paths.clone()];
            let mut gained = s.gained.chunks_exact_mut(nk);
            for path in paths {
                for (block, gained) in (0..self.blocks).zip(&mut gained) {
                    let gain = self.gain(edge, path, block);
                    let z = &s.z[block * rows3 + path.row3..][..nk];
                    for (gained, z) in gained.iter_mut().zip(z) {
                        *gained = lanes::product(&gain, z);
                    }
                }
            }
            for j in 0..nj {
                for k in 0..nk {
                    let mut acc = Lanes::zero();
                    let mut rows = s.gained[k..].iter().step_by(nk);
                    for path in paths {
                        for (block, gained) in (0..self.blocks).zip(&mut rows) {
                            let x = &s.x[block * rows2 + path.row2 + j];
                            lanes::add_product(&mut acc, gained, x);
                        }
                    }
                    s.matrices[coefficients.matrix + j * nk + k] = lanes::sum(&acc);
                }
            }
        }
        for &(i, jk, c) in &self.terms {
            let entry = &mut out[i as usize];
            *entry = c.mul_add(s.matrices[jk as usize], *entry);
        }
    }
}

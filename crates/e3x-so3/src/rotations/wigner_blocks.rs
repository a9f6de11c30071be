//! The recursion of Wigner-D matrices over degrees, for several rotations at once.

use pulp::NullaryFnOnce;

use super::matrix::Matrix;

/// A derivative of a harmonic of degree `l`: which harmonic of degree `l-1`, and its coefficient.
#[derive(Debug, Clone, Copy)]
pub(super) struct Term {
    pub axis: usize,
    pub col: usize,
    pub coefficient: f64,
}

/// Rotations that are computed together, a lane each.
pub(super) const LANES: usize = 8;

/// Numbers of several rotations.
type Numbers = [f64; LANES];

/// Elements of several rotation matrices; zeros where there is none.
#[derive(Default)]
pub(super) struct Several([[Numbers; 3]; 3]);

impl Several {
    pub fn put(&mut self, lane: usize, rot: &Matrix) {
        for (row, values) in self.0.iter_mut().zip(rot) {
            for (element, &value) in row.iter_mut().zip(values) {
                element[lane] = value;
            }
        }
    }
}

/// Blocks of several rotations, and what computing them takes.
#[derive(Default)]
pub(super) struct Blocks {
    /// Those of one degree.
    pub block: Vec<Numbers>,
    lower: Vec<Numbers>,
    half: Vec<Numbers>,
}

/// The step from one degree to the next; a structure, so that it is compiled for vector instructions.
pub(super) struct NextBlock<'a> {
    pub l: usize,
    pub rows: &'a [Vec<Term>],
    pub rot: &'a Several,
    pub blocks: &'a mut Blocks,
}

impl NullaryFnOnce for NextBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { l, rows, rot, .. } = self;
        let Blocks { block, lower, half } = self.blocks;
        let (size, lower_size) = (2 * l + 1, 2 * l - 1);
        std::mem::swap(block, lower);
        // half[i][b, n] = Σ_j rot[i, j] Σ_c D(l-1)[b, c] E[j][n, c]
        half.clear();
        half.resize(3 * lower_size * size, [0.0; LANES]);
        for b in 0..lower_size {
            for (n, terms) in rows.iter().enumerate() {
                let mut sums = [[0.0; LANES]; 3];
                for term in terms {
                    let value = &lower[b * lower_size + term.col];
                    add_multiple(&mut sums[term.axis], term.coefficient, value);
                }
                for i in 0..3 {
                    let mut element = [0.0; LANES];
                    for j in 0..3 {
                        add_product(&mut element, &rot.0[i][j], &sums[j]);
                    }
                    half[(i * lower_size + b) * size + n] = element;
                }
            }
        }
        let scale = 1.0 / (l * (2 * l - 1)) as f64;
        block.clear();
        block.resize(size * size, [0.0; LANES]);
        for (row, terms) in block.chunks_exact_mut(size).zip(rows) {
            for term in terms {
                let start = (term.axis * lower_size + term.col) * size;
                let coefficient = scale * term.coefficient;
                for (element, value) in row.iter_mut().zip(&half[start..start + size]) {
                    add_multiple(element, coefficient, value);
                }
            }
        }
    }
}

/// `sum += c x`, lane by lane.
#[inline(always)]
fn add_multiple(sum: &mut Numbers, c: f64, x: &Numbers) {
    add_product(sum, &[c; LANES], x);
}

/// `sum += x y`, lane by lane. Numbers are read before any are written: otherwise the compiler has to
/// assume that they may be the same, and computes lane after lane.
#[inline(always)]
fn add_product(sum: &mut Numbers, x: &Numbers, y: &Numbers) {
    let (x, y, mut new) = (*x, *y, *sum);
    for lane in 0..LANES {
        new[lane] += x[lane] * y[lane];
    }
    *sum = new;
}

//! The tensor product with a weight for each path that is equal to a fused one.

use e3x_so3::clebsch_gordan_for_degrees;

use super::fused_tensor::matrix_degree;
use crate::op::fused_kernel::FusedPaths;
use crate::{FeatureShape, Result};

/// What the entries of the kernel are made of, for all paths in order.
pub(super) fn paths(shapes: [FeatureShape; 3], cartesian_order: bool) -> Result<FusedPaths> {
    let matrices = Matrices::new(shapes, cartesian_order)?;
    let irreps = shapes.map(irreps);
    let mut rows = [vec![], vec![], vec![]];
    let mut factors = vec![];
    let degrees = shapes.map(|shape| shape.max_degree + 1);
    for &(l1, odd1) in &irreps[0] {
        for &(l2, odd2) in &irreps[1] {
            for &(l3, odd3) in &irreps[2] {
                let exists = odd3 == (odd1 != odd2) && (l1.abs_diff(l2)..=l1 + l2).contains(&l3);
                factors.push(if exists {
                    matrices.factor([l1, l2, l3], cartesian_order)?
                } else {
                    0.0
                });
                // eee, ooe, eoo, oeo
                let block = match (odd1, odd2) {
                    (false, false) => 0,
                    (true, true) => 1,
                    (false, true) => 2,
                    (true, false) => 3,
                };
                rows[0].push(usize::from(odd1) * degrees[0] + l1);
                rows[1].push(usize::from(odd2) * degrees[1] + l2);
                rows[2].push(block * degrees[2] + l3);
            }
        }
    }
    Ok(FusedPaths { rows, factors })
}

/// Degree and oddness of all irreps of features, in order.
fn irreps(shape: FeatureShape) -> Vec<(usize, bool)> {
    let irrep = |p: usize, l: usize| match shape.parity {
        1 => (l, l % 2 == 1),
        _ => (l, p == 1),
    };
    (0..shape.parity)
        .flat_map(|p| (0..=shape.max_degree).map(move |l| irrep(p, l)))
        .collect()
}

/// Irreps as matrices: `C[λ i, λ j -> l m]` for every degree l.
struct Matrices {
    side: usize,
    /// `(side, side, 2 l + 1)` for every l.
    degrees: Vec<Vec<f64>>,
}

impl Matrices {
    fn new(shapes: [FeatureShape; 3], cartesian_order: bool) -> Result<Self> {
        let degree = matrix_degree(shapes);
        let coefficients = |l| clebsch_gordan_for_degrees(degree, degree, l, cartesian_order);
        Ok(Self {
            side: 2 * degree + 1,
            // Those of the highest of the three degrees as well.
            degrees: (0..=2 * degree)
                .map(coefficients)
                .collect::<std::result::Result<_, _>>()?,
        })
    }

    /// Entry (i, j) of the matrix of component m of degree l.
    fn entry(&self, l: usize, m: usize, i: usize, j: usize) -> f64 {
        self.degrees[l][(i * self.side + j) * (2 * l + 1) + m]
    }

    /// Part of the product of two matrices that belongs to a degree, relative to the coupling of
    /// the irreps. It is the same for all components (Schur's lemma); the largest is used.
    fn factor(&self, [l1, l2, l3]: [usize; 3], cartesian_order: bool) -> Result<f64> {
        let coupling = clebsch_gordan_for_degrees(l1, l2, l3, cartesian_order)?;
        let larger = |best: usize, i: usize| {
            if coupling[i].abs() > coupling[best].abs() {
                i
            } else {
                best
            }
        };
        let largest = (0..coupling.len()).fold(0, larger);
        let (pair, m3) = (largest / (2 * l3 + 1), largest % (2 * l3 + 1));
        let (m1, m2) = (pair / (2 * l2 + 1), pair % (2 * l2 + 1));
        let mut sum = 0.0;
        for i in 0..self.side {
            for j in 0..self.side {
                let left = self.entry(l1, m1, i, j);
                if left != 0.0 {
                    let right = |k| self.entry(l2, m2, j, k) * self.entry(l3, m3, i, k);
                    sum += left * (0..self.side).map(right).sum::<f64>();
                }
            }
        }
        Ok(sum / coupling[largest])
    }
}

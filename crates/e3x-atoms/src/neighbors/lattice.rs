//! A cell made ready for neighbour searches, whatever is periodic.

use crate::error::{Error, Result, check_finite_rows};
use crate::linalg::{Mat3, Vec3, cross, determinant, dot, norm, reciprocal, row_times, scale};

/// Three independent vectors: the periodic ones of the cell, the others replaced by unit vectors orthogonal to them.
///
/// The vectors of directions that are not periodic carry no information (some files have zeros there), so they are not
/// used.
pub(super) struct Lattice {
    pub(super) vectors: Mat3,
    /// Rows b_k with a_i · b_k = δ_ik.
    reciprocal: Mat3,
    /// The distance between the planes spanned by the other two vectors, in Å.
    pub(super) heights: Vec3,
    pub(super) pbc: [bool; 3],
}

impl Lattice {
    /// Completes a cell.
    pub(super) fn new(cell: Option<&Mat3>, pbc: [bool; 3]) -> Result<Self> {
        let vectors = match cell {
            None if pbc.contains(&true) => {
                return Err(Error::argument(
                    "cell",
                    format!("a cell, since pbc is {pbc:?}"),
                    "none",
                ));
            }
            None => complete(&[[0.0; 3]; 3], pbc),
            Some(cell) => {
                check_finite_rows("cell", cell)?;
                complete(cell, pbc)
            }
        };
        let lengths = vectors.map(norm);
        let volume = determinant(&vectors).abs();
        // Beyond this, fractional coordinates have no correct digits left.
        if volume.is_nan() || volume <= 1e-10 * lengths.iter().product::<f64>() {
            let expected =
                format!("vectors that are linearly independent where pbc is true ({pbc:?})");
            return Err(Error::argument("cell", expected, format!("{cell:?}")));
        }
        let reciprocal = reciprocal(&vectors);
        Ok(Self {
            vectors,
            reciprocal,
            heights: reciprocal.map(|row| 1.0 / norm(row)),
            pbc,
        })
    }

    /// Fractional coordinates.
    pub(super) fn fractional(&self, position: Vec3) -> Vec3 {
        self.reciprocal.map(|row| dot(row, position))
    }

    /// The Cartesian vector of a shift.
    pub(super) fn offset(&self, shift: [i32; 3]) -> Vec3 {
        row_times(shift.map(f64::from), &self.vectors)
    }
}

/// Replaces the vectors that are not periodic by unit vectors orthogonal to the periodic ones and to each other.
fn complete(cell: &Mat3, pbc: [bool; 3]) -> Mat3 {
    let mut vectors = *cell;
    let missing: Vec<usize> = (0..3).filter(|k| !pbc[*k]).collect();
    match missing[..] {
        [] => {}
        [k] => vectors[k] = unit(cross(cell[(k + 1) % 3], cell[(k + 2) % 3])),
        [first, second] => {
            let axis = cell[3 - first - second];
            let smallest = (0..3)
                .min_by(|a, b| axis[*a].abs().total_cmp(&axis[*b].abs()))
                .unwrap_or(0);
            let mut helper = [0.0; 3];
            helper[smallest] = 1.0;
            vectors[first] = unit(cross(axis, helper));
            vectors[second] = unit(cross(axis, vectors[first]));
        }
        _ => vectors = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    }
    vectors
}

/// The vector with length 1; NaN for a zero vector, which the check of the volume finds.
fn unit(vector: Vec3) -> Vec3 {
    scale(1.0 / norm(vector), vector)
}

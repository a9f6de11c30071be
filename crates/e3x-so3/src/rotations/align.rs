//! The rotation that aligns two vectors.

use super::matrix::{IDENTITY, Matrix, Vector, cross, dot, finite, multiply, round, unit};
use crate::{Real, Result};

/// The rotation that aligns the vector `u` with the vector `v` on the shortest arc: `u @ rot` is parallel to `v`.
///
/// With the unit vectors `u` and `v`, `w = u × v` and `u·v >= 0`, it takes a row vector `r` to
///
/// ```text
/// r @ rot = r + w × r + w × (w × r) / (1 + u·v)
/// ```
///
/// When `u·v < 0`, `u` is first rotated by π about an axis orthogonal to it (along `w`), and then aligned by this
/// formula, which stays accurate up to antiparallel vectors. There the axis is arbitrary; it is the one E3x takes, the
/// cross product of `(x, y, z)` with `(x+z, y+x, z+y)`, unless that vanishes. If `u` or `v` is zero, the rotation is
/// the identity. The counterpart of `e3x.so3.alignment_rotation`.
///
/// # Errors
///
/// When a component is not finite.
///
/// # Example
///
/// ```
/// let rot = e3x_so3::alignment_rotation([1.0, 0.0, 0.0], [0.0, 2.0, 0.0])?;
/// assert_eq!(rot[0], [0.0, 1.0, 0.0]);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn alignment_rotation<T: Real>(u: [T; 3], v: [T; 3]) -> Result<[[T; 3]; 3]> {
    let (u, v) = (finite("u", u)?, finite("v", v)?);
    let (Ok(u), Ok(v)) = (unit("u", u), unit("v", v)) else {
        return Ok(round(&IDENTITY));
    };
    let matrix = if dot(u, v) >= 0.0 {
        align_near(u, v)
    } else {
        let half_turn = half_turn(orthogonal_axis(u, cross(u, v)));
        multiply(&half_turn, &align_near(u.map(|x| -x), v))
    };
    Ok(round(&matrix))
}

/// The alignment of unit vectors with `u·v >= 0`.
fn align_near(u: Vector, v: Vector) -> Matrix {
    let w = cross(u, v);
    let factor = 1.0 / (1.0 + dot(u, v));
    let diagonal = 1.0 - factor * dot(w, w);
    // Rows are the images of the coordinate axes.
    std::array::from_fn(|i| {
        let turned = cross(w, IDENTITY[i]);
        std::array::from_fn(|j| turned[j] + factor * w[i] * w[j] + diagonal * IDENTITY[i][j])
    })
}

/// The rotation by π about a unit vector.
fn half_turn(axis: Vector) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| 2.0 * axis[i] * axis[j] - IDENTITY[i][j]))
}

/// A unit vector orthogonal to the unit vector `u`, along `preferred` if that has a direction.
fn orthogonal_axis(u: Vector, preferred: Vector) -> Vector {
    let rolled = [u[0] + u[2], u[1] + u[0], u[2] + u[1]];
    let smallest = (0..3)
        .min_by(|&i, &j| u[i].abs().total_cmp(&u[j].abs()))
        .unwrap_or(0);
    let candidates = [preferred, cross(u, rolled)];
    for candidate in candidates {
        // A shorter one is nothing but rounding.
        if dot(candidate, candidate) > (8.0 * f64::EPSILON).powi(2)
            && let Ok(axis) = make_orthogonal(u, candidate)
        {
            return axis;
        }
    }
    make_orthogonal(u, cross(u, IDENTITY[smallest])).unwrap_or(IDENTITY[smallest])
}

fn make_orthogonal(u: Vector, axis: Vector) -> Result<Vector> {
    let axis = unit("axis", axis)?;
    let along = dot(u, axis);
    unit("axis", std::array::from_fn(|i| axis[i] - along * u[i]))
}

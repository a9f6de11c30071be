//! The few operations on 3-vectors and 3×3 matrices (arrays of rows) that the other modules share.

/// A point, a displacement, a velocity or a force.
pub(crate) type Vec3 = [f64; 3];
/// A 3×3 matrix as an array of rows.
pub(crate) type Mat3 = [[f64; 3]; 3];

pub(crate) fn add(a: Vec3, b: Vec3) -> Vec3 {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

pub(crate) fn sub(a: Vec3, b: Vec3) -> Vec3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

pub(crate) fn scale(factor: f64, a: Vec3) -> Vec3 {
    [factor * a[0], factor * a[1], factor * a[2]]
}

pub(crate) fn dot(a: Vec3, b: Vec3) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(crate) fn norm(a: Vec3) -> f64 {
    dot(a, a).sqrt()
}

pub(crate) fn cross(a: Vec3, b: Vec3) -> Vec3 {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

/// Multiplies all rows by a factor.
pub(crate) fn scale_rows(factor: f64, rows: &mut [Vec3]) {
    for row in rows {
        *row = scale(factor, *row);
    }
}

/// The dot product of two lists of 3-vectors, taken as one long vector each.
pub(crate) fn dot_rows(a: &[Vec3], b: &[Vec3]) -> f64 {
    a.iter().zip(b).map(|(x, y)| dot(*x, *y)).sum()
}

/// The length of the longest 3-vector in a list; 0 for an empty one.
pub(crate) fn longest(rows: &[Vec3]) -> f64 {
    rows.iter().map(|row| norm(*row)).fold(0.0, f64::max)
}

/// The signed volume spanned by the rows.
pub(crate) fn determinant(m: &Mat3) -> f64 {
    dot(m[0], cross(m[1], m[2]))
}

/// The row vector `v` times the matrix: for a cell, fractional to Cartesian coordinates.
pub(crate) fn row_times(v: Vec3, m: &Mat3) -> Vec3 {
    std::array::from_fn(|k| v[0] * m[0][k] + v[1] * m[1][k] + v[2] * m[2][k])
}

/// The reciprocal vectors b_k of the rows a_k, as rows, with a_i · b_k = δ_ik (no factor 2π).
///
/// The rows must be linearly independent; a singular matrix gives infinities or NaN.
pub(crate) fn reciprocal(m: &Mat3) -> Mat3 {
    let volume = determinant(m);
    [
        scale(1.0 / volume, cross(m[1], m[2])),
        scale(1.0 / volume, cross(m[2], m[0])),
        scale(1.0 / volume, cross(m[0], m[1])),
    ]
}

/// Eigenvalues and eigenvectors (as rows) of a symmetric matrix by cyclic Jacobi rotations.
///
/// The order is that of the diagonal after the rotations, not sorted.
pub(crate) fn symmetric_eigen(matrix: &Mat3) -> (Vec3, Mat3) {
    let mut a = *matrix;
    let mut vectors = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for _sweep in 0..32 {
        let off = a[0][1].abs() + a[0][2].abs() + a[1][2].abs();
        if off == 0.0 {
            break;
        }
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            rotate(&mut a, &mut vectors, p, q);
        }
    }
    ([a[0][0], a[1][1], a[2][2]], vectors)
}

/// One Jacobi rotation that makes the element (p, q) zero.
fn rotate(a: &mut Mat3, vectors: &mut Mat3, p: usize, q: usize) {
    if a[p][q] == 0.0 {
        return;
    }
    let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
    let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let c = 1.0 / t.hypot(1.0);
    let s = t * c;
    for k in 0..3 {
        let (x, y) = (a[k][p], a[k][q]);
        (a[k][p], a[k][q]) = (c * x - s * y, s * x + c * y);
    }
    for k in 0..3 {
        let (x, y) = (a[p][k], a[q][k]);
        (a[p][k], a[q][k]) = (c * x - s * y, s * x + c * y);
    }
    (a[p][q], a[q][p]) = (0.0, 0.0);
    for k in 0..3 {
        let (x, y) = (vectors[p][k], vectors[q][k]);
        (vectors[p][k], vectors[q][k]) = (c * x - s * y, s * x + c * y);
    }
}

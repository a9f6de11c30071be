//! Vectors and 3×3 matrices of `f64`.

use crate::{Error, Real, Result};

pub(super) type Vector = [f64; 3];
pub(super) type Matrix = [[f64; 3]; 3];

/// How far from orthogonal a matrix may be before it is refused: rounding in single precision and printed digits
/// pass, wrong matrices do not.
const ORTHOGONAL_TOLERANCE: f64 = 1e-3;

pub(super) const IDENTITY: Matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

pub(super) fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn cross(a: Vector, b: Vector) -> Vector {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

pub(super) fn multiply(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}

pub(super) fn round<T: Real>(matrix: &Matrix) -> [[T; 3]; 3] {
    matrix.map(|row| row.map(T::from_f64))
}

/// Numbers in double precision, if they are finite.
pub(super) fn finite<T: Real, const N: usize>(
    argument: &'static str,
    values: [T; N],
) -> Result<[f64; N]> {
    let values = values.map(Real::to_f64);
    match values.iter().find(|value| !value.is_finite()) {
        Some(&actual) => Err(Error::NotFinite { argument, actual }),
        None => Ok(values),
    }
}

/// The unit vector, if there is one.
pub(super) fn unit<const N: usize>(argument: &'static str, vector: [f64; N]) -> Result<[f64; N]> {
    let largest = vector.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
    if largest == 0.0 {
        return Err(Error::Zero { argument });
    }
    let scaled = vector.map(|x| x / largest);
    let norm = scaled.iter().map(|x| x * x).sum::<f64>().sqrt();
    Ok(scaled.map(|x| x / norm))
}

/// A matrix in double precision, if it is orthogonal.
pub(super) fn orthogonal<T: Real>(argument: &'static str, rot: &[[T; 3]; 3]) -> Result<Matrix> {
    let mut matrix = [[0.0; 3]; 3];
    for (row, values) in matrix.iter_mut().zip(rot) {
        *row = finite(argument, *values)?;
    }
    let mut deviation = 0.0_f64;
    for i in 0..3 {
        for j in 0..3 {
            deviation = deviation.max((dot(matrix[i], matrix[j]) - IDENTITY[i][j]).abs());
        }
    }
    if deviation > ORTHOGONAL_TOLERANCE {
        return Err(Error::NotOrthogonal {
            argument,
            deviation,
        });
    }
    Ok(matrix)
}

/// A matrix in double precision, if it is a rotation.
pub(super) fn proper<T: Real>(argument: &'static str, rot: &[[T; 3]; 3]) -> Result<Matrix> {
    let matrix = orthogonal(argument, rot)?;
    if dot(cross(matrix[0], matrix[1]), matrix[2]) < 0.0 {
        return Err(Error::Reflection { argument });
    }
    Ok(matrix)
}

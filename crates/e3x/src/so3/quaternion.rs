//! Rotations by quaternions.

use candle_core::Tensor;

use super::rotation::{empty, matrix_of_unit_quaternion, with_axes};
use super::rows::{constant, finite, leading, unit};
use super::wigner::wigner_d;
use crate::{Result, ops};

/// The rotations of quaternions `[w, x, y, z]`.
///
/// `(cos(angle/2), n sin(angle/2))` is the counterclockwise rotation about the unit vector `n` by
/// `angle`. Quaternions of any length, however small or large, are normalised first; a quaternion
/// and its negative are the same rotation. Matrices and derivatives of any order are smooth
/// everywhere: there are no special rotations. Slices: [`e3x_so3::rotation_from_quaternion`].
///
/// # Shapes
/// `quaternion`: `(..., 4)`, result: `(..., 3, 3)`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let quaternion = Tensor::new(&[1.0, 0.0, 0.0, 1.0], &Device::Cpu)?; // by π/2 about z
/// let rot = e3x::so3::rotation_from_quaternion(&quaternion)?.to_vec2::<f64>()?;
/// assert!((rot[0][1] - 1.0).abs() < 1e-15);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If the last axis is not 4, a quaternion is zero or not finite, or the dtype is not floating
/// point.
pub fn rotation_from_quaternion(quaternion: &Tensor) -> Result<Tensor> {
    let batch = leading("quaternion", quaternion, &[4])?;
    let values = finite("quaternion", quaternion)?;
    if values.is_empty() {
        return empty(batch, quaternion);
    }
    if values.chunks_exact(4).any(|q| q == [0.0; 4]) {
        let argument = "quaternion";
        return Err(e3x_so3::Error::Zero { argument }.into());
    }
    let rows = unit("quaternion", &quaternion.reshape(((), 4))?)?;
    Ok(matrix_of_unit_quaternion(&rows)?.reshape(with_axes(batch, &[3, 3]))?)
}

/// The unit quaternions `[w, x, y, z]` of rotations; of the two, the one whose first non-zero
/// component is positive.
///
/// The component with the largest magnitude is computed from the diagonal of the matrix and the
/// others from it, so that nothing cancels and derivatives of any order are finite everywhere (they
/// are those of the formula at the elements of the matrix as they are). Slices and source:
/// [`e3x_so3::quaternion_from_rotation`].
///
/// # Shapes
/// `rot`: `(..., 3, 3)`, result: `(..., 4)`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::so3::{quaternion_from_rotation, rotation_from_quaternion};
/// let quaternion = Tensor::new(&[0.1, 0.7, -0.5, 0.5], &Device::Cpu)?;
/// let again = quaternion_from_rotation(&rotation_from_quaternion(&quaternion)?)?;
/// assert!((again - quaternion)?.abs()?.max_all()?.to_scalar::<f64>()? < 1e-15);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If the last two axes are not 3 and 3, `rot` is not floating point, or a matrix is not a rotation.
pub fn quaternion_from_rotation(rot: &Tensor) -> Result<Tensor> {
    let batch = leading("rot", rot, &[3, 3])?;
    let elements = finite("rot", rot)?;
    let num = elements.len() / 9;
    let shape = with_axes(batch, &[4]);
    if num == 0 {
        return Ok(Tensor::zeros(shape, rot.dtype(), rot.device())?);
    }
    // Which row of the products below, and its sign.
    let mut choices = Vec::with_capacity(4 * num);
    for m in elements.chunks_exact(9) {
        let row = |i: usize| [m[3 * i], m[3 * i + 1], m[3 * i + 2]];
        let quaternion = e3x_so3::quaternion_from_rotation(&[row(0), row(1), row(2)])?;
        let largest = (0..4)
            .max_by(|&i, &j| quaternion[i].abs().total_cmp(&quaternion[j].abs()))
            .unwrap_or(0);
        choices.extend((0..4).map(|i| {
            if i == largest {
                quaternion[i].signum()
            } else {
                0.0
            }
        }));
    }
    let choices = constant(choices, &[num, 4, 1], rot)?;
    let ones = constant(identity(), &[1, 16], rot)?;
    let products = rot
        .reshape((num, 9))?
        .matmul(&constant(coefficients(), &[9, 16], rot)?)?
        .broadcast_add(&ones)?
        .reshape((num, 4, 4))?;
    let chosen = products.broadcast_mul(&choices)?.sum(1)?;
    Ok(ops::normalize(&chosen, Some(&[-1]))?.reshape(shape)?)
}

/// The matrix of ones on the diagonal.
fn identity() -> Vec<f64> {
    (0..16).map(|n| f64::from(u8::from(n % 5 == 0))).collect()
}

/// Four times the products of every component of a quaternion with every other are these linear
/// functions of the elements of its matrix, and one on the diagonal; shape `(9, 4, 4)`.
fn coefficients() -> Vec<f64> {
    let mut table = vec![0.0; 9 * 16];
    let mut add = |i: usize, j: usize, p: usize, q: usize, value: f64| {
        table[(3 * i + j) * 16 + 4 * p + q] = value;
        table[(3 * i + j) * 16 + 4 * q + p] = value;
    };
    for i in 0..3 {
        for p in 0..4 {
            let sign = if p == 0 || p == i + 1 { 1.0 } else { -1.0 };
            add(i, i, p, p, sign);
        }
        // The real part times component i, and the product of the other two components.
        let (j, k) = ((i + 1) % 3, (i + 2) % 3);
        add(j, k, 0, i + 1, 1.0);
        add(k, j, 0, i + 1, -1.0);
        add(j, k, j + 1, k + 1, 1.0);
        add(k, j, j + 1, k + 1, 1.0);
    }
    table
}

/// Wigner-D matrices of the rotations of quaternions `[w, x, y, z]`, of all degrees up to
/// `max_degree`.
///
/// [`wigner_d`](super::wigner_d) of [`rotation_from_quaternion`]: differentiable to any order, and
/// smooth at every rotation (the identity, rotations by π, and those where Euler angles are not
/// unique).
///
/// # Shapes
/// `quaternion`: `(..., 4)`, result: `(..., (max_degree + 1)^2, (max_degree + 1)^2)`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let identity = Tensor::new(&[[1.0, 0.0, 0.0, 0.0]], &Device::Cpu)?;
/// let d = e3x::so3::wigner_d_from_quaternion(&identity, 2, true)?;
/// let one = Tensor::eye(9, identity.dtype(), &Device::Cpu)?.unsqueeze(0)?;
/// assert!((d - one)?.abs()?.max_all()?.to_scalar::<f64>()? < 1e-15);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// As [`rotation_from_quaternion`], or if `max_degree` is above 100.
pub fn wigner_d_from_quaternion(
    quaternion: &Tensor,
    max_degree: usize,
    cartesian_order: bool,
) -> Result<Tensor> {
    wigner_d(
        &rotation_from_quaternion(quaternion)?,
        max_degree,
        cartesian_order,
    )
}

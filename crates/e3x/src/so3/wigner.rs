//! Wigner-D matrices.

use candle_core::Tensor;

use super::rows::leading;
use crate::{Error, Result};

/// The largest number of values of a result.
const MAX_ELEMENTS: usize = 1 << 32;

/// Wigner-D matrices of rotations, of all degrees up to `max_degree`; E3x's `so3.wigner_d`.
///
/// ```text
/// spherical_harmonics(r @ rot) = spherical_harmonics(r) @ wigner_d(rot)
/// ```
///
/// The matrices are block diagonal with one orthogonal block of `2l+1` rows for each degree `l`; in
/// Cartesian order the block of degree 1 is `rot`. Formula: [`e3x_so3::WignerD`]. There are no
/// special rotations, and `rot` may be a reflection as well.
///
/// Derivatives of any order are those among rotations: with the generators `X` of
/// [`e3x_so3::generator_terms`], a change `d rot = rot @ Σ ω[k] X[k]` changes the matrix by
/// `D @ Σ ω[k] X[k]`. The gradient with respect to the nine elements of `rot` is tangential to the
/// rotations; E3x's, of a certain polynomial, has another part orthogonal to them, which nothing
/// that depends on rotations sees.
///
/// # Shapes
/// `rot`: `(..., 3, 3)`, result: `(..., (max_degree + 1)^2, (max_degree + 1)^2)`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::so3;
/// let r = Tensor::new(&[[0.3, -1.4, 0.7]], &Device::Cpu)?;
/// let axis = Tensor::new(&[1.0, 2.0, 3.0], &Device::Cpu)?;
/// let rot = so3::rotation(&axis, &Tensor::new(0.5, &Device::Cpu)?)?;
/// let d = so3::wigner_d(&rot, 2, true)?;
/// let turned = so3::solid_harmonics(&r.matmul(&rot)?, 2, true)?;
/// let difference = (so3::solid_harmonics(&r, 2, true)?.matmul(&d)? - turned)?;
/// assert!(difference.abs()?.max_all()?.to_scalar::<f64>()? < 1e-14);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If the last two axes are not 3 and 3, `rot` is not floating point, a matrix is not orthogonal,
/// or `max_degree` is above 100.
pub fn wigner_d(rot: &Tensor, max_degree: usize, cartesian_order: bool) -> Result<Tensor> {
    let batch = leading("rot", rot, &[3, 3])?;
    e3x_so3::WignerD::new(max_degree, cartesian_order)?;
    let size = e3x_so3::num_harmonics(max_degree);
    let num: usize = batch.iter().product();
    if num > MAX_ELEMENTS / (size * size) {
        let expected = format!(
            "at most {} matrices of degree {max_degree}",
            MAX_ELEMENTS / (size * size)
        );
        return Err(Error::argument("rot", expected, num.to_string()));
    }
    let shape = [batch, &[size, size]].concat();
    if num == 0 {
        return Ok(Tensor::zeros(shape, rot.dtype(), rot.device())?);
    }
    Ok(crate::op::wigner::wigner_d(rot, max_degree, cartesian_order)?.reshape(shape)?)
}

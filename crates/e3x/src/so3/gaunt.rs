//! Gaunt coefficients as tensors.

use candle_core::{DType, Device, Tensor};
use e3x_so3::Normalization;

use crate::Result;
use crate::error::check_float;

/// Gaunt coefficients, integrals of products of three real spherical harmonics, of all degrees up to
/// the given ones.
///
/// Definition, and relation with Clebsch-Gordan coefficients: [`e3x_so3::gaunt_for_degrees`],
/// [`e3x_so3::gaunt_factor`].
///
/// # Shapes
/// `((max_degree1+1)^2, (max_degree2+1)^2, (max_degree3+1)^2)`.
///
/// ```
/// use candle_core::{DType, Device};
/// use e3x::so3::{Normalization, gaunt};
/// let g = gaunt(1, 1, 2, true, Normalization::Racah, DType::F64, &Device::Cpu)?;
/// assert_eq!(g.dims(), [4, 4, 9]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If a degree is too large, or `dtype` is neither f32 nor f64.
pub fn gaunt(
    max_degree1: usize,
    max_degree2: usize,
    max_degree3: usize,
    cartesian_order: bool,
    normalization: Normalization,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    check_float("dtype", dtype)?;
    let degrees = [max_degree1, max_degree2, max_degree3];
    let [l1, l2, l3] = degrees;
    let values = e3x_so3::gaunt(l1, l2, l3, cartesian_order, normalization)?;
    tensor(values, degrees.map(e3x_so3::num_harmonics), dtype, device)
}

/// Gaunt coefficients of three degrees; see [`gaunt`].
///
/// # Shapes
/// `(2 degree1 + 1, 2 degree2 + 1, 2 degree3 + 1)`.
///
/// ```
/// use candle_core::{DType, Device};
/// use e3x::so3::{Normalization, gaunt_for_degrees};
/// let g = gaunt_for_degrees(2, 2, 4, true, Normalization::Racah, DType::F32, &Device::Cpu)?;
/// assert_eq!(g.dims(), [5, 5, 9]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// As [`gaunt`].
pub fn gaunt_for_degrees(
    degree1: usize,
    degree2: usize,
    degree3: usize,
    cartesian_order: bool,
    normalization: Normalization,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    check_float("dtype", dtype)?;
    let degrees = [degree1, degree2, degree3];
    let [l1, l2, l3] = degrees;
    let values = e3x_so3::gaunt_for_degrees(l1, l2, l3, cartesian_order, normalization)?;
    tensor(values, degrees.map(|l| 2 * l + 1), dtype, device)
}

fn tensor(values: Vec<f64>, shape: [usize; 3], dtype: DType, device: &Device) -> Result<Tensor> {
    Ok(Tensor::from_vec(values, &shape, &Device::Cpu)?
        .to_dtype(dtype)?
        .to_device(device)?)
}

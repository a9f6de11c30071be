//! Clebsch-Gordan coefficients as tensors.

use candle_core::{DType, Device, Tensor};

use crate::Result;

/// Coefficients that couple all degrees up to the given ones; E3x's `so3.clebsch_gordan`.
///
/// Shape `((max_degree1+1)^2, (max_degree2+1)^2, (max_degree3+1)^2)`. Definition:
/// [`e3x_so3::clebsch_gordan_terms`].
///
/// ```
/// use candle_core::{DType, Device};
/// let cg = e3x::so3::clebsch_gordan(1, 1, 2, true, DType::F64, &Device::Cpu)?;
/// assert_eq!(cg.dims(), [4, 4, 9]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If a degree is too large, or `dtype` cannot hold the coefficients.
pub fn clebsch_gordan(
    max_degree1: usize,
    max_degree2: usize,
    max_degree3: usize,
    cartesian_order: bool,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    let values = e3x_so3::clebsch_gordan(max_degree1, max_degree2, max_degree3, cartesian_order)?;
    let shape = [max_degree1, max_degree2, max_degree3].map(|l| (l + 1).pow(2));
    crate::error::check_float("dtype", dtype)?;
    Ok(Tensor::from_slice(&values, &shape, &Device::Cpu)?
        .to_dtype(dtype)?
        .to_device(device)?)
}

/// Coefficients that couple two degrees to a third; E3x's `so3.clebsch_gordan_for_degrees`.
///
/// Shape `(2 degree1 + 1, 2 degree2 + 1, 2 degree3 + 1)`.
///
/// ```
/// use candle_core::{DType, Device};
/// // Two vectors make a scalar: their scalar product divided by √3.
/// let cg = e3x::so3::clebsch_gordan_for_degrees(1, 1, 0, true, DType::F64, &Device::Cpu)?;
/// assert_eq!(cg.dims(), [3, 3, 1]);
/// assert!((cg.to_vec3::<f64>()?[1][1][0] - 1.0 / 3f64.sqrt()).abs() < 1e-15);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// As [`clebsch_gordan`].
pub fn clebsch_gordan_for_degrees(
    degree1: usize,
    degree2: usize,
    degree3: usize,
    cartesian_order: bool,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    let values = e3x_so3::clebsch_gordan_for_degrees(degree1, degree2, degree3, cartesian_order)?;
    let shape = [degree1, degree2, degree3].map(|l| 2 * l + 1);
    crate::error::check_float("dtype", dtype)?;
    Ok(Tensor::from_slice(&values, &shape, &Device::Cpu)?
        .to_dtype(dtype)?
        .to_device(device)?)
}

//! Quadrature rules on the unit sphere as tensors.

use candle_core::{DType, Device, Tensor};
use e3x_so3::{Quadrature, QuadratureSize};

use crate::Result;
use crate::error::check_float;

/// Points and weights of a Lebedev rule; E3x's `so3.lebedev_quadrature`.
///
/// ```text
/// ∫ f(r) dΩ ≈ 4π Σ_i weights[i] f(points[i])
/// ```
///
/// `size` asks for a precision or for a number of points, as E3x's keywords do. When there is no
/// such rule, the nearest one is returned, with a warning through the crate `log`. Rules and
/// sources: [`e3x_so3::lebedev_quadrature`].
///
/// # Shapes
/// Points `(n, 3)`, weights `(n,)`.
///
/// ```
/// use candle_core::{DType, Device};
/// use e3x::so3::{QuadratureSize, lebedev_quadrature};
/// let (points, weights) = lebedev_quadrature(QuadratureSize::Precision(4), DType::F64, &Device::Cpu)?;
/// assert_eq!(points.dims(), [14, 3]);
/// // The mean of x⁴ over the sphere is 1/5.
/// let x = points.narrow(1, 0, 1)?.squeeze(1)?;
/// let mean = (x.powf(4.0)? * weights)?.sum_all()?.to_scalar::<f64>()?;
/// assert!((mean - 0.2).abs() < 1e-15);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `dtype` is neither f32 nor f64.
pub fn lebedev_quadrature(
    size: QuadratureSize,
    dtype: DType,
    device: &Device,
) -> Result<(Tensor, Tensor)> {
    tensors(&e3x_so3::lebedev_quadrature(size), dtype, device)
}

/// Points and weights of a Delley rule; E3x's `so3.delley_quadrature`.
///
/// As [`lebedev_quadrature`]. Rules and sources: [`e3x_so3::delley_quadrature`].
///
/// # Shapes
/// Points `(n, 3)`, weights `(n,)`.
///
/// ```
/// use candle_core::{DType, Device};
/// use e3x::so3::{QuadratureSize, delley_quadrature};
/// let (points, weights) = delley_quadrature(QuadratureSize::Num(100), DType::F32, &Device::Cpu)?;
/// assert_eq!((points.dims(), weights.dims()), (&[50, 3][..], &[50][..]));
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `dtype` is neither f32 nor f64.
pub fn delley_quadrature(
    size: QuadratureSize,
    dtype: DType,
    device: &Device,
) -> Result<(Tensor, Tensor)> {
    tensors(&e3x_so3::delley_quadrature(size), dtype, device)
}

/// Points and weights of the product of Gauss and Legendre's rule in `z` and equally spaced azimuths.
///
/// Exists for every precision. Rule and order of the points: [`e3x_so3::gauss_legendre_quadrature`].
///
/// # Shapes
/// Points `(n, 3)`, weights `(n,)`, with `n = (precision / 2 + 1) (precision + 1)`.
///
/// ```
/// use candle_core::{DType, Device};
/// let (points, weights) = e3x::so3::gauss_legendre_quadrature(4, DType::F64, &Device::Cpu)?;
/// assert_eq!((points.dims(), weights.dims()), (&[15, 3][..], &[15][..]));
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `dtype` is neither f32 nor f64, or `precision` is above 2000.
pub fn gauss_legendre_quadrature(
    precision: usize,
    dtype: DType,
    device: &Device,
) -> Result<(Tensor, Tensor)> {
    tensors(
        &e3x_so3::gauss_legendre_quadrature(precision)?,
        dtype,
        device,
    )
}

fn tensors(rule: &Quadrature, dtype: DType, device: &Device) -> Result<(Tensor, Tensor)> {
    check_float("dtype", dtype)?;
    let num = rule.weights.len();
    let tensor = |values: &[f64], shape: &[usize]| {
        Tensor::from_slice(values, shape, &Device::Cpu)?
            .to_dtype(dtype)?
            .to_device(device)
    };
    Ok((
        tensor(rule.points.as_flattened(), &[num, 3])?,
        tensor(&rule.weights, &[num])?,
    ))
}

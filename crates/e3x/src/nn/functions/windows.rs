//! Windows that divide `[0, limit]` into equal parts.

use candle_core::Tensor;
use e3x_kernels::radial::Family;

use super::families::basic;
use crate::Result;

/// Rectangular windows: the k-th of `num` functions is 1 for
/// `k limit / num <= x <= (k + 1) limit / num`, else 0.
///
/// Both ends belong to a window, so a shared bound counts twice, as in E3x.
///
/// # Shapes
/// `x` is `(...)`, the result `(..., num)`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[0.5f64, 1.5], &Device::Cpu)?;
/// let y = e3x::nn::rectangular_window(&x, 2, 2.0)?;
/// assert_eq!(y.to_vec2::<f64>()?, [[1.0, 0.0], [0.0, 1.0]]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `x` is not floating point, `num` is 0 or `limit` not a finite number larger than 0.
pub fn rectangular_window(x: &Tensor, num: usize, limit: f64) -> Result<Tensor> {
    basic(Family::RectangularWindow, x, num, limit)
}

/// Triangular windows `max(0, 1 - |num x / limit - k|)`.
///
/// # Shapes
/// `x` is `(...)`, the result `(..., num)`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[0.0f64, 0.5], &Device::Cpu)?;
/// let y = e3x::nn::triangular_window(&x, 2, 2.0)?;
/// assert_eq!(y.to_vec2::<f64>()?, [[1.0, 0.0], [0.5, 0.5]]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `x` is not floating point, `num` is 0 or `limit` not a finite number larger than 0.
pub fn triangular_window(x: &Tensor, num: usize, limit: f64) -> Result<Tensor> {
    basic(Family::TriangularWindow, x, num, limit)
}

/// Smooth windows: the difference of two [smooth switches](super::smooth_switch) at
/// `u = num x / limit - k`, `switch(u + 1) - switch(u)`.
///
/// # Shapes
/// `x` is `(...)`, the result `(..., num)`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[0.0f64, 0.5], &Device::Cpu)?;
/// let y = e3x::nn::smooth_window(&x, 2, 2.0)?;
/// assert_eq!(y.to_vec2::<f64>()?, [[1.0, 0.0], [0.5, 0.5]]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `x` is not floating point, `num` is 0 or `limit` not a finite number larger than 0.
pub fn smooth_window(x: &Tensor, num: usize, limit: f64) -> Result<Tensor> {
    basic(Family::SmoothWindow, x, num, limit)
}

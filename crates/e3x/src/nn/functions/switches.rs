//! Cutoffs, switches and damping.

use candle_core::Tensor;
use e3x_kernels::scalar::Scalar;

use super::{Gamma, check_finite, check_positive};
use crate::error::check_float;
use crate::op::elementwise::scalar;
use crate::{Error, Result};

/// `exp(1 - 1 / (1 - (x/c)^2))` below the cutoff c, 0 beyond; the result has the shape of `x`.
///
/// All derivatives are continuous, and zero at the cutoff and beyond. (For negative numbers, which
/// are no distances, the function is even.)
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[0.0f64, 5.0, 9.0], &Device::Cpu)?;
/// assert_eq!(e3x::nn::smooth_cutoff(&x, 5.0)?.to_vec1::<f64>()?, [1.0, 0.0, 0.0]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `x` is not floating point or `cutoff` not a finite number larger than 0.
pub fn smooth_cutoff(x: &Tensor, cutoff: f64) -> Result<Tensor> {
    check_float("x", x.dtype())?;
    check_positive("cutoff", cutoff)?;
    scalar(Scalar::SmoothCutoff { cutoff }, 0, x)
}

/// `(1 + cos(pi x / c)) / 2` below the cutoff c, 0 beyond; the result has the shape of `x`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[0.0f64, 2.5, 5.0], &Device::Cpu)?;
/// let y = e3x::nn::cosine_cutoff(&x, 5.0)?.to_vec1::<f64>()?;
/// assert!(y[0] == 1.0 && (y[1] - 0.5).abs() < 1e-15 && y[2] == 0.0);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `x` is not floating point or `cutoff` not a finite number larger than 0.
pub fn cosine_cutoff(x: &Tensor, cutoff: f64) -> Result<Tensor> {
    check_float("x", x.dtype())?;
    check_positive("cutoff", cutoff)?;
    scalar(Scalar::CosineCutoff { cutoff }, 0, x)
}

/// 0 below `x0`, 1 above `x1`, and in between `1 / (1 + exp(sqrt(3)/2 (1/t - 1/(1 - t))))` with
/// `t = (x - x0) / (x1 - x0)`; the result has the shape of `x`. All derivatives are continuous.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[-1.0f64, 0.5, 7.0], &Device::Cpu)?;
/// let y = e3x::nn::smooth_switch(&x, 0.0, 1.0)?;
/// assert_eq!(y.to_vec1::<f64>()?, [0.0, 0.5, 1.0]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `x` is not floating point, or `x1` is not larger than `x0`.
pub fn smooth_switch(x: &Tensor, x0: f64, x1: f64) -> Result<Tensor> {
    check_float("x", x.dtype())?;
    check_finite("x0", x0)?;
    check_finite("x1", x1)?;
    if x1 <= x0 {
        return Err(Error::argument(
            "x1",
            format!("a number larger than x0 = {x0}"),
            x1.to_string(),
        ));
    }
    scalar(Scalar::SmoothSwitch { x0, x1 }, 0, x)
}

/// `exp(-1 / (exp(gamma x) - 1))`: 0 with all derivatives at zero (and, by definition, for negative
/// `gamma x`), quickly 1 for larger `x`; the result has the shape of `x`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[0.0f64, 60.0], &Device::Cpu)?;
/// assert_eq!(e3x::nn::smooth_damping(&x, 1.0)?.to_vec1::<f64>()?, [0.0, 1.0]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `x` is not floating point, or `gamma` is not finite, of another dtype or not one number.
pub fn smooth_damping<'a>(x: &Tensor, gamma: impl Into<Gamma<'a>>) -> Result<Tensor> {
    check_float("x", x.dtype())?;
    scalar(Scalar::SmoothDamping, 0, &gamma.into().times(x, 1.0)?)
}

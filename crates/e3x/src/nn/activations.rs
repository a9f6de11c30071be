//! Gated activation functions, as in E3x's `nn/activations.py`.
//!
//! A function of the components of a vector is not equivariant; a function of a scalar is. Every
//! activation here is `gate(s) x`, where `s` is the scalar (even parity, degree 0) part of the same
//! feature (E3x, arXiv:2401.07595). For the scalar itself this is the ordinary activation
//! function `gate(s) s`.
//!
//! Values and derivatives are finite for every finite input, and accurate near zero, where several
//! gates are quotients of the form 0/0.

use candle_core::Tensor;
use e3x_kernels::scalar::Scalar;

use crate::error::check_float;
use crate::op::gate::gated;
use crate::op::tape::view;
use crate::{Error, Result};

/// `gate(x[..., 0:1, 0:1, :]) * x`.
fn gated_linear(gate: Scalar, x: &Tensor) -> Result<Tensor> {
    check_float("x", x.dtype())?;
    let dims = x.dims();
    let [batch @ .., parity @ (1..), degrees @ (1..), features] = dims else {
        return Err(Error::argument(
            "x",
            "features with at least three axes (..., 1 or 2, (max_degree+1)^2, features)",
            format!("shape {dims:?}"),
        ));
    };
    let items: usize = batch.iter().product();
    let rows = view(x, (items, parity * degrees, *features))?;
    view(&gated(gate, &rows)?, dims)
}

/// Documents and defines an activation without parameters.
macro_rules! activation {
    ($(#[$doc:meta])* $name:ident, $gate:expr) => {
        $(#[$doc])*
        ///
        /// # Shapes
        /// `x` is `(..., 1 or 2, (L+1)^2, F)`, and so is the result.
        ///
        /// # Errors
        /// If `x` has fewer than three axes or is not floating point.
        pub fn $name(x: &Tensor) -> Result<Tensor> {
            gated_linear($gate, x)
        }
    };
}

activation!(
    /// Rectified linear unit: gate 1 for positive scalars, else 0.
    ///
    /// ```
    /// use candle_core::{Device, Tensor};
    /// let x = Tensor::new(&[[[-1.0f32, 2.0]]], &Device::Cpu)?;
    /// assert_eq!(e3x::nn::relu(&x)?.to_vec3::<f32>()?, [[[0.0, 2.0]]]);
    /// # Ok::<(), e3x::Error>(())
    /// ```
    relu, Scalar::Heaviside
);

activation!(
    /// Sigmoid linear unit (arXiv:1702.03118): gate `1 / (1 + exp(-s))`.
    ///
    /// ```
    /// use candle_core::{Device, Tensor};
    /// // P = 1, L = 1, F = 1: the scalar 0 gates the vector with 1/2.
    /// let x = Tensor::new(&[[[0.0f32], [2.0], [4.0], [6.0]]], &Device::Cpu)?;
    /// assert_eq!(e3x::nn::silu(&x)?.to_vec3::<f32>()?, [[[0.0], [1.0], [2.0], [3.0]]]);
    /// # Ok::<(), e3x::Error>(())
    /// ```
    silu, Scalar::Sigmoid
);

activation!(
    /// Another name of [`silu`].
    swish, Scalar::Sigmoid
);

activation!(
    /// Scaled exponential linear unit (arXiv:1706.02515): [`elu`] with fixed constants.
    selu, Scalar::ExponentialStep {
        scale: 1.050_700_987_355_480_5,
        alpha: 1.673_263_242_354_377_2,
        width: 1.0,
    }
);

activation!(
    /// Erf of softplus (arXiv:2108.09598): gate `erf(log(1 + exp(s)))`.
    serf, Scalar::ErfSoftplus
);

activation!(
    /// Shifted softplus (arXiv:1706.08566): gate `log((1 + exp(s)) / 2) / s`.
    ///
    /// ```
    /// use candle_core::{Device, Tensor};
    /// let x = Tensor::new(&[[[0.0f64, 1e-9]]], &Device::Cpu)?;
    /// let y = e3x::nn::shifted_softplus(&x)?.to_vec3::<f64>()?;
    /// assert_eq!(y[0][0][0], 0.0);
    /// assert!((y[0][0][1] / 5e-10 - 1.0 - 2.5e-10).abs() < 1e-15); // s/2 + s^2/8
    /// # Ok::<(), e3x::Error>(())
    /// ```
    shifted_softplus, Scalar::ShiftedSoftplusGate
);

activation!(
    /// Hard tanh: gate `1 / max(1, |s|)`, so that the scalar is clamped to [-1, 1].
    hard_tanh, Scalar::HardTanhGate
);

activation!(
    /// Soft sign: gate `1 / (1 + |s|)`.
    soft_sign, Scalar::SoftSignGate
);

activation!(
    /// Rectified linear unit with an upper bound: the scalar is clamped to [0, 6].
    relu6, Scalar::Relu6Gate
);

activation!(
    /// Piecewise linear version of [`silu`]: gate `min(max(s + 3, 0), 6) / 6`.
    hard_silu, Scalar::HardSigmoid
);

activation!(
    /// Another name of [`hard_silu`].
    hard_swish, Scalar::HardSigmoid
);

activation!(
    /// Bent identity: gate `(sqrt(s^2 + 1) - 1) / (2 s) + 1`.
    bent_identity, Scalar::BentIdentityGate
);

/// Leaky rectified linear unit: gate 1 for `s >= 0`, else `negative_slope` (E3x's default: 0.01).
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[[-1.0f64, 2.0]]], &Device::Cpu)?;
/// assert_eq!(e3x::nn::leaky_relu(&x, 0.01)?.to_vec3::<f64>()?, [[[-0.01, 2.0]]]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Shapes
/// `x` is `(..., 1 or 2, (L+1)^2, F)`, and so is the result.
///
/// # Errors
/// If `x` has fewer than three axes or is not floating point, or the slope is not finite.
pub fn leaky_relu(x: &Tensor, negative_slope: f64) -> Result<Tensor> {
    let slope = finite("negative_slope", negative_slope)?;
    gated_linear(Scalar::LeakyStep { slope }, x)
}

/// Exponential linear unit (arXiv:1511.07289): gate 1 for `s > 0`, else `alpha (exp(s) - 1) / s`
/// (E3x's default: `alpha = 1`).
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[[-1.0f64, 2.0]]], &Device::Cpu)?;
/// let y = e3x::nn::elu(&x, 1.0)?.to_vec3::<f64>()?;
/// assert!((y[0][0][0] - (-1.0f64).exp_m1()).abs() < 1e-15 && y[0][0][1] == 2.0);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Shapes
/// `x` is `(..., 1 or 2, (L+1)^2, F)`, and so is the result.
///
/// # Errors
/// If `x` has fewer than three axes or is not floating point, or `alpha` is not finite.
pub fn elu(x: &Tensor, alpha: f64) -> Result<Tensor> {
    let gate = Scalar::ExponentialStep {
        scale: 1.0,
        alpha: finite("alpha", alpha)?,
        width: 1.0,
    };
    gated_linear(gate, x)
}

/// Continuously differentiable exponential linear unit (arXiv:1704.07483): gate 1 for `s > 0`,
/// else `alpha (exp(s / alpha) - 1) / s` (E3x's default: `alpha = 1`).
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[[-1.0f64, 2.0]]], &Device::Cpu)?;
/// let y = e3x::nn::celu(&x, 0.5)?.to_vec3::<f64>()?;
/// assert!((y[0][0][0] - 0.5 * (-2.0f64).exp_m1()).abs() < 1e-15 && y[0][0][1] == 2.0);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Shapes
/// `x` is `(..., 1 or 2, (L+1)^2, F)`, and so is the result.
///
/// # Errors
/// If `x` has fewer than three axes or is not floating point, or `alpha` is not positive.
pub fn celu(x: &Tensor, alpha: f64) -> Result<Tensor> {
    if !(alpha.is_normal() && alpha > 0.0) {
        return Err(Error::argument(
            "alpha",
            "a positive number",
            alpha.to_string(),
        ));
    }
    let gate = Scalar::ExponentialStep {
        scale: 1.0,
        alpha,
        width: alpha,
    };
    gated_linear(gate, x)
}

/// Gaussian error linear unit (arXiv:1606.08415): gate `(1 + erf(s / sqrt(2))) / 2`, or with
/// `approximate` (E3x's default) `(1 + tanh(sqrt(2/pi) (s + 0.044715 s^3))) / 2`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[[0.0f64, 50.0]]], &Device::Cpu)?;
/// assert_eq!(e3x::nn::gelu(&x, true)?.to_vec3::<f64>()?, [[[0.0, 50.0]]]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Shapes
/// `x` is `(..., 1 or 2, (L+1)^2, F)`, and so is the result.
///
/// # Errors
/// If `x` has fewer than three axes or is not floating point.
pub fn gelu(x: &Tensor, approximate: bool) -> Result<Tensor> {
    let gate = if approximate {
        Scalar::GaussianGateTanh
    } else {
        Scalar::GaussianGate
    };
    gated_linear(gate, x)
}

/// Mish (arXiv:1908.08681): gate `tanh(log(1 + exp(s)))`.
///
/// E3x has a keyword `fast` that chooses between two formulas for the same number; here there is
/// one that is both fast and accurate for every `s`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[[0.0f64, -1000.0]]], &Device::Cpu)?;
/// assert_eq!(e3x::nn::mish(&x)?.to_vec3::<f64>()?, [[[0.0, 0.0]]]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Shapes
/// `x` is `(..., 1 or 2, (L+1)^2, F)`, and so is the result.
///
/// # Errors
/// If `x` has fewer than three axes or is not floating point.
pub fn mish(x: &Tensor) -> Result<Tensor> {
    gated_linear(Scalar::TanhSoftplus, x)
}

fn finite(argument: &'static str, value: f64) -> Result<f64> {
    if value.is_finite() {
        return Ok(value);
    }
    Err(Error::argument(
        argument,
        "a finite number",
        value.to_string(),
    ))
}

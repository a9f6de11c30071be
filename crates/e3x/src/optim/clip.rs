//! Gradient clipping.

use candle_core::{DType, Tensor};

use crate::error::check_float;
use crate::{Error, Result};

/// The Euclidean norm of all entries of all gradients together, as `optax.global_norm`.
///
/// ```text
/// norm = sqrt(sum over gradients and entries of g^2)
/// ```
///
/// Computed in f64.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::optim::global_norm;
/// let grads = [Tensor::new(&[3.0, 0.0], &Device::Cpu)?, Tensor::new(4.0, &Device::Cpu)?];
/// assert_eq!(global_norm(&grads)?, 5.0);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If a gradient is not floating point.
pub fn global_norm(grads: &[Tensor]) -> Result<f64> {
    let mut sum = 0.0;
    for grad in grads {
        check_float("grads", grad.dtype())?;
        let values = grad.detach().to_dtype(DType::F64)?.flatten_all()?;
        sum += values.to_vec1::<f64>()?.iter().map(|g| g * g).sum::<f64>();
    }
    Ok(sum.sqrt())
}

/// Shrinks all gradients by one factor if their [`global_norm`] reaches `max_norm`, as
/// `optax.clip_by_global_norm` (Pascanu et al., arXiv:1211.5063).
///
/// ```text
/// g <- g                       if norm < max_norm
/// g <- g / norm * max_norm     otherwise
/// ```
///
/// Returns the gradients and the norm before clipping.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::optim::clip_by_global_norm;
/// let grads = [Tensor::new(&[3.0, 0.0], &Device::Cpu)?, Tensor::new(4.0, &Device::Cpu)?];
/// let (clipped, norm) = clip_by_global_norm(&grads, 1.0)?;
/// assert_eq!(norm, 5.0);
/// assert!((clipped[1].to_scalar::<f64>()? - 0.8).abs() < 1e-15);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `max_norm` is not positive, a gradient is not floating point, or the norm is not finite: no
/// factor makes such a gradient usable (optax returns NaN).
pub fn clip_by_global_norm(grads: &[Tensor], max_norm: f64) -> Result<(Vec<Tensor>, f64)> {
    check_positive("max_norm", max_norm)?;
    let norm = global_norm(grads)?;
    if !norm.is_finite() {
        let received = format!("a global norm of {norm}");
        return Err(Error::argument("grads", "finite gradients", received));
    }
    if norm < max_norm {
        return Ok((grads.to_vec(), norm));
    }
    let scaled = grads.iter().map(|grad| grad.affine(max_norm / norm, 0.0));
    Ok((scaled.collect::<candle_core::Result<_>>()?, norm))
}

/// Limits every entry of every gradient to `[-max_delta, max_delta]`, as `optax.clip`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let grads = [Tensor::new(&[3.0, -0.2], &Device::Cpu)?];
/// let clipped = e3x::optim::clip_by_value(&grads, 0.5)?;
/// assert_eq!(clipped[0].to_vec1::<f64>()?, [0.5, -0.2]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `max_delta` is not positive or a gradient is not floating point.
pub fn clip_by_value(grads: &[Tensor], max_delta: f64) -> Result<Vec<Tensor>> {
    check_positive("max_delta", max_delta)?;
    let clip = |grad: &Tensor| {
        check_float("grads", grad.dtype())?;
        Ok(grad.clamp(-max_delta, max_delta)?)
    };
    grads.iter().map(clip).collect()
}

fn check_positive(argument: &'static str, value: f64) -> Result<()> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::argument(
        argument,
        "a positive number",
        value.to_string(),
    ))
}

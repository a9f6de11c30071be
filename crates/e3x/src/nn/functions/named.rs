//! Functions as values: what a basis is configured with.

use std::fmt;
use std::sync::Arc;

use candle_core::Tensor;

use super::{Cutoff, Damping, Radial};
use crate::Result;

/// A set of radial functions: from distances `(...)` to `(..., num)`.
///
/// Implemented by [`Radial`] and by closures `Fn(&Tensor, usize) -> Result<Tensor>`.
pub trait RadialFunction: Send + Sync {
    /// The first `num` functions at every distance.
    ///
    /// # Errors
    /// Whatever the function cannot work with.
    fn evaluate(&self, x: &Tensor, num: usize) -> Result<Tensor>;
}

impl<F: Fn(&Tensor, usize) -> Result<Tensor> + Send + Sync> RadialFunction for F {
    fn evaluate(&self, x: &Tensor, num: usize) -> Result<Tensor> {
        self(x, num)
    }
}

impl RadialFunction for Radial {
    fn evaluate(&self, x: &Tensor, num: usize) -> Result<Tensor> {
        Radial::evaluate(self, x, num)
    }
}

/// A function of distances that keeps their shape: a cutoff or a damping.
///
/// Implemented by [`Cutoff`], [`Damping`] and by closures `Fn(&Tensor) -> Result<Tensor>`.
pub trait ScalarFunction: Send + Sync {
    /// The function at every distance.
    ///
    /// # Errors
    /// Whatever the function cannot work with.
    fn evaluate(&self, x: &Tensor) -> Result<Tensor>;
}

impl<F: Fn(&Tensor) -> Result<Tensor> + Send + Sync> ScalarFunction for F {
    fn evaluate(&self, x: &Tensor) -> Result<Tensor> {
        self(x)
    }
}

impl ScalarFunction for Cutoff {
    fn evaluate(&self, x: &Tensor) -> Result<Tensor> {
        Cutoff::evaluate(self, x)
    }
}

impl ScalarFunction for Damping {
    fn evaluate(&self, x: &Tensor) -> Result<Tensor> {
        Damping::evaluate(self, x)
    }
}

/// A shared set of radial functions: `Radial::default().into()`, or `Arc::new(closure)`.
///
/// ```
/// use std::sync::Arc;
/// use candle_core::{Device, Tensor};
/// use e3x::nn::{Radial, RadialFn};
/// let named: RadialFn = "reciprocal_bernstein".parse::<Radial>()?.into();
/// let custom: RadialFn = Arc::new(|x: &Tensor, num: usize| e3x::nn::sinc(x, num, 4.0));
/// let x = Tensor::new(&[0.0f32, 1.0], &Device::Cpu)?;
/// assert_eq!(named.evaluate(&x, 3)?.dims(), custom.evaluate(&x, 3)?.dims());
/// # Ok::<(), e3x::Error>(())
/// ```
pub type RadialFn = Arc<dyn RadialFunction>;

/// A shared cutoff function: `Cutoff::smooth(5.0).into()`, or `Arc::new(closure)`.
pub type CutoffFn = Arc<dyn ScalarFunction>;

/// A shared damping function: `Damping::default().into()`, or `Arc::new(closure)`.
pub type DampingFn = Arc<dyn ScalarFunction>;

impl fmt::Debug for dyn RadialFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RadialFunction")
    }
}

impl fmt::Debug for dyn ScalarFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScalarFunction")
    }
}

impl From<Radial> for RadialFn {
    fn from(radial: Radial) -> Self {
        Arc::new(radial)
    }
}

impl From<Cutoff> for CutoffFn {
    fn from(cutoff: Cutoff) -> Self {
        Arc::new(cutoff)
    }
}

impl From<Damping> for DampingFn {
    fn from(damping: Damping) -> Self {
        Arc::new(damping)
    }
}

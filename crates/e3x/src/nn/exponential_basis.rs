//! Basis functions with a decay constant that is learned.

use std::sync::Arc;

use candle_core::Tensor;

use super::basis::{BasisDetails, basis_with_details};
use crate::nn::{Basis, BasisConfig, CutoffFn, DampingFn, Initializer, Radial, VarBuilder};
use crate::op::softplus::softplus;
use crate::{Error, Result};

/// Options of [`ExponentialBasis`], with E3x's defaults.
#[derive(Debug, Clone)]
pub struct ExponentialBasisConfig {
    /// Radial functions with a decay constant: those called `exponential_...`.
    pub radial_fn: Radial,
    /// Everything else; its `radial_fn` is not used.
    pub basis: BasisConfig,
    /// Decay constant to start with.
    pub initial_gamma: f64,
}

impl ExponentialBasisConfig {
    /// A basis without cutoff and damping, with an initial decay constant of 1.
    pub fn new(max_degree: usize, num: usize, radial_fn: Radial) -> Self {
        Self {
            radial_fn,
            basis: BasisConfig::new(max_degree, num, radial_fn),
            initial_gamma: 1.0,
        }
    }

    /// With this cutoff function.
    #[must_use]
    pub fn with_cutoff(mut self, cutoff_fn: impl Into<CutoffFn>) -> Self {
        self.basis = self.basis.with_cutoff(cutoff_fn);
        self
    }

    /// With this damping function.
    #[must_use]
    pub fn with_damping(mut self, damping_fn: impl Into<DampingFn>) -> Self {
        self.basis = self.basis.with_damping(damping_fn);
        self
    }
}

/// [`basis`](super::basis()) with radial functions whose decay constant is learned; E3x's
/// `nn.ExponentialBasis` (arXiv:2401.07595, section 3.4).
///
/// ```text
/// radial_fn(r, gamma = softplus(parameter))      softplus(x) = ln(1 + exp(x)) > 0
/// ```
///
/// Parameter: `gamma`, a scalar; it starts where the decay constant is `initial_gamma`.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use e3x::nn::{Cutoff, ExponentialBasis, ExponentialBasisConfig, Parameters};
/// let vb = Parameters::seeded(0).builder(DType::F64, &Device::Cpu);
/// let config = ExponentialBasisConfig::new(2, 8, "exponential_bernstein".parse()?)
///     .with_cutoff(Cutoff::smooth(5.0));
/// let basis = ExponentialBasis::new(config, vb)?;
/// assert!((basis.gamma()?.to_scalar::<f64>()? - 1.0).abs() < 1e-15);
/// let r = Tensor::new(&[[0.0f64, 0.6, 0.8], [3.0, 0.0, 4.0]], &Device::Cpu)?;
/// assert_eq!(basis.forward(&r)?.to_tensor()?.dims(), [2, 1, 9, 8]);
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ExponentialBasis {
    config: ExponentialBasisConfig,
    parameter: Tensor,
}

impl ExponentialBasis {
    /// Builds the layer.
    ///
    /// # Errors
    /// If the radial functions have no decay constant, `initial_gamma` is not positive and finite,
    /// `num` is zero, or the parameter does not fit.
    pub fn new(config: ExponentialBasisConfig, vb: VarBuilder) -> Result<Self> {
        let gamma = config.initial_gamma;
        if !(gamma > 0.0 && gamma.is_finite()) {
            let expected = "a finite number larger than 0";
            return Err(Error::argument(
                "initial_gamma",
                expected,
                gamma.to_string(),
            ));
        }
        // Refuses radial functions without decay constant and num = 0.
        let somewhere = Tensor::ones(1, vb.dtype(), vb.device())?;
        config
            .radial_fn
            .evaluate_with_gamma(&somewhere, config.basis.num, gamma)?;
        // The inverse of softplus.
        let start = Initializer::Constant(gamma + (-(-gamma).exp_m1()).ln());
        let parameter = vb.get_with_hints((), "gamma", start)?;
        Ok(Self { config, parameter })
    }

    /// The basis functions of displacements `r`, shape `(..., 3)`.
    ///
    /// # Errors
    /// If the last axis of `r` is not 3, or its dtype is not that of the parameter.
    pub fn forward(&self, r: &Tensor) -> Result<Basis> {
        Ok(self.forward_with_details(r)?.basis)
    }

    /// As [`ExponentialBasis::forward`], together with cutoff values and distances.
    ///
    /// # Errors
    /// As [`ExponentialBasis::forward`].
    pub fn forward_with_details(&self, r: &Tensor) -> Result<BasisDetails> {
        crate::error::check_same_dtype("r", r, "the parameter", &self.parameter)?;
        let (radial_fn, gamma) = (self.config.radial_fn, self.gamma()?);
        let mut config = self.config.basis.clone();
        config.radial_fn =
            Arc::new(move |x: &Tensor, num: usize| radial_fn.evaluate_with_gamma(x, num, &gamma));
        basis_with_details(r, &config)
    }

    /// The decay constant, a scalar.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn gamma(&self) -> Result<Tensor> {
        softplus(&self.parameter)
    }

    /// Highest degree and number of radial functions, as other layers take them.
    pub fn shape(&self) -> (usize, usize) {
        (self.config.basis.max_degree, self.config.basis.num)
    }
}

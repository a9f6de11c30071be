//! Basis functions of displacement vectors, kept in factored form.

use candle_core::Tensor;

use super::angular::{Angular, AngularFunction, Recipe};
use super::directions::Directions;
use crate::config::Config;
use crate::nn::functions::{CutoffFn, DampingFn, RadialFn};
use crate::op::columns::{columns, widened};
use crate::op::combine::sum;
use crate::op::product::scale_rows;
use crate::op::tape::view;
use crate::{Error, Result, ops};

/// Options of [`basis`], with E3x's names and defaults.
#[derive(Debug, Clone)]
pub struct BasisConfig {
    /// Highest degree L of the angular part.
    pub max_degree: usize,
    /// Number K of radial functions.
    pub num: usize,
    /// Radial functions of the distance.
    pub radial_fn: RadialFn,
    /// Angular functions of the direction.
    pub angular_fn: AngularFunction,
    /// Cutoff function of the distance; multiplies everything.
    pub cutoff_fn: Option<CutoffFn>,
    /// Damping function of the distance; multiplies degrees 1 and higher.
    pub damping_fn: Option<DampingFn>,
    /// Order of the entries of each degree.
    pub cartesian_order: bool,
}

impl BasisConfig {
    /// A basis without cutoff and damping, with E3x's default angular part.
    pub fn new(max_degree: usize, num: usize, radial_fn: impl Into<RadialFn>) -> Self {
        Self {
            max_degree,
            num,
            radial_fn: radial_fn.into(),
            angular_fn: AngularFunction::default(),
            cutoff_fn: None,
            damping_fn: None,
            cartesian_order: Config::cartesian_order(),
        }
    }

    /// With this cutoff function.
    #[must_use]
    pub fn with_cutoff(mut self, cutoff_fn: impl Into<CutoffFn>) -> Self {
        self.cutoff_fn = Some(cutoff_fn.into());
        self
    }

    /// With this damping function.
    #[must_use]
    pub fn with_damping(mut self, damping_fn: impl Into<DampingFn>) -> Self {
        self.damping_fn = Some(damping_fn.into());
        self
    }
}

/// Values of basis functions, shape `(..., 1, (L+1)^2, K)` as a tensor ([`Basis::to_tensor`]).
///
/// The basis of [`basis`] is a product of an angular and a radial part,
/// `B[l m, k] = A[l m] R[k]`, and is kept as its two factors: message passing needs no more, and
/// saves a factor of order (L+1) in work and memory. Any tensor of the right shape also serves
/// ([`Basis::from_tensor`]).
#[derive(Debug, Clone)]
pub struct Basis {
    parts: Parts,
    /// Where the edges point, if the angular part consists of harmonics of that direction.
    directions: Option<Directions>,
    max_degree: usize,
    num: usize,
    batch: Vec<usize>,
}

#[derive(Debug, Clone)]
pub(crate) enum Parts {
    /// `(..., (L+1)^2)` and `(..., K)`.
    Factored { angular: Angular, radial: Tensor },
    /// `(..., 1, (L+1)^2, K)`.
    Dense(Tensor),
}

impl Basis {
    /// A basis from its factors, `(..., (L+1)^2)` and `(..., K)`.
    ///
    /// # Errors
    /// If the leading axes differ, or the last axis of `angular` is not a square.
    pub fn from_factors(angular: &Tensor, radial: &Tensor) -> Result<Self> {
        let error = |expected: &str| {
            let received = format!("shapes {:?} and {:?}", angular.dims(), radial.dims());
            Err(Error::argument("angular, radial", expected, received))
        };
        let ([batch @ .., size], [radial_batch @ .., num]) = (angular.dims(), radial.dims()) else {
            return error("at least one axis each");
        };
        if batch != radial_batch || *num == 0 {
            return error("the same leading axes and at least one radial function");
        }
        let side = size.isqrt();
        if *size == 0 || side * side != *size {
            return error("a square (max_degree+1)^2 for the last axis of angular");
        }
        crate::error::check_same_dtype("radial", radial, "angular", angular)?;
        Ok(Self::factored(angular.clone().into(), radial, side - 1))
    }

    /// A basis from factors that fit.
    fn factored(angular: Angular, radial: &Tensor, max_degree: usize) -> Self {
        let (num, batch) = match radial.dims() {
            [batch @ .., num] => (*num, batch.to_vec()),
            [] => (0, Vec::new()),
        };
        Self {
            parts: Parts::Factored {
                angular,
                radial: radial.clone(),
            },
            directions: None,
            max_degree,
            num,
            batch,
        }
    }

    /// A basis from its values, `(..., 1, (L+1)^2, K)`.
    ///
    /// # Errors
    /// If the shape is not one of features without pseudotensors.
    pub fn from_tensor(values: &Tensor) -> Result<Self> {
        let shape = crate::FeatureShape::of("basis", values)?;
        if shape.parity != 1 {
            return Err(Error::argument("basis", "1 for axis -3 (parity)", "2"));
        }
        Ok(Self {
            parts: Parts::Dense(values.clone()),
            directions: None,
            max_degree: shape.max_degree,
            num: shape.features,
            batch: values.dims()[..values.rank() - 3].to_vec(),
        })
    }

    /// The values as one tensor, shape `(..., 1, (L+1)^2, K)`.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn to_tensor(&self) -> Result<Tensor> {
        match &self.parts {
            Parts::Factored { angular, radial } => {
                let angular = angular.get()?;
                let rank = angular.rank();
                let (angular, radial) = (angular.unsqueeze(rank)?, radial.unsqueeze(rank - 1)?);
                Ok(angular.broadcast_mul(&radial)?.unsqueeze(rank - 1)?)
            }
            Parts::Dense(values) => Ok(values.clone()),
        }
    }

    /// The values of degree 0, shape `(..., K)`.
    pub(crate) fn scalars(&self) -> Result<Tensor> {
        match &self.parts {
            Parts::Factored { angular, radial } => {
                scale_rows(radial, &columns(&angular.get()?, 0, 1)?)
            }
            Parts::Dense(values) => {
                let rank = values.rank();
                Ok(values
                    .squeeze(rank - 3)?
                    .narrow(rank - 3, 0, 1)?
                    .squeeze(rank - 3)?)
            }
        }
    }

    /// Highest degree L.
    pub fn max_degree(&self) -> usize {
        self.max_degree
    }

    /// Number K of radial functions.
    pub fn num(&self) -> usize {
        self.num
    }

    /// The leading axes.
    pub fn batch_dims(&self) -> &[usize] {
        &self.batch
    }

    /// A tensor with the dtype of the values.
    pub(crate) fn any_part(&self) -> &Tensor {
        match &self.parts {
            Parts::Factored { radial, .. } => radial,
            Parts::Dense(values) => values,
        }
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    pub(crate) fn directions(&self) -> Option<&Directions> {
        self.directions.as_ref()
    }
}

/// What [`basis_with_details`] returns beside the basis.
#[derive(Debug, Clone)]
pub struct BasisDetails {
    /// The basis.
    pub basis: Basis,
    /// Values of the cutoff function, shape `(...)`; ones without a cutoff function.
    pub cutoff: Tensor,
    /// Distances, shape `(...)`, in the unit of the displacements.
    pub norm: Tensor,
}

/// Basis functions of displacement vectors; E3x's `nn.basis` (arXiv:2401.07595, section 3.4).
///
/// ```text
/// B[l m, k](r) = R_k(|r|) cutoff(|r|) damping(|r|)^[l > 0] Y_lm(r / |r|)
/// ```
///
/// Shape of `r`: `(..., 3)`; the result stands for values of shape `(..., 1, (L+1)^2, K)`. The
/// zero vector has the direction zero and finite derivatives.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::nn::{self, BasisConfig, Cutoff, Radial};
/// let r = Tensor::new(&[[0.0f64, 0.6, 0.8], [3.0, 0.0, 4.0]], &Device::Cpu)?;
/// let config = BasisConfig::new(2, 8, Radial::default()).with_cutoff(Cutoff::smooth(5.0));
/// let basis = nn::basis(&r, &config)?;
/// assert_eq!(basis.to_tensor()?.dims(), [2, 1, 9, 8]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If the last axis of `r` is not 3, `num` is zero, or a function of the configuration refuses.
pub fn basis(r: &Tensor, config: &BasisConfig) -> Result<Basis> {
    Ok(basis_with_details(r, config)?.basis)
}

/// As [`basis`], together with the cutoff values and distances (E3x's `return_cutoff` and
/// `return_norm`).
///
/// # Errors
/// As [`basis`].
pub fn basis_with_details(r: &Tensor, config: &BasisConfig) -> Result<BasisDetails> {
    crate::error::check_float("r", r.dtype())?;
    if r.dims().last() != Some(&3) {
        return Err(Error::argument(
            "r",
            "shape (..., 3)",
            format!("shape {:?}", r.dims()),
        ));
    }
    if config.num == 0 {
        return Err(Error::argument("num", "at least 1", "0"));
    }
    let norm = ops::norm(r, Some(&[-1]), true)?;
    let recipe = Recipe {
        r: r.clone(),
        angular_fn: config.angular_fn,
        max_degree: config.max_degree,
        cartesian_order: config.cartesian_order,
    };
    let norm = view(&norm, r.dims()[..r.rank() - 1].to_vec())?;
    let mut radial = config.radial_fn.evaluate(&norm, config.num)?;
    let cutoff = match &config.cutoff_fn {
        Some(cutoff_fn) => {
            let cutoff = cutoff_fn.evaluate(&norm)?;
            radial = scale_rows(&radial, &cutoff)?;
            cutoff
        }
        None => norm.ones_like()?,
    };
    let angular = match &config.damping_fn {
        Some(damping_fn) => damp(&recipe.evaluate()?, &damping_fn.evaluate(&norm)?)?.into(),
        None => recipe.into(),
    };
    let fits = matches!(radial.dims(), [batch @ .., num] if *num > 0 && batch == norm.dims());
    if !fits {
        let expected = format!("shape {:?} and an axis of functions", norm.dims());
        let received = format!("shape {:?}", radial.dims());
        return Err(Error::argument("radial_fn", expected, received));
    }
    crate::error::check_same_dtype("radial_fn", &radial, "r", r)?;
    let mut basis = Basis::factored(angular, &radial, config.max_degree);
    if config.damping_fn.is_none() {
        basis.directions = Some(Directions::new(r, config)?);
    }
    Ok(BasisDetails {
        basis,
        cutoff,
        norm,
    })
}

/// Multiplies degrees 1 and higher.
fn damp(angular: &Tensor, damping: &Tensor) -> Result<Tensor> {
    let size = angular.dim(angular.rank() - 1)?;
    if size == 1 {
        return Ok(angular.clone());
    }
    let scalar = widened(&columns(angular, 0, 1)?, 0, size)?;
    let rest = scale_rows(&columns(angular, 1, size - 1)?, damping)?;
    sum(&[&scalar, &widened(&rest, 1, size)?])
}

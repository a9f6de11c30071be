//! The angular part of a basis.

use std::sync::{Arc, OnceLock};

use candle_core::Tensor;
use e3x_so3::Normalization;

use crate::so3::{self, SphericalHarmonicsConfig};
use crate::{Error, Result};

/// The angular part of a basis, evaluated at unit vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AngularFunction {
    /// [`so3::spherical_harmonics`].
    SphericalHarmonics {
        /// Normalisation of each degree.
        normalization: Normalization,
        /// Whether the vectors are taken as they are (E3x's default here) or normalised again.
        r_is_normalized: bool,
    },
    /// [`so3::solid_harmonics`].
    SolidHarmonics,
}

impl Default for AngularFunction {
    fn default() -> Self {
        Self::SphericalHarmonics {
            normalization: Normalization::Racah,
            r_is_normalized: true,
        }
    }
}

impl AngularFunction {
    pub(super) fn evaluate(
        self,
        u: &Tensor,
        max_degree: usize,
        cartesian_order: bool,
    ) -> Result<Tensor> {
        match self {
            Self::SphericalHarmonics {
                normalization,
                r_is_normalized,
            } => {
                let config = SphericalHarmonicsConfig {
                    r_is_normalized,
                    cartesian_order,
                    normalization,
                };
                so3::spherical_harmonics(u, max_degree, config)
            }
            Self::SolidHarmonics => so3::solid_harmonics(u, max_degree, cartesian_order),
        }
    }
}

/// An angular part, made when it is first asked for: message passing in the frames of the edges needs none.
#[derive(Debug, Clone)]
pub(crate) struct Angular {
    made: Arc<OnceLock<Tensor>>,
    recipe: Option<Recipe>,
}

/// What an angular part is made of: displacements, shape `(..., 3)`.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    pub r: Tensor,
    pub angular_fn: AngularFunction,
    pub max_degree: usize,
    pub cartesian_order: bool,
}

impl Angular {
    /// Shape `(..., (L+1)^2)`.
    pub fn get(&self) -> Result<Tensor> {
        match (self.made.get(), &self.recipe) {
            (None, Some(recipe)) => {
                let new = recipe.evaluate()?;
                // Another thread may have been faster.
                Ok(self.made.get_or_init(|| new).clone())
            }
            (Some(made), _) => Ok(made.clone()),
            (None, None) => Err(Error::argument("angular", "an angular part", "none")),
        }
    }
}

impl From<Tensor> for Angular {
    fn from(angular: Tensor) -> Self {
        Self {
            made: Arc::new(angular.into()),
            recipe: None,
        }
    }
}

impl From<Recipe> for Angular {
    fn from(recipe: Recipe) -> Self {
        Self {
            made: Arc::default(),
            recipe: Some(recipe),
        }
    }
}

impl Recipe {
    pub fn evaluate(&self) -> Result<Tensor> {
        let u = crate::ops::normalize(&self.r, Some(&[-1]))?;
        self.angular_fn
            .evaluate(&u, self.max_degree, self.cartesian_order)
    }
}

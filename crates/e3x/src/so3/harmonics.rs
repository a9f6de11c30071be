//! Spherical and solid harmonics with derivatives of any order.

use candle_core::{DType, Tensor};
use e3x_so3::{MAX_SINGLE_DEGREE, Normalization};

use crate::config::Config;
use crate::op::harmonics::SolidHarmonics;
use crate::{Error, Result, ops};

/// Options of [`spherical_harmonics`], with E3x's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SphericalHarmonicsConfig {
    /// Whether `r` already has unit length. If so, it is not normalised again.
    pub r_is_normalized: bool,
    /// Order of the entries of each degree.
    pub cartesian_order: bool,
    /// Normalisation of each degree.
    pub normalization: Normalization,
}

impl Default for SphericalHarmonicsConfig {
    fn default() -> Self {
        Self {
            r_is_normalized: false,
            cartesian_order: Config::cartesian_order(),
            normalization: Config::normalization(),
        }
    }
}

/// Real spherical harmonics of all degrees up to `max_degree`; E3x's `so3.spherical_harmonics`.
///
/// Shape of `r`: `(..., 3)`, in any unit; result `(..., (max_degree + 1)^2)`. With
/// `r_is_normalized`, the homogeneous polynomials of degree l that agree with the harmonics on
/// the unit sphere are evaluated at `r` as it is. Definitions: [`e3x_so3::SphericalHarmonics`].
///
/// The zero vector has finite values and derivatives (those of the polynomials at zero).
///
/// In f32 with `max_degree` above [`MAX_SINGLE_DEGREE`], vectors are normalised and harmonics computed
/// in f64, and the results are rounded: a direction rounded to f32 would change harmonics of degree l
/// by `l` times as much.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::so3::{SphericalHarmonicsConfig, spherical_harmonics};
/// let r = Tensor::new(&[[0.0f64, 0.0, 2.0]], &Device::Cpu)?;
/// let y = spherical_harmonics(&r, 1, SphericalHarmonicsConfig::default())?;
/// assert_eq!(y.to_vec2::<f64>()?, [[1.0, 0.0, 0.0, 1.0]]); // 1, x, y, z
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If the last axis of `r` is not 3, `r` is not floating point, or the degree is too large.
pub fn spherical_harmonics(
    r: &Tensor,
    max_degree: usize,
    config: SphericalHarmonicsConfig,
) -> Result<Tensor> {
    check_vectors(r)?;
    let harmonics = SolidHarmonics {
        max_degree,
        cartesian_order: config.cartesian_order,
        normalization: config.normalization,
    };
    let of_directions = |r: &Tensor| {
        let u = ops::normalize(r, Some(&[-1]))?;
        crate::op::harmonics::solid_harmonics(&u, harmonics)
    };
    if config.r_is_normalized {
        crate::op::harmonics::solid_harmonics(r, harmonics)
    } else if r.dtype() == DType::F32 && max_degree > MAX_SINGLE_DEGREE {
        Ok(of_directions(&r.to_dtype(DType::F64)?)?.to_dtype(DType::F32)?)
    } else {
        of_directions(r)
    }
}

/// Racah-normalised solid harmonics, the homogeneous polynomials |r|^l Y_lm(r / |r|); E3x's
/// `so3.solid_harmonics`.
///
/// Shape of `r`: `(..., 3)`; result `(..., (max_degree + 1)^2)`. Derivatives of any order are
/// exact, at zero too. Definitions: [`e3x_so3::SphericalHarmonics`].
///
/// ```
/// use candle_core::{Device, Tensor};
/// let r = Tensor::new(&[[1.0f64, 2.0, 3.0]], &Device::Cpu)?;
/// let y = e3x::so3::solid_harmonics(&r, 1, true)?;
/// assert_eq!(y.to_vec2::<f64>()?, [[1.0, 1.0, 2.0, 3.0]]); // 1, x, y, z
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// As [`spherical_harmonics`].
pub fn solid_harmonics(r: &Tensor, max_degree: usize, cartesian_order: bool) -> Result<Tensor> {
    check_vectors(r)?;
    let harmonics = SolidHarmonics {
        max_degree,
        cartesian_order,
        normalization: Normalization::Racah,
    };
    crate::op::harmonics::solid_harmonics(r, harmonics)
}

fn check_vectors(r: &Tensor) -> Result<()> {
    crate::error::check_float("r", r.dtype())?;
    match r.dims() {
        [.., 3] => Ok(()),
        dims => Err(Error::argument(
            "r",
            "shape (..., 3)",
            format!("shape {dims:?}"),
        )),
    }
}

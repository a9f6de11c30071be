//! Mappings of `[0, inf)` to `(0, 1]`.

use candle_core::Tensor;
use e3x_kernels::scalar::Scalar;
use serde::{Deserialize, Serialize};

use super::check_finite;
use crate::error::{check_float, check_same_dtype};
use crate::op::combine::scale;
use crate::op::elementwise::scalar;
use crate::op::product::scale_rows;
use crate::op::tape::{view, view_as};
use crate::{Error, Result};

/// The three reciprocal mappings of E3x.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReciprocalKind {
    /// `1 / (x + 1)`.
    #[default]
    Shifted,
    /// `(1 - exp(-x)) / x`: 1 at zero, close to `1 / x` far away.
    Damped,
    /// `1 / (x + exp(-x))`: as damped, but without a cusp at zero.
    Cuspless,
}

impl ReciprocalKind {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Shifted, "shifted"),
        (Self::Damped, "damped"),
        (Self::Cuspless, "cuspless"),
    ];

    /// E3x's name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

impl std::fmt::Display for ReciprocalKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for ReciprocalKind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found.map(|(kind, _)| *kind).ok_or_else(|| {
            Error::argument(
                "kind",
                "'shifted', 'damped' or 'cuspless'",
                format!("'{name}'"),
            )
        })
    }
}

/// A decay constant: a number, or a tensor with one element that gradients flow into.
#[derive(Debug, Clone, Copy)]
pub enum Gamma<'a> {
    /// A number.
    Value(f64),
    /// A tensor with one element and the dtype of the distances.
    Tensor(&'a Tensor),
}

impl From<f64> for Gamma<'_> {
    fn from(value: f64) -> Self {
        Self::Value(value)
    }
}

impl<'a> From<&'a Tensor> for Gamma<'a> {
    fn from(tensor: &'a Tensor) -> Self {
        Self::Tensor(tensor)
    }
}

impl Gamma<'_> {
    /// `factor * gamma * x`.
    pub(super) fn times(self, x: &Tensor, factor: f64) -> Result<Tensor> {
        match self {
            Self::Value(gamma) => {
                check_finite("gamma", gamma)?;
                scale(factor * gamma, x)
            }
            Self::Tensor(gamma) => {
                check_same_dtype("gamma", gamma, "x", x)?;
                if gamma.elem_count() != 1 {
                    return Err(Error::argument(
                        "gamma",
                        "a tensor with one element",
                        format!("shape {:?}", gamma.dims()),
                    ));
                }
                let row = view(x, (1, x.elem_count()))?;
                let product = scale_rows(&row, &scale(factor, &view(gamma, 1)?)?)?;
                view_as(&product, x.shape())
            }
        }
    }
}

/// Maps distances to `(0, 1]` by a reciprocal (see [`ReciprocalKind`]); the result has the shape
/// of `x`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::nn::{ReciprocalKind, reciprocal_mapping};
/// let x = Tensor::new(&[0.0f64, 1.0, 3.0], &Device::Cpu)?;
/// let y = reciprocal_mapping(&x, ReciprocalKind::Shifted)?;
/// assert_eq!(y.to_vec1::<f64>()?, [1.0, 0.5, 0.25]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `x` is not floating point.
pub fn reciprocal_mapping(x: &Tensor, kind: ReciprocalKind) -> Result<Tensor> {
    check_float("x", x.dtype())?;
    let f = match kind {
        ReciprocalKind::Shifted => Scalar::ReciprocalShifted,
        ReciprocalKind::Damped => Scalar::ReciprocalDamped,
        ReciprocalKind::Cuspless => Scalar::ReciprocalCuspless,
    };
    scalar(f, 0, x)
}

/// Maps distances to `(0, 1]` by `exp(-gamma x)`, or with `cuspless` by
/// `exp(-gamma (x + exp(-x) - 1))`; the result has the shape of `x`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[0.0f64, 2.0], &Device::Cpu)?;
/// let gamma = Tensor::new(0.5f64, &Device::Cpu)?;
/// let y = e3x::nn::exponential_mapping(&x, &gamma, false)?;
/// assert_eq!(y.to_vec1::<f64>()?, [1.0, (-1.0f64).exp()]);
/// assert_eq!(e3x::nn::exponential_mapping(&x, 0.5, false)?.to_vec1::<f64>()?[0], 1.0);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `x` is not floating point, or `gamma` is not finite, of another dtype or not one number.
pub fn exponential_mapping<'a>(
    x: &Tensor,
    gamma: impl Into<Gamma<'a>>,
    cuspless: bool,
) -> Result<Tensor> {
    check_float("x", x.dtype())?;
    let exponent = if cuspless {
        gamma
            .into()
            .times(&scalar(Scalar::CusplessDistance, 0, x)?, -1.0)?
    } else {
        gamma.into().times(x, -1.0)?
    };
    scalar(Scalar::Exp, 0, &exponent)
}

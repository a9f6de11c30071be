//! The normalizations of spherical harmonics.

use crate::{Error, Result};
use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

/// How spherical harmonics are scaled: the integral of the square of each of them over the unit sphere.
///
/// The names and factors are those of E3x (arXiv 2401.07595).
///
/// ```
/// use e3x_so3::Normalization;
/// assert_eq!(Normalization::default(), Normalization::Racah);
/// assert_eq!("schmidt".parse::<Normalization>()?, Normalization::Racah);
/// assert_eq!(Normalization::FourPi.factor(4), 3.0);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Normalization {
    /// `4π / (2l+1)`: Racah's normalization, also known as Schmidt's semi-normalization. Parsed from `racah` and
    /// `schmidt`.
    #[default]
    Racah,
    /// `4π`. Parsed from `4pi`.
    FourPi,
    /// 1. Parsed from `orthonormal`.
    Orthonormal,
}

impl Normalization {
    /// What Racah-normalized harmonics of a degree are multiplied by: 1, `√(2l+1)` or `√((2l+1)/4π)`.
    ///
    /// ```
    /// assert_eq!(e3x_so3::Normalization::Racah.factor(7), 1.0);
    /// ```
    pub fn factor(self, degree: usize) -> f64 {
        let multiplicity = 2.0 * degree as f64 + 1.0;
        match self {
            Self::Racah => 1.0,
            Self::FourPi => multiplicity.sqrt(),
            Self::Orthonormal => (multiplicity / (4.0 * PI)).sqrt(),
        }
    }
}

impl fmt::Display for Normalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Racah => "racah",
            Self::FourPi => "4pi",
            Self::Orthonormal => "orthonormal",
        })
    }
}

impl FromStr for Normalization {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "racah" | "schmidt" => Ok(Self::Racah),
            "4pi" => Ok(Self::FourPi),
            "orthonormal" => Ok(Self::Orthonormal),
            _ => Err(Error::UnknownNormalization {
                actual: name.to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_a_round_trip() {
        for normalization in [
            Normalization::Racah,
            Normalization::FourPi,
            Normalization::Orthonormal,
        ] {
            assert_eq!(normalization.to_string().parse(), Ok(normalization));
        }
        let error = "Racah".parse::<Normalization>().unwrap_err();
        assert!(error.to_string().contains("received 'Racah'"));
    }
}

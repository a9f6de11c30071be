//! E3x's functions by name, with their keywords: for configurations that are written to a file.

use std::fmt;
use std::str::FromStr;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use super::{Gamma, ReciprocalKind, families as f, switches, windows};
use crate::{Error, Result};

/// Keywords of functions of `x / limit`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Basic {
    /// Where the functions end. Default 1.
    pub limit: f64,
}

impl Default for Basic {
    fn default() -> Self {
        Self { limit: 1.0 }
    }
}

/// Keywords of functions of a [reciprocal mapping](super::reciprocal_mapping).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reciprocal {
    /// Which mapping. Default shifted.
    pub kind: ReciprocalKind,
    /// Whether the functions are multiplied by the mapping. Default no.
    pub use_reciprocal_weighting: bool,
}

/// Keywords of functions of an [exponential mapping](super::exponential_mapping).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Exponential {
    /// Decay constant. Default 1.
    pub gamma: f64,
    /// Whether the mapping is free of a cusp at zero. Default no.
    pub cuspless: bool,
    /// Whether the functions are multiplied by the mapping. Default no.
    pub use_exponential_weighting: bool,
}

impl Default for Exponential {
    fn default() -> Self {
        Self {
            gamma: 1.0,
            cuspless: false,
            use_exponential_weighting: false,
        }
    }
}

/// Defines an enumeration of functions by E3x's names.
macro_rules! named {
    (
        $(#[$doc:meta])*
        $kind:ident, $what:literal { $($variant:ident($options:ty) = $name:literal,)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "name")]
        #[non_exhaustive]
        pub enum $kind {
            $(
                #[doc = concat!("[`", $name, "`](crate::nn::", $name, ").")]
                #[serde(rename = $name)]
                $variant($options),
            )*
        }

        impl $kind {
            /// E3x's names of all functions.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// E3x's name of this function.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                }
            }
        }

        impl FromStr for $kind {
            type Err = Error;

            /// The function of this name with E3x's default keywords.
            fn from_str(name: &str) -> Result<Self> {
                match name {
                    $($name => Ok(Self::$variant(Default::default())),)*
                    _ => Err(Error::argument(
                        $what,
                        format!("one of {}", Self::NAMES.join(", ")),
                        format!("'{name}'"),
                    )),
                }
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

named! {
    /// A set of radial functions of E3x.
    ///
    /// Parses from and prints as E3x's name; serialises with its keywords.
    ///
    /// ```
    /// use e3x::nn::{Radial, Reciprocal, ReciprocalKind};
    /// let radial: Radial = "reciprocal_bernstein".parse()?;
    /// assert_eq!(radial, Radial::ReciprocalBernstein(Reciprocal::default()));
    /// let json = r#"{"name": "reciprocal_bernstein", "kind": "damped"}"#;
    /// let Radial::ReciprocalBernstein(options) = serde_json::from_str(json).unwrap() else { panic!() };
    /// assert_eq!(options.kind, ReciprocalKind::Damped);
    /// # Ok::<(), e3x::Error>(())
    /// ```
    Radial, "radial_fn" {
        BasicBernstein(Basic) = "basic_bernstein",
        BasicChebyshev(Basic) = "basic_chebyshev",
        BasicFourier(Basic) = "basic_fourier",
        BasicGaussian(Basic) = "basic_gaussian",
        ReciprocalBernstein(Reciprocal) = "reciprocal_bernstein",
        ReciprocalChebyshev(Reciprocal) = "reciprocal_chebyshev",
        ReciprocalFourier(Reciprocal) = "reciprocal_fourier",
        ReciprocalGaussian(Reciprocal) = "reciprocal_gaussian",
        ExponentialBernstein(Exponential) = "exponential_bernstein",
        ExponentialChebyshev(Exponential) = "exponential_chebyshev",
        ExponentialFourier(Exponential) = "exponential_fourier",
        ExponentialGaussian(Exponential) = "exponential_gaussian",
        Sinc(Basic) = "sinc",
        RectangularWindow(Basic) = "rectangular_window",
        TriangularWindow(Basic) = "triangular_window",
        SmoothWindow(Basic) = "smooth_window",
    }
}

impl Default for Radial {
    fn default() -> Self {
        Self::ReciprocalBernstein(Reciprocal::default())
    }
}

type ReciprocalFunction = fn(&Tensor, usize, ReciprocalKind, bool) -> Result<Tensor>;

impl Radial {
    /// The first `num` functions at every distance: `(...)` to `(..., num)`.
    ///
    /// # Errors
    /// Those of the function.
    pub fn evaluate(&self, x: &Tensor, num: usize) -> Result<Tensor> {
        let reciprocal = |function: ReciprocalFunction, o: &Reciprocal| {
            function(x, num, o.kind, o.use_reciprocal_weighting)
        };
        match self {
            Self::BasicBernstein(o) => f::basic_bernstein(x, num, o.limit),
            Self::BasicChebyshev(o) => f::basic_chebyshev(x, num, o.limit),
            Self::BasicFourier(o) => f::basic_fourier(x, num, o.limit),
            Self::BasicGaussian(o) => f::basic_gaussian(x, num, o.limit),
            Self::ReciprocalBernstein(o) => reciprocal(f::reciprocal_bernstein, o),
            Self::ReciprocalChebyshev(o) => reciprocal(f::reciprocal_chebyshev, o),
            Self::ReciprocalFourier(o) => reciprocal(f::reciprocal_fourier, o),
            Self::ReciprocalGaussian(o) => reciprocal(f::reciprocal_gaussian, o),
            Self::ExponentialBernstein(o)
            | Self::ExponentialChebyshev(o)
            | Self::ExponentialFourier(o)
            | Self::ExponentialGaussian(o) => self.evaluate_with_gamma(x, num, o.gamma),
            Self::Sinc(o) => f::sinc(x, num, o.limit),
            Self::RectangularWindow(o) => windows::rectangular_window(x, num, o.limit),
            Self::TriangularWindow(o) => windows::triangular_window(x, num, o.limit),
            Self::SmoothWindow(o) => windows::smooth_window(x, num, o.limit),
        }
    }

    /// As [`Radial::evaluate`] with another decay constant, which may be a parameter.
    ///
    /// # Errors
    /// Those of the function, or if it has no decay constant.
    pub fn evaluate_with_gamma<'a>(
        &self,
        x: &Tensor,
        num: usize,
        gamma: impl Into<Gamma<'a>>,
    ) -> Result<Tensor> {
        let gamma = gamma.into();
        match self {
            Self::ExponentialBernstein(o) => {
                f::exponential_bernstein(x, num, gamma, o.cuspless, o.use_exponential_weighting)
            }
            Self::ExponentialChebyshev(o) => {
                f::exponential_chebyshev(x, num, gamma, o.cuspless, o.use_exponential_weighting)
            }
            Self::ExponentialFourier(o) => {
                f::exponential_fourier(x, num, gamma, o.cuspless, o.use_exponential_weighting)
            }
            Self::ExponentialGaussian(o) => {
                f::exponential_gaussian(x, num, gamma, o.cuspless, o.use_exponential_weighting)
            }
            _ => Err(Error::argument(
                "radial_fn",
                "a function with a decay constant gamma (exponential_...)",
                self.name(),
            )),
        }
    }
}

/// Keywords of cutoff functions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CutoffOptions {
    /// Distance from which on the function is zero. Default 1.
    pub cutoff: f64,
}

impl Default for CutoffOptions {
    fn default() -> Self {
        Self { cutoff: 1.0 }
    }
}

named! {
    /// A cutoff function of E3x. Parses from and prints as E3x's name.
    ///
    /// ```
    /// use e3x::nn::Cutoff;
    /// assert_eq!("smooth_cutoff".parse::<Cutoff>()?, Cutoff::smooth(1.0));
    /// let json = serde_json::to_string(&Cutoff::smooth(5.0)).unwrap();
    /// assert_eq!(json, r#"{"name":"smooth_cutoff","cutoff":5.0}"#);
    /// # Ok::<(), e3x::Error>(())
    /// ```
    Cutoff, "cutoff_fn" {
        SmoothCutoff(CutoffOptions) = "smooth_cutoff",
        CosineCutoff(CutoffOptions) = "cosine_cutoff",
    }
}

impl Cutoff {
    /// [`smooth_cutoff`](crate::nn::smooth_cutoff) at this distance.
    pub fn smooth(cutoff: f64) -> Self {
        Self::SmoothCutoff(CutoffOptions { cutoff })
    }

    /// [`cosine_cutoff`](crate::nn::cosine_cutoff) at this distance.
    pub fn cosine(cutoff: f64) -> Self {
        Self::CosineCutoff(CutoffOptions { cutoff })
    }

    /// The distance from which on the function is zero.
    pub fn cutoff(&self) -> f64 {
        match self {
            Self::SmoothCutoff(o) | Self::CosineCutoff(o) => o.cutoff,
        }
    }

    /// The function at every distance, in the shape of `x`.
    ///
    /// # Errors
    /// Those of the function.
    pub fn evaluate(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::SmoothCutoff(o) => switches::smooth_cutoff(x, o.cutoff),
            Self::CosineCutoff(o) => switches::cosine_cutoff(x, o.cutoff),
        }
    }
}

/// Keywords of damping functions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DampingOptions {
    /// Decay constant. Default 1.
    pub gamma: f64,
}

impl Default for DampingOptions {
    fn default() -> Self {
        Self { gamma: 1.0 }
    }
}

named! {
    /// A damping function of E3x. Parses from and prints as E3x's name.
    ///
    /// ```
    /// use e3x::nn::Damping;
    /// assert_eq!("smooth_damping".parse::<Damping>()?, Damping::default());
    /// # Ok::<(), e3x::Error>(())
    /// ```
    Damping, "damping_fn" {
        SmoothDamping(DampingOptions) = "smooth_damping",
    }
}

impl Default for Damping {
    fn default() -> Self {
        Self::SmoothDamping(DampingOptions::default())
    }
}

impl Damping {
    /// The function at every distance, in the shape of `x`.
    ///
    /// # Errors
    /// Those of the function.
    pub fn evaluate(&self, x: &Tensor) -> Result<Tensor> {
        let Self::SmoothDamping(o) = self;
        self.evaluate_with_gamma(x, o.gamma)
    }

    /// As [`Damping::evaluate`] with another decay constant, which may be a parameter.
    ///
    /// # Errors
    /// Those of the function.
    pub fn evaluate_with_gamma<'a>(
        &self,
        x: &Tensor,
        gamma: impl Into<Gamma<'a>>,
    ) -> Result<Tensor> {
        let Self::SmoothDamping(_) = self;
        switches::smooth_damping(x, gamma)
    }
}

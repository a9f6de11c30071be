//! Real solid and spherical harmonics of any degree, with first and second derivatives.

mod batch;
mod coefficients;
mod degree;
mod derivative;
mod direction;
mod double;
mod kernel;
mod low;
mod output;
mod spherical;

pub use batch::HasHarmonics;
pub use derivative::{DerivativeTerm, derivative_terms};
pub use double::MAX_SINGLE_DEGREE;
pub use spherical::{SphericalHarmonics, solid_harmonics, spherical_harmonics};

/// The largest degree of harmonics.
///
/// Up to here the recursions in `f64` neither overflow nor lose anything to underflow on the unit sphere, and tables
/// have a sensible size. In `f32`, see [`MAX_SINGLE_DEGREE`].
///
/// ```
/// assert!(e3x_so3::solid_harmonics(&[0.0, 0.0, 1.0], e3x_so3::MAX_DEGREE + 1, true).is_err());
/// ```
pub const MAX_DEGREE: usize = 1000;

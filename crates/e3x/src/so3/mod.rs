//! Spherical harmonics and coupling coefficients as tensors; mirrors `e3x.so3`.
//!
//! The mathematics, on plain slices, is in the crate [`e3x_so3`].

mod clebsch_gordan;
mod harmonics;

pub use clebsch_gordan::{clebsch_gordan, clebsch_gordan_for_degrees};
pub use e3x_so3::Normalization;
pub use harmonics::{SphericalHarmonicsConfig, solid_harmonics, spherical_harmonics};

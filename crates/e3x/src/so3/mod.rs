//! Rotations, spherical harmonics and coupling coefficients as tensors; mirrors `e3x.so3`.
//!
//! Functions of tensors work on batches (the leading axes) and are differentiable to any order.
//! Rotations act from the right on row vectors: `r @ rot`. The mathematics, on plain slices, is in
//! the crate [`e3x_so3`].

mod alignment;
mod cartesian;
mod clebsch_gordan;
mod euler;
mod harmonics;
mod quadrature;
mod random;
mod rotation;
mod rows;
mod wigner;

pub use alignment::alignment_rotation;
pub use cartesian::{irreps_to_tensor, is_traceless_symmetric, tensor_to_irreps};
pub use clebsch_gordan::{clebsch_gordan, clebsch_gordan_for_degrees};
pub use e3x_so3::{Normalization, QuadratureSize};
pub use euler::euler_angles_from_rotation;
pub use harmonics::{SphericalHarmonicsConfig, solid_harmonics, spherical_harmonics};
pub use quadrature::{delley_quadrature, lebedev_quadrature};
pub use random::{random_rotation, random_rotations};
pub use rotation::{rotation, rotation_euler};
pub(crate) use rows::skew;
pub use wigner::wigner_d;

//! Rotations, spherical harmonics and coupling coefficients as tensors; mirrors `e3x.so3`.
//!
//! Functions of tensors work on batches (the leading axes) and are differentiable to any order.
//! Beyond E3x there are quaternions, Gaunt coefficients and transforms between coefficients and
//! values on the sphere. Rotations act from the right on row vectors: `r @ rot`. The mathematics, on
//! plain slices, is in the crate [`e3x_so3`].

mod alignment;
mod cartesian;
mod clebsch_gordan;
mod euler;
mod gaunt;
mod harmonics;
mod quadrature;
mod quaternion;
mod random;
mod rotation;
mod rows;
mod sphere_transform;
mod wigner;

pub use alignment::alignment_rotation;
pub use cartesian::{irreps_to_tensor, is_traceless_symmetric, tensor_to_irreps};
pub use clebsch_gordan::{clebsch_gordan, clebsch_gordan_for_degrees};
pub use e3x_so3::{Normalization, Quadrature, QuadratureSize};
pub use euler::euler_angles_from_rotation;
pub use gaunt::{gaunt, gaunt_for_degrees};
pub use harmonics::{SphericalHarmonicsConfig, solid_harmonics, spherical_harmonics};
pub use quadrature::{delley_quadrature, gauss_legendre_quadrature, lebedev_quadrature};
pub use quaternion::{
    quaternion_from_rotation, rotation_from_quaternion, wigner_d_from_quaternion,
};
pub use random::{random_rotation, random_rotations};
pub use rotation::{rotation, rotation_euler};
pub(crate) use rows::skew;
pub use sphere_transform::SphereTransform;
pub use wigner::wigner_d;

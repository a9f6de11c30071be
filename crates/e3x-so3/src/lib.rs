//! The mathematics of rotations and reflections in three dimensions, on plain slices.
//!
//! Real spherical and solid harmonics, the Clebsch–Gordan coefficients that couple them, rotation matrices and the
//! Wigner-D matrices that rotate harmonics, and the conversion between harmonics and Cartesian tensors. Every degree
//! is computed when it is asked for: there are no tables on disk. All conventions are those of the Python library
//! E3x (arXiv 2401.07595), so numbers can be exchanged with it.
//!
//! # Conventions
//!
//! * A quantity with all degrees `l = 0..=L` is a row of `(L+1)²` numbers; degree `l` starts at `l²`.
//! * [`Order`] says how the orders `m` of one degree are sorted: `m = l, -l, l-1, -(l-1), ..., 0` in Cartesian order
//!   (`x, y, z` for degree 1), `m = -l, ..., l` otherwise.
//! * [`Normalization`] is Racah's unless chosen otherwise.
//! * Rotations act from the right on row vectors: `r @ rot`.
//! * Arrays are slices in row-major order; shapes are written as `(n, (L+1)², 3)`.
//!
//! Functions are generic over [`Real`], which is `f32` or `f64`. Coefficients are always computed in `f64`.
//!
//! # Example
//!
//! ```
//! use e3x_so3::{Normalization, SphericalHarmonics};
//!
//! let harmonics = SphericalHarmonics::<f64>::new(1, true, Normalization::Racah, false)?;
//! let mut values = [0.0; 4];
//! harmonics.values(&[3.0, 0.0, 4.0], &mut values)?;
//! assert_eq!(values, [1.0, 0.6, 0.0, 0.8]);
//! # Ok::<(), e3x_so3::Error>(())
//! ```
#![forbid(unsafe_code)]

mod cache;
mod cartesian;
mod clebsch_gordan;
mod complex_basis;
mod convert;
mod error;
mod exact;
mod gaunt;
mod half_integer;
mod harmonics;
mod irreps;
mod normalization;
mod order;
mod quadrature;
mod real;
mod rotations;
mod sphere_transform;
mod wigner_symbols;

pub use cartesian::{irreps_to_tensor, is_traceless_symmetric, tensor_to_irreps};
pub use clebsch_gordan::{
    ClebschGordanTerm, MAX_CLEBSCH_GORDAN_DEGREE, clebsch_gordan, clebsch_gordan_for_degrees,
    clebsch_gordan_terms,
};
pub use complex_basis::{complex_to_real, real_to_complex};
pub use convert::{
    Convention, FeatureConversion, IrrepsMemory, LinearPath, TensorPath, linear_paths, tensor_paths,
};
pub use error::{Error, Result};
pub use gaunt::{gaunt, gaunt_factor, gaunt_for_degrees};
pub use half_integer::HalfInteger;
pub use harmonics::{
    DerivativeTerm, MAX_DEGREE, SolidHarmonics, SphericalHarmonics, derivative_terms,
    solid_harmonics, spherical_harmonics,
};
pub use irreps::{Irrep, IrrepBlock, Irreps, Parity};
pub use normalization::Normalization;
pub use num_complex::Complex64;
pub use order::{Order, cartesian_permutation, cartesian_permutation_for_degree, num_harmonics};
pub use quadrature::{
    Quadrature, QuadratureSize, delley_quadrature, gauss_legendre_quadrature, lebedev_quadrature,
};
pub use real::Real;
pub use rotations::{
    GeneratorTerm, WignerD, alignment_rotation, euler_angles_from_rotation, generator_terms,
    quaternion_from_rotation, random_rotation, random_rotations, rotation, rotation_euler,
    rotation_from_quaternion, wigner_d, wigner_d_from_quaternion,
};
pub use sphere_transform::SphereTransform;
pub use wigner_symbols::{MAX_ANGULAR_MOMENTUM, clebsch_gordan_coefficient, wigner_3j, wigner_6j};

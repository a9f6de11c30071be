//! The mathematics of rotations and reflections in three dimensions, on plain slices.
//!
//! Real spherical and solid harmonics, the coefficients that couple them (Clebsch–Gordan, Gaunt, 3j, 6j), rotations and
//! the Wigner-D matrices that rotate harmonics, Cartesian tensors, quadratures and transforms on the sphere, and the
//! conventions of other libraries. Every degree is computed when it is asked for: there are no tables on disk. All
//! conventions are those of the Python library E3x (arXiv 2401.07595), so numbers can be exchanged with it.
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
//!
//! Functions are generic over [`Real`], which is `f32` or `f64`; coefficients are always computed in `f64`. Arrays are
//! slices in row-major order; shapes are written as `(n, (L+1)², 3)`. What a caller can get wrong is an [`Error`].
//!
//! # Spherical harmonics
//!
//! The real spherical harmonics of degree `l = 0, 1, 2, ...` and order `m = -l, ..., l` are the functions on the unit
//! sphere
//!
//! ```text
//! Y(l, m)(θ, φ) = N(l) · √(2 (l-|m|)! / (l+|m|)!) · P(l, |m|)(cos θ) · { cos(m φ)   if m > 0
//!                                                                      { 1/√2       if m = 0
//!                                                                      { sin(|m| φ) if m < 0
//! ```
//!
//! with the associated Legendre functions `P` without the phase `(-1)^m` of Condon and Shortley (as in Whittaker and
//! Watson, "Modern Analysis" (1927), §15.5), and a factor `N` that depends on the [`Normalization`]:
//!
//! | [`Normalization`] | `N(l)` | `∫ Y² dΩ` | also known as |
//! |---|---|---|---|
//! | `Racah` (default) | 1 | `4π / (2l+1)` | Schmidt's semi-normalization; e3nn's `norm` |
//! | `FourPi` | `√(2l+1)` | `4π` | e3nn's `component` |
//! | `Orthonormal` | `√((2l+1)/4π)` | 1 | e3nn's `integral` |
//!
//! In Racah's normalization the sum of the squares of all harmonics of a degree is 1 in every direction.
//!
#![doc = include_str!("../doc/harmonics.md")]
//!
//! Rows are the degrees, columns the orders (`cargo run --release -p e3x-so3 --example harmonics`).
//!
//! Times `|r|^l` they are polynomials in `x, y, z`, the *solid harmonics* ([`solid_harmonics`]): homogeneous of degree `l`
//! and solutions of Laplace's equation. These are what is computed, by recursions in `l` and `m` that need no angles and
//! have no poles:
//!
//! | | Racah-normalized |
//! |---|---|
//! | degree 0 | 1 |
//! | degree 1, `m` = 1, -1, 0 | `x`, `y`, `z` |
//! | degree 2, `m` = 2, -2, 1, -1, 0 | `√3/2 (x²-y²)`, `√3 xy`, `√3 xz`, `√3 yz`, `(3z²-r²)/2` |
//!
//! [`SphericalHarmonics`] normalizes the vector first and has values, gradients and Hessians at every point; the zero
//! vector has the values and derivatives of the polynomials.
//!
//! # Order
//!
//! A quantity with all degrees `l = 0..=L` is a row of `(L+1)²` numbers; degree `l` starts at `l²`. [`Order`] says how
//! the orders `m` of one degree are sorted: `m = l, -l, l-1, -(l-1), ..., 1, -1, 0` in Cartesian order (`x, y, z` for
//! degree 1; `cartesian_order: true`), `m = -l, ..., l` otherwise. [`Convention`] compares with e3nn.
//!
//! # Rotations
//!
//! Rotations act from the right on row vectors, `r @ rot`. A rotation of the vector mixes the harmonics of each degree
//! among themselves, by the blocks of the orthogonal [Wigner-D matrix](WignerD):
//!
//! ```text
//! Y(r @ rot) = Y(r) @ D(rot)        D(rot1 @ rot2) = D(rot1) @ D(rot2)
//! ```
//!
//! In Cartesian order, the block of degree 1 is `rot`. Blocks of higher degrees follow from that of the degree before,
//! by a formula that is polynomial in the elements of `rot`: there are no special rotations (see [`WignerD`]). The
//! errors are below 1e-14 up to degree 40. Rotations come from [axes and angles](rotation),
//! [Euler angles](rotation_euler), [quaternions](rotation_from_quaternion), [two vectors](alignment_rotation) or
//! [chance](random_rotations); [`generator_terms`] are the derivatives of `D`.
//!
//! # Coupling
//!
//! The tensor product of degrees `l1` and `l2` holds each degree `|l1-l2| <= l3 <= l1+l2` once:
//!
//! ```text
//! z[m3] = Σ_{m1, m2} C(m1, m2, m3) x[m1] y[m2]
//! ```
//!
//! so that `z` rotates by the block of degree `l3` when `x` and `y` rotate by theirs.
//!
//! | | what it is | source |
//! |---|---|---|
//! | [`clebsch_gordan_terms`] | `C` for real harmonics, with E3x's signs; orthonormal in `(m1, m2)` and `(l3, m3)` | Racah's formula with exact integer sums, then the change of basis |
//! | [`complex_to_real`] | the unitary change of basis from complex harmonics | E3x |
//! | [`clebsch_gordan_coefficient`], [`wigner_3j`] | the same for complex representations, half-integers included | Racah, Physical Review 62, 438 (1942) |
//! | [`wigner_6j`] | recoupling of three representations | Racah, ibid. |
//! | [`gaunt_factor`], [`gaunt`] | integrals of three harmonics, `∝ C` with a factor for each `(l1, l2, l3)` | Gaunt (1929) |
//!
//! All of them are exact to a few units in the last place, at any degree.
//!
//! # Functions on the sphere
//!
//! [`lebedev_quadrature`], [`delley_quadrature`] and [`gauss_legendre_quadrature`] integrate harmonics up to a degree
//! exactly. With such a rule, [`SphereTransform`] goes from the coefficients of a function to its values at the points,
//! and back.
//!
//! # Cartesian tensors
//!
//! Degree `l` is equivalent to the traceless symmetric tensors with `l` indices: [`irreps_to_tensor`],
//! [`tensor_to_irreps`].
//!
//! # Other libraries
//!
//! [`Irreps`] reads and writes lists of representations such as `32x0e+16x1o`. [`FeatureConversion`] converts arrays of
//! them into features of E3x and back, [`linear_paths`] and [`tensor_paths`] say how the weights of e3nn's layers relate
//! to those of E3x.
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
mod instructions;
mod irreps;
mod normalization;
mod order;
mod quadrature;
mod real;
mod rotations;
mod simd;
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
    DerivativeTerm, MAX_DEGREE, MAX_SINGLE_DEGREE, SphericalHarmonics, derivative_terms,
    solid_harmonics, spherical_harmonics,
};
pub use instructions::Instructions;
#[doc(hidden)]
pub use instructions::arch;
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

/// The program in the README, run with the tests of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

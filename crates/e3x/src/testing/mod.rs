//! Checks for layers and models: derivatives against differences, and symmetries.
//!
//! Everything here runs in `f64` on the CPU, is seeded, and says what broke where. Every check
//! comes as a `check_*` function that returns an error and as an `assert_*` function that panics
//! with the same message, for use in tests:
//!
//! ```
//! use e3x::FeatureShape;
//! use e3x::testing::{GradientCheck, SymmetryCheck, assert_equivariant, assert_gradients, random};
//!
//! // |x|^2 x for every feature: equivariant, and smooth.
//! let layer = |x: &[candle_core::Tensor]| {
//!     Ok(x[0].sqr()?.sum_keepdim(2)?.broadcast_mul(&x[0])?)
//! };
//! assert_equivariant(layer, &[FeatureShape::new(1, 2, 3)?], &SymmetryCheck::default());
//! assert_gradients(layer, &[random(&[2, 1, 9, 3], 0)?], &GradientCheck::default());
//! # Ok::<(), e3x::Error>(())
//! ```

mod gradients;
mod permutation;
mod rotation;
mod symmetry;

use candle_core::{DType, Device, Tensor};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::StandardNormal;

use crate::FeatureShape;

pub use gradients::{
    GradientCheck, assert_gradients, assert_gradients_with, check_gradients, check_gradients_with,
};
pub use permutation::{Items, Permutation, assert_permutation, check_permutation};
pub use rotation::Rotation;
pub use symmetry::{
    Input, Quantity, SymmetryCheck, Transformation, assert_equivariant, assert_symmetries,
    check_equivariant, check_symmetries,
};

/// Why a check did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The function does not have the property; the message says where.
    #[error("{0}")]
    Broken(String),
    /// The function, or the check itself, returned an error.
    #[error(transparent)]
    Function(#[from] crate::Error),
}

impl From<candle_core::Error> for CheckError {
    fn from(error: candle_core::Error) -> Self {
        Self::Function(error.into())
    }
}

/// Result of a check.
pub type CheckResult<T = ()> = Result<T, CheckError>;

/// A tensor of independent normally distributed numbers (`f64`), the same for the same seed.
///
/// ```
/// let x = e3x::testing::random(&[2, 1, 4, 8], 7)?;
/// assert_eq!(x.dims(), [2, 1, 4, 8]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// Those of the tensor library.
pub fn random(dims: &[usize], seed: u64) -> crate::Result<Tensor> {
    draw(dims, &mut ChaCha8Rng::seed_from_u64(seed))
}

fn draw(dims: &[usize], rng: &mut ChaCha8Rng) -> crate::Result<Tensor> {
    let num = dims.iter().product();
    let values: Vec<f64> = (0..num).map(|_| rng.sample(StandardNormal)).collect();
    Ok(Tensor::from_vec(values, dims, &Device::Cpu)?)
}

/// All values in C order.
fn values(x: &Tensor) -> CheckResult<Vec<f64>> {
    Ok(x.detach()
        .flatten_all()?
        .to_dtype(DType::F64)?
        .to_vec1::<f64>()?)
}

/// The largest absolute value.
fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, x| largest.max(x.abs()))
}

/// Whether two numbers differ by at most the tolerance (NaN: no).
fn is_close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance
}

/// The index along each axis of an element in C order.
fn index_of(mut position: usize, dims: &[usize]) -> Vec<usize> {
    let mut index = vec![0; dims.len()];
    for (axis, &size) in dims.iter().enumerate().rev() {
        index[axis] = position % size;
        position /= size;
    }
    index
}

/// "degree 1, odd parity": what an element belongs to if the tensor holds features, that is, if its
/// last axes have the sizes of features.
fn irrep_at(index: &[usize], dims: &[usize]) -> Option<String> {
    let shape = FeatureShape::of_dims("x", dims).ok()?;
    let [.., p, entry, _] = *index else {
        return None;
    };
    let degree = entry.isqrt();
    let odd = if shape.has_pseudotensors() {
        p == 1
    } else {
        degree % 2 == 1
    };
    let parity = if odd { "odd" } else { "even" };
    Some(format!("degree {degree}, {parity} parity"))
}

/// Panics with the message of an error.
#[track_caller]
fn unwrap(result: CheckResult) {
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[cfg(test)]
mod tests;

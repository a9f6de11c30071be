//! Functions of distances: radial basis functions, mappings, cutoffs, switches, damping.
//!
//! As in E3x's `nn/functions`. All keep the dtype of their input (f32 or f64, evaluated in double
//! precision inside) and can be differentiated any number of times; no derivative is NaN at the
//! ends of an interval.

mod families;
mod mappings;
mod named;
mod options;
mod switches;
mod windows;

pub use families::{
    basic_bernstein, basic_chebyshev, basic_fourier, basic_gaussian, exponential_bernstein,
    exponential_chebyshev, exponential_fourier, exponential_gaussian, reciprocal_bernstein,
    reciprocal_chebyshev, reciprocal_fourier, reciprocal_gaussian, sinc,
};
pub use mappings::{Gamma, ReciprocalKind, exponential_mapping, reciprocal_mapping};
pub use named::{CutoffFn, DampingFn, RadialFn, RadialFunction, ScalarFunction};
pub use options::{
    Basic, Cutoff, CutoffOptions, Damping, DampingOptions, Exponential, Radial, Reciprocal,
};
pub use switches::{cosine_cutoff, smooth_cutoff, smooth_damping, smooth_switch};
pub use windows::{rectangular_window, smooth_window, triangular_window};

use crate::{Error, Result};

/// Checks that a length is positive and finite.
fn check_positive(argument: &'static str, value: f64) -> Result<()> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::argument(
        argument,
        "a finite number larger than 0",
        value.to_string(),
    ))
}

/// Checks that a number is finite.
fn check_finite(argument: &'static str, value: f64) -> Result<()> {
    if value.is_finite() {
        return Ok(());
    }
    Err(Error::argument(
        argument,
        "a finite number",
        value.to_string(),
    ))
}

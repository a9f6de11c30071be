//! How large matrices may be.

use e3x_so3::MAX_CLEBSCH_GORDAN_DEGREE;

use crate::{Error, Result};

/// The largest number of elements of a matrix, or of weights (1 GiB in f64).
const MAX_ELEMENTS: usize = 1 << 27;

/// Checks that a product of arguments is at most [`MAX_ELEMENTS`]. The error names the first argument that makes it
/// larger.
pub(super) fn check_elements(factors: &[(&'static str, usize)]) -> Result<()> {
    let mut elements = 1_usize;
    for &(argument, factor) in factors {
        elements = elements.saturating_mul(factor.max(1));
        if elements > MAX_ELEMENTS {
            let expected = format!("less, for at most {MAX_ELEMENTS} elements in all");
            return Err(Error::argument(argument, expected, factor.to_string()));
        }
    }
    Ok(())
}

/// Checks that there are coefficients that couple two degrees.
pub(super) fn check_degrees(argument: &'static str, degrees: &[usize]) -> Result<()> {
    check_highest(argument, degrees.iter().max(), MAX_CLEBSCH_GORDAN_DEGREE)
}

/// Checks that degrees can result from two degrees.
pub(super) fn check_highest(
    argument: &'static str,
    highest: Option<&usize>,
    limit: usize,
) -> Result<()> {
    match highest {
        Some(&highest) if highest > limit => {
            let expected = format!("degrees of at most {limit}");
            Err(Error::argument(argument, expected, highest.to_string()))
        }
        _ => Ok(()),
    }
}

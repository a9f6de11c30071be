//! Wigner's 3j and 6j symbols.

mod six_j;
mod three_j;

pub use six_j::wigner_6j;
pub use three_j::{clebsch_gordan_coefficient, wigner_3j};

/// The largest angular momentum of 3j and 6j symbols.
///
/// ```
/// let limit = e3x_so3::MAX_ANGULAR_MOMENTUM as i32;
/// assert!(e3x_so3::wigner_3j([limit, limit, 0], [0, 0, 0]).is_ok());
/// assert!(e3x_so3::wigner_3j([limit + 1, limit + 1, 0], [0, 0, 0]).is_err());
/// ```
pub const MAX_ANGULAR_MOMENTUM: usize = 1000;

/// Whether angular momenta, given by twice their values, add up to an integer and satisfy the triangle inequality.
fn is_triad([a, b, c]: [usize; 3]) -> bool {
    (a + b + c).is_multiple_of(2) && c <= a + b && c >= a.abs_diff(b)
}

//! Half-integers, the quantum numbers of angular momenta.

use crate::{Error, Result};
use std::fmt;
use std::ops::Neg;

/// A multiple of one half: 0, 1/2, 1, 3/2, ... and their negatives.
///
/// Integers convert into it; [`HalfInteger::halves`] makes the others.
///
/// ```
/// use e3x_so3::HalfInteger;
/// let spin = HalfInteger::halves(1);
/// assert_eq!(spin.to_string(), "1/2");
/// assert_eq!(HalfInteger::from(2), HalfInteger::halves(4));
/// assert_eq!((-spin).to_f64(), -0.5);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct HalfInteger {
    doubled: i64,
}

impl HalfInteger {
    /// The half-integer `count / 2`.
    ///
    /// ```
    /// assert_eq!(e3x_so3::HalfInteger::halves(-3).to_f64(), -1.5);
    /// ```
    pub fn halves(count: i32) -> Self {
        Self {
            doubled: i64::from(count),
        }
    }

    /// Twice the number, an integer.
    ///
    /// ```
    /// assert_eq!(e3x_so3::HalfInteger::from(4).doubled(), 8);
    /// ```
    pub fn doubled(self) -> i64 {
        self.doubled
    }

    /// The number as a floating point number, exactly.
    ///
    /// ```
    /// assert_eq!(e3x_so3::HalfInteger::from(4).to_f64(), 4.0);
    /// ```
    pub fn to_f64(self) -> f64 {
        0.5 * self.doubled as f64
    }
}

impl From<i32> for HalfInteger {
    fn from(value: i32) -> Self {
        Self {
            doubled: 2 * i64::from(value),
        }
    }
}

impl Neg for HalfInteger {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            doubled: -self.doubled,
        }
    }
}

impl fmt::Display for HalfInteger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.doubled % 2 == 0 {
            write!(f, "{}", self.doubled / 2)
        } else {
            write!(f, "{}/2", self.doubled)
        }
    }
}

/// Checks angular momenta, which are between 0 and `limit`, and returns twice their values.
pub(crate) fn doubled_momenta<const N: usize>(
    argument: &'static str,
    j: [HalfInteger; N],
    limit: usize,
) -> Result<[usize; N]> {
    match j
        .iter()
        .find(|j| !(0..=2 * limit as i64).contains(&j.doubled))
    {
        Some(&actual) => Err(Error::Invalid {
            argument,
            expected: format!("angular momenta between 0 and {limit}"),
            actual: actual.to_string(),
        }),
        None => Ok(j.map(|j| j.doubled as usize)),
    }
}

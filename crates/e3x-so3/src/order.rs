//! The two ways to sort the orders `m` of a degree.

use crate::error::check_degree;
use crate::{MAX_DEGREE, Result};

/// How the `2l+1` components of a degree are sorted.
///
/// | `cartesian_order` | order of `m` | degree 1 |
/// |---|---|---|
/// | `true` (default) | `l, -l, l-1, -(l-1), ..., 1, -1, 0` | `x, y, z` |
/// | `false` | `-l, ..., l` | `y, z, x` |
///
/// Source: E3x's `cartesian_order` (arXiv 2401.07595).
///
/// ```
/// use e3x_so3::Order;
/// let cartesian = Order::from_cartesian(true);
/// assert_eq!((0..5).map(|i| cartesian.m(2, i)).collect::<Vec<_>>(), [2, -2, 1, -1, 0]);
/// assert_eq!(cartesian.position(2, -1), 3);
/// assert_eq!(Order::Standard.position(2, -1), 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// `m = l, -l, l-1, -(l-1), ..., 0`.
    #[default]
    Cartesian,
    /// `m = -l, ..., l`.
    Standard,
}

impl Order {
    /// The order that E3x's argument `cartesian_order` chooses.
    ///
    /// ```
    /// assert_eq!(e3x_so3::Order::from_cartesian(false), e3x_so3::Order::Standard);
    /// ```
    pub fn from_cartesian(cartesian_order: bool) -> Self {
        if cartesian_order {
            Self::Cartesian
        } else {
            Self::Standard
        }
    }

    /// The position of order `m` (`-l <= m <= l`) among the `2l+1` components of degree `l`.
    ///
    /// Never panics; for other orders, and for degrees with more components than a `usize` can count, the result has
    /// no meaning.
    ///
    /// ```
    /// assert_eq!(e3x_so3::Order::Cartesian.position(1, 0), 2);
    /// ```
    #[inline]
    pub fn position(self, degree: usize, m: isize) -> usize {
        match self {
            Self::Standard => degree.wrapping_add_signed(m),
            Self::Cartesian => {
                let pairs = degree.saturating_sub(m.unsigned_abs());
                pairs.wrapping_mul(2) | usize::from(m < 0)
            }
        }
    }

    /// The order `m` of the component at `position` (`< 2l+1`) of degree `l`; the inverse of [`Order::position`].
    ///
    /// Never panics; for other positions, and for degrees with more components than a `usize` can count, the result has
    /// no meaning.
    ///
    /// ```
    /// assert_eq!(e3x_so3::Order::Cartesian.m(1, 1), -1);
    /// ```
    #[inline]
    pub fn m(self, degree: usize, position: usize) -> isize {
        let degree = degree as isize;
        let position = position as isize;
        match self {
            Self::Standard => position.wrapping_sub(degree),
            Self::Cartesian => {
                let m = degree.wrapping_sub(position / 2);
                if position % 2 == 0 {
                    m
                } else {
                    m.wrapping_neg()
                }
            }
        }
    }
}

/// The number of harmonics of all degrees `0..=max_degree`: `(max_degree+1)²`, or `usize::MAX` where that is larger.
///
/// ```
/// assert_eq!(e3x_so3::num_harmonics(2), 9);
/// ```
pub fn num_harmonics(max_degree: usize) -> usize {
    let rows = max_degree.saturating_add(1);
    rows.saturating_mul(rows)
}

/// The permutation that sorts one degree into Cartesian order: `cartesian[i] = standard[permutation[i]]`.
///
/// # Errors
///
/// When `degree` is above [`MAX_DEGREE`].
///
/// # Example
///
/// ```
/// assert_eq!(e3x_so3::cartesian_permutation_for_degree(2)?, [4, 0, 3, 1, 2]);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn cartesian_permutation_for_degree(degree: usize) -> Result<Vec<usize>> {
    check_degree("degree", MAX_DEGREE, degree)?;
    Ok(permutation(degree).collect())
}

/// The permutation that sorts all degrees `0..=max_degree` into Cartesian order.
///
/// `cartesian[i] = standard[permutation[i]]`, of length `(max_degree+1)²`.
///
/// # Errors
///
/// When `max_degree` is above [`MAX_DEGREE`].
///
/// # Example
///
/// ```
/// assert_eq!(e3x_so3::cartesian_permutation(1)?, [0, 3, 1, 2]);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn cartesian_permutation(max_degree: usize) -> Result<Vec<usize>> {
    check_degree("max_degree", MAX_DEGREE, max_degree)?;
    let all = (0..=max_degree).flat_map(|l| permutation(l).map(move |i| i + l * l));
    Ok(all.collect())
}

fn permutation(degree: usize) -> impl Iterator<Item = usize> {
    (0..=2 * degree).map(move |i| Order::Standard.position(degree, Order::Cartesian.m(degree, i)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_and_m_are_inverse() {
        for order in [Order::Cartesian, Order::Standard] {
            for l in 0..8 {
                for i in 0..=2 * l {
                    assert_eq!(order.position(l, order.m(l, i)), i);
                }
            }
        }
    }
}

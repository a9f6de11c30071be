//! What the components of a degree are.

use crate::error::check_degree;
use crate::rotations::{MAX_WIGNER_DEGREE, wigner_block};
use crate::{Order, Result};

/// What the `2l+1` components of degree `l` are: which real harmonics, and in which order.
///
/// | convention | degree 1 | degree 2, up to a common factor | used by |
/// |---|---|---|---|
/// | `Cartesian` | `x, y, z` | `(x²-y²)/2, xy, xz, yz, (3z²-r²)/2√3` | E3x by default |
/// | `Standard` | `y, z, x` | `xy, yz, (3z²-r²)/2√3, xz, (x²-y²)/2` | E3x without `cartesian_order`, sphericart and most texts |
/// | `E3nn` | `x, y, z` | `xz, xy, (3y²-r²)/2√3, yz, (z²-x²)/2` | e3nn, MACE, cuEquivariance |
///
/// `Standard` is `m = -l, ..., l`, the plain order. e3nn's harmonics are these with the polar axis along `y`: the
/// standard ones of the vector `(z, x, y)`. Cartesian and standard components are permutations of each other, those of
/// e3nn are linear combinations (in degree 2, e.g., `(3y²-r²)/2√3` is no multiple of a component of E3x).
///
/// In all three, harmonics of a degree have the same norm: there are no factors and no phases `(-1)^m`. What is not
/// part of the convention is the normalization; e3nn's `norm`, `component` and `integral` are
/// [`Normalization`](crate::Normalization)'s `Racah`, `FourPi` and `Orthonormal`.
///
/// Coupling coefficients do not depend on the frame: e3nn's `wigner_3j(l1, l2, l3)` are
/// [`clebsch_gordan_for_degrees`](crate::clebsch_gordan_for_degrees)`(l1, l2, l3, false) / √(2 l3 + 1)`, with the same
/// signs.
///
/// Sources: E3x (arXiv 2401.07595), e3nn (arXiv 2207.09453).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Convention {
    /// E3x with `cartesian_order`.
    Cartesian,
    /// `m = -l, ..., l`.
    Standard,
    /// e3nn: `m = -l, ..., l` about the `y`-axis.
    E3nn,
}

impl Convention {
    /// E3x's convention.
    ///
    /// ```
    /// use e3x_so3::Convention;
    /// assert_eq!(Convention::of_e3x(true), Convention::Cartesian);
    /// ```
    pub fn of_e3x(cartesian_order: bool) -> Self {
        if cartesian_order {
            Self::Cartesian
        } else {
            Self::Standard
        }
    }

    /// The orthogonal matrix that converts components of one degree to another convention, of shape
    /// `(2·degree+1, 2·degree+1)`.
    ///
    /// ```text
    /// converted[j] = Σ_i components[i] Q[i, j]
    /// ```
    ///
    /// Between `Cartesian` and `Standard` it is a permutation. To `E3nn` it is the Wigner-D matrix of the rotation that
    /// takes `(x, y, z)` to `(z, x, y)`, after the permutation to the standard order.
    ///
    /// # Errors
    ///
    /// When `degree` is above 100.
    ///
    /// # Example
    ///
    /// ```
    /// use e3x_so3::Convention::{Cartesian, E3nn};
    /// // Both are x, y, z.
    /// let q = Cartesian.matrix(E3nn, 1)?;
    /// assert_eq!(q, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    /// // E3x's (3z²-r²)/2√3 is e3nn's (z²-x²)/2 times √3/2 minus its (3y²-r²)/2√3 times 1/2.
    /// let q = Cartesian.matrix(E3nn, 2)?;
    /// assert!((q[4 * 5 + 4] - 0.75_f64.sqrt()).abs() < 1e-15 && (q[4 * 5 + 2] + 0.5).abs() < 1e-15);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn matrix(self, to: Self, degree: usize) -> Result<Vec<f64>> {
        check_degree("degree", MAX_WIGNER_DEGREE, degree)?;
        let size = 2 * degree + 1;
        let (rows, columns) = (
            self.standard_positions(degree),
            to.standard_positions(degree),
        );
        let turn = match (self == Self::E3nn, to == Self::E3nn) {
            (false, true) => Some(true),
            (true, false) => Some(false),
            _ => None,
        };
        let Some(forward) = turn else {
            let element = |i: usize| rows[i / size] == columns[i % size];
            return Ok((0..size * size)
                .map(|i| f64::from(u8::from(element(i))))
                .collect());
        };
        // Standard components of r from those of (z, x, y).
        let cycle = [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]];
        let block = wigner_block(&cycle, degree)?;
        let element = |i: usize| {
            let (row, column) = (rows[i / size], columns[i % size]);
            if forward {
                block[row * size + column]
            } else {
                block[column * size + row]
            }
        };
        Ok((0..size * size).map(element).collect())
    }

    /// The position among `m = -l, ..., l` of every component.
    fn standard_positions(self, degree: usize) -> Vec<usize> {
        let order = match self {
            Self::Cartesian => Order::Cartesian,
            Self::Standard | Self::E3nn => Order::Standard,
        };
        (0..=2 * degree)
            .map(|i| Order::Standard.position(degree, order.m(degree, i)))
            .collect()
    }
}

//! The coefficients of the recursions over degrees.

use super::MAX_DEGREE;
use super::derivative::ladder;
use crate::error::check_degree;
use crate::{Normalization, Order, Real, Result};

/// Coefficients of the recursions for harmonics `Y(l, m) = N(l) R(l, m)` with solid harmonics `R` in Racah's
/// normalization, for one degree `l` and the orders `m` and `-m`.
///
/// With `r² = x² + y² + z²`, `ν(l) = N(l) / N(l-1)` and, for the first line, `|m| < l`
///
/// ```text
/// Y(l, m)  = α(l, m) z Y(l-1, m) - β(l, m) r² Y(l-2, m)
/// α(l, m)  = ν(l) (2l-1) / √(l² - m²)
/// β(l, m)  = ν(l) ν(l-1) √(((l-1)² - m²) / (l² - m²))
/// Y(l, l)  = κ(l) (x Y(l-1, l-1) - y Y(l-1, -(l-1)))
/// Y(l, -l) = κ(l) (y Y(l-1, l-1) + x Y(l-1, -(l-1)))
/// κ(1) = ν(1), κ(l) = ν(l) √((2l-1) / 2l)
/// ```
///
/// This is the recursion of the associated Legendre functions with increasing degree, which is stable for them
/// (NIST Digital Library of Mathematical Functions, 14.10.3 and 14.30), multiplied by the powers of `x + iy`.
#[derive(Debug, Clone, Copy)]
pub struct Terms<T> {
    /// `α`, or `κ` for `m = l`.
    pub(super) alpha: T,
    pub(super) beta: T,
    /// The coefficients of [`ladder`], multiplied by `ν(l)`.
    pub(super) ladder: [T; 3],
}

/// The coefficients of all degrees.
#[derive(Debug, Clone)]
pub struct Coefficients<T> {
    pub(super) max_degree: usize,
    pub(super) order: Order,
    /// The harmonic of degree zero.
    pub(super) constant: T,
    /// Degree `l` and order `m` at `l (l+1) / 2 + m`.
    terms: Vec<Terms<T>>,
}

impl<T: Real> Coefficients<T> {
    /// # Errors
    ///
    /// When `max_degree` is above [`MAX_DEGREE`].
    pub(super) fn new(
        max_degree: usize,
        order: Order,
        normalization: Normalization,
    ) -> Result<Self> {
        check_degree("max_degree", MAX_DEGREE, max_degree)?;
        let terms = (0..=max_degree)
            .flat_map(|l| (0..=l).map(move |m| Terms::new(l, m, normalization)))
            .collect();
        Ok(Self {
            max_degree,
            order,
            constant: T::from_f64(normalization.factor(0)),
            terms,
        })
    }

    /// The coefficients of the orders `0..=l` of degree `l`.
    #[inline(always)]
    pub(super) fn of_degree(&self, l: usize) -> &[Terms<T>] {
        &self.terms[l * (l + 1) / 2..][..l + 1]
    }
}

impl<T: Real> Terms<T> {
    fn new(l: usize, m: usize, normalization: Normalization) -> Self {
        // The quotient of two factors without rounding them first.
        let ratio = |lower: usize| match normalization {
            Normalization::Racah => 1.0,
            _ => ((2 * l + 1) as f64 / (2 * lower + 1) as f64).sqrt(),
        };
        let (degree, order) = (l as f64, m as f64);
        let (mut alpha, mut beta, mut factor) = (0.0, 0.0, 0.0);
        if l >= 1 {
            factor = ratio(l - 1);
            // Exact integers.
            let denominator = (degree - order) * (degree + order);
            alpha = match (l, m) {
                (1, 1) => factor,
                _ if m == l => factor * ((2.0 * degree - 1.0) / (2.0 * degree)).sqrt(),
                _ => factor * (2.0 * degree - 1.0) / denominator.sqrt(),
            };
            if m + 2 <= l {
                let numerator = (degree - 1.0 - order) * (degree - 1.0 + order);
                beta = ratio(l - 2) * (numerator / denominator).sqrt();
            }
        }
        Self {
            alpha: T::from_f64(alpha),
            beta: T::from_f64(beta),
            ladder: ladder(l, m).map(|coefficient| T::from_f64(factor * coefficient)),
        }
    }
}

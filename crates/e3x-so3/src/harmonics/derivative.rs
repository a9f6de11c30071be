//! Derivatives of solid harmonics as linear combinations of solid harmonics.

use super::MAX_DEGREE;
use crate::cache::Cache;
use crate::error::check_degree;
use crate::{Order, Result};
use std::cmp::Ordering;
use std::sync::Arc;

/// One term of the derivative of a solid harmonic; see [`derivative_terms`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DerivativeTerm {
    /// The direction of the derivative: 0, 1, 2 for `x`, `y`, `z`.
    pub axis: usize,
    /// The harmonic that is differentiated: `l² +` its position within degree `l`.
    pub row: usize,
    /// A harmonic of degree `l-1`: `(l-1)² +` its position within degree `l-1`.
    pub col: usize,
    /// What that harmonic is multiplied by.
    pub coefficient: f64,
}

/// The derivatives of the Racah-normalized solid harmonics `R` of all degrees `0..=max_degree`:
///
/// ```text
/// ∂R[row] / ∂r[axis] = Σ coefficient R[col]      over the terms with this row and axis
/// ```
///
/// Every derivative of a harmonic of degree `l` is a combination of at most two harmonics of degree `l-1`, so that
/// derivatives of any order follow by applying the table repeatedly. With `c(m)`, `s(m)` (`m > 0`) for the harmonics
/// with orders `m` and `-m` of degree `l-1`, `c(0)` for order zero, `s(0) = 0`, `a = √((l+m)(l+m-1))/2` (times `√2`
/// when `m = 1`) and `b = √((l-m)(l-m-1))/2`:
///
/// | of | `∂/∂x` | `∂/∂y` | `∂/∂z` |
/// |---|---|---|---|
/// | `R(l, m)` | `a c(m-1) - b c(m+1)` | `-a s(m-1) - b s(m+1)` | `√(l²-m²) c(m)` |
/// | `R(l, -m)` | `a s(m-1) - b s(m+1)` | `a c(m-1) + b c(m+1)` | `√(l²-m²) s(m)` |
/// | `R(l, 0)` | `-√(l(l-1)/2) c(1)` | `-√(l(l-1)/2) s(1)` | `l c(0)` |
///
/// They are the real form of the gradient formula of Hobson, "The Theory of Spherical and Ellipsoidal Harmonics"
/// (1931), §81. Terms are sorted by row. The table is computed once and shared.
///
/// # Errors
///
/// When `max_degree` is above [`MAX_DEGREE`].
///
/// # Example
///
/// ```
/// // x is the second harmonic in Cartesian order, and the constant 1 the first.
/// let terms = e3x_so3::derivative_terms(1, true)?;
/// assert_eq!((terms[0].axis, terms[0].row, terms[0].col), (0, 1, 0));
/// assert!((terms[0].coefficient - 1.0).abs() < 1e-15);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn derivative_terms(max_degree: usize, cartesian_order: bool) -> Result<Arc<[DerivativeTerm]>> {
    static CACHE: Cache<(usize, Order), [DerivativeTerm]> = Cache::new();
    check_degree("max_degree", MAX_DEGREE, max_degree)?;
    let order = Order::from_cartesian(cartesian_order);
    Ok(CACHE.get_or_compute((max_degree, order), || {
        (1..=max_degree)
            .flat_map(|l| terms_of_degree(l, order))
            .collect()
    }))
}

fn terms_of_degree(l: usize, order: Order) -> Vec<DerivativeTerm> {
    let mut terms = Vec::with_capacity(5 * (2 * l + 1));
    for position in 0..=2 * l {
        let signed = order.m(l, position);
        for (axis, m, coefficient) in terms_of_harmonic(l as isize, signed) {
            terms.push(DerivativeTerm {
                axis,
                row: l * l + position,
                col: (l - 1) * (l - 1) + order.position(l - 1, m),
                coefficient,
            });
        }
    }
    terms
}

/// The coefficients `a`, `b` and `√(l²-m²)` of [`derivative_terms`] for `0 <= m <= l`; for order zero, `b` is the one of
/// its own line.
pub(super) fn ladder(l: usize, m: usize) -> [f64; 3] {
    let (l, m) = (l as isize, m as isize);
    let root = |product: isize| (product as f64).sqrt();
    let a = match m {
        0 => 0.0,
        1 => root((l + 1) * l / 2),
        _ => 0.5 * root((l + m) * (l + m - 1)),
    };
    let b = match m {
        0 => root(l * (l - 1) / 2),
        _ => 0.5 * root((l - m) * (l - m - 1)),
    };
    [a, b, root((l - m) * (l + m))]
}

/// The terms `(axis, order in degree l-1, coefficient)` of the harmonic of degree `l >= 1` and order `signed`.
fn terms_of_harmonic(l: isize, signed: isize) -> Vec<(usize, isize, f64)> {
    let m = signed.abs();
    let [a, b, vertical] = ladder(l as usize, m as usize);
    let terms = match signed.cmp(&0) {
        Ordering::Greater => vec![
            (0, m - 1, a),
            (0, m + 1, -b),
            (1, 1 - m, -a),
            (1, -(m + 1), -b),
        ],
        Ordering::Less => vec![
            (0, 1 - m, a),
            (0, -(m + 1), -b),
            (1, m - 1, a),
            (1, m + 1, b),
        ],
        Ordering::Equal => vec![(0, 1, -b), (1, -1, -b)],
    };
    // The sine of order zero does not exist: it would appear where order 1 is lowered in these two places.
    let sine_of_zero = |axis: usize, col: isize| {
        m == 1 && col == 0 && ((signed > 0 && axis == 1) || (signed < 0 && axis == 0))
    };
    terms
        .into_iter()
        .chain([(2, signed, vertical)])
        .filter(|&(axis, col, _)| col.abs() < l && !sine_of_zero(axis, col))
        .collect()
}

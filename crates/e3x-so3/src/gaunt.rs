//! Gaunt coefficients: integrals of products of three real spherical harmonics.

use crate::clebsch_gordan::check_degrees;
use crate::{
    Normalization, Result, clebsch_gordan, clebsch_gordan_coefficient, clebsch_gordan_for_degrees,
    num_harmonics,
};
use std::f64::consts::PI;

/// What Clebsch–Gordan coefficients are multiplied by to get Gaunt coefficients.
///
/// ```text
/// ∫ Y(l1, m1) Y(l2, m2) Y(l3, m3) dΩ = factor(l1, l2, l3) C(m1, m2, m3)
///
/// factor = 4π / (2 l3 + 1) · N(l1) N(l2) N(l3) · C(0, 0, 0)      C(0, 0, 0) = (-1)^((l1+l2-l3)/2) ⟨l1 0 l2 0|l3 0⟩
/// ```
///
/// with the coefficients `C` of [`clebsch_gordan_terms`](crate::clebsch_gordan_terms), of which `C(0, 0, 0)` is the one
/// for orders zero, and [`Normalization::factor`] `N`. The factor is zero unless `l1 + l2 + l3` is even and the degrees
/// satisfy the triangle inequality. It follows from the expansion of a product of Racah-normalized harmonics,
/// `Y(l1, m1) Y(l2, m2) = Σ C(0, 0, 0) C(m1, m2, m3) Y(l3, m3)` (Gaunt, Philosophical Transactions A 228, 151 (1929);
/// Edmonds, "Angular Momentum in Quantum Mechanics" (1957), equation 4.6.5).
///
/// # Errors
///
/// When a degree is above [`MAX_CLEBSCH_GORDAN_DEGREE`](crate::MAX_CLEBSCH_GORDAN_DEGREE).
///
/// # Example
///
/// ```
/// use e3x_so3::{Normalization, gaunt_factor};
/// // ∫ x x dΩ = 4π/3, and C is 1/√3 up to sign.
/// let factor = gaunt_factor(1, 1, 0, Normalization::Racah)?;
/// assert!((factor.abs() / 3.0_f64.sqrt() - 4.0 / 3.0 * std::f64::consts::PI).abs() < 1e-14);
/// assert_eq!(gaunt_factor(1, 1, 1, Normalization::Racah)?, 0.0);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn gaunt_factor(
    degree1: usize,
    degree2: usize,
    degree3: usize,
    normalization: Normalization,
) -> Result<f64> {
    let degrees = [degree1, degree2, degree3];
    check_degrees(["degree1", "degree2", "degree3"], degrees)?;
    let sum: usize = degrees.iter().sum();
    if sum % 2 == 1 || 2 * degrees.into_iter().max().unwrap_or(0) > sum {
        return Ok(0.0);
    }
    let zeros = clebsch_gordan_coefficient(degrees.map(|l| l as i32), [0; 3])?;
    // Even, and so is the difference from 2 l3.
    let sign = if (sum / 2 - degree3).is_multiple_of(2) {
        1.0
    } else {
        -1.0
    };
    let norms: f64 = degrees.map(|l| normalization.factor(l)).iter().product();
    Ok(4.0 * PI / (2 * degree3 + 1) as f64 * norms * sign * zeros)
}

/// Gaunt coefficients of three degrees as a dense array of shape `(2·degree1+1, 2·degree2+1, 2·degree3+1)`.
///
/// ```text
/// G[m1, m2, m3] = ∫ Y(l1, m1) Y(l2, m2) Y(l3, m3) dΩ
/// ```
///
/// for the real spherical harmonics of [`SphericalHarmonics`](crate::SphericalHarmonics) in the chosen order and
/// normalization; symmetric in all three. See [`gaunt_factor`] for the relation with Clebsch–Gordan coefficients, from
/// which they are computed.
///
/// # Errors
///
/// When a degree is above [`MAX_CLEBSCH_GORDAN_DEGREE`](crate::MAX_CLEBSCH_GORDAN_DEGREE).
///
/// # Example
///
/// ```
/// use e3x_so3::{Normalization, gaunt_for_degrees};
/// // The constant harmonic integrates two others to their norm.
/// let g = gaunt_for_degrees(0, 2, 2, true, Normalization::Racah)?;
/// assert!((g[0] - 4.0 / 5.0 * std::f64::consts::PI).abs() < 1e-14);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn gaunt_for_degrees(
    degree1: usize,
    degree2: usize,
    degree3: usize,
    cartesian_order: bool,
    normalization: Normalization,
) -> Result<Vec<f64>> {
    let factor = gaunt_factor(degree1, degree2, degree3, normalization)?;
    let mut dense = clebsch_gordan_for_degrees(degree1, degree2, degree3, cartesian_order)?;
    for value in &mut dense {
        *value *= factor;
    }
    Ok(dense)
}

/// Gaunt coefficients of all degrees at once as a dense array of shape
/// `((max_degree1+1)², (max_degree2+1)², (max_degree3+1)²)`; see [`gaunt_for_degrees`].
///
/// # Errors
///
/// When a degree is above [`MAX_CLEBSCH_GORDAN_DEGREE`](crate::MAX_CLEBSCH_GORDAN_DEGREE) or the array would have more
/// than 2³⁰ elements.
///
/// # Example
///
/// ```
/// use e3x_so3::{Normalization, gaunt};
/// let g = gaunt(1, 1, 2, true, Normalization::Orthonormal)?;
/// assert_eq!(g.len(), 4 * 4 * 9);
/// assert!((g[0] - 0.5 / std::f64::consts::PI.sqrt()).abs() < 1e-15);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn gaunt(
    max_degree1: usize,
    max_degree2: usize,
    max_degree3: usize,
    cartesian_order: bool,
    normalization: Normalization,
) -> Result<Vec<f64>> {
    let mut dense = clebsch_gordan(max_degree1, max_degree2, max_degree3, cartesian_order)?;
    let [num2, num3] = [max_degree2, max_degree3].map(num_harmonics);
    for l1 in 0..=max_degree1 {
        for l2 in 0..=max_degree2 {
            let factors = (0..=max_degree3)
                .map(|l3| gaunt_factor(l1, l2, l3, normalization))
                .collect::<Result<Vec<_>>>()?;
            for row1 in l1 * l1..(l1 + 1) * (l1 + 1) {
                for row2 in l2 * l2..(l2 + 1) * (l2 + 1) {
                    let start = (row1 * num2 + row2) * num3;
                    let row = &mut dense[start..start + num3];
                    for (i, value) in row.iter_mut().enumerate() {
                        *value *= factors[i.isqrt()];
                    }
                }
            }
        }
    }
    Ok(dense)
}

//! Quadrature rules that are products of one in latitude and one in longitude.

use super::Quadrature;
use crate::Result;
use crate::error::check_degree;
use crate::harmonics::MAX_DEGREE;
use std::f64::consts::{PI, TAU};

/// A product rule: Gauss and Legendre's in `z`, equally spaced in the azimuth.
///
/// With `n = precision/2 + 1` (rounded down) zeros `z[j]` of the Legendre polynomial of degree `n` and
/// `precision + 1` azimuths `φ[k] = 2π k / (precision + 1)`, the points are
///
/// ```text
/// (√(1 - z[j]²) cos φ[k], √(1 - z[j]²) sin φ[k], z[j])      z ascending, k fastest
/// ```
///
/// They integrate all polynomials up to `precision` exactly. There are more of them than in a Lebedev rule of the same
/// precision (about 1.5 times), but such a rule exists for every precision.
///
/// Nodes are found by Newton's method and are exact to rounding (Press et al., "Numerical Recipes" (2007), section
/// 4.6.1).
///
/// # Errors
///
/// When `precision` is above `2 ·` [`MAX_DEGREE`](crate::MAX_DEGREE).
///
/// # Example
///
/// ```
/// let rule = e3x_so3::gauss_legendre_quadrature(4)?;
/// assert_eq!((rule.precision, rule.points.len()), (4, 3 * 5));
/// // The mean of x⁴ over the sphere is 1/5.
/// let mean: f64 = rule.points.iter().zip(&rule.weights).map(|(r, w)| w * r[0].powi(4)).sum();
/// assert!((mean - 0.2).abs() < 1e-15);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn gauss_legendre_quadrature(precision: usize) -> Result<Quadrature> {
    check_degree("precision", 2 * MAX_DEGREE, precision)?;
    let (nodes, azimuths) = (precision / 2 + 1, precision + 1);
    let mut rule = Quadrature {
        precision,
        points: Vec::with_capacity(nodes * azimuths),
        weights: Vec::with_capacity(nodes * azimuths),
    };
    let circle: Vec<_> = (0..azimuths)
        .map(|k| (TAU * k as f64 / azimuths as f64).sin_cos())
        .collect();
    for (z, weight) in gauss_legendre(nodes) {
        let radius = ((1.0 - z) * (1.0 + z)).sqrt();
        for (sin, cos) in &circle {
            rule.points.push([radius * cos, radius * sin, z]);
            // The weights of one dimension add up to 2.
            rule.weights.push(0.5 * weight / azimuths as f64);
        }
    }
    Ok(rule)
}

/// Nodes, ascending, and weights for integrals from -1 to 1.
fn gauss_legendre(num: usize) -> Vec<(f64, f64)> {
    let mut half = Vec::with_capacity(num.div_ceil(2));
    for i in 0..num.div_ceil(2) {
        let mut z = if 2 * i + 1 == num {
            0.0
        } else {
            (PI * (i as f64 + 0.75) / (num as f64 + 0.5)).cos()
        };
        let mut slope = 1.0;
        // Quadratic convergence from a good start: the last steps change nothing but rounding.
        for _ in 0..6 {
            let (value, derivative) = legendre(num, z);
            slope = derivative;
            if z != 0.0 {
                z -= value / derivative;
            }
        }
        half.push((z, 2.0 / ((1.0 - z * z) * slope * slope)));
    }
    let mirrored = half.iter().map(|&(z, weight)| (-z, weight));
    let middle = num % 2;
    mirrored
        .chain(half.iter().rev().skip(middle).copied())
        .collect()
}

/// The Legendre polynomial of degree `num >= 1` and its derivative, not at ±1.
fn legendre(num: usize, z: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, z);
    for n in 1..num {
        let n = n as f64;
        let next = ((2.0 * n + 1.0) * z * value - n * before) / (n + 1.0);
        (before, value) = (value, next);
    }
    let derivative = num as f64 * (before - z * value) / (1.0 - z * z);
    (value, derivative)
}

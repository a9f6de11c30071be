//! Quadrature rules that are products of one in latitude and one in longitude.

use super::Quadrature;
use super::double_double::DoubleDouble;
use crate::Result;
use crate::error::check_degree;
use crate::harmonics::MAX_DEGREE;
use std::f64::consts::{PI, TAU};
use std::ops::{Add, Div, Mul, Sub};

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
/// Nodes are found by Newton's method (Press et al., "Numerical Recipes" (2007), section 4.6.1) with a last step in twice
/// the precision, so that coordinates and weights are exact to rounding, at the poles as well: errors are a few 1e-16,
/// relative for weights. (A plain sum over the two million points of the largest rule loses more itself, 3e-12.)
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
    for Node { z, radius, weight } in gauss_legendre(nodes) {
        for (sin, cos) in &circle {
            rule.points.push([radius * cos, radius * sin, z]);
            // The weights of one dimension add up to 2.
            rule.weights.push(0.5 * weight / azimuths as f64);
        }
    }
    Ok(rule)
}

/// A node of the rule in one dimension.
#[derive(Clone, Copy)]
struct Node {
    z: f64,
    /// `√(1 - z²)` of the exact node, of which `z` is rounded.
    radius: f64,
    /// For integrals from -1 to 1.
    weight: f64,
}

/// The nodes, ascending.
fn gauss_legendre(num: usize) -> Vec<Node> {
    let half: Vec<_> = (0..num.div_ceil(2)).map(|i| node(num, i)).collect();
    let mirrored = half.iter().map(|&node| Node { z: -node.z, ..node });
    let middle = num % 2;
    mirrored
        .chain(half.iter().rev().skip(middle).copied())
        .collect()
}

/// The node number `i`, counted from one downwards, of those that are not negative.
fn node(num: usize, i: usize) -> Node {
    let mut z = 0.0;
    if 2 * i + 1 != num {
        z = (PI * (i as f64 + 0.75) / (num as f64 + 0.5)).cos();
        // Quadratic convergence from a good start.
        for _ in 0..6 {
            let [value, slope] = legendre(num, z, z);
            let step = value / slope;
            z -= step;
            if step.abs() <= f64::EPSILON {
                break;
            }
        }
    }
    // The exact node is z + step. Close to the ends, weights change much on the way there.
    let [value, slope] = legendre(num, DoubleDouble::from(z), z);
    let step = -value / slope;
    let square = (1.0 - z - step) * (1.0 + z + step);
    let slope = slope + step * 2.0 * z * slope / square;
    Node {
        z: z + step,
        radius: square.sqrt(),
        weight: 2.0 / (square * slope * slope),
    }
}

/// The Legendre polynomial of degree `num >= 1` and its derivative, not at ±1, with the recursion
/// `P(n+1) = z P(n) + n / (n+1) (z P(n) - P(n-1))` in the numbers of `first`, which is `z`.
fn legendre<T>(num: usize, first: T, z: f64) -> [f64; 2]
where
    T: Copy + From<f64> + Into<f64> + Add<Output = T> + Sub<Output = T>,
    T: Mul<f64, Output = T> + Div<f64, Output = T>,
{
    let (mut before, mut value) = (T::from(1.0), first);
    for n in 1..num {
        let n = n as f64;
        let product = value * z;
        let next = product + (product - before) * n / (n + 1.0);
        (before, value) = (value, next);
    }
    let slope = (before - value * z) * (num as f64) / ((1.0 - z) * (1.0 + z));
    [value.into(), slope.into()]
}

//! The recursion for the values of solid harmonics.

use crate::{Order, Real, num_harmonics};

/// Coefficients of the three-term recursion, in the order `m = -l, ..., l`.
///
/// With Racah's normalization, `r² = x² + y² + z²`, the harmonics `R(l, ±m)` and `|m| < l`
///
/// ```text
/// R(l, m)  = α(l, m) z R(l-1, m) - β(l, m) r² R(l-2, m)
/// α(l, m)  = (2l-1) / √(l² - m²)
/// β(l, m)  = √(((l-1)² - m²) / (l² - m²))
/// R(l, l)  = κ(l) (x R(l-1, l-1) - y R(l-1, -(l-1)))
/// R(l, -l) = κ(l) (y R(l-1, l-1) + x R(l-1, -(l-1)))
/// κ(1) = 1, κ(l) = √((2l-1) / 2l)
/// ```
///
/// This is the recursion of the associated Legendre functions with increasing degree, which is stable for them
/// (NIST Digital Library of Mathematical Functions, 14.10.3 and 14.30), multiplied by the powers of `x + iy`.
#[derive(Debug, Clone)]
pub(super) struct Recursion<T> {
    max_degree: usize,
    alpha: Vec<T>,
    beta: Vec<T>,
    kappa: Vec<T>,
    /// `output[i] = standard[permutation[i]]`.
    permutation: Vec<usize>,
}

impl<T: Real> Recursion<T> {
    pub(super) fn new(max_degree: usize, order: Order) -> Self {
        let num = num_harmonics(max_degree);
        let mut alpha = Vec::with_capacity(num);
        let mut beta = Vec::with_capacity(num);
        let mut kappa = Vec::with_capacity(max_degree + 1);
        for l in 0..=max_degree {
            let degree = l as f64;
            for i in 0..=2 * l {
                let m = i as f64 - degree;
                // Exact integers; the two sectoral harmonics (m = ±l) have no such coefficients.
                let denominator = (degree - m) * (degree + m);
                let inner = i > 0 && i < 2 * l;
                let numerator = (degree - 1.0 - m) * (degree - 1.0 + m);
                alpha.push(T::from_f64(if inner {
                    (2.0 * degree - 1.0) / denominator.sqrt()
                } else {
                    0.0
                }));
                beta.push(T::from_f64(if inner {
                    (numerator / denominator).sqrt()
                } else {
                    0.0
                }));
            }
            kappa.push(T::from_f64(match l {
                0 | 1 => 1.0,
                _ => ((2.0 * degree - 1.0) / (2.0 * degree)).sqrt(),
            }));
        }
        let permutation = (0..=max_degree)
            .flat_map(|l| {
                (0..=2 * l).map(move |i| l * l + Order::Standard.position(l, order.m(l, i)))
            })
            .collect();
        Self {
            max_degree,
            alpha,
            beta,
            kappa,
            permutation,
        }
    }

    /// The values at one point. `scratch` and `values` have `(max_degree+1)²` elements.
    pub(super) fn values(&self, r: [T; 3], scratch: &mut [T], values: &mut [T]) {
        let [x, y, z] = r;
        let r2 = x * x + y * y + z * z;
        scratch[0] = T::ONE;
        for l in 1..=self.max_degree {
            let (lower, this) = scratch.split_at_mut(l * l);
            let this = &mut this[..=2 * l];
            let previous = &lower[(l - 1) * (l - 1)..];
            let alpha = &self.alpha[l * l + 1..l * l + 2 * l];
            for ((value, &alpha), &previous) in this[1..2 * l].iter_mut().zip(alpha).zip(previous) {
                *value = alpha * (z * previous);
            }
            if l >= 2 {
                let before = &lower[(l - 2) * (l - 2)..(l - 1) * (l - 1)];
                let beta = &self.beta[l * l + 2..l * l + 2 * l - 1];
                for ((value, &beta), &before) in this[2..2 * l - 1].iter_mut().zip(beta).zip(before)
                {
                    *value -= beta * (r2 * before);
                }
            }
            // For l = 1 both are R(0, 0), and there is no sine.
            let cos = previous[2 * l - 2];
            let sin = if l == 1 { T::ZERO } else { previous[0] };
            let kappa = self.kappa[l];
            this[2 * l] = kappa * (x * cos - y * sin);
            this[0] = kappa * (y * cos + x * sin);
        }
        for (value, &i) in values.iter_mut().zip(&self.permutation) {
            *value = scratch[i];
        }
    }
}

//! Chebyshev polynomials, cosines, Gaussians, sinc functions.

use std::f64::consts::PI;

use super::Table;
use crate::jet::sin_cos_pi;

impl Table {
    /// `T(k+1) = 2 t T(k) - T(k-1)`, differentiated: with `n` derivatives the right side gains
    /// `2 n T^(n-1)(k)`. `work` holds the derivatives up to `order` of the last two polynomials.
    pub(super) fn chebyshev(&self, t: f64, row: &mut [f64], work: &mut [f64]) {
        if t.abs() > 1.0 {
            for (k, value) in row.iter_mut().enumerate() {
                let sign = if t < 0.0 && k % 2 == 1 { -1.0 } else { 1.0 };
                *value = if self.order == 0 { sign } else { 0.0 };
            }
            return;
        }
        let (last, this) = work.split_at_mut(self.order + 1);
        // T(-1) = T(1) = t and T(0) = 1.
        last.fill(0.0);
        this.fill(0.0);
        (last[0], this[0]) = (t, 1.0);
        if self.order > 0 {
            last[1] = 1.0;
        }
        for value in row {
            *value = this[self.order];
            for n in (0..=self.order).rev() {
                let mut next = 2.0 * t * this[n] - last[n];
                if n > 0 {
                    next += 2.0 * n as f64 * this[n - 1];
                }
                last[n] = next;
            }
            this.swap_with_slice(last);
        }
    }

    /// `(pi k)^order cos(pi k t + order pi / 2)`.
    pub(super) fn fourier(&self, t: f64, row: &mut [f64]) {
        for (k, value) in row.iter_mut().enumerate() {
            let frequency = PI * k as f64;
            *value = frequency.powi(self.order as i32) * cos_derivative(k as f64 * t, self.order);
        }
    }

    /// `g^(n+1) = -2 gamma ((t - mu) g^(n) + n g^(n-1))`.
    pub(super) fn gaussian(&self, t: f64, row: &mut [f64]) {
        let last = self.num as f64 - 1.0;
        let gamma = (2.0 * self.num as f64).sqrt() * last;
        for (k, value) in row.iter_mut().enumerate() {
            let distance = if k == 0 { t } else { t - k as f64 / last };
            let mut g = (-gamma * distance * distance).exp();
            let mut before = 0.0;
            // With a single function gamma is 0, with an infinite distance g is.
            if gamma == 0.0 {
                g = 1.0;
            }
            if g == 0.0 {
                *value = 0.0;
                continue;
            }
            for n in 0..self.order {
                (before, g) = (g, -2.0 * gamma * (distance * g + n as f64 * before));
            }
            *value = g;
        }
    }

    /// `(k + 1)^order S^(order)((k + 1) t)` with `S(u) = sin(pi u) / (pi u)`, 0 beyond 1.
    pub(super) fn sinc(&self, t: f64, row: &mut [f64]) {
        if t > 1.0 {
            row.fill(0.0);
            return;
        }
        for (k, value) in row.iter_mut().enumerate() {
            let frequency = (k + 1) as f64;
            *value = frequency.powi(self.order as i32) * sinc_derivative(frequency * t, self.order);
        }
    }
}

/// `cos(pi u + order pi / 2)`.
fn cos_derivative(u: f64, order: usize) -> f64 {
    let (sin, cos) = sin_cos_pi(u);
    match order % 4 {
        0 => cos,
        1 => -sin,
        2 => -cos,
        _ => sin,
    }
}

/// The derivative of `S(u) = sin(pi u) / (pi u)`: a power series near zero; further out
/// `u S^(n) + n S^(n-1) = (sin(pi u) / pi)^(n)`, which divides by `u` once per order.
fn sinc_derivative(u: f64, order: usize) -> f64 {
    if u.abs() < 1.0 + 0.2 * order as f64 {
        return sinc_series(u, order);
    }
    let mut s = sin_cos_pi(u).0 / (PI * u);
    for n in 1..=order {
        // (sin(pi u) / pi)^(n) = pi^(n-1) cos(pi u + (n - 1) pi / 2)
        let wave = PI.powi(n as i32 - 1) * cos_derivative(u, n - 1);
        s = (wave - n as f64 * s) / u;
    }
    s
}

/// `S^(n)(u) = sum_j (-1)^j pi^2j / (2j + 1)! (2j)! / (2j - n)! u^(2j - n)`.
fn sinc_series(u: f64, order: usize) -> f64 {
    let first = order.div_ceil(2);
    // (-1)^j pi^2j / (2j + 1) / (2j - n)! at the first j with 2j >= n.
    let sign = if first.is_multiple_of(2) { 1.0 } else { -1.0 };
    let mut term = sign * PI.powi(2 * first as i32) / (2 * first + 1) as f64;
    if order % 2 == 1 {
        term *= u;
    }
    let mut sum = 0.0;
    for j in first..first + 60 {
        sum += term;
        let power = (2 * j - order) as f64;
        term *= -(PI * u).powi(2) * (2 * j + 1) as f64
            / ((2 * j + 3) as f64 * (power + 1.0) * (power + 2.0));
        if term.abs() < 1e-18 * sum.abs() {
            break;
        }
    }
    sum
}

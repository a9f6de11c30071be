//! Chebyshev polynomials, cosines, Gaussians, sinc functions.

use std::f64::consts::PI;

use super::{Numbers, Table};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::jet::sin_cos_pi;
use crate::lanes::LANES;

impl Table {
    /// `T(k+1) = 2 t T(k) - T(k-1)`, differentiated: with `n` derivatives the right side gains
    /// `2 n T^(n-1)(k)`. `space` holds the derivatives up to `order` of the last two polynomials.
    /// Values outside are those at -1 or 1.
    #[inline(always)]
    pub(super) fn chebyshev<A>(&self, t: &Numbers, rows: &mut [Numbers], space: &mut [Numbers])
    where
        A: Arithmetic<Block<f64> = Numbers>,
    {
        let (mut inside, mut twice, mut factors) = (*t, *t, *t);
        for i in 0..LANES {
            inside[i] = t[i].clamp(-1.0, 1.0);
            twice[i] = 2.0 * inside[i];
            let is_known = self.order == 0 || inside[i] == t[i];
            factors[i] = if is_known { 1.0 } else { 0.0 };
        }
        let (last, this) = space.split_at_mut(self.order + 1);
        // T(-1) = T(1) = t and T(0) = 1.
        last.fill(Numbers::zero());
        this.fill(Numbers::zero());
        (last[0], this[0]) = (inside, Numbers::one());
        if self.order > 0 {
            last[1] = Numbers::one();
        }
        let (twice, factors): (A::Sum<f64>, A::Sum<f64>) = (A::load(&twice), A::load(&factors));
        let one: A::Sum<f64> = A::load(&Numbers::one());
        for row in rows {
            A::store(A::multiply(A::load(&this[self.order]), factors), row);
            for n in (0..=self.order).rev() {
                let mut next = A::multiply(A::load(&this[n]), twice);
                A::subtract_multiple_sum(&mut next, A::load(&last[n]), one);
                if n > 0 {
                    A::add_scaled_sum(&mut next, 2.0 * n as f64, A::load(&this[n - 1]));
                }
                A::store(next, &mut last[n]);
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
    #[inline(always)]
    pub(super) fn gaussian(&self, t: &Numbers, rows: &mut [Numbers]) {
        let last = self.num as f64 - 1.0;
        let gamma = (2.0 * self.num as f64).sqrt() * last;
        for (k, row) in rows.iter_mut().enumerate() {
            let center = if k == 0 { 0.0 } else { k as f64 / last };
            let (mut distance, mut before) = (*t, Numbers::zero());
            for i in 0..LANES {
                distance[i] = t[i] - center;
                // With a single function gamma is 0, also times an infinite distance.
                let exponent = -gamma * distance[i] * distance[i];
                row[i] = if gamma == 0.0 {
                    1.0
                } else {
                    exponent.exp_lane()
                };
                // Where the exponential is 0 so are derivatives, however large the distance is.
                distance[i] = if row[i] == 0.0 { 0.0 } else { distance[i] };
            }
            for n in 0..self.order {
                for i in 0..LANES {
                    let next = -2.0 * gamma * (distance[i] * row[i] + n as f64 * before[i]);
                    (before[i], row[i]) = (row[i], next);
                }
            }
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

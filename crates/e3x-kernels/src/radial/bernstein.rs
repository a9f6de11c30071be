//! Bernstein polynomials with exact binomial coefficients.

use super::Table;

/// Above this degree a Bernstein polynomial is built up by convex combinations, because its
/// binomial coefficients overflow.
pub(super) const LARGE_DEGREE: usize = 500;

impl Table {
    /// `d/dt B(k, n) = n (B(k-1, n-1) - B(k, n-1))`, `order` times, from the polynomials of
    /// degree `n - order`. No division, so nothing is special at 0 and 1.
    pub(super) fn bernstein(&self, t: f64, row: &mut [f64], powers: &mut [f64]) {
        row.fill(0.0);
        if !(0.0..=1.0).contains(&t) {
            if self.order == 0 {
                row[if t < 0.0 { 0 } else { self.num - 1 }] = 1.0;
            }
            return;
        }
        if self.order >= self.num {
            return;
        }
        let degree = self.num - 1 - self.order;
        let s = 1.0 - t;
        if degree > LARGE_DEGREE {
            row[0] = 1.0;
            for n in 1..=degree {
                for k in (1..=n).rev() {
                    row[k] = s * row[k] + t * row[k - 1];
                }
                row[0] *= s;
            }
        } else {
            let powers = &mut powers[..=degree];
            let mut power = 1.0;
            for p in powers.iter_mut() {
                *p = power;
                power *= s;
            }
            power = 1.0;
            let factors = self.binomials.iter().zip(powers.iter().rev());
            for (value, (binomial, other)) in row[..=degree].iter_mut().zip(factors) {
                *value = binomial * power * other;
                power *= t;
            }
        }
        for n in degree + 1..=degree + self.order {
            let mut below = 0.0;
            for value in &mut row[..=n] {
                (*value, below) = (below - *value, *value);
            }
        }
        if self.order > 0 {
            for value in row {
                *value *= self.factor;
            }
        }
    }
}

/// `C(n, k)` for all `k`: exact below 2^53, correctly rounded while integers of 128 bits hold the
/// numbers, and with a rounding error per step beyond.
pub(super) fn binomial_row(n: usize) -> Vec<f64> {
    let mut row = vec![1.0; n + 1];
    if n > LARGE_DEGREE {
        return row;
    }
    let mut exact = Some(1u128);
    for k in 1..=n / 2 {
        let (top, bottom) = ((n + 1 - k) as u128, k as u128);
        exact = exact
            .and_then(|value| value.checked_mul(top))
            .map(|product| product / bottom);
        row[k] = match exact {
            Some(value) => value as f64,
            None => row[k - 1] * top as f64 / bottom as f64,
        };
    }
    for k in 0..=n / 2 {
        row[n - k] = row[k];
    }
    row
}

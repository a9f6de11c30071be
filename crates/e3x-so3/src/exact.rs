//! Whole numbers of any size, and how they become floating point numbers.

use num_bigint::BigInt;
use num_traits::{One, ToPrimitive, Zero};
use std::ops::{Div, Mul, Range};

/// The binomial coefficients `(n over 0), ..., (n over n)`, exactly.
pub(crate) fn pascal<N>(n: usize, integer: impl Fn(usize) -> N) -> Vec<N>
where
    N: Clone + Mul<Output = N> + Div<Output = N>,
{
    let mut row = vec![integer(1)];
    for k in 1..=n {
        let next = row[k - 1].clone() * integer(n + 1 - k) / integer(k);
        row.push(next);
    }
    row
}

/// `(n over k)`, exactly; `k <= n`.
pub(crate) fn binomial(n: usize, k: usize) -> BigInt {
    (0..k.min(n - k)).fold(BigInt::one(), |value, i| value * (n - i) / (i + 1))
}

/// `0!, 1!, ..., n!`, exactly.
pub(crate) fn factorials(n: usize) -> Vec<BigInt> {
    let mut all = vec![BigInt::one()];
    for k in 1..=n {
        all.push(&all[k - 1] * k);
    }
    all
}

/// The sum of Racah's formula for coupling coefficients,
///
/// ```text
/// Σ_k (-1)^k (A over k) (B over down-k) (C over up-k)
/// ```
///
/// from the rows of binomial coefficients of `A`, `B` and `C`.
pub(crate) fn coupling_sum(rows: &[Vec<BigInt>; 3], down: usize, up: usize) -> BigInt {
    let [a, b, c] = rows;
    let mut sum = BigInt::zero();
    for k in coupling_range([a.len(), b.len(), c.len()], down, up) {
        let term = &a[k] * &b[down - k] * &c[up - k];
        if k % 2 == 0 {
            sum += term;
        } else {
            sum -= term;
        }
    }
    sum
}

/// The `k` for which none of the binomials of [`coupling_sum`] is zero, from the lengths of their rows.
pub(crate) fn coupling_range([a, b, c]: [usize; 3], down: usize, up: usize) -> Range<usize> {
    let first = (down + 1).saturating_sub(b).max((up + 1).saturating_sub(c));
    let last = (a - 1).min(down).min(up);
    first..last + 1
}

/// `factor √(numerator / denominator)`, to a few units in the last place, however large the integers are.
///
/// `numerator` and `denominator` are positive.
pub(crate) fn times_root(factor: &BigInt, numerator: &BigInt, denominator: &BigInt) -> f64 {
    let (factor, exponent) = mantissa(factor);
    let (numerator, up) = mantissa(numerator);
    let (denominator, down) = mantissa(denominator);
    let (halves, odd) = ((up - down).div_euclid(2), (up - down).rem_euclid(2));
    let root = (numerator / denominator * f64::from(odd as u8 + 1)).sqrt();
    scale(factor * root, exponent + halves)
}

/// `value = mantissa · 2^exponent`, with a mantissa that fits into a floating point number.
fn mantissa(value: &BigInt) -> (f64, i64) {
    let exponent = value.bits().saturating_sub(64);
    // Never out of range: 64 bits are left.
    let mantissa = (value >> exponent).to_f64().unwrap_or(f64::NAN);
    (mantissa, exponent as i64)
}

/// `value · 2^exponent`, without overflow on the way.
fn scale(mut value: f64, mut exponent: i64) -> f64 {
    const STEP: i64 = 512;
    while exponent.abs() > STEP && value != 0.0 {
        value *= 2.0_f64.powi((STEP * exponent.signum()) as i32);
        exponent -= STEP * exponent.signum();
    }
    value * 2.0_f64.powi(exponent.clamp(-STEP, STEP) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_do_not_overflow() {
        let f = factorials(1000);
        assert_eq!(binomial(10, 3), BigInt::from(120));
        // 1000! / 998! = 999 · 1000.
        let root = times_root(&BigInt::from(-3), &f[1000], &f[998]);
        assert!((root / -3.0 - 999_000.0_f64.sqrt()).abs() < 1e-12);
        let root = times_root(&f[1000], &BigInt::one(), &(&f[1000] * &f[1000]));
        assert!((root - 1.0).abs() < 1e-15);
        assert_eq!(times_root(&BigInt::zero(), &f[5], &f[900]), 0.0);
        // Far below the smallest number.
        assert_eq!(times_root(&BigInt::one(), &BigInt::one(), &f[1000]), 0.0);
    }
}

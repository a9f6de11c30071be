//! Numbers of twice the precision, as sums of two.

use std::ops::{Add, Div, Mul, Sub};

/// A number `high + low`, of which `high` is the nearest in double precision; about 32 digits.
///
/// Operations after Dekker, "A floating-point technique for extending the available precision", Numerische Mathematik
/// 18, 224 (1971).
#[derive(Debug, Clone, Copy)]
pub(super) struct DoubleDouble {
    high: f64,
    low: f64,
}

impl From<f64> for DoubleDouble {
    fn from(high: f64) -> Self {
        Self { high, low: 0.0 }
    }
}

impl From<DoubleDouble> for f64 {
    fn from(number: DoubleDouble) -> Self {
        number.high
    }
}

impl DoubleDouble {
    /// `a + b` where `a` is zero or the larger one.
    fn of_sorted_sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let low = b - (high - a);
        Self { high, low }
    }

    fn of_sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let part = high - a;
        let low = (a - (high - part)) + (b - part);
        Self { high, low }
    }

    fn of_product(a: f64, b: f64) -> Self {
        let high = a * b;
        let ([a1, a2], [b1, b2]) = (halves(a), halves(b));
        let low = ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2;
        Self { high, low }
    }
}

/// Two numbers of half the digits that add up to `a`.
fn halves(a: f64) -> [f64; 2] {
    let scaled = 134_217_729.0 * a; // 2^27 + 1
    let high = scaled - (scaled - a);
    [high, a - high]
}

impl Add for DoubleDouble {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let sum = Self::of_sum(self.high, other.high);
        Self::of_sorted_sum(sum.high, sum.low + (self.low + other.low))
    }
}

impl Sub for DoubleDouble {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + other * -1.0
    }
}

impl Mul<f64> for DoubleDouble {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        let product = Self::of_product(self.high, factor);
        Self::of_sorted_sum(product.high, product.low + self.low * factor)
    }
}

impl Div<f64> for DoubleDouble {
    type Output = Self;

    fn div(self, divisor: f64) -> Self {
        let quotient = self.high / divisor;
        let rest = self - Self::of_product(quotient, divisor);
        Self::of_sorted_sum(quotient, rest.high / divisor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_has_twice_the_digits() {
        let third = DoubleDouble::from(1.0) / 3.0;
        assert_eq!(third.high, 1.0 / 3.0);
        let one = third + third + third;
        assert!((one.high - 1.0) + one.low == 0.0, "{one:?}");
        let rest = third * 3.0 - DoubleDouble::from(1.0);
        assert!((rest.high + rest.low).abs() < 1e-31, "{rest:?}");
        // 1/3 = 0.333... in base 4: the second part is a third of the last place of the first.
        assert!((third.low / (f64::EPSILON / 12.0) - 1.0).abs() < 1e-15);
    }
}

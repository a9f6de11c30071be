//! Truncated Taylor series of functions of one variable.
//!
//! A [`Jet`] holds the first `N` Taylor coefficients `f^(k)(x) / k!` of a function at a point.
//! Arithmetic on jets (the product rule and its inverse, and `y' = w u'` solved term by term)
//! gives derivatives of every order of a composed function without a formula for any of them;
//! see A. Griewank and A. Walther, "Evaluating Derivatives" (SIAM 2008), chapter 13.

use std::ops::{Add, Mul, Neg, Sub};

/// The first `N` Taylor coefficients of a function at a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Jet<const N: usize>(pub(crate) [f64; N]);

impl<const N: usize> Jet<N> {
    /// A constant.
    pub(crate) fn constant(value: f64) -> Self {
        let mut c = [0.0; N];
        c[0] = value;
        Self(c)
    }

    /// The identity at `x`, times `slope`: value `x * slope`.
    pub(crate) fn variable(x: f64, slope: f64) -> Self {
        let mut c = [0.0; N];
        c[0] = x * slope;
        if N > 1 {
            c[1] = slope;
        }
        Self(c)
    }

    /// All coefficients times `factor`.
    pub(crate) fn scale(mut self, factor: f64) -> Self {
        for c in &mut self.0 {
            *c *= factor;
        }
        self
    }

    /// This function plus a constant.
    pub(crate) fn offset(mut self, constant: f64) -> Self {
        self.0[0] += constant;
        self
    }

    /// This function with another value at the point: for values that are known more accurately
    /// than arithmetic would give them.
    pub(crate) fn with_value(mut self, value: f64) -> Self {
        self.0[0] = value;
        self
    }

    /// Quotient of two functions.
    pub(crate) fn div(&self, divisor: &Self) -> Self {
        let mut q = [0.0; N];
        for k in 0..N {
            let mut sum = self.0[k];
            for j in 1..=k {
                sum -= divisor.0[j] * q[k - j];
            }
            q[k] = sum / divisor.0[0];
        }
        Self(q)
    }

    /// One over this function.
    pub(crate) fn recip(&self) -> Self {
        Self::constant(1.0).div(self)
    }

    /// Square root.
    pub(crate) fn sqrt(&self) -> Self {
        let mut y = [0.0; N];
        y[0] = self.0[0].sqrt();
        for k in 1..N {
            let mut sum = self.0[k];
            for j in 1..k {
                sum -= y[j] * y[k - j];
            }
            y[k] = sum / (2.0 * y[0]);
        }
        Self(y)
    }

    /// The function with this value whose derivative is `w` times that of `self`.
    pub(crate) fn integrate(&self, value: f64, w: &Self) -> Self {
        let mut y = [0.0; N];
        y[0] = value;
        for k in 1..N {
            let mut sum = 0.0;
            for j in 1..=k {
                sum += j as f64 * self.0[j] * w.0[k - j];
            }
            y[k] = sum / k as f64;
        }
        Self(y)
    }

    /// Exponential function. Where it underflows, all derivatives are zero.
    pub(crate) fn exp(&self) -> Self {
        let mut y = [0.0; N];
        y[0] = self.0[0].exp();
        if y[0] == 0.0 {
            return Self(y);
        }
        for k in 1..N {
            let mut sum = 0.0;
            for j in 1..=k {
                sum += j as f64 * self.0[j] * y[k - j];
            }
            y[k] = sum / k as f64;
        }
        Self(y)
    }

    /// `exp(u) - 1` without cancellation.
    pub(crate) fn exp_m1(&self) -> Self {
        self.exp().with_value(self.0[0].exp_m1())
    }

    /// The logistic function `1 / (1 + exp(-u))`, from `s' = s (1 - s) u'` with both factors
    /// accurate. Where one of them underflows, all derivatives are zero.
    pub(crate) fn sigmoid(&self) -> Self {
        let (s, c) = logistic_pair(self.0[0]);
        let mut y = [0.0; N];
        y[0] = s;
        if s == 0.0 || c == 0.0 {
            return Self(y);
        }
        // w = s (1 - s), one coefficient at a time.
        let mut w = [0.0; N];
        for k in 1..N {
            let i = k - 1;
            w[i] = y[i] * c;
            for j in 0..i {
                w[i] -= y[j] * y[i - j];
            }
            let mut sum = 0.0;
            for j in 1..=k {
                sum += j as f64 * self.0[j] * w[k - j];
            }
            y[k] = sum / k as f64;
        }
        Self(y)
    }

    /// `log(1 + exp(u))`.
    pub(crate) fn softplus(&self) -> Self {
        let u = self.0[0];
        let value = u.max(0.0) + (-u.abs()).exp().ln_1p();
        self.integrate(value, &self.sigmoid())
    }

    /// Error function.
    pub(crate) fn erf(&self) -> Self {
        self.integrate(libm::erf(self.0[0]), &self.gaussian())
    }

    /// Complementary error function.
    pub(crate) fn erfc(&self) -> Self {
        self.integrate(libm::erfc(self.0[0]), &self.gaussian().scale(-1.0))
    }

    /// `2 / sqrt(pi) exp(-u^2)`, the derivative of the error function.
    fn gaussian(&self) -> Self {
        (-(*self * *self))
            .exp()
            .scale(std::f64::consts::FRAC_2_SQRT_PI)
    }

    /// Cosine of pi times this function.
    pub(crate) fn cos_pi(&self) -> Self {
        let angle = self.scale(std::f64::consts::PI);
        let (sin, cos) = sin_cos_pi(self.0[0]);
        let (mut s, mut c) = ([0.0; N], [0.0; N]);
        (s[0], c[0]) = (sin, cos);
        for k in 1..N {
            let (mut ds, mut dc) = (0.0, 0.0);
            for j in 1..=k {
                ds += j as f64 * angle.0[j] * c[k - j];
                dc -= j as f64 * angle.0[j] * s[k - j];
            }
            s[k] = ds / k as f64;
            c[k] = dc / k as f64;
        }
        Self(c)
    }

    /// The polynomial `sum_k coefficients[k] x^k` at `x` (Horner's scheme).
    pub(crate) fn polynomial(x: f64, coefficients: &[f64]) -> Self {
        let mut y = [0.0; N];
        for &c in coefficients.iter().rev() {
            for k in (1..N).rev() {
                y[k] = y[k] * x + y[k - 1];
            }
            y[0] = y[0] * x + c;
        }
        Self(y)
    }

    /// The derivative of order `n < N`: the coefficient times `n!`.
    pub(crate) fn derivative(&self, n: usize) -> f64 {
        (2..=n).fold(self.0[n], |value, k| value * k as f64)
    }
}

impl<const N: usize> Add for Jet<N> {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        for (a, b) in self.0.iter_mut().zip(other.0) {
            *a += b;
        }
        self
    }
}

impl<const N: usize> Sub for Jet<N> {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl<const N: usize> Neg for Jet<N> {
    type Output = Self;
    fn neg(self) -> Self {
        self.scale(-1.0)
    }
}

impl<const N: usize> Mul for Jet<N> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let mut c = [0.0; N];
        for k in 0..N {
            for j in 0..=k {
                c[k] += self.0[j] * other.0[k - j];
            }
        }
        Self(c)
    }
}

/// The logistic function of `u` and of `-u`, both to full relative precision.
fn logistic_pair(u: f64) -> (f64, f64) {
    let e = (-u.abs()).exp();
    let (large, small) = (1.0 / (1.0 + e), e / (1.0 + e));
    if u >= 0.0 {
        (large, small)
    } else {
        (small, large)
    }
}

/// Sine and cosine of `pi u`, exact at multiples of one half.
pub(crate) fn sin_cos_pi(u: f64) -> (f64, f64) {
    // u = 2 periods + quarter / 2 + rest with |rest| <= 1/4; every step is exact.
    let reduced = u % 2.0;
    let quarter = (2.0 * reduced).round();
    let rest = reduced - quarter / 2.0;
    let (s, c) = (std::f64::consts::PI * rest).sin_cos();
    match (quarter as i64).rem_euclid(4) {
        0 => (s, c),
        1 => (c, -s),
        2 => (-s, -c),
        _ => (-c, s),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-14 * (1.0 + b.abs()), "{a} against {b}");
    }

    #[test]
    fn derivatives_of_known_functions() {
        let x = Jet::<6>::variable(0.7, 1.0);
        for n in 0..6 {
            close(x.exp().derivative(n), 0.7f64.exp());
            let sign = if n % 2 == 0 { 1.0 } else { -1.0 };
            let factorial: f64 = (1..=n).map(|k| k as f64).product();
            close(
                x.recip().derivative(n),
                sign * factorial / 0.7f64.powi(n as i32 + 1),
            );
        }
        close(x.sqrt().derivative(2), -0.25 * 0.7f64.powf(-1.5));
        let s = 1.0 / (1.0 + (-0.7f64).exp());
        close(x.sigmoid().derivative(1), s * (1.0 - s));
        close(x.sigmoid().derivative(2), s * (1.0 - s) * (1.0 - 2.0 * s));
        close(x.softplus().derivative(3), x.sigmoid().derivative(2));
        close((x.erf() + x.erfc()).derivative(0), 1.0);
        close((x.erf() + x.erfc()).derivative(3), 0.0);
        close(
            x.erf().derivative(1),
            2.0 / std::f64::consts::PI.sqrt() * (-0.49f64).exp(),
        );
        let pi = std::f64::consts::PI;
        close(x.cos_pi().derivative(2), -pi * pi * (0.7 * pi).cos());
        close((x.exp_m1() - x.exp()).derivative(0), -1.0);
    }

    #[test]
    fn sine_and_cosine_of_multiples_of_pi() {
        assert_eq!(sin_cos_pi(0.5), (1.0, 0.0));
        assert_eq!(sin_cos_pi(1.0).1, -1.0);
        assert_eq!(sin_cos_pi(-0.5), (-1.0, 0.0));
        assert_eq!(sin_cos_pi(1e15 + 0.5).0, 1.0);
        for i in -40..40 {
            let u = 0.1 * f64::from(i);
            let (s, c) = sin_cos_pi(u);
            close(s, (std::f64::consts::PI * u).sin());
            close(c, (std::f64::consts::PI * u).cos());
        }
        assert!(sin_cos_pi(f64::NAN).0.is_nan() && sin_cos_pi(f64::INFINITY).1.is_nan());
    }
}

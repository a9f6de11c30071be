//! Gates of activation functions: `activation(x) = gate(x) x`.
//!
//! Each is written so that no digits are lost near zero and nothing overflows far from it.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI};

use super::exp_m1_over_x;
use crate::jet::Jet;

/// 1 for `x > 0`, else `alpha (exp(x / width) - 1) / x`.
pub(super) fn exponential_step<const N: usize>(x: f64, alpha: f64, width: f64) -> Jet<N> {
    if x > 0.0 {
        return Jet::constant(1.0);
    }
    // (exp(u) - 1) / u at u = x / width; a derivative with respect to x brings out 1 / width.
    let mut jet = exp_m1_over_x::<N>(x / width).scale(alpha / width);
    let mut factor = 1.0;
    for c in &mut jet.0 {
        *c *= factor;
        factor /= width;
    }
    jet
}

/// `(1 + tanh(v)) / 2 = sigmoid(2 v)` with `v = sqrt(2 / pi) (x + 0.044715 x^3)`.
pub(super) fn gaussian_gate_tanh<const N: usize>(x: f64) -> Jet<N> {
    if x.abs() > 50.0 {
        return Jet::constant(if x > 0.0 { 1.0 } else { 0.0 });
    }
    let u = Jet::variable(x, 1.0);
    let cubic = u + (u * u * u).scale(0.044_715);
    cubic.scale(2.0 * FRAC_2_PI.sqrt()).sigmoid()
}

/// `(1 + erf(x / sqrt(2))) / 2 = erfc(-x / sqrt(2)) / 2`.
pub(super) fn gaussian_gate<const N: usize>(x: f64) -> Jet<N> {
    Jet::variable(x, -FRAC_1_SQRT_2).erfc().scale(0.5)
}

/// `tanh(log(1 + e^x)) = (e^2x + 2 e^x) / (e^2x + 2 e^x + 2)`, divided by `e^2x` for `x > 0`.
pub(super) fn tanh_softplus<const N: usize>(x: f64) -> Jet<N> {
    let e = Jet::variable(x, if x > 0.0 { -1.0 } else { 1.0 }).exp();
    if x > 0.0 {
        let top = e.scale(2.0).offset(1.0);
        top.div(&(top + (e * e).scale(2.0)))
    } else {
        let top = e * e + e.scale(2.0);
        top.div(&top.offset(2.0))
    }
}

/// `log((1 + e^x) / 2) / x`.
pub(super) fn shifted_softplus<const N: usize>(x: f64) -> Jet<N> {
    if x == 0.0 || (N > 1 && x.abs() < 1.0) {
        // Enough terms for values and low orders, or for the highest.
        let terms = if N <= 4 { 40 } else { 64 };
        return Jet::polynomial(x, &shifted_softplus_series()[..terms]);
    }
    // log((1 + e^x) / 2) = x + log((1 + e^-x) / 2): the part that grows divides exactly.
    let u = Jet::variable(x, 1.0);
    let rest = Jet::variable(x, -x.signum()).softplus();
    let rest = rest.with_value((0.5 * (-x.abs()).exp_m1()).ln_1p());
    rest.div(&u).offset(if x > 0.0 { 1.0 } else { 0.0 })
}

/// Taylor coefficients of `log((1 + e^x) / 2) / x = 1/2 + log(cosh(x/2)) / x` at 0. The derivative
/// of the logarithm, `t = tanh(x / 2) / 2`, obeys `t' = 1/4 - t^2`.
fn shifted_softplus_series() -> &'static [f64; 64] {
    static TABLE: std::sync::OnceLock<[f64; 64]> = std::sync::OnceLock::new();
    TABLE.get_or_init(|| {
        let mut t = [0.0; 64];
        for k in 1..64 {
            let square: f64 = (0..k).map(|j| t[j] * t[k - 1 - j]).sum();
            t[k] = (if k == 1 { 0.25 } else { -square }) / k as f64;
        }
        let mut c = [0.5; 64];
        for k in 1..64 {
            c[k] = t[k] / (k + 1) as f64;
        }
        c
    })
}

/// `1 / max(1, |x|)`.
pub(super) fn hard_tanh<const N: usize>(x: f64) -> Jet<N> {
    if x.abs() <= 1.0 {
        return Jet::constant(1.0);
    }
    Jet::variable(x, 1.0).recip().scale(x.signum())
}

/// `1 / (1 + |x|)`, at zero with the derivatives of the right side.
pub(super) fn soft_sign<const N: usize>(x: f64) -> Jet<N> {
    let slope = if x >= 0.0 { 1.0 } else { -1.0 };
    Jet::variable(x, slope).offset(1.0).recip()
}

/// `min(max(x, 0), 6) / x`: 0, 1, then `6 / x`; at 6 the derivatives are the mean of both sides.
pub(super) fn relu6<const N: usize>(x: f64) -> Jet<N> {
    if x <= 0.0 {
        Jet::constant(0.0)
    } else if x < 6.0 {
        Jet::constant(1.0)
    } else {
        let hyperbola = Jet::variable(x, 1.0).recip().scale(6.0);
        if x > 6.0 {
            hyperbola
        } else {
            hyperbola.scale(0.5).with_value(1.0)
        }
    }
}

/// `min(max(x + 3, 0), 6) / 6`; at the corners the derivative is the mean of both sides.
pub(super) fn hard_sigmoid<const N: usize>(x: f64) -> Jet<N> {
    let value = (x + 3.0).clamp(0.0, 6.0) / 6.0;
    let slope = match x.abs().total_cmp(&3.0) {
        std::cmp::Ordering::Less => 1.0 / 6.0,
        std::cmp::Ordering::Equal => 1.0 / 12.0,
        std::cmp::Ordering::Greater => 0.0,
    };
    Jet::variable(x, slope).with_value(value)
}

/// `(sqrt(x^2 + 1) - 1) / (2 x) + 1 = x / (2 (sqrt(x^2 + 1) + 1)) + 1`.
pub(super) fn bent_identity<const N: usize>(x: f64) -> Jet<N> {
    let u = Jet::variable(x, 1.0);
    if x.abs() < 1.0 {
        let root = (u * u).offset(1.0).sqrt();
        return u.div(&root.offset(1.0)).scale(0.5).offset(1.0);
    }
    // With r = 1 / |x| nothing overflows: sign / (2 (sqrt(1 + r^2) + r)) + 1.
    let r = u.recip().scale(x.signum());
    let root = (r * r).offset(1.0).sqrt();
    (root + r).recip().scale(0.5 * x.signum()).offset(1.0)
}

//! Mappings of distances, cutoffs, switches and damping.

use super::exp_m1_over_x;
use crate::jet::{Jet, sin_cos_pi};

/// `(1 - exp(-x)) / x`.
pub(super) fn reciprocal_damped<const N: usize>(x: f64) -> Jet<N> {
    let mut jet = exp_m1_over_x::<N>(-x);
    for c in jet.0.iter_mut().skip(1).step_by(2) {
        *c = -*c;
    }
    jet
}

/// `1 / (x + exp(-x))`, for negative numbers as `exp(x) / (1 + x exp(x))`.
pub(super) fn reciprocal_cuspless<const N: usize>(x: f64) -> Jet<N> {
    let u = Jet::variable(x, 1.0);
    if x >= 0.0 {
        return (u + (-u).exp()).recip();
    }
    let e = u.exp();
    e.div(&(u * e).offset(1.0))
}

/// `exp(1 - 1 / (1 - t^2))` inside (-1, 1), else 0.
pub(super) fn smooth_cutoff<const N: usize>(t: Jet<N>) -> Jet<N> {
    if t.0[0].abs() >= 1.0 {
        return Jet::constant(0.0);
    }
    // (1 - t) (1 + t) keeps the digits near the cutoff.
    let gap = (-t).offset(1.0) * t.offset(1.0);
    (-gap.recip()).offset(1.0).exp()
}

/// `(1 + cos(pi t)) / 2` for `t < 1`, else 0.
pub(super) fn cosine_cutoff<const N: usize>(t: Jet<N>) -> Jet<N> {
    if t.0[0] >= 1.0 {
        return Jet::constant(0.0);
    }
    // (1 + cos(pi t)) / 2 = cos^2(pi t / 2) keeps the digits near the cutoff.
    let half = sin_cos_pi(0.5 * t.0[0]).1;
    t.cos_pi().scale(0.5).with_value(half * half)
}

/// `1 / (1 + exp(sqrt(3)/2 (1/t - 1/(1 - t))))` inside (0, 1).
pub(super) fn smooth_switch<const N: usize>(t: Jet<N>) -> Jet<N> {
    if t.0[0] <= 0.0 {
        return Jet::constant(0.0);
    }
    if t.0[0] >= 1.0 {
        return Jet::constant(1.0);
    }
    let slope = 0.5 * 3.0f64.sqrt();
    let steepness = (-t).offset(1.0).recip() - t.recip();
    steepness.scale(slope).sigmoid()
}

/// `exp(-1 / (exp(u) - 1)) = exp(-e / (1 - e))` with `e = exp(-u)`, for `u > 0`, else 0.
pub(super) fn smooth_damping<const N: usize>(u: f64) -> Jet<N> {
    if u <= 0.0 {
        return Jet::constant(0.0);
    }
    let v = Jet::variable(u, -1.0);
    let e = v.exp();
    e.div(&v.exp_m1()).exp()
}

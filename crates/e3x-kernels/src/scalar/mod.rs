//! Functions of one variable with derivatives of any order, applied element by element.
//!
//! Everything is evaluated in double precision as a truncated Taylor series and rounded once at
//! the end, so `f32` results are exact to the last bit or two and no derivative needs a formula of
//! its own.

mod gates;
mod maps;

use crate::jet::Jet;
use crate::lanes::vectorized;
use crate::{Error, Real, Result, par};

/// Highest order of derivative.
pub const MAX_ORDER: usize = 15;

/// Values per task; a sigmoid is vector code.
const TASK: usize = 1 << 8;
const TASK_OF_SIGMOID: usize = 1 << 12;

/// What one value costs, in multiply-adds of a matrix product.
const WORK: usize = 256;
const WORK_OF_SIGMOID: usize = 32;

/// A function of one variable. The names in parentheses are those of E3x.
///
/// At kinks and jumps the derivatives are those that the reference gives: the mean of both sides
/// for clamped linear functions, one side for the others.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Scalar {
    /// `1 / (1 + exp(-x))` (`silu`).
    Sigmoid,
    /// 1 for positive numbers, else 0 (`relu`).
    Heaviside,
    /// 1 for `x >= 0`, else the slope (`leaky_relu`).
    LeakyStep {
        /// Value for negative numbers.
        slope: f64,
    },
    /// 1 for `x > 0`, else `alpha (exp(x / width) - 1) / x`, times `scale` (`elu`, `selu`, `celu`).
    ExponentialStep {
        /// Overall factor.
        scale: f64,
        /// Factor of the exponential part.
        alpha: f64,
        /// Length over which it decays, positive.
        width: f64,
    },
    /// `(1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2` (`gelu`, approximate).
    GaussianGateTanh,
    /// `(1 + erf(x / sqrt(2))) / 2` (`gelu`).
    GaussianGate,
    /// `tanh(log(1 + exp(x)))` (`mish`).
    TanhSoftplus,
    /// `erf(log(1 + exp(x)))` (`serf`).
    ErfSoftplus,
    /// `log((1 + exp(x)) / 2) / x` (`shifted_softplus`).
    ShiftedSoftplusGate,
    /// `1 / max(1, |x|)` (`hard_tanh`).
    HardTanhGate,
    /// `1 / (1 + |x|)` (`soft_sign`).
    SoftSignGate,
    /// `min(max(x, 0), 6) / x` (`relu6`).
    Relu6Gate,
    /// `min(max(x + 3, 0), 6) / 6` (`hard_silu`).
    HardSigmoid,
    /// `(sqrt(x^2 + 1) - 1) / (2 x) + 1` (`bent_identity`).
    BentIdentityGate,
    /// `1 / (x + 1)` (`reciprocal_mapping`, shifted).
    ReciprocalShifted,
    /// `(1 - exp(-x)) / x` (`reciprocal_mapping`, damped).
    ReciprocalDamped,
    /// `1 / (x + exp(-x))` (`reciprocal_mapping`, cuspless).
    ReciprocalCuspless,
    /// `exp(x)`.
    Exp,
    /// `x + exp(-x) - 1`, quadratic near zero (`exponential_mapping`, cuspless).
    CusplessDistance,
    /// `exp(1 - 1 / (1 - (x/c)^2))` for `|x| < c`, else 0 (`smooth_cutoff`).
    SmoothCutoff {
        /// The distance c, positive.
        cutoff: f64,
    },
    /// `(1 + cos(pi x / c)) / 2` for `x < c`, else 0 (`cosine_cutoff`).
    CosineCutoff {
        /// The distance c, positive.
        cutoff: f64,
    },
    /// From 0 at `x0` to 1 at `x1` with all derivatives zero at both (`smooth_switch`).
    SmoothSwitch {
        /// Where it starts.
        x0: f64,
        /// Where it ends, larger than `x0`.
        x1: f64,
    },
    /// `exp(-1 / (exp(x) - 1))` for `x > 0`, else 0 (`smooth_damping`).
    SmoothDamping,
}

impl Scalar {
    /// The derivative of this order at every entry of `x`.
    ///
    /// # Errors
    /// If the order is larger than [`MAX_ORDER`].
    pub fn evaluate<T: Real>(self, order: usize, x: &[T]) -> Result<Vec<T>> {
        check_order(order)?;
        if self == Self::Sigmoid && order < 2 {
            let (values, slopes) = self.value_and_slope(x);
            return Ok(if order == 0 { values } else { slopes });
        }
        Ok(match order {
            0 => self.map::<T, 1>(order, x),
            1 => self.map::<T, 2>(order, x),
            2 => self.map::<T, 3>(order, x),
            3 => self.map::<T, 4>(order, x),
            _ => self.map::<T, 16>(order, x),
        })
    }

    /// Values and first derivatives at every entry of `x`.
    pub fn value_and_slope<T: Real>(self, x: &[T]) -> (Vec<T>, Vec<T>) {
        let (mut values, mut slopes) = (vec![T::ZERO; x.len()], vec![T::ZERO; x.len()]);
        let (task, work) = if self == Self::Sigmoid {
            (TASK_OF_SIGMOID, WORK_OF_SIGMOID)
        } else {
            (TASK, WORK)
        };
        let out = values.chunks_mut(task).zip(slopes.chunks_mut(task));
        par::for_each(
            x.chunks(task).zip(out),
            x.len() * work,
            |(x, (values, slopes))| {
                if self == Self::Sigmoid {
                    return sigmoids(x, values, slopes);
                }
                for ((x, value), slope) in x.iter().zip(values).zip(slopes) {
                    let jet = self.jet::<2>(x.to_f64());
                    (*value, *slope) = (T::of(jet.0[0]), T::of(jet.0[1]));
                }
            },
        );
        (values, slopes)
    }

    /// The derivative of this order, at most [`MAX_ORDER`], at one point.
    pub(crate) fn derivative(self, order: usize, x: f64) -> f64 {
        match order {
            0 => self.jet::<1>(x).derivative(order),
            1 => self.jet::<2>(x).derivative(order),
            2 => self.jet::<3>(x).derivative(order),
            3 => self.jet::<4>(x).derivative(order),
            _ => self.jet::<16>(x).derivative(order),
        }
    }

    fn map<T: Real, const N: usize>(self, order: usize, x: &[T]) -> Vec<T> {
        let mut values = vec![T::ZERO; x.len()];
        par::for_each(
            x.chunks(TASK).zip(values.chunks_mut(TASK)),
            x.len() * WORK,
            |(x, values)| {
                for (x, value) in x.iter().zip(values) {
                    *value = T::of(self.jet::<N>(x.to_f64()).derivative(order));
                }
            },
        );
        values
    }

    /// The Taylor coefficients at `x`. Not a number stays one.
    #[inline(never)]
    fn jet<const N: usize>(self, x: f64) -> Jet<N> {
        if x.is_nan() {
            return Jet([f64::NAN; N]);
        }
        match self {
            Self::Sigmoid => Jet::variable(x, 1.0).sigmoid(),
            Self::Heaviside => Jet::constant(if x > 0.0 { 1.0 } else { 0.0 }),
            Self::LeakyStep { slope } => Jet::constant(if x >= 0.0 { 1.0 } else { slope }),
            Self::ExponentialStep {
                scale,
                alpha,
                width,
            } => gates::exponential_step(x, alpha, width).scale(scale),
            Self::GaussianGateTanh => gates::gaussian_gate_tanh(x),
            Self::GaussianGate => gates::gaussian_gate(x),
            Self::TanhSoftplus => gates::tanh_softplus(x),
            Self::ErfSoftplus => Jet::variable(x, 1.0).softplus().erf(),
            Self::ShiftedSoftplusGate => gates::shifted_softplus(x),
            Self::HardTanhGate => gates::hard_tanh(x),
            Self::SoftSignGate => gates::soft_sign(x),
            Self::Relu6Gate => gates::relu6(x),
            Self::HardSigmoid => gates::hard_sigmoid(x),
            Self::BentIdentityGate => gates::bent_identity(x),
            Self::ReciprocalShifted => Jet::variable(x, 1.0).offset(1.0).recip(),
            Self::ReciprocalDamped => maps::reciprocal_damped(x),
            Self::ReciprocalCuspless => maps::reciprocal_cuspless(x),
            Self::Exp => Jet::variable(x, 1.0).exp(),
            Self::CusplessDistance => Jet::variable(x, 1.0) + Jet::variable(x, -1.0).exp_m1(),
            Self::SmoothCutoff { cutoff } => maps::smooth_cutoff(ratio(x, cutoff)),
            Self::CosineCutoff { cutoff } => maps::cosine_cutoff(ratio(x, cutoff)),
            Self::SmoothSwitch { x0, x1 } => maps::smooth_switch(ratio(x - x0, x1 - x0)),
            Self::SmoothDamping => maps::smooth_damping(x),
        }
    }
}

/// Values and first derivatives of [`Scalar::Sigmoid`], as vector code: the gate of most models.
fn sigmoids<T: Real>(x: &[T], values: &mut [T], slopes: &mut [T]) {
    vectorized(
        #[inline(always)]
        || {
            for ((x, value), slope) in x.iter().zip(values).zip(slopes) {
                let x = x.to_f64();
                // The values at |x| and -|x|, neither of which cancels.
                let e = (-x.abs()).exp_lane();
                let large = 1.0 / (1.0 + e);
                let small = e * large;
                *value = T::from_f64(if x < 0.0 { small } else { large });
                *slope = T::from_f64(large * small);
            }
        },
    );
}

/// `x / divisor`, exactly 1 at the divisor.
fn ratio<const N: usize>(x: f64, divisor: f64) -> Jet<N> {
    Jet::variable(x, 1.0 / divisor).with_value(x / divisor)
}

/// Checks that derivatives of this order are available.
pub(crate) fn check_order(order: usize) -> Result<()> {
    if order <= MAX_ORDER {
        return Ok(());
    }
    Err(Error::argument(
        "order",
        format!("derivatives of order at most {MAX_ORDER}"),
        order.to_string(),
    ))
}

/// `(exp(x) - 1) / x`, at every `x` to full precision.
fn exp_m1_over_x<const N: usize>(x: f64) -> Jet<N> {
    if x == 0.0 || (N > 1 && x.abs() < 1.0) {
        // Enough terms for values and low orders, or for MAX_ORDER.
        let terms = if N <= 4 { 24 } else { 36 };
        return Jet::polynomial(x, &EXP_M1_OVER_X[..terms]);
    }
    let u = Jet::variable(x, 1.0);
    u.exp_m1().div(&u)
}

/// `1 / (k + 1)!`
const EXP_M1_OVER_X: [f64; 36] = {
    let mut c = [1.0; 36];
    let mut k = 1;
    while k < c.len() {
        c[k] = c[k - 1] / (k + 1) as f64;
        k += 1;
    }
    c
};

#[cfg(test)]
mod tests;

//! Element types of the kernels.

use crate::aligned::{AlignedJob, SLOTS};
#[cfg(target_arch = "x86_64")]
use crate::arithmetic::x86::Vectors;
use crate::coupling::{CouplingJob, Operands};

/// Nothing: vector instructions are only named on x86.
#[cfg(not(target_arch = "x86_64"))]
pub trait Vectors {}

#[cfg(not(target_arch = "x86_64"))]
impl<T> Vectors for T {}

/// `f32` or `f64`.
pub trait Real: e3x_so3::Real + Vectors + std::ops::MulAssign + std::iter::Sum {
    /// Rounds a double to this type: `from_f64` under a name that does not clash with that of
    /// tensor libraries.
    #[must_use]
    fn of(value: f64) -> Self {
        Self::from_f64(value)
    }
    /// `self * a + b` with one rounding.
    #[must_use]
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// Exponential function.
    #[must_use]
    fn exp(self) -> Self;
    /// The exponential function as straight-line code, for loops that become vector code: correct
    /// to about a unit in the last place, constant (and finite) above 709 (`f32`: 88), and zero where it
    /// would not be a normal number. NaN stays.
    #[must_use]
    fn exp_lane(self) -> Self;

    /// [`aligned::gradients`](crate::aligned::gradients) of arguments that were checked, compiled
    /// in this crate: generic code would be compiled anew by every crate that calls it.
    #[doc(hidden)]
    fn aligned_gradients(job: AlignedJob<'_>, args: [&[Self]; SLOTS]) -> Vec<Vec<Self>>;

    /// [`aligned::second`](crate::aligned::second), likewise.
    #[doc(hidden)]
    fn aligned_second(
        job: AlignedJob<'_>,
        args: [&[Self]; SLOTS],
        tangents: [Option<&[Self]>; SLOTS],
    ) -> Vec<Vec<Self>>;

    /// [`coupling::gradients`](crate::coupling::gradients) and
    /// [`coupling::second`](crate::coupling::second), likewise.
    #[doc(hidden)]
    fn coupling(job: CouplingJob<'_>, operands: Operands<'_, Self>) -> Vec<Vec<Self>>;
}

macro_rules! impl_real {
    ($t:ty, range: $low:literal .. $high:literal, magic: $magic:literal, bits: $bits:literal,
     log2_e: $log2_e:expr, ln2: ($ln2:expr) + ($rest:expr), series: [$last:literal $(, $coefficient:literal)*]) => {
        impl Real for $t {
            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                self.mul_add(a, b)
            }

            #[inline(always)]
            fn exp(self) -> Self {
                self.exp()
            }

            #[inline(always)]
            fn exp_lane(self) -> Self {
                // Comparisons that leave NaN alone.
                let x = if self > $high { $high } else { self };
                let x = if x < $low { $low } else { x };
                // Adding a large number rounds to an integer k and leaves it in the last bits:
                // exp(x) = 2^k exp(r) with r = x - k ln 2 between -ln(2)/2 and ln(2)/2.
                let shifted = x.mul_add($log2_e, $magic);
                let k: $t = shifted - $magic;
                let r = (-k).mul_add($rest, (-k).mul_add($ln2, x));
                let sum: $t = 1.0 / $last;
                $(let sum = sum.mul_add(r, 1.0 / $coefficient);)*
                let power = (shifted.to_bits() << $bits).wrapping_add(<$t>::to_bits(1.0));
                let result = sum * <$t>::from_bits(power);
                if self < $low { 0.0 } else { result }
            }

            fn aligned_gradients(job: AlignedJob<'_>, args: [&[Self]; SLOTS]) -> Vec<Vec<Self>> {
                job.gradients(args)
            }

            fn aligned_second(
                job: AlignedJob<'_>,
                args: [&[Self]; SLOTS],
                tangents: [Option<&[Self]>; SLOTS],
            ) -> Vec<Vec<Self>> {
                job.second(args, tangents)
            }

            fn coupling(job: CouplingJob<'_>, operands: Operands<'_, Self>) -> Vec<Vec<Self>> {
                job.run(operands)
            }
        }
    };
}

// ln 2 in two parts, and the factorials of the exponential series.
impl_real!(
    f32, range: -87.0 .. 88.0, magic: 12_582_912.0, bits: 23,
    log2_e: std::f32::consts::LOG2_E, ln2: (std::f32::consts::LN_2) + (-1.904_654_3e-9),
    series: [5040.0, 720.0, 120.0, 24.0, 6.0, 2.0, 1.0, 1.0]
);
impl_real!(
    f64, range: -708.0 .. 709.0, magic: 6_755_399_441_055_744.0, bits: 52,
    log2_e: std::f64::consts::LOG2_E, ln2: (0.693_147_180_369_123_8) + (1.908_214_929_270_587_7e-10),
    series: [
        6_227_020_800.0, 479_001_600.0, 39_916_800.0, 3_628_800.0, 362_880.0, 40_320.0, 5040.0,
        720.0, 120.0, 24.0, 6.0, 2.0, 1.0, 1.0
    ]
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn straight_line_exponentials_are_accurate() {
        let (mut worst, mut worst_single) = (0_u64, 0_u32);
        for i in -70_800..=70_900 {
            let x = f64::from(i) * 0.01 + 1e-4;
            if x < 709.0 && x > -708.0 {
                let (actual, expected) = (x.exp_lane(), libm::exp(x));
                worst = worst.max(actual.to_bits().abs_diff(expected.to_bits()));
            }
            let single = (x * 0.125) as f32;
            if single.abs() < 87.0 {
                let (actual, expected) = (single.exp_lane(), libm::exp(f64::from(single)) as f32);
                worst_single = worst_single.max(actual.to_bits().abs_diff(expected.to_bits()));
            }
        }
        // Units in the last place.
        assert!(worst <= 1 && worst_single <= 1, "{worst} {worst_single}");
        for tiny in [f64::MIN_POSITIVE, 5e-324, -5e-324] {
            assert_eq!((tiny.exp_lane(), (tiny as f32).exp_lane()), (1.0, 1.0));
        }
        assert_eq!(1e-45_f32.exp_lane(), 1.0);
        assert_eq!((0.0_f32.exp_lane(), 0.0_f64.exp_lane()), (1.0, 1.0));
        assert_eq!(
            (f32::NEG_INFINITY.exp_lane(), f64::NEG_INFINITY.exp_lane()),
            (0.0, 0.0)
        );
        assert!(f32::INFINITY.exp_lane().is_finite() && f64::MAX.exp_lane().is_finite());
        assert!(f32::NAN.exp_lane().is_nan() && f64::NAN.exp_lane().is_nan());
    }
}

//! Element types of the kernels.

use std::mem::MaybeUninit;

use crate::aligned::{AlignedJob, SLOTS};
#[cfg(target_arch = "x86_64")]
use crate::arithmetic::x86::Vectors;
use crate::coupling::{CouplingJob, Operands};
use crate::dense::{self, Matrix};
use crate::fused::{self, FusedJob};

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
    /// to two units in the last place, constant (and finite) above 709 (`f32`: 88), and zero where it
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

    /// [`fused::gradients`] and [`fused::second`], likewise.
    #[doc(hidden)]
    fn fused(job: FusedJob<'_>, operands: fused::Operands<'_, Self>) -> Vec<Vec<Self>>;

    /// A product of matrices of [`dense`](crate::dense), likewise.
    ///
    /// # Safety
    /// If it `adds`, there are numbers in `out`.
    #[doc(hidden)]
    unsafe fn dense(
        matrix: &Matrix<'_, Self>,
        rows: &[[usize; 2]],
        left: (&[Self], &[usize]),
        adds: bool,
        out: &mut [MaybeUninit<Self>],
    );
}

macro_rules! impl_real {
    ($t:ty, range: $low:literal .. $high:literal, magic: $magic:literal, bits: $bits:literal,
     log2_e: $log2_e:expr, ln2: [$ln2:expr, $rest:expr],
     series: [($last_even:literal, $last_odd:literal) $(, ($even:literal, $odd:literal))*]) => {
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
                // A comparison that leaves NaN alone.
                let x = if self > $high { $high } else { self };
                // Adding a large number rounds to an integer k and leaves it in the last bits:
                // exp(x) = 2^k exp(r) with r = x - k ln 2 between -ln(2)/2 and ln(2)/2.
                let shifted = x.mul_add($log2_e, $magic);
                let k: $t = shifted - $magic;
                let r = (-k).mul_add($rest, (-k).mul_add($ln2, x));
                // exp(r) = 1 + r + r^2 q(r), the terms of q in pairs: half as many steps that wait
                // for each other.
                let square = r * r;
                let q: $t = r.mul_add($last_odd, $last_even);
                $(let q = q.mul_add(square, r.mul_add($odd, $even));)*
                let power = (shifted.to_bits() << $bits).wrapping_add(<$t>::to_bits(1.0));
                let power = <$t>::from_bits(power);
                let result = q.mul_add(square, r).mul_add(power, power);
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

            fn fused(job: FusedJob<'_>, operands: fused::Operands<'_, Self>) -> Vec<Vec<Self>> {
                job.run(operands)
            }

            unsafe fn dense(
                matrix: &Matrix<'_, Self>,
                rows: &[[usize; 2]],
                left: (&[Self], &[usize]),
                adds: bool,
                out: &mut [MaybeUninit<Self>],
            ) {
                // SAFETY: the caller vouches for the numbers.
                unsafe { dense::multiply(matrix, rows, left, adds, out) }
            }
        }
    };
}

// ln 2 in two parts, and the polynomials q: for f32 with the smallest largest error (1.0e-7 of the
// exponential), for f64 from the values at the zeros of a Chebyshev polynomial (1.6e-17).
impl_real!(
    f32, range: -87.0 .. 88.0, magic: 12_582_912.0, bits: 23,
    log2_e: std::f32::consts::LOG2_E, ln2: [std::f32::consts::LN_2, -1.904_654_3e-9],
    series: [(0.041_890_16, 0.008_312_521_5), (0.499_992_31, 0.166_671_15)]
);
impl_real!(
    f64, range: -708.0 .. 709.0, magic: 6_755_399_441_055_744.0, bits: 52,
    log2_e: std::f64::consts::LOG2_E, ln2: [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10],
    series: [
        (2.762_008_844_540_974_6e-7, 2.510_038_549_551_032e-8),
        (2.480_152_129_595_437_6e-5, 2.755_726_845_999_706_4e-6),
        (0.001_388_888_891_721_371_7, 0.000_198_412_698_630_536_18),
        (0.041_666_666_666_624_13, 0.008_333_333_333_330_062),
        (0.500_000_000_000_000_1, 0.166_666_666_666_666_69)
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
        assert!(worst <= 1 && worst_single <= 2, "{worst} {worst_single}");
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

//! Element types of the kernels.

use crate::aligned::{AlignedJob, SLOTS};
#[cfg(target_arch = "x86_64")]
use crate::arithmetic::x86::Vectors;

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
}

macro_rules! impl_real {
    ($t:ty) => {
        impl Real for $t {
            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                self.mul_add(a, b)
            }

            #[inline(always)]
            fn exp(self) -> Self {
                self.exp()
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
        }
    };
}

impl_real!(f32);
impl_real!(f64);

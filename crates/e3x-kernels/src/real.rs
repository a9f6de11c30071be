//! Element types of the kernels.

/// `f32` or `f64`.
pub trait Real: e3x_so3::Real + std::ops::MulAssign + std::iter::Sum {
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
        }
    };
}

impl_real!(f32);
impl_real!(f64);

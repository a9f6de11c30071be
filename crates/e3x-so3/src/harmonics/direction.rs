//! The unit vectors at which spherical harmonics are evaluated.

use pulp::Simd;

use crate::Real;
use crate::simd::{Mask, Wide};

/// Where polynomials are evaluated, one point per lane, and how their derivatives become those of the harmonics.
#[derive(Clone, Copy)]
pub(super) struct Direction<S: Simd, T: Real> {
    /// The point.
    pub(super) u: [Wide<S, T>; 3],
    /// `|u|²`.
    pub(super) square: Wide<S, T>,
    /// Whether vectors are normalized at all.
    pub(super) is_normalized: bool,
    /// The unit vector that derivatives are orthogonal to; zero for a vector that is not normalized.
    pub(super) unit: [Wide<S, T>; 3],
    /// One for a vector that is normalized, zero otherwise.
    pub(super) is_unit: Wide<S, T>,
    /// What derivatives are multiplied by: `1 / |r|`, or one for a vector that is not normalized.
    pub(super) inverse_norm: Wide<S, T>,
}

impl<S: Simd, T: Real> Direction<S, T> {
    /// For points, normalized first or as they are.
    #[inline(always)]
    pub(super) fn new(r: [Wide<S, T>; 3], normalizes: bool) -> Self {
        if normalizes {
            Self::of_unit_vectors(r)
        } else {
            Self::of_points(r)
        }
    }

    #[inline(always)]
    fn of_points(r: [Wide<S, T>; 3]) -> Self {
        let [zero, one] = [r[0].same(T::ZERO), r[0].same(T::ONE)];
        Self {
            u: r,
            square: square(r),
            is_normalized: false,
            unit: [zero; 3],
            is_unit: zero,
            inverse_norm: one,
        }
    }

    /// A vector whose squared norm is not above the smallest normal number stays as it
    /// is.
    #[inline(always)]
    fn of_unit_vectors(r: [Wide<S, T>; 3]) -> Self {
        let squared = square(r);
        let norm = squared.sqrt();
        let one = norm.same(T::ONE);
        let inverse_norm = one / norm;
        let unit = [
            quotient(r[0], norm, inverse_norm),
            quotient(r[1], norm, inverse_norm),
            quotient(r[2], norm, inverse_norm),
        ];
        let mut direction = Self {
            u: unit,
            square: square(unit),
            is_normalized: true,
            unit,
            is_unit: one,
            inverse_norm,
        };
        // Squares of large components overflow, and those of small ones vanish.
        let outside = squared.is_outside(T::TINY / T::EPSILON, T::ONE / T::TINY);
        if squared.any(outside) {
            direction.correct(r, outside);
        }
        direction
    }

    /// Corrects very short and very long vectors.
    #[inline(always)]
    fn correct(&mut self, r: [Wide<S, T>; 3], outside: Mask<S, T>) {
        let (one, zero) = (r[0].same(T::ONE), r[0].same(T::ZERO));
        let largest = r[0]
            .abs()
            .max(r[1].abs())
            .max(r[2].abs())
            .max(one * T::TINY);
        let scaled = [r[0] / largest, r[1] / largest, r[2] / largest];
        let scaled_norm = square(scaled).sqrt();
        let norm = largest * scaled_norm;
        let inverse_norm = one / scaled_norm / largest;
        let stays = (norm * norm).is_at_most(T::TINY);
        for axis in 0..3 {
            let unit = scaled[axis] / scaled_norm;
            self.u[axis] = r[axis]
                .where_or(stays, unit)
                .where_or(outside, self.u[axis]);
            self.unit[axis] = zero
                .where_or(stays, unit)
                .where_or(outside, self.unit[axis]);
        }
        self.square = square(self.u);
        self.is_unit = zero.where_or(stays, one).where_or(outside, self.is_unit);
        self.inverse_norm = one
            .where_or(stays, inverse_norm)
            .where_or(outside, self.inverse_norm);
    }
}

#[inline(always)]
fn square<S: Simd, T: Real>([x, y, z]: [Wide<S, T>; 3]) -> Wide<S, T> {
    z.mul_add(z, y.mul_add(y, x * x))
}

/// `a / b` with a known `1 / b`, rounded as by a division (Markstein, "IA-64 and Elementary Functions", chapter 8), but
/// several times faster.
#[inline(always)]
fn quotient<S: Simd, T: Real>(a: Wide<S, T>, b: Wide<S, T>, inverse: Wide<S, T>) -> Wide<S, T> {
    let estimate = a * inverse;
    a.sub_product(estimate, b).mul_add(inverse, estimate)
}

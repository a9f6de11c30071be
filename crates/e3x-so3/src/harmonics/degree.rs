//! One degree from the degrees below, at one point per lane.

use pulp::Simd;

use super::coefficients::Terms;
use super::direction::Direction;
use crate::simd::Wide;
use crate::{Order, Real};

/// The components of a vector.
pub(super) type Vector<S, T> = [Wide<S, T>; 3];

/// Degree `l >= 1`.
#[derive(Clone, Copy)]
pub(super) struct Degree<'a, S: Simd, T: Real, const CARTESIAN: bool> {
    pub(super) l: usize,
    pub(super) terms: &'a [Terms<T>],
    pub(super) direction: &'a Direction<S, T>,
    /// The order in which derivatives are written.
    pub(super) order: Order,
}

impl<S: Simd, T: Real, const CARTESIAN: bool> Degree<'_, S, T, CARTESIAN> {
    /// Where the harmonics of degree `l` and order `m >= 0` are in the order of the kernel.
    #[inline(always)]
    fn cos(l: usize, m: usize) -> usize {
        if CARTESIAN { 2 * (l - m) } else { l + m }
    }

    /// Where the harmonics of degree `l` and order `-m < 0` are in the order of the kernel.
    #[inline(always)]
    fn sin(l: usize, m: usize) -> usize {
        if CARTESIAN { 2 * (l - m) + 1 } else { l - m }
    }

    /// Writes the values behind those of degree `l-1`, of which `lower` ends with the two highest degrees.
    #[inline(always)]
    pub(super) fn values(&self, lower: &[Wide<S, T>], this: &mut [Wide<S, T>]) {
        let Self {
            l,
            terms,
            direction,
            ..
        } = *self;
        let [x, y, z] = direction.u;
        let (lower, previous) = lower.split_at(lower.len() - (2 * l - 1));
        let this = &mut this[..2 * l + 1];
        if l >= 2 {
            let before = &lower[lower.len() - (2 * l - 3)..];
            for m in 0..l - 1 {
                let (alpha, beta) = (z * terms[m].alpha, direction.square * terms[m].beta);
                let above = alpha * previous[Self::cos(l - 1, m)];
                this[Self::cos(l, m)] = above.sub_product(beta, before[Self::cos(l - 2, m)]);
                if m > 0 {
                    let above = alpha * previous[Self::sin(l - 1, m)];
                    this[Self::sin(l, m)] = above.sub_product(beta, before[Self::sin(l - 2, m)]);
                }
            }
        }
        let (alpha, kappa) = (z * terms[l - 1].alpha, terms[l].alpha);
        let real = previous[Self::cos(l - 1, l - 1)];
        let (mut along_x, mut along_y) = (x * real, y * real);
        this[Self::cos(l, l - 1)] = alpha * real;
        if l > 1 {
            let imaginary = previous[Self::sin(l - 1, l - 1)];
            this[Self::sin(l, l - 1)] = alpha * imaginary;
            along_x = along_x.sub_product(y, imaginary);
            along_y = x.mul_add(imaginary, along_y);
        }
        this[Self::cos(l, l)] = along_x * kappa;
        this[Self::sin(l, l)] = along_y * kappa;
    }

    /// Writes the gradients from the values of this degree and of those that `lower` ends with.
    #[inline(always)]
    pub(super) fn gradients(
        &self,
        lower: &[Wide<S, T>],
        this: &[Wide<S, T>],
        gradients: &mut [Wide<S, T>],
    ) {
        let Self {
            l,
            terms,
            direction,
            ..
        } = *self;
        let lower = &lower.as_chunks::<1>().0[lower.len() - (2 * l - 1)..];
        let gradients = &mut gradients.as_chunks_mut::<3>().0[..2 * l + 1];
        // The polynomials are homogeneous: their slope along u is l times their value.
        let scale = direction.inverse_norm * T::from_f64(-(l as f64));
        let radial = scaled(direction.unit, scale);
        for m in 0..=l {
            let [a, b, c] = terms[m].ladder;
            let inverse = direction.inverse_norm;
            let ladder = [inverse * a, inverse * b, inverse * c];
            let mut start = [[scale.same(T::ZERO); 3]; 2];
            if direction.is_normalized {
                start[0] = scaled(radial, this[Self::cos(l, m)]);
                if m > 0 {
                    start[1] = scaled(radial, this[Self::sin(l, m)]);
                }
            }
            let pair = self.derivatives(m, ladder, lower, 0, start);
            gradients[self.place(m, 1)] = pair[0];
            if m > 0 {
                gradients[self.place(m, -1)] = pair[1];
            }
        }
    }

    /// Writes the gradients of the polynomials at `u` from the values that `lower` ends with.
    #[inline(always)]
    pub(super) fn slopes(&self, lower: &[Wide<S, T>], slopes: &mut [Vector<S, T>]) {
        let lower = &lower.as_chunks::<1>().0[lower.len() - (2 * self.l - 1)..];
        let zero = [self.direction.square.same(T::ZERO); 3];
        for m in 0..=self.l {
            let ladder = self.ladder(m);
            let pair = self.derivatives(m, ladder, lower, 0, [zero; 2]);
            slopes[Self::cos(self.l, m)] = pair[0];
            if m > 0 {
                slopes[Self::sin(self.l, m)] = pair[1];
            }
        }
    }

    /// Writes gradients and Hessians from values, the slopes of this degree and those of degree `l-1`.
    #[inline(always)]
    pub(super) fn hessians(
        &self,
        values: &[Wide<S, T>],
        lower: &[Vector<S, T>],
        slopes: &[Vector<S, T>],
        gradients: &mut [Wide<S, T>],
        hessians: &mut [Wide<S, T>],
    ) {
        let gradients = gradients.as_chunks_mut::<3>().0;
        let hessians = hessians.as_chunks_mut::<3>().0.as_chunks_mut::<3>().0;
        let zero = [self.direction.square.same(T::ZERO); 3];
        for m in 0..=self.l {
            let ladder = self.ladder(m);
            for component in 0..3 {
                let pair = self.derivatives(m, ladder, lower, component, [zero; 2]);
                hessians[self.place(m, 1)][component] = pair[0];
                if m > 0 {
                    hessians[self.place(m, -1)][component] = pair[1];
                }
            }
        }
        for m in 0..=self.l {
            let (i, place) = (Self::cos(self.l, m), self.place(m, 1));
            gradients[place] = self.project(values[i], slopes[i], &mut hessians[place]);
            if m > 0 {
                let (i, place) = (Self::sin(self.l, m), self.place(m, -1));
                gradients[place] = self.project(values[i], slopes[i], &mut hessians[place]);
            }
        }
    }

    /// Turns derivatives of a polynomial at `u` into those of the harmonic at `u / inverse_norm`. With the gradient
    /// `g` and the Hessian `H` of the polynomial `R`, and `p = g - l R u`,
    ///
    /// ```text
    /// |r|  ∂Y/∂r   = p
    /// |r|² ∂²Y/∂r² = H - l (p uᵀ + u pᵀ) - l R (1 + (l-2) u uᵀ)
    /// ```
    #[inline(always)]
    fn project(
        &self,
        value: Wide<S, T>,
        slope: Vector<S, T>,
        hessian: &mut [Vector<S, T>; 3],
    ) -> Vector<S, T> {
        let direction = self.direction;
        if !direction.is_normalized {
            return slope;
        }
        let (unit, inverse_norm) = (direction.unit, direction.inverse_norm);
        let l = T::from_f64(self.l as f64);
        let along = value * l;
        let orthogonal = [
            slope[0].sub_product(along, unit[0]),
            slope[1].sub_product(along, unit[1]),
            slope[2].sub_product(along, unit[2]),
        ];
        let square = along * T::from_f64(self.l as f64 - 2.0);
        for i in 0..3 {
            for j in 0..3 {
                let mixed = orthogonal[j].mul_add(unit[i], orthogonal[i] * unit[j]) * l;
                let mixed = (square * unit[i]).mul_add(unit[j], mixed);
                let mixed = if i == j {
                    along.mul_add(direction.is_unit, mixed)
                } else {
                    mixed
                };
                hessian[i][j] = (hessian[i][j] - mixed) * inverse_norm * inverse_norm;
            }
        }
        scaled(orthogonal, inverse_norm)
    }

    /// Where derivatives of order `sign · m` are written.
    #[inline(always)]
    fn place(&self, m: usize, sign: isize) -> usize {
        self.order.position(self.l, sign * m as isize)
    }

    #[inline(always)]
    fn ladder(&self, m: usize) -> Vector<S, T> {
        let [a, b, c] = self.terms[m].ladder;
        let one = self.direction.square.same(T::ONE);
        [one * a, one * b, one * c]
    }

    /// Adds the derivatives of the polynomials of orders `m` and `-m` to `start`; see
    /// [`derivative_terms`](super::derivative_terms). `lower` are the polynomials of degree `l-1`, or components of
    /// their derivatives.
    #[inline(always)]
    fn derivatives<const N: usize>(
        &self,
        m: usize,
        [a, b, vertical]: Vector<S, T>,
        lower: &[[Wide<S, T>; N]],
        component: usize,
        [mut even, mut odd]: [Vector<S, T>; 2],
    ) -> [Vector<S, T>; 2] {
        let l = self.l;
        if m >= 1 {
            let c = lower[Self::cos(l - 1, m - 1)][component];
            even[0] = a.mul_add(c, even[0]);
            odd[1] = a.mul_add(c, odd[1]);
        }
        if m >= 2 {
            let s = lower[Self::sin(l - 1, m - 1)][component];
            even[1] = even[1].sub_product(a, s);
            odd[0] = a.mul_add(s, odd[0]);
        }
        if m + 1 < l {
            let c = lower[Self::cos(l - 1, m + 1)][component];
            let s = lower[Self::sin(l - 1, m + 1)][component];
            even[0] = even[0].sub_product(b, c);
            even[1] = even[1].sub_product(b, s);
            odd[0] = odd[0].sub_product(b, s);
            odd[1] = b.mul_add(c, odd[1]);
        }
        if m < l {
            let c = lower[Self::cos(l - 1, m)][component];
            even[2] = vertical.mul_add(c, even[2]);
            if m > 0 {
                let s = lower[Self::sin(l - 1, m)][component];
                odd[2] = vertical.mul_add(s, odd[2]);
            }
        }
        [even, odd]
    }
}

#[inline(always)]
fn scaled<S: Simd, T: Real>([x, y, z]: Vector<S, T>, factor: Wide<S, T>) -> Vector<S, T> {
    [x * factor, y * factor, z * factor]
}

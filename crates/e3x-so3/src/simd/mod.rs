//! Vectors of numbers under run-time dispatch of instructions.
//!
//! Kernels are generic over [`pulp::Simd`], the instructions, and [`Real`], the numbers, and compute with [`Wide`].
//! Everything they call is `#[inline(always)]`, so that it is compiled for the instructions of the kernel; that excludes
//! closures.

mod points;
mod transpose;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::{Div, Mul, Sub};

use pulp::Simd;
use pulp::bytemuck::{Pod, cast_slice_mut};

use crate::Real;

pub(crate) use points::PointBlocks;
pub(crate) use transpose::Transpose;

/// The number of lanes of the widest vectors.
pub(crate) const MAX_LANES: usize = 16;

/// Numbers that fill vectors: `f32` and `f64`. The operations act lane by lane.
pub trait Lanes: Copy + Pod {
    /// A register of numbers.
    type Vector<S: Simd>: Pod + Send + Sync;
    /// One truth value per lane.
    type Mask<S: Simd>: Copy;

    /// Equal numbers.
    fn splat_lanes<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;
    /// `a - b`.
    fn sub_lanes<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a b`.
    fn mul_lanes<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a / b`.
    fn div_lanes<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a b + c`, rounded once where the processor can.
    fn mul_add_lanes<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// `c - a b`, rounded once where the processor can.
    fn sub_product_lanes<S: Simd>(
        simd: S,
        c: Self::Vector<S>,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// The square root.
    fn sqrt_lanes<S: Simd>(simd: S, a: Self::Vector<S>) -> Self::Vector<S>;
    /// The absolute value.
    fn abs_lanes<S: Simd>(simd: S, a: Self::Vector<S>) -> Self::Vector<S>;
    /// The larger number.
    fn max_lanes<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a <= b`; not for NaN.
    fn is_at_most<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Mask<S>;
    /// Whether one of two masks holds.
    fn or<S: Simd>(simd: S, a: Self::Mask<S>, b: Self::Mask<S>) -> Self::Mask<S>;
    /// Whether a mask holds anywhere.
    fn any<S: Simd>(simd: S, mask: Self::Mask<S>) -> bool;
    /// `yes` where the mask holds, `no` elsewhere.
    fn select_lanes<S: Simd>(
        simd: S,
        mask: Self::Mask<S>,
        yes: Self::Vector<S>,
        no: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// Four vectors as one array of quadruples: `a[i], b[i], c[i], d[i]` for every lane `i`, in an order of lanes that
    /// depends on the instructions only; see [`lane_order`].
    fn interleave_lanes<S: Simd>(simd: S, vectors: [Self::Vector<S>; 4]) -> [Self::Vector<S>; 4];
    /// Writes as many vectors as they have lanes as the first columns of a matrix with rows that begin `width` numbers
    /// after each other, if there are instructions for it.
    fn write_square<S: Simd>(simd: S, columns: &[Wide<S, Self>], width: usize, matrix: &mut [Self])
    where
        Self: Real;
    /// Writes four vectors as the columns of a matrix with four columns, if there are instructions for it.
    fn write_fours<S: Simd>(simd: S, columns: [Self::Vector<S>; 4], rows: &mut [Self]);
    /// The components of the first points, if there are instructions for it.
    fn read_points<S: Simd>(simd: S, points: &[[Self; 3]]) -> Option<[Self::Vector<S>; 3]>;
}

macro_rules! impl_lanes {
    ($type:ident, $vector:ident, $mask:ident, $($op:ident)*) => {
        impl Lanes for $type {
            type Vector<S: Simd> = S::$vector;
            type Mask<S: Simd> = S::$mask;
            impl_lanes!(@ $vector $($op)*);
        }
    };
    (@ $v:ident $splat:ident $sub:ident $mul:ident $div:ident $mul_add:ident $negate_mul_add:ident $sqrt:ident $abs:ident
     $max:ident $less_or_equal:ident $or:ident $first:ident $select:ident $interleave:ident
     $write:ident $write_fours:ident $read:ident) => {
            #[inline(always)]
            fn splat_lanes<S: Simd>(simd: S, value: Self) -> S::$v {
                simd.$splat(value)
            }
            #[inline(always)]
            fn sub_lanes<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                simd.$sub(a, b)
            }
            #[inline(always)]
            fn mul_lanes<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                simd.$mul(a, b)
            }
            #[inline(always)]
            fn div_lanes<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                simd.$div(a, b)
            }
            #[inline(always)]
            fn mul_add_lanes<S: Simd>(simd: S, a: S::$v, b: S::$v, c: S::$v) -> S::$v {
                simd.$mul_add(a, b, c)
            }
            #[inline(always)]
            fn sub_product_lanes<S: Simd>(simd: S, c: S::$v, a: S::$v, b: S::$v) -> S::$v {
                simd.$negate_mul_add(a, b, c)
            }
            #[inline(always)]
            fn sqrt_lanes<S: Simd>(simd: S, a: S::$v) -> S::$v {
                simd.$sqrt(a)
            }
            #[inline(always)]
            fn abs_lanes<S: Simd>(simd: S, a: S::$v) -> S::$v {
                simd.$abs(a)
            }
            #[inline(always)]
            fn max_lanes<S: Simd>(simd: S, a: S::$v, b: S::$v) -> S::$v {
                simd.$max(a, b)
            }
            #[inline(always)]
            fn is_at_most<S: Simd>(simd: S, a: S::$v, b: S::$v) -> Self::Mask<S> {
                simd.$less_or_equal(a, b)
            }
            #[inline(always)]
            fn or<S: Simd>(simd: S, a: Self::Mask<S>, b: Self::Mask<S>) -> Self::Mask<S> {
                simd.$or(a, b)
            }
            #[inline(always)]
            fn any<S: Simd>(simd: S, mask: Self::Mask<S>) -> bool {
                simd.$first(mask) < Wide::<S, Self>::LANES
            }
            #[inline(always)]
            fn select_lanes<S: Simd>(simd: S, mask: Self::Mask<S>, yes: S::$v, no: S::$v) -> S::$v {
                simd.$select(mask, yes, no)
            }
            #[inline(always)]
            fn interleave_lanes<S: Simd>(simd: S, vectors: [S::$v; 4]) -> [S::$v; 4] {
                simd.$interleave(vectors)
            }
            #[inline(always)]
            fn write_square<S: Simd>(simd: S, columns: &[Wide<S, Self>], width: usize, matrix: &mut [Self]) {
                #[cfg(target_arch = "x86_64")]
                if let Some(columns) = columns.first_chunk() {
                    x86::$write(simd, columns, width, matrix);
                }
            }
            #[inline(always)]
            fn write_fours<S: Simd>(simd: S, columns: [S::$v; 4], rows: &mut [Self]) {
                #[cfg(target_arch = "x86_64")]
                x86::$write_fours(simd, columns, rows);
            }
            #[inline(always)]
            fn read_points<S: Simd>(simd: S, points: &[[Self; 3]]) -> Option<[S::$v; 3]> {
                #[cfg(target_arch = "x86_64")]
                return x86::$read(simd, points);
                #[cfg(not(target_arch = "x86_64"))]
                None
            }
    };
}

impl_lanes!(f32, f32s, m32s, splat_f32s sub_f32s mul_f32s div_f32s mul_add_e_f32s negate_mul_add_e_f32s sqrt_f32s abs_f32s
    max_f32s less_than_or_equal_f32s or_m32s first_true_m32s select_f32s interleave_shfl_f32s write_f32 write_fours_f32 read_f32);
impl_lanes!(f64, f64s, m64s, splat_f64s sub_f64s mul_f64s div_f64s mul_add_e_f64s negate_mul_add_e_f64s sqrt_f64s abs_f64s
    max_f64s less_than_or_equal_f64s or_m64s first_true_m64s select_f64s interleave_shfl_f64s write_f64 write_fours_f64 read_f64);

/// A register of numbers with the operators of numbers, lane by lane.
///
/// Aligned, so that no vector lies in two lines of the cache; pulp's own types are not.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub struct Wide<S: Simd, T: Real> {
    simd: S,
    lanes: T::Vector<S>,
}

impl<S: Simd, T: Real> Wide<S, T> {
    /// The number of lanes.
    pub(crate) const LANES: usize = size_of::<T::Vector<S>>() / size_of::<T>();

    /// Equal numbers.
    #[inline(always)]
    pub(crate) fn splat(simd: S, value: T) -> Self {
        let lanes = T::splat_lanes(simd, value);
        Self { simd, lanes }
    }

    /// The first numbers of a slice.
    #[inline(always)]
    pub(crate) fn load(simd: S, numbers: &[T]) -> Self {
        let mut wide = Self::splat(simd, T::ZERO);
        let lanes: &mut [T] = cast_slice_mut(std::slice::from_mut(&mut wide.lanes));
        lanes.copy_from_slice(&numbers[..Self::LANES]);
        wide
    }

    /// The components of as many points as there are lanes.
    #[inline(always)]
    pub(crate) fn load_points(simd: S, points: &[[T; 3]]) -> [Self; 3] {
        if let Some([x, y, z]) = T::read_points(simd, points) {
            return [
                Self { simd, lanes: x },
                Self { simd, lanes: y },
                Self { simd, lanes: z },
            ];
        }
        let [mut x, mut y, mut z] = [[T::ZERO; MAX_LANES]; 3];
        for (((r, x), y), z) in points[..Self::LANES]
            .iter()
            .zip(&mut x)
            .zip(&mut y)
            .zip(&mut z)
        {
            [*x, *y, *z] = *r;
        }
        [
            Self::load(simd, &x),
            Self::load(simd, &y),
            Self::load(simd, &z),
        ]
    }

    /// `value` in all lanes.
    #[inline(always)]
    pub(crate) fn same(self, value: T) -> Self {
        Self::splat(self.simd, value)
    }

    /// `self b + c`, rounded once where the processor can.
    #[inline(always)]
    pub(crate) fn mul_add(self, b: Self, c: Self) -> Self {
        self.with(T::mul_add_lanes(self.simd, self.lanes, b.lanes, c.lanes))
    }

    /// `self - a b`, rounded once where the processor can.
    #[inline(always)]
    pub(crate) fn sub_product(self, a: Self, b: Self) -> Self {
        self.with(T::sub_product_lanes(
            self.simd, self.lanes, a.lanes, b.lanes,
        ))
    }

    /// The square root.
    #[inline(always)]
    pub(crate) fn sqrt(self) -> Self {
        self.with(T::sqrt_lanes(self.simd, self.lanes))
    }

    /// The absolute value.
    #[inline(always)]
    pub(crate) fn abs(self) -> Self {
        self.with(T::abs_lanes(self.simd, self.lanes))
    }

    /// The larger number.
    #[inline(always)]
    pub(crate) fn max(self, other: Self) -> Self {
        self.with(T::max_lanes(self.simd, self.lanes, other.lanes))
    }

    /// Where numbers are at most `bound`; not where they are NaN.
    #[inline(always)]
    pub(crate) fn is_at_most(self, bound: T) -> Mask<S, T> {
        Mask(T::is_at_most(self.simd, self.lanes, self.same(bound).lanes))
    }

    /// Where numbers are at most `low` or at least `high`; not where they are NaN.
    #[inline(always)]
    pub(crate) fn is_outside(self, low: T, high: T) -> Mask<S, T> {
        let is_high = T::is_at_most(self.simd, self.same(high).lanes, self.lanes);
        Mask(T::or(self.simd, self.is_at_most(low).0, is_high))
    }

    /// Whether a mask holds anywhere.
    #[inline(always)]
    pub(crate) fn any(self, mask: Mask<S, T>) -> bool {
        T::any(self.simd, mask.0)
    }

    /// `self` where the mask holds, `other` elsewhere.
    #[inline(always)]
    pub(crate) fn where_or(self, mask: Mask<S, T>, other: Self) -> Self {
        self.with(T::select_lanes(self.simd, mask.0, self.lanes, other.lanes))
    }

    #[inline(always)]
    fn with(self, lanes: T::Vector<S>) -> Self {
        Self { lanes, ..self }
    }
}

/// Whether there is [`Lanes::write_square`].
#[inline(always)]
fn has_squares<S: Simd>(simd: S) -> bool {
    #[cfg(target_arch = "x86_64")]
    return x86::is_v4(simd);
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Asks for the line of an address, which may be any, to be brought to the first cache, if there is an instruction for it.
#[inline(always)]
fn prefetch<S: Simd, T>(simd: S, address: *const T) {
    #[cfg(target_arch = "x86_64")]
    x86::prefetch(simd, address);
}

/// One truth value per lane.
#[derive(Clone, Copy)]
pub(crate) struct Mask<S: Simd, T: Real>(T::Mask<S>);

macro_rules! impl_operator {
    ($trait:ident, $method:ident, $op:ident) => {
        impl<S: Simd, T: Real> $trait for Wide<S, T> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.with(T::$op(self.simd, self.lanes, other.lanes))
            }
        }
    };
}

impl_operator!(Sub, sub, sub_lanes);
impl_operator!(Mul, mul, mul_lanes);
impl_operator!(Div, div, div_lanes);

impl<S: Simd, T: Real> Mul<T> for Wide<S, T> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, factor: T) -> Self {
        self * self.same(factor)
    }
}

//! Sums and extremes of the entries of each row, in registers.

use std::marker::PhantomData;
use std::ops::Range;

use pulp::NullaryFnOnce;

use crate::csr::Csr;
use crate::lanes::LANES;
use crate::segment::Value;

/// How two values become one.
pub(crate) trait Reduction {
    fn combine<T: Value>(a: T, b: T) -> T;
}

pub(crate) struct Sum;
pub(crate) struct Max;
pub(crate) struct Min;

impl Reduction for Sum {
    #[inline(always)]
    fn combine<T: Value>(a: T, b: T) -> T {
        a.plus(b)
    }
}

impl Reduction for Max {
    #[inline(always)]
    fn combine<T: Value>(a: T, b: T) -> T {
        if b > a || is_nan(b) { b } else { a }
    }
}

impl Reduction for Min {
    #[inline(always)]
    fn combine<T: Value>(a: T, b: T) -> T {
        if b < a || is_nan(b) { b } else { a }
    }
}

#[inline(always)]
fn is_nan<T: Value>(x: T) -> bool {
    x.partial_cmp(&x).is_none()
}

/// The reduction of some rows, from `first` on.
pub(crate) struct Reduce<'a, T, R> {
    pub(crate) groups: &'a Csr,
    pub(crate) first: usize,
    pub(crate) x: &'a [T],
    pub(crate) width: usize,
    /// Starts with the values of rows without entries.
    pub(crate) out: &'a mut [T],
    pub(crate) reduction: PhantomData<R>,
}

impl<T: Value, R: Reduction> NullaryFnOnce for Reduce<'_, T, R> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            groups, x, width, ..
        } = self;
        for (i, out) in self.out.chunks_exact_mut(width).enumerate() {
            let range = groups.range(self.first + i);
            if width == 1 && groups.entries().is_none() {
                out[0] = x[range].iter().fold(out[0], |a, &b| R::combine(a, b));
                continue;
            }
            let entries = Entries {
                groups,
                range,
                x,
                width,
            };
            let (wide, rest) = out.as_chunks_mut::<{ 2 * LANES }>();
            let (blocks, rest) = rest.as_chunks_mut::<LANES>();
            let mut column = 0;
            for out in wide {
                entries.reduce_columns::<R, { 2 * LANES }>(column, out);
                column += out.len();
            }
            for out in blocks {
                entries.reduce_columns::<R, LANES>(column, out);
                column += out.len();
            }
            if !rest.is_empty() {
                entries.reduce_rest::<R>(column, rest);
            }
        }
    }
}

/// The entries of one row.
struct Entries<'a, T> {
    groups: &'a Csr,
    range: Range<usize>,
    x: &'a [T],
    width: usize,
}

impl<T: Value> Entries<'_, T> {
    /// Reduces `N` columns from `column` on, in registers.
    #[inline(always)]
    fn reduce_columns<R: Reduction, const N: usize>(&self, column: usize, out: &mut [T; N]) {
        let mut lanes = *out;
        for position in self.range.clone() {
            let row = &self.x[self.groups.entry(position) * self.width + column..][..N];
            for (lane, &value) in lanes.iter_mut().zip(row) {
                *lane = R::combine(*lane, value);
            }
        }
        *out = lanes;
    }

    /// Reduces the columns from `column` on.
    #[inline(always)]
    fn reduce_rest<R: Reduction>(&self, column: usize, out: &mut [T]) {
        for position in self.range.clone() {
            let row = &self.x[self.groups.entry(position) * self.width + column..][..out.len()];
            for (out, &value) in out.iter_mut().zip(row) {
                *out = R::combine(*out, value);
            }
        }
    }
}

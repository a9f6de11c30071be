//! Points, as many at once as there are lanes.

use pulp::Simd;

use super::{MAX_LANES, Wide};
use crate::Real;

/// The components of points, block by block; lanes behind the last point are zero.
pub(crate) struct PointBlocks<'a, S: Simd, T: Real> {
    simd: S,
    next: [Wide<S, T>; 3],
    /// The points behind those of `next`.
    rest: &'a [[T; 3]],
}

impl<'a, S: Simd, T: Real> PointBlocks<'a, S, T> {
    #[inline(always)]
    pub(crate) fn new(simd: S, points: &'a [[T; 3]]) -> Self {
        let next = [Wide::splat(simd, T::ZERO); 3];
        let rest = points;
        let mut blocks = Self { simd, next, rest };
        blocks.take();
        blocks
    }

    /// The next block.
    ///
    /// The one behind it is read at the same time: before the results of this one are written, for a processor takes a
    /// load for one of what an earlier store left, and waits, if both addresses end with the same 12 bits.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> [Wide<S, T>; 3] {
        let lanes = Wide::<S, T>::LANES;
        let block = self.next;
        if self.rest.len() >= lanes {
            let (points, rest) = self.rest.split_at(lanes);
            self.next = Wide::load_points(self.simd, points);
            self.rest = rest;
        } else if !self.rest.is_empty() {
            let mut points = [[T::ZERO; 3]; MAX_LANES];
            points[..self.rest.len()].copy_from_slice(self.rest);
            self.next = Wide::load_points(self.simd, &points);
            self.rest = &[];
        }
        block
    }
}

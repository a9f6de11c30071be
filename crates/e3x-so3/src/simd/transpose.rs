//! From vectors to rows of memory.

use pulp::Simd;
use pulp::bytemuck::cast_slice;

use super::{MAX_LANES, Wide};
use crate::Real;

/// The lane of each quadruple of [`Lanes::interleave_lanes`].
#[inline(always)]
fn order_of_lanes<S: Simd, T: Real>(simd: S) -> [usize; MAX_LANES] {
    let mut numbers = [T::ZERO; MAX_LANES];
    for (i, number) in numbers.iter_mut().enumerate() {
        *number = T::from_f64(i as f64);
    }
    let lanes = Wide::load(simd, &numbers).lanes;
    let quadruples = T::interleave_lanes(simd, [lanes; 4]);
    let mut order = [0; MAX_LANES];
    for (lane, quadruple) in order.iter_mut().zip(quadruples_of::<S, T>(&quadruples)) {
        *lane = quadruple[0].to_f64() as usize;
    }
    order
}

#[inline(always)]
fn quadruples_of<S: Simd, T: Real>(vectors: &[T::Vector<S>; 4]) -> &[[T; 4]] {
    cast_slice::<T::Vector<S>, T>(vectors).as_chunks().0
}

/// Writes vectors as columns of a matrix with one row per lane.
#[derive(Clone, Copy)]
pub(crate) struct Transpose {
    /// Where the row of each quadruple of [`Lanes::interleave_lanes`] begins.
    rows: [usize; MAX_LANES],
    width: usize,
}

impl Transpose {
    /// For rows of `width` numbers.
    #[inline(always)]
    pub(crate) fn new<S: Simd, T: Real>(simd: S, width: usize) -> Self {
        let mut rows = order_of_lanes::<S, T>(simd);
        for row in &mut rows {
            *row *= width;
        }
        Self { rows, width }
    }

    /// Writes `vectors` as the columns from `start` on of `matrix`.
    #[inline(always)]
    pub(crate) fn write<S: Simd, T: Real>(
        &self,
        vectors: &[Wide<S, T>],
        start: usize,
        matrix: &mut [T],
    ) {
        let (quads, rest) = vectors.as_chunks::<4>();
        for (i, quad) in quads.iter().enumerate() {
            self.write_quad(quad, start + 4 * i, matrix);
        }
        if rest.is_empty() {
            return;
        }
        if let Some(quad) = vectors.last_chunk::<4>() {
            // Some columns twice rather than one by one.
            self.write_quad(quad, start + vectors.len() - 4, matrix);
            return;
        }
        for (column, vector) in rest.iter().enumerate() {
            let lanes: &[T] = cast_slice(std::slice::from_ref(&vector.lanes));
            for (row, &number) in matrix.chunks_exact_mut(self.width).zip(lanes) {
                row[start + column] = number;
            }
        }
    }

    #[inline(always)]
    fn write_quad<S: Simd, T: Real>(
        &self,
        [a, b, c, d]: &[Wide<S, T>; 4],
        start: usize,
        matrix: &mut [T],
    ) {
        let vectors = [a.lanes, b.lanes, c.lanes, d.lanes];
        let quadruples = T::interleave_lanes(a.simd, vectors);
        let quadruples = quadruples_of::<S, T>(&quadruples);
        let matrix = &mut matrix[start..];
        for i in 0..Wide::<S, T>::LANES {
            matrix[self.rows[i]..][..4].copy_from_slice(&quadruples[i]);
        }
    }
}

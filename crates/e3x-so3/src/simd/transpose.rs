//! From vectors to rows of memory.

use pulp::Simd;
use pulp::bytemuck::cast_slice;

use super::{MAX_LANES, Wide, has_squares, prefetch};
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
        if has_squares(vectors[0].simd) {
            if vectors.len() >= Wide::<S, T>::LANES {
                return self.write_squares(vectors, start, matrix);
            }
            if let &[a, b, c, d] = vectors
                && self.width == 4
            {
                let columns = [a.lanes, b.lanes, c.lanes, d.lanes];
                return T::write_fours(a.simd, columns, matrix);
            }
        }
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
            self.write_column(vector, start + column, matrix);
        }
    }

    #[inline(always)]
    fn write_column<S: Simd, T: Real>(&self, vector: &Wide<S, T>, column: usize, matrix: &mut [T]) {
        let lanes: &[T] = cast_slice(std::slice::from_ref(&vector.lanes));
        for (row, &number) in matrix.chunks_exact_mut(self.width).zip(lanes) {
            row[column] = number;
        }
    }

    /// As [`Self::write`] for at least as many columns as there are lanes.
    #[inline(always)]
    fn write_squares<S: Simd, T: Real>(
        &self,
        vectors: &[Wide<S, T>],
        start: usize,
        matrix: &mut [T],
    ) {
        let lanes = Wide::<S, T>::LANES;
        let mut i = 0;
        if vectors.len() % lanes == 1 {
            self.write_column(&vectors[0], start, matrix);
            i = 1;
        }
        while i + lanes <= vectors.len() {
            self.write_square(&vectors[i..i + lanes], start + i, matrix);
            i += lanes;
        }
        if i < vectors.len() {
            // Some columns twice rather than with other instructions.
            let i = vectors.len() - lanes;
            self.write_square(&vectors[i..], start + i, matrix);
        }
    }

    #[inline(always)]
    fn write_square<S: Simd, T: Real>(
        &self,
        square: &[Wide<S, T>],
        start: usize,
        matrix: &mut [T],
    ) {
        let (simd, lanes) = (square[0].simd, Wide::<S, T>::LANES);
        T::write_square(simd, square, self.width, &mut matrix[start..]);
        // The rows of the next points come next, and memory is slow to hand out lines that are not expected.
        let next = matrix.as_ptr().wrapping_add((self.width + start) * lanes);
        for i in 0..lanes {
            prefetch(simd, next.wrapping_add(i * lanes));
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

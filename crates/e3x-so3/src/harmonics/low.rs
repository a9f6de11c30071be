//! Values of low degrees: straight-line code, from points to rows in registers.

use pulp::{Simd, WithSimd};

use super::batch::Evaluation;
use super::coefficients::Coefficients;
use super::degree::Degree;
use super::direction::Direction;
use crate::Real;
use crate::simd::{MAX_LANES, PointBlocks, Transpose, Wide};

/// The largest degree with code of its own.
pub(super) const LOW: usize = 4;
/// The number of harmonics up to there.
pub(super) const NUM_LOW: usize = (LOW + 1) * (LOW + 1);

/// The values of degrees `0..=L` at points `r`, each degree in Cartesian order or by increasing order.
pub(super) struct LowValues<'a, T, const L: usize, const CARTESIAN: bool> {
    pub(super) evaluation: Evaluation<'a, T>,
    pub(super) r: &'a [T],
    pub(super) values: &'a mut [T],
}

impl<T: Real, const L: usize, const CARTESIAN: bool> WithSimd for LowValues<'_, T, L, CARTESIAN> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            evaluation,
            r,
            values,
        } = self;
        let (lanes, num) = (Wide::<S, T>::LANES, (L + 1) * (L + 1));
        let transpose = Transpose::new::<S, T>(simd, num);
        let points = r.as_chunks::<3>().0;
        let mut blocks = PointBlocks::new(simd, points);
        let mut rows = values.chunks_exact_mut(lanes * num);
        for rows in &mut rows {
            let values = values_at::<S, T, L, CARTESIAN>(evaluation, blocks.take());
            transpose.write(&values[..num], 0, rows);
        }
        let rows = rows.into_remainder();
        if !rows.is_empty() {
            let values = values_at::<S, T, L, CARTESIAN>(evaluation, blocks.take());
            let mut all = [T::ZERO; NUM_LOW * MAX_LANES];
            transpose.write(&values[..num], 0, &mut all[..lanes * num]);
            rows.copy_from_slice(&all[..rows.len()]);
        }
    }
}

/// The values at one point per lane.
#[inline(always)]
fn values_at<S: Simd, T: Real, const L: usize, const CARTESIAN: bool>(
    evaluation: Evaluation<'_, T>,
    r: [Wide<S, T>; 3],
) -> [Wide<S, T>; NUM_LOW] {
    let coefficients = evaluation.coefficients;
    let direction = Direction::new(r, evaluation.normalizes);
    let mut values = [r[0].same(coefficients.constant); NUM_LOW];
    // Written out, so that all that depends on the degree is a constant.
    if L >= 1 {
        degree::<S, T, CARTESIAN>(1, coefficients, &direction, &mut values);
    }
    if L >= 2 {
        degree::<S, T, CARTESIAN>(2, coefficients, &direction, &mut values);
    }
    if L >= 3 {
        degree::<S, T, CARTESIAN>(3, coefficients, &direction, &mut values);
    }
    if L >= 4 {
        degree::<S, T, CARTESIAN>(4, coefficients, &direction, &mut values);
    }
    values
}

#[inline(always)]
fn degree<S: Simd, T: Real, const CARTESIAN: bool>(
    l: usize,
    coefficients: &Coefficients<T>,
    direction: &Direction<S, T>,
    values: &mut [Wide<S, T>; NUM_LOW],
) {
    let degree = Degree::<S, T, CARTESIAN> {
        l,
        terms: coefficients.of_degree(l),
        direction,
        order: coefficients.order,
    };
    let (lower, this) = values.split_at_mut(l * l);
    degree.values(lower, this);
}

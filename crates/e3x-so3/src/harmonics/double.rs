//! Harmonics of high degrees in single precision: computed in double precision and rounded.

use super::batch::{Evaluation, HasHarmonics, WORTH_SPLITTING};
use super::output::Output;
use crate::{Real, num_harmonics};

/// The largest degree up to which recursions in `f32` run in single precision; above, they run in double precision and
/// results are rounded.
///
/// The error in single precision grows with the square of the degree: it is 4e-6 at degree 20, 3e-4 at degree 200. From
/// degree 237 on recursions break down: away from the equator, `sin(θ)^m` falls below the smallest number, and what its
/// rounding leaves grows with the degree.
///
/// ```
/// assert_eq!(e3x_so3::MAX_SINGLE_DEGREE, 32);
/// ```
pub const MAX_SINGLE_DEGREE: usize = 32;

/// Whether harmonics of degrees up to `max_degree` are computed in double precision and rounded.
pub(super) fn is_rounded<T: Real>(max_degree: usize) -> bool {
    T::EPSILON.to_f64() > f64::EPSILON && max_degree > MAX_SINGLE_DEGREE
}

/// Numbers that are computed before they are rounded: they stay in the second cache.
const TOGETHER: usize = 1 << 16;
/// The least number of points that are computed together: that of the lanes of the widest vectors.
const LANES: usize = 8;
/// Numbers of a point above which points are not computed on several threads, which would need much memory.
const LARGE: usize = 1 << 20;

impl Evaluation<'_, f64> {
    /// Evaluates the harmonics of points `r`, for which `output` has room, in double precision.
    pub(super) fn run_rounded<T: Real>(self, r: &[T], mut output: Output<'_, T>) {
        let num = num_harmonics(self.coefficients.max_degree);
        let numbers = num * output.num_components();
        let (points, piece) = (r.len() / 3, (TOGETHER / numbers).max(LANES));
        if points <= piece {
            return self.round_piece(r, &mut output);
        }
        let near = points.div_ceil(2).next_multiple_of(LANES);
        let (r, others) = r.split_at(3 * near);
        let [first, second] = output.split(near, num);
        if points * numbers < WORTH_SPLITTING || numbers > LARGE {
            self.run_rounded(r, first);
            self.run_rounded(others, second);
        } else {
            rayon::join(
                || self.run_rounded(r, first),
                || self.run_rounded(others, second),
            );
        }
    }

    fn round_piece<T: Real>(self, r: &[T], output: &mut Output<'_, T>) {
        let r: Vec<f64> = r.iter().map(|x| x.to_f64()).collect();
        let zeros = |length: usize| vec![0.0; length];
        let mut values = zeros(output.values.len());
        let mut gradients = output.gradients.as_ref().map(|all| zeros(all.len()));
        let mut hessians = output.hessians.as_ref().map(|all| zeros(all.len()));
        let mut exact = Output {
            values: &mut values,
            gradients: gradients.as_deref_mut(),
            hessians: hessians.as_deref_mut(),
        };
        let num = num_harmonics(self.coefficients.max_degree);
        let as_it_is = Self {
            normalizes: false,
            ..self
        };
        f64::evaluate(self, &r, exact.points(0..r.len() / 3, num));
        // What is too short to be normalized in single precision.
        for (i, r) in r.as_chunks::<3>().0.iter().enumerate() {
            let square: f64 = r.iter().map(|x| x * x).sum();
            if self.normalizes && square <= T::TINY.to_f64() {
                f64::evaluate(as_it_is, r, exact.points(i..i + 1, num));
            }
        }
        round(&values, output.values);
        if let (Some(from), Some(to)) = (gradients, &mut output.gradients) {
            round(&from, to);
        }
        if let (Some(from), Some(to)) = (hessians, &mut output.hessians) {
            round(&from, to);
        }
    }
}

fn round<T: Real>(from: &[f64], to: &mut [T]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = T::from_f64(from);
    }
}

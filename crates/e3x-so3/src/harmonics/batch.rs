//! Harmonics of many points.

use pulp::{Simd, WithSimd};

use super::coefficients::Coefficients;
use super::direction::Direction;
use super::kernel::Kernel;
use super::output::Output;
use crate::simd::Wide;
use crate::{Real, num_harmonics};

/// Points whose coordinates are sorted at once; a multiple of all numbers of lanes.
const TILE: usize = 128;
/// Points of a task; a multiple of [`TILE`].
const TASK: usize = 512;
/// Numbers to compute below which work stays on the calling thread.
const WORTH_SPLITTING: usize = 1 << 17;

/// What is computed for every point.
#[derive(Debug, Clone, Copy)]
pub struct Evaluation<'a, T> {
    pub(super) coefficients: &'a Coefficients<T>,
    /// Whether the points are normalized first.
    pub(super) normalizes: bool,
}

/// Numbers that there are harmonics of.
pub trait HasHarmonics: Sized {
    /// Evaluates the harmonics of points `r`, for which `output` has room, on this thread.
    ///
    /// Not generic, so that the kernels are compiled once and not again in every crate that uses them.
    fn evaluate(evaluation: Evaluation<'_, Self>, r: &[Self], output: Output<'_, Self>);
}

impl HasHarmonics for f32 {
    fn evaluate(evaluation: Evaluation<'_, Self>, r: &[Self], output: Output<'_, Self>) {
        evaluation.run_here(r, output);
    }
}

impl HasHarmonics for f64 {
    fn evaluate(evaluation: Evaluation<'_, Self>, r: &[Self], output: Output<'_, Self>) {
        evaluation.run_here(r, output);
    }
}

impl<T: Real> Evaluation<'_, T> {
    /// Evaluates the harmonics of points `r`, for which `output` has room.
    pub(super) fn run(self, r: &[T], output: Output<'_, T>) {
        let numbers = output.values.len() * output.num_components();
        if numbers < WORTH_SPLITTING || rayon::current_num_threads() == 1 {
            T::evaluate(self, r, output);
        } else {
            self.run_on_threads(r, output);
        }
    }

    fn run_on_threads(self, r: &[T], mut output: Output<'_, T>) {
        let tasks = r.len().div_ceil(3 * TASK);
        if tasks <= 1 {
            return T::evaluate(self, r, output);
        }
        let points = tasks / 2 * TASK;
        let (near, far) = r.split_at(3 * points);
        let [first, second] = output.split(points, num_harmonics(self.coefficients.max_degree));
        rayon::join(
            || self.run_on_threads(near, first),
            || self.run_on_threads(far, second),
        );
    }

    fn run_here(self, r: &[T], output: Output<'_, T>) {
        let arch = crate::instructions::arch();
        match (&output.gradients, &output.hessians) {
            (None, _) => arch.dispatch(self.batch::<0>(r, output)),
            (Some(_), None) => arch.dispatch(self.batch::<1>(r, output)),
            (Some(_), Some(_)) => arch.dispatch(self.batch::<2>(r, output)),
        }
    }

    fn batch<'b, const LEVEL: usize>(self, r: &'b [T], output: Output<'b, T>) -> Batch<'b, T, LEVEL>
    where
        Self: 'b,
    {
        Batch {
            evaluation: self,
            r,
            output,
        }
    }
}

/// An evaluation with the kernel chosen.
struct Batch<'a, T, const LEVEL: usize> {
    evaluation: Evaluation<'a, T>,
    r: &'a [T],
    output: Output<'a, T>,
}

impl<T: Real, const LEVEL: usize> WithSimd for Batch<'_, T, LEVEL> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            evaluation,
            r,
            mut output,
        } = self;
        let coefficients = evaluation.coefficients;
        let num = num_harmonics(coefficients.max_degree);
        let lanes = Wide::<S, T>::LANES;
        let mut kernel = Kernel::<S, T, LEVEL>::new(simd, coefficients);
        let [mut x, mut y, mut z] = [[T::ZERO; TILE]; 3];
        for (tile, r) in r.as_chunks::<3>().0.chunks(TILE).enumerate() {
            for (((r, x), y), z) in r.iter().zip(&mut x).zip(&mut y).zip(&mut z) {
                [*x, *y, *z] = *r;
            }
            let mut i = 0;
            while i < r.len() {
                let direction = Direction::new(
                    [
                        Wide::load(simd, &x[i..]),
                        Wide::load(simd, &y[i..]),
                        Wide::load(simd, &z[i..]),
                    ],
                    evaluation.normalizes,
                );
                let (start, left) = (tile * TILE + i, r.len() - i);
                if left >= lanes {
                    kernel.evaluate(&direction, &mut output.points(start..start + lanes, num));
                } else {
                    let mut rows = Rows::new(lanes, num, LEVEL);
                    kernel.evaluate(&direction, &mut rows.output());
                    rows.copy_to(&mut output.points(start..start + left, num));
                }
                i += lanes;
            }
        }
    }
}

/// Room for as many points as there are lanes, for the last points of a batch.
struct Rows<T> {
    values: Vec<T>,
    gradients: Vec<T>,
    hessians: Vec<T>,
}

impl<T: Real> Rows<T> {
    fn new(lanes: usize, num: usize, level: usize) -> Self {
        let length = |from: usize, components: usize| {
            let components = if level >= from { components } else { 0 };
            vec![T::ZERO; lanes * num * components]
        };
        Self {
            values: length(0, 1),
            gradients: length(1, 3),
            hessians: length(2, 9),
        }
    }

    fn output(&mut self) -> Output<'_, T> {
        Output {
            values: &mut self.values,
            gradients: Some(&mut self.gradients),
            hessians: Some(&mut self.hessians),
        }
    }

    fn copy_to(&self, output: &mut Output<'_, T>) {
        let copy = |to: &mut [T], from: &[T]| to.copy_from_slice(&from[..to.len()]);
        copy(output.values, &self.values);
        if let Some(gradients) = &mut output.gradients {
            copy(gradients, &self.gradients);
        }
        if let Some(hessians) = &mut output.hessians {
            copy(hessians, &self.hessians);
        }
    }
}

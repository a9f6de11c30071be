//! Harmonics of many points.

use pulp::{Simd, WithSimd};

use super::coefficients::Coefficients;
use super::direction::Direction;
use super::kernel::Kernel;
use super::low::{LOW, LowValues};
use super::output::Output;
use crate::simd::{PointBlocks, Wide};
use crate::{Order, Real, num_harmonics};

/// Points of a task; a multiple of all numbers of lanes.
const TASK: usize = 512;
/// Numbers to compute below which work stays on the calling thread.
pub(super) const WORTH_SPLITTING: usize = 1 << 17;

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
            (None, _) if self.coefficients.max_degree <= LOW => self.low_values(r, output.values),
            (None, _) => arch.dispatch(self.batch::<0>(r, output)),
            (Some(_), None) => arch.dispatch(self.batch::<1>(r, output)),
            (Some(_), Some(_)) => arch.dispatch(self.batch::<2>(r, output)),
        }
    }

    fn low_values(self, r: &[T], values: &mut [T]) {
        match (self.coefficients.max_degree, self.coefficients.order) {
            (0, _) => self.low_values_of::<0, true>(r, values),
            (1, Order::Cartesian) => self.low_values_of::<1, true>(r, values),
            (2, Order::Cartesian) => self.low_values_of::<2, true>(r, values),
            (3, Order::Cartesian) => self.low_values_of::<3, true>(r, values),
            (_, Order::Cartesian) => self.low_values_of::<LOW, true>(r, values),
            (1, Order::Standard) => self.low_values_of::<1, false>(r, values),
            (2, Order::Standard) => self.low_values_of::<2, false>(r, values),
            (3, Order::Standard) => self.low_values_of::<3, false>(r, values),
            (_, Order::Standard) => self.low_values_of::<LOW, false>(r, values),
        }
    }

    fn low_values_of<const L: usize, const CARTESIAN: bool>(self, r: &[T], values: &mut [T]) {
        crate::instructions::arch().dispatch(LowValues::<T, L, CARTESIAN> {
            evaluation: self,
            r,
            values,
        });
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
        let points = r.as_chunks::<3>().0;
        let mut blocks = PointBlocks::new(simd, points);
        for start in (0..points.len()).step_by(lanes) {
            let direction = Direction::new(blocks.take(), evaluation.normalizes);
            let end = start + lanes;
            if end <= points.len() {
                kernel.evaluate(&direction, &mut output.points(start..end, num));
            } else {
                let mut rows = Rows::new(lanes, num, LEVEL);
                kernel.evaluate(&direction, &mut rows.output());
                rows.copy_to(&mut output.points(start..points.len(), num));
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

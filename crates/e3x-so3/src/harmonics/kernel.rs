//! All degrees at one point per lane.

use pulp::Simd;

use super::coefficients::Coefficients;
use super::degree::{Degree, Vector};
use super::direction::Direction;
use super::low::{LOW, NUM_LOW};
use super::output::Output;
use crate::simd::{Transpose, Wide};
use crate::{Order, Real, num_harmonics};

/// Harmonics that are written together, at least: enough to write long pieces of rows, and few enough to stay in the
/// first cache until then.
const TOGETHER: usize = 32;

/// Evaluates values; with `LEVEL` 1, gradients too; with `LEVEL` 2, Hessians too.
pub(super) struct Kernel<'a, S: Simd, T: Real, const LEVEL: usize> {
    coefficients: &'a Coefficients<T>,
    zero: Wide<S, T>,
    transposes: [Transpose; 3],
    /// By harmonic in the order of the output: its number in Cartesian order. Empty if that is the order of the output.
    sources: Vec<usize>,
    /// Values to be written in the order of the output, if that is not Cartesian.
    sorted: Vec<Wide<S, T>>,
    /// The harmonics up to degree [`LOW`].
    low_values: [Wide<S, T>; NUM_LOW],
    low_gradients: [Wide<S, T>; 3 * NUM_LOW],
    /// The harmonics from number `first` on: those to be written and the two degrees below.
    values: Vec<Wide<S, T>>,
    first: usize,
    /// The number of the first harmonic to be written.
    pending: usize,
    /// The number behind the last harmonic to be written.
    end: usize,
    /// Three per harmonic to be written.
    gradients: Vec<Wide<S, T>>,
    /// Nine per harmonic to be written.
    hessians: Vec<Wide<S, T>>,
    /// Gradients of the polynomials of the previous degree and of this one.
    slopes: [Vec<Vector<S, T>>; 2],
}

impl<'a, S: Simd, T: Real, const LEVEL: usize> Kernel<'a, S, T, LEVEL> {
    #[inline(always)]
    pub(super) fn new(simd: S, coefficients: &'a Coefficients<T>) -> Self {
        let zero = Wide::splat(simd, T::ZERO);
        let num = num_harmonics(coefficients.max_degree);
        let widest = 2 * coefficients.max_degree + 1;
        let pending = TOGETHER + widest;
        let (mut gradients, mut hessians, mut slopes) = (vec![], vec![], [vec![], vec![]]);
        if LEVEL > 0 {
            gradients = vec![zero; 3 * pending];
        }
        if LEVEL > 1 {
            hessians = vec![zero; 9 * pending];
            slopes = [vec![[zero; 3]; widest], vec![[zero; 3]; widest]];
        }
        let sources = sources(coefficients.max_degree, coefficients.order);
        Self {
            coefficients,
            zero,
            sorted: vec![zero; if sources.is_empty() { 0 } else { pending }],
            sources,
            transposes: [
                Transpose::new::<S, T>(simd, num),
                Transpose::new::<S, T>(simd, 3 * num),
                Transpose::new::<S, T>(simd, 9 * num),
            ],
            low_values: [zero; NUM_LOW],
            low_gradients: [zero; 3 * NUM_LOW],
            values: vec![zero; pending + 2 * widest],
            first: 0,
            pending: 0,
            end: 0,
            gradients,
            hessians,
            slopes,
        }
    }

    /// Writes as many rows as there are lanes.
    #[inline(always)]
    pub(super) fn evaluate(&mut self, direction: &Direction<S, T>, rows: &mut Output<'_, T>) {
        let max_degree = self.coefficients.max_degree;
        if S::IS_SCALAR || LEVEL != 1 || max_degree > LOW {
            return self.evaluate_any(direction, rows);
        }
        self.evaluate_low(direction, rows);
    }

    /// Values and gradients up to degree [`LOW`], with constants for all that depends on the degree.
    #[inline(always)]
    fn evaluate_low(&mut self, direction: &Direction<S, T>, rows: &mut Output<'_, T>) {
        let max_degree = self.coefficients.max_degree;
        self.low_values[0] = self.zero.same(self.coefficients.constant);
        if max_degree >= 1 {
            self.low_degree(1, direction);
        }
        if max_degree >= 2 {
            self.low_degree(2, direction);
        }
        if max_degree >= 3 {
            self.low_degree(3, direction);
        }
        if max_degree >= 4 {
            self.low_degree(4, direction);
        }
        let num = num_harmonics(max_degree);
        let sorted = sort(&self.low_values[..num], &self.sources, 0, &mut self.sorted);
        self.transposes[0].write(sorted, 0, rows.values);
        if let Some(rows) = rows.gradients.as_deref_mut() {
            self.transposes[1].write(&self.low_gradients[..3 * num], 0, rows);
        }
    }

    #[inline(always)]
    fn low_degree(&mut self, l: usize, direction: &Direction<S, T>) {
        let degree = self.degree::<true>(l, direction);
        let (lower, this) = self.low_values.split_at_mut(l * l);
        degree.values(lower, this);
        degree.gradients(lower, this, &mut self.low_gradients[3 * l * l..]);
    }

    #[inline(always)]
    fn evaluate_any(&mut self, direction: &Direction<S, T>, rows: &mut Output<'_, T>) {
        let max_degree = self.coefficients.max_degree;
        (self.first, self.pending, self.end) = (0, 0, 1);
        self.values[0] = self.zero.same(self.coefficients.constant);
        if LEVEL > 0 {
            self.gradients[..3].fill(self.zero);
        }
        if LEVEL > 1 {
            self.hessians[..9].fill(self.zero);
            self.slopes[0][0] = [self.zero; 3];
        }
        let mut l = 1;
        loop {
            while l <= max_degree && self.end - self.pending < TOGETHER {
                self.next_degree(l, direction);
                l += 1;
            }
            self.write(rows);
            if l > max_degree {
                return;
            }
            // Degree l needs the two below.
            let keep = (l - 2) * (l - 2);
            self.values
                .copy_within(keep - self.first..self.end - self.first, 0);
            self.first = keep;
        }
    }

    /// Degree `l` behind those of lower degrees.
    #[inline(always)]
    fn next_degree(&mut self, l: usize, direction: &Direction<S, T>) {
        let degree = self.degree::<true>(l, direction);
        let done = self.end - self.pending;
        let (lower, this) = self.values.split_at_mut(self.end - self.first);
        degree.values(lower, this);
        if LEVEL == 1 {
            degree.gradients(lower, this, &mut self.gradients[3 * done..]);
        }
        if LEVEL == 2 {
            let (gradients, hessians) = (
                &mut self.gradients[3 * done..],
                &mut self.hessians[9 * done..],
            );
            let [below, slopes] = &mut self.slopes;
            degree.slopes(lower, slopes);
            degree.hessians(this, below, slopes, gradients, hessians);
            self.slopes.swap(0, 1);
        }
        self.end += 2 * l + 1;
    }

    /// Writes what was computed and not yet written.
    #[inline(always)]
    fn write(&mut self, rows: &mut Output<'_, T>) {
        let (start, num) = (self.pending, self.end - self.pending);
        let values = &self.values[start - self.first..self.end - self.first];
        let sources = self.sources.get(start..self.end).unwrap_or_default();
        let sorted = sort(values, sources, start, &mut self.sorted);
        self.transposes[0].write(sorted, start, rows.values);
        if LEVEL > 0
            && let Some(rows) = rows.gradients.as_deref_mut()
        {
            self.transposes[1].write(&self.gradients[..3 * num], 3 * start, rows);
        }
        if LEVEL > 1
            && let Some(rows) = rows.hessians.as_deref_mut()
        {
            self.transposes[2].write(&self.hessians[..9 * num], 9 * start, rows);
        }
        self.pending = self.end;
    }

    #[inline(always)]
    fn degree<'b, const CARTESIAN: bool>(
        &self,
        l: usize,
        direction: &'b Direction<S, T>,
    ) -> Degree<'b, S, T, CARTESIAN>
    where
        'a: 'b,
    {
        Degree {
            l,
            terms: self.coefficients.of_degree(l),
            direction,
            order: self.coefficients.order,
        }
    }
}

/// The number in Cartesian order of every harmonic in another order.
fn sources(max_degree: usize, order: Order) -> Vec<usize> {
    if order == Order::Cartesian {
        return vec![];
    }
    (0..=max_degree)
        .flat_map(|l| (0..=2 * l).map(move |i| l * l + Order::Cartesian.position(l, order.m(l, i))))
        .collect()
}

/// `values`, the first of which has the number `start`, in the order of the output.
#[inline(always)]
fn sort<'a, S: Simd, T: Real>(
    values: &'a [Wide<S, T>],
    sources: &[usize],
    start: usize,
    sorted: &'a mut [Wide<S, T>],
) -> &'a [Wide<S, T>] {
    if sources.is_empty() {
        return values;
    }
    let sorted = &mut sorted[..values.len()];
    for (target, &source) in sorted.iter_mut().zip(sources) {
        *target = values[source - start];
    }
    sorted
}

//! The derivatives of solid harmonics, a trilinear sum.
//!
//! The derivative of a harmonic of degree l is a combination of harmonics of degree l - 1 (see
//! [`e3x_so3::derivative_terms`]), so that derivatives of every order are derivatives of
//!
//! ```text
//! S = sum over points n, terms (axis, row, col, C) of  C v[n, axis] g[n, row] Y[n, col]
//! ```
//!
//! with a direction v, a cotangent g and the harmonics Y.

use e3x_so3::{Normalization, derivative_terms, num_harmonics};
use pulp::NullaryFnOnce;

use crate::error::check_len;
use crate::lanes::{LANES, Lanes, add_product, dispatch, scaled};
use crate::par::for_each_chunk;
use crate::{Real, Result};

/// Blocks of points per task.
const BLOCKS: usize = 16;

/// An argument of the sum in the description of this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// v, shape (points, 3).
    Direction,
    /// g, shape (points, (max_degree + 1)^2).
    Cotangent,
    /// Y, shape (points, (max_degree + 1)^2).
    Harmonics,
}

#[derive(Debug, Clone, Copy)]
struct Term<T> {
    axis: usize,
    row: usize,
    col: usize,
    coefficient: T,
}

/// The derivatives of the solid harmonics of all degrees up to a largest one.
///
/// ```
/// use e3x_kernels::harmonics::{HarmonicsGradient, Slot};
/// use e3x_so3::{Normalization, solid_harmonics};
/// let gradient = HarmonicsGradient::<f64>::new(2, true, Normalization::Racah).unwrap();
/// let y = solid_harmonics(&[1.0, 2.0, 3.0], 2, true).unwrap();
/// // The gradient of the last harmonic of degree 2, z² - (x² + y²) / 2.
/// let mut g = [0.0; 9];
/// g[8] = 1.0;
/// let slope = gradient.form(Slot::Direction, &g, &y).unwrap();
/// let error = slope.iter().zip([-1.0, -2.0, 6.0]).map(|(a, b)| (a - b).abs());
/// assert!(error.sum::<f64>() < 1e-14);
/// ```
#[derive(Debug, Clone)]
pub struct HarmonicsGradient<T> {
    size: usize,
    terms: Vec<Term<T>>,
}

impl<T: Real> HarmonicsGradient<T> {
    /// Prepares the derivatives of harmonics with this order and normalisation.
    ///
    /// # Errors
    /// If the degree is above [`e3x_so3::MAX_DEGREE`].
    pub fn new(
        max_degree: usize,
        cartesian_order: bool,
        normalization: Normalization,
    ) -> e3x_so3::Result<Self> {
        let factor = |row: usize| normalization.factor(row.isqrt());
        let terms = derivative_terms(max_degree, cartesian_order)?
            .iter()
            .map(|term| Term {
                axis: term.axis,
                row: term.row,
                col: term.col,
                coefficient: T::of(term.coefficient * (factor(term.row) / factor(term.col))),
            })
            .collect();
        Ok(Self {
            size: num_harmonics(max_degree),
            terms,
        })
    }

    /// Numbers per point of an argument.
    pub fn width(&self, slot: Slot) -> usize {
        if slot == Slot::Direction {
            3
        } else {
            self.size
        }
    }

    /// The sum with the argument `slot` left out; `first` and `second` are the others, in order.
    ///
    /// # Errors
    /// If the lengths do not fit to the same number of points.
    pub fn form(&self, slot: Slot, first: &[T], second: &[T]) -> Result<Vec<T>> {
        // Both sums over cotangents and harmonics have the direction as their first argument.
        let left = if slot == Slot::Direction {
            self.size
        } else {
            3
        };
        let points = first.len() / left;
        check_len("first", first.len(), points * left)?;
        check_len("second", second.len(), points * self.size)?;
        let width = self.width(slot);
        let mut out = vec![T::ZERO; points * width];
        let chunk = BLOCKS * LANES;
        let work = points * self.terms.len();
        for_each_chunk(&mut out, chunk * width, work, |task, out| {
            let start = task * chunk;
            let end = start + out.len() / width;
            let first = &first[start * left..end * left];
            let second = &second[start * self.size..end * self.size];
            dispatch(Run {
                gradient: self,
                slot,
                first,
                second,
                out,
            });
        });
        Ok(out)
    }

    #[inline(always)]
    fn add_terms(&self, slot: Slot, a: &[Lanes<T>], b: &[Lanes<T>], sum: &mut [Lanes<T>]) {
        match slot {
            Slot::Direction => {
                for term in &self.terms {
                    let g = scaled(term.coefficient, &a[term.row]);
                    add_product(&mut sum[term.axis], &g, &b[term.col]);
                }
            }
            Slot::Cotangent => {
                for term in &self.terms {
                    let v = scaled(term.coefficient, &a[term.axis]);
                    add_product(&mut sum[term.row], &v, &b[term.col]);
                }
            }
            Slot::Harmonics => {
                for term in &self.terms {
                    let v = scaled(term.coefficient, &a[term.axis]);
                    add_product(&mut sum[term.col], &v, &b[term.row]);
                }
            }
        }
    }
}

/// The sum for some points, compiled for vector instructions.
struct Run<'a, T> {
    gradient: &'a HarmonicsGradient<T>,
    slot: Slot,
    first: &'a [T],
    second: &'a [T],
    out: &'a mut [T],
}

impl<T: Real> NullaryFnOnce for Run<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let size = self.gradient.size;
        let left = if self.slot == Slot::Direction {
            size
        } else {
            3
        };
        let width = self.gradient.width(self.slot);
        let zero = Lanes::zero();
        let (mut a, mut b) = (vec![zero; left], vec![zero; size]);
        let mut sum = vec![zero; width];
        let first = self.first.chunks(LANES * left);
        let blocks = first.zip(self.second.chunks(LANES * size));
        for ((first, second), out) in blocks.zip(self.out.chunks_mut(LANES * width)) {
            load_columns(first, &mut a);
            load_columns(second, &mut b);
            sum.fill(zero);
            self.gradient.add_terms(self.slot, &a, &b, &mut sum);
            store_columns(&sum, out);
        }
    }
}

/// Reads rows of points into columns with one point per lane; missing points are zero.
#[inline(always)]
fn load_columns<T: Real>(rows: &[T], columns: &mut [Lanes<T>]) {
    let width = columns.len();
    if rows.len() < LANES * width {
        columns.fill(Lanes::zero());
    }
    for (lane, row) in rows.chunks_exact(width).enumerate() {
        for (column, &value) in columns.iter_mut().zip(row) {
            column[lane] = value;
        }
    }
}

/// The inverse of [`load_columns`].
#[inline(always)]
fn store_columns<T: Real>(columns: &[Lanes<T>], rows: &mut [T]) {
    for (lane, row) in rows.chunks_exact_mut(columns.len()).enumerate() {
        for (value, column) in row.iter_mut().zip(columns) {
            *value = column[lane];
        }
    }
}

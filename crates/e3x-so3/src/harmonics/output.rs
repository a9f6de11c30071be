//! Where values and derivatives of many points are written.

use std::ops::Range;

use crate::Result;
use crate::error::{check_length, count_items};

/// The arrays for the harmonics of points.
pub struct Output<'a, T> {
    /// Shape `(n, num)`.
    pub(super) values: &'a mut [T],
    /// Shape `(n, num, 3)`.
    pub(super) gradients: Option<&'a mut [T]>,
    /// Shape `(n, num, 3, 3)`; only with gradients.
    pub(super) hessians: Option<&'a mut [T]>,
}

impl<T> Output<'_, T> {
    /// The number of points in `r`, if the arrays have room for their `num` harmonics each.
    pub(super) fn check(&self, r: &[T], num: usize) -> Result<usize> {
        let n = count_items("r", "3-vectors", 3, r.len())?;
        let length = n * num;
        check_length("values", "(n, (max_degree+1)²)", length, self.values.len())?;
        if let Some(gradients) = &self.gradients {
            let shape = "(n, (max_degree+1)², 3)";
            check_length("gradients", shape, 3 * length, gradients.len())?;
        }
        if let Some(hessians) = &self.hessians {
            let shape = "(n, (max_degree+1)², 3, 3)";
            check_length("hessians", shape, 9 * length, hessians.len())?;
        }
        Ok(n)
    }

    /// The number of numbers per harmonic.
    pub(super) fn num_components(&self) -> usize {
        1 + if self.gradients.is_some() { 3 } else { 0 }
            + if self.hessians.is_some() { 9 } else { 0 }
    }

    /// The parts for some of the points, of which `num` harmonics each are computed.
    #[inline(always)]
    pub(super) fn points(&mut self, points: Range<usize>, num: usize) -> Output<'_, T> {
        let rows = points.start * num..points.end * num;
        Output {
            values: &mut self.values[rows.clone()],
            gradients: match &mut self.gradients {
                Some(gradients) => Some(&mut gradients[3 * rows.start..3 * rows.end]),
                None => None,
            },
            hessians: match &mut self.hessians {
                Some(hessians) => Some(&mut hessians[9 * rows.start..9 * rows.end]),
                None => None,
            },
        }
    }

    /// The parts for the first `points` points and for the others.
    pub(super) fn split(&mut self, points: usize, num: usize) -> [Output<'_, T>; 2] {
        let row = points * num;
        let (values, other_values) = self.values.split_at_mut(row);
        let gradients = self
            .gradients
            .as_deref_mut()
            .map(|all| all.split_at_mut(3 * row));
        let hessians = self
            .hessians
            .as_deref_mut()
            .map(|all| all.split_at_mut(9 * row));
        let (gradients, other_gradients) = gradients.unzip();
        let (hessians, other_hessians) = hessians.unzip();
        [
            Output {
                values,
                gradients,
                hessians,
            },
            Output {
                values: other_values,
                gradients: other_gradients,
                hessians: other_hessians,
            },
        ]
    }
}

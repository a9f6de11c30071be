//! Where values and derivatives of many points are written.

use crate::Result;
use crate::error::{check_length, count_items};

/// The arrays of all points, or the rows that belong to one point.
pub(super) struct Output<'a, T> {
    /// Shape `(n, num)`.
    pub(super) values: &'a mut [T],
    /// Shape `(n, num, 3)`.
    pub(super) gradients: Option<&'a mut [T]>,
    /// Shape `(n, num, 3, 3)`; only with gradients.
    pub(super) hessians: Option<&'a mut [T]>,
}

impl<T: Copy> Output<'_, T> {
    /// Calls `evaluate` with every point of `r` and the rows for its `num` harmonics.
    pub(super) fn for_each_point(
        self,
        r: &[T],
        num: usize,
        mut evaluate: impl FnMut([T; 3], Output<'_, T>),
    ) -> Result<()> {
        let n = self.check(r, num)?;
        let Self {
            values,
            mut gradients,
            mut hessians,
        } = self;
        for (i, point) in r.chunks_exact(3).enumerate().take(n) {
            let rows = i * num..(i + 1) * num;
            let output = Output {
                values: &mut values[rows.clone()],
                gradients: gradients
                    .as_deref_mut()
                    .map(|all| &mut all[3 * rows.start..3 * rows.end]),
                hessians: hessians
                    .as_deref_mut()
                    .map(|all| &mut all[9 * rows.start..9 * rows.end]),
            };
            evaluate([point[0], point[1], point[2]], output);
        }
        Ok(())
    }

    fn check(&self, r: &[T], num: usize) -> Result<usize> {
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
}

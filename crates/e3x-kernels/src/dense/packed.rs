//! Weights that are used many times.

use super::{DensePlan, Matrix, Slot, per_item};
use crate::error::check_len;
use crate::{Error, Real, Result};

/// A weight in the orders in which products with it, and with its transpose, read it.
#[derive(Debug, Clone)]
pub struct PackedWeight<T: 'static> {
    plan: DensePlan,
    matrices: Vec<Matrix<'static, T>>,
    transposed: Vec<Matrix<'static, T>>,
}

impl<T: Real> PackedWeight<T> {
    /// Packs the weight of a layer, see [`Slot::Weight`].
    ///
    /// # Errors
    /// If it has another size, or the layer has no channels.
    pub fn new(plan: DensePlan, weight: &[T]) -> Result<Self> {
        let (n_in, n_out) = (plan.in_features, plan.out_features);
        let len = Slot::Weight.shape(&plan, 0).iter().product();
        check_len(Slot::Weight.name(), weight.len(), len)?;
        if len == 0 {
            return Err(Error::argument("plan", "at least one channel", "none"));
        }
        let matrices = || weight.chunks_exact(n_in * n_out);
        Ok(Self {
            plan,
            matrices: matrices().map(|w| Matrix::packed(w, n_out)).collect(),
            transposed: matrices().map(|w| Matrix::of_columns(w, n_out)).collect(),
        })
    }

    /// The output for an input, as [`form`](super::form) gives it.
    ///
    /// # Errors
    /// If the input has the wrong size.
    pub fn output(&self, items: usize, input: &[T]) -> Result<Vec<T>> {
        self.product(Slot::Input, items, input, &self.matrices)
    }

    /// The form that leaves out the input, for an output.
    ///
    /// # Errors
    /// If the output has the wrong size.
    pub fn input(&self, items: usize, output: &[T]) -> Result<Vec<T>> {
        self.product(Slot::Output, items, output, &self.transposed)
    }

    fn product(
        &self,
        slot: Slot,
        items: usize,
        arg: &[T],
        matrices: &[Matrix<'static, T>],
    ) -> Result<Vec<T>> {
        let len = slot.shape(&self.plan, items).iter().product();
        check_len(slot.name(), arg.len(), len)?;
        if len == 0 {
            return Ok(Vec::new());
        }
        let (n_in, n_out) = (self.plan.in_features, self.plan.out_features);
        let sizes = match slot {
            Slot::Output => [n_out, n_in],
            _ => [n_in, n_out],
        };
        Ok(per_item(&self.plan, arg, sizes, matrices))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dense::form;

    #[test]
    fn packed_weights_give_the_same_products() {
        let numbers =
            |len: usize| -> Vec<f64> { (0..len).map(|i| (1.7 * i as f64).sin()).collect() };
        for (in_features, out_features) in [(1, 1), (7, 40), (32, 16), (33, 32)] {
            let plan = DensePlan {
                parity: 2,
                max_degree: 1,
                in_features,
                out_features,
            };
            let of = |slot: Slot| numbers(slot.shape(&plan, 3).iter().product());
            let (x, w, z) = (of(Slot::Input), of(Slot::Weight), of(Slot::Output));
            let packed = PackedWeight::new(plan, &w).unwrap();
            let same = |a: Vec<f64>, b: Vec<f64>| {
                assert_eq!(a.len(), b.len());
                assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12));
            };
            let y = form(&plan, Slot::Output, 3, [&x, &w]).unwrap();
            same(packed.output(3, &x).unwrap(), y);
            let dx = form(&plan, Slot::Input, 3, [&w, &z]).unwrap();
            same(packed.input(3, &z).unwrap(), dx);
            assert!(packed.output(2, &x).is_err() && packed.input(0, &[]).unwrap().is_empty());
            assert!(PackedWeight::new(plan, &w[1..]).is_err());
        }
    }
}

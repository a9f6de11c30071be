//! Linear combinations of tensors of one shape.

use candle_core::{Shape, Tensor};
use smallvec::smallvec;

use super::Element;
use super::tape::{Few, MultiOp, Values, record, view_as};
use crate::{Error, Result};

/// The sum of tensors of one shape.
pub(crate) fn sum(terms: &[&Tensor]) -> Result<Tensor> {
    combine(smallvec![1.0; terms.len()], terms)
}

/// `a - b`.
pub(crate) fn difference(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    combine(smallvec![1.0, -1.0], &[a, b])
}

/// `c x`.
pub(crate) fn scale(c: f64, x: &Tensor) -> Result<Tensor> {
    combine(smallvec![c], &[x])
}

/// The sum of `factors[i] * terms[i]`.
pub(crate) fn combine(factors: Few<f64>, terms: &[&Tensor]) -> Result<Tensor> {
    Ok(record(Combine { factors }, terms)?.remove(0))
}

#[derive(Debug, Clone)]
struct Combine {
    factors: Few<f64>,
}

impl MultiOp for Combine {
    const NAME: &'static str = "linear combination";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<Values<T>> {
        if let Some(other) = shapes.iter().find(|&shape| shape != &shapes[0]) {
            let expected = format!("shape {:?}", shapes[0].dims());
            return Err(Error::argument(
                Self::NAME,
                expected,
                format!("{:?}", other.dims()),
            ));
        }
        let factors: Few<T> = self.factors.iter().map(|&c| T::of(c)).collect();
        let total = e3x_kernels::combine::combine(&factors, args)?;
        Ok(smallvec![(total, shapes[0].clone())])
    }

    fn backward(
        &self,
        args: &[Tensor],
        grads: &[Option<Tensor>],
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let Some(grad) = &grads[0] else {
            return Ok(vec![None; args.len()]);
        };
        let grad = view_as(grad, args[0].shape())?;
        let of = |(&c, &wanted): (&f64, &bool)| match wanted {
            false => Ok(None),
            #[allow(clippy::float_cmp, reason = "exactly one")]
            true if c == 1.0 => Ok(Some(grad.clone())),
            true => scale(c, &grad).map(Some),
        };
        self.factors.iter().zip(wanted).map(of).collect()
    }
}

//! Gradients of biases, which only go to the scalars of even parity.

use candle_core::{Shape, Tensor};

use super::{Element, Op, apply};
use crate::Result;

/// The sum over items of the first row of `x`, shape `(..., P, rows, F)`.
pub(crate) fn sum_scalars(x: &Tensor) -> Result<Tensor> {
    apply(SumScalars, &[x])
}

/// Sum over items of the first row.
#[derive(Debug, Clone)]
struct SumScalars;

/// Zeros of this shape with the operand in the first row of every item.
#[derive(Debug, Clone)]
struct SpreadScalars(Shape);

/// Values per item and number of features.
fn strides(shape: &Shape) -> (usize, usize) {
    let dims = shape.dims();
    let tail = &dims[dims.len().saturating_sub(3)..];
    (
        tail.iter().product::<usize>().max(1),
        tail.last().copied().unwrap_or(1),
    )
}

impl Op for SumScalars {
    const NAME: &'static str = "sum of scalars";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let (item, features) = strides(shapes[0]);
        let mut out = vec![T::ZERO; features];
        for row in args[0].chunks(item) {
            for (sum, &value) in out.iter_mut().zip(row) {
                *sum += value;
            }
        }
        Ok((out, Shape::from(features)))
    }

    fn backward(&self, args: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(apply(
            SpreadScalars(args[0].shape().clone()),
            &[grad],
        )?)])
    }
}

impl Op for SpreadScalars {
    const NAME: &'static str = "spread of scalars";

    fn forward<T: Element>(&self, args: &[&[T]], _: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let (item, features) = strides(&self.0);
        let mut out = vec![T::ZERO; self.0.elem_count()];
        for row in out.chunks_mut(item) {
            row[..features].copy_from_slice(args[0]);
        }
        Ok((out, self.0.clone()))
    }

    fn backward(&self, _: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(apply(SumScalars, &[grad])?)])
    }
}

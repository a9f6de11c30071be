//! Views of variables. candle would have a part in a view that shares their memory.

use candle_core::{Shape, Tensor};

use super::tape::view_as;
use super::{Element, Op, apply};
use crate::Result;

/// `x` in another shape, in memory of its own.
pub(crate) fn copy(x: &Tensor, shape: Shape) -> Result<Tensor> {
    apply(Copy(shape), &[x])
}

#[derive(Debug, Clone)]
struct Copy(Shape);

impl Op for Copy {
    const NAME: &'static str = "copy";

    fn forward<T: Element>(&self, args: &[&[T]], _: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        Ok((args[0].to_vec(), self.0.clone()))
    }

    fn backward(&self, args: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(view_as(grad, args[0].shape())?)])
    }
}

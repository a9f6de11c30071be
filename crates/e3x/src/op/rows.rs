//! Moving rows of features: linear, and its transpose is the same operation.

use std::sync::Arc;

use candle_core::{Shape, Tensor};
use e3x_kernels::rows::RowMap;

use crate::Result;
use crate::op::{Element, Op, apply};

/// Applies a row map to `x` of shape `(items, map.rows_in(), width)`.
pub(crate) fn move_rows(map: impl Into<Arc<RowMap>>, x: &Tensor) -> Result<Tensor> {
    apply(MoveRows { map: map.into() }, &[x])
}

#[derive(Debug, Clone)]
struct MoveRows {
    map: Arc<RowMap>,
}

impl Op for MoveRows {
    const NAME: &'static str = "move rows of features";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let (items, _, width) = shapes[0].dims3()?;
        let y = self.map.apply(items, width, args[0])?;
        Ok((y, Shape::from((items, self.map.rows_out(), width))))
    }

    fn backward(
        &self,
        _args: &[Tensor],
        grad: &Tensor,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(move_rows(self.map.transposed(), grad)?)])
    }
}

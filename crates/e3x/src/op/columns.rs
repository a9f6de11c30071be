//! Some of the entries of every row, and rows that are zero elsewhere.

use candle_core::{Shape, Tensor};

use super::{Element, Op, apply};
use crate::Result;

/// The entries of the last axis of `x` from `start` on, `len` of them.
pub(crate) fn columns(x: &Tensor, start: usize, len: usize) -> Result<Tensor> {
    let width = x.dims().last().copied().unwrap_or(1);
    if (start, len) == (0, width) {
        return Ok(x.clone());
    }
    apply(Columns { start, len, width }, &[x])
}

/// Rows of `width` with the entries of the last axis of `x` from `start` on, and zeros elsewhere.
pub(crate) fn widened(x: &Tensor, start: usize, width: usize) -> Result<Tensor> {
    let len = x.dims().last().copied().unwrap_or(1);
    apply(Widen(Columns { start, len, width }), &[x])
}

#[derive(Debug, Clone, Copy)]
struct Columns {
    start: usize,
    len: usize,
    width: usize,
}

/// The transpose of [`Columns`].
#[derive(Debug, Clone, Copy)]
struct Widen(Columns);

fn with_width(shape: &Shape, width: usize) -> Shape {
    let mut dims = shape.dims().to_vec();
    if let Some(last) = dims.last_mut() {
        *last = width;
    }
    Shape::from(dims)
}

impl Op for Columns {
    const NAME: &'static str = "columns";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let shape = with_width(shapes[0], self.len);
        let mut out = Vec::with_capacity(shape.elem_count());
        for row in args[0].chunks_exact(self.width.max(1)) {
            out.extend_from_slice(&row[self.start..][..self.len]);
        }
        Ok((out, shape))
    }

    fn backward(&self, _: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(apply(Widen(*self), &[grad])?)])
    }
}

impl Op for Widen {
    const NAME: &'static str = "widening of columns";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let Columns { start, len, width } = self.0;
        let shape = with_width(shapes[0], width);
        let mut out = vec![T::zero(); shape.elem_count()];
        let rows = out.chunks_exact_mut(width.max(1));
        for (row, from) in rows.zip(args[0].chunks_exact(len.max(1))) {
            row[start..][..len].copy_from_slice(from);
        }
        Ok((out, shape))
    }

    fn backward(&self, _: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(apply(self.0, &[grad])?)])
    }
}

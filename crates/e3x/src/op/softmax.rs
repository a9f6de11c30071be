//! Softmax by index on the tape, one operation with or without weights.
//!
//! With u the softmax without the weights w of its numerator (see [`e3x_kernels::softmax`]), a
//! cotangent h of u, and s the sums of h u over the entries of each row, handed back to the entries
//! that take part in the reduction,
//!
//! ```text
//! dx = u (h - w s)        dw = -u s
//! ```

use std::sync::Arc;

use candle_core::{Shape, Tensor};
use e3x_kernels::{Segments, softmax};

use super::combine::{difference, scale};
use super::product::multiply;
use super::segment::{gather_marked, sum, width};
use super::{Element, Op, apply};
use crate::Result;

/// The softmax of `x` with weights of the same shape, over the entries that share a row of `segments`;
/// `all` has the row of every entry, `heard` the entries whose cotangents reach the sums of their
/// rows, and `initial` is the maximum of nothing.
pub(crate) fn softmax(
    x: &Tensor,
    weights: Option<&Tensor>,
    segments: Arc<Segments>,
    all: Arc<Segments>,
    heard: Arc<Segments>,
    initial: f64,
) -> Result<Tensor> {
    let op = Softmax {
        segments,
        all,
        heard,
        initial,
    };
    match weights {
        Some(weights) => multiply(&apply(op, &[x, weights])?, weights),
        None => apply(op, &[x]),
    }
}

#[derive(Clone)]
struct Softmax {
    segments: Arc<Segments>,
    all: Arc<Segments>,
    heard: Arc<Segments>,
    initial: f64,
}

impl Op for Softmax {
    const NAME: &'static str = "indexed_softmax";
    const NEEDS_RESULT: bool = true;

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let width = width(shapes[0], self.segments.len());
        let (segments, initial) = (&self.segments, T::of(self.initial));
        let weights = args.get(1).copied();
        let values = softmax::softmax(segments, &self.all, args[0], weights, width, initial)?;
        Ok((values, shapes[0].clone()))
    }

    fn backward(
        &self,
        args: &[Tensor],
        grad: &Tensor,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let Some((result, [x, weights @ ..])) = args.split_last() else {
            return Ok(vec![None; wanted.len()]);
        };
        let shape = x.shape();
        let rows = Shape::from((self.segments.num_rows(), width(shape, self.segments.len())));
        let sums = sum(&multiply(grad, result)?, &self.heard, rows)?;
        let shares = gather_marked(&sums, &self.segments, shape.clone())?;
        let [weights] = weights else {
            return Ok(vec![Some(multiply(result, &difference(grad, &shares)?)?)]);
        };
        let along_x = if wanted[0] {
            Some(multiply(
                result,
                &difference(grad, &multiply(&shares, weights)?)?,
            )?)
        } else {
            None
        };
        let along_weights = if wanted[1] {
            Some(scale(-1.0, &multiply(result, &shares)?)?)
        } else {
            None
        };
        Ok(vec![along_x, along_weights])
    }
}

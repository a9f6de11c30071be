//! Gather and reductions by index on the tape. Gather and sum are each other's derivative.

use std::sync::Arc;

use candle_core::{Shape, Tensor};
use e3x_kernels::Segments;

use super::product::multiply;
use super::{Element, Op, apply};
use crate::Result;

/// An index list for gathers. As in E3x, padding gathers the last row of its item, but hands no
/// gradient back to it.
#[derive(Debug, Clone)]
pub(crate) struct GatherList {
    /// Padding clamped.
    pub clamped: Arc<Segments>,
    /// Padding marked; the same list if there is none.
    pub marked: Arc<Segments>,
}

/// Rows of `x` by index. The result has one row per entry of the index list.
pub(crate) fn gather(x: &Tensor, list: &GatherList, shape: Shape) -> Result<Tensor> {
    let list = list.clone();
    apply(Gather { list, shape }, &[x])
}

/// As [`gather`] with zeros for padding: the adjoint of [`sum`].
pub(super) fn gather_marked(x: &Tensor, segments: &Arc<Segments>, shape: Shape) -> Result<Tensor> {
    let list = GatherList {
        clamped: segments.clone(),
        marked: segments.clone(),
    };
    gather(x, &list, shape)
}

/// Sums of the rows of `x` that share an index.
pub(crate) fn sum(x: &Tensor, segments: &Arc<Segments>, shape: Shape) -> Result<Tensor> {
    let segments = segments.clone();
    apply(Sum { segments, shape }, &[x])
}

/// Extremes of the rows of `x` that share an index, starting from `initial`.
pub(crate) fn extreme(
    x: &Tensor,
    segments: &Arc<Segments>,
    shape: Shape,
    kind: Extreme,
    initial: f64,
) -> Result<Tensor> {
    let segments = segments.clone();
    let op = ExtremeOp {
        segments,
        shape,
        kind,
        initial,
    };
    apply(op, &[x])
}

/// Which extreme a reduction takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extreme {
    Min,
    Max,
}

/// Number of values of one row.
pub(super) fn width(shape: &Shape, rows: usize) -> usize {
    shape.elem_count().checked_div(rows).unwrap_or(0)
}

/// `out[e] = x[rows[e]]`.
#[derive(Clone)]
struct Gather {
    list: GatherList,
    shape: Shape,
}

impl Op for Gather {
    const NAME: &'static str = "gather";

    fn forward<T: Element>(&self, args: &[&[T]], _: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let width = width(&self.shape, self.list.clamped.len());
        if width == 0 {
            return Ok((vec![], self.shape.clone()));
        }
        let values = self.list.clamped.gather(args[0], width)?;
        Ok((values, self.shape.clone()))
    }

    fn backward(&self, args: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        let shape = args[0].shape().clone();
        Ok(vec![Some(sum(grad, &self.list.marked, shape)?)])
    }
}

/// `out[i] = sum of x[e] over rows[e] == i`.
#[derive(Clone)]
struct Sum {
    segments: Arc<Segments>,
    shape: Shape,
}

impl Op for Sum {
    const NAME: &'static str = "indexed_sum";

    fn forward<T: Element>(&self, args: &[&[T]], _: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let width = width(&self.shape, self.segments.num_rows());
        if width == 0 {
            return Ok((vec![], self.shape.clone()));
        }
        Ok((self.segments.sum(args[0], width)?, self.shape.clone()))
    }

    fn backward(&self, args: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        let shape = args[0].shape().clone();
        Ok(vec![Some(gather_marked(grad, &self.segments, shape)?)])
    }
}

/// `out[i] = extreme of x[e] over rows[e] == i, and of initial`.
#[derive(Clone)]
struct ExtremeOp {
    segments: Arc<Segments>,
    shape: Shape,
    kind: Extreme,
    initial: f64,
}

impl Op for ExtremeOp {
    const NAME: &'static str = "indexed_extreme";
    const NEEDS_RESULT: bool = true;

    fn forward<T: Element>(&self, args: &[&[T]], _: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let width = width(&self.shape, self.segments.num_rows());
        if width == 0 {
            return Ok((vec![], self.shape.clone()));
        }
        let initial = T::of(self.initial);
        let values = match self.kind {
            Extreme::Min => self.segments.min(args[0], width, initial)?,
            Extreme::Max => self.segments.max(args[0], width, initial)?,
        };
        Ok((values, self.shape.clone()))
    }

    fn backward(&self, args: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        let segments = self.segments.clone();
        let shares = apply(Shares { segments }, &[&args[0].detach(), &args[1].detach()])?;
        let grad = gather_marked(grad, &self.segments, args[0].shape().clone())?;
        Ok(vec![Some(multiply(&grad, &shares)?)])
    }
}

/// Which part of the gradient of an extreme each entry gets: piecewise constant.
#[derive(Clone)]
struct Shares {
    segments: Arc<Segments>,
}

impl Op for Shares {
    const NAME: &'static str = "shares_of_extreme";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let width = width(shapes[1], self.segments.num_rows());
        if width == 0 {
            let values = vec![T::ZERO; shapes[0].elem_count()];
            return Ok((values, shapes[0].clone()));
        }
        let values = self.segments.shares(args[0], args[1], width)?;
        Ok((values, shapes[0].clone()))
    }

    fn backward(&self, args: &[Tensor], _: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        Ok(args.iter().map(|_| None).collect())
    }
}

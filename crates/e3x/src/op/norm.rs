//! Norms and directions of rows on the tape, finite wherever E3x's are.
//!
//! The kernels are those of [`e3x_kernels::norm`].

use candle_core::{D, Shape, Tensor};
use e3x_kernels::norm::{Small, inverse_norms, norms, unit_tangents, units};

use super::{Element, Op, apply};
use crate::Result;

/// Norm of each row (last axis) of `x`, keeping the axis.
pub(crate) fn row_norm(x: &Tensor) -> Result<Tensor> {
    apply(Norm, &[x])
}

/// Each row of `x` divided by its norm; small rows stay as they are.
pub(crate) fn row_normalize(x: &Tensor) -> Result<Tensor> {
    apply(Unit(Small::Keep), &[x])
}

/// Numbers by row of `x`, one for each row of `shape`.
fn by_row<T: Element>(
    x: &[T],
    shape: &Shape,
    kernel: fn(&[T], usize) -> e3x_kernels::Result<Vec<T>>,
) -> Result<(Vec<T>, Shape)> {
    let (width, shape) = reduced(shape);
    if width == 0 {
        return Ok((vec![T::ZERO; shape.elem_count()], shape));
    }
    Ok((kernel(x, width)?, shape))
}

/// Size of the last axis and `shape` with that axis of size one.
fn reduced(shape: &Shape) -> (usize, Shape) {
    let mut dims = shape.dims().to_vec();
    let width = dims.last_mut().map_or(1, |d| std::mem::replace(d, 1));
    (width, Shape::from(dims))
}

#[derive(Clone)]
struct Norm;

impl Op for Norm {
    const NAME: &'static str = "norm";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[Shape]) -> Result<(Vec<T>, Shape)> {
        by_row(args[0], &shapes[0], norms)
    }

    fn backward(
        &self,
        args: &[Tensor],
        _: &Tensor,
        grad: &Tensor,
        _: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let unit = apply(Unit(Small::Divide), &[&args[0]])?;
        Ok(vec![Some(unit.broadcast_mul(grad)?)])
    }
}

/// `1 / n`, zero for small rows.
#[derive(Clone)]
struct InverseNorm;

impl Op for InverseNorm {
    const NAME: &'static str = "inverse_norm";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[Shape]) -> Result<(Vec<T>, Shape)> {
        by_row(args[0], &shapes[0], inverse_norms)
    }

    fn backward(
        &self,
        args: &[Tensor],
        result: &Tensor,
        grad: &Tensor,
        _: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let unit = apply(Unit(Small::Zero), &[&args[0]])?;
        let factor = result.mul(&grad.mul(result)?)?.neg()?;
        Ok(vec![Some(unit.broadcast_mul(&factor)?)])
    }
}

#[derive(Clone)]
struct Unit(Small);

impl Op for Unit {
    const NAME: &'static str = "normalize";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[Shape]) -> Result<(Vec<T>, Shape)> {
        let (width, _) = reduced(&shapes[0]);
        Ok((units(args[0], width, self.0)?, shapes[0].clone()))
    }

    fn backward(
        &self,
        args: &[Tensor],
        _: &Tensor,
        grad: &Tensor,
        _: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(apply(Project(self.0), &[&args[0], grad])?)])
    }
}

/// The projection `P(x) h = (h - u (u h)) / n` with the norm n of x and u = x / n; in small rows `h`
/// (or zero for [`Small::Zero`]).
#[derive(Clone)]
struct Project(Small);

impl Op for Project {
    const NAME: &'static str = "normalize_tangent";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[Shape]) -> Result<(Vec<T>, Shape)> {
        let (width, _) = reduced(&shapes[0]);
        let tangents = unit_tangents(args[0], args[1], width, self.0)?;
        Ok((tangents, shapes[0].clone()))
    }

    fn backward(
        &self,
        args: &[Tensor],
        result: &Tensor,
        grad: &Tensor,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let [x, h] = args else {
            return Ok(vec![None; args.len()]);
        };
        let projected = apply(self.clone(), &[x, grad])?;
        let along_x = if wanted[0] {
            // -(u (k P h) + (u h) P k + (u k) P h) / n for the cotangent k
            let u = apply(Unit(Small::Zero), &[x])?;
            let dot = |a: &Tensor, b: &Tensor| a.mul(b)?.sum_keepdim(D::Minus1);
            let sum = u
                .broadcast_mul(&dot(grad, result)?)?
                .add(&projected.broadcast_mul(&dot(&u, h)?)?)?
                .add(&result.broadcast_mul(&dot(&u, grad)?)?)?;
            let inverse = apply(InverseNorm, &[x])?;
            Some(sum.broadcast_mul(&inverse.neg()?)?)
        } else {
            None
        };
        Ok(vec![along_x, wanted[1].then_some(projected)])
    }
}

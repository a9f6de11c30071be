//! Norms and directions of rows on the tape, finite wherever E3x's are.
//!
//! The kernels are those of [`e3x_kernels::norm`].

use candle_core::{Shape, Tensor};
use e3x_kernels::norm::{Small, inverse_norms, norms, unit_tangents, units};

use super::combine::{scale, sum};
use super::product::{dot_rows, multiply, scale_rows};
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

/// Each row of `x` divided by the square of its norm; zero for small rows.
pub(crate) fn row_inverse(x: &Tensor) -> Result<Tensor> {
    let unit = apply(Unit(Small::Zero), &[x])?;
    scale_rows(&unit, &apply(InverseNorm, &[x])?)
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

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        by_row(args[0], shapes[0], norms)
    }

    fn backward(&self, args: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        let unit = apply(Unit(Small::Divide), &[&args[0]])?;
        Ok(vec![Some(scale_rows(&unit, grad)?)])
    }
}

/// `1 / n`, zero for small rows.
#[derive(Clone)]
struct InverseNorm;

impl Op for InverseNorm {
    const NAME: &'static str = "inverse_norm";
    const NEEDS_RESULT: bool = true;

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        by_row(args[0], shapes[0], inverse_norms)
    }

    fn backward(&self, args: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        let unit = apply(Unit(Small::Zero), &[&args[0]])?;
        let inverse = &args[1];
        let factor = multiply(inverse, &multiply(grad, inverse)?)?;
        Ok(vec![Some(scale(-1.0, &scale_rows(&unit, &factor)?)?)])
    }
}

#[derive(Clone)]
struct Unit(Small);

impl Op for Unit {
    const NAME: &'static str = "normalize";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let (width, _) = reduced(shapes[0]);
        Ok((units(args[0], width, self.0)?, shapes[0].clone()))
    }

    fn backward(&self, args: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(apply(Project(self.0), &[&args[0], grad])?)])
    }
}

/// The projection `P(x) h = (h - u (u h)) / n` with the norm n of x and u = x / n; in small rows `h`
/// (or zero for [`Small::Zero`]).
#[derive(Clone)]
struct Project(Small);

impl Op for Project {
    const NAME: &'static str = "normalize_tangent";
    const NEEDS_RESULT: bool = true;

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let (width, _) = reduced(shapes[0]);
        let tangents = unit_tangents(args[0], args[1], width, self.0)?;
        Ok((tangents, shapes[0].clone()))
    }

    fn backward(
        &self,
        args: &[Tensor],
        grad: &Tensor,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let [x, h, result] = args else {
            return Ok(vec![None; wanted.len()]);
        };
        let projected = apply(self.clone(), &[x, grad])?;
        let along_x = if wanted[0] {
            // -(u (k P h) + (u h) P k + (u k) P h) / n for the cotangent k
            let u = apply(Unit(Small::Zero), &[x])?;
            let sum = sum(&[
                &scale_rows(&u, &dot_rows(grad, result)?)?,
                &scale_rows(&projected, &dot_rows(&u, h)?)?,
                &scale_rows(result, &dot_rows(&u, grad)?)?,
            ])?;
            let inverse = apply(InverseNorm, &[x])?;
            Some(scale(-1.0, &scale_rows(&sum, &inverse)?)?)
        } else {
            None
        };
        Ok(vec![along_x, wanted[1].then_some(projected)])
    }
}

//! The angle of points in the plane.

use candle_core::{Shape, Tensor};

use super::{Element, Op, apply};
use crate::Result;

/// `atan2(y, x)`, element by element. At the origin its derivatives are zero.
pub(crate) fn angle(y: &Tensor, x: &Tensor) -> Result<Tensor> {
    apply(Angle, &[y, x])
}

#[derive(Clone)]
struct Angle;

impl Op for Angle {
    const NAME: &'static str = "angle";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let points = args[0].iter().zip(args[1]);
        let value =
            |(&y, &x): (&T, &T)| T::of(e3x_so3::Real::to_f64(y).atan2(e3x_so3::Real::to_f64(x)));
        Ok((points.map(value).collect(), shapes[0].clone()))
    }

    fn backward(&self, args: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        let (y, x) = (&args[0], &args[1]);
        let square = (y.sqr()? + x.sqr()?)?;
        let is_origin = square.eq(0.0)?.to_dtype(grad.dtype())?;
        let grad = grad.div(&(square + is_origin)?)?;
        Ok(vec![Some(grad.mul(x)?), Some(grad.mul(y)?.neg()?)])
    }
}

//! Softplus, stable at both ends.

use candle_core::{Shape, Tensor};

use super::combine::difference;
use super::product::multiply;
use super::{Element, Op, apply};
use crate::Result;

/// `ln(1 + exp(x))`.
pub(crate) fn softplus(x: &Tensor) -> Result<Tensor> {
    apply(Softplus, &[x])
}

#[derive(Clone)]
struct Softplus;

/// Derivative of softplus, `s = 1 / (1 + exp(-x))`, with `ds/dx = s (1 - s)`.
#[derive(Clone)]
struct Sigmoid;

fn map<T: Element>(x: &[T], f: impl Fn(f64) -> f64) -> Vec<T> {
    x.iter()
        .map(|&x| T::of(f(e3x_so3::Real::to_f64(x))))
        .collect()
}

impl Op for Softplus {
    const NAME: &'static str = "softplus";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let values = map(args[0], |x| x.max(0.0) + (-x.abs()).exp().ln_1p());
        Ok((values, shapes[0].clone()))
    }

    fn backward(&self, args: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(multiply(grad, &apply(Sigmoid, &[&args[0]])?)?)])
    }
}

impl Op for Sigmoid {
    const NAME: &'static str = "sigmoid";
    const NEEDS_RESULT: bool = true;

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        Ok((
            map(args[0], |x| 1.0 / (1.0 + (-x).exp())),
            shapes[0].clone(),
        ))
    }

    fn backward(&self, args: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        let sigmoid = &args[1];
        let slope = difference(sigmoid, &multiply(sigmoid, sigmoid)?)?;
        Ok(vec![Some(multiply(grad, &slope)?)])
    }
}

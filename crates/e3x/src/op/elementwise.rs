//! Functions of one variable, element by element, differentiable any number of times.

use candle_core::{Shape, Tensor};
use e3x_kernels::scalar::Scalar;

use crate::Result;
use crate::op::product::multiply;
use crate::op::{Element, Op, apply};

/// `f` differentiated `order` times, at every element of `x`.
pub(crate) fn scalar(f: Scalar, order: usize, x: &Tensor) -> Result<Tensor> {
    apply(Elementwise { f, order }, &[x])
}

#[derive(Debug, Clone, Copy)]
struct Elementwise {
    f: Scalar,
    order: usize,
}

impl Op for Elementwise {
    const NAME: &'static str = "elementwise function";
    const NEEDS_RESULT: bool = true;

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        Ok((self.f.evaluate(self.order, args[0])?, shapes[0].clone()))
    }

    fn backward(
        &self,
        args: &[Tensor],
        grad: &Tensor,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        // The exponential function is its own derivative.
        let slope = match self.f {
            Scalar::Exp => args[1].clone(),
            f => scalar(f, self.order + 1, &args[0])?,
        };
        Ok(vec![Some(multiply(grad, &slope)?)])
    }
}

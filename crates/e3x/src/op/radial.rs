//! Sets of functions of one variable, `y[..., k] = f_k(x[...])`, differentiable any number of
//! times: values, values with weights, and sums over `k` are closed under differentiation.

use candle_core::{Shape, Tensor};
use e3x_kernels::radial::Functions;

use crate::Result;
use crate::op::product::multiply;
use crate::op::{Element, Op, apply};

/// The functions at every element of `x`, in a new last axis.
pub(crate) fn evaluate(functions: Functions, x: &Tensor) -> Result<Tensor> {
    apply(Evaluate(functions), &[x])
}

/// The functions at every element of `x` times `s`, which has the shape of `x`.
pub(crate) fn weighted(functions: Functions, s: &Tensor, x: &Tensor) -> Result<Tensor> {
    apply(Weighted(functions), &[s, x])
}

/// The sum over the last axis of `z` times the functions at `x`.
fn contract(functions: Functions, z: &Tensor, x: &Tensor) -> Result<Tensor> {
    apply(Contract(functions), &[z, x])
}

fn differentiated(functions: Functions) -> Functions {
    Functions {
        order: functions.order + 1,
        ..functions
    }
}

fn with_last_axis(shape: &Shape, size: usize) -> Shape {
    let mut dims = shape.dims().to_vec();
    dims.push(size);
    Shape::from(dims)
}

#[derive(Debug, Clone, Copy)]
struct Evaluate(Functions);

impl Op for Evaluate {
    const NAME: &'static str = "radial functions";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let shape = with_last_axis(shapes[0], self.0.num);
        Ok((self.0.evaluate(args[0])?, shape))
    }

    fn backward(
        &self,
        args: &[Tensor],
        grad: &Tensor,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(contract(
            differentiated(self.0),
            grad,
            &args[0],
        )?)])
    }
}

#[derive(Debug, Clone, Copy)]
struct Weighted(Functions);

impl Op for Weighted {
    const NAME: &'static str = "weighted radial functions";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let shape = with_last_axis(shapes[1], self.0.num);
        Ok((self.0.weighted(args[0], args[1])?, shape))
    }

    fn backward(
        &self,
        args: &[Tensor],
        grad: &Tensor,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let (s, x) = (&args[0], &args[1]);
        let ds = wanted[0].then(|| contract(self.0, grad, x)).transpose()?;
        let dx = if wanted[1] {
            Some(multiply(s, &contract(differentiated(self.0), grad, x)?)?)
        } else {
            None
        };
        Ok(vec![ds, dx])
    }
}

#[derive(Debug, Clone, Copy)]
struct Contract(Functions);

impl Op for Contract {
    const NAME: &'static str = "contracted radial functions";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        Ok((self.0.contract(args[0], args[1])?, shapes[1].clone()))
    }

    fn backward(
        &self,
        args: &[Tensor],
        grad: &Tensor,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let (z, x) = (&args[0], &args[1]);
        let dz = wanted[0].then(|| weighted(self.0, grad, x)).transpose()?;
        let dx = if wanted[1] {
            Some(multiply(grad, &contract(differentiated(self.0), z, x)?)?)
        } else {
            None
        };
        Ok(vec![dz, dx])
    }
}

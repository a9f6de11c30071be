//! Sets of functions of one variable, `y[..., k] = f_k(x[...])`, differentiable any number of
//! times.

use candle_core::{D, Shape, Tensor};
use e3x_kernels::radial::{Argument, Family};

use crate::Result;
use crate::op::{Element, Op, apply};

/// The first `num` functions of a family at `x / divisor + offset`, in a new last axis.
pub(crate) fn family(
    family: Family,
    num: usize,
    divisor: f64,
    offset: f64,
    x: &Tensor,
) -> Result<Tensor> {
    let functions = Functions {
        family,
        num,
        order: 0,
        argument: Argument { divisor, offset },
    };
    apply(functions, &[x])
}

#[derive(Debug, Clone, Copy)]
struct Functions {
    family: Family,
    num: usize,
    order: usize,
    argument: Argument,
}

impl Op for Functions {
    const NAME: &'static str = "family of functions";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[Shape]) -> Result<(Vec<T>, Shape)> {
        let y = self
            .family
            .evaluate(self.num, self.order, self.argument, args[0])?;
        let mut dims = shapes[0].dims().to_vec();
        dims.push(self.num);
        Ok((y, Shape::from(dims)))
    }

    fn backward(
        &self,
        args: &[Tensor],
        _result: &Tensor,
        grad: &Tensor,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let slopes = Self {
            order: self.order + 1,
            ..*self
        };
        let slopes = apply(slopes, &[&args[0]])?;
        Ok(vec![Some((grad * slopes)?.sum(D::Minus1)?)])
    }
}

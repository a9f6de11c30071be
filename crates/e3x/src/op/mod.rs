//! Glue between kernels on slices and candle's tape, in one place.
//!
//! A differentiable operation implements [`Op`]: a forward on contiguous slices and a backward
//! written with operations that are themselves differentiable. [`apply`] takes care of the rest:
//! layouts, dtypes, the tape, [`CreateGraph`](crate::autograd::CreateGraph) and gradients that nobody
//! asked for. Operations with several results, or with more operands than candle's three, implement
//! [`MultiOp`](tape::MultiOp).

pub(crate) mod aligned;
pub(crate) mod angle;
pub(crate) mod bias;
pub(crate) mod cartesian;
pub(crate) mod columns;
pub(crate) mod combine;
pub(crate) mod copy;
pub(crate) mod coupling;
pub(crate) mod dense;
pub(crate) mod elementwise;
pub(crate) mod frames;
pub(crate) mod fused;
pub(crate) mod fused_kernel;
pub(crate) mod gate;
pub(crate) mod harmonics;
pub(crate) mod irreps;
pub(crate) mod layer;
pub(crate) mod message;
pub(crate) mod multilinear;
pub(crate) mod norm;
pub(crate) mod product;
pub(crate) mod radial;
pub(crate) mod rows;
pub(crate) mod scores;
pub(crate) mod segment;
pub(crate) mod softmax;
pub(crate) mod softplus;
pub(crate) mod stack;
pub(crate) mod tape;
pub(crate) mod wigner;

use candle_core::{Shape, Tensor, WithDType};
use e3x_kernels::dense::PackedWeight;
use smallvec::smallvec;

use self::dense::Constant;
use self::tape::{AnyOp, MultiOp, Values, record};
use crate::Result;

/// Element types of the kernels: `f32` and `f64`.
pub(crate) trait Element: WithDType + e3x_kernels::Real {
    /// The weight, if it is of this type.
    fn packed(weight: &Constant) -> Option<&PackedWeight<Self>>;

    /// The results of an operation on numbers of this type.
    fn compute(op: &dyn AnyOp, args: &[&[Self]], shapes: &[&Shape]) -> Result<Values<Self>>;
}

impl Element for f32 {
    fn packed(weight: &Constant) -> Option<&PackedWeight<Self>> {
        match weight {
            Constant::F32(packed) => Some(packed),
            Constant::F64(_) => None,
        }
    }

    fn compute(op: &dyn AnyOp, args: &[&[Self]], shapes: &[&Shape]) -> Result<Values<Self>> {
        op.forward_f32(args, shapes)
    }
}

impl Element for f64 {
    fn packed(weight: &Constant) -> Option<&PackedWeight<Self>> {
        match weight {
            Constant::F64(packed) => Some(packed),
            Constant::F32(_) => None,
        }
    }

    fn compute(op: &dyn AnyOp, args: &[&[Self]], shapes: &[&Shape]) -> Result<Values<Self>> {
        op.forward_f64(args, shapes)
    }
}

/// A differentiable operation on contiguous operands of one floating point dtype.
pub(crate) trait Op: Clone + Send + Sync + 'static {
    /// Name in messages of the tape.
    const NAME: &'static str;
    /// Whether `backward` finds the result after the operands.
    const NEEDS_RESULT: bool = false;

    /// Computes the result and its shape. Operands come in C order.
    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)>;

    /// Vector-Jacobian products: one entry per operand, `None` where `wanted` is false.
    fn backward(
        &self,
        args: &[Tensor],
        grad: &Tensor,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>>;
}

/// Applies an operation and records it on the tape if an operand is tracked.
pub(crate) fn apply<O: Op>(op: O, args: &[&Tensor]) -> Result<Tensor> {
    Ok(record(Single(op), args)?.remove(0))
}

/// An operation with one result.
#[derive(Clone)]
struct Single<O>(O);

impl<O: Op> MultiOp for Single<O> {
    const NAME: &'static str = O::NAME;
    const NEEDS_RESULT: bool = O::NEEDS_RESULT;

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<Values<T>> {
        Ok(smallvec![self.0.forward(args, shapes)?])
    }

    fn backward(
        &self,
        args: &[Tensor],
        grads: &[Option<Tensor>],
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        match &grads[0] {
            Some(grad) => self.0.backward(args, grad, wanted),
            None => Ok(vec![None; wanted.len()]),
        }
    }
}

//! Operations that are one multilinear sum with one argument left out.
//!
//! The derivative of such a form with respect to any of its arguments is the form that leaves out
//! that argument, with the incoming gradient in place of the result. So the backward of the whole
//! family is written here, once, for derivatives of every order.

use candle_core::{Shape, Tensor, TensorId};

use super::{Element, Op, apply};
use crate::Result;

/// A multilinear sum with one argument left out.
pub(crate) trait Multilinear: Clone + Send + Sync + 'static {
    /// Names an argument of the sum.
    type Slot: Copy + PartialEq;

    /// Name in messages of the tape.
    const NAME: &'static str;

    /// The arguments of the sum, in order.
    fn slots() -> &'static [Self::Slot];
    /// The argument that this form computes.
    fn slot(&self) -> Self::Slot;
    /// The variables that an argument consists of, if it consists of variables only.
    fn variables(&self, _slot: Self::Slot) -> Option<&[TensorId]> {
        None
    }
    /// The form of the same sum that computes another argument.
    fn leaving_out(&self, slot: Self::Slot) -> Self;
    /// Shape of the argument that this form computes.
    fn shape(&self) -> Shape;
    /// Computes the argument left out; `args` are the others in order, in C order each.
    fn compute<T: Element>(&self, args: &[&[T]]) -> Result<Vec<T>>;
}

/// Computes the argument left out from the others, in order. Operands may have any shape with the
/// right number of elements.
pub(crate) fn form<M: Multilinear>(sum: M, args: &[&Tensor]) -> Result<Tensor> {
    apply(Form(sum), args)
}

#[derive(Clone)]
struct Form<M>(M);

impl<M: Multilinear> Form<M> {
    /// The arguments other than `slot`, in order.
    fn others(slot: M::Slot) -> impl Iterator<Item = M::Slot> {
        M::slots()
            .iter()
            .copied()
            .filter(move |&other| other != slot)
    }
}

impl<M: Multilinear> Op for Form<M> {
    const NAME: &'static str = M::NAME;

    fn forward<T: Element>(&self, args: &[&[T]], _: &[Shape]) -> Result<(Vec<T>, Shape)> {
        Ok((self.0.compute(args)?, self.0.shape()))
    }

    fn variables(&self, operand: usize) -> Option<&[TensorId]> {
        let slot = Self::others(self.0.slot()).nth(operand)?;
        self.0.variables(slot)
    }

    fn backward(
        &self,
        args: &[Tensor],
        _: &Tensor,
        grad: &Tensor,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let value = |slot: M::Slot| {
            Self::others(self.0.slot())
                .zip(args)
                .find(|&(other, _)| other == slot)
                .map_or(grad, |(_, arg)| arg)
        };
        let gradient = |((slot, arg), &wanted): ((M::Slot, &Tensor), &bool)| {
            if !wanted {
                return Ok(None);
            }
            let operands: Vec<_> = Self::others(slot).map(value).collect();
            Ok(Some(
                form(self.0.leaving_out(slot), &operands)?.reshape(arg.shape())?,
            ))
        };
        Self::others(self.0.slot())
            .zip(args)
            .zip(wanted)
            .map(gradient)
            .collect()
    }
}

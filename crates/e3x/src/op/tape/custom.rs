//! candle's three kinds of custom operations from one description.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Error, Result, Shape, Tensor};
use smallvec::SmallVec;

use super::handles::Operand;

/// Values and shape, as candle's operations return them.
pub(super) type Stored = (CpuStorage, Shape);

/// Operands of one candle operation.
pub(super) const MAX_OPERANDS: usize = 3;

/// Gradients of the operands of one candle operation.
pub(super) type Delivered = SmallVec<[Option<Tensor>; MAX_OPERANDS]>;

/// Puts an operation on the tape.
pub(super) fn apply_custom<C>(operands: &[Operand], op: C) -> Result<Tensor>
where
    C: CustomOp1 + CustomOp2 + CustomOp3 + Send + Sync + 'static,
{
    match operands {
        [a] => a.tensor.apply_op1(op),
        [a, b] => a.tensor.apply_op2(&b.tensor, op),
        [a, b, c] => a.tensor.apply_op3(&b.tensor, &c.tensor, op),
        _ => Err(Error::Msg(format!(
            "{} operands of one operation",
            operands.len()
        ))),
    }
}

/// Implements `CustomOp1` to `CustomOp3` by the methods `forward()` and `backward(result)`, the second of
/// which gives [`Delivered`] gradients.
macro_rules! custom_ops {
    ($type:ty, [$($generics:tt)*], $name:expr) => {
        impl $($generics)* CustomOp1 for $type {
            fn name(&self) -> &'static str {
                $name
            }

            fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> CandleResult<Stored> {
                Ok(self.forward())
            }

            fn bwd(&self, _: &Tensor, res: &Tensor, _: &Tensor) -> CandleResult<Option<Tensor>> {
                Ok(self.backward(res)?.pop().flatten())
            }
        }

        impl $($generics)* CustomOp2 for $type {
            fn name(&self) -> &'static str {
                $name
            }

            fn cpu_fwd(
                &self,
                _: &CpuStorage,
                _: &Layout,
                _: &CpuStorage,
                _: &Layout,
            ) -> CandleResult<Stored> {
                Ok(self.forward())
            }

            fn bwd(
                &self,
                _: &Tensor,
                _: &Tensor,
                res: &Tensor,
                _: &Tensor,
            ) -> CandleResult<(Option<Tensor>, Option<Tensor>)> {
                let mut grads = self.backward(res)?.into_iter();
                let mut next = || grads.next().flatten();
                Ok((next(), next()))
            }
        }

        impl $($generics)* CustomOp3 for $type {
            fn name(&self) -> &'static str {
                $name
            }

            fn cpu_fwd(
                &self,
                _: &CpuStorage,
                _: &Layout,
                _: &CpuStorage,
                _: &Layout,
                _: &CpuStorage,
                _: &Layout,
            ) -> CandleResult<Stored> {
                Ok(self.forward())
            }

            fn bwd(
                &self,
                _: &Tensor,
                _: &Tensor,
                _: &Tensor,
                res: &Tensor,
                _: &Tensor,
            ) -> CandleResult<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
                let mut grads = self.backward(res)?.into_iter();
                let mut next = || grads.next().flatten();
                Ok((next(), next(), next()))
            }
        }
    };
}

pub(super) use custom_ops;

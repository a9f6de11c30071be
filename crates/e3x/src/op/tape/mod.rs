//! Operations with any number of operands and results on candle's tape.
//!
//! candle's custom operations take one to three operands and have one result. Here, operands beyond
//! three are joined first, and several results are parts of one: the tape sees tensors of a single
//! element, *handles*, that stand for groups of operands or results. A handle carries no number; it
//! puts the operations in the right order:
//!
//! ```text
//! operands -> join -> handle -> operation -> handle -> part -> result
//! ```
//!
//! On the way back, each part leaves the gradient of its result with the pass that is running
//! ([`mode::leave`]), the operation collects them all, and leaves those of its operands for the
//! joins to hand out. Nothing is packed, padded or copied.

mod handles;

use std::sync::{Arc, Mutex};

use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, DType, Error as CandleError, Layout,
    Result as CandleResult, Shape, Storage, Tensor, TensorId,
};

use self::handles::{Join, Joined, Part, handle_gradient, handle_value, new_key, take};
use super::Element;
use crate::autograd::mode;
use crate::{Error, Result};

/// Results of an operation with their shapes.
pub(crate) type Values<T> = Vec<(Vec<T>, Shape)>;

/// A differentiable operation with any number of operands and results.
pub(crate) trait MultiOp: Send + Sync + 'static {
    /// Name in messages of the tape.
    const NAME: &'static str;

    /// Computes the results. Operands come in C order.
    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[Shape]) -> Result<Values<T>>;

    /// See [`Op::variables`](super::Op::variables).
    fn variables(&self, _operand: usize) -> Option<&[TensorId]> {
        None
    }

    /// Vector-Jacobian products: one entry per operand, `None` where `wanted` is false or the
    /// gradient is zero. `grads` has one entry per result, `None` if it does not matter. `result`
    /// is the result if there is just one.
    fn backward(
        &self,
        args: &[Tensor],
        result: &Tensor,
        grads: &[Option<Tensor>],
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>>;
}

/// Operands of one candle operation.
const MAX_OPERANDS: usize = 3;

/// Applies an operation and records it on the tape if an operand is tracked.
pub(crate) fn record<O: MultiOp>(op: O, args: &[&Tensor]) -> Result<Vec<Tensor>> {
    crate::process::prepare();
    let dtype = args.first().map_or(DType::F32, |x| x.dtype());
    if args.is_empty()
        || !matches!(dtype, DType::F32 | DType::F64)
        || args.iter().any(|x| x.dtype() != dtype)
    {
        let dtypes: Vec<_> = args.iter().map(|x| x.dtype().as_str()).collect();
        let expected = "operands that are all f32 or all f64";
        return Err(Error::argument(O::NAME, expected, dtypes.join(", ")));
    }
    let args = args
        .iter()
        .map(|x| x.contiguous())
        .collect::<CandleResult<Vec<_>>>()?;
    let results = match dtype {
        DType::F32 => compute::<f32, O>(&op, &args)?,
        _ => compute::<f64, O>(&op, &args)?,
    };
    if args.iter().any(Tensor::track_op) {
        on_tape(op, args, results)
    } else {
        let untracked = |(storage, shape)| {
            Tensor::from_storage(
                Storage::Cpu(storage),
                shape,
                candle_core::op::BackpropOp::none(),
                false,
            )
        };
        Ok(results.into_iter().map(untracked).collect())
    }
}

type Stored = (CpuStorage, Shape);

fn compute<T: Element, O: MultiOp>(op: &O, args: &[Tensor]) -> Result<Vec<Stored>> {
    let guards: Vec<_> = args.iter().map(Tensor::storage_and_layout).collect();
    let mut slices = Vec::with_capacity(args.len());
    for (storage, layout) in &guards {
        let Storage::Cpu(storage) = &**storage else {
            return Err(Error::argument(
                O::NAME,
                "operands on the CPU",
                "another device",
            ));
        };
        let (start, end) = layout
            .contiguous_offsets()
            .ok_or(CandleError::RequiresContiguous { op: O::NAME })?;
        slices.push(&storage.as_slice::<T>()?[start..end]);
    }
    let shapes: Vec<Shape> = args.iter().map(|x| x.shape().clone()).collect();
    let results = op.forward(&slices, &shapes)?;
    let stored = |(values, shape)| (T::to_cpu_storage_owned(values), shape);
    Ok(results.into_iter().map(stored).collect())
}

/// Puts the operation between its operands and its results, which are known already.
fn on_tape<O: MultiOp>(op: O, args: Vec<Tensor>, results: Vec<Stored>) -> Result<Vec<Tensor>> {
    let dtype = args[0].dtype();
    let joins: Vec<Arc<Join>> = if args.len() <= MAX_OPERANDS {
        Vec::new()
    } else {
        let size = args.len().div_ceil(MAX_OPERANDS).max(MAX_OPERANDS);
        args.chunks(size).map(Join::new).collect()
    };
    let handles = joins
        .iter()
        .map(Join::handle)
        .collect::<CandleResult<Vec<_>>>()?;
    let single = results.len() == 1;
    let (result, parts) = if single {
        (results.into_iter().next(), Vec::new())
    } else {
        (None, results)
    };
    let node = Recorded {
        tracked: args.iter().map(Tensor::track_op).collect(),
        variable: args
            .iter()
            .map(|x| x.is_variable().then(|| x.id()))
            .collect(),
        args: if joins.is_empty() {
            Vec::new()
        } else {
            args.clone()
        },
        op,
        joins,
        key: new_key(),
        parts: parts.len(),
        result: Mutex::new(result),
        dtype,
    };
    let key = node.key;
    let operands = if handles.is_empty() { &args } else { &handles };
    let result = apply_custom(operands, node)?;
    if single {
        return Ok(vec![result]);
    }
    let part = |(index, stored)| {
        let part = Part {
            key,
            index,
            result: Mutex::new(Some(stored)),
        };
        Ok(result.apply_op1(part)?)
    };
    parts.into_iter().enumerate().map(part).collect()
}

fn apply_custom<C>(operands: &[Tensor], op: C) -> CandleResult<Tensor>
where
    C: CustomOp1 + CustomOp2 + CustomOp3 + Send + Sync + 'static,
{
    match operands {
        [a] => a.apply_op1(op),
        [a, b] => a.apply_op2(b, op),
        [a, b, c] => a.apply_op3(b, c, op),
        _ => Err(CandleError::Msg(format!(
            "{} operands of one operation",
            operands.len()
        ))),
    }
}

/// A tensor as operand of a backward: with its history only if the pass is recorded.
fn keep(x: &Tensor) -> Tensor {
    if mode::creates_graph() {
        x.clone()
    } else {
        x.detach()
    }
}

/// The operation itself.
struct Recorded<O> {
    op: O,
    /// The operands, if they are joined.
    args: Vec<Tensor>,
    tracked: Vec<bool>,
    /// Operands that are variables themselves.
    variable: Vec<Option<TensorId>>,
    joins: Vec<Arc<Join>>,
    key: u64,
    /// Number of parts of the result; 0 if there is just one result.
    parts: usize,
    result: Mutex<Option<Stored>>,
    dtype: DType,
}

impl<O: MultiOp> Recorded<O> {
    fn forward(&self) -> CandleResult<Stored> {
        if self.parts == 0 {
            take(&self.result)
        } else {
            Ok(handle_value(self.dtype))
        }
    }

    fn backward(
        &self,
        operands: &[&Tensor],
        result: &Tensor,
        grad: &Tensor,
    ) -> CandleResult<Vec<Option<Tensor>>> {
        let args: Vec<Tensor> = if self.joins.is_empty() {
            operands.iter().map(|x| keep(x)).collect()
        } else {
            self.args.iter().map(keep).collect()
        };
        let grads = if self.parts == 0 {
            vec![Some(keep(grad).contiguous()?)]
        } else {
            let contiguous = |grad: Tensor| keep(&grad).contiguous();
            let left = mode::collect(self.key, self.parts).into_iter();
            left.map(|grad| grad.map(contiguous).transpose())
                .collect::<CandleResult<_>>()?
        };
        let wanted: Vec<bool> = (0..args.len()).map(|i| self.is_wanted(i)).collect();
        let mut grads = if grads.iter().any(Option::is_some) {
            self.op.backward(&args, &keep(result), &grads, &wanted)?
        } else {
            vec![None; args.len()]
        };
        for (i, grad) in grads.iter_mut().enumerate() {
            // The tape insists on a gradient of everything that it tracks, variables excepted.
            if grad.is_none() && self.tracked[i] && self.variable[i].is_none() {
                *grad = Some(args[i].zeros_like()?.detach());
            }
        }
        if self.joins.is_empty() {
            return Ok(grads);
        }
        let mut grads = grads.into_iter();
        let hand_over = |join: &Arc<Join>| {
            for (i, grad) in grads.by_ref().take(join.args.len()).enumerate() {
                if let Some(grad) = grad {
                    mode::leave(join.key, i, grad);
                }
            }
            handle_gradient(self.dtype).map(Some)
        };
        self.joins.iter().map(hand_over).collect()
    }

    /// Whether the gradient of an operand is used by anybody.
    fn is_wanted(&self, operand: usize) -> bool {
        let own = self.variable[operand];
        let variables = match &own {
            Some(variable) => Some(std::slice::from_ref(variable)),
            None => self.op.variables(operand),
        };
        let requested = |ids: &[TensorId]| ids.iter().any(|&id| mode::requests(id));
        self.tracked[operand] && variables.is_none_or(requested)
    }
}

/// The three kinds of candle's custom operations, from `forward()` and `backward(operands, result,
/// gradient)`.
macro_rules! custom_ops {
    ($type:ty, [$($generics:tt)*], $name:expr, $forward:expr, $backward:expr) => {
        impl $($generics)* CustomOp1 for $type {
            fn name(&self) -> &'static str {
                $name
            }

            fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> CandleResult<Stored> {
                $forward(self)
            }

            fn bwd(&self, a: &Tensor, res: &Tensor, grad: &Tensor) -> CandleResult<Option<Tensor>> {
                Ok($backward(self, &[a], res, grad)?.pop().flatten())
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
                $forward(self)
            }

            fn bwd(
                &self,
                a: &Tensor,
                b: &Tensor,
                res: &Tensor,
                grad: &Tensor,
            ) -> CandleResult<(Option<Tensor>, Option<Tensor>)> {
                let mut grads = $backward(self, &[a, b], res, grad)?.into_iter();
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
                $forward(self)
            }

            fn bwd(
                &self,
                a: &Tensor,
                b: &Tensor,
                c: &Tensor,
                res: &Tensor,
                grad: &Tensor,
            ) -> CandleResult<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
                let mut grads = $backward(self, &[a, b, c], res, grad)?.into_iter();
                let mut next = || grads.next().flatten();
                Ok((next(), next(), next()))
            }
        }
    };
}

custom_ops!(
    Recorded<O>,
    [<O: MultiOp>],
    O::NAME,
    Recorded::forward,
    Recorded::backward
);

custom_ops!(
    Joined,
    [],
    "join",
    |joined: &Joined| Ok(joined.forward()),
    |joined: &Joined, _: &[&Tensor], _: &Tensor, _: &Tensor| CandleResult::Ok(joined.backward())
);

//! Glue between kernels on slices and candle's tape, in one place.
//!
//! A differentiable operation implements [`Op`]: a forward on contiguous slices and a backward
//! written with operations that are themselves differentiable. [`apply`] takes care of the rest:
//! layouts, dtypes, the tape, [`CreateGraph`](crate::autograd::CreateGraph), gradients that nobody
//! asked for, and operations with more operands than candle's three.

pub(crate) mod bias;
pub(crate) mod coupling;
pub(crate) mod dense;
pub(crate) mod elementwise;
pub(crate) mod gate;
pub(crate) mod harmonics;
pub(crate) mod message;
pub(crate) mod multilinear;
pub(crate) mod norm;
pub(crate) mod radial;
pub(crate) mod rows;
pub(crate) mod segment;

use std::sync::Arc;

use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, DType, Error as CandleError, Layout,
    Result as CandleResult, Shape, Tensor, TensorId, WithDType,
};

use crate::autograd::mode;
use crate::{Error, Result};

/// Element types of the kernels: `f32` and `f64`.
pub(crate) trait Element: WithDType + e3x_kernels::Real {}

impl Element for f32 {}
impl Element for f64 {}

/// A differentiable operation on contiguous operands of one floating point dtype.
pub(crate) trait Op: Clone + Send + Sync + 'static {
    /// Name in messages of the tape.
    const NAME: &'static str;

    /// Computes the result and its shape. Operands come in C order.
    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[Shape]) -> Result<(Vec<T>, Shape)>;

    /// The variables that an operand consists of, if it consists of variables only (parameters
    /// that were put together). Their gradient is skipped when nobody asked for any of them.
    fn variables(&self, _operand: usize) -> Option<&[TensorId]> {
        None
    }

    /// Vector-Jacobian products: one entry per operand, `None` where `wanted` is false.
    fn backward(
        &self,
        args: &[Tensor],
        result: &Tensor,
        grad: &Tensor,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>>;
}

/// Applies an operation and records it on the tape if an operand is tracked.
pub(crate) fn apply<O: Op>(op: O, args: &[&Tensor]) -> Result<Tensor> {
    let dtype = args.first().map_or(DType::F32, |x| x.dtype());
    if !matches!(dtype, DType::F32 | DType::F64) || args.iter().any(|x| x.dtype() != dtype) {
        let dtypes: Vec<_> = args.iter().map(|x| x.dtype().as_str()).collect();
        return Err(Error::argument(
            O::NAME,
            "operands that are all f32 or all f64",
            dtypes.join(", "),
        ));
    }
    let args = args
        .iter()
        .map(|x| x.contiguous())
        .collect::<CandleResult<Vec<_>>>()?;
    let recorded = Recorded {
        op,
        shapes: args
            .iter()
            .map(|x| x.shape().clone())
            .collect::<Vec<_>>()
            .into(),
        tracked: args.iter().map(Tensor::track_op).collect(),
        variable: args
            .iter()
            .map(|x| x.is_variable().then(|| x.id()))
            .collect(),
    };
    let result = match args.as_slice() {
        [a] => a.apply_op1(recorded),
        [a, b] => a.apply_op2(b, recorded),
        [a, b, c] => a.apply_op3(b, c, recorded),
        [a, b, rest @ ..] => {
            let flat = rest
                .iter()
                .map(Tensor::flatten_all)
                .collect::<CandleResult<Vec<_>>>()?;
            a.apply_op3(b, &Tensor::cat(&flat, 0)?, recorded)
        }
        [] => return Err(Error::argument(O::NAME, "at least one operand", "none")),
    };
    Ok(result?)
}

/// An operation with what is known about its operands when it is applied. Operands from the
/// third on travel in one flat tensor, because candle's operations take at most three.
struct Recorded<O> {
    op: O,
    shapes: Arc<[Shape]>,
    tracked: Arc<[bool]>,
    /// Operands that are variables themselves.
    variable: Arc<[Option<TensorId>]>,
}

impl<O: Op> Recorded<O> {
    fn forward(&self, storages: &[(&CpuStorage, &Layout)]) -> CandleResult<(CpuStorage, Shape)> {
        match storages[0].0 {
            CpuStorage::F32(_) => self.forward_typed::<f32>(storages),
            _ => self.forward_typed::<f64>(storages),
        }
    }

    fn forward_typed<T: Element>(
        &self,
        storages: &[(&CpuStorage, &Layout)],
    ) -> CandleResult<(CpuStorage, Shape)> {
        let mut slices = Vec::with_capacity(self.shapes.len());
        for (storage, layout) in storages {
            let (start, end) = layout
                .contiguous_offsets()
                .ok_or(CandleError::RequiresContiguous { op: O::NAME })?;
            slices.push(&storage.as_slice::<T>()?[start..end]);
        }
        if self.shapes.len() > 3 {
            let mut rest = slices.split_off(2)[0];
            for shape in &self.shapes[2..] {
                let (head, tail) = rest.split_at(shape.elem_count());
                slices.push(head);
                rest = tail;
            }
        }
        let (values, shape) = self.op.forward(&slices, &self.shapes)?;
        Ok((T::to_cpu_storage_owned(values), shape))
    }

    fn backward(
        &self,
        args: &[&Tensor],
        result: &Tensor,
        grad: &Tensor,
    ) -> CandleResult<Vec<Option<Tensor>>> {
        let keep = |x: &Tensor| {
            if mode::creates_graph() {
                x.clone()
            } else {
                x.detach()
            }
        };
        let mut operands: Vec<Tensor> = args.iter().map(|x| keep(x)).collect();
        if self.shapes.len() > 3 {
            operands = self.unpack(operands)?;
        }
        let grad = keep(grad).contiguous()?;
        let wanted: Vec<bool> = (0..operands.len()).map(|i| self.is_wanted(i)).collect();
        let mut grads = self.op.backward(&operands, &keep(result), &grad, &wanted)?;
        for (i, grad) in grads.iter_mut().enumerate() {
            // The tape insists on a gradient of everything that it tracks, variables excepted.
            if grad.is_none() && self.tracked[i] && self.variable[i].is_none() {
                *grad = Some(operands[i].zeros_like()?.detach());
            }
        }
        if self.shapes.len() > 3 {
            let rest = grads.split_off(2);
            grads.push(self.pack(rest, grad.dtype())?);
        }
        Ok(grads)
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

    fn unpack(&self, mut operands: Vec<Tensor>) -> CandleResult<Vec<Tensor>> {
        let Some(flat) = operands.pop() else {
            return Ok(operands);
        };
        let mut start = 0;
        for shape in &self.shapes[2..] {
            let part = flat.narrow(0, start, shape.elem_count())?;
            operands.push(part.reshape(shape.clone())?);
            start += shape.elem_count();
        }
        Ok(operands)
    }

    fn pack(&self, grads: Vec<Option<Tensor>>, dtype: DType) -> CandleResult<Option<Tensor>> {
        if !self.tracked[2..].contains(&true) {
            return Ok(None);
        }
        // The tape tracks the flat tensor, and insists on a gradient, as soon as one part is tracked.
        let parts = grads
            .into_iter()
            .zip(&self.shapes[2..])
            .map(|(grad, shape)| match grad {
                Some(grad) => grad.flatten_all(),
                None => Tensor::zeros(shape.elem_count(), dtype, &candle_core::Device::Cpu),
            });
        Tensor::cat(&parts.collect::<CandleResult<Vec<_>>>()?, 0).map(Some)
    }
}

impl<O: Op> CustomOp1 for Recorded<O> {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> CandleResult<(CpuStorage, Shape)> {
        self.forward(&[(s, l)])
    }

    fn bwd(&self, arg: &Tensor, res: &Tensor, grad: &Tensor) -> CandleResult<Option<Tensor>> {
        Ok(self.backward(&[arg], res, grad)?.pop().flatten())
    }
}

impl<O: Op> CustomOp2 for Recorded<O> {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> CandleResult<(CpuStorage, Shape)> {
        self.forward(&[(s1, l1), (s2, l2)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        res: &Tensor,
        grad: &Tensor,
    ) -> CandleResult<(Option<Tensor>, Option<Tensor>)> {
        let mut grads = self.backward(&[a, b], res, grad)?.into_iter();
        Ok((grads.next().flatten(), grads.next().flatten()))
    }
}

impl<O: Op> CustomOp3 for Recorded<O> {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> CandleResult<(CpuStorage, Shape)> {
        self.forward(&[(s1, l1), (s2, l2), (s3, l3)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        res: &Tensor,
        grad: &Tensor,
    ) -> CandleResult<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let mut grads = self.backward(&[a, b, c], res, grad)?.into_iter();
        Ok((
            grads.next().flatten(),
            grads.next().flatten(),
            grads.next().flatten(),
        ))
    }
}

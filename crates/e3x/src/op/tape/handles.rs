//! Handles: tensors of a single element that stand for groups of operands or results.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{
    CpuStorage, CustomOp1, DType, Device, Error as CandleError, Layout, Result as CandleResult,
    Shape, Tensor,
};

use super::{Stored, apply_custom};
use crate::autograd::mode;

pub(super) fn new_key() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The one number of a handle.
pub(super) fn handle_value(dtype: DType) -> Stored {
    let storage = match dtype {
        DType::F32 => CpuStorage::F32(vec![0.0]),
        _ => CpuStorage::F64(vec![0.0]),
    };
    (storage, Shape::from(1))
}

pub(super) fn handle_gradient(dtype: DType) -> CandleResult<Tensor> {
    Tensor::zeros(1, dtype, &Device::Cpu)
}

/// Takes a result that was computed before its operation went on the tape.
pub(super) fn take(result: &Mutex<Option<Stored>>) -> CandleResult<Stored> {
    result
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take()
        .ok_or_else(|| CandleError::Msg("an operation was applied twice".into()))
}

/// Several operands behind one handle.
pub(super) struct Join {
    pub args: Vec<Tensor>,
    pub key: u64,
}

/// The operation behind the handle.
pub(super) struct Joined(Arc<Join>);

impl Join {
    pub fn new(args: &[Tensor]) -> Arc<Self> {
        Arc::new(Self {
            args: args.to_vec(),
            key: new_key(),
        })
    }

    pub fn handle(self: &Arc<Self>) -> CandleResult<Tensor> {
        apply_custom(&self.args, Joined(Arc::clone(self)))
    }
}

impl Joined {
    pub fn forward(&self) -> Stored {
        handle_value(self.0.args[0].dtype())
    }

    pub fn backward(&self) -> Vec<Option<Tensor>> {
        mode::collect(self.0.key, self.0.args.len())
    }
}

/// One of several results.
pub(super) struct Part {
    /// Key of the operation.
    pub key: u64,
    pub index: usize,
    pub result: Mutex<Option<Stored>>,
}

impl CustomOp1 for Part {
    fn name(&self) -> &'static str {
        "part"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> CandleResult<Stored> {
        take(&self.result)
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, grad: &Tensor) -> CandleResult<Option<Tensor>> {
        mode::leave(self.key, self.index, grad.clone());
        handle_gradient(grad.dtype()).map(Some)
    }
}

//! Handles: tensors of a single element that stand for operations on candle's tape.
//!
//! A handle carries no number. It says to candle's backward which operation depends on which, while
//! the gradients themselves go past it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, DType, Device, Error as CandleError, Layout,
    Result as CandleResult, Shape, Tensor,
};
use smallvec::{SmallVec, smallvec};

use super::custom::{Delivered, MAX_OPERANDS, Stored, apply_custom, custom_ops};
use super::sources::{Place, Source, forget};
use super::{Few, Summands};
use crate::autograd::mode;

/// A new address for gradients.
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
    // A scalar: it needs no list of axes.
    (storage, Shape::from(()))
}

/// An operand of a node on the tape.
#[derive(Debug, Clone)]
pub(super) struct Operand {
    pub tensor: Tensor,
    /// Whether it is the handle of an operation, and so gets no gradient but a sign of life.
    pub is_handle: bool,
}

/// What a node returns to candle: the gradients that were left for its operands.
#[derive(Debug)]
pub(super) struct Delivery {
    pub key: u64,
    is_handle: SmallVec<[bool; MAX_OPERANDS]>,
    dtype: DType,
}

impl Delivery {
    pub fn new(operands: &[Operand], dtype: DType) -> Self {
        Self {
            key: new_key(),
            is_handle: operands.iter().map(|x| x.is_handle).collect(),
            dtype,
        }
    }

    pub fn gradients(&self) -> CandleResult<Delivered> {
        let left = mode::collect(self.key, self.is_handle.len());
        let gradient = |(left, is_handle): (Summands, &bool)| {
            if *is_handle {
                return Tensor::zeros((), self.dtype, &Device::Cpu).map(Some);
            }
            super::total(left).map_err(CandleError::wrap)
        };
        left.into_iter()
            .zip(&self.is_handle)
            .map(gradient)
            .collect()
    }
}

/// Several operands behind one handle.
struct Join(Delivery);

impl Join {
    fn forward(&self) -> Stored {
        handle_value(self.0.dtype)
    }

    fn backward(&self, _: &Tensor) -> CandleResult<Delivered> {
        self.0.gradients()
    }
}

custom_ops!(Join, [], "join");

/// Operands, at most as many as one candle operation takes, that stand for `operands`, and the place
/// where the gradient of each of these is to be left. `None`: as an operand of the operation itself.
pub(super) fn join(
    operands: Few<Operand>,
    dtype: DType,
) -> CandleResult<(Few<Operand>, Few<Option<Place>>)> {
    let mut places = smallvec![None; operands.len()];
    let mut joined = operands;
    let mut first = true;
    while joined.len() > MAX_OPERANDS {
        let mut handles = Few::with_capacity(joined.len().div_ceil(MAX_OPERANDS));
        for (chunk, group) in joined.chunks(MAX_OPERANDS).enumerate() {
            let delivery = Delivery::new(group, dtype);
            if first {
                for index in 0..group.len() {
                    let key = delivery.key;
                    places[chunk * MAX_OPERANDS + index] = Some(Place { key, index });
                }
            }
            handles.push(Operand {
                tensor: apply_custom(group, Join(delivery))?,
                is_handle: true,
            });
        }
        (joined, first) = (handles, false);
    }
    Ok((joined, places))
}

/// A result of an operation. What candle's operations that use it have for it is left for the
/// operation, which can be looked up as long as the result lives.
pub(super) struct Part {
    pub source: Arc<Source>,
    pub result: Mutex<Option<Stored>>,
}

impl CustomOp1 for Part {
    fn name(&self) -> &'static str {
        "result"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> CandleResult<Stored> {
        let mut result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        result
            .take()
            .ok_or_else(|| CandleError::Msg("an operation was applied twice".into()))
    }

    fn bwd(&self, handle: &Tensor, _: &Tensor, grad: &Tensor) -> CandleResult<Option<Tensor>> {
        mode::leave(self.source.place, grad.clone());
        handle.zeros_like().map(|zero| Some(zero.detach()))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        forget(&self.source);
    }
}

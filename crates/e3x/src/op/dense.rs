//! Dense layers on the tape.

use std::sync::Arc;

use candle_core::{DType, Shape, Tensor};
use e3x_kernels::dense::{self, DensePlan, PackedWeight, Slot};

use super::Element;
use super::multilinear::{Multilinear, without};
use super::tape::numbers;
use crate::Result;

/// The sum of a dense layer; see [`dense`].
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    pub plan: DensePlan,
    pub items: usize,
    /// The weight, if it is a constant: then no derivative of any order has something else in its place.
    pub constant: Option<Arc<Constant>>,
}

/// A weight that is used many times.
#[derive(Debug)]
pub(crate) enum Constant {
    F32(PackedWeight<f32>),
    F64(PackedWeight<f64>),
}

impl Constant {
    /// Packs a weight; `None` if it is of another type.
    pub fn new(plan: DensePlan, weight: &Tensor) -> Result<Option<Self>> {
        let (storage, layout) = weight.storage_and_layout();
        Ok(match weight.dtype() {
            DType::F32 => {
                let weight = numbers(Dense::NAME, &storage, layout)?;
                Some(Self::F32(PackedWeight::new(plan, weight)?))
            }
            DType::F64 => {
                let weight = numbers(Dense::NAME, &storage, layout)?;
                Some(Self::F64(PackedWeight::new(plan, weight)?))
            }
            _ => None,
        })
    }
}

impl Multilinear for Dense {
    const NAME: &'static str = "dense";
    const SLOTS: usize = Slot::ALL.len();

    fn shape(&self, slot: usize) -> Shape {
        Shape::from(Slot::ALL[slot].shape(&self.plan, self.items).to_vec())
    }

    fn form<T: Element>(&self, slot: usize, args: &[&[T]]) -> Result<Vec<T>> {
        let slot = Slot::ALL[slot];
        if let Some(packed) = self.constant.as_deref().and_then(T::packed) {
            match slot {
                Slot::Output => return Ok(packed.output(self.items, args[Slot::Input as usize])?),
                Slot::Input => return Ok(packed.input(self.items, args[Slot::Output as usize])?),
                Slot::Weight => {}
            }
        }
        let args = without(slot as usize, args);
        Ok(dense::form(&self.plan, slot, self.items, args)?)
    }
}

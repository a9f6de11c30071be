//! Dense layers on the tape.

use std::sync::Arc;

use candle_core::{Shape, TensorId};
use e3x_kernels::dense::{self, DensePlan, Slot};

use super::Element;
use super::multilinear::Multilinear;
use crate::Result;

/// The form of a dense layer that leaves out `slot`; see [`dense`].
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    pub plan: DensePlan,
    pub slot: Slot,
    pub items: usize,
    /// The kernels that the weight was put together from.
    pub kernels: Arc<[TensorId]>,
}

impl Multilinear for Dense {
    type Slot = Slot;

    const NAME: &'static str = "dense";

    fn slots() -> &'static [Slot] {
        &Slot::ALL
    }

    fn slot(&self) -> Slot {
        self.slot
    }

    fn variables(&self, slot: Slot) -> Option<&[TensorId]> {
        (slot == Slot::Weight).then_some(&self.kernels)
    }

    fn leaving_out(&self, slot: Slot) -> Self {
        Self {
            slot,
            ..self.clone()
        }
    }

    fn shape(&self) -> Shape {
        Shape::from(self.slot.shape(&self.plan, self.items).to_vec())
    }

    fn compute<T: Element>(&self, args: &[&[T]]) -> Result<Vec<T>> {
        Ok(dense::form(
            &self.plan,
            self.slot,
            self.items,
            [args[0], args[1]],
        )?)
    }
}

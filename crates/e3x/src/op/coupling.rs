//! Tensor products on the tape.

use std::sync::Arc;

use candle_core::Shape;
use e3x_kernels::CouplingPlan;
use e3x_kernels::coupling::{self, Slot};

use super::Element;
use super::multilinear::Multilinear;
use crate::Result;

/// The form of the trilinear coupling that leaves out `slot`; see [`coupling`].
#[derive(Debug, Clone)]
pub(crate) struct Coupling {
    pub plan: Arc<CouplingPlan>,
    pub slot: Slot,
    pub items: usize,
    pub features: usize,
}

impl Multilinear for Coupling {
    type Slot = Slot;

    const NAME: &'static str = "tensor product";

    fn slots() -> &'static [Slot] {
        &Slot::ALL
    }

    fn slot(&self) -> Slot {
        self.slot
    }

    fn leaving_out(&self, slot: Slot) -> Self {
        Self {
            slot,
            ..self.clone()
        }
    }

    fn shape(&self) -> Shape {
        let rows = self.slot.rows(&self.plan);
        match self.slot {
            Slot::Weight => Shape::from((rows, self.features)),
            _ => Shape::from((self.items, rows, self.features)),
        }
    }

    fn compute<T: Element>(&self, args: &[&[T]]) -> Result<Vec<T>> {
        let args = [args[0], args[1], args[2]];
        Ok(coupling::form(
            &self.plan,
            self.slot,
            self.items,
            self.features,
            args,
        )?)
    }
}

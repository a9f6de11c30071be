//! Message passing on the tape.

use std::sync::Arc;

use candle_core::Shape;
use e3x_kernels::message::{self, Slot};
use e3x_kernels::{CouplingPlan, EdgeList};

use super::Element;
use super::multilinear::Multilinear;
use crate::Result;

/// The form of message passing that leaves out `slot`; see [`message`].
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub plan: Arc<CouplingPlan>,
    pub edges: Arc<EdgeList>,
    pub slot: Slot,
    pub features: usize,
}

impl Multilinear for Message {
    type Slot = Slot;

    const NAME: &'static str = "message passing";

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
        Shape::from(self.slot.shape(&self.plan, &self.edges, self.features))
    }

    fn compute<T: Element>(&self, args: &[&[T]]) -> Result<Vec<T>> {
        let args = [args[0], args[1], args[2], args[3]];
        Ok(message::form(
            &self.plan,
            &self.edges,
            self.slot,
            self.features,
            args,
        )?)
    }
}

//! Message passing on the tape.

use std::sync::Arc;

use candle_core::Shape;
use e3x_kernels::message::{self, Slot};
use e3x_kernels::{CouplingPlan, EdgeList};

use super::Element;
use super::multilinear::{Multilinear, without};
use crate::Result;

/// The sum of message passing; see [`message`].
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub plan: Arc<CouplingPlan>,
    pub edges: Arc<EdgeList>,
    pub features: usize,
}

impl Multilinear for Message {
    const NAME: &'static str = "message passing";
    const SLOTS: usize = Slot::ALL.len();

    fn shape(&self, slot: usize) -> Shape {
        Shape::from(Slot::ALL[slot].shape(&self.plan, &self.edges, self.features))
    }

    fn form<T: Element>(&self, slot: usize, args: &[&[T]]) -> Result<Vec<T>> {
        let args = without(slot, args);
        let slot = Slot::ALL[slot];
        Ok(message::form(
            &self.plan,
            &self.edges,
            slot,
            self.features,
            args,
        )?)
    }
}

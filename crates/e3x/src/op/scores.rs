//! Scores of attention on the tape.

use std::sync::Arc;

use candle_core::Shape;
use e3x_kernels::EdgeList;
use e3x_kernels::scores::{self, ScorePlan, Slot};

use super::Element;
use super::multilinear::{Multilinear, each};
use crate::Result;

/// The sum of queries, keys and positional encodings; see [`scores`].
#[derive(Debug, Clone)]
pub(crate) struct Scores {
    pub plan: ScorePlan,
    pub edges: Arc<EdgeList>,
}

impl Multilinear for Scores {
    const NAME: &'static str = "attention scores";
    const SLOTS: usize = Slot::ALL.len();

    fn shape(&self, slot: usize) -> Shape {
        Shape::from(Slot::ALL[slot].shape(&self.plan, &self.edges))
    }

    fn form<T: Element>(&self, slot: usize, args: &[&[T]]) -> Result<Vec<T>> {
        Ok(scores::form(
            &self.plan,
            &self.edges,
            Slot::ALL[slot],
            each(args),
        )?)
    }
}

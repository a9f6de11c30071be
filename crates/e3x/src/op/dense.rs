//! Dense layers on the tape.

use candle_core::Shape;
use e3x_kernels::dense::{self, DensePlan, Slot};

use super::Element;
use super::multilinear::{Multilinear, without};
use crate::Result;

/// The sum of a dense layer; see [`dense`].
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    pub plan: DensePlan,
    pub items: usize,
}

impl Multilinear for Dense {
    const NAME: &'static str = "dense";
    const SLOTS: usize = Slot::ALL.len();

    fn shape(&self, slot: usize) -> Shape {
        Shape::from(Slot::ALL[slot].shape(&self.plan, self.items).to_vec())
    }

    fn form<T: Element>(&self, slot: usize, args: &[&[T]]) -> Result<Vec<T>> {
        let args = without(slot, args);
        Ok(dense::form(&self.plan, Slot::ALL[slot], self.items, args)?)
    }
}

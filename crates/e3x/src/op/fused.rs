//! Fused tensor products on the tape.

use std::sync::Arc;

use candle_core::Shape;
use e3x_kernels::FusedPlan;
use e3x_kernels::fused::{self, Slot};

use super::Element;
use super::multilinear::{Multilinear, each};
use crate::Result;

/// The sum of a fused tensor product; see [`fused`].
#[derive(Debug, Clone)]
pub(crate) struct Fused {
    pub plan: Arc<FusedPlan>,
    pub items: usize,
    pub features: usize,
}

impl Multilinear for Fused {
    const NAME: &'static str = "fused tensor product";
    const SLOTS: usize = Slot::ALL.len();

    fn shape(&self, slot: usize) -> Shape {
        let slot = Slot::ALL[slot];
        let rows = slot.rows(&self.plan);
        if slot.is_weight() {
            Shape::from((rows, self.features))
        } else {
            Shape::from((self.items, rows, self.features))
        }
    }

    fn form<T: Element>(&self, slot: usize, args: &[&[T]]) -> Result<Vec<T>> {
        let (items, features) = (self.items, self.features);
        let slot = Slot::ALL[slot];
        Ok(fused::form(&self.plan, slot, items, features, each(args))?)
    }

    fn gradients<T: Element>(&self, wanted: &[bool], args: &[&[T]]) -> Result<Vec<Vec<T>>> {
        let (items, features) = (self.items, self.features);
        let (wanted, args) = (each(wanted), each(args));
        Ok(fused::gradients(&self.plan, items, features, wanted, args)?)
    }

    fn second<T: Element>(
        &self,
        wanted: &[bool],
        args: &[&[T]],
        tangents: &[Option<&[T]>],
    ) -> Result<Vec<Vec<T>>> {
        let (items, features) = (self.items, self.features);
        let (wanted, args, tangents) = (each(wanted), each(args), each(tangents));
        Ok(fused::second(
            &self.plan, items, features, wanted, args, tangents,
        )?)
    }
}

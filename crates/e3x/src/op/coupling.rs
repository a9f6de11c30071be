//! Tensor products on the tape.

use std::sync::Arc;

use candle_core::Shape;
use e3x_kernels::CouplingPlan;
use e3x_kernels::coupling::{self, Slot};

use super::Element;
use super::multilinear::{Multilinear, each};
use crate::Result;

/// The sum of a tensor product; see [`coupling`].
#[derive(Debug, Clone)]
pub(crate) struct Coupling {
    pub plan: Arc<CouplingPlan>,
    pub items: usize,
    pub features: usize,
}

impl Multilinear for Coupling {
    const NAME: &'static str = "tensor product";
    const SLOTS: usize = Slot::ALL.len();

    fn shape(&self, slot: usize) -> Shape {
        let slot = Slot::ALL[slot];
        let rows = slot.rows(&self.plan);
        match slot {
            Slot::Weight => Shape::from((rows, self.features)),
            _ => Shape::from((self.items, rows, self.features)),
        }
    }

    fn form<T: Element>(&self, slot: usize, args: &[&[T]]) -> Result<Vec<T>> {
        let args = each(args);
        let slot = Slot::ALL[slot];
        Ok(coupling::form(
            &self.plan,
            slot,
            self.items,
            self.features,
            args,
        )?)
    }

    fn gradients<T: Element>(&self, wanted: &[bool], args: &[&[T]]) -> Result<Vec<Vec<T>>> {
        let (items, features) = (self.items, self.features);
        let (wanted, args) = (each(wanted), each(args));
        Ok(coupling::gradients(
            &self.plan, items, features, wanted, args,
        )?)
    }

    fn second<T: Element>(
        &self,
        wanted: &[bool],
        args: &[&[T]],
        tangents: &[Option<&[T]>],
    ) -> Result<Vec<Vec<T>>> {
        let (items, features) = (self.items, self.features);
        let (wanted, args, tangents) = (each(wanted), each(args), each(tangents));
        Ok(coupling::second(
            &self.plan, items, features, wanted, args, tangents,
        )?)
    }
}

//! Message passing in the frames of the edges, on the tape.

use std::sync::Arc;

use candle_core::Shape;
use e3x_kernels::EdgeList;
use e3x_kernels::aligned::{self, AlignedPlan, Slot};

use super::Element;
use super::multilinear::{Multilinear, each};
use crate::Result;

/// The sum of message passing in the frames of the edges; see [`aligned`].
#[derive(Debug, Clone)]
pub(crate) struct AlignedMessage {
    pub plan: Arc<AlignedPlan>,
    pub edges: Arc<EdgeList>,
    pub features: usize,
}

impl Multilinear for AlignedMessage {
    const NAME: &'static str = "message passing";
    const SLOTS: usize = Slot::ALL.len();

    fn shape(&self, slot: usize) -> Shape {
        Shape::from(Slot::ALL[slot].shape(&self.plan, &self.edges, self.features))
    }

    fn form<T: Element>(&self, slot: usize, args: &[&[T]]) -> Result<Vec<T>> {
        let mut wanted = [false; Slot::ALL.len()];
        wanted[slot] = true;
        Ok(self.gradients(&wanted, args)?.remove(0))
    }

    fn gradients<T: Element>(&self, wanted: &[bool], args: &[&[T]]) -> Result<Vec<Vec<T>>> {
        let (wanted, args) = (each(wanted), each(args));
        let (plan, edges) = (&self.plan, &self.edges);
        Ok(aligned::gradients(
            plan,
            edges,
            self.features,
            wanted,
            args,
        )?)
    }

    /// Of derivatives with respect to frames only their torques matter to [`frames`](super::frames), the only
    /// operation that makes frames.
    fn last_gradients<T: Element>(&self, wanted: &[bool], args: &[&[T]]) -> Result<Vec<Vec<T>>> {
        let (wanted, args) = (each(wanted), each(args));
        let (plan, edges) = (&self.plan, &self.edges);
        Ok(aligned::gradients_for_torques(
            plan,
            edges,
            self.features,
            wanted,
            args,
        )?)
    }

    fn second<T: Element>(
        &self,
        wanted: &[bool],
        args: &[&[T]],
        tangents: &[Option<&[T]>],
    ) -> Result<Vec<Vec<T>>> {
        let (wanted, args, tangents) = (each(wanted), each(args), each(tangents));
        let (plan, edges) = (&self.plan, &self.edges);
        Ok(aligned::second(
            plan,
            edges,
            self.features,
            wanted,
            args,
            tangents,
        )?)
    }
}

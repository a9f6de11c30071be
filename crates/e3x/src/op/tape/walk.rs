//! Backward passes in which candle has no part.
//!
//! Operations know the operations that their operands are results of. If all that a tensor depends on are
//! variables, by operations of this crate alone, its backward goes from one to the next in the reverse order
//! of their making, without handles, zeros and sums of candle.

use std::sync::Arc;

use candle_core::backprop::GradStore;
use candle_core::{Tensor, TensorId};

use super::ids::IdMap;
use super::sources::{Source, source};
use super::{Summands, total, view_as};
use crate::Result;
use crate::autograd::mode;

/// An operation on the way back.
pub(super) trait Pull: Send + Sync {
    /// From the gradients of the results, which were left here, to those of the operands. `handle` is that
    /// of the operation.
    fn pull_back(self: Arc<Self>, handle: &Tensor) -> Result<()>;

    /// Visits the operations that operands are results of.
    fn visit_sources(&self, visit: &mut dyn FnMut(&Arc<Source>));
}

/// Gradients by variables.
pub(crate) type Gradients = IdMap<TensorId, Tensor>;

/// The gradients of the sum of `x * cotangent` (of `x` without one) with respect to the variables that `of`
/// names, in the pass that is running.
pub(crate) fn backward(
    x: &Tensor,
    cotangent: Option<&Tensor>,
    of: &[&Tensor],
) -> Result<Gradients> {
    let store = match (source(x), cotangent) {
        (Some(source), _) if source.is_own => {
            let grad = cotangent.map_or_else(|| x.ones_like(), |grad| Ok(grad.clone()))?;
            mode::leave(source.place, view_as(&grad, &source.shape)?);
            walk(source)?;
            None
        }
        (Some(source), Some(cotangent)) => {
            mode::leave(source.place, view_as(cotangent, &source.shape)?);
            Some(source.handle.backward()?)
        }
        (None, Some(cotangent)) => Some(x.mul(cotangent)?.backward()?),
        (_, None) => Some(x.backward()?),
    };
    gradients(store, of)
}

/// Pulls gradients back through all operations behind one of them. Operations have larger keys than those
/// that they depend on.
fn walk(last: Arc<Source>) -> Result<()> {
    // Sorted. There are rarely more than a few, and what is found goes close to the end.
    let mut waiting = vec![last];
    while let Some(source) = waiting.pop() {
        Arc::clone(&source.pull).pull_back(&source.handle)?;
        source.pull.visit_sources(&mut |source| {
            let position = waiting.binary_search_by_key(&source.place.key, |x| x.place.key);
            if let Err(position) = position
                && source.is_wanted()
            {
                waiting.insert(position, Arc::clone(source));
            }
        });
    }
    Ok(())
}

/// What candle and the operations of this crate have found for some variables.
fn gradients(store: Option<GradStore>, of: &[&Tensor]) -> Result<Gradients> {
    let mut found = mode::take_found();
    let mut gradients = Gradients::default();
    for variable in of {
        let mut grads = found
            .remove(&variable.id())
            .map_or_else(Summands::new, |(_, grads)| grads);
        let of_candle = store.as_ref().and_then(|store| store.get(variable));
        grads.extend(of_candle.cloned());
        if let Some(total) = total(grads)? {
            gradients.entry(variable.id()).or_insert(total);
        }
    }
    Ok(gradients)
}

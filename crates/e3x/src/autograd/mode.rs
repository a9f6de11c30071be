//! What the backward pass that is running on this thread is for.

use std::cell::RefCell;
use std::rc::Rc;

use candle_core::{Tensor, TensorId};
use smallvec::SmallVec;

use crate::op::tape::{IdMap, Place, Summands};

/// What a backward pass is for.
#[derive(Debug, Default)]
struct Pass {
    /// Whether it records its own operations.
    creates_graph: bool,
    /// The variables whose gradients are wanted; `None`: all.
    requested: Option<Rc<[TensorId]>>,
    /// Gradients on their way between operations; see [`crate::op::tape`].
    left: Option<IdMap<u64, Left>>,
    /// Gradients of variables that did not go through candle, which adds every one to zeros. `None` if nobody
    /// will ask for them: candle's own backward was called.
    found: Option<Found>,
}

/// Gradients of the results of an operation.
pub(crate) type Left = SmallVec<[Summands; 1]>;

/// Variables and their gradients.
pub(crate) type Found = IdMap<TensorId, (Tensor, Summands)>;

thread_local! {
    static PASS: RefCell<Pass> = const {
        RefCell::new(Pass { creates_graph: true, requested: None, left: None, found: None })
    };
}

/// Whether backward passes on this thread keep the graph of the gradients they compute.
///
/// `true` outside of [`with`]: a plain `Tensor::backward` stays differentiable.
pub(crate) fn creates_graph() -> bool {
    PASS.with_borrow(|pass| pass.creates_graph)
}

/// Whether the gradient of a variable is wanted.
pub(crate) fn requests(variable: TensorId) -> bool {
    PASS.with_borrow(|pass| {
        pass.requested
            .as_ref()
            .is_none_or(|ids| ids.contains(&variable))
    })
}

/// Leaves a gradient for whoever [`collect`]s at its place. What is left at one place counts together.
pub(crate) fn leave(place: Place, grad: Tensor) {
    PASS.with_borrow_mut(|pass| {
        let left = pass.left.get_or_insert_default();
        let left = left.entry(place.key).or_default();
        if left.len() <= place.index {
            left.resize_with(place.index + 1, Summands::new);
        }
        left[place.index].push(grad);
    });
}

/// Keeps a gradient of a variable for the end of the pass; gives it back if candle has to take it.
pub(crate) fn find(variable: &Tensor, grad: Tensor) -> Option<Tensor> {
    PASS.with_borrow_mut(|pass| {
        let Some(found) = &mut pass.found else {
            return Some(grad);
        };
        let entry = found.entry(variable.id());
        let (_, grads) = entry.or_insert_with(|| (variable.clone(), Summands::new()));
        grads.push(grad);
        None
    })
}

/// The gradients of variables that were found in this pass.
pub(crate) fn take_found() -> Found {
    PASS.with_borrow_mut(|pass| pass.found.as_mut().map(std::mem::take))
        .unwrap_or_default()
}

/// The gradients that were left under `key`, at `len` places.
pub(crate) fn collect(key: u64, len: usize) -> Left {
    let mut left = PASS
        .with_borrow_mut(|pass| pass.left.as_mut()?.remove(&key))
        .unwrap_or_default();
    left.resize_with(len, Summands::new);
    left
}

/// Runs `f` as a backward pass for the gradients of `requested` variables (`None`: all) and
/// restores the former pass afterwards, also when `f` panics. `f` calls [`take_found`] at its end.
pub(crate) fn with<T>(
    creates_graph: bool,
    requested: Option<&[&Tensor]>,
    f: impl FnOnce() -> T,
) -> T {
    struct Restore(Option<Pass>);
    impl Drop for Restore {
        fn drop(&mut self) {
            if let Some(pass) = self.0.take() {
                PASS.replace(pass);
            }
        }
    }
    let requested = requested.map(|variables| variables.iter().map(|x| x.id()).collect());
    let _restore = Restore(Some(PASS.replace(Pass {
        creates_graph,
        requested,
        left: None,
        found: Some(Found::default()),
    })));
    f()
}

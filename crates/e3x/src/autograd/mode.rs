//! What the backward pass that is running on this thread is for.

use std::cell::RefCell;
use std::rc::Rc;

use candle_core::{Tensor, TensorId};

/// What a backward pass is for.
#[derive(Debug, Clone)]
struct Pass {
    /// Whether it records its own operations.
    creates_graph: bool,
    /// The variables whose gradients are wanted; `None`: all.
    requested: Option<Rc<[TensorId]>>,
}

thread_local! {
    static PASS: RefCell<Pass> = const {
        RefCell::new(Pass { creates_graph: true, requested: None })
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

/// Runs `f` as a backward pass for the gradients of `requested` variables (`None`: all) and
/// restores the former pass afterwards, also when `f` panics.
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
    })));
    f()
}

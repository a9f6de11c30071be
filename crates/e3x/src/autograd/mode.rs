//! Whether the backward pass that is running records its own operations.

use std::cell::Cell;

thread_local! {
    static CREATES_GRAPH: Cell<bool> = const { Cell::new(true) };
}

/// Whether backward passes on this thread keep the graph of the gradients they compute.
///
/// `true` outside of [`with`]: a plain `Tensor::backward` stays differentiable.
pub(crate) fn creates_graph() -> bool {
    CREATES_GRAPH.get()
}

/// Runs `f` with the mode set and restores the former mode afterwards, also when `f` panics.
pub(crate) fn with<T>(create_graph: bool, f: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            CREATES_GRAPH.set(self.0);
        }
    }
    let _restore = Restore(CREATES_GRAPH.replace(create_graph));
    f()
}

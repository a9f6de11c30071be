//! Settings of the process that derivatives and speed depend on.

/// Applies them, once per process. Everything that makes tensors with this crate calls this first, so
/// that candle has not looked yet.
pub(crate) fn prepare() {
    e3x_kernels::process::set_environment_once(&[
        ("CANDLE_GRAD_DO_NOT_DETACH", "1"),
        ("CANDLE_NUM_THREADS", "1"),
    ]);
    e3x_kernels::process::keep_freed_memory();
}

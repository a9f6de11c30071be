//! Functions and layers on everything that they cannot use: none panics, and errors name the argument.

mod functions;
mod layers;
#[path = "../support/mod.rs"]
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};

use candle_core::{DType, Tensor};
use e3x::Result;
use e3x::testing::random;

/// Tensors of all kinds: ranks, axis sizes, empty, other dtypes, not finite.
fn tensors() -> Vec<(String, Tensor)> {
    let mut all = Vec::new();
    for dims in [
        &[][..],
        &[0],
        &[1],
        &[3],
        &[0, 3],
        &[5, 3],
        &[5, 2],
        &[3, 3],
        &[2, 3, 3],
        &[4, 1, 4, 2],
        &[4, 2, 4, 2],
        &[4, 3, 4, 2],
        &[4, 1, 5, 2],
        &[0, 1, 4, 2],
        &[4, 1, 4, 0],
        &[4, 1, 0, 2],
        &[2, 2, 2, 2, 2, 2],
    ] {
        let x = random(dims, 1).unwrap();
        for dtype in [DType::F64, DType::F32, DType::F16, DType::I64, DType::U8] {
            all.push((format!("{dtype:?} {dims:?}"), x.to_dtype(dtype).unwrap()));
        }
        for value in [f64::NAN, f64::INFINITY, -1e300] {
            let x = x.affine(0.0, value).unwrap();
            all.push((format!("{value} {dims:?}"), x));
        }
        if dims.len() > 1 {
            all.push((format!("transposed {dims:?}"), x.t().unwrap()));
        }
    }
    all
}

/// Runs a function on a tensor, or whatever `what` says: it does not panic, and an error says what
/// was received instead of what. Whether there was none.
fn check(name: &str, what: &str, call: impl FnOnce() -> Result<()>) -> bool {
    let Ok(result) = catch_unwind(AssertUnwindSafe(call)) else {
        panic!("{name} of {what} panics");
    };
    if let Err(error) = &result {
        let message = error.to_string();
        let says = message.contains("received") || message.contains("must be");
        assert!(says, "{name} of {what}: {message}");
    }
    result.is_ok()
}

//! CPU kernels of e3x on slices: coupling of irreps, message passing, dense layers, and all their
//! derivatives.
//!
//! The kernels know no tensor framework. They take plans (immutable values built once), slices and
//! nothing else; the callers own shapes, dtypes and the tape.

pub mod edges;
mod error;
pub mod gate;
mod jet;
pub mod process;
pub mod radial;
mod real;
pub mod rows;
pub mod scalar;

pub use edges::EdgeList;
pub use error::{Error, Result};
pub use real::Real;

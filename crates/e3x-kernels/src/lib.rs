//! CPU kernels of e3x on slices: coupling of irreps, message passing, dense layers, and all their
//! derivatives.
//!
//! The kernels know no tensor framework. They take plans (immutable values built once), slices and
//! nothing else; the callers own shapes, dtypes and the tape. Each family of kernels is one
//! multilinear sum with one argument left out, so that it is closed under differentiation.

pub mod aligned;
mod arithmetic;
pub mod combine;
pub mod coupling;
mod csr;
pub mod dense;
pub mod edges;
mod error;
pub mod fused;
pub mod gate;
mod gather;
pub mod harmonics;
#[cfg(test)]
#[path = "../../e3x-so3/tests/common/instructions.rs"]
mod instructions;
mod items;
mod jet;
mod known;
mod lanes;
pub mod message;
pub mod norm;
mod operands;
mod par;
mod place;
mod plan;
mod prefetch;
pub mod process;
pub mod radial;
mod real;
mod reduce;
pub mod rows;
pub mod scalar;
pub mod scores;
pub mod segment;
pub mod softmax;

pub use edges::EdgeList;
pub use error::{Error, Result};
pub use fused::FusedPlan;
pub use plan::{Block, CouplingPlan, CouplingSpec, Path, Term};
pub use real::Real;
pub use segment::Segments;

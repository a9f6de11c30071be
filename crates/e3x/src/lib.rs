//! E(3)-equivariant deep learning made easy: the building blocks of
//! [E3x](https://arxiv.org/abs/2401.07595) on [`candle_core::Tensor`]s.
//!
//! Features carry irreducible representations of O(3) up to a degree L in plain tensors of shape
//! `(..., P, (L+1)^2, F)`; see [`FeatureShape`].

pub mod autograd;
pub mod config;
mod error;
pub mod nn;
pub(crate) mod op;
mod shape;
pub mod testing;

pub use error::{Error, Result};
pub use shape::FeatureShape;

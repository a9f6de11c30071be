//! E(3)-equivariant deep learning made easy: the building blocks of
//! [E3x](https://arxiv.org/abs/2401.07595) on [`candle_core::Tensor`]s.
//!
//! Features carry irreducible representations of O(3) up to a degree L in plain tensors of shape
//! `(..., P, (L+1)^2, F)`; see [`FeatureShape`]. Modules mirror E3x's: [`so3`], [`ops`], [`nn`], [`matrix`],
//! [`config`]; [`autograd`] computes derivatives of any order, [`optim`] trains, [`convert`] exchanges
//! features and weights with e3nn, [`testing`] checks layers of your own.

pub mod autograd;
pub mod config;
pub mod convert;
mod error;
pub mod matrix;
pub mod nn;
pub(crate) mod op;
pub mod ops;
pub mod optim;
mod process;
mod shape;
pub mod so3;
pub mod testing;
pub mod trace;

pub use error::{Error, Result};
pub use shape::FeatureShape;

/// The programs in the README, run with the tests of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

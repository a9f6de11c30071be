//! Molecules and materials: data sets, potentials, relaxation, dynamics.
//!
//! Units are eV, Å, fs, u and K everywhere, and combinations of them (eV/Å for forces, eV/Å³ for stress, Å/fs for
//! velocities).

pub mod atomic_file;
pub mod elements;
mod error;
pub mod extxyz;
mod frame;
mod linalg;
pub mod units;

pub use error::{Error, Result};
pub use frame::{Column, ColumnValues, Frame};

//! Molecules and materials: data sets, neighbour lists, potentials, relaxation, dynamics.
//!
//! Units are eV, Å, fs, u and K everywhere, and combinations of them (eV/Å for forces, eV/Å³ for stress, Å/fs for
//! velocities); see [`units`]. Relaxation and dynamics know no tensors: a model enters through the trait
//! [`Potential`](potential::Potential). The guide in `docs/guide` has a chapter on training and running a potential.
//!
//! | module | what it is for |
//! |---|---|
//! | [`extxyz`] | reading and writing data sets and trajectories of [`Frame`]s |
//! | [`split`] | seeded training and validation sets, shuffles by epoch |
//! | [`neighbors`] | pairs within a cutoff, for any cell |
//! | [`batch`] | frames as tensors: several molecules or cells in one graph |
//! | [`model`] | the message-passing potential, and a trained one as a [`Potential`](potential::Potential) |
//! | [`predictor`] | the same for the same atoms again and again |
//! | [`train`] | training on energies and forces, checkpoints |
//! | [`potential`] | what a model must offer; two analytic potentials |
//! | [`relax`] | FIRE and L-BFGS |
//! | [`dynamics`] | thermal velocities, velocity Verlet, energy drift |
//! | [`metrics`] | MAE, RMSE, and their CSV file |
//! | [`plot`] | learning curves, force scatter, energies of dynamics as PNG |
//! | [`atomic_file`] | files that are complete or not there |
//! | [`elements`], [`units`] | symbols and masses, constants |
//!
//! Everything is deterministic: the same input and seed give the same bits. Whatever a caller can get wrong is an
//! [`Error`], which names the argument or the line, what was expected and what came.
//!
//! # Example
//! A cluster of argon is relaxed, heated to 10 K and followed for a picosecond.
//!
//! ```
//! use e3x_atoms::Frame;
//! use e3x_atoms::dynamics::{Nve, NveConfig, VelocityConfig, energy_drift, maxwell_boltzmann};
//! use e3x_atoms::potential::LennardJones;
//! use e3x_atoms::relax::{RelaxConfig, relax};
//!
//! let mut argon = LennardJones::new(0.0104, 3.40)?;
//! let start = [[0.0, 0.0, 0.0], [4.1, 0.0, 0.0], [1.5, 3.4, 0.0], [1.8, 1.2, 3.0]];
//! let config = RelaxConfig { fmax: 1e-4, ..RelaxConfig::default() };
//! let relaxed = relax(&mut argon, &[18; 4], &start, &config, |_| Ok(()))?;
//! assert!((relaxed.energy + 6.0 * 0.0104).abs() < 1e-5);
//!
//! let mut frame = Frame::new(vec![18; 4], relaxed.positions);
//! let cold = VelocityConfig { temperature: 10.0, ..VelocityConfig::default() };
//! frame.velocities = Some(maxwell_boltzmann(&frame.positions, &frame.masses()?, &cold)?);
//! let mut nve = Nve::new(&mut argon, &frame, &NveConfig { time_step: 5.0, ..NveConfig::default() })?;
//! let samples = nve.run(200, 1, |_, _| Ok(()))?;
//! assert!(energy_drift(&samples, frame.len())?.max_deviation < 0.05);
//! # Ok::<(), e3x_atoms::Error>(())
//! ```

pub mod atomic_file;
pub mod batch;
pub mod dynamics;
pub mod elements;
mod error;
pub mod extxyz;
mod frame;
#[cfg(doctest)]
mod guide;
mod linalg;
pub mod metrics;
pub mod model;
pub mod neighbors;
pub mod plot;
pub mod potential;
pub mod predictor;
mod random;
pub mod relax;
pub mod split;
mod traced;
pub mod train;
pub mod units;

pub use error::{Error, Result};
pub use frame::{Column, ColumnValues, Frame};

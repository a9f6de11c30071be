//! Training a potential on energies and forces.

mod average;
mod checkpoint;
mod config;
mod data;
mod step;
mod trainer;

pub use checkpoint::{Checkpoint, load_potential};
pub use config::{Precision, TrainConfig};
pub use data::evaluate;
pub use trainer::{EpochReport, StepReport, Trainer};

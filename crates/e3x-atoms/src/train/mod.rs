//! Training a potential on energies and forces.

mod checkpoint;
mod config;
mod trainer;

pub use checkpoint::{Checkpoint, load_potential};
pub use config::{Precision, TrainConfig};
pub use trainer::{EpochReport, StepReport, Trainer, evaluate};

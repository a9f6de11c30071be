//! Optimisers whose whole state can be saved, gradient clipping, averages of parameters, and
//! learning-rate schedules; the formulas are those of optax.

mod adam;
mod average;
mod clip;
mod loss;
mod plateau;
mod schedule;

pub use adam::{Adam, AdamConfig};
pub use average::ExponentialMovingAverage;
pub use clip::{clip_by_global_norm, clip_by_value, global_norm};
pub use loss::mean_squared_error;
pub use plateau::{PlateauConfig, ReduceOnPlateau};
pub use schedule::Schedule;

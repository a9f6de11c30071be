//! Optimisers whose whole state can be saved, and learning-rate schedules.

mod adam;
mod schedule;

pub use adam::{Adam, AdamConfig};
pub use schedule::Schedule;

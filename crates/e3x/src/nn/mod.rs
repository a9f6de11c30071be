//! Neural network building blocks; mirrors `e3x.nn`.

mod initializers;
mod params;

pub use initializers::Initializer;
pub use params::{Parameters, VarBuilder};

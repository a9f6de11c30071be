//! Conversion between the conventions of E3x, e3nn and others.
//!
//! See the table at [`Convention`] for what they are.

mod convention;
mod features;
mod weights;

pub use convention::Convention;
pub use features::{FeatureConversion, IrrepsMemory};
pub use weights::{LinearPath, TensorPath, linear_paths, tensor_paths};

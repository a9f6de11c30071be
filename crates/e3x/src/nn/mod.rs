//! Neural network building blocks; mirrors `e3x.nn`.

mod basis;
mod dense;
mod embed;
mod initializers;
mod message_pass;
mod params;
mod tensor;

pub use basis::{AngularFunction, Basis, BasisConfig, BasisDetails, basis, basis_with_details};
pub use dense::{Dense, DenseConfig};
pub use embed::{Embed, lookup};
pub use initializers::Initializer;
pub use message_pass::{MessagePass, MessagePassConfig};
pub use params::{Parameters, VarBuilder};
pub use tensor::{Tensor, TensorConfig};

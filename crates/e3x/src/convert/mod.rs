//! Features and weights in the conventions of e3nn and others.
//!
//! [`irreps_to_features`] and [`features_to_irreps`] convert arrays of irreps (`32x0e+32x1o`) and
//! features of shape `(..., P, (L+1)^2, F)`; [`change_convention`] changes the components of features.
//! [`dense_from_e3nn`] and [`tensor_from_e3nn`] convert the weights of layers, and the functions
//! `.._to_e3nn` convert back. The conventions are described at [`Convention`], the normalisation of
//! weights at [`e3x_so3::linear_paths`] and [`e3x_so3::tensor_paths`].
//!
//! Weights do not depend on the convention of the components, nor on the order of E3x: coupling
//! coefficients are the same in all of them.

mod features;
mod weights;

pub use e3x_so3::{Convention, Irrep, Irreps, IrrepsMemory, Parity};
pub use features::{IrrepsFormat, change_convention, features_to_irreps, irreps_to_features};
pub use weights::{dense_from_e3nn, dense_to_e3nn, tensor_from_e3nn, tensor_to_e3nn};

//! Neural network building blocks; mirrors `e3x.nn`.

mod activations;
mod angular;
mod attention;
mod basis;
mod blocks;
mod builder;
mod dense;
mod directions;
mod embed;
mod exponential_basis;
mod features;
mod functions;
mod fused_paths;
mod fused_tensor;
mod initializers;
mod kernels;
mod linear;
mod message_pass;
mod params;
mod summary;
mod tensor;
mod tensor_dense;
mod tensor_product;

pub use activations::{
    bent_identity, celu, elu, gelu, hard_silu, hard_swish, hard_tanh, leaky_relu, mish, relu,
    relu6, selu, serf, shifted_softplus, silu, soft_sign, swish,
};
pub use angular::AngularFunction;
pub use attention::{AttentionConfig, MultiHeadAttention, SelfAttention};
pub use basis::{Basis, BasisConfig, BasisDetails, basis, basis_with_details};
pub use blocks::{Exchange, Interaction, Residual};
pub use builder::Builder;
pub use dense::{Dense, DenseConfig};
pub use embed::{Embed, lookup};
pub use exponential_basis::{ExponentialBasis, ExponentialBasisConfig};
pub use features::{
    add, change_max_degree_or_type, even_degree_mask, odd_degree_mask, reflect, rotate,
};
pub use functions::{
    Basic, Cutoff, CutoffFn, CutoffOptions, Damping, DampingFn, DampingOptions, Exponential, Gamma,
    Radial, RadialFn, RadialFunction, Reciprocal, ReciprocalKind, ScalarFunction, basic_bernstein,
    basic_chebyshev, basic_fourier, basic_gaussian, cosine_cutoff, exponential_bernstein,
    exponential_chebyshev, exponential_fourier, exponential_gaussian, exponential_mapping,
    reciprocal_bernstein, reciprocal_chebyshev, reciprocal_fourier, reciprocal_gaussian,
    reciprocal_mapping, rectangular_window, sinc, smooth_cutoff, smooth_damping, smooth_switch,
    smooth_window, triangular_window,
};
pub use fused_tensor::{FusedTensor, FusedTensorConfig};
pub use initializers::{Distribution, FanMode, Initializer};
pub use linear::Linear;
pub use message_pass::{MessagePass, MessagePassConfig};
pub use params::{Parameters, VarBuilder};
pub use summary::{Layer, Row, Summary};
pub use tensor::{Tensor, TensorConfig};
pub use tensor_dense::{TensorDense, TensorDenseConfig};

//! Options of attention.

use crate::config::Config;
use crate::nn::{Initializer, MessagePassConfig};

/// Options of [`MultiHeadAttention`](super::MultiHeadAttention) and
/// [`SelfAttention`](super::SelfAttention), with E3x's names and defaults.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::struct_excessive_bools)] // The independent switches of E3x.
pub struct AttentionConfig {
    /// Number of heads; has to divide `qkv_features`.
    pub num_heads: usize,
    /// Number of features of queries, keys and values; `None`: as many as the query inputs have.
    pub qkv_features: Option<usize>,
    /// Number of features of the result; `None`: as many as the query inputs have.
    pub out_features: Option<usize>,
    /// Whether the scalars of the basis weight the products of queries and keys.
    pub use_relative_positional_encoding_qk: bool,
    /// Whether values are coupled with a filter from the basis, as in message passing.
    pub use_relative_positional_encoding_v: bool,
    /// Highest degree of the values after coupling with the filter; `None`: the larger one of
    /// inputs and basis. Without effect if they are not coupled.
    pub max_degree: Option<usize>,
    /// Whether linear combinations of the basis have a bias.
    pub use_basis_bias: bool,
    /// Whether coupling with the filter gives pseudotensors.
    pub include_pseudotensors: bool,
    /// Order of the entries of each degree.
    pub cartesian_order: bool,
    /// Whether values and filter are coupled by a [`FusedTensor`](crate::nn::FusedTensor) instead
    /// of a [`Tensor`](crate::nn::Tensor).
    pub use_fused_tensor: bool,
    /// Initialiser of the kernels of linear combinations of the basis.
    pub dense_kernel_init: Initializer,
    /// Initialiser of their biases.
    pub dense_bias_init: Initializer,
    /// Initialiser of the kernels of the tensor product; `None`: the default of its kind.
    pub tensor_kernel_init: Option<Initializer>,
    /// Initialiser of the kernels of queries.
    pub query_kernel_init: Initializer,
    /// Initialiser of the bias of queries.
    pub query_bias_init: Initializer,
    /// Whether queries have a bias.
    pub query_use_bias: bool,
    /// Initialiser of the kernels of keys.
    pub key_kernel_init: Initializer,
    /// Initialiser of the bias of keys.
    pub key_bias_init: Initializer,
    /// Whether keys have a bias.
    pub key_use_bias: bool,
    /// Initialiser of the kernels of values.
    pub value_kernel_init: Initializer,
    /// Initialiser of the bias of values.
    pub value_bias_init: Initializer,
    /// Whether values have a bias.
    pub value_use_bias: bool,
    /// Initialiser of the kernels of the result.
    pub output_kernel_init: Initializer,
    /// Initialiser of the bias of the result.
    pub output_bias_init: Initializer,
    /// Whether the result has a bias.
    pub output_use_bias: bool,
}

impl Default for AttentionConfig {
    fn default() -> Self {
        let (kernel_init, bias_init) = (Initializer::lecun_normal, Initializer::Zeros);
        Self {
            num_heads: 1,
            qkv_features: None,
            out_features: None,
            use_relative_positional_encoding_qk: true,
            use_relative_positional_encoding_v: true,
            max_degree: None,
            use_basis_bias: false,
            include_pseudotensors: true,
            cartesian_order: Config::cartesian_order(),
            use_fused_tensor: Config::use_fused_tensor(),
            dense_kernel_init: kernel_init(),
            dense_bias_init: bias_init.clone(),
            tensor_kernel_init: None,
            query_kernel_init: kernel_init(),
            query_bias_init: bias_init.clone(),
            query_use_bias: false,
            key_kernel_init: kernel_init(),
            key_bias_init: bias_init.clone(),
            key_use_bias: false,
            value_kernel_init: kernel_init(),
            value_bias_init: bias_init.clone(),
            value_use_bias: false,
            output_kernel_init: kernel_init(),
            output_bias_init: bias_init,
            output_use_bias: true,
        }
    }
}

impl AttentionConfig {
    /// The part that concerns the coupling of values with the filter.
    pub(super) fn message_pass(&self) -> MessagePassConfig {
        MessagePassConfig {
            max_degree: self.max_degree,
            use_basis_bias: self.use_basis_bias,
            include_pseudotensors: self.include_pseudotensors,
            cartesian_order: self.cartesian_order,
            use_fused_tensor: self.use_fused_tensor,
            dense_kernel_init: self.dense_kernel_init.clone(),
            dense_bias_init: self.dense_bias_init.clone(),
            tensor_kernel_init: self.tensor_kernel_init.clone(),
        }
    }
}

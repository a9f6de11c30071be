//! Attention of nodes to each other.

use candle_core::Tensor as Array;

use super::{AttentionConfig, MultiHeadAttention};
use crate::nn::{Basis, VarBuilder};
use crate::ops::Graph;
use crate::{FeatureShape, Result};

/// [`MultiHeadAttention`] with the same features for queries, keys and values; E3x's
/// `nn.SelfAttention` (arXiv:2401.07595, section 3.6).
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use e3x::FeatureShape;
/// use e3x::nn::{self, AttentionConfig, BasisConfig, Parameters, Radial, SelfAttention};
/// use e3x::ops::Graph;
///
/// let device = Device::Cpu;
/// let vb = Parameters::seeded(0).builder(DType::F32, &device);
/// let config = AttentionConfig { num_heads: 4, ..AttentionConfig::default() };
/// let layer = SelfAttention::new(FeatureShape::new(1, 1, 16)?, Some((1, 8)), config, vb)?;
///
/// let graph = Graph::from_indices(&[0, 0, 1], &[1, 2, 0], 3)?;
/// let displacements = Tensor::new(&[[1.0f32, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]], &device)?;
/// let basis = nn::basis(&displacements, &BasisConfig::new(1, 8, Radial::default()))?;
/// let x = Tensor::ones((3, 1, 4, 16), DType::F32, &device)?;
/// assert_eq!(layer.forward(&x, Some(&basis), None, &graph)?.dims(), [3, 2, 4, 16]);
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SelfAttention(MultiHeadAttention);

impl SelfAttention {
    /// Builds the layer; see [`MultiHeadAttention::new`].
    ///
    /// # Errors
    /// As [`MultiHeadAttention::new`].
    pub fn new(
        input: FeatureShape,
        basis: Option<(usize, usize)>,
        config: AttentionConfig,
        vb: VarBuilder,
    ) -> Result<Self> {
        Ok(Self(MultiHeadAttention::new(
            input, input, basis, config, vb,
        )?))
    }

    /// Attention of `inputs`, shape `(..., N, P, (L+1)^2, F)`, to each other along the edges of
    /// `graph`; see [`MultiHeadAttention::forward`].
    ///
    /// # Errors
    /// As [`MultiHeadAttention::forward`]; `inputs` are called `inputs_q` in messages.
    pub fn forward(
        &self,
        inputs: &Array,
        basis: Option<&Basis>,
        cutoff_value: Option<&Array>,
        graph: &Graph,
    ) -> Result<Array> {
        self.0.forward(inputs, inputs, basis, cutoff_value, graph)
    }

    pub(crate) fn inner(&self) -> &MultiHeadAttention {
        &self.0
    }

    /// Shape of the last three axes of the result.
    pub fn output_shape(&self) -> FeatureShape {
        self.0.output_shape()
    }
}

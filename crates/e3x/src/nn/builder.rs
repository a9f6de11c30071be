//! Building models as in Flax: layers get their names from their kind and number.

use std::collections::BTreeMap;

use candle_core::Shape;

use crate::nn::summary::{Layer, Summary};
use crate::nn::{
    AttentionConfig, Dense, DenseConfig, Embed, FusedTensor, FusedTensorConfig, Initializer,
    Linear, MessagePass, MessagePassConfig, MultiHeadAttention, Residual, SelfAttention, Tensor,
    TensorConfig, TensorDense, TensorDenseConfig, VarBuilder,
};
use crate::{FeatureShape, Result};

/// Builds the layers of a model and names them as Flax names the modules in a compact `__call__`:
/// `Dense_0`, `Dense_1`, `MessagePass_0`, ... in the order in which they are built.
///
/// A model written line by line after one in Python therefore has the same parameter paths. Shapes
/// are checked as the layers are built, and [`Builder::summary`] lists them.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use e3x::FeatureShape;
/// use e3x::nn::{Builder, DenseConfig, Parameters, TensorDenseConfig, silu};
///
/// let parameters = Parameters::seeded(0);
/// let mut model = Builder::new(parameters.builder(DType::F32, &Device::Cpu));
/// let first = model.dense(FeatureShape::new(1, 1, 4)?, DenseConfig::new(8))?;
/// let second = model.tensor_dense(first.output_shape(), TensorDenseConfig::default())?;
/// println!("{}", model.summary());
///
/// let x = Tensor::ones((5, 1, 4, 4), DType::F32, &Device::Cpu)?;
/// let y = second.forward(&silu(&first.forward(&x)?)?)?;
/// assert_eq!(y.dims(), [5, 2, 4, 8]);
/// assert_eq!(parameters.num_values(), model.summary().num_parameters());
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Clone)]
pub struct Builder {
    vb: VarBuilder,
    counts: BTreeMap<String, usize>,
    summary: Summary,
}

impl Builder {
    /// Starts a model whose parameters come from `vb`.
    pub fn new(vb: VarBuilder) -> Self {
        Self {
            vb,
            counts: BTreeMap::new(),
            summary: Summary::default(),
        }
    }

    /// The layers so far.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Builds a layer of any kind under the next name of this kind.
    ///
    /// # Errors
    /// Those of `build`.
    pub fn layer<T: Layer>(
        &mut self,
        kind: &str,
        build: impl FnOnce(VarBuilder) -> Result<T>,
    ) -> Result<T> {
        let count = self.counts.entry(kind.to_string()).or_default();
        let name = format!("{kind}_{count}");
        let layer = build(self.vb.pp(&name))?;
        *count += 1;
        self.summary.push(name, &layer);
        Ok(layer)
    }

    /// A parameter of the model itself, as Flax's `self.param`.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn parameter(
        &mut self,
        name: &str,
        shape: impl Into<Shape>,
        init: Initializer,
    ) -> Result<candle_core::Tensor> {
        let parameter = self.vb.get_with_hints(shape, name, init)?;
        self.summary.push_parameter(name, &parameter);
        Ok(parameter)
    }

    /// [`Embed::new`] as `Embed_0`, ...
    ///
    /// # Errors
    /// As [`Embed::new`].
    pub fn embed(&mut self, num_embeddings: usize, features: usize) -> Result<Embed> {
        self.layer("Embed", |vb| Embed::new(num_embeddings, features, vb))
    }

    /// [`Dense::new`] as `Dense_0`, ...
    ///
    /// # Errors
    /// As [`Dense::new`].
    pub fn dense(&mut self, input: FeatureShape, config: DenseConfig) -> Result<Dense> {
        self.layer("Dense", |vb| Dense::new(input, config, vb))
    }

    /// [`Linear::new`]; Flax calls it `Dense` too, so it takes part in the same count.
    ///
    /// # Errors
    /// As [`Linear::new`].
    pub fn linear(
        &mut self,
        in_features: usize,
        features: usize,
        use_bias: bool,
        kernel_init: Initializer,
    ) -> Result<Linear> {
        self.layer("Dense", |vb| {
            Linear::new(in_features, features, use_bias, kernel_init, vb)
        })
    }

    /// [`Tensor::new`] as `Tensor_0`, ...
    ///
    /// # Errors
    /// As [`Tensor::new`].
    pub fn tensor(
        &mut self,
        inputs1: FeatureShape,
        inputs2: FeatureShape,
        config: TensorConfig,
    ) -> Result<Tensor> {
        self.layer("Tensor", |vb| Tensor::new(inputs1, inputs2, config, vb))
    }

    /// [`FusedTensor::new`] as `FusedTensor_0`, ...
    ///
    /// # Errors
    /// As [`FusedTensor::new`].
    pub fn fused_tensor(
        &mut self,
        inputs1: FeatureShape,
        inputs2: FeatureShape,
        config: FusedTensorConfig,
    ) -> Result<FusedTensor> {
        self.layer("FusedTensor", |vb| {
            FusedTensor::new(inputs1, inputs2, config, vb)
        })
    }

    /// [`TensorDense::new`] as `TensorDense_0`, ...
    ///
    /// # Errors
    /// As [`TensorDense::new`].
    pub fn tensor_dense(
        &mut self,
        input: FeatureShape,
        config: TensorDenseConfig,
    ) -> Result<TensorDense> {
        self.layer("TensorDense", |vb| TensorDense::new(input, config, vb))
    }

    /// [`MessagePass::new`] as `MessagePass_0`, ...
    ///
    /// # Errors
    /// As [`MessagePass::new`].
    pub fn message_pass(
        &mut self,
        input: FeatureShape,
        basis: (usize, usize),
        config: MessagePassConfig,
    ) -> Result<MessagePass> {
        self.layer("MessagePass", |vb| {
            MessagePass::new(input, basis, config, vb)
        })
    }

    /// [`SelfAttention::new`] as `SelfAttention_0`, ...
    ///
    /// # Errors
    /// As [`SelfAttention::new`].
    pub fn self_attention(
        &mut self,
        input: FeatureShape,
        basis: Option<(usize, usize)>,
        config: AttentionConfig,
    ) -> Result<SelfAttention> {
        self.layer("SelfAttention", |vb| {
            SelfAttention::new(input, basis, config, vb)
        })
    }

    /// [`MultiHeadAttention::new`] as `MultiHeadAttention_0`, ...
    ///
    /// # Errors
    /// As [`MultiHeadAttention::new`].
    pub fn multi_head_attention(
        &mut self,
        input_q: FeatureShape,
        input_kv: FeatureShape,
        basis: Option<(usize, usize)>,
        config: AttentionConfig,
    ) -> Result<MultiHeadAttention> {
        self.layer("MultiHeadAttention", |vb| {
            MultiHeadAttention::new(input_q, input_kv, basis, config, vb)
        })
    }

    /// A [`Residual`] block, whose two layers are the next two `Dense`.
    ///
    /// # Errors
    /// As [`Dense::new`].
    pub fn residual(&mut self, input: FeatureShape) -> Result<Residual> {
        Residual::new(input, self)
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Builder");
        debug.field("path", &self.vb.prefix());
        debug
            .field("summary", &self.summary)
            .finish_non_exhaustive()
    }
}

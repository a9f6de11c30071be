//! Blocks that most models are made of.

use candle_core::Tensor;

use crate::nn::summary::Layer;
use crate::nn::{
    self, AttentionConfig, Basis, Builder, Dense, DenseConfig, Initializer, MessagePass,
    MessagePassConfig, SelfAttention,
};
use crate::ops::Graph;
use crate::{FeatureShape, Result};

/// A residual block: two dense layers with an activation in between, whose result is added.
///
/// ```text
/// y = x + Dense(silu(Dense(x)))
/// ```
///
/// The second layer starts at zero, so that a fresh block changes nothing (as in E3x's tutorial on
/// MD17).
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use e3x::FeatureShape;
/// use e3x::nn::{Builder, Parameters, relu};
///
/// let mut model = Builder::new(Parameters::seeded(0).builder(DType::F64, &Device::Cpu));
/// let block = model.residual(FeatureShape::new(2, 1, 8)?)?.with_activation(relu);
/// let x = Tensor::ones((5, 2, 4, 8), DType::F64, &Device::Cpu)?;
/// let y = block.forward(&x)?;
/// assert_eq!((y - x)?.abs()?.max_all()?.to_scalar::<f64>()?, 0.0);
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Residual {
    first: Dense,
    second: Dense,
    activation: fn(&Tensor) -> Result<Tensor>,
}

impl Residual {
    /// Builds the block for inputs of the given shape; its layers are the next two `Dense` of
    /// `builder`.
    ///
    /// # Errors
    /// As [`Dense::new`].
    pub fn new(input: FeatureShape, builder: &mut Builder) -> Result<Self> {
        let config = DenseConfig::new(input.features);
        let zero = DenseConfig {
            kernel_init: Initializer::Zeros,
            ..config.clone()
        };
        Ok(Self {
            first: builder.dense(input, config)?,
            second: builder.dense(input, zero)?,
            activation: nn::silu,
        })
    }

    /// The block with another activation function.
    #[must_use]
    pub fn with_activation(mut self, activation: fn(&Tensor) -> Result<Tensor>) -> Self {
        self.activation = activation;
        self
    }

    /// Applies the block; the shape stays.
    ///
    /// # Errors
    /// If `inputs` have another shape or dtype than the block was built for.
    pub fn forward(&self, inputs: &Tensor) -> Result<Tensor> {
        self.refine(inputs, inputs)
    }

    /// `x` with what the block adds for `inputs`.
    fn refine(&self, inputs: &Tensor, x: &Tensor) -> Result<Tensor> {
        self.second.forward_plus(&self.inner(inputs)?, x)
    }

    /// What the second layer gets.
    fn inner(&self, inputs: &Tensor) -> Result<Tensor> {
        (self.activation)(&self.first.forward(inputs)?)
    }

    /// What the block adds: `Dense(silu(Dense(x)))`.
    ///
    /// # Errors
    /// As [`Residual::forward`].
    pub fn update(&self, inputs: &Tensor) -> Result<Tensor> {
        self.second.forward(&self.inner(inputs)?)
    }

    /// Shape of the last three axes of input and result.
    pub fn output_shape(&self) -> FeatureShape {
        self.second.output_shape()
    }

    pub(crate) fn layers(&self) -> [&Dense; 2] {
        [&self.first, &self.second]
    }
}

/// How the nodes of an [`Interaction`] see each other.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "a model has a few of them")]
pub enum Exchange {
    /// Messages along the edges ([`MessagePass`]).
    MessagePass(MessagePassConfig),
    /// Attention along the edges ([`SelfAttention`]).
    SelfAttention(AttentionConfig),
}

impl Exchange {
    /// The same, but only scalars come out.
    fn only_scalars(mut self) -> Self {
        let (max_degree, include_pseudotensors) = match &mut self {
            Self::MessagePass(config) => {
                (&mut config.max_degree, &mut config.include_pseudotensors)
            }
            Self::SelfAttention(config) => {
                (&mut config.max_degree, &mut config.include_pseudotensors)
            }
        };
        (*max_degree, *include_pseudotensors) = (Some(0), false);
        self
    }
}

/// One iteration of a message-passing model, as in E3x's tutorial on MD17: nodes exchange
/// features, then each refines its own.
///
/// ```text
/// y = x + MessagePass(x, basis)            or SelfAttention
/// x = x + Dense(silu(Dense(y)))            (a [Residual] block whose input is y)
/// ```
///
/// The last iteration of a model of scalars needs scalars only ([`Interaction::last`]): it drops
/// the other degrees of x, too.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use e3x::nn::{self, BasisConfig, Builder, Exchange, Interaction, MessagePassConfig, Parameters, Radial};
/// use e3x::ops::Graph;
///
/// let device = Device::Cpu;
/// let mut model = Builder::new(Parameters::seeded(0).builder(DType::F32, &device));
/// let exchange = Exchange::MessagePass(MessagePassConfig::default());
/// let embed = model.embed(10, 16)?;
/// let first = Interaction::new(embed.output_shape(), (2, 8), exchange.clone(), &mut model)?;
/// let last = Interaction::last(first.output_shape(), (2, 8), exchange, &mut model)?;
///
/// let graph = Graph::from_indices(&[0, 1], &[1, 0], 2)?;
/// let displacements = Tensor::new(&[[0.0f32, 0.0, 1.0], [0.0, 0.0, -1.0]], &device)?;
/// let basis = nn::basis(&displacements, &BasisConfig::new(2, 8, Radial::default()))?;
/// let x = embed.forward(&Tensor::new(&[8u32, 1], &device)?)?;
/// let x = first.forward(&x, &basis, None, &graph)?;
/// assert_eq!(x.dims(), [2, 1, 9, 16]);
/// assert_eq!(last.forward(&x, &basis, None, &graph)?.dims(), [2, 1, 1, 16]);
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Interaction {
    exchange: Exchanged,
    refine: Residual,
    /// Only scalars come out.
    last: bool,
}

#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "a model has a few of them")]
enum Exchanged {
    MessagePass(MessagePass),
    SelfAttention(SelfAttention),
}

impl Interaction {
    /// Builds an iteration that keeps the degrees of inputs and messages; `basis` is
    /// `(max_degree, num)`.
    ///
    /// # Errors
    /// As [`MessagePass::new`] or [`SelfAttention::new`].
    pub fn new(
        input: FeatureShape,
        basis: (usize, usize),
        exchange: Exchange,
        builder: &mut Builder,
    ) -> Result<Self> {
        let exchange = Exchanged::new(input, basis, exchange, builder)?;
        let shape = input.join(exchange.output_shape())?;
        Ok(Self {
            exchange,
            refine: Residual::new(shape, builder)?,
            last: false,
        })
    }

    /// Builds an iteration out of which only scalars come.
    ///
    /// # Errors
    /// As [`Interaction::new`].
    pub fn last(
        input: FeatureShape,
        basis: (usize, usize),
        exchange: Exchange,
        builder: &mut Builder,
    ) -> Result<Self> {
        let exchange = Exchanged::new(input, basis, exchange.only_scalars(), builder)?;
        Ok(Self {
            refine: Residual::new(exchange.output_shape(), builder)?,
            exchange,
            last: true,
        })
    }

    /// Applies the iteration to features `(..., N, P, (L+1)^2, F)` of the nodes; result
    /// `(..., N, P', (L'+1)^2, F)`.
    ///
    /// `cutoff_value`, one number per edge, weights attention; messages do not use it, since the
    /// basis falls to zero at the cutoff by itself.
    ///
    /// # Errors
    /// As [`MessagePass::forward`] or [`SelfAttention::forward`].
    pub fn forward(
        &self,
        x: &Tensor,
        basis: &Basis,
        cutoff_value: Option<&Tensor>,
        graph: &Graph,
    ) -> Result<Tensor> {
        let kept = if self.last {
            nn::change_max_degree_or_type(x, Some(0), Some(false))?
        } else {
            x.clone()
        };
        let y = match &self.exchange {
            Exchanged::MessagePass(layer) => layer.forward_plus(x, &kept, basis, graph)?,
            Exchanged::SelfAttention(layer) => {
                let y = layer.forward(x, Some(basis), cutoff_value, graph)?;
                nn::add(&[&kept, &y])?
            }
        };
        self.refine.refine(&y, &kept)
    }

    /// Shape of the last three axes of the result.
    pub fn output_shape(&self) -> FeatureShape {
        self.refine.output_shape()
    }

    pub(crate) fn count_parameters(&self) -> usize {
        let exchange = match &self.exchange {
            Exchanged::MessagePass(layer) => layer.num_parameters(),
            Exchanged::SelfAttention(layer) => layer.num_parameters(),
        };
        exchange + self.refine.num_parameters()
    }
}

impl Exchanged {
    fn new(
        input: FeatureShape,
        basis: (usize, usize),
        exchange: Exchange,
        builder: &mut Builder,
    ) -> Result<Self> {
        Ok(match exchange {
            Exchange::MessagePass(config) => {
                Self::MessagePass(builder.message_pass(input, basis, config)?)
            }
            Exchange::SelfAttention(config) => {
                Self::SelfAttention(builder.self_attention(input, Some(basis), config)?)
            }
        })
    }

    fn output_shape(&self) -> FeatureShape {
        match self {
            Self::MessagePass(layer) => layer.output_shape(),
            Self::SelfAttention(layer) => layer.output_shape(),
        }
    }
}

//! The message-passing potential of E3x's MD17 tutorial.

use candle_core::{DType, Device, Tensor};
use e3x::autograd::{self, CreateGraph};
use e3x::nn::{
    self, AttentionConfig, BasisConfig, Builder, Cutoff, Embed, Exchange, Initializer, Interaction,
    Linear, MessagePassConfig, Parameters, Radial, Summary, VarBuilder,
};
use e3x::ops;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::predictor::{FramePotential, Predictor};

/// Size and options of a [`MessagePassingPotential`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Number of feature channels F.
    pub features: usize,
    /// Highest degree L of features and basis.
    pub max_degree: usize,
    /// Number of message-passing iterations.
    pub num_iterations: usize,
    /// Number K of reciprocal Bernstein functions.
    pub num_basis_functions: usize,
    /// Cutoff in Å.
    pub cutoff: f64,
    /// Highest atomic number that the model knows.
    pub max_atomic_number: usize,
    /// Heads of self-attention between atoms; `None`: message passing, as in the tutorial.
    #[serde(default)]
    pub attention_heads: Option<usize>,
    /// Whether features and filters are coupled by fused tensor products.
    #[serde(default)]
    pub use_fused_tensor: bool,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            features: 32,
            max_degree: 2,
            num_iterations: 3,
            num_basis_functions: 16,
            cutoff: 5.0,
            max_atomic_number: 118,
            attention_heads: None,
            use_fused_tensor: false,
        }
    }
}

impl ModelConfig {
    /// Checks that a model can be built with these settings.
    ///
    /// # Errors
    /// [`Error::Argument`] if a size is zero, the cutoff is not positive, or the heads of attention
    /// do not divide the features.
    pub fn check(&self) -> Result<()> {
        let sizes = [
            ("features", self.features),
            ("num_iterations", self.num_iterations),
            ("num_basis_functions", self.num_basis_functions),
            ("max_atomic_number", self.max_atomic_number),
        ];
        for (argument, size) in sizes {
            if size == 0 {
                return Err(Error::argument(argument, "at least 1", 0));
            }
        }
        let heads = self.attention_heads.unwrap_or(1);
        if heads == 0 || !self.features.is_multiple_of(heads) {
            let expected = format!("a divisor of features, {}", self.features);
            return Err(Error::argument("attention_heads", expected, heads));
        }
        if !(self.cutoff > 0.0 && self.cutoff.is_finite()) {
            return Err(Error::argument(
                "cutoff",
                "a positive number of Å",
                self.cutoff,
            ));
        }
        Ok(())
    }

    /// How atoms see each other.
    fn exchange(&self) -> Exchange {
        let use_fused_tensor = self.use_fused_tensor;
        match self.attention_heads {
            None => Exchange::MessagePass(MessagePassConfig {
                use_fused_tensor,
                ..MessagePassConfig::default()
            }),
            Some(num_heads) => Exchange::SelfAttention(AttentionConfig {
                num_heads,
                use_fused_tensor,
                ..AttentionConfig::default()
            }),
        }
    }
}

/// An equivariant message-passing model of the potential energy: the model of E3x's tutorial on
/// MD17 (`md17_ethanol.ipynb` of google-research/e3x).
///
/// ```text
/// x = Embed(Z)
/// repeat:  y = x + MessagePass(x, basis)      (last iteration: only scalars)
///          x = x + Dense(silu(Dense(y)))       (second Dense starts at zero)
/// E = sum over atoms of x · readout + element_bias[Z]
/// ```
///
/// Parameter paths are those of the Flax model (`Embed_0/embedding`, `MessagePass_0/tensor/kernel`,
/// `Dense_0/0+/kernel`, ..., `element_bias`). With [`ModelConfig::attention_heads`], `SelfAttention`
/// takes the place of `MessagePass`.
///
/// Printing a model gives the table of its layers.
///
/// ```
/// use candle_core::DType;
/// use e3x_atoms::model::{MessagePassingPotential, ModelConfig};
/// let (model, parameters) = MessagePassingPotential::seeded(&ModelConfig::default(), 0, DType::F32)?;
/// let table = model.to_string();
/// assert!(table.contains("MessagePass_1"));
/// assert!(table.ends_with(&parameters.num_values().to_string()));
/// # Ok::<(), e3x_atoms::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MessagePassingPotential {
    config: ModelConfig,
    embed: Embed,
    iterations: Vec<Interaction>,
    readout: Linear,
    element_bias: Tensor,
    summary: Summary,
}

impl MessagePassingPotential {
    /// Builds the model.
    ///
    /// # Errors
    /// [`Error::Argument`] if a size is zero or the cutoff is not positive; [`Error::Model`] if a
    /// parameter does not fit.
    pub fn new(config: &ModelConfig, vb: VarBuilder) -> Result<Self> {
        config.check()?;
        let mut builder = Builder::new(vb);
        let embed = builder.embed(config.max_atomic_number + 1, config.features)?;
        let mut shape = embed.output_shape();
        let basis = (config.max_degree, config.num_basis_functions);
        let mut iterations = Vec::with_capacity(config.num_iterations);
        for i in 1..=config.num_iterations {
            let exchange = config.exchange();
            let iteration = if i == config.num_iterations {
                Interaction::last(shape, basis, exchange, &mut builder)?
            } else {
                Interaction::new(shape, basis, exchange, &mut builder)?
            };
            shape = iteration.output_shape();
            iterations.push(iteration);
        }
        let readout = builder.linear(config.features, 1, false, Initializer::Zeros)?;
        let element_bias = builder.parameter(
            "element_bias",
            config.max_atomic_number + 1,
            Initializer::Zeros,
        )?;
        Ok(Self {
            config: config.clone(),
            embed,
            iterations,
            readout,
            element_bias,
            summary: builder.summary().clone(),
        })
    }

    /// Builds the model with fresh, seeded parameters.
    ///
    /// # Errors
    /// As [`MessagePassingPotential::new`].
    pub fn seeded(config: &ModelConfig, seed: u64, dtype: DType) -> Result<(Self, Parameters)> {
        let parameters = Parameters::seeded(seed);
        let model = Self::new(config, parameters.builder(dtype, &Device::Cpu))?;
        Ok((model, parameters))
    }

    /// Size and options.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The dtype of the parameters.
    pub fn dtype(&self) -> DType {
        self.readout.dtype()
    }

    /// The layers, the shapes of their results and their numbers of parameters.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Energies of the frames of a batch with other positions, shape `(B)`.
    ///
    /// # Errors
    /// [`Error::Model`] if an atomic number is larger than the model knows, or shapes or dtypes do
    /// not fit.
    pub fn energy(&self, batch: &Batch, positions: &Tensor) -> Result<Tensor> {
        if positions.dtype() != self.dtype() {
            return Err(Error::argument(
                "positions",
                format!("{}, as the parameters", self.dtype().as_str()),
                positions.dtype().as_str(),
            ));
        }
        // Now, because its error names the argument.
        let bias = nn::lookup(&self.element_bias, "atomic_numbers", &batch.atomic_numbers)?;
        let basis = BasisConfig::new(
            self.config.max_degree,
            self.config.num_basis_functions,
            Radial::default(),
        )
        .with_cutoff(Cutoff::smooth(self.config.cutoff));
        let details = nn::basis_with_details(&batch.displacements(positions)?, &basis)?;
        let cutoff = self.config.attention_heads.map(|_| &details.cutoff);
        let mut x = self.embed.forward(&batch.atomic_numbers)?;
        for iteration in &self.iterations {
            x = iteration.forward(&x, &details.basis, cutoff, &batch.graph)?;
        }
        let bias = ops::reshape(&bias, (batch.num_atoms(), 1, 1, 1))?;
        let atomic_energies = nn::add(&[&self.readout.forward(&x)?, &bias])?;
        let energies = ops::indexed_sum(&atomic_energies, &batch.segments, false)?;
        Ok(ops::reshape(&energies, batch.num_frames)?)
    }

    /// Energies, shape `(B)`, and forces, shape `(N, 3)`: the negative gradient of their sum.
    ///
    /// With [`CreateGraph::Yes`] both can be differentiated with respect to the parameters.
    ///
    /// # Errors
    /// As [`MessagePassingPotential::energy`].
    pub fn energy_and_forces(
        &self,
        batch: &Batch,
        create_graph: CreateGraph,
    ) -> Result<(Tensor, Tensor)> {
        let positions = autograd::variable(&batch.positions)?;
        let energy = self.energy(batch, &positions)?;
        let minus_one = energy.ones_like()?.neg()?;
        let forces = autograd::vjp(&energy, &minus_one, &[&positions], create_graph)?.remove(0);
        Ok((energy, forces))
    }
}

impl std::fmt::Display for MessagePassingPotential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.summary.fmt(f)
    }
}

/// How the energies of a model become energies in eV.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EnergyScale {
    /// The model's unit of energy in eV.
    pub unit: f64,
    /// Added to the energy of every frame, in eV.
    pub shift: f64,
}

/// A model with its energy scale: what relaxation, dynamics and evaluation run.
#[derive(Debug, Clone)]
pub struct TrainedPotential {
    /// The model.
    pub model: MessagePassingPotential,
    /// How its energies become eV.
    pub scale: EnergyScale,
}

/// Prediction for one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Potential energy in eV.
    pub energy: f64,
    /// Forces in eV/Å, shape `(N, 3)`.
    pub forces: Vec<[f64; 3]>,
}

impl TrainedPotential {
    /// Energies and forces of several frames, computed as one batch.
    ///
    /// [`TrainedPotential::predictor`] is faster for small frames of the same atoms again and again.
    ///
    /// # Errors
    /// As [`Batch::new`] and [`MessagePassingPotential::energy`].
    pub fn predict(&self, frames: &[&Frame]) -> Result<Vec<Prediction>> {
        let batch = Batch::new(frames, self.model.config().cutoff, self.model.dtype())?;
        let (energy, forces) = self.model.energy_and_forces(&batch, CreateGraph::No)?;
        self.predictions(&energy, &forces, &batch.sizes)
    }

    /// What the results of the model say about frames of these sizes.
    pub(crate) fn predictions(
        &self,
        energy: &Tensor,
        forces: &Tensor,
        sizes: &[usize],
    ) -> Result<Vec<Prediction>> {
        let energies = energy.to_dtype(DType::F64)?.to_vec1::<f64>()?;
        let forces = forces
            .to_dtype(DType::F64)?
            .flatten_all()?
            .to_vec1::<f64>()?;
        let mut rows = forces
            .chunks_exact(3)
            .map(|f| [f[0], f[1], f[2]].map(|f| f * self.scale.unit));
        let prediction = |(energy, &size): (f64, &usize)| Prediction {
            energy: energy * self.scale.unit + self.scale.shift,
            forces: rows.by_ref().take(size).collect(),
        };
        Ok(energies.into_iter().zip(sizes).map(prediction).collect())
    }

    /// This model for frames of the same atoms again and again.
    pub fn predictor(&self) -> Predictor<'_> {
        Predictor::new(self)
    }

    /// This model for the cell of `frame`, as a [`Potential`](crate::potential::Potential) for relaxation and dynamics.
    pub fn potential(&self, frame: &Frame) -> FramePotential<'_> {
        FramePotential::new(self, frame)
    }
}

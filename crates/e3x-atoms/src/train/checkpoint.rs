//! Checkpoints: one safetensors file with everything a run needs to go on.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{Device, Tensor};
use e3x::nn::Parameters;
use e3x::optim::{ExponentialMovingAverage, ReduceOnPlateau};
use serde::{Deserialize, Serialize};

use super::config::TrainConfig;
use crate::atomic_file;
use crate::error::{Error, Result};
use crate::model::{EnergyScale, MessagePassingPotential, TrainedPotential};

/// Version of the layout of the file.
const FORMAT: &str = "e3x-atoms checkpoint 1";
/// The entry of the metadata. There is only one, since the order of several is random, and the same
/// state must give the same bytes.
const HEADER: &str = "e3x";
/// Prefix of the optimiser's moments.
const OPTIMIZER: &str = "optimizer/";
/// Prefix of the sums of the moving average; everything else is a parameter under its Flax path.
const AVERAGE: &str = "average/";

/// The state of a training run between two epochs.
///
/// In the file, parameters stand under their Flax paths (`MessagePass_0/tensor/kernel`, ...), the
/// moments of the optimiser under `optimizer/`, the moving average under `average/`, and the rest
/// as JSON in the metadata: settings, energy scale, fingerprint of the data, epoch, steps, and the
/// state of the learning rate. The random state is the seed and the
/// epoch: every shuffle is a function of these two. The same state gives the same bytes.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// The settings of the run.
    pub config: TrainConfig,
    /// How energies of the model become eV.
    pub scale: EnergyScale,
    /// A number that differs for different training and validation frames.
    pub data: u64,
    /// Epochs taken.
    pub epoch: usize,
    /// Steps of the optimiser taken.
    pub steps: u64,
    /// Parameters by Flax path.
    pub parameters: BTreeMap<String, Tensor>,
    /// Moments of the optimiser.
    pub optimizer: BTreeMap<String, Tensor>,
    /// Sums of the moving average of the parameters; empty if there is none.
    pub average: BTreeMap<String, Tensor>,
    /// Steps in the moving average.
    pub averaged_steps: u64,
    /// What the learning rate has fallen by, if it depends on the validation loss.
    pub plateau: Option<ReduceOnPlateau>,
}

/// Everything but the tensors, as it stands in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    config: TrainConfig,
    scale: EnergyScale,
    data: u64,
    epoch: usize,
    steps: u64,
    #[serde(default)]
    averaged_steps: u64,
    #[serde(default)]
    plateau: Option<ReduceOnPlateau>,
}

/// The part of a [`Header`] that says what the rest means.
#[derive(Debug, Deserialize)]
struct Format {
    format: String,
}

impl Checkpoint {
    /// Writes the file in one step: it is either the old one or the complete new one.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let header = Header {
            format: FORMAT.into(),
            config: self.config.clone(),
            scale: self.scale,
            data: self.data,
            epoch: self.epoch,
            steps: self.steps,
            averaged_steps: self.averaged_steps,
            plateau: self.plateau,
        };
        let json = serde_json::to_string(&header).map_err(Error::potential)?;
        let metadata = HashMap::from([(HEADER.to_string(), json)]);
        let parts = [
            ("", &self.parameters),
            (AVERAGE, &self.average),
            (OPTIMIZER, &self.optimizer),
        ];
        let tensors = parts.into_iter().flat_map(|(prefix, tensors)| {
            let named = tensors.iter();
            named.map(move |(name, x)| (format!("{prefix}{name}"), x))
        });
        let bytes = safetensors::serialize(tensors, Some(metadata)).map_err(Error::potential)?;
        atomic_file::write(path, &bytes)
    }

    /// Reads a file written by [`Checkpoint::write`].
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::Parse`] if it is not a checkpoint.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| Error::Io {
            action: "read",
            path: path.into(),
            source,
        })?;
        let error = |received: String| Error::Parse {
            file: path.display().to_string(),
            line: 1,
            expected: format!("a checkpoint of this program ({FORMAT})"),
            received,
        };
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes)
            .map_err(|e| error(format!("no safetensors file: {e}")))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let Some(text) = metadata.get(HEADER) else {
            return Err(error(format!("no '{HEADER}' in its metadata")));
        };
        let broken = |e: serde_json::Error| error(format!("'{text}': {e}"));
        let Format { format } = serde_json::from_str(text).map_err(broken)?;
        if format != FORMAT {
            return Err(error(format!("the format '{format}'")));
        }
        let header: Header = serde_json::from_str(text).map_err(broken)?;
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
            .map_err(|e| error(format!("a broken safetensors file: {e}")))?;
        let [mut parameters, mut optimizer, mut average] = [const { BTreeMap::new() }; 3];
        for (name, tensor) in tensors {
            match (name.strip_prefix(OPTIMIZER), name.strip_prefix(AVERAGE)) {
                (Some(moment), _) => optimizer.insert(moment.to_string(), tensor),
                (None, Some(sum)) => average.insert(sum.to_string(), tensor),
                (None, None) => parameters.insert(name, tensor),
            };
        }
        Ok(Self {
            config: header.config,
            scale: header.scale,
            data: header.data,
            epoch: header.epoch,
            steps: header.steps,
            parameters,
            optimizer,
            average,
            averaged_steps: header.averaged_steps,
            plateau: header.plateau,
        })
    }

    /// The model with the parameters of this checkpoint, which are constants; with their moving average, if
    /// the run has one.
    ///
    /// # Errors
    /// [`Error::Model`] if the parameters do not fit the configuration.
    pub fn potential(&self) -> Result<TrainedPotential> {
        let parameters = Parameters::from_tensors(self.parameters.clone());
        let vb = (parameters.frozen()).builder(self.config.dtype.dtype(), &Device::Cpu);
        let model = MessagePassingPotential::new(&self.config.model, vb)?;
        if let Some(name) = parameters.unused().first() {
            let received = format!("'{name}', which it does not have");
            return Err(Error::argument(
                "checkpoint",
                "only parameters of the model",
                received,
            ));
        }
        if let Some(decay) = self.config.ema_decay {
            let mut ema = ExponentialMovingAverage::new(&parameters, decay)?;
            ema.load_state(&self.average, self.averaged_steps)?;
            parameters.assign(&ema.averages()?)?;
        }
        Ok(TrainedPotential {
            model,
            scale: self.scale,
        })
    }
}

/// The trained model of a checkpoint file.
///
/// # Errors
/// As [`Checkpoint::read`] and [`Checkpoint::potential`].
pub fn load_potential(path: impl AsRef<Path>) -> Result<TrainedPotential> {
    Checkpoint::read(path.as_ref())?.potential()
}

//! Checkpoints: one safetensors file with everything a run needs to go on.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{Device, Tensor};
use e3x::nn::Parameters;
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
/// Prefix of the optimiser's moments; everything else is a parameter under its Flax path.
const OPTIMIZER: &str = "optimizer/";

/// The state of a training run between two epochs.
///
/// In the file, parameters stand under their Flax paths (`MessagePass_0/tensor/kernel`, ...), the
/// moments of the optimiser under `optimizer/`, and the rest as JSON in the metadata: settings,
/// energy scale, fingerprint of the data, epoch and steps. The random state is the seed and the
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
        };
        let json = serde_json::to_string(&header).map_err(Error::potential)?;
        let metadata = HashMap::from([(HEADER.to_string(), json)]);
        let moments = self
            .optimizer
            .iter()
            .map(|(name, x)| (format!("{OPTIMIZER}{name}"), x));
        let parameters = self.parameters.iter().map(|(name, x)| (name.clone(), x));
        let bytes = safetensors::serialize(parameters.chain(moments), Some(metadata))
            .map_err(Error::potential)?;
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
        let (mut parameters, mut optimizer) = (BTreeMap::new(), BTreeMap::new());
        for (name, tensor) in tensors {
            match name.strip_prefix(OPTIMIZER) {
                Some(moment) => optimizer.insert(moment.to_string(), tensor),
                None => parameters.insert(name, tensor),
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
        })
    }

    /// The model with the parameters of this checkpoint.
    ///
    /// # Errors
    /// [`Error::Model`] if the parameters do not fit the configuration.
    pub fn potential(&self) -> Result<TrainedPotential> {
        let parameters = Parameters::from_tensors(self.parameters.clone());
        let vb = parameters.builder(self.config.dtype.dtype(), &Device::Cpu);
        let model = MessagePassingPotential::new(&self.config.model, vb)?;
        if let Some(name) = parameters.unused().first() {
            let received = format!("'{name}', which it does not have");
            return Err(Error::argument(
                "checkpoint",
                "only parameters of the model",
                received,
            ));
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

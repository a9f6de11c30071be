//! The model with averaged parameters.

use e3x::nn::Parameters;
use e3x::optim::ExponentialMovingAverage;

use super::config::TrainConfig;
use crate::error::Result;
use crate::model::{MessagePassingPotential, TrainedPotential};

/// The moving average of the parameters of a run, and the model that has them.
#[derive(Debug)]
pub(super) struct Average {
    pub(super) ema: ExponentialMovingAverage,
    pub(super) potential: TrainedPotential,
    parameters: Parameters,
}

impl Average {
    /// Starts averaging the parameters of `potential`.
    pub(super) fn new(
        config: &TrainConfig,
        decay: f64,
        parameters: &Parameters,
        potential: &TrainedPotential,
    ) -> Result<Self> {
        let ema = ExponentialMovingAverage::new(parameters, decay)?;
        let averaged = Parameters::from_tensors(ema.averages()?);
        let vb = (averaged.frozen()).builder(config.dtype.dtype(), &candle_core::Device::Cpu);
        let model = MessagePassingPotential::new(&config.model, vb)?;
        let scale = potential.scale;
        Ok(Self {
            ema,
            potential: TrainedPotential { model, scale },
            parameters: averaged,
        })
    }

    /// Gives the model the present averages.
    pub(super) fn refresh(&self) -> Result<()> {
        Ok(self.parameters.assign(&self.ema.averages()?)?)
    }
}

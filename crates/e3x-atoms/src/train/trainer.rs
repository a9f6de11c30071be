//! The training loop.

use std::path::Path;

use candle_core::{DType, Tensor};
use e3x::nn::Parameters;
use e3x::optim::{Adam, AdamConfig, ReduceOnPlateau, clip_by_global_norm, clip_by_value};
use e3x::trace::Trace;

use super::average::Average;
use super::checkpoint::Checkpoint;
use super::config::TrainConfig;
use super::data::{Target, evaluate, fingerprint, labels};
use super::step::outputs;
use crate::batch::{Batch, pairs_of, positions};
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::metrics::EnergyForceDeviations;
use crate::model::{EnergyScale, MessagePassingPotential, TrainedPotential};
use crate::split::{FrameOrder, Split, epoch_permutation, train_valid_split};
use crate::traced::Traced;

/// What a step of training did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// Steps taken in this epoch, this one included.
    pub step: usize,
    /// Steps per epoch.
    pub steps: usize,
    /// Loss of the batch, in squares of the unit of energy inside.
    pub loss: f64,
    /// Learning rate of the step.
    pub learning_rate: f64,
}

/// What an epoch of training did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochReport {
    /// Epochs taken, this one included.
    pub epoch: usize,
    /// Mean loss of the steps.
    pub loss: f64,
    /// Deviations on the training batches, each before its step.
    pub train: EnergyForceDeviations,
    /// Deviations on the validation frames, after the epoch.
    pub valid: EnergyForceDeviations,
}

/// Trains a [`MessagePassingPotential`] with Adam (AdamW with a weight decay) on
/// `mean (E - E_ref)^2 + forces_weight mean (F - F_ref)^2`.
///
/// Every epoch is a pure function of the state at its start, the data and the settings, so that a
/// run that is resumed from a [`Checkpoint`] gives the same result as an uninterrupted one.
#[derive(Debug)]
pub struct Trainer {
    config: TrainConfig,
    train: Vec<Frame>,
    valid: Vec<Frame>,
    parameters: Parameters,
    adam: Adam,
    /// What is trained, and the same with constant parameters.
    model: MessagePassingPotential,
    potential: TrainedPotential,
    average: Option<Average>,
    plateau: Option<ReduceOnPlateau>,
    traced: Traced,
    order: Option<FrameOrder>,
    /// [`fingerprint`] of the training and validation frames.
    data: u64,
    epoch: usize,
}

impl Trainer {
    /// Draws training and validation frames from `frames` and starts with fresh parameters, or takes
    /// both from the files that the settings name.
    ///
    /// # Errors
    /// [`Error::Argument`] if a setting cannot be, if there are not enough frames, or if a frame
    /// lacks energy or forces or holds numbers that are not finite; if a file cannot be read or does
    /// not fit the settings.
    pub fn new(config: TrainConfig, frames: &[Frame]) -> Result<Self> {
        config.check()?;
        let (split, order) = split_and_order(&config, frames.len())?;
        let pick = |indices: &[usize]| {
            indices
                .iter()
                .map(|&i| frames[i].clone())
                .collect::<Vec<_>>()
        };
        let (train, valid) = (pick(&split.train), pick(&split.valid));
        for (i, frame) in frames.iter().enumerate() {
            labels(frame, i)?;
            frame.check().map_err(|error| error.of_frame(i))?;
        }
        let shift = train.iter().filter_map(|frame| frame.energy).sum::<f64>() / train.len() as f64;
        let scale = EnergyScale {
            unit: config.energy_unit,
            shift,
        };
        let (model, parameters) =
            MessagePassingPotential::seeded(&config.model, config.seed, config.dtype.dtype())?;
        if let Some(file) = &config.initial {
            let device = candle_core::Device::Cpu;
            let initial = candle_core::safetensors::load(file, &device).map_err(|error| {
                let received = format!("{}: {error}", file.display());
                Error::argument("initial", "a safetensors file of parameters", received)
            })?;
            parameters.assign(&initial.into_iter().collect())?;
        }
        let adam = AdamConfig {
            weight_decay: config.weight_decay,
            ..AdamConfig::default()
        };
        let adam = Adam::new(&parameters, adam)?;
        let frozen = (parameters.frozen()).builder(config.dtype.dtype(), &candle_core::Device::Cpu);
        let potential = TrainedPotential {
            model: MessagePassingPotential::new(&config.model, frozen)?,
            scale,
        };
        let average = config
            .ema_decay
            .map(|decay| Average::new(&config, decay, &parameters, &potential))
            .transpose()?;
        let plateau = config.plateau.map(ReduceOnPlateau::new).transpose()?;
        Ok(Self {
            data: fingerprint(train.iter().chain(&valid)),
            config,
            train,
            valid,
            parameters,
            adam,
            model,
            potential,
            average,
            plateau,
            traced: Traced::default(),
            order,
            epoch: 0,
        })
    }

    /// As [`Trainer::new`], continuing from a checkpoint of the same settings and data.
    ///
    /// # Errors
    /// As [`Trainer::new`]; [`Error::Argument`] if the checkpoint has other settings or comes from
    /// other data.
    pub fn resume(config: TrainConfig, frames: &[Frame], checkpoint: &Checkpoint) -> Result<Self> {
        let differences = checkpoint.config.differences(&config);
        if !differences.is_empty() {
            let expected = format!(
                "the settings of the checkpoint ({})",
                differences.join("; ")
            );
            return Err(Error::argument("resume", expected, "other settings"));
        }
        let mut trainer = Self::new(config, frames)?;
        if (trainer.data, trainer.potential.scale) != (checkpoint.data, checkpoint.scale) {
            let name = |data: u64, scale: EnergyScale| {
                let shift = scale.shift;
                format!("mean training energy {shift} eV, fingerprint {data:016x}")
            };
            let expected = format!(
                "the training and validation frames of the checkpoint ({})",
                name(checkpoint.data, checkpoint.scale)
            );
            let received = format!(
                "other frames ({})",
                name(trainer.data, trainer.potential.scale)
            );
            return Err(Error::argument("data", expected, received));
        }
        trainer.parameters.assign(&checkpoint.parameters)?;
        trainer
            .adam
            .load_state(&checkpoint.optimizer, checkpoint.steps)?;
        if let Some(average) = &mut trainer.average {
            average
                .ema
                .load_state(&checkpoint.average, checkpoint.averaged_steps)?;
            average.refresh()?;
        }
        trainer.plateau = checkpoint.plateau;
        trainer.epoch = checkpoint.epoch;
        Ok(trainer)
    }

    /// Trains for one epoch; `progress` is called after every step.
    ///
    /// # Errors
    /// [`Error::NonFinite`] if the loss is not finite; those of the model.
    pub fn train_epoch(&mut self, mut progress: impl FnMut(&StepReport)) -> Result<EpochReport> {
        let steps = self.config.steps_per_epoch();
        let order = match &self.order {
            Some(order) => order.positions(self.epoch)?,
            None => epoch_permutation(self.config.seed, self.epoch as u64, self.train.len()),
        };
        let mut train = EnergyForceDeviations::default();
        let mut total = 0.0;
        for (step, batch) in order.chunks_exact(self.config.batch_size).enumerate() {
            let learning_rate = self.learning_rate(self.epoch * steps + step);
            let loss = self.train_step(batch, learning_rate, &mut train)?;
            if !loss.is_finite() {
                return Err(Error::NonFinite {
                    context: format!("epoch {}, step {}", self.epoch + 1, step + 1),
                    quantity: "loss".into(),
                    value: loss,
                });
            }
            total += loss;
            progress(&StepReport {
                step: step + 1,
                steps,
                loss,
                learning_rate,
            });
        }
        self.epoch += 1;
        if let Some(average) = &self.average {
            average.refresh()?;
        }
        let valid = evaluate(self.potential(), &self.valid, |_, _| {})?;
        let loss = total / steps as f64;
        let judged = self.loss_of(&valid).unwrap_or(loss);
        if let Some(plateau) = &mut self.plateau {
            plateau.update(judged);
        }
        Ok(EpochReport {
            epoch: self.epoch,
            loss,
            train,
            valid,
        })
    }

    /// Writes the whole state to a file, in one step.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written; the file is then what it was before.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        Checkpoint {
            config: self.config.clone(),
            scale: self.potential.scale,
            data: self.data,
            epoch: self.epoch,
            steps: self.adam.steps(),
            parameters: self
                .parameters
                .variables()
                .into_iter()
                .map(|(name, var)| (name, var.as_tensor().clone()))
                .collect(),
            optimizer: self.adam.state(),
            average: self
                .average
                .as_ref()
                .map(|average| average.ema.state())
                .unwrap_or_default(),
            averaged_steps: self.average.as_ref().map_or(0, |x| x.ema.count()),
            plateau: self.plateau,
        }
        .write(path.as_ref())
    }

    /// Epochs taken so far.
    pub fn epoch(&self) -> usize {
        self.epoch
    }

    /// The settings.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// The model in its present state; with [`TrainConfig::ema_decay`], the one with the averaged
    /// parameters as they were after the last epoch.
    pub fn potential(&self) -> &TrainedPotential {
        let averaged = self.average.as_ref();
        averaged.map_or(&self.potential, |average| &average.potential)
    }

    /// The parameters that are trained (not their average).
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The validation frames.
    pub fn valid_frames(&self) -> &[Frame] {
        &self.valid
    }

    fn learning_rate(&self, step: usize) -> f64 {
        let config = &self.config;
        let total = config.epochs * config.steps_per_epoch();
        let schedule = config.schedule;
        let warm_up = config
            .warmup_steps
            .unwrap_or_else(|| default_warm_up(total));
        let factor = schedule.factor_with_warm_up(warm_up, step, total);
        let scale = self.plateau.map_or(1.0, |plateau| plateau.scale());
        config.learning_rate * factor * scale
    }

    /// The loss that belongs to deviations; `None` if there are none.
    fn loss_of(&self, deviations: &EnergyForceDeviations) -> Option<f64> {
        let unit = self.config.energy_unit;
        let energy = (deviations.energy.rmse()? / unit).powi(2);
        let forces = (deviations.forces.rmse()? / unit).powi(2);
        Some(energy + self.config.forces_weight * forces)
    }

    fn train_step(
        &mut self,
        indices: &[usize],
        learning_rate: f64,
        deviations: &mut EnergyForceDeviations,
    ) -> Result<f64> {
        let frames: Vec<&Frame> = indices.iter().map(|&i| &self.train[i]).collect();
        let model = &self.model;
        let pairs = pairs_of(&frames, model.config().cutoff)?;
        let target = Target::new(&frames, self.potential.scale, model.dtype())?;
        let positions = positions(&frames, model.dtype())?;
        let inputs = [&positions, &target.energy, &target.forces];
        let variables: Vec<&Tensor> = self.adam.variables().collect();
        let forces_weight = self.config.forces_weight;
        let outputs = |batch: &Batch, inputs: &[Tensor]| {
            let [positions, energy, forces] = inputs else {
                return Ok(Vec::new());
            };
            outputs(
                model,
                &batch.at(positions),
                [energy, forces],
                forces_weight,
                &variables,
            )
        };
        let make = |batch: &Batch| Trace::new(|x| outputs(batch, x), &inputs);
        let trace = self.traced.trace(&frames, &pairs, model.dtype(), make)?;
        let mut outputs = if let Some(trace) = trace {
            trace.run(&inputs)?
        } else {
            let batch = Batch::from_pairs(&frames, &pairs, model.dtype())?;
            outputs(&batch, &inputs.map(Tensor::clone))?
        };
        let mut grads = outputs.split_off(3);
        let value = outputs[0].to_dtype(DType::F64)?.to_scalar::<f64>()?;
        if !value.is_finite() {
            return Ok(value);
        }
        if let Some(limit) = self.config.clip_value {
            grads = clip_by_value(&grads, limit)?;
        }
        if let Some(limit) = self.config.clip_norm {
            grads = clip_by_global_norm(&grads, limit)?.0;
        }
        self.adam.step(&grads, learning_rate)?;
        if let Some(average) = &mut self.average {
            average.ema.update()?;
        }
        target.add_deviations(&outputs[1], &outputs[2], deviations)?;
        Ok(value)
    }
}

/// A tenth of all steps, but no fewer than 900 and no more than half: fresh models need about so many
/// steps at small rates before large ones help, also in short runs.
fn default_warm_up(steps: usize) -> usize {
    (steps / 10).max(900).min(steps / 2)
}

/// Training and validation frames, and the order of the epochs if a file says it.
fn split_and_order(config: &TrainConfig, frames: usize) -> Result<(Split, Option<FrameOrder>)> {
    let Some(file) = &config.order else {
        let split = train_valid_split(frames, config.num_train, config.num_valid, config.seed)?;
        return Ok((split, None));
    };
    let order = FrameOrder::read(file)?;
    let split = order.split(frames)?;
    let counts = (split.train.len(), split.valid.len());
    if counts != (config.num_train, config.num_valid) {
        return Err(Error::argument(
            "order",
            format!(
                "{} training and {} validation frames",
                config.num_train, config.num_valid
            ),
            format!("{} and {}", counts.0, counts.1),
        ));
    }
    if order.epochs.len() < config.epochs {
        let expected = format!("the order of at least {} epochs", config.epochs);
        return Err(Error::argument("order", expected, order.epochs.len()));
    }
    Ok((split, Some(order)))
}

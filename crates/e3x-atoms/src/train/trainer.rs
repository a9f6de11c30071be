//! The training loop.

use std::path::Path;

use candle_core::{DType, Tensor};
use e3x::autograd::{self, CreateGraph};
use e3x::nn::Parameters;
use e3x::optim::{Adam, AdamConfig};

use super::checkpoint::Checkpoint;
use super::config::TrainConfig;
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::metrics::EnergyForceDeviations;
use crate::model::{EnergyScale, MessagePassingPotential, Prediction, TrainedPotential};
use crate::split::{epoch_permutation, train_valid_split};

/// Frames that are evaluated as one batch.
const EVALUATION_BATCH: usize = 50;

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

/// Trains a [`MessagePassingPotential`] with Adam on
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
    potential: TrainedPotential,
    /// [`fingerprint`] of the training and validation frames.
    data: u64,
    epoch: usize,
}

impl Trainer {
    /// Draws training and validation frames from `frames` and starts with fresh parameters.
    ///
    /// # Errors
    /// [`Error::Argument`] if a setting cannot be, if there are not enough frames, or if a frame
    /// lacks energy or forces or holds numbers that are not finite.
    pub fn new(config: TrainConfig, frames: &[Frame]) -> Result<Self> {
        config.check()?;
        let split = train_valid_split(
            frames.len(),
            config.num_train,
            config.num_valid,
            config.seed,
        )?;
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
        let adam = Adam::new(&parameters, AdamConfig::default())?;
        let potential = TrainedPotential { model, scale };
        Ok(Self {
            data: fingerprint(train.iter().chain(&valid)),
            config,
            train,
            valid,
            parameters,
            adam,
            potential,
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
        trainer.epoch = checkpoint.epoch;
        Ok(trainer)
    }

    /// Trains for one epoch; `progress` is called after every step.
    ///
    /// # Errors
    /// [`Error::NonFinite`] if the loss is not finite; those of the model.
    pub fn train_epoch(&mut self, mut progress: impl FnMut(&StepReport)) -> Result<EpochReport> {
        let steps = self.config.steps_per_epoch();
        let order = epoch_permutation(self.config.seed, self.epoch as u64, self.train.len());
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
        let valid = evaluate(&self.potential, &self.valid, |_, _| {})?;
        Ok(EpochReport {
            epoch: self.epoch,
            loss: total / steps as f64,
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

    /// The model in its present state.
    pub fn potential(&self) -> &TrainedPotential {
        &self.potential
    }

    /// The parameters of the model.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The validation frames.
    pub fn valid_frames(&self) -> &[Frame] {
        &self.valid
    }

    fn learning_rate(&self, step: usize) -> f64 {
        let total = self.config.epochs * self.config.steps_per_epoch();
        self.config.learning_rate * self.config.schedule.factor(step, total)
    }

    fn train_step(
        &mut self,
        indices: &[usize],
        learning_rate: f64,
        deviations: &mut EnergyForceDeviations,
    ) -> Result<f64> {
        let frames: Vec<&Frame> = indices.iter().map(|&i| &self.train[i]).collect();
        let model = &self.potential.model;
        let batch = Batch::new(&frames, model.config().cutoff, model.dtype())?;
        let target = Target::new(&frames, self.potential.scale, model.dtype())?;
        let (energy, forces) = model.energy_and_forces(&batch, CreateGraph::Yes)?;
        let energy_loss = (&energy - &target.energy)?.sqr()?.mean_all()?;
        let forces_loss = (&forces - &target.forces)?.sqr()?.mean_all()?;
        let loss = (energy_loss + (forces_loss * self.config.forces_weight)?)?;
        let value = loss.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        if !value.is_finite() {
            return Ok(value);
        }
        let variables: Vec<&Tensor> = self.adam.variables().collect();
        let grads = autograd::grad(&loss, &variables, CreateGraph::No)?;
        drop(variables);
        self.adam.step(&grads, learning_rate)?;
        target.add_deviations(&energy, &forces, deviations)?;
        Ok(value)
    }
}

/// Reference values in the model's unit.
struct Target {
    energy: Tensor,
    forces: Tensor,
    unit: f64,
}

impl Target {
    fn new(frames: &[&Frame], scale: EnergyScale, dtype: DType) -> Result<Self> {
        let mut energies = Vec::with_capacity(frames.len());
        let mut forces = Vec::new();
        for (i, frame) in frames.iter().enumerate() {
            let (energy, rows) = labels(frame, i)?;
            energies.push((energy - scale.shift) / scale.unit);
            forces.extend(rows.as_flattened().iter().map(|f| f / scale.unit));
        }
        let device = candle_core::Device::Cpu;
        let atoms = forces.len() / 3;
        Ok(Self {
            energy: Tensor::from_vec(energies, frames.len(), &device)?.to_dtype(dtype)?,
            forces: Tensor::from_vec(forces, (atoms, 3), &device)?.to_dtype(dtype)?,
            unit: scale.unit,
        })
    }

    fn add_deviations(
        &self,
        energy: &Tensor,
        forces: &Tensor,
        deviations: &mut EnergyForceDeviations,
    ) -> Result<()> {
        let values = |x: &Tensor| x.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>();
        let pairs = [
            (&mut deviations.energy, energy, &self.energy),
            (&mut deviations.forces, forces, &self.forces),
        ];
        for (sum, predicted, reference) in pairs {
            for (p, r) in values(predicted)?.into_iter().zip(values(reference)?) {
                sum.add(p * self.unit, r * self.unit);
            }
        }
        Ok(())
    }
}

fn labels(frame: &Frame, index: usize) -> Result<(f64, &[[f64; 3]])> {
    match (frame.energy, &frame.forces) {
        (Some(energy), Some(forces)) => Ok((energy, forces)),
        _ => Err(Error::argument(
            format!("frames[{index}]"),
            "an energy and forces",
            "a frame without them",
        )),
    }
}

/// A number that differs for different frames: the 64-bit FNV-1a hash of everything that training
/// sees of them.
fn fingerprint<'a>(frames: impl Iterator<Item = &'a Frame>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bits: u64| {
        for byte in bits.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for frame in frames {
        add(frame.numbers.len() as u64);
        frame.numbers.iter().for_each(|z| add(u64::from(*z)));
        frame.pbc.iter().for_each(|pbc| add(u64::from(*pbc)));
        let cell = frame.cell.iter().flatten();
        let forces = frame.forces.iter().flatten();
        let rows = frame.positions.iter().chain(forces).chain(cell);
        let numbers = rows.flatten().chain(frame.energy.iter());
        numbers.for_each(|x| add(x.to_bits()));
    }
    hash
}

/// Deviations of a model on labelled frames; `each` sees every frame with its prediction.
///
/// # Errors
/// [`Error::Argument`] if a frame lacks energy or forces; those of the model.
pub fn evaluate(
    potential: &TrainedPotential,
    frames: &[Frame],
    mut each: impl FnMut(&Frame, &Prediction),
) -> Result<EnergyForceDeviations> {
    let mut deviations = EnergyForceDeviations::default();
    for (chunk, frames) in frames.chunks(EVALUATION_BATCH).enumerate() {
        let predictions = potential.predict(&frames.iter().collect::<Vec<_>>())?;
        for (i, (frame, prediction)) in frames.iter().zip(&predictions).enumerate() {
            let (energy, forces) = labels(frame, chunk * EVALUATION_BATCH + i)?;
            deviations.add_frame(prediction.energy, energy, &prediction.forces, forces)?;
            each(frame, prediction);
        }
    }
    Ok(deviations)
}

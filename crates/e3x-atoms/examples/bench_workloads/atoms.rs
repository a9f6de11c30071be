//! The message-passing model: ethanol in batches, and large systems.

use candle_core::{DType, Device, Tensor};
use e3x::autograd::CreateGraph;
use e3x::ops::Graph;
use e3x::optim::Schedule;
use e3x_atoms::Frame;
use e3x_atoms::batch::Batch;
use e3x_atoms::model::{EnergyScale, MessagePassingPotential, ModelConfig, TrainedPotential};
use e3x_atoms::predictor::Predictor;
use e3x_atoms::train::{Precision, TrainConfig, Trainer};
use serde::Deserialize;

use crate::workload::{Workload, builder};
use crate::{Measure, Outputs, Result};

/// Energies are in the unit of the model on both sides.
const SCALE: EnergyScale = EnergyScale {
    unit: 1.0,
    shift: 0.0,
};

/// Size of the model, and the learning rate if it is trained.
#[derive(Debug, Clone, Deserialize)]
pub struct Model {
    features: usize,
    max_degree: usize,
    num_iterations: usize,
    num_basis: usize,
    cutoff: f64,
    learning_rate: Option<f64>,
}

impl Model {
    fn config(&self) -> ModelConfig {
        ModelConfig {
            features: self.features,
            max_degree: self.max_degree,
            num_iterations: self.num_iterations,
            num_basis_functions: self.num_basis,
            cutoff: self.cutoff,
            ..ModelConfig::default()
        }
    }

    fn build(&self, workload: &Workload) -> Result<MessagePassingPotential> {
        let parameters = workload.parameters().frozen();
        Ok(MessagePassingPotential::new(
            &self.config(),
            builder(&parameters),
        )?)
    }
}

/// Inference of the first frame or of all, or a training step on all.
pub fn ethanol(workload: &Workload, args: &Model, measure: &str) -> Result<Box<dyn Measure>> {
    let mut frames = frames(workload)?;
    match measure {
        "step" => Ok(Box::new(Training::new(workload, args, &frames)?)),
        "single" | "batch" => {
            if measure == "single" {
                frames.truncate(1);
            }
            // It lives as long as the process, like the workload.
            let potential = Box::leak(Box::new(TrainedPotential {
                model: args.build(workload)?,
                scale: SCALE,
            }));
            let predictor = potential.predictor();
            Ok(Box::new(Inference { predictor, frames }))
        }
        other => Err(format!("measure '{other}': not one of the ethanol model").into()),
    }
}

/// The frames of the workload with their labels.
fn frames(workload: &Workload) -> Result<Vec<Frame>> {
    let species = indices(workload, "species")?;
    let energies = workload.input("energy")?.to_vec1::<f64>()?;
    let positions = workload.input("positions")?.to_vec3::<f64>()?;
    let forces = workload.input("forces")?.to_vec3::<f64>()?;
    let labelled = energies.into_iter().zip(positions).zip(forces);
    Ok(labelled
        .map(|((energy, positions), forces)| Frame {
            energy: Some(energy),
            forces: Some(rows(&forces)),
            ..Frame::new(species.clone(), rows(&positions))
        })
        .collect())
}

fn rows(rows: &[Vec<f64>]) -> Vec<[f64; 3]> {
    rows.iter().map(|row| [row[0], row[1], row[2]]).collect()
}

fn indices(workload: &Workload, name: &str) -> Result<Vec<u32>> {
    Ok(workload.input(name)?.to_dtype(DType::U32)?.to_vec1()?)
}

/// Energies and forces of frames, from atoms to numbers: neighbour lists are made in every call.
struct Inference {
    predictor: Predictor<'static>,
    frames: Vec<Frame>,
}

impl Measure for Inference {
    fn call(&mut self) -> Result<Outputs> {
        let frames: Vec<&Frame> = self.frames.iter().collect();
        let predictions = self.predictor.predict(&frames)?;
        let energies: Vec<f64> = predictions.iter().map(|p| p.energy).collect();
        let forces = predictions.iter().flat_map(|p| p.forces.as_flattened());
        let forces: Vec<f64> = forces.copied().collect();
        let device = Device::Cpu;
        Ok(vec![
            ("energy".into(), Tensor::new(energies, &device)?),
            (
                "forces".into(),
                Tensor::new(forces, &device)?.reshape(((), 3))?,
            ),
        ])
    }
}

/// Steps of Adam on one batch; again, neighbour lists and batch are made in every step.
struct Training(Trainer);

impl Training {
    fn new(workload: &Workload, args: &Model, frames: &[Frame]) -> Result<Self> {
        let config = TrainConfig {
            model: args.config(),
            // An epoch is a step.
            num_train: frames.len(),
            num_valid: 0,
            batch_size: frames.len(),
            epochs: 1_000_000,
            learning_rate: args.learning_rate.ok_or("learning_rate is missing")?,
            warmup_steps: Some(0),
            schedule: Schedule::Constant,
            clip_norm: None,
            forces_weight: 1.0,
            energy_unit: SCALE.unit,
            dtype: Precision::F32,
            ..TrainConfig::default()
        };
        let trainer = Trainer::new(config, frames)?;
        trainer.parameters().assign(&workload.params)?;
        Ok(Self(trainer))
    }

    fn step(&mut self) -> Result<f64> {
        Ok(self.0.train_epoch(|_| {})?.loss)
    }
}

impl Measure for Training {
    fn call(&mut self) -> Result<Outputs> {
        let loss = Tensor::new(&[self.step()?], &Device::Cpu)?;
        Ok(vec![("loss".into(), loss)])
    }

    /// The losses of three steps: they depend on all gradients.
    fn check(&mut self, first: Outputs) -> Result<Outputs> {
        let mut losses: Vec<Tensor> = first.into_iter().map(|(_, loss)| loss).collect();
        for _ in 0..2 {
            losses.push(Tensor::new(&[self.step()?], &Device::Cpu)?);
        }
        Ok(vec![("loss".into(), Tensor::cat(&losses, 0)?)])
    }
}

/// Energy and forces of one periodic system; the reference's half has found its edges, which both sides keep.
pub fn large_system(workload: &Workload, args: &Model, measure: &str) -> Result<Box<dyn Measure>> {
    if measure != "energy_and_forces" {
        return Err(format!("measure '{measure}': expected energy_and_forces").into());
    }
    let positions = workload.input("positions")?;
    let atoms = positions.dim(0)?;
    let (dst_idx, src_idx) = (workload.input("dst_idx")?, workload.input("src_idx")?);
    let batch = Batch {
        num_frames: 1,
        atomic_numbers: workload.input("species")?.clone(),
        positions: positions.clone(),
        graph: Graph::sparse(dst_idx, src_idx, atoms)?,
        offsets: Some(workload.input("offsets")?.clone()),
        segments: Graph::sparse_dst(&Tensor::zeros(atoms, DType::U32, &Device::Cpu)?, 1)?,
        sizes: vec![atoms],
    };
    let model = args.build(workload)?;
    Ok(Box::new(LargeSystem { model, batch }))
}

struct LargeSystem {
    model: MessagePassingPotential,
    batch: Batch,
}

impl Measure for LargeSystem {
    fn call(&mut self) -> Result<Outputs> {
        let (energy, forces) = self.model.energy_and_forces(&self.batch, CreateGraph::No)?;
        Ok(vec![
            ("energy".into(), energy.detach()),
            ("forces".into(), forces),
        ])
    }
}

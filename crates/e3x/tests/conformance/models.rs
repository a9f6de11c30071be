//! The models of E3x's example notebooks.

use candle_core::Tensor;
use e3x::autograd::{self, CreateGraph};
use e3x::ops::Graph;
use e3x::optim::{Adam, AdamConfig};
use e3x_atoms::batch::Batch;
use e3x_atoms::model::{MessagePassingPotential, ModelConfig};

use crate::case::{Case, Outputs, Result};
use crate::registry::Function;

pub fn find(name: &str) -> Option<Function> {
    Some(match name {
        "md17" => md17,
        "md17_training" => md17_training,
        _ => return None,
    })
}

/// The model of `md17_ethanol.ipynb` with a batch of molecules and its targets.
struct Md17 {
    model: MessagePassingPotential,
    batch: Batch,
    energy: Tensor,
    forces: Tensor,
    forces_weight: f64,
}

impl Md17 {
    fn new(case: &Case) -> Result<Self> {
        let config = ModelConfig {
            features: case.args.required("features")?,
            max_degree: case.args.required("max_degree")?,
            num_iterations: case.args.required("num_iterations")?,
            num_basis_functions: case.args.required("num_basis_functions")?,
            cutoff: case.args.required("cutoff")?,
            max_atomic_number: case.args.required("max_atomic_number")?,
        };
        Ok(Self {
            model: MessagePassingPotential::new(&config, case.builder())?,
            batch: batch(case)?,
            energy: case.input("energy_target")?,
            forces: case.input("forces_target")?,
            forces_weight: case.args.required("forces_weight")?,
        })
    }

    /// Energies, forces, and the loss, which can be differentiated.
    fn evaluate(&self) -> Result<[Tensor; 3]> {
        let (energy, forces) = self
            .model
            .energy_and_forces(&self.batch, CreateGraph::Yes)?;
        let half_mse = |x: &Tensor, target: &Tensor| (x - target)?.sqr()?.mean_all()? * 0.5;
        let loss = half_mse(&energy, &self.energy)?;
        let loss = (loss + (half_mse(&forces, &self.forces)? * self.forces_weight)?)?;
        Ok([energy, forces, loss])
    }
}

/// The molecules of a case as the graph that the case prescribes.
fn batch(case: &Case) -> Result<Batch> {
    let atomic_numbers = case.input("atomic_numbers")?;
    let num_atoms = atomic_numbers.dim(0)?;
    let num_frames: usize = case.args.required("batch_size")?;
    let segments = case.input("batch_segments")?;
    let mut sizes = vec![0; num_frames];
    for frame in segments.to_vec1::<i64>()? {
        *sizes
            .get_mut(usize::try_from(frame)?)
            .ok_or("batch_segments: out of range")? += 1;
    }
    Ok(Batch {
        num_frames,
        atomic_numbers,
        positions: case.input("positions")?,
        graph: Graph::sparse(&case.input("dst_idx")?, &case.input("src_idx")?, num_atoms)?,
        offsets: None,
        segments: Graph::sparse_dst(&segments, num_frames)?,
        sizes,
    })
}

fn md17(case: &Case) -> Result<Outputs> {
    let outputs = Md17::new(case)?.evaluate()?;
    Ok(Outputs::named(
        ["energy", "forces", "loss"].into_iter().zip(outputs),
    ))
}

/// Losses before each step of Adam, and the parameters at the end.
fn md17_training(case: &Case) -> Result<Outputs> {
    let md17 = Md17::new(case)?;
    let learning_rate = case.args.required("learning_rate")?;
    let mut adam = Adam::new(case.parameters(), AdamConfig::default())?;
    let mut losses = Vec::new();
    for _ in 0..case.args.required("num_steps")? {
        let [_, _, loss] = md17.evaluate()?;
        let variables: Vec<_> = adam.variables().cloned().collect();
        let variables: Vec<_> = variables.iter().collect();
        let gradients = autograd::grad(&loss, &variables, CreateGraph::No)?;
        adam.step(&gradients, learning_rate)?;
        losses.push(loss.detach());
    }
    let mut outputs = vec![("losses".to_string(), Tensor::stack(&losses, 0)?)];
    for (path, variable) in case.parameters().variables() {
        outputs.push((format!("param.{path}"), variable.as_tensor().detach()));
    }
    Ok(Outputs(outputs))
}

//! The models of E3x's example notebooks.

use candle_core::{D, DType, Tensor};
use e3x::autograd::{self, CreateGraph};
use e3x::nn::{
    self, BasisConfig, Dense, DenseConfig, Initializer, Radial, TensorDense, TensorDenseConfig,
};
use e3x::ops::Graph;
use e3x::optim::{Adam, AdamConfig};
use e3x::{FeatureShape, so3};
use e3x_atoms::batch::Batch;
use e3x_atoms::model::{MessagePassingPotential, ModelConfig};

use crate::case::{Case, Outputs, Result};
use crate::registry::Function;

pub fn find(name: &str) -> Option<Function> {
    Some(match name {
        "md17" => md17,
        "md17_training" => md17_training,
        "tetracubes" => tetracubes,
        "moment_of_inertia" => moment_of_inertia,
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
            ..ModelConfig::default()
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
        let loss = half_mse(&energy, &self.energy)?;
        let loss = (loss + (half_mse(&forces, &self.forces)? * self.forces_weight)?)?;
        Ok([energy, forces, loss])
    }
}

/// Half the mean squared deviation (`optax.l2_loss`).
fn half_mse(x: &Tensor, target: &Tensor) -> candle_core::Result<Tensor> {
    (x - target)?.sqr()?.mean_all()? * 0.5
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

/// The model of `tetracubes.ipynb`: point clouds are classified.
fn tetracubes(case: &Case) -> Result<Outputs> {
    let (features, max_degree) = (
        case.args.required("features")?,
        case.args.required("max_degree")?,
    );
    let num_classes: usize = case.args.required("num_classes")?;
    let (shapes, vb) = (case.input("shapes")?, case.builder());
    let input = FeatureShape::new(1, max_degree, features)?;
    let config = TensorDenseConfig::default();
    let first = TensorDense::new(input, config.clone(), vb.pp("TensorDense_0"))?;
    let config = TensorDenseConfig {
        max_degree: Some(0),
        ..config
    };
    let second = TensorDense::new(first.output_shape(), config, vb.pp("TensorDense_1"))?;
    let size = second.output_shape().len();
    let vb = vb.pp("Dense_0");
    let kernel = vb.get_with_hints((size, num_classes), "kernel", Initializer::lecun_normal())?;
    let bias = vb.get_with_hints(num_classes, "bias", Initializer::Zeros)?;

    let points = shapes.broadcast_sub(&shapes.mean_keepdim(1)?)?;
    let radial: Radial = serde_json::from_str(r#"{"name": "triangular_window", "limit": 2.0}"#)?;
    let basis = nn::basis(&points, &BasisConfig::new(max_degree, features, radial))?;
    let x = basis.to_tensor()?.mean(1)?;
    let x = second.forward(&first.forward(&x)?)?.flatten_from(1)?;
    let logits = x.matmul(&kernel)?.broadcast_add(&bias)?;

    let labels = case.input("labels")?.to_dtype(DType::U32)?.unsqueeze(1)?;
    let normalizer = logits.exp()?.sum_keepdim(1)?.log()?;
    let loss = (normalizer - logits.gather(&labels, 1)?)?.mean_all()?;
    Ok(Outputs::named([("logits", logits), ("loss", loss)]))
}

/// The model of `moment_of_inertia.ipynb`: a symmetric matrix from masses and positions.
fn moment_of_inertia(case: &Case) -> Result<Outputs> {
    let (masses, positions) = (case.input("masses")?, case.input("positions")?);
    let target = case.input("inertia_tensor")?;
    let vb = case.builder();
    let dense = DenseConfig::new(case.args.required("features")?);
    let dense = Dense::new(FeatureShape::new(1, 1, 1)?, dense, vb.pp("Dense_0"))?;
    let config = TensorDenseConfig {
        max_degree: Some(case.args.required("max_degree")?),
        ..TensorDenseConfig::default()
    };
    let first = TensorDense::new(dense.output_shape(), config, vb.pp("TensorDense_0"))?;
    let config = TensorDenseConfig {
        features: Some(1),
        max_degree: Some(2),
        ..TensorDenseConfig::default()
    };
    let second = TensorDense::new(first.output_shape(), config, vb.pp("TensorDense_1"))?;

    let x = Tensor::cat(&[masses.unsqueeze(D::Minus1)?, positions], 2)?;
    let x = x.unsqueeze(2)?.unsqueeze(4)?;
    let x = second.forward(&first.forward(&dense.forward(&x)?)?)?;
    let x = x.narrow(2, 0, 1)?.flatten_from(2)?.sum(1)?;
    let cg = so3::clebsch_gordan(1, 1, 2, true, case.dtype, &crate::case::CPU)?;
    let cg = cg.narrow(0, 1, 3)?.narrow(1, 1, 3)?.reshape((9, 9))?;
    let prediction = x.matmul(&cg.t()?)?.reshape(target.shape())?;
    let loss = half_mse(&prediction, &target)?;
    Ok(Outputs::named([("prediction", prediction), ("loss", loss)]))
}

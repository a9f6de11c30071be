//! Data and models that several tests share.
#![allow(dead_code, reason = "every test program uses its own part")]

pub mod program;

use std::collections::HashMap;
use std::path::PathBuf;

use candle_core::{DType, Tensor};
use e3x::nn::Parameters;
use e3x::testing::random;
use e3x_atoms::Frame;
use e3x_atoms::extxyz::{ReadConfig, Reader};
use e3x_atoms::model::{
    EnergyScale, MessagePassingPotential, ModelConfig, Prediction, TrainedPotential,
};
use e3x_atoms::train::{Precision, TrainConfig};

/// The path of a file in the repository.
pub fn repository(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(file)
}

/// Every `step`th of the first frames of a data set, `number` of them.
pub fn frames(data: &str, number: usize, step: usize) -> Vec<Frame> {
    let path = repository("data").join(data);
    let reader = Reader::open(path, ReadConfig::energy_and_forces()).unwrap();
    let frames: Vec<Frame> = reader
        .step_by(step)
        .take(number)
        .map(Result::unwrap)
        .collect();
    assert_eq!(frames.len(), number, "{data} is too short");
    frames
}

/// The first frames of ethanol.
pub fn ethanol(number: usize) -> Vec<Frame> {
    frames("ethanol_gfn2.extxyz", number, 1)
}

/// A frame of periodic copper, 32 atoms in a sheared cell.
pub fn copper() -> Frame {
    frames("copper_emt.extxyz", 1, 1).remove(0)
}

/// A small model that still has vectors and an iteration before the last.
pub fn small() -> ModelConfig {
    ModelConfig {
        features: 4,
        max_degree: 1,
        num_iterations: 2,
        num_basis_functions: 5,
        cutoff: 4.0,
        max_atomic_number: 29,
        ..ModelConfig::default()
    }
}

/// A small training run on 40 frames.
pub fn small_run(dtype: Precision) -> TrainConfig {
    TrainConfig {
        model: small(),
        num_train: 30,
        num_valid: 10,
        epochs: 3,
        batch_size: 5,
        learning_rate: 0.01,
        warmup_steps: Some(0),
        clip_norm: None,
        dtype,
        ..TrainConfig::default()
    }
}

/// A model none of whose parameters is zero: fresh ones have layers that give zero.
pub fn model(
    config: &ModelConfig,
    seed: u64,
    dtype: DType,
) -> (MessagePassingPotential, Parameters) {
    let (model, parameters) = MessagePassingPotential::seeded(config, seed, dtype).unwrap();
    for (i, (_, var)) in parameters.variables().into_iter().enumerate() {
        let noise = random(var.dims(), 1000 * (seed + 1) + i as u64).unwrap();
        let noise = (noise * 0.3).unwrap().to_dtype(dtype).unwrap();
        var.set(&(var.as_tensor() + noise).unwrap()).unwrap();
    }
    (model, parameters)
}

/// Energies and forces of a model in its own units.
pub fn predict(model: &MessagePassingPotential, frames: &[&Frame]) -> Vec<Prediction> {
    let scale = EnergyScale {
        unit: 1.0,
        shift: 0.0,
    };
    let model = model.clone();
    TrainedPotential { model, scale }.predict(frames).unwrap()
}

/// Molecules from the tensors `atomic_numbers`, `positions` and `batch_segments`.
pub fn molecules(data: &HashMap<String, Tensor>) -> Vec<Frame> {
    let [numbers, positions, segments] =
        ["atomic_numbers", "positions", "batch_segments"].map(|name| values(&data[name]));
    let mut frames: Vec<Frame> = Vec::new();
    for (i, segment) in segments.into_iter().enumerate() {
        if frames.len() <= segment as usize {
            frames.push(Frame::new(vec![], vec![]));
        }
        let frame = &mut frames[segment as usize];
        frame.numbers.push(numbers[i] as u32);
        frame
            .positions
            .push([0, 1, 2].map(|k| positions[3 * i + k]));
    }
    frames
}

/// All values of a tensor as f64.
pub fn values(x: &Tensor) -> Vec<f64> {
    let x = x.detach().flatten_all().unwrap();
    x.to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

/// Asserts `|a - b| <= tolerance (1 + largest |b|)`; NaN fails.
#[track_caller]
pub fn assert_close(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    let scale = b.iter().fold(1.0, |scale: f64, b| scale.max(b.abs()));
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        let error = (a - b).abs();
        assert!(error <= tolerance * scale, "[{i}]: {a} {b}, off by {error}");
    }
}

/// [`assert_close`] for energies and forces.
#[track_caller]
pub fn assert_same(a: &Prediction, b: &Prediction, tolerance: f64) {
    assert_close(&[a.energy], &[b.energy], tolerance);
    assert_close(a.forces.as_flattened(), b.forces.as_flattened(), tolerance);
}

/// Asserts that a result is an error whose message holds all `parts`.
#[track_caller]
pub fn assert_error<T>(result: e3x_atoms::Result<T>, parts: &[&str]) {
    let Err(error) = result else {
        panic!("no error, but one with {parts:?} was expected");
    };
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "no `{part}` in: {message}");
    }
}

//! A model goes from Python to Rust and back: `interchange/flax_safetensors.py` and
//! `interchange/roundtrip.py`.
//!
//! Needs Python with the packages of `interchange/requirements.txt`. `E3X_PYTHON` names the
//! interpreter; without it, `python3` is tried, and the test is skipped if that lacks them.

mod common;

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Output};

use candle_core::{DType, Device, Tensor};
use common::{molecules, repository, values};
use e3x::autograd::{CreateGraph, grad};
use e3x::nn::Parameters;
use e3x::optim::{Adam, AdamConfig};
use e3x_atoms::batch::Batch;
use e3x_atoms::model::{MessagePassingPotential, ModelConfig};

type Tensors = HashMap<String, Tensor>;

/// The model of `roundtrip.py`.
fn config() -> ModelConfig {
    ModelConfig {
        features: 6,
        max_degree: 1,
        num_iterations: 2,
        num_basis_functions: 5,
        cutoff: 5.0,
        max_atomic_number: 9,
        ..ModelConfig::default()
    }
}

/// A Python with E3x, or why there is none.
fn python() -> Result<String, String> {
    let named = std::env::var("E3X_PYTHON")
        .ok()
        .filter(|name| !name.is_empty());
    let name = named.clone().unwrap_or_else(|| "python3".into());
    // Looks for the packages without importing them, which would take seconds.
    let find = "import importlib.util as u, sys; \
                sys.exit(not all(map(u.find_spec, ['e3x', 'flax', 'optax', 'safetensors'])))";
    let output = Command::new(&name).args(["-c", find]).output();
    if output.is_ok_and(|output| output.status.success()) {
        return Ok(name);
    }
    let reason = format!("{name} is no Python with e3x, flax, optax and safetensors");
    assert!(named.is_none(), "E3X_PYTHON: {reason}");
    Err(reason)
}

fn run(python: &str, arguments: &[&str]) {
    let script = repository("interchange").join(arguments[0]);
    let output: Output = Command::new(python)
        .arg(script)
        .args(&arguments[1..])
        .env("JAX_PLATFORMS", "cpu")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
}

fn load(folder: &Path, name: &str) -> Tensors {
    candle_core::safetensors::load(folder.join(name), &Device::Cpu).unwrap()
}

/// 1e-6 of the largest value.
#[track_caller]
fn assert_agree(actual: &Tensor, expected: &Tensor) {
    let (a, e) = (values(actual), values(expected));
    assert_eq!(a.len(), e.len());
    let scale = e.iter().fold(0.0, |scale: f64, x| scale.max(x.abs()));
    assert!(scale > 1e-3, "too close to zero to compare: {e:?}");
    for (a, e) in a.iter().zip(&e) {
        assert!((a - e).abs() <= 1e-6 * scale, "{a}, expected {e}");
    }
}

#[test]
fn a_model_goes_to_rust_and_back() {
    let python = match python() {
        Ok(python) => python,
        Err(reason) => {
            eprintln!("skipped: {reason}; set E3X_PYTHON (see interchange/requirements.txt)");
            return;
        }
    };
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    run(
        &python,
        &["roundtrip.py", "train", folder.to_str().unwrap()],
    );

    // Trained in Python, loaded here.
    let parameters = Parameters::from_file(folder.join("parameters.safetensors")).unwrap();
    let vb = parameters.builder(DType::F64, &Device::Cpu);
    let model = MessagePassingPotential::new(&config(), vb).unwrap();
    assert_eq!(parameters.unused(), [""; 0]);
    let data = load(folder, "data.safetensors");
    let frames = molecules(&data);
    let batch = Batch::new(&frames.iter().collect::<Vec<_>>(), 5.0, DType::F64).unwrap();
    let predict = || model.energy_and_forces(&batch, CreateGraph::Yes).unwrap();
    let (energy, forces) = predict();
    assert_agree(&energy, &data["energy"]);
    assert_agree(&forces, &data["forces"]);

    // Trained on here.
    let mut adam = Adam::new(&parameters, AdamConfig::default()).unwrap();
    let variables: Vec<Tensor> = adam.variables().cloned().collect();
    let variables: Vec<&Tensor> = variables.iter().collect();
    for _ in 0..5 {
        let (energy, forces) = predict();
        let loss = |x: &Tensor, name: &str| (x - &data[name])?.sqr()?.mean_all();
        let loss =
            loss(&energy, "energy_target").unwrap() + loss(&forces, "forces_target").unwrap();
        let gradients = grad(&loss.unwrap(), &variables, CreateGraph::No).unwrap();
        adam.step(&gradients, 0.02).unwrap();
    }
    let (trained_energy, trained_forces) = predict();
    assert_ne!(values(&trained_energy), values(&energy));
    parameters
        .save(folder.join("trained_on.safetensors"))
        .unwrap();

    // And back.
    run(
        &python,
        &["roundtrip.py", "predict", folder.to_str().unwrap()],
    );
    let predictions = load(folder, "predictions.safetensors");
    assert_agree(&predictions["energy"], &trained_energy);
    assert_agree(&predictions["forces"], &trained_forces);

    // The files of Flax itself hold the same.
    let file = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let (flax, again) = (file("trained.msgpack"), file("again.safetensors"));
    let source = file("trained_on.safetensors");
    run(&python, &["flax_safetensors.py", "to-flax", &source, &flax]);
    run(
        &python,
        &["flax_safetensors.py", "to-safetensors", &flax, &again],
    );
    let (again, expected) = (
        load(folder, "again.safetensors"),
        load(folder, "trained_on.safetensors"),
    );
    assert_eq!(again.len(), expected.len());
    for (name, tensor) in &expected {
        assert_eq!(values(&again[name]), values(tensor), "{name}");
        assert_eq!(again[name].dtype(), tensor.dtype());
    }
}

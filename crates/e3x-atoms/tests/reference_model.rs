//! The potential against E3x: names and shapes of the parameters, energies and forces.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use common::{assert_close, predict, values};
use e3x::nn::Parameters;
use e3x_atoms::Frame;
use e3x_atoms::model::{MessagePassingPotential, ModelConfig};
use serde_json::Value;

/// A case of the conformance suite.
struct Case {
    name: String,
    metadata: std::collections::HashMap<String, String>,
    tensors: BTreeMap<String, Tensor>,
}

impl Case {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        Self {
            name: path.display().to_string(),
            metadata: header.metadata().clone().unwrap(),
            tensors: candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
                .unwrap()
                .into_iter()
                .collect(),
        }
    }

    fn config(&self) -> ModelConfig {
        let args: Value = serde_json::from_str(&self.metadata["args"]).unwrap();
        let size = |name: &str| args[name].as_u64().unwrap() as usize;
        ModelConfig {
            features: size("features"),
            max_degree: size("max_degree"),
            num_iterations: size("num_iterations"),
            num_basis_functions: size("num_basis_functions"),
            cutoff: args["cutoff"].as_f64().unwrap(),
            max_atomic_number: size("max_atomic_number"),
            ..ModelConfig::default()
        }
    }

    fn parameters(&self) -> BTreeMap<String, Tensor> {
        let named = |(name, tensor): (&String, &Tensor)| {
            let path = name.strip_prefix("param.")?;
            Some((path.to_string(), tensor.clone()))
        };
        self.tensors.iter().filter_map(named).collect()
    }

    fn frames(&self) -> Vec<Frame> {
        let of = |name: &str| values(&self.tensors[name]);
        let (numbers, positions) = (of("in.atomic_numbers"), of("in.positions"));
        let mut frames = vec![Frame::default(); self.tensors["out.energy"].elem_count()];
        let atoms = numbers.iter().zip(positions.chunks_exact(3));
        for (frame, (number, r)) in of("in.batch_segments").iter().zip(atoms) {
            let frame = &mut frames[*frame as usize];
            frame.numbers.push(*number as u32);
            frame.positions.push([r[0], r[1], r[2]]);
        }
        frames
    }
}

fn cases() -> Vec<Case> {
    let folder = common::repository("conformance/cases/model.md17");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 7, "{} cases", paths.len());
    paths.iter().map(|path| Case::read(path)).collect()
}

#[test]
fn parameters_have_the_names_and_shapes_of_flax() {
    for case in cases() {
        let seeded = MessagePassingPotential::seeded(&case.config(), 0, DType::F32);
        let ours: Vec<_> = seeded
            .unwrap()
            .1
            .variables()
            .iter()
            .map(|(name, var)| (name.clone(), var.dims().to_vec()))
            .collect();
        let theirs: Vec<_> = case
            .parameters()
            .iter()
            .map(|(name, tensor)| (name.clone(), tensor.dims().to_vec()))
            .collect();
        assert_eq!(ours, theirs, "{}", case.name);
    }
}

#[test]
fn energies_and_forces_of_frames_are_those_of_e3x() {
    for case in cases() {
        let dtype = if case.metadata["dtype"] == "f64" {
            DType::F64
        } else {
            DType::F32
        };
        let parameters = Parameters::from_tensors(case.parameters());
        let vb = parameters.builder(dtype, &Device::Cpu);
        let model = MessagePassingPotential::new(&case.config(), vb).unwrap();
        let frames = case.frames();
        let found = predict(&model, &frames.iter().collect::<Vec<_>>());
        let energies: Vec<f64> = found.iter().map(|p| p.energy).collect();
        let forces: Vec<f64> = found
            .iter()
            .flat_map(|p| p.forces.as_flattened().to_vec())
            .collect();
        let tolerance = case.metadata["rtol"].parse().unwrap();
        println!("{}", case.name);
        assert_close(&energies, &values(&case.tensors["out.energy"]), tolerance);
        assert_close(&forces, &values(&case.tensors["out.forces"]), tolerance);
    }
}

#[test]
fn fresh_models_have_no_forces_and_energies_of_zero() {
    // The last layers start at zero, as in the tutorial.
    let (model, _) = MessagePassingPotential::seeded(&common::small(), 0, DType::F64).unwrap();
    for prediction in predict(&model, &[&common::ethanol(1)[0]]) {
        assert_eq!(prediction.energy, 0.0);
        assert!(prediction.forces.as_flattened().iter().all(|f| *f == 0.0));
    }
}

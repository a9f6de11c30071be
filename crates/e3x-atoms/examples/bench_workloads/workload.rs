//! A workload as the reference's half has written it.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use e3x::nn::{Parameters, VarBuilder};
use serde::Deserialize;

use crate::{Measure, Result, atoms, layers};

/// What to build; `bench/workloads.py` lists them.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", content = "args", rename_all = "snake_case")]
pub enum Kind {
    /// `nn.Tensor` of two features.
    Tensor(layers::Product),
    /// `nn.FusedTensor` of two features.
    FusedTensor(layers::Product),
    /// `nn.Dense`.
    Dense(layers::Dense),
    /// `nn.basis` and `nn.MessagePass`.
    MessagePass(layers::Edges),
    /// `nn.basis` and `nn.SelfAttention`.
    SelfAttention(layers::Edges),
    /// `so3.spherical_harmonics`.
    SphericalHarmonics(layers::Harmonics),
    /// The message-passing model on ethanol.
    Ethanol(atoms::Model),
    /// The message-passing model on a large system.
    Atoms(atoms::Model),
}

/// A kind with its numbers.
pub struct Workload {
    kind: Kind,
    inputs: BTreeMap<String, Tensor>,
    /// Parameters by their path.
    pub params: BTreeMap<String, Tensor>,
}

impl Workload {
    /// Reads `workload.json` and `inputs.safetensors`.
    pub fn read(folder: &Path) -> Result<Self> {
        let kind = serde_json::from_slice(&std::fs::read(folder.join("workload.json"))?)?;
        let (mut inputs, mut params) = (BTreeMap::new(), BTreeMap::new());
        let tensors =
            candle_core::safetensors::load(folder.join("inputs.safetensors"), &Device::Cpu)?;
        for (name, tensor) in tensors {
            match name.split_once('.') {
                Some(("in", name)) => inputs.insert(name.to_string(), tensor),
                Some(("param", path)) => params.insert(path.to_string(), tensor),
                _ => return Err(format!("tensor '{name}': expected in.* or param.*").into()),
            };
        }
        Ok(Self {
            kind,
            inputs,
            params,
        })
    }

    /// Builds one of its measures.
    pub fn build(self, measure: &str) -> Result<Box<dyn Measure>> {
        match self.kind.clone() {
            Kind::Ethanol(model) => atoms::ethanol(&self, &model, measure),
            Kind::Atoms(model) => atoms::large_system(&self, &model, measure),
            layer => layers::build(&self, layer, measure),
        }
    }

    /// An input.
    pub fn input(&self, name: &str) -> Result<&Tensor> {
        let input = self.inputs.get(name);
        input.ok_or_else(|| format!("input '{name}' is missing").into())
    }

    /// The parameters, as variables.
    pub fn parameters(&self) -> Parameters {
        Parameters::from_tensors(self.params.clone())
    }
}

/// The builder of layers in f32, which takes parameters from `parameters`.
pub fn builder(parameters: &Parameters) -> VarBuilder {
    parameters.builder(DType::F32, &Device::Cpu)
}

//! Single layers: values, and gradients with respect to all inputs and parameters.

use candle_core::Tensor;
use e3x::FeatureShape;
use e3x::autograd::{self, CreateGraph};
use e3x::nn::{
    self, AttentionConfig, BasisConfig, Cutoff, DenseConfig, FusedTensor, FusedTensorConfig,
    MessagePass, MessagePassConfig, Parameters, Radial, SelfAttention, TensorConfig,
};
use e3x::ops::Graph;
use e3x::so3::{SphericalHarmonicsConfig, spherical_harmonics};
use serde::Deserialize;

use crate::workload::{Kind, Workload, builder};
use crate::{Measure, Outputs, Result};

/// A product of two features.
#[derive(Debug, Clone, Deserialize)]
pub struct Product {
    pseudotensors: bool,
}

/// A layer on single features.
#[derive(Debug, Clone, Deserialize)]
pub struct Dense {
    features: usize,
}

/// A layer on a graph.
#[derive(Debug, Clone, Deserialize)]
pub struct Edges {
    nodes: usize,
    max_degree: usize,
    num_basis: usize,
    cutoff: f64,
    num_heads: Option<usize>,
}

/// Spherical harmonics.
#[derive(Debug, Clone, Deserialize)]
pub struct Harmonics {
    max_degree: usize,
}

type Function = Box<dyn Fn(&[Tensor]) -> e3x::Result<Tensor>>;

/// A function of some inputs, and of parameters that it has captured.
struct Layer {
    arguments: &'static [&'static str],
    function: Function,
}

/// Builds the measure `forward` or `gradients` of a layer.
pub fn build(workload: &Workload, kind: Kind, measure: &str) -> Result<Box<dyn Measure>> {
    let parameters = workload.parameters();
    let layer = match kind {
        Kind::Tensor(args) => tensor(workload, &args, &parameters)?,
        Kind::FusedTensor(args) => fused_tensor(workload, &args, &parameters)?,
        Kind::Dense(args) => dense(workload, &args, &parameters)?,
        Kind::MessagePass(args) => message_pass(workload, &args, &parameters)?,
        Kind::SelfAttention(args) => self_attention(workload, &args, &parameters)?,
        Kind::SphericalHarmonics(args) => harmonics(&args),
        Kind::Ethanol(_) | Kind::Atoms(_) => return Err("not a layer".into()),
    };
    let inputs = layer.arguments.iter().map(|name| workload.input(name));
    let inputs: Vec<Tensor> = inputs
        .map(|input| Ok(input?.clone()))
        .collect::<Result<_>>()?;
    match measure {
        "forward" => Ok(Box::new(Forward { layer, inputs })),
        "gradients" => {
            let cotangent = workload.input("cotangent")?;
            let gradients = Gradients::new(layer, &inputs, cotangent, &parameters)?;
            Ok(Box::new(gradients))
        }
        other => Err(format!("measure '{other}': expected forward or gradients").into()),
    }
}

/// The value.
struct Forward {
    layer: Layer,
    inputs: Vec<Tensor>,
}

impl Measure for Forward {
    fn call(&mut self) -> Result<Outputs> {
        let y = (self.layer.function)(&self.inputs)?;
        Ok(vec![("y".into(), y.detach())])
    }
}

/// The value y, and the gradients of sum(y * cotangent).
struct Gradients {
    layer: Layer,
    inputs: Vec<Tensor>,
    cotangent: Tensor,
    /// Inputs and parameters, with the names of their gradients.
    variables: Vec<Tensor>,
    names: Vec<String>,
}

impl Gradients {
    fn new(
        layer: Layer,
        inputs: &[Tensor],
        cotangent: &Tensor,
        parameters: &Parameters,
    ) -> Result<Self> {
        let inputs = inputs.iter().map(autograd::variable);
        let inputs: Vec<Tensor> = inputs.collect::<e3x::Result<_>>()?;
        let names = layer.arguments.iter().map(|name| format!("grad.in.{name}"));
        let mut names: Vec<String> = names.collect();
        let mut variables = inputs.clone();
        for (path, variable) in parameters.variables() {
            names.push(format!("grad.param.{path}"));
            variables.push(variable.into_inner());
        }
        Ok(Self {
            layer,
            inputs,
            cotangent: cotangent.clone(),
            variables,
            names,
        })
    }
}

impl Measure for Gradients {
    fn call(&mut self) -> Result<Outputs> {
        let y = (self.layer.function)(&self.inputs)?;
        let variables: Vec<&Tensor> = self.variables.iter().collect();
        let gradients = autograd::vjp(&y, &self.cotangent, &variables, CreateGraph::No)?;
        let mut outputs: Outputs = self.names.iter().cloned().zip(gradients).collect();
        outputs.push(("y".into(), y.detach()));
        Ok(outputs)
    }
}

fn shape(workload: &Workload, name: &'static str) -> Result<FeatureShape> {
    Ok(FeatureShape::of(name, workload.input(name)?)?)
}

fn tensor(workload: &Workload, args: &Product, parameters: &Parameters) -> Result<Layer> {
    let config = TensorConfig {
        include_pseudotensors: args.pseudotensors,
        ..TensorConfig::default()
    };
    let (first, second) = (shape(workload, "inputs1")?, shape(workload, "inputs2")?);
    let layer = nn::Tensor::new(first, second, config, builder(parameters))?;
    Ok(Layer {
        arguments: &["inputs1", "inputs2"],
        function: Box::new(move |x| layer.forward(&x[0], &x[1])),
    })
}

fn fused_tensor(workload: &Workload, args: &Product, parameters: &Parameters) -> Result<Layer> {
    let config = FusedTensorConfig {
        include_pseudotensors: args.pseudotensors,
        ..FusedTensorConfig::default()
    };
    let (first, second) = (shape(workload, "inputs1")?, shape(workload, "inputs2")?);
    let layer = FusedTensor::new(first, second, config, builder(parameters))?;
    Ok(Layer {
        arguments: &["inputs1", "inputs2"],
        function: Box::new(move |x| layer.forward(&x[0], &x[1])),
    })
}

fn dense(workload: &Workload, args: &Dense, parameters: &Parameters) -> Result<Layer> {
    let config = DenseConfig::new(args.features);
    let layer = nn::Dense::new(shape(workload, "inputs")?, config, builder(parameters))?;
    Ok(Layer {
        arguments: &["inputs"],
        function: Box::new(move |x| layer.forward(&x[0])),
    })
}

/// The graph and the configuration of the basis. The graph is kept, as a program keeps that of a molecule.
fn graph_and_basis(workload: &Workload, args: &Edges) -> Result<(Graph, BasisConfig)> {
    let (dst_idx, src_idx) = (workload.input("dst_idx")?, workload.input("src_idx")?);
    let graph = Graph::sparse(dst_idx, src_idx, args.nodes)?;
    let basis = BasisConfig::new(args.max_degree, args.num_basis, Radial::default());
    Ok((graph, basis.with_cutoff(Cutoff::smooth(args.cutoff))))
}

fn message_pass(workload: &Workload, args: &Edges, parameters: &Parameters) -> Result<Layer> {
    let (graph, basis) = graph_and_basis(workload, args)?;
    let layer = MessagePass::new(
        shape(workload, "inputs")?,
        (args.max_degree, args.num_basis),
        MessagePassConfig::default(),
        builder(parameters),
    )?;
    Ok(Layer {
        arguments: &["inputs", "displacements"],
        function: Box::new(move |x| layer.forward(&x[0], &nn::basis(&x[1], &basis)?, &graph)),
    })
}

fn self_attention(workload: &Workload, args: &Edges, parameters: &Parameters) -> Result<Layer> {
    let (graph, basis) = graph_and_basis(workload, args)?;
    let layer = SelfAttention::new(
        shape(workload, "inputs")?,
        Some((args.max_degree, args.num_basis)),
        AttentionConfig {
            num_heads: args.num_heads.ok_or("num_heads is missing")?,
            ..AttentionConfig::default()
        },
        builder(parameters),
    )?;
    let function = move |x: &[Tensor]| {
        let basis = nn::basis(&x[1], &basis)?;
        layer.forward(&x[0], Some(&basis), None, &graph)
    };
    Ok(Layer {
        arguments: &["inputs", "displacements"],
        function: Box::new(function),
    })
}

fn harmonics(args: &Harmonics) -> Layer {
    let max_degree = args.max_degree;
    Layer {
        arguments: &["r"],
        function: Box::new(move |x| {
            spherical_harmonics(&x[0], max_degree, SphericalHarmonicsConfig::default())
        }),
    }
}

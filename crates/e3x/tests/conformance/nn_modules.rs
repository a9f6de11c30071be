//! Modules of `e3x.nn`.

use candle_core::Tensor;
use e3x::FeatureShape;
use e3x::config::Config;
use e3x::nn::{
    self, Basis, Dense, DenseConfig, Embed, MessagePass, MessagePassConfig, TensorConfig,
};

use crate::case::{Case, NotBuilt, Outputs, Result};
use crate::ops::graph;
use crate::registry::Function;

pub fn find(name: &str) -> Option<Function> {
    Some(match name {
        "Embed" => embed,
        "Dense" => dense,
        "Tensor" => tensor,
        "MessagePass" => message_pass,
        _ => return None,
    })
}

fn embed(case: &Case) -> Result<Outputs> {
    let num_embeddings = case.args.required("num_embeddings")?;
    let layer = Embed::new(
        num_embeddings,
        case.args.required("features")?,
        case.builder(),
    )?;
    checked(layer.forward(&case.input("inputs")?)?, layer.output_shape())
}

fn dense(case: &Case) -> Result<Outputs> {
    let inputs = case.input("inputs")?;
    let mut config = DenseConfig::new(case.args.required("features")?);
    case.args.set("use_bias", &mut config.use_bias)?;
    let layer = Dense::new(FeatureShape::of("inputs", &inputs)?, config, case.builder())?;
    checked(layer.forward(&inputs)?, layer.output_shape())
}

fn tensor(case: &Case) -> Result<Outputs> {
    let (inputs1, inputs2) = (case.input("inputs1")?, case.input("inputs2")?);
    let mut config = TensorConfig::default();
    case.args.set_some("max_degree", &mut config.max_degree)?;
    case.args
        .set("include_pseudotensors", &mut config.include_pseudotensors)?;
    case.args
        .set("cartesian_order", &mut config.cartesian_order)?;
    let shape1 = FeatureShape::of("inputs1", &inputs1)?;
    let shape2 = FeatureShape::of("inputs2", &inputs2)?;
    let layer = nn::Tensor::new(shape1, shape2, config, case.builder())?;
    checked(layer.forward(&inputs1, &inputs2)?, layer.output_shape())
}

fn message_pass(case: &Case) -> Result<Outputs> {
    if case
        .args
        .or("use_fused_tensor", Config::use_fused_tensor())?
    {
        return Err(NotBuilt("use_fused_tensor").into());
    }
    let inputs = case.input("inputs")?;
    let basis = Basis::from_tensor(&case.input("basis")?)?;
    let mut config = MessagePassConfig::default();
    case.args.set_some("max_degree", &mut config.max_degree)?;
    case.args
        .set("use_basis_bias", &mut config.use_basis_bias)?;
    case.args
        .set("include_pseudotensors", &mut config.include_pseudotensors)?;
    case.args
        .set("cartesian_order", &mut config.cartesian_order)?;
    let shape = FeatureShape::of("inputs", &inputs)?;
    let num_nodes = inputs.dim(inputs.rank() - 4)?;
    let graph = graph(case, num_nodes)?;
    let layer = MessagePass::new(
        shape,
        (basis.max_degree(), basis.num()),
        config,
        case.builder(),
    )?;
    let weights = case.optional("weights");
    let outputs = layer.forward_weighted(&inputs, &basis, weights.as_ref(), &graph)?;
    checked(outputs, layer.output_shape())
}

/// The output of a layer, after a look at the shape that the layer announced.
fn checked(output: Tensor, announced: FeatureShape) -> Result<Outputs> {
    let shape = FeatureShape::of("output", &output)?;
    if shape != announced {
        return Err(format!("output_shape() is {announced}, the output has {shape}").into());
    }
    Ok(output.into())
}

//! Modules of `e3x.nn`.

use candle_core::Tensor;
use e3x::FeatureShape;
use e3x::nn::{
    self, AttentionConfig, Basis, Dense, DenseConfig, Embed, ExponentialBasis,
    ExponentialBasisConfig, FusedTensor, FusedTensorConfig, MessagePass, MessagePassConfig,
    MultiHeadAttention, SelfAttention, TensorConfig, TensorDense, TensorDenseConfig,
};

use crate::case::{Case, Outputs, Result};
use crate::nn_functions::{basis_config, basis_outputs, radial};
use crate::ops::graph;
use crate::registry::Function;

pub fn find(name: &str) -> Option<Function> {
    Some(match name {
        "Embed" => embed,
        "Dense" => dense,
        "Tensor" => tensor,
        "FusedTensor" => fused_tensor,
        "TensorDense" => tensor_dense,
        "ExponentialBasis" => exponential_basis,
        "MessagePass" => message_pass,
        "MultiHeadAttention" => multi_head_attention,
        "SelfAttention" => self_attention,
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

fn fused_tensor(case: &Case) -> Result<Outputs> {
    let (inputs1, inputs2) = (case.input("inputs1")?, case.input("inputs2")?);
    let mut config = FusedTensorConfig::default();
    case.args.set_some("max_degree", &mut config.max_degree)?;
    case.args
        .set("include_pseudotensors", &mut config.include_pseudotensors)?;
    case.args
        .set("cartesian_order", &mut config.cartesian_order)?;
    let shape1 = FeatureShape::of("inputs1", &inputs1)?;
    let shape2 = FeatureShape::of("inputs2", &inputs2)?;
    let layer = FusedTensor::new(shape1, shape2, config, case.builder())?;
    checked(layer.forward(&inputs1, &inputs2)?, layer.output_shape())
}

fn tensor_dense(case: &Case) -> Result<Outputs> {
    let inputs = case.input("inputs")?;
    let mut config = TensorDenseConfig::default();
    case.args.set_some("features", &mut config.features)?;
    case.args.set_some("max_degree", &mut config.max_degree)?;
    case.args.set("use_bias", &mut config.use_bias)?;
    case.args
        .set("include_pseudotensors", &mut config.include_pseudotensors)?;
    case.args
        .set("cartesian_order", &mut config.cartesian_order)?;
    case.args
        .set("use_fused_tensor", &mut config.use_fused_tensor)?;
    let shape = FeatureShape::of("inputs", &inputs)?;
    let layer = TensorDense::new(shape, config, case.builder())?;
    checked(layer.forward(&inputs)?, layer.output_shape())
}

fn exponential_basis(case: &Case) -> Result<Outputs> {
    let mut config = ExponentialBasisConfig {
        radial_fn: radial(case)?,
        basis: basis_config(case)?,
        initial_gamma: 1.0,
    };
    case.args.set("initial_gamma", &mut config.initial_gamma)?;
    let layer = ExponentialBasis::new(config, case.builder())?;
    basis_outputs(case, layer.forward_with_details(&case.input("r")?)?)
}

fn attention_config(case: &Case) -> Result<AttentionConfig> {
    let mut c = AttentionConfig::default();
    let args = &case.args;
    args.set("num_heads", &mut c.num_heads)?;
    args.set_some("qkv_features", &mut c.qkv_features)?;
    args.set_some("out_features", &mut c.out_features)?;
    args.set_some("max_degree", &mut c.max_degree)?;
    for (name, option) in [
        (
            "use_relative_positional_encoding_qk",
            &mut c.use_relative_positional_encoding_qk,
        ),
        (
            "use_relative_positional_encoding_v",
            &mut c.use_relative_positional_encoding_v,
        ),
        ("use_basis_bias", &mut c.use_basis_bias),
        ("include_pseudotensors", &mut c.include_pseudotensors),
        ("cartesian_order", &mut c.cartesian_order),
        ("use_fused_tensor", &mut c.use_fused_tensor),
        ("query_use_bias", &mut c.query_use_bias),
        ("key_use_bias", &mut c.key_use_bias),
        ("value_use_bias", &mut c.value_use_bias),
        ("output_use_bias", &mut c.output_use_bias),
    ] {
        args.set(name, option)?;
    }
    Ok(c)
}

/// Basis and cutoff values of an attention layer.
fn edge_inputs(case: &Case) -> Result<(Option<Basis>, Option<Tensor>)> {
    let basis = case.optional("basis");
    let basis = basis.map(|basis| Basis::from_tensor(&basis)).transpose()?;
    Ok((basis, case.optional("cutoff_value")))
}

fn multi_head_attention(case: &Case) -> Result<Outputs> {
    let (inputs_q, inputs_kv) = (case.input("inputs_q")?, case.input("inputs_kv")?);
    let (basis, cutoff) = edge_inputs(case)?;
    let layer = MultiHeadAttention::new(
        FeatureShape::of("inputs_q", &inputs_q)?,
        FeatureShape::of("inputs_kv", &inputs_kv)?,
        basis
            .as_ref()
            .map(|basis| (basis.max_degree(), basis.num())),
        attention_config(case)?,
        case.builder(),
    )?;
    let graph = graph(case, inputs_q.dim(inputs_q.rank() - 4)?)?;
    let outputs = layer.forward(
        &inputs_q,
        &inputs_kv,
        basis.as_ref(),
        cutoff.as_ref(),
        &graph,
    )?;
    checked(outputs, layer.output_shape())
}

fn self_attention(case: &Case) -> Result<Outputs> {
    let inputs = case.input("inputs")?;
    let (basis, cutoff) = edge_inputs(case)?;
    let layer = SelfAttention::new(
        FeatureShape::of("inputs", &inputs)?,
        basis
            .as_ref()
            .map(|basis| (basis.max_degree(), basis.num())),
        attention_config(case)?,
        case.builder(),
    )?;
    let graph = graph(case, inputs.dim(inputs.rank() - 4)?)?;
    let outputs = layer.forward(&inputs, basis.as_ref(), cutoff.as_ref(), &graph)?;
    checked(outputs, layer.output_shape())
}

fn message_pass(case: &Case) -> Result<Outputs> {
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
    case.args
        .set("use_fused_tensor", &mut config.use_fused_tensor)?;
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

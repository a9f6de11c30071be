//! `MultiHeadAttention` and `SelfAttention`: values, symmetries, derivatives, bad input.

mod support;

use candle_core::{DType, Tensor};
use e3x::nn::{self, AttentionConfig, Basis, BasisConfig, MultiHeadAttention};
use e3x::nn::{MessagePass, MessagePassConfig, Parameters, Radial, SelfAttention};
use e3x::ops::{self, Graph};
use e3x::testing::{GradientCheck, Items, SymmetryCheck, random};
use e3x::testing::{Input, Quantity, assert_gradients_with, assert_permutation, assert_symmetries};
use e3x::{FeatureShape, Result};
use support::{
    CPU, assert_close, assert_error, indices, names_of, shape, single, values_of, zeros,
};

const DST: [i64; 8] = [0, 0, 1, 1, 2, 2, 3, 0];
const SRC: [i64; 8] = [1, 2, 0, 3, 0, 1, 2, 3];

fn graph() -> Graph {
    Graph::sparse(&indices(&DST), &indices(&SRC), 4).unwrap()
}

/// The basis of the edges between positions, with degrees up to 1 and three functions.
fn basis(positions: &Tensor, dst: &Tensor, src: &Tensor) -> Result<Basis> {
    let graph = Graph::sparse(dst, src, positions.dim(0)?)?;
    let src = ops::gather_src(positions, &graph)?;
    let r = (src - ops::gather_dst(positions, &graph)?)?;
    nn::basis(&r, &BasisConfig::new(1, 3, Radial::default()))
}

fn edge_basis(positions: &Tensor) -> Result<Basis> {
    basis(positions, &indices(&DST), &indices(&SRC))
}

fn config(num_heads: usize) -> AttentionConfig {
    AttentionConfig {
        num_heads,
        query_use_bias: true,
        ..AttentionConfig::default()
    }
}

fn self_attention(
    input: FeatureShape,
    config: AttentionConfig,
) -> Result<(SelfAttention, Parameters)> {
    let parameters = Parameters::seeded(4);
    let vb = parameters.builder(DType::F64, CPU);
    Ok((
        SelfAttention::new(input, Some((1, 3)), config, vb)?,
        parameters,
    ))
}

/// One head and a softmax over a single edge: the value alone decides.
#[test]
fn one_edge_passes_the_value_on() -> Result<()> {
    let input = shape(1, 1, 4);
    let config = AttentionConfig {
        use_relative_positional_encoding_v: false,
        output_use_bias: false,
        ..config(2)
    };
    let (layer, parameters) = self_attention(input, config)?;
    let x = random(&input.with_batch(&[2]), 1)?;
    let graph = Graph::from_indices(&[0], &[1], 2)?;
    let basis = nn::basis(
        &random(&[1, 3], 2)?,
        &BasisConfig::new(1, 3, Radial::default()),
    )?;
    let y = layer.forward(&x, Some(&basis), None, &graph)?;
    let same = Parameters::from_tensors(values_of(&parameters)).builder(DType::F64, CPU);
    let dense = nn::DenseConfig {
        use_bias: false,
        ..nn::DenseConfig::new(4)
    };
    let value = nn::Dense::new(input, dense.clone(), same.pp("value"))?.forward(&x)?;
    let expected = nn::Dense::new(input, dense, same.pp("out"))?.forward(&value)?;
    assert_close("value", &y.get(0)?, &expected.get(1)?, 1e-14);
    assert_close("no edge", &y.get(1)?, &zeros(&[1, 4, 4], DType::F64), 0.0);
    Ok(())
}

#[test]
fn parameters_have_the_names_of_e3x() -> Result<()> {
    let config = AttentionConfig {
        use_basis_bias: true,
        use_fused_tensor: true,
        ..config(2)
    };
    let (layer, parameters) = self_attention(shape(1, 0, 4), config)?;
    assert_eq!(layer.output_shape(), shape(1, 1, 4));
    let names = names_of(&parameters);
    let names: Vec<_> = names
        .iter()
        .filter(|name| !name.starts_with("fused_tensor/"))
        .collect();
    assert_eq!(
        names,
        [
            "filter/0+/bias",
            "filter/0+/kernel",
            "filter/1-/kernel",
            "key/0+/kernel",
            "out/0+/bias",
            "out/0+/kernel",
            "out/1-/kernel",
            "query/0+/bias",
            "query/0+/kernel",
            "relative_positional_encoding/bias",
            "relative_positional_encoding/kernel",
            "value/0+/kernel",
        ]
    );
    Ok(())
}

/// The pass over the edges with weights, the composition, and a dense list agree.
#[test]
fn all_ways_of_evaluation_agree() -> Result<()> {
    let input = shape(2, 1, 4);
    let positions = random(&[4, 3], 1)?;
    let x = random(&input.with_batch(&[4]), 2)?;
    let cutoff = random(&[8], 3)?.sqr()?;
    for use_fused_tensor in [false, true] {
        let config = AttentionConfig {
            use_fused_tensor,
            ..config(2)
        };
        let (layer, _) = self_attention(input, config)?;
        let basis = edge_basis(&positions)?;
        let y = layer.forward(&x, Some(&basis), Some(&cutoff), &graph())?;
        let values = Basis::from_tensor(&basis.to_tensor()?)?;
        let composed = layer.forward(&x, Some(&values), Some(&cutoff), &graph())?;
        assert_close("dense basis", &composed, &y, 1e-13);

        // Destination 0 has three edges; 4 is padding.
        let adj = Tensor::new(&[[1i64, 2, 3], [0, 3, 4], [0, 1, 4], [2, 4, 4]], CPU)?;
        let edge = Tensor::new(&[0u32, 1, 7, 2, 3, 3, 4, 5, 5, 6, 6, 6], CPU)?;
        let values = basis
            .to_tensor()?
            .index_select(&edge, 0)?
            .reshape((4, 3, 1, 4, 3))?;
        let cutoff = cutoff.index_select(&edge, 0)?.reshape((4, 3))?;
        let values = Basis::from_tensor(&values)?;
        let dense = Graph::dense(&adj, None)?;
        let dense = layer.forward(&x, Some(&values), Some(&cutoff), &dense)?;
        assert_close("dense list", &dense, &y, 1e-13);
    }
    Ok(())
}

/// A dense list without mask whose sources outnumber the destinations.
#[test]
fn more_keys_than_queries() -> Result<()> {
    let (queries, keys) = (shape(1, 2, 6), shape(2, 1, 2));
    let vb = Parameters::seeded(1).builder(DType::F64, CPU);
    let config = AttentionConfig {
        use_relative_positional_encoding_qk: false,
        use_relative_positional_encoding_v: false,
        out_features: Some(5),
        ..config(3)
    };
    let layer = MultiHeadAttention::new(queries, keys, None, config, vb)?;
    assert_eq!(layer.output_shape(), shape(2, 1, 5));
    let q = random(&queries.with_batch(&[2]), 1)?;
    let kv = random(&keys.with_batch(&[5]), 2)?;
    let adj = Tensor::new(&[[0i64, 4], [3, 5]], CPU)?;
    let dense = layer.forward(&q, &kv, None, None, &Graph::dense(&adj, None)?)?;
    let sparse = Graph::from_indices(&[0, 0, 1], &[0, 4, 3], 2)?;
    let sparse = layer.forward(&q, &kv, None, None, &sparse)?;
    assert_eq!(sparse.dims(), [2, 2, 4, 5]);
    assert_close("lists", &dense, &sparse, 1e-14);
    Ok(())
}

/// Weights per edge and feature: one pass over the edges, or composed.
#[test]
fn message_pass_with_weights_agrees_with_its_parts() -> Result<()> {
    let input = shape(1, 1, 4);
    let basis = edge_basis(&random(&[4, 3], 1)?)?;
    let values = Basis::from_tensor(&basis.to_tensor()?)?;
    let x = random(&input.with_batch(&[4]), 2)?;
    for use_fused_tensor in [false, true] {
        let config = MessagePassConfig {
            use_fused_tensor,
            ..MessagePassConfig::default()
        };
        let vb = Parameters::seeded(1).builder(DType::F64, CPU);
        let layer = MessagePass::new(input, (1, 3), config, vb)?;
        for features in [1, 4] {
            let weights = random(&[8, 1, 1, features], 3)?;
            let pass = |basis| layer.forward_weighted(&x, basis, Some(&weights), &graph());
            assert_close("weights", &pass(&basis)?, &pass(&values)?, 1e-13);
        }
    }
    Ok(())
}

#[test]
fn commutes_with_rotations_reflection_and_translation() -> Result<()> {
    for use_fused_tensor in [false, true] {
        let input = shape(1, 1, 4);
        let config = AttentionConfig {
            use_fused_tensor,
            ..config(2)
        };
        let (layer, _) = self_attention(input, config)?;
        let inputs = [
            Input::new(&random(&[4, 3], 1)?, Quantity::Points),
            Input::new(&random(&input.with_batch(&[4]), 2)?, Quantity::Features),
        ];
        let f = |x: &[Tensor]| layer.forward(&x[1], Some(&edge_basis(&x[0])?), None, &graph());
        assert_symmetries(f, &inputs, Quantity::Features, &SymmetryCheck::default());
    }
    Ok(())
}

#[test]
fn order_of_nodes_does_not_matter() -> Result<()> {
    let input = shape(1, 1, 4);
    let (layer, _) = self_attention(input, config(2))?;
    let inputs = [random(&[4, 3], 1)?, random(&input.with_batch(&[4]), 2)?];
    let f = |x: &[Tensor], idx: &[Tensor]| {
        let graph = Graph::sparse(&idx[0], &idx[1], 4)?;
        layer.forward(&x[1], Some(&basis(&x[0], &idx[0], &idx[1])?), None, &graph)
    };
    let lists = [indices(&DST), indices(&SRC)];
    assert_permutation(f, &inputs, &lists, Items::Permuted, 1, 1e-12);
    Ok(())
}

#[test]
fn derivatives_match_differences() -> Result<()> {
    let input = shape(1, 1, 2);
    for use_fused_tensor in [false, true] {
        let config = AttentionConfig {
            use_fused_tensor,
            ..config(2)
        };
        let (layer, parameters) = self_attention(input, config)?;
        let inputs = [
            random(&[4, 3], 1)?,
            random(&input.with_batch(&[4]), 2)?,
            (random(&[8], 3)?.sqr()? + 0.5)?,
        ];
        let f =
            |x: &[Tensor]| layer.forward(&x[1], Some(&edge_basis(&x[0])?), Some(&x[2]), &graph());
        assert_gradients_with(f, &inputs, &parameters, &GradientCheck::default());
    }
    Ok(())
}

#[test]
fn bad_input_is_an_error_that_names_the_argument() -> Result<()> {
    let input = shape(1, 1, 4);
    let (layer, _) = self_attention(input, config(2))?;
    let (x, graph) = (zeros(&[4, 1, 4, 4], DType::F64), graph());
    let basis = edge_basis(&random(&[4, 3], 1)?)?;
    let forward = |x: &Tensor, basis: Option<&Basis>, cutoff: Option<&Tensor>| {
        layer.forward(x, basis, cutoff, &graph)
    };
    for dims in [&[4, 4][..], &[4, 2, 4, 4], &[4, 1, 9, 4], &[4, 1, 4, 3]] {
        let result = forward(&zeros(dims, DType::F64), Some(&basis), None);
        assert_error("shape", result, &["inputs_q", "shape (..., 1, 4, 4)"]);
    }
    for dims in [&[1, 4, 4][..], &[2, 4, 1, 4, 4]] {
        let result = forward(&zeros(dims, DType::F64), Some(&basis), None);
        assert_error("nodes", result, &["inputs_q", "axis of nodes"]);
    }
    assert_error(
        "dtype",
        forward(&single(&x), Some(&basis), None),
        &["inputs_q", "F64"],
    );
    assert_error("no basis", forward(&x, None, None), &["basis", "None"]);
    let few = nn::basis(
        &random(&[3, 3], 1)?,
        &BasisConfig::new(1, 3, Radial::default()),
    )?;
    assert_error(
        "edges",
        forward(&x, Some(&few), None),
        &["basis", "[8]", "[3]"],
    );
    let num = nn::basis(
        &random(&[8, 3], 1)?,
        &BasisConfig::new(1, 2, Radial::default()),
    )?;
    assert_error(
        "num",
        forward(&x, Some(&num), None),
        &["basis", "num 3", "num 2"],
    );
    let degree = nn::basis(
        &random(&[8, 3], 1)?,
        &BasisConfig::new(0, 3, Radial::default()),
    )?;
    assert_error(
        "degree",
        forward(&x, Some(&degree), None),
        &["basis", "max_degree 1"],
    );
    let narrow = Basis::from_tensor(&single(&basis.to_tensor()?))?;
    assert_error("dtype", forward(&x, Some(&narrow), None), &["basis", "F64"]);
    for cutoff in [zeros(&[7], DType::F64), zeros(&[8, 1], DType::F64)] {
        let result = forward(&x, Some(&basis), Some(&cutoff));
        assert_error("cutoff", result, &["cutoff_value", "[8]"]);
    }
    let cutoff = zeros(&[8], DType::F32);
    let result = forward(&x, Some(&basis), Some(&cutoff));
    assert_error("cutoff", result, &["cutoff_value", "F64"]);

    let build = |basis, config| {
        SelfAttention::new(
            input,
            basis,
            config,
            Parameters::seeded(0).builder(DType::F64, CPU),
        )
    };
    assert_error(
        "heads",
        build(Some((1, 3)), config(3)),
        &["num_heads", "qkv_features, 4", "3"],
    );
    assert_error("heads", build(Some((1, 3)), config(0)), &["num_heads"]);
    assert_error("basis", build(None, config(2)), &["basis", "None"]);
    assert_error("basis", build(Some((1, 0)), config(2)), &["0"]);
    let none = AttentionConfig {
        qkv_features: Some(0),
        ..config(2)
    };
    assert_error("features", build(Some((1, 3)), none), &["features"]);
    let high = AttentionConfig {
        max_degree: Some(3),
        ..config(2)
    };
    assert_error(
        "degree",
        build(Some((1, 3)), high),
        &["max_degree", "at most 2"],
    );
    Ok(())
}

//! Building models: names as in Flax, blocks, the ordinary dense layer, summaries.

mod support;

use candle_core::{DType, Tensor};
use e3x::Result;
use e3x::nn::{
    self, AttentionConfig, BasisConfig, Builder, Cutoff, DenseConfig, Exchange, FusedTensorConfig,
    Initializer, Interaction, Layer, Linear, MessagePassConfig, Parameters, Radial, Residual,
    TensorConfig, TensorDenseConfig, VarBuilder,
};
use e3x::ops::Graph;
use e3x::testing::{
    GradientCheck, SymmetryCheck, assert_equivariant, assert_gradients_with, random,
};
use support::{CPU, assert_close, assert_error, bits, flat, names_of, shape, zeros};

fn start() -> (Parameters, Builder) {
    let parameters = Parameters::seeded(3);
    let builder = Builder::new(parameters.builder(DType::F64, CPU));
    (parameters, builder)
}

/// Replaces all values, also those that start at zero.
fn randomise(parameters: &Parameters) -> Result<()> {
    for (i, (_, var)) in parameters.variables().into_iter().enumerate() {
        var.set(&(random(var.dims(), 100 + i as u64)? * 0.4)?)?;
    }
    Ok(())
}

/// All kinds of layers: the summary counts what the parameters hold, layer by layer.
#[test]
fn names_and_counts_are_those_of_the_parameters() -> Result<()> {
    let (parameters, mut model) = start();
    let (scalars, both) = (shape(1, 0, 4), shape(2, 1, 4));
    model.embed(10, 4)?;
    model.dense(both, DenseConfig::new(6))?;
    model.linear(3, 5, true, Initializer::lecun_normal())?;
    model.linear(3, 5, false, Initializer::Zeros)?;
    model.tensor(both, scalars, TensorConfig::default())?;
    model.fused_tensor(both, both, FusedTensorConfig::default())?;
    model.tensor_dense(both, TensorDenseConfig::default())?;
    let biased = MessagePassConfig {
        use_basis_bias: true,
        use_fused_tensor: true,
        ..MessagePassConfig::default()
    };
    model.message_pass(both, (1, 3), MessagePassConfig::default())?;
    model.message_pass(both, (1, 3), biased)?;
    let attention = AttentionConfig {
        num_heads: 2,
        use_basis_bias: true,
        query_use_bias: true,
        ..AttentionConfig::default()
    };
    model.self_attention(both, Some((1, 3)), attention.clone())?;
    model.multi_head_attention(scalars, both, Some((1, 3)), attention)?;
    let residual = model.residual(both)?;
    model.parameter("scale", (), Initializer::Ones)?;

    let summary = model.summary();
    let names: Vec<&str> = summary.rows().iter().map(|row| row.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "Embed_0",
            "Dense_0",
            "Dense_1",
            "Dense_2",
            "Tensor_0",
            "FusedTensor_0",
            "TensorDense_0",
            "MessagePass_0",
            "MessagePass_1",
            "SelfAttention_0",
            "MultiHeadAttention_0",
            "Dense_3",
            "Dense_4",
            "scale",
        ]
    );
    for row in summary.rows() {
        let belongs = |name: &String| {
            name.strip_prefix(&row.name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let variables = parameters.variables();
        let own = variables.iter().filter(|(name, _)| belongs(name));
        let count: usize = own.map(|(_, var)| var.elem_count()).sum();
        assert_eq!(row.num_parameters, count, "{}", row.name);
    }
    assert_eq!(summary.num_parameters(), parameters.num_values());
    assert_eq!(summary.rows()[6].output_dims, [2, 4, 4]);
    assert_eq!(residual.num_parameters(), 2 * (4 * 4 * 4 + 4));
    assert_eq!(residual.output_dims(), [2, 4, 4]);
    Ok(())
}

#[test]
fn tables_are_aligned() -> Result<()> {
    let (_, mut model) = start();
    assert_eq!(model.summary().to_string().lines().count(), 2);
    model.embed(1000, 128)?;
    model.residual(shape(2, 3, 128))?;
    let table = model.summary().to_string();
    let widths: Vec<usize> = table.lines().map(str::len).collect();
    assert!(widths.iter().all(|width| *width == widths[0]), "{table}");
    assert!(
        table.contains("Dense_1  (2, 16, 128)      131200"),
        "{table}"
    );
    Ok(())
}

/// A layer of one's own takes part; one that fails does not use up its name.
#[test]
fn other_layers_take_part() -> Result<()> {
    struct Scale(Tensor);
    impl Layer for Scale {
        fn output_dims(&self) -> Vec<usize> {
            self.0.dims().to_vec()
        }
        fn num_parameters(&self) -> usize {
            self.0.elem_count()
        }
    }
    let build = |size: usize| {
        move |vb: VarBuilder| {
            Ok(Scale(vb.get_with_hints(
                size,
                "scale",
                Initializer::Ones,
            )?))
        }
    };
    let (parameters, mut model) = start();
    model.layer("Scale", build(3))?;
    let failed = model.layer("Scale", |vb| {
        Linear::new(0, 1, true, Initializer::Zeros, vb)
    });
    assert_error("layer", failed, &["in_features", "at least 1"]);
    model.layer("Scale", build(5))?;
    assert_eq!(names_of(&parameters), ["Scale_0/scale", "Scale_1/scale"]);
    assert_eq!(model.summary().num_parameters(), 8);
    Ok(())
}

#[test]
fn linear_layers_are_matrix_products() -> Result<()> {
    let parameters = Parameters::seeded(1);
    let vb = parameters.builder(DType::F64, CPU);
    let layer = Linear::new(3, 2, true, Initializer::lecun_normal(), vb.pp("a"))?;
    let plain = Linear::new(3, 2, false, Initializer::lecun_normal(), vb.pp("b"))?;
    assert_eq!(names_of(&parameters), ["a/bias", "a/kernel", "b/kernel"]);
    randomise(&parameters)?;
    let variables = parameters.variables();
    let x = random(&[4, 5, 3], 0)?;
    let by_hand = |kernel: usize| x.broadcast_matmul(variables[kernel].1.as_tensor());
    let expected = by_hand(1)?.broadcast_add(variables[0].1.as_tensor())?;
    assert_close("biased", &layer.forward(&x)?, &expected, 1e-14);
    assert_close("plain", &plain.forward(&x)?, &by_hand(2)?, 1e-14);
    let vector = random(&[3], 1)?;
    assert_eq!(layer.forward(&vector)?.dims(), [2]);
    assert_eq!(layer.forward(&zeros(&[0, 3], DType::F64))?.dims(), [0, 2]);
    assert_gradients_with(
        |x| Ok(layer.forward(&x[0])?.sqr()?),
        &[x],
        &parameters,
        &GradientCheck::default(),
    );
    for (what, x) in [
        ("axis", zeros(&[4, 2], DType::F64)),
        ("scalar", zeros(&[], DType::F64)),
        ("dtype", zeros(&[4, 3], DType::F32)),
    ] {
        assert_error(what, layer.forward(&x), &["inputs", "expected"]);
    }
    Ok(())
}

#[test]
fn residual_blocks_add_an_equivariant_update() -> Result<()> {
    let (parameters, mut model) = start();
    let block = model.residual(shape(2, 2, 3))?;
    let x = random(&[4, 2, 9, 3], 0)?;
    assert_eq!(bits(&block.forward(&x)?), bits(&x));
    randomise(&parameters)?;
    let y = (block.forward(&x)? - block.update(&x)?)?;
    assert_close("sum", &y, &x, 1e-14);
    assert_ne!(bits(&block.forward(&x)?), bits(&x));
    assert_equivariant(
        |x| block.forward(&x[0]),
        &[shape(2, 2, 3)],
        &SymmetryCheck::default(),
    );
    let other = block.clone().with_activation(nn::relu);
    assert_ne!(bits(&other.forward(&x)?), bits(&block.forward(&x)?));
    let wrong = block.forward(&zeros(&[4, 1, 9, 3], DType::F64));
    assert_error("shape", wrong, &["inputs", "(..., 2, 9, 3)"]);
    Ok(())
}

fn exchanges() -> [Exchange; 2] {
    let attention = AttentionConfig {
        num_heads: 2,
        ..AttentionConfig::default()
    };
    [
        Exchange::MessagePass(MessagePassConfig::default()),
        Exchange::SelfAttention(attention),
    ]
}

/// Iterations do what the line by line composition of E3x's tutorial does.
#[test]
fn iterations_are_their_parts() -> Result<()> {
    let graph = Graph::from_indices(&[0, 1, 1, 2], &[1, 0, 2, 1], 3)?;
    let config = BasisConfig::new(1, 4, Radial::default()).with_cutoff(Cutoff::smooth(4.0));
    let details = nn::basis_with_details(&random(&[4, 3], 5)?, &config)?;
    let cutoff = Some(&details.cutoff);
    for exchange in exchanges() {
        for last in [false, true] {
            let (parameters, mut model) = start();
            let build = if last {
                Interaction::last
            } else {
                Interaction::new
            };
            let input = shape(1, 1, 4);
            let iteration = build(input, (1, 4), exchange.clone(), &mut model)?;
            randomise(&parameters)?;
            assert_eq!(iteration.num_parameters(), parameters.num_values());
            let x = random(&[3, 1, 4, 4], 7)?;
            let actual = iteration.forward(&x, &details.basis, cutoff, &graph)?;
            assert_eq!(actual.dims()[1..], iteration.output_dims());
            let (max_degree, include_pseudotensors) =
                if last { (Some(0), false) } else { (None, true) };

            let mut parts = Builder::new(parameters.builder(DType::F64, CPU));
            let y = match &exchange {
                Exchange::MessagePass(config) => {
                    let config = MessagePassConfig {
                        max_degree,
                        include_pseudotensors,
                        ..config.clone()
                    };
                    let layer = parts.message_pass(input, (1, 4), config)?;
                    layer.forward(&x, &details.basis, &graph)?
                }
                Exchange::SelfAttention(config) => {
                    let config = AttentionConfig {
                        max_degree,
                        include_pseudotensors,
                        ..config.clone()
                    };
                    let layer = parts.self_attention(input, Some((1, 4)), config)?;
                    layer.forward(&x, Some(&details.basis), cutoff, &graph)?
                }
            };
            let kept = if last { x.narrow(2, 0, 1)? } else { x.clone() };
            let y = nn::add(&[&kept, &y])?;
            let residual = Residual::new(iteration.output_shape(), &mut parts)?;
            let expected = nn::add(&[&kept, &residual.update(&y)?])?;
            assert_close("iteration", &actual, &expected, 1e-13);
            assert!(flat(&actual).iter().any(|x| x.abs() > 1e-3));
        }
    }
    Ok(())
}

#[test]
fn shapes_are_checked_when_a_model_is_built() {
    let (_, mut model) = start();
    let too_high = TensorDenseConfig {
        max_degree: Some(5),
        ..TensorDenseConfig::default()
    };
    let result = model.tensor_dense(shape(1, 2, 4), too_high);
    assert_error("degree", result, &["max_degree", "at most 4", "5"]);
    let heads = AttentionConfig {
        num_heads: 3,
        ..AttentionConfig::default()
    };
    let heads = Exchange::SelfAttention(heads);
    let result = Interaction::new(shape(1, 1, 4), (1, 4), heads, &mut model);
    assert_error(
        "heads",
        result,
        &["num_heads", "a divisor of qkv_features, 4", "3"],
    );
    let result = model.tensor(shape(1, 0, 4), shape(1, 0, 3), TensorConfig::default());
    assert_error("features", result, &["inputs2", "4", "3"]);
    for (in_features, features, name) in [(0, 1, "in_features"), (1, 0, "features")] {
        let result = model.linear(in_features, features, true, Initializer::Zeros);
        assert_error("linear", result, &[name, "at least 1"]);
    }
    assert!(model.summary().rows().is_empty());
}

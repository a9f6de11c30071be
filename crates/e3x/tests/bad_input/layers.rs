//! Every layer: inputs and parameters that do not fit it.

use candle_core::{DType, Tensor};
use e3x::nn::{
    self, AttentionConfig, Basis, BasisConfig, Dense, DenseConfig, Embed, ExponentialBasis,
    ExponentialBasisConfig, FusedTensor, FusedTensorConfig, Initializer, MessagePass,
    MessagePassConfig, MultiHeadAttention, Parameters, Radial, SelfAttention, TensorConfig,
    TensorDense, TensorDenseConfig, VarBuilder,
};
use e3x::ops::Graph;
use e3x::testing::random;
use e3x::{FeatureShape, Result};

use crate::support::{CPU, assert_error, shape, values_of, zeros};
use crate::{check, tensors};

/// A layer and its call.
type Call<'a> = (&'a str, &'a dyn Fn(&Tensor) -> Result<Tensor>);
/// A layer and its constructor.
type Build = (&'static str, fn(VarBuilder) -> Result<()>);

fn vb() -> VarBuilder {
    Parameters::seeded(0).builder(DType::F64, CPU)
}

/// The shape that all layers here are built for, with four nodes.
fn input() -> FeatureShape {
    shape(1, 1, 2)
}

fn graph() -> Result<Graph> {
    Graph::from_indices(&[0, 1, 2], &[1, 2, 3], 4)
}

fn basis(config: &BasisConfig) -> Result<Basis> {
    nn::basis(&random(&[3, 3], 3)?, config)
}

fn config() -> BasisConfig {
    BasisConfig::new(1, 4, Radial::default())
}

/// Calls of layers; those with the right shape, and only those, are accepted.
#[test]
fn features_of_another_shape_or_dtype() -> Result<()> {
    let dense = Dense::new(input(), DenseConfig::new(3), vb())?;
    let tensor = nn::Tensor::new(input(), input(), TensorConfig::default(), vb())?;
    let fused = FusedTensor::new(input(), input(), FusedTensorConfig::default(), vb())?;
    let tensor_dense = TensorDense::new(input(), TensorDenseConfig::default(), vb())?;
    let message_pass = MessagePass::new(input(), (1, 4), MessagePassConfig::default(), vb())?;
    let attention = SelfAttention::new(input(), Some((1, 4)), AttentionConfig::default(), vb())?;
    let cross = MultiHeadAttention::new(
        input(),
        input(),
        Some((1, 4)),
        AttentionConfig::default(),
        vb(),
    )?;
    let good = random(&[4, 1, 4, 2], 1)?;
    let (basis, graph) = (basis(&config())?, graph()?);
    let layers: [Call<'_>; 11] = [
        ("Dense", &|x| dense.forward(x)),
        ("Tensor, first", &|x| tensor.forward(x, &good)),
        ("Tensor, second", &|x| tensor.forward(&good, x)),
        ("FusedTensor, first", &|x| fused.forward(x, &good)),
        ("FusedTensor, second", &|x| fused.forward(&good, x)),
        ("TensorDense", &|x| tensor_dense.forward(x)),
        ("MessagePass", &|x| message_pass.forward(x, &basis, &graph)),
        ("SelfAttention", &|x| {
            attention.forward(x, Some(&basis), None, &graph)
        }),
        ("MultiHeadAttention, q", &|x| {
            cross.forward(x, &good, Some(&basis), None, &graph)
        }),
        ("MultiHeadAttention, kv", &|x| {
            cross.forward(&good, x, Some(&basis), None, &graph)
        }),
        ("cutoff_value", &|x| {
            attention.forward(&good, Some(&basis), Some(x), &graph)
        }),
    ];
    for (name, forward) in layers {
        for (what, x) in tensors() {
            let fine = check(name, &what, || forward(&x).map(drop));
            let fits = x.dims() == good.dims() && x.dtype() == DType::F64;
            if name == "cutoff_value" {
                assert!(
                    !fine || (x.dims() == [3] && x.dtype() == DType::F64),
                    "{what}"
                );
            } else if x.dtype() != DType::F64 || x.dims().last() != Some(&2) {
                assert!(!fine, "{name} accepts {what}");
            } else if fits {
                assert!(fine, "{name} refuses {what}");
            }
        }
    }
    Ok(())
}

/// The basis of another degree, number, dtype, number of edges, or none at all.
#[test]
fn a_basis_that_does_not_fit() -> Result<()> {
    let x = random(&[4, 1, 4, 2], 1)?;
    let message_pass = MessagePass::new(input(), (1, 4), MessagePassConfig::default(), vb())?;
    let attention = SelfAttention::new(input(), Some((1, 4)), AttentionConfig::default(), vb())?;
    let single = nn::basis(&random(&[3, 3], 3)?.to_dtype(DType::F32)?, &config())?;
    let short = nn::basis(&random(&[2, 3], 3)?, &config())?;
    let of = |max_degree, num| basis(&BasisConfig::new(max_degree, num, Radial::default()));
    let bases = [
        ("degree", of(2, 4)?, "1"),
        ("number", of(1, 5)?, "num 4"),
        ("dtype", single, "F32"),
        ("edges", short, "[3]"),
    ];
    let graph = graph()?;
    for (what, basis, part) in bases {
        let result = message_pass.forward(&x, &basis, &graph);
        assert_error(what, result, &["basis", part]);
        let result = attention.forward(&x, Some(&basis), None, &graph);
        assert_error(what, result, &["basis", part]);
    }
    let result = attention.forward(&x, None, None, &graph);
    assert_error("no basis", result, &["basis"]);
    let result = SelfAttention::new(input(), None, AttentionConfig::default(), vb());
    assert_error("no basis", result, &["basis", "(max_degree, num)", "None"]);
    Ok(())
}

/// Index lists that lack what the layer needs, or point beyond the nodes.
#[test]
fn graphs_that_do_not_fit() -> Result<()> {
    let x = random(&[4, 1, 4, 2], 1)?;
    let basis = basis(&config())?;
    let message_pass = MessagePass::new(input(), (1, 4), MessagePassConfig::default(), vb())?;
    let attention = SelfAttention::new(input(), Some((1, 4)), AttentionConfig::default(), vb())?;
    let index = Tensor::new(&[0i64, 1, 2], CPU)?;
    let graphs = [
        ("only destinations", Graph::sparse_dst(&index, 4)?),
        ("only sources", Graph::sparse_src(&index)?),
        (
            "a batch",
            Graph::sparse(&index.unsqueeze(0)?, &index.unsqueeze(0)?, 4)?,
        ),
    ];
    for (what, graph) in &graphs {
        let refused = |call: &dyn Fn() -> Result<Tensor>| !check(what, "", || call().map(drop));
        assert!(
            refused(&|| message_pass.forward(&x, &basis, graph)),
            "{what}"
        );
        assert!(
            refused(&|| attention.forward(&x, Some(&basis), None, graph)),
            "{what}"
        );
    }
    for indices in [[-1i64, 0, 1], [0, 1, i64::MIN]] {
        let graph = Graph::from_indices(&indices, &[0, 1, 2], 4);
        assert_error("negative", graph, &["dst_idx"]);
    }
    Ok(())
}

#[test]
fn sizes_that_cannot_be_built() {
    for (parity, features, name) in [(0, 1, "parity"), (3, 1, "parity"), (1, 0, "features")] {
        assert_error(name, FeatureShape::new(parity, 1, features), &[name]);
    }
    assert_error(
        "dense",
        Dense::new(input(), DenseConfig::new(0), vb()),
        &["features"],
    );
    assert_error("embed", Embed::new(0, 4, vb()), &["num_embeddings"]);
    assert_error("embed", Embed::new(4, 0, vb()), &["features"]);
    let message_pass = |basis| MessagePass::new(input(), basis, MessagePassConfig::default(), vb());
    assert!(message_pass((1, 0)).is_err());
    let high = |max_degree| MessagePassConfig {
        max_degree: Some(max_degree),
        ..MessagePassConfig::default()
    };
    let result = MessagePass::new(input(), (1, 4), high(3), vb());
    assert_error("degree", result, &["max_degree", "at most 2", "3"]);
    for fused in [false, true] {
        let config = TensorDenseConfig {
            max_degree: Some(3),
            use_fused_tensor: fused,
            ..TensorDenseConfig::default()
        };
        let result = TensorDense::new(input(), config, vb());
        assert_error("degree", result, &["max_degree", "at most 2", "3"]);
    }
    for num_heads in [0, 3, usize::MAX] {
        let config = AttentionConfig {
            num_heads,
            ..AttentionConfig::default()
        };
        let result = SelfAttention::new(input(), Some((1, 4)), config, vb());
        assert_error(
            "heads",
            result,
            &["num_heads", "a divisor of qkv_features, 2"],
        );
    }
    for features in [0, usize::MAX] {
        let config = TensorDenseConfig {
            features: Some(features),
            ..TensorDenseConfig::default()
        };
        let result = TensorDense::new(input(), config, vb());
        assert_error("features", result, &["features"]);
    }
}

#[test]
fn embeddings_and_exponential_bases() -> Result<()> {
    let embed = Embed::new(10, 2, vb())?;
    let basis = ExponentialBasis::new(ExponentialBasisConfig::new(2, 4, Radial::default()), vb());
    for (what, x) in tensors() {
        let integers = matches!(x.dtype(), DType::I64 | DType::U8 | DType::U32);
        let fine = check("Embed", &what, || embed.forward(&x).map(drop));
        assert!(integers || !fine, "Embed accepts {what}");
        if let Ok(basis) = &basis {
            let fine = check("ExponentialBasis", &what, || basis.forward(&x).map(drop));
            assert!(!fine || x.dims().last() == Some(&3), "{what}");
        }
    }
    for index in [-1i64, 10, i64::MAX, i64::MIN] {
        let result = embed.forward(&Tensor::new(&[index], CPU)?);
        assert_error(
            "index",
            result,
            &["inputs", "from 0 to 9", &index.to_string()],
        );
    }
    Ok(())
}

/// Files with parameters of another shape, or without one.
#[test]
fn parameters_of_another_shape() -> Result<()> {
    let builders: [Build; 7] = [
        ("Embed", |vb| Embed::new(5, 2, vb).map(drop)),
        ("Dense", |vb| {
            Dense::new(input(), DenseConfig::new(3), vb).map(drop)
        }),
        ("Tensor", |vb| {
            nn::Tensor::new(input(), input(), TensorConfig::default(), vb).map(drop)
        }),
        ("FusedTensor", |vb| {
            FusedTensor::new(input(), input(), FusedTensorConfig::default(), vb).map(drop)
        }),
        ("TensorDense", |vb| {
            TensorDense::new(input(), TensorDenseConfig::default(), vb).map(drop)
        }),
        ("MessagePass", |vb| {
            MessagePass::new(input(), (1, 4), MessagePassConfig::default(), vb).map(drop)
        }),
        ("SelfAttention", |vb| {
            SelfAttention::new(input(), Some((1, 4)), AttentionConfig::default(), vb).map(drop)
        }),
    ];
    for (layer, build) in builders {
        let parameters = Parameters::seeded(0);
        build(parameters.builder(DType::F64, CPU))?;
        let values = values_of(&parameters);
        assert!(!values.is_empty());
        for name in values.keys() {
            let mut missing = values.clone();
            missing.remove(name);
            let mut other = values.clone();
            other.insert(name.clone(), zeros(&[7, 1], DType::F64));
            for (tensors, received) in [(missing, "nothing of this name"), (other, "[7, 1]")] {
                let given = Parameters::from_tensors(tensors);
                let result = build(given.builder(DType::F64, CPU));
                assert_error(layer, result, &[name, "expected shape", received]);
            }
        }
    }
    let vb = Parameters::seeded(0).builder(DType::F64, CPU);
    let result = vb.get_with_hints((2, 3), "x", Initializer::tensor_lecun_normal());
    assert!(result.is_err());
    Ok(())
}

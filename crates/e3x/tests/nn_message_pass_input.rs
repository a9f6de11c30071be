//! `MessagePass`: sizes that are zero, batches, padding, bad input.

mod support;

use candle_core::{DType, Tensor as Array};
use e3x::autograd::{CreateGraph, grad, variable};
use e3x::nn::{Basis, MessagePass, MessagePassConfig, Parameters};
use e3x::ops::Graph;
use e3x::testing::random;
use e3x::{FeatureShape, Result};
use support::{CPU, assert_close, assert_error, flat, indices, names_of, shape, single};
use support::{values_of, zeros};

fn layer(parameters: &Parameters) -> Result<MessagePass> {
    let config = MessagePassConfig::default();
    let vb = parameters.builder(DType::F64, CPU);
    MessagePass::new(shape(1, 1, 2), (2, 3), config, vb)
}

/// A basis for edges of this shape, factored and as a tensor.
fn bases(edges: &[usize], seed: u64) -> Result<[Basis; 2]> {
    let angular = random(&[edges, &[9]].concat(), seed)?;
    let radial = random(&[edges, &[3]].concat(), seed + 1)?;
    let factored = Basis::from_factors(&angular, &radial)?;
    let tensor = Basis::from_tensor(&factored.to_tensor()?)?;
    Ok([factored, tensor])
}

fn graph() -> Result<Graph> {
    Graph::from_indices(&[0, 1, 1], &[1, 0, 2], 3)
}

#[test]
fn names_of_parameters_are_those_of_flax() -> Result<()> {
    let parameters = Parameters::seeded(0);
    layer(&parameters)?;
    let expected = [
        "filter/0+/kernel",
        "filter/1-/kernel",
        "filter/2+/kernel",
        "tensor/kernel",
    ];
    assert_eq!(names_of(&parameters), expected);
    let values = values_of(&parameters);
    assert_eq!(values["filter/1-/kernel"].dims(), [3, 2]);
    assert_eq!(values["tensor/kernel"].dims(), [1, 3, 1, 2, 2, 3, 2]);
    Ok(())
}

#[test]
fn graphs_without_edges_or_nodes_give_zeros_or_nothing() -> Result<()> {
    let layer = layer(&Parameters::seeded(0))?;
    for basis in bases(&[0], 0)? {
        let none = Graph::from_indices::<i64>(&[], &[], 3)?;
        let y = layer.forward(&zeros(&[3, 1, 4, 2], DType::F64), &basis, &none)?;
        assert_eq!(y.dims(), [3, 2, 9, 2]);
        assert!(flat(&y).iter().all(|&y| y == 0.0));
        let empty = Graph::from_indices::<i64>(&[], &[], 0)?;
        let y = layer.forward(&zeros(&[0, 1, 4, 2], DType::F64), &basis, &empty)?;
        assert_eq!(y.dims(), [0, 2, 9, 2]);
    }
    // Gradients exist there too.
    let x = variable(&zeros(&[3, 1, 4, 2], DType::F64))?;
    let none = Graph::from_indices::<i64>(&[], &[], 3)?;
    for basis in bases(&[0], 0)? {
        let y = layer.forward(&x, &basis, &none)?;
        let gradient = grad(&y, &[&x], CreateGraph::No)?.remove(0);
        assert!(flat(&gradient).iter().all(|&g| g == 0.0));
    }
    let adj = zeros(&[3, 0], DType::I64);
    for basis in bases(&[3, 0], 0)? {
        let y = layer.forward(&x, &basis, &Graph::dense(&adj, None)?)?;
        assert_eq!(y.dims(), [3, 2, 9, 2]);
        assert!(flat(&y).iter().all(|&y| y == 0.0));
    }
    Ok(())
}

/// Every item of a batch gives what it gives alone (1e-14).
#[test]
fn items_of_a_batch_do_not_see_each_other() -> Result<()> {
    let layer = layer(&Parameters::seeded(0))?;
    let dst = Array::new(&[[0i64, 1, 1], [2, 0, 3]], CPU)?;
    let src = Array::new(&[[1i64, 0, 2], [0, 2, 3]], CPU)?;
    let x = random(&[2, 3, 1, 4, 2], 5)?;
    for basis in bases(&[2, 3], 6)? {
        let y = layer.forward(&x, &basis, &Graph::sparse(&dst, &src, 3)?)?;
        assert_eq!(y.dims(), [2, 3, 2, 9, 2]);
        for i in 0..2 {
            let one = Basis::from_tensor(&basis.to_tensor()?.get(i)?)?;
            let graph = Graph::sparse(&dst.get(i)?, &src.get(i)?, 3)?;
            let alone = layer.forward(&x.get(i)?, &one, &graph)?;
            assert_close("sparse", &y.get(i)?, &alone, 1e-14);
        }
    }
    let adj = Array::new(&[[[1i64], [0], [3]], [[2], [3], [0]]], CPU)?;
    for basis in bases(&[2, 3, 1], 7)? {
        let y = layer.forward(&x, &basis, &Graph::dense(&adj, None)?)?;
        for i in 0..2 {
            let one = Basis::from_tensor(&basis.to_tensor()?.get(i)?)?;
            let alone = layer.forward(&x.get(i)?, &one, &Graph::dense(&adj.get(i)?, None)?)?;
            assert_close("dense", &y.get(i)?, &alone, 1e-14);
        }
    }
    Ok(())
}

/// A source that is padding although its edge counts has the values of the last node, which gets
/// no gradient for it: for a factored basis as for a tensor.
#[test]
fn counted_padding_has_the_same_gradient_for_every_basis() -> Result<()> {
    let layer = layer(&Parameters::seeded(0))?;
    let dst = indices(&[0, 1, 0]);
    let graph = Graph::sparse(&dst, &indices(&[1, 7, 2]), 3)?;
    let x = variable(&random(&[3, 1, 4, 2], 3)?)?;
    let [factored, tensor] = bases(&[3], 4)?;
    let slope = |basis: &Basis| {
        let y = layer.forward(&x, basis, &graph)?;
        Ok::<_, e3x::Error>((grad(&y, &[&x], CreateGraph::No)?.remove(0), y))
    };
    let (gradient, y) = slope(&factored)?;
    let (expected, z) = slope(&tensor)?;
    assert_close("values", &y, &z, 1e-13);
    assert_close("gradients", &gradient, &expected, 1e-13);
    Ok(())
}

/// Edges whose destination is padding do not count, whatever their source and basis.
#[test]
fn padded_edges_do_not_count() -> Result<()> {
    let layer = layer(&Parameters::seeded(0))?;
    let x = random(&[3, 1, 4, 2], 3)?;
    let longer = Graph::from_indices(&[0, 1, 1, 3, 100], &[1, 0, 2, 0, 3], 3)?;
    for basis in bases(&[5], 4)? {
        let (angular, radial) = (random(&[5, 9], 4)?, random(&[5, 3], 5)?);
        let short = Basis::from_factors(&angular.narrow(0, 0, 3)?, &radial.narrow(0, 0, 3)?)?;
        let y = layer.forward(&x, &basis, &longer)?;
        let expected = layer.forward(&x, &short, &graph()?)?;
        assert_close("without padding", &y, &expected, 1e-13);
        assert!(flat(&y).iter().any(|&y| y != 0.0));
    }
    Ok(())
}

#[test]
fn bad_features_are_errors_that_name_the_argument() -> Result<()> {
    let (layer, graph) = (layer(&Parameters::seeded(0))?, graph()?);
    for basis in bases(&[3], 0)? {
        assert!(
            layer
                .forward(&zeros(&[3, 1, 4, 2], DType::F64), &basis, &graph)
                .is_ok()
        );
        for (what, dims) in [
            ("scalar", &[][..]),
            ("rank", &[4, 2]),
            ("parity axis", &[3, 2, 4, 2]),
            ("degree axis", &[3, 1, 9, 2]),
            ("features", &[3, 1, 4, 3]),
            ("no nodes axis", &[1, 4, 2]),
            ("batch", &[2, 3, 1, 4, 2]),
        ] {
            let x = zeros(dims, DType::F64);
            assert_error(what, layer.forward(&x, &basis, &graph), &["inputs"]);
        }
        for dtype in [DType::F32, DType::I64] {
            let x = zeros(&[3, 1, 4, 2], dtype);
            assert_error(
                "dtype",
                layer.forward(&x, &basis, &graph),
                &["inputs", "F64"],
            );
        }
        let nobody = layer.forward(&zeros(&[0, 1, 4, 2], DType::F64), &basis, &graph);
        assert_error("no nodes", nobody, &["at least one node"]);
    }
    Ok(())
}

#[test]
fn bases_that_do_not_fit_are_errors_that_name_the_argument() -> Result<()> {
    let (layer, graph) = (layer(&Parameters::seeded(0))?, graph()?);
    let x = zeros(&[3, 1, 4, 2], DType::F64);
    for (what, dims) in [
        ("degree", &[3, 1, 4, 3][..]),
        ("num", &[3, 1, 9, 2]),
        ("fewer edges", &[2, 1, 9, 3]),
        ("batch", &[1, 3, 1, 9, 3]),
        ("no edges axis", &[1, 9, 3]),
    ] {
        let tensor = Basis::from_tensor(&zeros(dims, DType::F64))?;
        assert_error(what, layer.forward(&x, &tensor, &graph), &["basis"]);
        let (edges, size, num) = (
            &dims[..dims.len() - 3],
            dims[dims.len() - 2],
            dims[dims.len() - 1],
        );
        let angular = zeros(&[edges, &[size]].concat(), DType::F64);
        let radial = zeros(&[edges, &[num]].concat(), DType::F64);
        let factored = Basis::from_factors(&angular, &radial)?;
        assert_error(what, layer.forward(&x, &factored, &graph), &["basis"]);
    }
    for basis in bases(&[3], 0)? {
        let narrow = Basis::from_tensor(&single(&basis.to_tensor()?))?;
        assert_error(
            "dtype",
            layer.forward(&x, &narrow, &graph),
            &["basis", "F64", "F32"],
        );
    }
    let narrow = Basis::from_factors(&zeros(&[3, 9], DType::F32), &zeros(&[3, 3], DType::F32))?;
    assert_error(
        "dtype",
        layer.forward(&x, &narrow, &graph),
        &["basis", "F64", "F32"],
    );
    Ok(())
}

#[test]
fn weights_that_do_not_fit_are_errors_that_name_the_argument() -> Result<()> {
    let (layer, graph) = (layer(&Parameters::seeded(0))?, graph()?);
    let x = zeros(&[3, 1, 4, 2], DType::F64);
    for basis in bases(&[3], 0)? {
        for dims in [
            &[2, 1, 1, 1][..],
            &[3],
            &[3, 2, 4, 2],
            &[1, 3, 1, 4, 2],
            &[3, 0, 4, 2],
        ] {
            let weights = zeros(dims, DType::F64);
            let result = layer.forward_weighted(&x, &basis, Some(&weights), &graph);
            assert_error("shape", result, &["weights", "[3, 1, 4, 2]"]);
        }
        let weights = zeros(&[3, 1, 1, 1], DType::F32);
        let result = layer.forward_weighted(&x, &basis, Some(&weights), &graph);
        assert_error("dtype", result, &["weights", "F64"]);
    }
    Ok(())
}

#[test]
fn graphs_that_do_not_fit_are_errors() -> Result<()> {
    let layer = layer(&Parameters::seeded(0))?;
    let x = zeros(&[3, 1, 4, 2], DType::F64);
    let list = indices(&[0, 1, 1]);
    for basis in bases(&[3], 0)? {
        let no_src = layer.forward(&x, &basis, &Graph::sparse_dst(&list, 3)?);
        assert_error("no sources", no_src, &["graph", "source"]);
        let no_dst = layer.forward(&x, &basis, &Graph::sparse_src(&list)?);
        assert_error("no destinations", no_dst, &["destination"]);
        let batch = list.unsqueeze(0)?;
        let batched = layer.forward(&x, &basis, &Graph::sparse(&batch, &batch, 3)?);
        assert_error("batch", batched, &["inputs", "leading axes"]);
        let longer = Graph::from_indices(&[0, 1, 1, 2], &[1, 0, 2, 0], 3)?;
        assert_error(
            "edges",
            layer.forward(&x, &basis, &longer),
            &["basis", "[4]", "[3]"],
        );
    }
    let negative = Graph::sparse(&list, &indices(&[0, -1, 1]), 3);
    assert_error("negative", negative, &["src_idx", "-1"]);
    Ok(())
}

#[test]
fn bad_configurations_are_errors_that_name_the_argument() {
    let build = |input, basis, config, parameters: Parameters| {
        MessagePass::new(input, basis, config, parameters.builder(DType::F64, CPU))
    };
    let default = MessagePassConfig::default;
    let seeded = || Parameters::seeded(0);
    let input = shape(1, 1, 2);
    let high = MessagePassConfig {
        max_degree: Some(4),
        ..default()
    };
    let result = build(input, (2, 3), high, seeded());
    assert_error("max_degree", result, &["max_degree", "at most 3", "4"]);
    let result = build(input, (2, 0), default(), seeded());
    assert_error("num", result, &["at least 1"]);
    let none = FeatureShape {
        features: 0,
        ..input
    };
    let result = build(none, (2, 3), default(), seeded());
    assert_error("features", result, &["features", "at least 1"]);
    let parity = FeatureShape { parity: 0, ..input };
    let result = build(parity, (2, 3), default(), seeded());
    assert_error("parity", result, &["parity"]);

    let parameters = seeded();
    assert!(build(input, (2, 3), default(), parameters.clone()).is_ok());
    let good = values_of(&parameters);
    for name in good.keys() {
        let mut missing = good.clone();
        missing.remove(name);
        let result = build(input, (2, 3), default(), Parameters::from_tensors(missing));
        assert_error("missing", result, &[name, "nothing of this name"]);
        let mut other = good.clone();
        other.insert(name.clone(), zeros(&[1, 2], DType::F64));
        let result = build(input, (2, 3), default(), Parameters::from_tensors(other));
        assert_error("shape", result, &[name, "[1, 2]"]);
    }
}

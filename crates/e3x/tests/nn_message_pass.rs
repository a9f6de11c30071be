//! `MessagePass`: values, lists, weights, symmetries, derivatives. Bad input is in
//! `nn_message_pass_input.rs`.

mod support;

use candle_core::{DType, Tensor as Array};
use e3x::autograd::{CreateGraph, grad, variable};
use e3x::nn::{self, Basis, BasisConfig, Cutoff, Dense, DenseConfig, Initializer, MessagePass};
use e3x::nn::{MessagePassConfig, Parameters, Radial, Tensor, TensorConfig};
use e3x::ops::{Graph, gather_dst, gather_src, indexed_sum};
use e3x::testing::{GradientCheck, Input, Items, Quantity, SymmetryCheck, random};
use e3x::testing::{assert_gradients_with, assert_permutation, assert_symmetries};
use e3x::{FeatureShape, Result};
use support::{CPU, assert_close, assert_error, bits, flat, indices, names_of, shape};
use support::{single, values_of, zeros};

const NODES: usize = 5;
/// Node 3 receives nothing, edges 0 <- 1 and 2 <- 4 are there twice.
const DST: [i64; 9] = [0, 0, 1, 2, 2, 2, 4, 0, 4];
const SRC: [i64; 9] = [1, 2, 0, 4, 1, 4, 2, 1, 3];

fn sparse() -> Result<Graph> {
    Graph::sparse(&indices(&DST), &indices(&SRC), NODES)
}

/// The same edges; 5 is padding, and the mask hides the first entry of node 3.
fn dense() -> Result<Graph> {
    let adj = Array::new(
        &[[1i64, 2, 1], [0, 5, 5], [4, 1, 4], [2, 5, 5], [2, 3, 5]],
        CPU,
    )?;
    let mask = Array::new(
        &[[1u8, 1, 1], [1, 0, 0], [1, 1, 1], [0, 0, 0], [1, 1, 0]],
        CPU,
    )?;
    Graph::dense(&adj, Some(&mask))
}

fn positions() -> Result<Array> {
    Ok((random(&[NODES, 3], 11)? * 1.5)?)
}

fn basis(positions: &Array, graph: &Graph, cartesian_order: bool) -> Result<Basis> {
    let r = gather_src(positions, graph)?.broadcast_sub(&gather_dst(positions, graph)?)?;
    let mut config = BasisConfig::new(2, 3, Radial::default()).with_cutoff(Cutoff::smooth(6.0));
    config.cartesian_order = cartesian_order;
    nn::basis(&r, &config)
}

fn as_tensor(basis: &Basis) -> Result<Basis> {
    Basis::from_tensor(&basis.to_tensor()?)
}

fn layer(input: FeatureShape, config: &MessagePassConfig) -> Result<(MessagePass, Parameters)> {
    let parameters = Parameters::seeded(2);
    let vb = parameters.builder(DType::F64, CPU);
    let config = MessagePassConfig {
        dense_bias_init: Initializer::Constant(0.7),
        ..config.clone()
    };
    Ok((MessagePass::new(input, (2, 3), config, vb)?, parameters))
}

/// Inputs with and without pseudotensors, results of every kind, both orders.
fn cases() -> Vec<(FeatureShape, MessagePassConfig)> {
    let config = |max_degree, include_pseudotensors, cartesian_order| MessagePassConfig {
        max_degree,
        include_pseudotensors,
        cartesian_order,
        ..MessagePassConfig::default()
    };
    vec![
        (shape(1, 0, 2), config(None, true, true)),
        (shape(1, 1, 3), config(Some(1), true, false)),
        (shape(2, 2, 2), config(Some(3), true, true)),
        (shape(2, 1, 17), config(Some(0), false, true)),
    ]
}

fn features(input: FeatureShape) -> Result<Array> {
    random(&input.with_batch(&[NODES]), 3)
}

/// The layer as a loop over edges, with the layers it is made of.
fn edge_by_edge(
    input: FeatureShape,
    config: &MessagePassConfig,
    parameters: &Parameters,
    [x, basis]: [&Array; 2],
) -> Result<Array> {
    let vb = parameters.builder(DType::F64, CPU);
    let dense = DenseConfig {
        use_bias: config.use_basis_bias,
        ..DenseConfig::new(input.features)
    };
    let dense = Dense::new(shape(1, 2, 3), dense, vb.pp("filter"))?;
    let tensor = TensorConfig {
        max_degree: config.max_degree,
        include_pseudotensors: config.include_pseudotensors,
        cartesian_order: config.cartesian_order,
        ..TensorConfig::default()
    };
    let tensor = Tensor::new(dense.output_shape(), input, tensor, vb.pp("tensor"))?;
    let mut sums = vec![zeros(&tensor.output_shape().dims(), DType::F64); NODES];
    for (e, (&dst, &src)) in DST.iter().zip(&SRC).enumerate() {
        let filter = dense.forward(&basis.get(e)?)?;
        let message = tensor.forward(&filter, &x.get(src as usize)?)?;
        sums[dst as usize] = (&sums[dst as usize] + message)?;
    }
    Ok(Array::stack(&sums, 0)?)
}

/// Tolerance 1e-12, relative to the largest value.
#[test]
fn values_are_sums_of_coupled_messages() -> Result<()> {
    let graph = sparse()?;
    for (input, mut config) in cases() {
        let x = features(input)?;
        let basis = basis(&positions()?, &graph, config.cartesian_order)?;
        for use_basis_bias in [false, true] {
            config.use_basis_bias = use_basis_bias;
            let (layer, parameters) = layer(input, &config)?;
            let y = layer.forward(&x, &basis, &graph)?;
            assert_eq!(y.dims(), layer.output_shape().with_batch(&[NODES]));
            assert_ne!(flat(&y.abs()?.max_all()?), [0.0]);
            let tensor = basis.to_tensor()?;
            let expected = edge_by_edge(input, &config, &parameters, [&x, &tensor])?;
            assert_close("edge by edge", &y, &expected, 1e-12);
            let bias = names_of(&parameters).contains(&"filter/0+/bias".to_string());
            assert_eq!(bias, use_basis_bias);
        }
    }
    Ok(())
}

/// Values and gradients (positions, inputs, parameters) of one pass over the edges and of the
/// layer put together from its parts agree to 1e-12, for sparse and dense lists.
#[test]
fn factored_basis_agrees_with_the_same_basis_as_a_tensor() -> Result<()> {
    for (input, config) in cases() {
        let (layer, parameters) = layer(input, &config)?;
        let x = variable(&features(input)?)?;
        let r = variable(&positions()?)?;
        let mut inputs = vec![x.clone(), r.clone()];
        inputs.extend(
            parameters
                .variables()
                .into_iter()
                .map(|(_, var)| var.into_inner()),
        );
        let inputs: Vec<&Array> = inputs.iter().collect();
        let mut results = Vec::new();
        for graph in [sparse()?, dense()?] {
            let factored = basis(&r, &graph, config.cartesian_order)?;
            for basis in [as_tensor(&factored)?, factored] {
                let y = layer.forward(&x, &basis, &graph)?;
                let loss = y.sin()?.sum_all()?;
                let mut all = grad(&loss, &inputs, CreateGraph::No)?;
                all.push(y);
                results.push(all);
            }
        }
        for other in &results[1..] {
            for (a, b) in other.iter().zip(&results[0]) {
                assert_close("factored", a, b, 1e-12);
            }
        }
    }
    Ok(())
}

#[test]
fn weights_multiply_the_inputs_of_each_edge() -> Result<()> {
    let input = shape(2, 1, 3);
    let (layer, _) = layer(input, &MessagePassConfig::default())?;
    let (x, graph) = (features(input)?, sparse()?);
    let basis = basis(&positions()?, &graph, true)?;
    let plain = layer.forward(&x, &basis, &graph)?;
    for dims in [&[9, 1, 1, 1][..], &[9, 1, 1, 3], &[9, 2, 4, 3], &[3], &[]] {
        let ones = Array::ones(dims, DType::F64, CPU)?;
        let same = layer.forward_weighted(&x, &basis, Some(&ones), &graph)?;
        assert_close("ones", &same, &plain, 1e-13);
    }
    // Weights of edges can be put into the basis as well, whose angular part is linear.
    let weights = random(&[9, 1, 1, 1], 8)?;
    let weighted = layer.forward_weighted(&x, &basis, Some(&weights), &graph)?;
    let scaled = Basis::from_tensor(&basis.to_tensor()?.broadcast_mul(&weights)?)?;
    let expected = layer.forward(&x, &scaled, &graph)?;
    assert_close("weights", &weighted, &expected, 1e-13);
    // And, for one node that sends to all, into the inputs.
    let per_feature = random(&[1, 1, 1, 3], 9)?;
    let weighted = layer.forward_weighted(&x, &basis, Some(&per_feature), &graph)?;
    let expected = layer.forward(&x.broadcast_mul(&per_feature)?, &basis, &graph)?;
    assert_close("features", &weighted, &expected, 1e-13);
    // Zero weights take edges away.
    let keep = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0];
    let weights = Array::new(&keep, CPU)?.reshape((9, 1, 1, 1))?;
    let weighted = layer.forward_weighted(&x, &basis, Some(&weights), &graph)?;
    let kept = |list: [i64; 9]| {
        let pairs = list.into_iter().zip(keep);
        indices(&pairs.filter(|p| p.1 > 0.0).map(|p| p.0).collect::<Vec<_>>())
    };
    let rows = kept([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    let fewer = Graph::sparse(&kept(DST), &kept(SRC), NODES)?;
    let rest = Basis::from_tensor(&basis.to_tensor()?.index_select(&rows, 0)?)?;
    let expected = layer.forward(&x, &rest, &fewer)?;
    assert_close("zeros", &weighted, &expected, 1e-13);
    Ok(())
}

#[test]
fn order_of_nodes_and_of_edges_does_not_matter() -> Result<()> {
    let (input, config) = cases().swap_remove(1);
    let (layer, _) = layer(input, &config)?;
    let model = |x: &[Array], lists: &[Array]| {
        let graph = Graph::sparse(&lists[0], &lists[1], NODES)?;
        layer.forward(
            &x[0],
            &basis(&x[1], &graph, config.cartesian_order)?,
            &graph,
        )
    };
    let inputs = [features(input)?, positions()?];
    let lists = [indices(&DST), indices(&SRC)];
    assert_permutation(model, &inputs, &lists, Items::Permuted, 4, 1e-13);

    let order = indices(&[3, 8, 0, 5, 1, 7, 2, 6, 4]);
    let shuffled = lists
        .each_ref()
        .map(|list| list.index_select(&order, 0).unwrap());
    let (y, expected) = (model(&inputs, &shuffled)?, model(&inputs, &lists)?);
    assert_close("edges", &y, &expected, 1e-13);
    Ok(())
}

#[test]
fn commutes_with_rotations_reflection_and_translations() -> Result<()> {
    for (input, config) in cases() {
        for graph in [sparse()?, dense()?] {
            let (layer, _) = layer(input, &config)?;
            let inputs = [
                Input::new(&features(input)?, Quantity::Features),
                Input::new(&positions()?, Quantity::Points),
            ];
            let model = |x: &[Array]| {
                let basis = basis(&x[1], &graph, config.cartesian_order)?;
                layer.forward(&x[0], &basis, &graph)
            };
            let check = SymmetryCheck {
                cartesian_order: config.cartesian_order,
                num_rotations: 2,
                ..SymmetryCheck::default()
            };
            assert_symmetries(model, &inputs, Quantity::Features, &check);
        }
    }
    Ok(())
}

/// First and second order; positions, inputs, weights and parameters.
#[test]
fn derivatives_match_differences() -> Result<()> {
    let check = GradientCheck::default();
    let (input, mut config) = (shape(1, 1, 2), MessagePassConfig::default());
    for (graph, bias) in [(sparse()?, false), (dense()?, false), (sparse()?, true)] {
        config.use_basis_bias = bias;
        let (layer, parameters) = layer(input, &config)?;
        let model = |x: &[Array]| layer.forward(&x[0], &basis(&x[1], &graph, true)?, &graph);
        let inputs = [features(input)?, positions()?];
        assert_gradients_with(model, &inputs, &parameters, &check);
    }
    config.use_basis_bias = false;
    let (layer, parameters) = layer(input, &config)?;
    let graph = sparse()?;
    let weighted = |x: &[Array]| {
        let basis = basis(&x[1], &graph, true)?;
        layer.forward_weighted(&x[0], &basis, Some(&x[2]), &graph)
    };
    let inputs = [features(input)?, positions()?, random(&[9, 1, 1, 1], 6)?];
    assert_gradients_with(weighted, &inputs, &parameters, &check);
    Ok(())
}

/// The gradient of a projection of the gradient of a projected gradient, against differences of
/// the second derivative: 1e-7 relative to the largest derivative along the direction.
#[test]
fn third_derivatives_match_differences() -> Result<()> {
    let input = shape(1, 1, 2);
    let (layer, parameters) = layer(input, &MessagePassConfig::default())?;
    let graph = sparse()?;
    let origin = [features(input)?, positions()?];
    let directions = [random(&[NODES, 3], 21)?, random(&[NODES, 3], 22)?];
    // Second derivative of an energy along two directions of the positions, as a tensor.
    let second = |x: &Array, r: &Array, last| {
        let y = layer.forward(x, &basis(r, &graph, true)?, &graph)?;
        let energy = y.sin()?.sum_all()?;
        let forces = grad(&energy, &[r], CreateGraph::Yes)?.remove(0);
        let along = (forces * &directions[0])?.sum_all()?;
        let hessian = grad(&along, &[r], last)?.remove(0);
        Ok::<_, e3x::Error>((hessian * &directions[1])?.sum_all()?)
    };
    let (x, r) = (variable(&origin[0])?, variable(&origin[1])?);
    let curvature = second(&x, &r, CreateGraph::Yes)?;
    let mut arguments = vec![x, r];
    let variables = parameters.variables();
    arguments.extend(variables.iter().map(|(_, var)| var.as_tensor().clone()));
    let inputs: Vec<&Array> = arguments.iter().collect();
    let third = grad(&curvature, &inputs, CreateGraph::No)?;
    let h = 1e-3;
    for (k, third) in third.iter().enumerate() {
        let step = random(third.dims(), 30 + k as u64)?;
        let actual: f64 = (third * &step)?.sum_all()?.to_scalar()?;
        let value = arguments[k].detach().copy()?;
        let at = |shift: f64| {
            let moved = (&value + (&step * (shift * h))?)?;
            let mut inputs = origin.clone();
            match k.checked_sub(2) {
                None => inputs[k] = moved,
                Some(i) => variables[i].1.set(&moved)?,
            }
            let (x, r) = (variable(&inputs[0])?, variable(&inputs[1])?);
            let result = second(&x, &r, CreateGraph::No)?.to_scalar::<f64>()?;
            if let Some(i) = k.checked_sub(2) {
                variables[i].1.set(&value)?;
            }
            Ok::<_, e3x::Error>(result)
        };
        let expected = (8.0 * (at(1.0)? - at(-1.0)?) - (at(2.0)? - at(-2.0)?)) / (12.0 * h);
        let error = (actual - expected).abs();
        assert!(expected.abs() > 1e-3, "argument {k}: nothing to see");
        assert!(
            error < 1e-7 * (1.0 + expected.abs()),
            "argument {k}: {actual}, {expected}"
        );
    }
    Ok(())
}

/// With enough edges for every kernel to split its work.
#[test]
fn results_have_the_same_bits_for_one_and_two_threads() -> Result<()> {
    let (input, config) = cases().swap_remove(2);
    let (layer, parameters) = layer(input, &config)?;
    let nodes = 400;
    let edges =
        |step: i64| -> Vec<i64> { (0..20 * 400).map(|e| (e / 20 + step * e) % 400).collect() };
    let run = || {
        let graph = Graph::sparse(&indices(&edges(0)), &indices(&edges(7)), nodes)?;
        let r = variable(&(random(&[nodes, 3], 11)? * 1.5)?)?;
        let x = random(&input.with_batch(&[nodes]), 3)?;
        let y = layer.forward(&x, &basis(&r, &graph, true)?, &graph)?;
        let weight = parameters.variables().remove(0).1;
        let grads = grad(&y.sin()?, &[&r, weight.as_tensor()], CreateGraph::No)?;
        Ok::<_, e3x::Error>([bits(&y), bits(&grads[0]), bits(&grads[1])])
    };
    let pool = |n| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .build()
            .unwrap()
    };
    let (one, two) = (pool(1).install(run)?, pool(2).install(run)?);
    assert!(one == two);
    Ok(())
}

/// f32 keeps f32, and differs from f64 by at most 1e-5 of the largest value.
#[test]
fn dtypes_are_kept() -> Result<()> {
    let (input, config) = cases().swap_remove(1);
    let (layer, parameters) = layer(input, &config)?;
    let vb = Parameters::from_tensors(values_of(&parameters)).builder(DType::F32, CPU);
    let narrow = MessagePass::new(input, (2, 3), config, vb)?;
    let (x, r, graph) = (features(input)?, positions()?, sparse()?);
    let wide = layer.forward(&x, &basis(&r, &graph, false)?, &graph)?;
    assert_eq!(wide.dtype(), DType::F64);
    let basis = basis(&single(&r), &graph, false)?;
    for basis in [as_tensor(&basis)?, basis.clone()] {
        let y = narrow.forward(&single(&x), &basis, &graph)?;
        assert_eq!(y.dtype(), DType::F32);
        assert_close("f32", &y, &wide, 1e-5);
    }
    let weights = Array::ones((9, 1, 1, 1), DType::F64, CPU)?;
    let weighted = narrow.forward_weighted(&single(&x), &basis, Some(&weights), &graph);
    assert_error("weights", weighted, &["weights", "F32"]);
    let sum = indexed_sum(&weights, &graph, false)?;
    assert_eq!(flat(&sum), [3.0, 1.0, 3.0, 0.0, 2.0]);
    Ok(())
}

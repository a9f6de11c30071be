//! Features and weights against e3nn, and what conversions must satisfy.

mod support;

use std::collections::BTreeMap;

use candle_core::{DType, Tensor};
use e3x::convert::{
    Convention, Irreps, IrrepsFormat, IrrepsMemory, change_convention, dense_from_e3nn,
    dense_to_e3nn, features_to_irreps, irreps_to_features, tensor_from_e3nn, tensor_to_e3nn,
};
use e3x::nn::{Dense, DenseConfig, Parameters, Tensor as TensorProduct, TensorConfig};
use e3x::so3::{SphericalHarmonicsConfig, spherical_harmonics};
use e3x::testing::{GradientCheck, assert_gradients, random};
use e3x::{FeatureShape, Result};
use proptest::prelude::*;
use serde_json::Value;
use support::{CPU, assert_close, assert_error, single, zeros};

const TABLE: &str = include_str!("../../e3x-so3/tests/data/e3nn.json");

fn irreps(value: &Value) -> Irreps {
    value.as_str().unwrap().parse().unwrap()
}

fn tensor(value: &Value, rows: Option<usize>) -> Tensor {
    let list = value.as_array().unwrap();
    let values: Vec<f64> = list.iter().map(|x| x.as_f64().unwrap()).collect();
    let x = Tensor::new(values, CPU).unwrap();
    rows.map_or(x.clone(), |rows| x.reshape((rows, ())).unwrap())
}

fn shape_of(irreps: &Irreps) -> FeatureShape {
    let (parity, max_degree, features) = irreps.feature_shape().unwrap();
    FeatureShape::new(parity, max_degree, features).unwrap()
}

fn format(cartesian_order: bool) -> IrrepsFormat {
    IrrepsFormat {
        cartesian_order,
        ..IrrepsFormat::default()
    }
}

/// An e3nn `Linear` as a `Dense` between converted features.
#[test]
fn dense_layers_compute_what_e3nn_computes() -> Result<()> {
    let table: Value = serde_json::from_str(TABLE).unwrap();
    for case in table["linear"].as_array().unwrap() {
        let (inputs, outputs) = (irreps(&case["inputs"]), irreps(&case["outputs"]));
        let (weight, bias) = (tensor(&case["weight"], None), tensor(&case["bias"], None));
        let bias = (bias.elem_count() > 0).then_some(&bias);
        let parameters = dense_from_e3nn(&weight, bias, &inputs, &outputs)?;
        let (again, bias_again) = dense_to_e3nn(&parameters, &inputs, &outputs)?;
        assert_close("weights", &again, &weight, 1e-15);
        assert_eq!(bias_again.is_some(), bias.is_some());
        for cartesian_order in [true, false] {
            let format = format(cartesian_order);
            let x = irreps_to_features(&tensor(&case["x"], Some(2)), &inputs, format)?;
            let vb = Parameters::from_tensors(parameters.clone()).builder(DType::F64, CPU);
            let config = DenseConfig {
                use_bias: bias.is_some(),
                ..DenseConfig::new(shape_of(&outputs).features)
            };
            let dense = Dense::new(shape_of(&inputs), config, vb)?;
            let y = features_to_irreps(&dense.forward(&x)?, &outputs, format);
            // The outputs may lack irreps that the inputs have: then they have another shape.
            let Ok(y) = y else {
                assert_ne!(shape_of(&inputs).parity, shape_of(&outputs).parity);
                continue;
            };
            assert_close("linear", &y, &tensor(&case["y"], Some(2)), 1e-14);
        }
    }
    Ok(())
}

/// A tensor product of e3nn, copy by copy, as `nn::Tensor` between converted features.
#[test]
fn tensor_products_compute_what_e3nn_computes() -> Result<()> {
    let table: Value = serde_json::from_str(TABLE).unwrap();
    for case in table["tensor"].as_array().unwrap() {
        let inputs = [0, 1].map(|i| irreps(&case["inputs"][i]));
        let outputs = irreps(&case["output"]);
        let weight = tensor(&case["weight"], None);
        let kernel = tensor_from_e3nn(&weight, &inputs[0], &inputs[1], &outputs)?;
        let again = tensor_to_e3nn(&kernel, &inputs[0], &inputs[1], &outputs)?;
        assert_close("weights", &again, &weight, 1e-15);
        for cartesian_order in [true, false] {
            let format = format(cartesian_order);
            let x = |i: usize, name: &str| {
                irreps_to_features(&tensor(&case[name], Some(2)), &inputs[i], format)
            };
            let parameters = [("kernel".to_owned(), kernel.clone())];
            let vb = Parameters::from_tensors(parameters).builder(DType::F64, CPU);
            let output = shape_of(&outputs);
            let config = TensorConfig {
                max_degree: Some(output.max_degree),
                include_pseudotensors: output.parity == 2,
                cartesian_order,
                ..TensorConfig::default()
            };
            let layer = TensorProduct::new(shape_of(&inputs[0]), shape_of(&inputs[1]), config, vb)?;
            assert_eq!(layer.output_shape(), output);
            let y = layer.forward(&x(0, "x1")?, &x(1, "x2")?)?;
            let y = features_to_irreps(&y, &outputs, format)?;
            assert_close("tensor", &y, &tensor(&case["y"], Some(2)), 1e-14);
        }
    }
    Ok(())
}

#[test]
fn harmonics_are_those_of_e3nn() -> Result<()> {
    let table: Value = serde_json::from_str(TABLE).unwrap();
    let harmonics = &table["harmonics"];
    let r = tensor(&harmonics["r"], Some(2));
    let irreps: Irreps = "0e+1o+2e+3o+4e".parse()?;
    let y = spherical_harmonics(&r, 4, SphericalHarmonicsConfig::default())?;
    let y = y.reshape((2, 1, 25, 1))?;
    let array = features_to_irreps(&y, &irreps, IrrepsFormat::default())?;
    assert_close(
        "harmonics",
        &array,
        &tensor(&harmonics["norm"], Some(2)),
        1e-14,
    );
    let turned = change_convention(&y, Convention::Cartesian, Convention::E3nn)?;
    assert_close("features", &turned.reshape((2, 25))?, &array, 1e-15);
    Ok(())
}

#[test]
fn conventions_go_there_and_back() -> Result<()> {
    let all = [
        Convention::Cartesian,
        Convention::Standard,
        Convention::E3nn,
    ];
    for (parity, max_degree) in [(1, 0), (1, 3), (2, 0), (2, 2)] {
        let x = random(&[3, parity, (max_degree + 1) * (max_degree + 1), 5], 1)?;
        for from in all {
            for to in all {
                let y = change_convention(&x, from, to)?;
                assert_close("back", &change_convention(&y, to, from)?, &x, 1e-14);
                for via in all {
                    let z = change_convention(&change_convention(&x, from, via)?, via, to)?;
                    assert_close("via", &z, &y, 1e-14);
                }
                let y32 = change_convention(&single(&x), from, to)?;
                assert_eq!(y32.dtype(), DType::F32);
                assert_close("f32", &y32, &y, 1e-6);
            }
        }
    }
    Ok(())
}

#[test]
fn conversions_are_differentiable() -> Result<()> {
    let check = GradientCheck::default();
    for text in ["2x1e+2x0e+1x2o+1x2o", "3x1o"] {
        let irreps: Irreps = text.parse()?;
        for memory in [IrrepsMemory::MulIr, IrrepsMemory::IrMul] {
            let format = IrrepsFormat {
                memory,
                ..IrrepsFormat::default()
            };
            let x = random(&[2, irreps.dim()], 0)?;
            let to = |x: &[Tensor]| Ok(irreps_to_features(&x[0], &irreps, format)?.sqr()?);
            assert_gradients(to, &[x], &check);
            let x = random(&shape_of(&irreps).with_batch(&[2]), 1)?;
            let from = |x: &[Tensor]| Ok(features_to_irreps(&x[0], &irreps, format)?.sqr()?);
            assert_gradients(from, &[x], &check);
        }
    }
    let x = random(&[2, 2, 4, 3], 2)?;
    let turn = |x: &[Tensor]| {
        let y = change_convention(&x[0], Convention::E3nn, Convention::Standard)?;
        Ok((y.sqr()? * y)?)
    };
    assert_gradients(turn, &[x], &check);
    Ok(())
}

#[test]
fn empty_batches_and_bad_arguments() -> Result<()> {
    let irreps: Irreps = "4x0e+4x1o".parse()?;
    let format = IrrepsFormat::default();
    let none = irreps_to_features(&zeros(&[2, 0, 16], DType::F32), &irreps, format)?;
    assert_eq!(none.dims(), [2, 0, 1, 4, 4]);
    assert_eq!(
        features_to_irreps(&none, &irreps, format)?.dims(),
        [2, 0, 16]
    );
    assert_eq!(
        change_convention(&none, Convention::E3nn, Convention::Standard)?.dims(),
        none.dims()
    );
    let (wide, int) = (zeros(&[2, 17], DType::F64), zeros(&[2, 16], DType::I64));
    assert_error(
        "wide",
        irreps_to_features(&wide, &irreps, format),
        &["x", "16"],
    );
    assert_error(
        "int",
        irreps_to_features(&int, &irreps, format),
        &["x", "f32"],
    );
    assert_error("x", features_to_irreps(&wide, &irreps, format), &["x"]);
    let scalar = Tensor::new(1.0, CPU)?;
    assert_error(
        "scalar",
        irreps_to_features(&scalar, &irreps, format),
        &["x"],
    );
    let uneven: Irreps = "4x0e+3x1o".parse()?;
    assert_error(
        "uneven",
        irreps_to_features(&wide, &uneven, format),
        &["irreps"],
    );
    let change = |x: &Tensor| change_convention(x, Convention::E3nn, Convention::Cartesian);
    assert_error("features", change(&wide), &["x"]);
    assert_error(
        "degree",
        change(&zeros(&[1, 102 * 102, 1], DType::F32)),
        &["degree"],
    );

    let weight = zeros(&[32], DType::F64);
    let dense = |weight: &Tensor, bias: Option<&Tensor>, outputs: &str| {
        dense_from_e3nn(weight, bias, &irreps, &outputs.parse().unwrap())
    };
    assert_eq!(dense(&weight, None, "4x0e+4x1o")?.len(), 2);
    assert_error("count", dense(&wide, None, "4x0e+4x1o"), &["weight"]);
    assert_error(
        "irrep",
        dense(&weight, None, "4x0e+4x1e"),
        &["outputs", "1e"],
    );
    assert_error(
        "bias",
        dense(&weight, Some(&weight), "4x0e+4x1o"),
        &["bias"],
    );
    assert_error("bias", dense(&weight, Some(&int), "4x0e+4x1o"), &["bias"]);
    assert_error(
        "huge",
        dense(&weight, None, "1000000000x0e"),
        &["parameters"],
    );
    let missing = dense_to_e3nn(&BTreeMap::new(), &irreps, &irreps);
    assert_error("missing", missing, &["0+/kernel"]);
    let product = |text: &str| {
        let irreps: Irreps = text.parse().unwrap();
        let one = zeros(&[1], DType::F64);
        tensor_from_e3nn(&one, &irreps, &irreps, &irreps)
    };
    assert_error("count", product("4x0e+4x1o"), &["weight"]);
    assert_error("twice", product("2x0e+2x0e"), &["every irrep once"]);
    assert_error("huge", product("1x1000e"), &["parameters"]);
    assert_error("none", product(""), &["irreps"]);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_shape_gives_a_result_or_an_error(
        dims in prop::collection::vec(0..10_usize, 0..4),
        text in "([0-3]x[0-2][eo])(\\+[0-3]x[0-2][eo]){0,2}",
    ) {
        let irreps: Irreps = text.parse().unwrap();
        let x = zeros(&dims, DType::F32);
        let format = IrrepsFormat::default();
        if let Ok(features) = irreps_to_features(&x, &irreps, format) {
            let again = features_to_irreps(&features, &irreps, format).unwrap();
            prop_assert_eq!(again.dims(), x.dims());
        }
        let _ = features_to_irreps(&x, &irreps, format);
        let _ = change_convention(&x, Convention::Cartesian, Convention::E3nn);
        let _ = dense_from_e3nn(&x, Some(&x), &irreps, &irreps);
        let _ = tensor_from_e3nn(&x, &irreps, &irreps, &irreps);
        let _ = tensor_to_e3nn(&x, &irreps, &irreps, &irreps);
    }
}

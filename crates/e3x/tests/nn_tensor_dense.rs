//! `TensorDense`: values, shapes, symmetries, derivatives, bad input.

mod support;

use candle_core::{DType, Tensor as Array};
use e3x::nn::{Dense, DenseConfig, FusedTensor, FusedTensorConfig, Parameters, Tensor};
use e3x::nn::{TensorConfig, TensorDense, TensorDenseConfig};
use e3x::testing::{GradientCheck, SymmetryCheck, random};
use e3x::testing::{assert_equivariant, assert_gradients_with};
use e3x::{FeatureShape, Result};
use support::{CPU, assert_close, assert_error, flat, names_of, shape, single, values_of, zeros};

fn config(use_fused_tensor: bool) -> TensorDenseConfig {
    TensorDenseConfig {
        use_fused_tensor,
        ..TensorDenseConfig::default()
    }
}

fn layer(
    input: FeatureShape,
    config: TensorDenseConfig,
    dtype: DType,
) -> Result<(TensorDense, Parameters)> {
    let parameters = Parameters::seeded(2);
    let layer = TensorDense::new(input, config, parameters.builder(dtype, CPU))?;
    Ok((layer, parameters))
}

#[test]
fn values_are_those_of_the_parts() -> Result<()> {
    for use_fused_tensor in [false, true] {
        let (input, half) = (shape(2, 2, 3), shape(2, 2, 4));
        let config = TensorDenseConfig {
            features: Some(4),
            max_degree: Some(1),
            ..config(use_fused_tensor)
        };
        let (layer, parameters) = layer(input, config, DType::F64)?;
        assert_eq!(layer.input_shape(), input);
        assert_eq!(layer.output_shape(), shape(2, 1, 4));
        let same = Parameters::from_tensors(values_of(&parameters)).builder(DType::F64, CPU);
        let dense = Dense::new(input, DenseConfig::new(8), same.pp("dense"))?;
        let x = random(&input.with_batch(&[2, 3]), 1)?;
        let both = dense.forward(&x)?;
        let (a, b) = (both.narrow(4, 0, 4)?, both.narrow(4, 4, 4)?);
        let max_degree = Some(1);
        let expected = if use_fused_tensor {
            let config = FusedTensorConfig {
                max_degree,
                ..FusedTensorConfig::default()
            };
            FusedTensor::new(half, half, config, same.pp("fused_tensor"))?.forward(&a, &b)?
        } else {
            let config = TensorConfig {
                max_degree,
                ..TensorConfig::default()
            };
            Tensor::new(half, half, config, same.pp("tensor"))?.forward(&a, &b)?
        };
        let y = layer.forward(&x)?;
        assert_close("parts", &y, &expected, 0.0);
        assert_ne!(flat(&y.abs()?.max_all()?), [0.0]);
    }
    Ok(())
}

#[test]
fn parameters_have_the_names_of_e3x() -> Result<()> {
    let (layer_, parameters) = layer(shape(1, 1, 3), config(false), DType::F32)?;
    let names = [
        "dense/0+/bias",
        "dense/0+/kernel",
        "dense/1-/kernel",
        "tensor/kernel",
    ];
    assert_eq!(names_of(&parameters), names);
    assert_eq!(layer_.output_shape(), shape(2, 1, 3));
    let without_bias = TensorDenseConfig {
        use_bias: false,
        include_pseudotensors: false,
        ..config(true)
    };
    let (layer_, parameters) = layer(shape(1, 1, 3), without_bias, DType::F32)?;
    assert_eq!(layer_.output_shape(), shape(1, 1, 3));
    let names = names_of(&parameters);
    assert_eq!(
        names[..3],
        [
            "dense/0+/kernel",
            "dense/1-/kernel",
            "fused_tensor/kernel_e1"
        ]
    );
    assert_eq!(names.len(), 10);
    Ok(())
}

#[test]
fn commutes_with_rotations_and_reflection() -> Result<()> {
    for use_fused_tensor in [false, true] {
        for (parity, max_degree) in [(1, 0), (1, 2), (2, 1)] {
            let input = shape(parity, max_degree, 3);
            let (layer, _) = layer(input, config(use_fused_tensor), DType::F64)?;
            assert_equivariant(
                |x| layer.forward(&x[0]),
                &[input],
                &SymmetryCheck::default(),
            );
        }
    }
    Ok(())
}

#[test]
fn derivatives_match_differences() -> Result<()> {
    for use_fused_tensor in [false, true] {
        let input = shape(2, 1, 2);
        let (layer, parameters) = layer(input, config(use_fused_tensor), DType::F64)?;
        let x = [random(&input.with_batch(&[2]), 1)?];
        let check = GradientCheck::default();
        assert_gradients_with(|x| layer.forward(&x[0]), &x, &parameters, &check);
    }
    Ok(())
}

#[test]
fn bad_input_is_an_error_that_names_the_argument() -> Result<()> {
    let (good, _) = layer(shape(1, 1, 3), config(false), DType::F64)?;
    for dims in [&[4, 3][..], &[5, 2, 4, 3], &[5, 1, 9, 3], &[5, 1, 4, 2]] {
        let result = good.forward(&zeros(dims, DType::F64));
        assert_error("shape", result, &["inputs", "shape (..., 1, 4, 3)"]);
    }
    let result = good.forward(&single(&zeros(&[5, 1, 4, 3], DType::F64)));
    assert_error("dtype", result, &["inputs", "F64"]);

    let with = |features, max_degree| TensorDenseConfig {
        features,
        max_degree,
        ..config(true)
    };
    let build = |config| layer(shape(1, 1, 3), config, DType::F64);
    assert_error("none", build(with(Some(0), None)), &["features"]);
    assert_error("many", build(with(Some(usize::MAX), None)), &["features"]);
    assert_error(
        "degree",
        build(with(None, Some(3))),
        &["max_degree", "at most 2"],
    );
    let wrong = (
        "dense/0+/kernel".to_string(),
        Array::zeros((3, 3), DType::F64, CPU)?,
    );
    let vb = Parameters::from_tensors([wrong]).builder(DType::F64, CPU);
    let result = TensorDense::new(shape(1, 0, 3), config(true), vb);
    assert_error("parameter", result, &["fused_tensor/kernel_e1"]);
    Ok(())
}

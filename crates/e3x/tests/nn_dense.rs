//! `Dense`: values, symmetries, derivatives, dtypes, bad input.

mod support;

use candle_core::{DType, Tensor};
use e3x::nn::{Dense, DenseConfig, Initializer, Parameters};
use e3x::testing::{GradientCheck, SymmetryCheck, random};
use e3x::testing::{assert_equivariant, assert_gradients_with};
use e3x::{FeatureShape, Result};
use support::{CPU, assert_close, assert_error, names_of, shape, single, values_of, zeros};

/// A layer whose bias is not zero.
fn layer(input: FeatureShape, features: usize, dtype: DType) -> Result<(Dense, Parameters)> {
    let parameters = Parameters::seeded(3);
    let config = DenseConfig {
        bias_init: Initializer::Normal {
            mean: 0.0,
            stddev: 1.0,
        },
        ..DenseConfig::new(features)
    };
    let layer = Dense::new(input, config, parameters.builder(dtype, CPU))?;
    Ok((layer, parameters))
}

/// One matrix product per parity and degree, put together again.
fn composed(x: &Tensor, input: FeatureShape, parameters: &Parameters) -> Result<Tensor> {
    let parameters = values_of(parameters);
    let mut halves = Vec::new();
    for p in 0..input.parity {
        let mut parts = Vec::new();
        for l in 0..=input.max_degree {
            let odd = if input.parity == 2 {
                p == 1
            } else {
                l % 2 == 1
            };
            let irrep = format!("{l}{}", if odd { "-" } else { "+" });
            let rows = x.narrow(1, p, 1)?.narrow(2, l * l, 2 * l + 1)?;
            let mut part = rows
                .contiguous()?
                .broadcast_matmul(&parameters[&format!("{irrep}/kernel")])?;
            if let (0, 0, Some(bias)) = (p, l, parameters.get("0+/bias")) {
                part = part.broadcast_add(bias)?;
            }
            parts.push(part);
        }
        halves.push(Tensor::cat(&parts, 2)?);
    }
    Ok(Tensor::cat(&halves, 1)?)
}

const SHAPES: [(usize, usize, usize); 5] = [(1, 0, 1), (1, 3, 3), (2, 0, 2), (2, 1, 17), (2, 2, 3)];

/// Tolerance 1e-13 (f64) and 1e-5 (f32), relative to the largest value.
#[test]
fn values_are_one_matrix_product_per_parity_and_degree() -> Result<()> {
    for (parity, max_degree, features) in SHAPES {
        let input = shape(parity, max_degree, features);
        let x = random(&input.with_batch(&[4]), 1)?;
        let (dense, parameters) = layer(input, 5, DType::F64)?;
        let y = dense.forward(&x)?;
        assert_eq!(dense.input_shape(), input);
        assert_eq!(dense.output_shape(), shape(parity, max_degree, 5));
        assert_close("f64", &y, &composed(&x, input, &parameters)?, 1e-13);

        let (narrow, parameters32) = layer(input, 5, DType::F32)?;
        let y32 = narrow.forward(&single(&x))?;
        assert_eq!((y32.dtype(), y.dtype()), (DType::F32, DType::F64));
        assert_eq!(names_of(&parameters32), names_of(&parameters));
        assert_close("f32", &y32, &y, 1e-5);
    }
    Ok(())
}

#[test]
fn leading_axes_and_layouts_do_not_matter() -> Result<()> {
    let input = shape(2, 1, 3);
    let (dense, _) = layer(input, 2, DType::F64)?;
    let x = random(&input.with_batch(&[6]), 1)?;
    let y = dense.forward(&x)?;
    let folded = dense.forward(&x.reshape((2, 3, 2, 4, 3))?)?;
    assert_eq!(folded.dims(), [2, 3, 2, 4, 2]);
    assert_close("two batch axes", &folded.flatten(0, 1)?, &y, 1e-15);
    let item = dense.forward(&x.get(2)?)?;
    assert_close("no batch axis", &item, &y.get(2)?, 1e-15);
    let strided = x.transpose(0, 3)?.contiguous()?.transpose(0, 3)?;
    assert_close("strided", &dense.forward(&strided)?, &y, 1e-15);
    let empty = dense.forward(&x.narrow(0, 0, 0)?)?;
    assert_eq!(empty.dims(), [0, 2, 4, 2]);
    Ok(())
}

#[test]
fn without_bias_zero_stays_zero() -> Result<()> {
    let parameters = Parameters::seeded(0);
    let config = DenseConfig {
        use_bias: false,
        ..DenseConfig::new(4)
    };
    let vb = parameters.builder(DType::F64, CPU);
    let dense = Dense::new(shape(1, 1, 3), config, vb)?;
    assert_eq!(names_of(&parameters), ["0+/kernel", "1-/kernel"]);
    let y = dense.forward(&zeros(&[2, 1, 4, 3], DType::F64))?;
    assert_close("zero", &y, &zeros(&[2, 1, 4, 4], DType::F64), 0.0);
    Ok(())
}

/// The bias goes to scalars only: pseudoscalars and vectors of zero stay zero.
#[test]
fn bias_goes_to_scalars_only() -> Result<()> {
    let (dense, parameters) = layer(shape(2, 1, 3), 2, DType::F64)?;
    let y = dense.forward(&zeros(&[1, 2, 4, 3], DType::F64))?;
    let expected = values_of(&parameters)["0+/bias"]
        .reshape((1, 1, 1, 2))?
        .pad_with_zeros(2, 0, 3)?
        .pad_with_zeros(1, 0, 1)?;
    assert_close("bias", &y, &expected, 0.0);
    Ok(())
}

#[test]
fn commutes_with_rotations_and_reflection() -> Result<()> {
    for (parity, max_degree, features) in SHAPES {
        let input = shape(parity, max_degree, features);
        let (dense, _) = layer(input, 3, DType::F64)?;
        let check = SymmetryCheck::default();
        assert_equivariant(|x| dense.forward(&x[0]), &[input], &check);
    }
    Ok(())
}

#[test]
fn derivatives_match_differences() -> Result<()> {
    for (parity, max_degree, features) in [(1, 2, 2), (2, 1, 3)] {
        let input = shape(parity, max_degree, features);
        let (dense, parameters) = layer(input, 2, DType::F64)?;
        let x = random(&input.with_batch(&[3]), 2)?;
        let check = GradientCheck::default();
        let x = [x];
        assert_gradients_with(|x| dense.forward(&x[0]), &x, &parameters, &check);
        // Twice the same layer, with a nonlinearity: second derivatives of its kernels.
        let twice = |x: &[Tensor]| {
            let y = dense.forward(&x[0])?.sin()?;
            let padding = features - 2;
            dense.forward(&y.pad_with_zeros(3, 0, padding)?)
        };
        assert_gradients_with(twice, &x, &parameters, &check);
    }
    Ok(())
}

#[test]
fn bad_inputs_are_errors_that_name_the_argument() -> Result<()> {
    let (dense, _) = layer(shape(2, 1, 3), 2, DType::F64)?;
    for (what, dims) in [
        ("rank", &[4, 3][..]),
        ("scalar", &[]),
        ("parity axis", &[5, 1, 4, 3]),
        ("degree axis", &[5, 2, 9, 3]),
        ("features", &[5, 2, 4, 2]),
        ("no features", &[5, 2, 4, 0]),
    ] {
        let x = zeros(dims, DType::F64);
        assert_error(what, dense.forward(&x), &["inputs", "shape (..., 2, 4, 3)"]);
    }
    for dtype in [DType::F32, DType::I64, DType::F16] {
        let x = zeros(&[5, 2, 4, 3], dtype);
        assert_error("dtype", dense.forward(&x), &["inputs", "F64"]);
    }
    Ok(())
}

#[test]
fn bad_configurations_are_errors() {
    let builder = || Parameters::seeded(0).builder(DType::F32, CPU);
    let none = Dense::new(shape(1, 1, 3), DenseConfig::new(0), builder());
    assert_error("features", none, &["features", "at least 1"]);
    let parity = FeatureShape {
        parity: 3,
        ..shape(1, 1, 3)
    };
    let bad = Dense::new(parity, DenseConfig::new(2), builder());
    assert_error("parity", bad, &["parity", "1 or 2"]);
}

#[test]
fn parameters_that_do_not_fit_are_errors_that_name_them() -> Result<()> {
    let (_, parameters) = layer(shape(1, 1, 3), 2, DType::F64)?;
    let good = values_of(&parameters);
    let build = |tensors| {
        let vb = Parameters::from_tensors(tensors).builder(DType::F64, CPU);
        Dense::new(shape(1, 1, 3), DenseConfig::new(2), vb)
    };
    assert!(build(good.clone()).is_ok());
    for name in good.keys() {
        let mut missing = good.clone();
        missing.remove(name);
        assert_error("missing", build(missing), &[name, "nothing of this name"]);
        let mut other = good.clone();
        other.insert(name.clone(), zeros(&[3, 7], DType::F64));
        assert_error("shape", build(other), &[name, "[3, 7]"]);
    }
    Ok(())
}

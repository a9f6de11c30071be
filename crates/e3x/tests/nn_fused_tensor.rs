//! `FusedTensor`: values, shapes, initialisation, symmetries, derivatives, dtypes, bad input.

mod support;

use candle_core::{DType, Tensor as Array};
use e3x::nn::{FusedTensor, FusedTensorConfig, Initializer, Parameters, even_degree_mask};
use e3x::testing::{GradientCheck, SymmetryCheck, random};
use e3x::testing::{assert_equivariant, assert_gradients_with};
use e3x::{FeatureShape, Result};
use support::{CPU, assert_close, assert_error, flat, names_of, shape, single, values_of, zeros};

struct Case {
    inputs: [FeatureShape; 2],
    config: FusedTensorConfig,
}

fn cases() -> Vec<Case> {
    let case = |p1, l1, p2, l2, max_degree, include_pseudotensors, cartesian_order| {
        let config = FusedTensorConfig {
            max_degree,
            include_pseudotensors,
            cartesian_order,
            ..FusedTensorConfig::default()
        };
        let inputs = [shape(p1, l1, 3), shape(p2, l2, 3)];
        Case { inputs, config }
    };
    vec![
        case(1, 0, 1, 0, None, true, true),
        case(1, 1, 1, 2, None, true, true),
        case(1, 2, 1, 1, Some(3), true, false),
        case(1, 3, 2, 2, Some(1), true, true),
        case(2, 1, 1, 1, Some(0), true, true),
        case(2, 2, 2, 1, None, true, false),
        case(2, 1, 2, 1, Some(2), false, true),
        case(1, 4, 1, 3, Some(5), false, true),
    ]
}

fn layer(case: &Case, dtype: DType) -> Result<(FusedTensor, Parameters)> {
    let parameters = Parameters::seeded(5);
    let [a, b] = case.inputs;
    let layer = FusedTensor::new(a, b, case.config.clone(), parameters.builder(dtype, CPU))?;
    Ok((layer, parameters))
}

/// The steps of E3x: to matrices, products of matrices, and back.
struct Steps {
    /// `(side * side, (L+1)^2)` for the highest degree L.
    coefficients: Array,
    side: usize,
}

impl Steps {
    fn new(degrees: [usize; 3], cartesian_order: bool) -> Result<Self> {
        let highest = degrees.into_iter().max().unwrap_or(0);
        let half = highest.div_ceil(2);
        let cg = e3x::so3::clebsch_gordan(half, half, highest, cartesian_order, DType::F64, CPU)?;
        let (start, side) = (half * half, 2 * half + 1);
        let cg = cg.narrow(0, start, side)?.narrow(1, start, side)?;
        Ok(Self {
            coefficients: cg.contiguous()?.flatten(0, 1)?,
            side,
        })
    }

    /// `(items, size, F)` to `(items * F, side, side)`.
    fn to_matrix(&self, x: &Array, kernel: &Array) -> Result<Array> {
        let (items, size, features) = x.dims3()?;
        let x = x.broadcast_mul(&repeated(kernel)?)?.transpose(1, 2)?;
        let cg = self.coefficients.narrow(1, 0, size)?.t()?.contiguous()?;
        let x = x.contiguous()?.reshape((items * features, size))?;
        Ok(x.matmul(&cg)?
            .reshape((items * features, self.side, self.side))?)
    }

    /// `(items * F, side, side)` to `(items, size, F)`.
    fn to_vector(&self, x: &Array, kernel: &Array) -> Result<Array> {
        let features = kernel.dim(1)?;
        let kernel = repeated(kernel)?;
        let cg = self.coefficients.narrow(1, 0, kernel.dim(0)?)?;
        let x = x.flatten_from(1)?.matmul(&cg.contiguous()?)?;
        let x = x.reshape(((), features, kernel.dim(0)?))?.transpose(1, 2)?;
        Ok(x.broadcast_mul(&kernel)?)
    }
}

/// The row of each degree, once for each entry of it.
fn repeated(kernel: &Array) -> Result<Array> {
    let degrees = kernel.dim(0)?;
    let rows = (0..degrees * degrees).map(|entry| entry.isqrt() as u32);
    Ok(kernel.index_select(&Array::from_iter(rows, CPU)?, 0)?)
}

/// Even and odd part, `(items, size, F)` each.
fn split(x: &Array) -> Result<[Array; 2]> {
    let shape = FeatureShape::of("x", x)?;
    if shape.parity == 2 {
        return Ok([
            x.narrow(1, 0, 1)?.squeeze(1)?,
            x.narrow(1, 1, 1)?.squeeze(1)?,
        ]);
    }
    let x = x.squeeze(1)?;
    let even = even_degree_mask(shape.max_degree, CPU)?.to_dtype(DType::F64)?;
    let even = x.broadcast_mul(&even)?;
    Ok([even.clone(), (x - even)?])
}

fn reference(
    [x, y]: [&Array; 2],
    output: FeatureShape,
    parameters: &Parameters,
    cartesian_order: bool,
) -> Result<Array> {
    let degree = |x| Ok::<_, e3x::Error>(FeatureShape::of("x", x)?.max_degree);
    let steps = Steps::new([degree(x)?, degree(y)?, output.max_degree], cartesian_order)?;
    let w = values_of(parameters);
    let ([e1, o1], [e2, o2]) = (split(x)?, split(y)?);
    let e1 = steps.to_matrix(&e1, &w["kernel_e1"])?;
    let o1 = steps.to_matrix(&o1, &w["kernel_o1"])?;
    let e2 = steps.to_matrix(&e2, &w["kernel_e2"])?;
    let o2 = steps.to_matrix(&o2, &w["kernel_o2"])?;
    let path = |a: &Array, b: &Array, name: &str| steps.to_vector(&a.matmul(b)?, &w[name]);
    let even = (path(&e1, &e2, "kernel_eee")? + path(&o1, &o2, "kernel_ooe")?)?;
    let odd = (path(&e1, &o2, "kernel_eoo")? + path(&o1, &e2, "kernel_oeo")?)?;
    let both = Array::stack(&[even, odd], 1)?;
    e3x::nn::change_max_degree_or_type(&both, None, Some(output.has_pseudotensors()))
}

const NAMES: [&str; 8] = [
    "kernel_e1",
    "kernel_e2",
    "kernel_eee",
    "kernel_eoo",
    "kernel_o1",
    "kernel_o2",
    "kernel_oeo",
    "kernel_ooe",
];

/// Tolerance 1e-13 (f64) and 1e-5 (f32), relative to the largest value.
#[test]
fn values_are_products_of_matrices() -> Result<()> {
    for case in cases() {
        let (tensor, parameters) = layer(&case, DType::F64)?;
        assert_eq!(names_of(&parameters), NAMES);
        let x = random(&case.inputs[0].with_batch(&[4]), 1)?;
        let y = random(&case.inputs[1].with_batch(&[4]), 2)?;
        let z = tensor.forward(&x, &y)?;
        let (output, order) = (tensor.output_shape(), case.config.cartesian_order);
        let expected = reference([&x, &y], output, &parameters, order)?;
        assert_close("f64", &z, &expected, 1e-13);
        assert_ne!(flat(&z.abs()?.max_all()?), [0.0]);

        let (narrow, _) = layer(&case, DType::F32)?;
        let z32 = narrow.forward(&single(&x), &single(&y))?;
        assert_eq!((z32.dtype(), z.dtype()), (DType::F32, DType::F64));
        assert_close("f32", &z32, &z, 1e-5);
    }
    Ok(())
}

#[test]
fn leading_axes_do_not_matter() -> Result<()> {
    let case = &cases()[5];
    let (tensor, _) = layer(case, DType::F64)?;
    let x = random(&case.inputs[0].with_batch(&[6]), 1)?;
    let y = random(&case.inputs[1].with_batch(&[6]), 2)?;
    let z = tensor.forward(&x, &y)?;
    let folded = tensor.forward(&x.reshape((2, 3, 2, 9, 3))?, &y.reshape((2, 3, 2, 4, 3))?)?;
    assert_close("two batch axes", &folded.flatten(0, 1)?, &z, 0.0);
    assert_close(
        "none",
        &tensor.forward(&x.get(4)?, &y.get(4)?)?,
        &z.get(4)?,
        0.0,
    );
    let empty = tensor.forward(&x.narrow(0, 0, 0)?, &y.narrow(0, 0, 0)?)?;
    assert_eq!(empty.dims(), [0, 2, 9, 3]);
    Ok(())
}

/// Entries of irreps that do not exist start at zero; variances are those of E3x.
#[test]
fn kernels_start_as_in_e3x() -> Result<()> {
    let parameters = Parameters::seeded(1);
    let features = 20_000;
    let (a, b) = (shape(1, 2, features), shape(1, 1, features));
    let config = FusedTensorConfig::default();
    FusedTensor::new(a, b, config, parameters.builder(DType::F64, CPU))?;
    let values = values_of(&parameters);
    let variances = |name: &str| Ok::<_, e3x::Error>(flat(&values[name].sqr()?.mean(1)?));
    // 3 x 3 matrices, min(L1, L2) + 1 = 2 terms: sqrt(3) / 2.
    let v = 3f64.sqrt() / 2.0;
    for (name, expected) in [
        ("kernel_e1", &[v, 0.0, v][..]),
        ("kernel_o1", &[0.0, v, 0.0]),
        ("kernel_e2", &[v, 0.0]),
        ("kernel_o2", &[0.0, v]),
        ("kernel_eee", &[1.0, 2.0, 2.0]),
        ("kernel_ooe", &[1.0, 2.0, 2.0]),
        ("kernel_eoo", &[0.0, 2.0, 2.0]),
        ("kernel_oeo", &[0.0, 2.0, 2.0]),
    ] {
        let actual = variances(name)?;
        assert_eq!(actual.len(), expected.len(), "{name}");
        for (actual, expected) in actual.iter().zip(expected) {
            let error = (actual - expected).abs();
            assert!(
                error <= 0.05 * expected,
                "{name}: {actual}, expected {expected}"
            );
        }
    }
    Ok(())
}

#[test]
fn commutes_with_rotations_and_reflection() -> Result<()> {
    for case in cases() {
        let (tensor, _) = layer(&case, DType::F64)?;
        let check = SymmetryCheck {
            cartesian_order: case.config.cartesian_order,
            ..SymmetryCheck::default()
        };
        assert_equivariant(|x| tensor.forward(&x[0], &x[1]), &case.inputs, &check);
    }
    Ok(())
}

#[test]
fn derivatives_match_differences() -> Result<()> {
    for case in [1, 5, 6].map(|i| cases().swap_remove(i)) {
        let (tensor, parameters) = layer(&case, DType::F64)?;
        let x = random(&case.inputs[0].with_batch(&[2]), 1)?;
        let y = random(&case.inputs[1].with_batch(&[2]), 2)?;
        let product = |x: &[Array]| Ok(tensor.forward(&x[0], &x[1])?.sin()?);
        assert_gradients_with(product, &[x, y], &parameters, &GradientCheck::default());
    }
    Ok(())
}

#[test]
fn bad_input_is_an_error_that_names_the_argument() -> Result<()> {
    let (tensor, _) = layer(&cases()[5], DType::F64)?; // (2, 2) x (2, 1), three features
    let good = [
        zeros(&[3, 2, 9, 3], DType::F64),
        zeros(&[3, 2, 4, 3], DType::F64),
    ];
    for dims in [&[9, 3][..], &[3, 1, 9, 3], &[3, 2, 16, 3], &[3, 2, 9, 1]] {
        let wrong = zeros(dims, DType::F64);
        let result = tensor.forward(&wrong, &good[1]);
        assert_error("shape", result, &["inputs1", "shape (..., 2, 9, 3)"]);
        let result = tensor.forward(&good[0], &wrong);
        assert_error("shape", result, &["inputs2", "shape (..., 2, 4, 3)"]);
    }
    let result = tensor.forward(&good[0], &zeros(&[1, 2, 4, 3], DType::F64));
    assert_error("batch", result, &["inputs2", "leading axes of inputs1"]);
    assert_error(
        "dtype",
        tensor.forward(&single(&good[0]), &good[1]),
        &["inputs1", "F64"],
    );
    assert_error(
        "dtype",
        tensor.forward(&good[0], &single(&good[1])),
        &["inputs2", "F64"],
    );

    let build = |a, b, config| {
        FusedTensor::new(a, b, config, Parameters::seeded(0).builder(DType::F64, CPU))
    };
    let with_degree = |max_degree| FusedTensorConfig {
        max_degree: Some(max_degree),
        ..FusedTensorConfig::default()
    };
    let with_init = |kernel_init| FusedTensorConfig {
        kernel_init,
        ..FusedTensorConfig::default()
    };
    let (a, b) = (shape(1, 1, 2), shape(1, 2, 2));
    assert_error(
        "high",
        build(a, b, with_degree(4)),
        &["max_degree", "at most 3"],
    );
    assert_error(
        "high",
        build(a, b, with_degree(usize::MAX)),
        &["max_degree"],
    );
    let features = build(a, shape(1, 2, 3), FusedTensorConfig::default());
    assert_error("features", features, &["inputs2", "2", "3"]);
    let init = Initializer::fused_tensor_normal([1.0, 1.0, 1.0, 1.0], [true]);
    assert_error("variances", build(a, b, with_init(init)), &["scale", "4"]);
    let init = Initializer::fused_tensor_uniform([1.0], []);
    assert_error("mask", build(a, b, with_init(init)), &["mask"]);
    assert!(build(a, b, with_init(Initializer::Ones)).is_ok());
    Ok(())
}

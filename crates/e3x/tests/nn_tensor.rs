//! `Tensor`: values, shapes, symmetries, derivatives, dtypes, bad input.

mod support;

use candle_core::{DType, Tensor as Array};
use e3x::nn::{Parameters, Tensor, TensorConfig};
use e3x::testing::{GradientCheck, Items, SymmetryCheck, random};
use e3x::testing::{assert_equivariant, assert_gradients_with, assert_permutation};
use e3x::{FeatureShape, Result};
use support::{CPU, assert_close, assert_error, flat, names_of, shape, single, values_of, zeros};

/// Degree, entry and oddness of every row of features.
fn rows(shape: FeatureShape) -> Vec<(usize, usize, usize, bool)> {
    let row = |r: usize| {
        let (p, entry) = (r / shape.size(), r % shape.size());
        let l = entry.isqrt();
        let odd = if shape.parity == 2 {
            p == 1
        } else {
            l % 2 == 1
        };
        (p, l, entry, odd)
    };
    (0..shape.parity * shape.size()).map(row).collect()
}

/// A loop over all rows of both factors and of the product.
fn naive(
    [x, y]: [&Array; 2],
    [first, second, product]: [FeatureShape; 3],
    kernel: &Array,
    cartesian_order: bool,
) -> Result<Array> {
    let degrees = [first.max_degree, second.max_degree, product.max_degree];
    let [l1, l2, l3] = degrees;
    let cg = e3x::so3::clebsch_gordan(l1, l2, l3, cartesian_order, DType::F64, CPU)?;
    let (cg, w, x, y) = (flat(&cg), flat(kernel), flat(x), flat(y));
    let features = first.features;
    let items = x.len() / first.len();
    let mut z = vec![0.0; items * product.len()];
    for (r1, &(p1, l1, i, odd1)) in rows(first).iter().enumerate() {
        for (r2, &(p2, l2, j, odd2)) in rows(second).iter().enumerate() {
            for (r3, &(p3, l3, k, odd3)) in rows(product).iter().enumerate() {
                let c = cg[(i * second.size() + j) * product.size() + k];
                if c == 0.0 || odd3 != (odd1 != odd2) {
                    continue;
                }
                let mut path = p1 * (degrees[0] + 1) + l1;
                path = (path * second.parity + p2) * (degrees[1] + 1) + l2;
                path = (path * product.parity + p3) * (degrees[2] + 1) + l3;
                for e in 0..items {
                    for f in 0..features {
                        z[e * product.len() + r3 * features + f] += c
                            * w[path * features + f]
                            * x[e * first.len() + r1 * features + f]
                            * y[e * second.len() + r2 * features + f];
                    }
                }
            }
        }
    }
    Ok(Array::from_vec(z, product.with_batch(&[items]), CPU)?)
}

struct Case {
    inputs: [FeatureShape; 2],
    config: TensorConfig,
}

fn cases() -> Vec<Case> {
    let case = |p1, l1, p2, l2, features, max_degree, include_pseudotensors, cartesian_order| {
        let config = TensorConfig {
            max_degree,
            include_pseudotensors,
            cartesian_order,
            ..TensorConfig::default()
        };
        let inputs = [shape(p1, l1, features), shape(p2, l2, features)];
        Case { inputs, config }
    };
    vec![
        case(1, 0, 1, 0, 3, None, true, true),
        case(1, 1, 1, 2, 2, None, true, true),
        case(1, 2, 1, 1, 3, Some(3), true, false),
        case(1, 2, 2, 2, 17, Some(1), true, true),
        case(2, 1, 1, 1, 2, Some(0), true, true),
        case(2, 2, 2, 1, 2, Some(2), true, false),
        case(2, 1, 2, 1, 3, Some(2), false, true),
        case(1, 1, 1, 1, 1, Some(0), true, true),
    ]
}

fn layer(case: &Case, dtype: DType) -> Result<(Tensor, Parameters)> {
    let parameters = Parameters::seeded(5);
    let [a, b] = case.inputs;
    let layer = Tensor::new(a, b, case.config.clone(), parameters.builder(dtype, CPU))?;
    Ok((layer, parameters))
}

/// Tolerance 1e-13 (f64) and 1e-5 (f32), relative to the largest value.
#[test]
fn values_are_the_plain_sum_over_paths() -> Result<()> {
    for case in cases() {
        let (tensor, parameters) = layer(&case, DType::F64)?;
        assert_eq!(names_of(&parameters), ["kernel"]);
        let x = random(&case.inputs[0].with_batch(&[3]), 1)?;
        let y = random(&case.inputs[1].with_batch(&[3]), 2)?;
        let z = tensor.forward(&x, &y)?;
        let shapes = [case.inputs[0], case.inputs[1], tensor.output_shape()];
        let kernel = &values_of(&parameters)["kernel"];
        let expected = naive([&x, &y], shapes, kernel, case.config.cartesian_order)?;
        assert_close("f64", &z, &expected, 1e-13);
        assert_ne!(flat(&z.abs()?.max_all()?), [0.0]);

        let (narrow, _) = layer(&case, DType::F32)?;
        let z32 = narrow.forward(&single(&x), &single(&y))?;
        assert_eq!((z32.dtype(), z.dtype()), (DType::F32, DType::F64));
        assert_close("f32", &z32, &z, 1e-5);
    }
    Ok(())
}

/// E3x: no pseudotensors if both factors have none and one of the three degrees is 0.
#[test]
fn output_shapes_follow_the_rules_of_e3x() -> Result<()> {
    let product = |a: (usize, usize), b: (usize, usize), max_degree, include_pseudotensors| {
        let config = TensorConfig {
            max_degree,
            include_pseudotensors,
            ..TensorConfig::default()
        };
        let vb = Parameters::seeded(0).builder(DType::F32, CPU);
        let tensor = Tensor::new(shape(a.0, a.1, 2), shape(b.0, b.1, 2), config, vb)?;
        Ok::<_, e3x::Error>(tensor.output_shape())
    };
    assert_eq!(product((1, 1), (1, 2), None, true)?, shape(2, 2, 2));
    assert_eq!(product((1, 1), (1, 2), None, false)?, shape(1, 2, 2));
    assert_eq!(product((1, 0), (1, 2), None, true)?, shape(1, 2, 2));
    assert_eq!(product((1, 2), (1, 0), Some(1), true)?, shape(1, 1, 2));
    assert_eq!(product((1, 2), (1, 2), Some(0), true)?, shape(1, 0, 2));
    assert_eq!(product((2, 2), (1, 2), Some(0), true)?, shape(2, 0, 2));
    assert_eq!(product((1, 0), (2, 0), None, true)?, shape(2, 0, 2));
    assert_eq!(product((2, 1), (2, 1), Some(2), false)?, shape(1, 2, 2));
    Ok(())
}

#[test]
fn leading_axes_and_layouts_do_not_matter() -> Result<()> {
    let case = &cases()[5];
    let (tensor, _) = layer(case, DType::F64)?;
    let x = random(&case.inputs[0].with_batch(&[6]), 1)?;
    let y = random(&case.inputs[1].with_batch(&[6]), 2)?;
    let z = tensor.forward(&x, &y)?;
    let folded = tensor.forward(&x.reshape((2, 3, 2, 9, 2))?, &y.reshape((2, 3, 2, 4, 2))?)?;
    assert_eq!(folded.dims(), [2, 3, 2, 9, 2]);
    assert_close("two batch axes", &folded.flatten(0, 1)?, &z, 0.0);
    let item = tensor.forward(&x.get(4)?, &y.get(4)?)?;
    assert_close("no batch axis", &item, &z.get(4)?, 0.0);
    let strided = x.transpose(0, 2)?.contiguous()?.transpose(0, 2)?;
    assert_close("strided", &tensor.forward(&strided, &y)?, &z, 0.0);
    let empty = tensor.forward(&x.narrow(0, 0, 0)?, &y.narrow(0, 0, 0)?)?;
    assert_eq!(empty.dims(), [0, 2, 9, 2]);
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
fn order_of_items_does_not_matter() -> Result<()> {
    let case = &cases()[3];
    let (tensor, _) = layer(case, DType::F64)?;
    let x = random(&case.inputs[0].with_batch(&[5]), 1)?;
    let y = random(&case.inputs[1].with_batch(&[5]), 2)?;
    let f = |x: &[Array], _: &[Array]| tensor.forward(&x[0], &x[1]);
    assert_permutation(f, &[x, y], &[], Items::Permuted, 1, 1e-14);
    Ok(())
}

#[test]
fn derivatives_match_differences() -> Result<()> {
    for case in [1, 2, 5, 6].map(|i| cases().swap_remove(i)) {
        let (tensor, parameters) = layer(&case, DType::F64)?;
        let x = random(&case.inputs[0].with_batch(&[2]), 1)?;
        let y = random(&case.inputs[1].with_batch(&[2]), 2)?;
        let check = GradientCheck::default();
        let product = |x: &[Array]| tensor.forward(&x[0], &x[1]);
        assert_gradients_with(product, &[x, y], &parameters, &check);
    }
    // The same variable as both factors.
    let case = &cases()[7];
    let (tensor, parameters) = layer(case, DType::F64)?;
    let x = random(&case.inputs[0].with_batch(&[2]), 1)?;
    let square = |x: &[Array]| Ok(tensor.forward(&x[0], &x[0])?.sin()?);
    assert_gradients_with(square, &[x], &parameters, &GradientCheck::default());
    Ok(())
}

#[test]
fn bad_inputs_are_errors_that_name_the_argument() -> Result<()> {
    let case = &cases()[5]; // (2, 2) x (2, 1), two features
    let (tensor, _) = layer(case, DType::F64)?;
    let good = [
        zeros(&[3, 2, 9, 2], DType::F64),
        zeros(&[3, 2, 4, 2], DType::F64),
    ];
    for (what, dims) in [
        ("rank", &[4, 3][..]),
        ("parity axis", &[3, 1, 9, 2]),
        ("degree axis", &[3, 2, 16, 2]),
        ("features", &[3, 2, 9, 1]),
    ] {
        let result = tensor.forward(&zeros(dims, DType::F64), &good[1]);
        assert_error(what, result, &["inputs1", "shape (..., 2, 9, 2)"]);
        let result = tensor.forward(&good[0], &zeros(dims, DType::F64));
        assert_error(what, result, &["inputs2", "shape (..., 2, 4, 2)"]);
    }
    for batch in [&[1][..], &[], &[3, 1], &[0]] {
        let other = zeros(&case.inputs[1].with_batch(batch), DType::F64);
        let result = tensor.forward(&good[0], &other);
        assert_error(
            "batch",
            result,
            &["inputs2", "leading axes of inputs1", "[3]"],
        );
    }
    let result = tensor.forward(&single(&good[0]), &good[1]);
    assert_error("dtype", result, &["inputs1", "F64"]);
    let result = tensor.forward(&good[0], &single(&good[1]));
    assert_error("dtype", result, &["inputs2", "F64"]);
    Ok(())
}

#[test]
fn bad_configurations_are_errors_that_name_the_argument() {
    let build = |a, b, max_degree, parameters: Parameters| {
        let config = TensorConfig {
            max_degree,
            ..TensorConfig::default()
        };
        Tensor::new(a, b, config, parameters.builder(DType::F64, CPU))
    };
    let seeded = || Parameters::seeded(0);
    let (a, b) = (shape(1, 1, 2), shape(1, 2, 2));
    let high = build(a, b, Some(4), seeded());
    assert_error("max_degree", high, &["max_degree", "at most 3", "4"]);
    let high = build(a, b, Some(usize::MAX), seeded());
    assert_error("max_degree", high, &["max_degree"]);
    let limit = e3x_so3::MAX_CLEBSCH_GORDAN_DEGREE;
    let high = build(shape(1, 0, 2), shape(1, limit + 1, 2), None, seeded());
    assert_error("coefficients", high, &["max_degree"]);
    let features = build(a, shape(1, 2, 3), None, seeded());
    assert_error("features", features, &["inputs2", "2", "3"]);
    let none = FeatureShape { features: 0, ..a };
    assert_error("none", build(none, none, None, seeded()), &["features"]);
    let parity = FeatureShape { parity: 3, ..a };
    assert_error("parity", build(parity, b, None, seeded()), &["parity"]);

    let given = |name: &str, dims: &[usize]| {
        let kernel = (name.to_string(), zeros(dims, DType::F64));
        build(a, b, None, Parameters::from_tensors([kernel]))
    };
    assert!(given("kernel", &[1, 2, 1, 3, 2, 3, 2]).is_ok());
    let other = given("kernel", &[1, 2, 1, 3, 1, 3, 2]);
    assert_error(
        "shape",
        other,
        &["kernel", "[1, 2, 1, 3, 2, 3, 2]", "[1, 2, 1, 3, 1, 3, 2]"],
    );
    let missing = given("weights", &[1, 2, 1, 3, 2, 3, 2]);
    assert_error("name", missing, &["kernel", "nothing of this name"]);
}

//! Derivatives of `e3x::ops`: adjoints, central differences to second order, derivatives at zero.

use candle_core::{DType, Device, Tensor};
use e3x::autograd::{CreateGraph, grad, variable};
use e3x::ops::{
    Graph, evaluate_derivatives, gather_dst, gather_src, indexed_max, indexed_min, indexed_softmax,
    indexed_sum, inverse_softplus, norm, normalize, normalize_and_return_norm,
};
use e3x::{Error, Result};

type Function<'a> = &'a dyn Fn(&Tensor) -> Result<Tensor>;

/// Numbers in [-1, 1] without ties.
fn values(dims: &[usize], seed: u64) -> Result<Tensor> {
    let size: usize = dims.iter().product();
    let value =
        |i: u64| ((i + 1) as f64 * 0.618_033_988_749_895 + seed as f64 * 0.37).fract() * 2.0 - 1.0;
    let values: Vec<f64> = (0..size as u64).map(value).collect();
    Ok(Tensor::from_vec(values, dims, &Device::Cpu)?)
}

fn flat(x: &Tensor) -> Result<Vec<f64>> {
    Ok(x.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()?)
}

fn dot(a: &Tensor, b: &Tensor) -> Result<f64> {
    Ok(a.mul(b)?.sum_all()?.to_scalar::<f64>()?)
}

/// Derivative of a scalar function along `direction` by central differences of fourth order.
fn difference(f: &dyn Fn(&Tensor) -> Result<f64>, x: &Tensor, direction: &Tensor) -> Result<f64> {
    let h = 1e-3;
    let at = |step: f64| f(&(x + (direction * (step * h))?)?);
    Ok((8.0 * (at(1.0)? - at(-1.0)?) - (at(2.0)? - at(-2.0)?)) / (12.0 * h))
}

/// Compares first and second derivatives of `f` with central differences.
fn check(name: &str, f: Function, x: &Tensor) -> Result<()> {
    let weights = values(f(x)?.dims(), 5)?;
    let (a, b) = (values(x.dims(), 1)?, values(x.dims(), 2)?);
    // The square makes the cotangent depend on x.
    let scalar = |x: &Tensor| {
        let y = f(x)?;
        Ok::<_, Error>((y.mul(&weights)?.sum_all()? + (y.sqr()?.sum_all()? * 0.3)?)?)
    };
    let slope = |x: &Tensor| {
        let x = variable(x)?;
        let gradient = grad(&scalar(&x)?, &[&x], CreateGraph::No)?.remove(0);
        dot(&gradient, &a)
    };
    let expected = difference(&|x| Ok(scalar(x)?.to_scalar::<f64>()?), x, &a)?;
    let actual = slope(x)?;
    let near =
        |actual: f64, expected: f64| (actual - expected).abs() < 1e-7 * (1.0 + expected.abs());
    assert!(
        near(actual, expected),
        "{name}: first derivative {actual}, expected {expected}"
    );

    let v = variable(x)?;
    let gradient = grad(&scalar(&v)?, &[&v], CreateGraph::Yes)?.remove(0);
    let second = grad(&gradient.mul(&a)?, &[&v], CreateGraph::Yes)?.remove(0);
    let (actual, expected) = (dot(&second, &b)?, difference(&slope, x, &b)?);
    assert!(
        near(actual, expected),
        "{name}: second derivative {actual}, expected {expected}"
    );

    // Third order: differentiate the second derivative along b, a, and once more along a.
    let curvature = |x: &Tensor| {
        let v = variable(x)?;
        let gradient = grad(&scalar(&v)?, &[&v], CreateGraph::Yes)?.remove(0);
        let second = grad(&gradient.mul(&a)?, &[&v], CreateGraph::No)?.remove(0);
        dot(&second, &b)
    };
    let third = grad(&second.mul(&b)?, &[&v], CreateGraph::No)?.remove(0);
    let (actual, expected) = (dot(&third, &a)?, difference(&curvature, x, &a)?);
    assert!(
        (actual - expected).abs() < 1e-5 * (1.0 + expected.abs()),
        "{name}: third derivative {actual}, expected {expected}"
    );
    Ok(())
}

/// A sparse graph with an empty segment, and a batched dense one with a mask and padding.
///
/// No padding in the sparse one: what E3x gathers for it has no gradient.
fn graphs() -> Result<(Graph, Graph)> {
    let sparse = Graph::from_indices(&[0, 2, 0, 2, 0, 0, 3], &[1, 0, 3, 2, 0, 3, 3], 4)?;
    let adj = Tensor::new(
        &[[[1i64, 2], [0, 3], [1, 0]], [[0, 0], [2, 1], [3, 3]]],
        &Device::Cpu,
    )?;
    let mask = Tensor::new(
        &[[[1u8, 1], [1, 0], [1, 1]], [[0, 1], [1, 1], [1, 1]]],
        &Device::Cpu,
    )?;
    Ok((sparse, Graph::dense(&adj, Some(&mask))?))
}

#[test]
fn derivatives_match_differences() -> Result<()> {
    let (sparse, dense) = graphs()?;
    for keepdims in [false, true] {
        for (kind, graph, dims) in [
            ("sparse", &sparse, &[7, 2][..]),
            ("dense", &dense, &[2, 3, 2, 2]),
        ] {
            let x = values(dims, 0)?;
            let name = |op: &str| format!("{op}, {kind}, keepdims {keepdims}");
            check(
                &name("indexed_sum"),
                &|x| indexed_sum(x, graph, keepdims),
                &x,
            )?;
            // Without keepdims, sparse lists have infinite values for empty segments.
            if keepdims || kind == "dense" {
                let wave = |x: &Tensor| Ok::<_, Error>((x.sin()? * 0.5)?);
                let min = |x: &Tensor| indexed_min(&wave(x)?, graph, keepdims);
                let max = |x: &Tensor| indexed_max(&wave(x)?, graph, keepdims);
                check(&name("indexed_min"), &min, &x)?;
                check(&name("indexed_max"), &max, &x)?;
            }
            let weights = (values(dims, 7)?.abs()? + 0.5)?;
            let softmax = |x: &Tensor| indexed_softmax(x, graph, Some(&weights));
            check(&name("indexed_softmax"), &softmax, &x)?;
            let of_mask = |w: &Tensor| indexed_softmax(&x, graph, Some(w));
            check(&name("indexed_softmax, mask"), &of_mask, &weights)?;
        }
    }
    check(
        "gather_src",
        &|x| gather_src(x, &sparse),
        &values(&[4, 3], 0)?,
    )?;
    check("gather_dst", &|x| gather_dst(x, &sparse), &values(&[4], 0)?)?;
    let adj = Tensor::new(&[[[1i64, 2], [0, 2]], [[0, 0], [2, 1]]], &Device::Cpu)?;
    let unpadded = Graph::dense(&adj, None)?;
    let x = values(&[2, 3, 2], 0)?;
    check("gather_src, dense", &|x| gather_src(x, &unpadded), &x)?;
    check("gather_dst, dense", &|x| gather_dst(x, &dense), &x)?;
    let padded = Graph::from_indices(&[0, 2, 4, 9], &[0; 4], 4)?;
    check(
        "indexed_sum",
        &|x| indexed_sum(x, &padded, false),
        &values(&[4, 2], 0)?,
    )
}

#[test]
fn padding_gathers_the_last_node_without_gradient() -> Result<()> {
    let src = Tensor::new(&[0i64, 2, 3, 9], &Device::Cpu)?;
    let x = variable(&Tensor::new(&[1.0f64, 2.0, 3.0], &Device::Cpu)?)?;
    let y = gather_src(&x, &Graph::sparse_src(&src)?)?;
    assert_eq!(flat(&y)?, [1.0, 3.0, 3.0, 3.0]);
    let first = grad(&y.powf(3.0)?, &[&x], CreateGraph::Yes)?.remove(0);
    assert_eq!(flat(&first)?, [3.0, 0.0, 27.0]);
    let second = grad(&first, &[&x], CreateGraph::No)?.remove(0);
    assert_eq!(flat(&second)?, [6.0, 0.0, 18.0]);
    Ok(())
}

#[test]
fn extremes_of_sparse_lists_have_derivatives() -> Result<()> {
    let graph = Graph::from_indices(&[0, 1, 0, 1, 0], &[0; 5], 2)?;
    let x = values(&[5], 0)?;
    let wave = |x: &Tensor| Ok::<_, Error>((x.sin()? * 0.5)?);
    for keepdims in [false, true] {
        check(
            "indexed_min",
            &|x| indexed_min(&wave(x)?, &graph, keepdims),
            &x,
        )?;
        check(
            "indexed_max",
            &|x| indexed_max(&wave(x)?, &graph, keepdims),
            &x,
        )?;
    }
    Ok(())
}

#[test]
fn safe_functions_match_differences() -> Result<()> {
    let x = (values(&[2, 3, 4], 0)? + 0.3)?;
    for axis in [
        None,
        Some(&[-1][..]),
        Some(&[0]),
        Some(&[0, 2]),
        Some(&[-2, -1]),
    ] {
        check("norm", &|x| norm(x, axis, true), &x)?;
        check("norm", &|x| norm(x, axis, false), &x)?;
        check("normalize", &|x| normalize(x, axis), &x)?;
        let both = |x: &Tensor| {
            let (y, n) = normalize_and_return_norm(x, axis, true)?;
            Ok(y.broadcast_mul(&n.exp()?)?)
        };
        check("normalize_and_return_norm", &both, &x)?;
    }
    check(
        "inverse_softplus",
        &inverse_softplus,
        &(values(&[4], 0)? + 1.5)?,
    )
}

#[test]
fn extremes_share_gradients_among_ties() -> Result<()> {
    let x = variable(&Tensor::new(
        &[1.0f64, 1.0, 2.0, 2.0, 2.0, 3.0],
        &Device::Cpu,
    )?)?;
    let graph = Graph::from_indices(&[0, 0, 1, 1, 1, 2], &[0; 6], 3)?;
    for extreme in [indexed_min, indexed_max] {
        let y = extreme(&x, &graph, false)?;
        let g = flat(&grad(&y, &[&x], CreateGraph::No)?[0])?;
        for (g, expected) in g.iter().zip([2.0, 2.0, 3.0, 3.0, 3.0, 1.0]) {
            assert!((g - 1.0 / expected).abs() < 1e-15);
        }
    }
    Ok(())
}

#[test]
fn norms_have_finite_derivatives_everywhere() -> Result<()> {
    for (dtype, scales) in [
        (DType::F64, [0.0, 1e-310, 1e-200, 1e-160, 1e-100]),
        (DType::F32, [0.0, 1e-40, 1e-30, 1e-20, 1e-12]),
    ] {
        for scale in scales {
            let x = Tensor::new(&[[3.0f64, 0.0, -4.0]], &Device::Cpu)?;
            let x = variable(&(x * scale)?.to_dtype(dtype)?)?;
            let n = norm(&x, Some(&[-1]), false)?;
            let first = grad(&n, &[&x], CreateGraph::Yes)?.remove(0);
            let expected = if scale > 1e-300 {
                [0.6, 0.0, -0.8]
            } else {
                [0.0; 3]
            };
            if scale == 0.0 || scale > 1e-37 {
                for (a, b) in flat(&first)?.iter().zip(expected) {
                    assert!((a - b).abs() < 1e-6, "{dtype:?} {scale}: {a} {b}");
                }
            }
            let weight = Tensor::new(&[[1.0f64, 2.0, 3.0]], &Device::Cpu)?.to_dtype(dtype)?;
            let second = grad(&first.mul(&weight)?, &[&x], CreateGraph::Yes)?.remove(0);
            let third = grad(&second.mul(&weight)?, &[&x], CreateGraph::No)?.remove(0);
            if scale == 0.0 {
                assert_eq!(flat(&second)?, [1.0, 2.0, 3.0]); // E3x: the identity
                assert_eq!(flat(&third)?, [0.0; 3]);
            }
            let y = normalize(&x, Some(&[-1]))?;
            let dy = grad(&y.mul(&weight)?, &[&x], CreateGraph::Yes)?.remove(0);
            let ddy = grad(&dy.mul(&weight)?, &[&x], CreateGraph::Yes)?.remove(0);
            for t in [&first, &second, &third, &y, &dy, &ddy] {
                assert!(
                    flat(t)?.iter().all(|v| v.is_finite()),
                    "{dtype:?} {scale}: {t}"
                );
            }
        }
    }
    Ok(())
}

#[test]
fn softmax_of_nothing_is_zero_with_finite_derivatives() -> Result<()> {
    let adj = Tensor::new(&[[0i64, 1], [0, 1]], &Device::Cpu)?;
    let mask = Tensor::new(&[[1u8, 0], [0, 0]], &Device::Cpu)?;
    let graph = Graph::dense(&adj, Some(&mask))?;
    let x = variable(&Tensor::new(&[[1.0f64, 1e5], [-3.0, 1e5]], &Device::Cpu)?)?;
    let y = indexed_softmax(&x, &graph, None)?;
    assert_eq!(flat(&y.narrow(0, 1, 1)?)?, [0.0, 0.0]);
    // Whoever masks the result afterwards gets finite derivatives.
    let masked = y.mul(&mask.to_dtype(DType::F64)?)?;
    let first = grad(&masked, &[&x], CreateGraph::Yes)?.remove(0);
    let second = grad(&first, &[&x], CreateGraph::No)?.remove(0);
    assert!(
        flat(&first)?
            .iter()
            .chain(&flat(&second)?)
            .all(|v| v.is_finite())
    );

    let weights = variable(&Tensor::zeros((2, 2), DType::F64, &Device::Cpu)?)?;
    let y = indexed_softmax(&x, &graph, Some(&weights))?;
    assert_eq!(flat(&y)?, [0.0; 4]);
    assert!(
        flat(&grad(&y, &[&weights], CreateGraph::No)?[0])?
            .iter()
            .all(|v| v.is_finite())
    );
    Ok(())
}

#[test]
fn evaluate_derivatives_adds_an_axis_of_functions() -> Result<()> {
    let x = values(&[3], 0)?;
    let powers = |x: &Tensor| Ok(Tensor::stack(&[x.sin()?, x.powf(3.0)?, x.ones_like()?], 1)?);
    let y = evaluate_derivatives(powers, &x, 3)?;
    let x = flat(&x)?;
    for (i, x) in x.into_iter().enumerate() {
        let expected = [
            [x.sin(), x.powi(3), 1.0],
            [x.cos(), 3.0 * x * x, 0.0],
            [-x.sin(), 6.0 * x, 0.0],
            [-x.cos(), 6.0, 0.0],
        ];
        for (y, expected) in y.iter().zip(expected) {
            for (a, b) in flat(&y.narrow(0, i, 1)?)?.iter().zip(expected) {
                assert!((a - b).abs() < 1e-12, "{a} {b}");
            }
        }
    }
    Ok(())
}

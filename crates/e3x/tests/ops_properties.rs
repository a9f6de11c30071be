//! Properties of `e3x::ops`: adjoints, invariance, agreement of list formats, dtypes, bad input.

use candle_core::{DType, Device, Tensor};
use e3x::ops::{
    Graph, dense_pairwise_indices, dense_to_sparse_indices, evaluate_derivatives, gather_dst,
    gather_src, indexed_max, indexed_min, indexed_softmax, indexed_sum, inverse_softplus, norm,
    normalize, normalize_and_return_norm, sparse_pairwise_indices, sparse_to_dense_indices,
};
use e3x::{Error, Result};
use e3x_kernels::edges::PADDING;
use proptest::prelude::*;

fn flat(x: &Tensor) -> Result<Vec<f64>> {
    Ok(x.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()?)
}

fn indices(values: &[i64], dims: &[usize]) -> Result<Tensor> {
    Ok(Tensor::from_slice(values, dims, &Device::Cpu)?)
}

fn numbers(dims: &[usize], seed: u64) -> Result<Tensor> {
    let size: usize = dims.iter().product();
    let value = |i: usize| ((i + 1) as f64 * 0.754_877_666 + seed as f64 * 0.13).fract() - 0.5;
    Ok(Tensor::from_vec(
        (0..size).map(value).collect(),
        dims,
        &Device::Cpu,
    )?)
}

fn close(a: &Tensor, b: &Tensor) -> Result<bool> {
    let close = |(a, b): (&f64, &f64)| a == b || (a - b).abs() <= 1e-12 * (1.0 + b.abs());
    Ok(a.dims() == b.dims() && flat(a)?.iter().zip(&flat(b)?).all(close))
}

fn dot(a: &Tensor, b: &Tensor) -> Result<f64> {
    Ok(flat(a)?.iter().zip(&flat(b)?).map(|(a, b)| a * b).sum())
}

/// Index lists of some batches with entries up to two beyond the number of nodes.
fn lists() -> impl Strategy<Value = (usize, usize, usize, Vec<i64>, Vec<i64>)> {
    (1usize..3, 1usize..5, 0usize..9).prop_flat_map(|(batch, num, edges)| {
        let list = || prop::collection::vec(0..num as i64 + 2, batch * edges);
        (Just(batch), Just(num), Just(edges), list(), list())
    })
}

type TestResult = std::result::Result<(), TestCaseError>;

fn lift(result: Result<()>) -> TestResult {
    result.map_err(|e| TestCaseError::fail(e.to_string()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn gather_is_the_adjoint_of_sum((batch, num, edges, dst, _) in lists()) {
        // Where no index is padding.
        let dst: Vec<i64> = dst.into_iter().map(|i| i.min(num as i64 - 1)).collect();
        lift((|| {
            let graph = Graph::sparse_dst(&indices(&dst, &[batch, edges])?, num)?;
            let (x, y) = (numbers(&[batch, num, 2], 1)?, numbers(&[batch, edges, 2], 2)?);
            let on_edges = dot(&gather_dst(&x, &graph)?, &y)?;
            let on_nodes = dot(&x, &indexed_sum(&y, &graph, false)?)?;
            assert!((on_edges - on_nodes).abs() < 1e-12);
            Ok(())
        })())?;
    }

    #[test]
    fn reductions_do_not_depend_on_the_order_of_edges((batch, num, edges, dst, _) in lists(), shift in 0usize..9) {
        lift((|| {
            let rotate = |x: &Tensor| {
                let order = (0..edges).map(|e| ((e + shift) % edges) as u32);
                Ok::<_, Error>(x.index_select(&Tensor::from_vec(order.collect(), edges, &Device::Cpu)?, 1)?)
            };
            if edges == 0 {
                return Ok(());
            }
            let dst = indices(&dst, &[batch, edges])?;
            let x = numbers(&[batch, edges], 3)?;
            let graph = Graph::sparse_dst(&dst, num)?;
            let rotated = Graph::sparse_dst(&rotate(&dst)?, num)?;
            for f in [indexed_sum, indexed_min, indexed_max] {
                assert!(close(&f(&x, &graph, false)?, &f(&rotate(&x)?, &rotated, false)?)?);
                assert!(close(&rotate(&f(&x, &graph, true)?)?, &f(&rotate(&x)?, &rotated, true)?)?);
            }
            let y = indexed_softmax(&x, &graph, None)?;
            assert!(close(&rotate(&y)?, &indexed_softmax(&rotate(&x)?, &rotated, None)?)?);
            Ok(())
        })())?;
    }

    #[test]
    fn sparse_and_dense_lists_agree((batch, num, edges, dst, src) in lists()) {
        lift((|| {
            let (dst, src) = (indices(&dst, &[batch, edges])?, indices(&src, &[batch, edges])?);
            let sparse = Graph::sparse(&dst, &src, num)?;
            let adj = sparse_to_dense_indices(&dst, &src, Some(num))?;
            if edges == 0 {
                assert_eq!(adj.dims(), [batch, 0, 0]);
                return Ok(());
            }
            // All edges with a destination; those filled in have the source `num`.
            let dense = Graph::dense(&adj, None)?;
            let src_below = src.lt(num as i64)?.to_dtype(DType::F64)?;
            let x = numbers(&[batch, num], 4)?;
            let messages = gather_src(&x, &sparse)?.mul(&src_below)?;
            let expected = indexed_sum(&messages, &sparse, false)?;
            let actual = indexed_sum(&gather_src(&x, &dense)?, &dense, false)?;
            assert!(close(&actual, &expected)?);

            // And back, for edges without padding.
            let (dst, src) = dense_to_sparse_indices(&adj, Some(num))?;
            let sparse = Graph::sparse(&dst, &src, num)?;
            let back = indexed_sum(&gather_src(&x, &sparse)?, &sparse, false)?;
            assert!(close(&back, &expected)?);

            // The edges for message passing tell the same.
            for (graph, edges) in [(&sparse, sparse.edges(num)?), (&dense, dense.edges(num)?)] {
                let mut sums = vec![0.0; batch * num];
                let x = flat(&x)?;
                for (&dst, &src) in edges.dst().iter().zip(edges.src()) {
                    if dst != PADDING {
                        sums[dst as usize] += x[src as usize];
                    }
                }
                assert!(sums.iter().zip(flat(&back)?).all(|(a, b)| (a - b).abs() < 1e-12));
                assert_eq!(graph.edges(num)?.num_src(), batch * num);
            }
            Ok(())
        })())?;
    }

    #[test]
    fn norm_scales_per_row(scale in -300i32..300, x in -1.0..1.0, y in -1.0..1.0) {
        let factor = 10f64.powi(scale);
        lift((|| {
            let rows = Tensor::new(&[[x * factor, y * factor], [1e300, 1.0]], &Device::Cpu)?;
            let n = norm(&rows, Some(&[-1]), false)?.to_vec1::<f64>()?;
            let expected = f64::hypot(x, y) * factor;
            assert!((n[0] - expected).abs() <= 1e-14 * expected, "{} {expected}", n[0]);
            Ok(())
        })())?;
    }
}

#[test]
fn all_functions_keep_the_dtype() -> Result<()> {
    for dtype in [DType::F32, DType::F64] {
        let x = (numbers(&[3, 2, 3], 0)?.to_dtype(dtype)?.abs()? + 0.1)?;
        let sparse = Graph::from_indices(&[0, 1, 1], &[2, 0, 1], 2)?;
        let adj = indices(&[0, 1, 2, 0, 1, 1], &[3, 2])?;
        let dense = Graph::dense(&adj, None)?;
        let mut results = vec![
            inverse_softplus(&x)?,
            norm(&x, None, false)?,
            normalize(&x, None)?,
        ];
        let (y, n) = normalize_and_return_norm(&x, Some(&[0, -1]), true)?;
        results.extend([y, n]);
        results.extend(evaluate_derivatives(|x| Ok(x.sqr()?), &x, 2)?);
        for graph in [&sparse, &dense] {
            results.push(gather_src(&x, graph)?);
            results.push(gather_dst(&x, graph)?);
            results.push(indexed_softmax(&x, graph, Some(&x))?);
            for f in [indexed_sum, indexed_min, indexed_max] {
                results.push(f(&x, graph, false)?);
                results.push(f(&x, graph, true)?);
            }
        }
        assert!(results.iter().all(|y| y.dtype() == dtype));
    }
    Ok(())
}

#[test]
fn integers_are_gathered_and_reduced() -> Result<()> {
    let graph = Graph::from_indices(&[0, 0, 2], &[1, 2, 0], 3)?;
    for dtype in [DType::U8, DType::U32, DType::I16, DType::I32, DType::I64] {
        let x = Tensor::new(&[1i64, 8, 6], &Device::Cpu)?.to_dtype(dtype)?;
        let y = gather_src(&x, &graph)?;
        assert_eq!((y.dtype(), flat(&y)?), (dtype, vec![8.0, 6.0, 1.0]));
        let sum = indexed_sum(&y, &graph, false)?;
        assert_eq!((sum.dtype(), flat(&sum)?), (dtype, vec![14.0, 0.0, 1.0]));
        assert_eq!(flat(&indexed_max(&y, &graph, true)?)?, [8.0, 8.0, 1.0]);
        assert_eq!(flat(&indexed_min(&y, &graph, true)?)?, [6.0, 6.0, 1.0]);
    }
    let x = Tensor::new(&[1i64, 8, 6], &Device::Cpu)?;
    assert_eq!(
        indexed_min(&x, &graph, false)?.to_vec1::<i64>()?,
        [1, i64::MAX, 6]
    );
    Ok(())
}

#[test]
fn empty_tensors_work() -> Result<()> {
    let graph = Graph::sparse(&indices(&[], &[0])?, &indices(&[], &[0])?, 0)?;
    let none = Tensor::zeros((0, 3), DType::F64, &Device::Cpu)?;
    assert_eq!(gather_src(&none, &graph)?.dims(), [0, 3]);
    for f in [indexed_sum, indexed_min, indexed_max] {
        assert_eq!(f(&none, &graph, false)?.dims(), [0, 3]);
        assert_eq!(f(&none, &graph, true)?.dims(), [0, 3]);
    }
    assert_eq!(indexed_softmax(&none, &graph, None)?.dims(), [0, 3]);
    assert_eq!(graph.edges(0)?.len(), 0);
    let graph = Graph::sparse_dst(&indices(&[], &[0])?, 2)?;
    assert_eq!(flat(&indexed_sum(&none, &graph, false)?)?, [0.0; 6]);
    let graph = Graph::dense(&indices(&[], &[2, 0])?, None)?;
    let x = Tensor::zeros((2, 0, 3), DType::F32, &Device::Cpu)?;
    assert_eq!(flat(&indexed_sum(&x, &graph, false)?)?, [0.0; 6]);
    assert_eq!(indexed_softmax(&x, &graph, None)?.dims(), [2, 0, 3]);
    let no_features = Tensor::zeros((3, 0), DType::F64, &Device::Cpu)?;
    let graph = Graph::from_indices(&[0, 1, 1], &[0, 1, 2], 2)?;
    assert_eq!(indexed_max(&no_features, &graph, true)?.dims(), [3, 0]);
    for axis in [None, Some(&[0][..]), Some(&[-1])] {
        let (y, n) = normalize_and_return_norm(&none, axis, false)?;
        assert_eq!(y.dims(), [0, 3]);
        assert_eq!(flat(&n)?, vec![0.0; n.elem_count()]);
    }
    let (dst, src) = dense_to_sparse_indices(&indices(&[], &[2, 3, 0])?, None)?;
    assert_eq!((dst.dims(), src.dims()), (&[2, 0][..], &[2, 0][..]));
    Ok(())
}

#[test]
fn conversions_keep_the_dtype() -> Result<()> {
    let adj = Tensor::new(&[[1u32, 2], [0, 3], [0, 3]], &Device::Cpu)?;
    let (dst, src) = dense_to_sparse_indices(&adj, Some(3))?;
    assert_eq!(dst.to_vec1::<u32>()?, [0, 0, 1, 2]);
    let back = sparse_to_dense_indices(&dst, &src, Some(3))?;
    assert_eq!(back.to_vec2::<u32>()?, adj.to_vec2::<u32>()?);
    Ok(())
}

/// The name of the argument that an error complains about.
fn culprit<T>(result: Result<T>) -> String {
    match result.err() {
        Some(Error::Argument { argument, .. }) => argument.to_string(),
        Some(other) => format!("another error: {other}"),
        None => "no error".to_string(),
    }
}

#[test]
fn bad_input_names_the_argument() -> Result<()> {
    let (two, three) = (indices(&[0, 1], &[2])?, indices(&[0, 1, 2], &[3])?);
    let (float, scalar) = (numbers(&[2], 0)?, Tensor::new(0i64, &Device::Cpu)?);
    let negative = indices(&[0, -1], &[2])?;
    let square = indices(&[0, 1, 1, 0], &[2, 2])?;
    let mask = Tensor::ones((2, 2), DType::U8, &Device::Cpu)?;
    let dst_only = Graph::sparse_dst(&two, 2)?;
    let src_only = Graph::sparse_src(&two)?;
    let sparse = Graph::sparse(&two, &two, 2)?;
    let dense = Graph::dense(&square, Some(&mask))?;
    let batched = Graph::sparse(&square, &square, 2)?;
    let no_segments = Graph::sparse_dst(&two, 0)?;
    let half = float.to_dtype(DType::F16)?;
    let number = Tensor::new(1.0, &Device::Cpu)?;
    let integer = indices(&[1, 2], &[2])?;
    let no_node = numbers(&[0, 2], 0)?;
    let cases = [
        ("src_idx", culprit(Graph::sparse(&two, &three, 2))),
        ("dst_idx", culprit(Graph::sparse(&scalar, &scalar, 2))),
        ("dst_idx", culprit(Graph::sparse(&negative, &two, 2))),
        ("src_idx", culprit(Graph::sparse(&two, &negative, 2))),
        ("dst_idx", culprit(Graph::sparse(&float, &two, 2))),
        (
            "num_segments",
            culprit(Graph::sparse(&two, &two, usize::MAX)),
        ),
        (
            "num_segments",
            culprit(Graph::sparse(&square, &square, usize::MAX)),
        ),
        ("src_idx", culprit(Graph::from_indices(&[0, 1], &[0], 2))),
        (
            "src_idx",
            culprit(Graph::from_indices(&[0, 1], &[0, -2], 2)),
        ),
        ("adj_idx", culprit(Graph::dense(&two, None))),
        (
            "adj_idx",
            culprit(Graph::dense(&mask.to_dtype(DType::F32)?, None)),
        ),
        (
            "where",
            culprit(Graph::dense(&square, Some(&mask.narrow(0, 0, 1)?))),
        ),
        ("where", culprit(Graph::dense(&square, Some(&square)))),
        ("graph", culprit(gather_src(&float, &dst_only))),
        ("graph", culprit(gather_dst(&float, &src_only))),
        ("graph", culprit(indexed_sum(&float, &src_only, false))),
        ("graph", culprit(dst_only.edges(2))),
        ("graph", culprit(src_only.edges(2))),
        ("num_nodes", culprit(sparse.edges(0))),
        ("num_nodes", culprit(sparse.edges(usize::MAX))),
        ("inputs", culprit(gather_src(&number, &sparse))),
        ("inputs", culprit(gather_src(&no_node, &sparse))),
        ("inputs", culprit(gather_src(&half, &sparse))),
        (
            "inputs",
            culprit(gather_src(&numbers(&[3, 2], 0)?, &batched)),
        ),
        ("inputs", culprit(gather_src(&float, &batched))),
        ("inputs", culprit(gather_dst(&numbers(&[3, 2], 0)?, &dense))),
        (
            "inputs",
            culprit(indexed_sum(&numbers(&[3], 0)?, &sparse, false)),
        ),
        ("inputs", culprit(indexed_max(&half, &sparse, false))),
        ("inputs", culprit(indexed_min(&number, &sparse, false))),
        (
            "inputs",
            culprit(indexed_sum(&numbers(&[2, 3], 0)?, &dense, true)),
        ),
        ("inputs", culprit(indexed_sum(&float, &no_segments, true))),
        ("inputs", culprit(indexed_softmax(&integer, &sparse, None))),
        (
            "multiplicative_mask",
            culprit(indexed_softmax(&float, &sparse, Some(&numbers(&[3], 0)?))),
        ),
        (
            "multiplicative_mask",
            culprit(indexed_softmax(&float, &sparse, Some(&integer))),
        ),
        ("x", culprit(norm(&integer, None, false))),
        ("axis", culprit(norm(&float, Some(&[1]), false))),
        ("axis", culprit(norm(&float, Some(&[-2]), false))),
        ("axis", culprit(normalize(&float, Some(&[0, -1])))),
        ("axis", culprit(normalize(&float, Some(&[isize::MIN])))),
        ("axis", culprit(normalize(&number, Some(&[-1])))),
        ("x", culprit(inverse_softplus(&half))),
        (
            "x",
            culprit(evaluate_derivatives(|x| Ok(x.clone()), &integer, 1)),
        ),
        ("num", culprit(dense_pairwise_indices(0, true))),
        ("num", culprit(sparse_pairwise_indices(0, false))),
        ("num", culprit(sparse_pairwise_indices(usize::MAX, false))),
        ("adj_idx", culprit(dense_to_sparse_indices(&two, None))),
        (
            "adj_idx",
            culprit(dense_to_sparse_indices(&negative.reshape((1, 2))?, None)),
        ),
        (
            "src_idx",
            culprit(sparse_to_dense_indices(&two, &three, None)),
        ),
        (
            "dst_idx",
            culprit(sparse_to_dense_indices(&scalar, &scalar, None)),
        ),
        (
            "dst_idx",
            culprit(sparse_to_dense_indices(&negative, &two, None)),
        ),
        (
            "pad_idx",
            culprit(sparse_to_dense_indices(&two, &two, Some(usize::MAX))),
        ),
    ];
    for (i, (expected, actual)) in cases.iter().enumerate() {
        assert_eq!(expected, actual, "case {i}");
    }
    Ok(())
}

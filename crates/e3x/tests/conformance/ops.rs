//! Operations of `e3x.ops`.

use candle_core::Tensor;
use e3x::ops::{self, Graph};

use crate::case::{Case, Outputs, Result};
use crate::registry::Function;

pub fn find(name: &str) -> Option<Function> {
    Some(match name {
        "inverse_softplus" => |case| Ok(ops::inverse_softplus(&case.input("x")?)?.into()),
        "dense_pairwise_indices" => dense_pairwise_indices,
        "sparse_pairwise_indices" => sparse_pairwise_indices,
        "dense_to_sparse_indices" => dense_to_sparse_indices,
        "sparse_to_dense_indices" => sparse_to_dense_indices,
        "gather_src" => |case| {
            let inputs = case.input("inputs")?;
            Ok(ops::gather_src(&inputs, &sources(case)?)?.into())
        },
        "gather_dst" => |case| {
            let inputs = case.input("inputs")?;
            Ok(ops::gather_dst(&inputs, &destinations(case, &inputs)?)?.into())
        },
        "indexed_sum" => |case| reduce(case, ops::indexed_sum),
        "indexed_min" => |case| reduce(case, ops::indexed_min),
        "indexed_max" => |case| reduce(case, ops::indexed_max),
        "indexed_softmax" => indexed_softmax,
        "norm" => norm,
        "normalize" => normalize,
        "normalize_and_return_norm" => normalize_and_return_norm,
        _ => return None,
    })
}

fn dense_pairwise_indices(case: &Case) -> Result<Outputs> {
    let mask_self = case.args.or("mask_self", true)?;
    Ok(ops::dense_pairwise_indices(case.args.required("num")?, mask_self)?.into())
}

fn sparse_pairwise_indices(case: &Case) -> Result<Outputs> {
    let mask_self = case.args.or("mask_self", true)?;
    let (dst, src) = ops::sparse_pairwise_indices(case.args.required("num")?, mask_self)?;
    Ok(vec![dst, src].into())
}

fn dense_to_sparse_indices(case: &Case) -> Result<Outputs> {
    let pad_idx = case.args.get("pad_idx")?;
    let (dst, src) = ops::dense_to_sparse_indices(&case.input("adj_idx")?, pad_idx)?;
    Ok(vec![dst, src].into())
}

fn sparse_to_dense_indices(case: &Case) -> Result<Outputs> {
    let (dst, src) = (case.input("dst_idx")?, case.input("src_idx")?);
    Ok(ops::sparse_to_dense_indices(&dst, &src, case.args.get("pad_idx")?)?.into())
}

/// The graph of a case with a dense list, or with both halves of a sparse one.
///
/// `num_segments` defaults to the number of nodes, as in E3x.
pub fn graph(case: &Case, num_nodes: usize) -> Result<Graph> {
    if let Some(adj_idx) = case.optional("adj_idx") {
        return Ok(Graph::dense(&adj_idx, case.optional("where").as_ref())?);
    }
    let (dst, src) = (case.input("dst_idx")?, case.input("src_idx")?);
    let num_segments = case.args.or("num_segments", num_nodes)?;
    check_sorted(case, &dst)?;
    Ok(Graph::sparse(&dst, &src, num_segments)?)
}

/// A graph of sources only.
fn sources(case: &Case) -> Result<Graph> {
    Ok(match case.optional("adj_idx") {
        Some(adj_idx) => Graph::dense(&adj_idx, None)?,
        None => Graph::sparse_src(&case.input("src_idx")?)?,
    })
}

/// A graph of destinations only.
fn destinations(case: &Case, inputs: &Tensor) -> Result<Graph> {
    if let Some(adj_idx) = case.optional("adj_idx") {
        return Ok(Graph::dense(&adj_idx, case.optional("where").as_ref())?);
    }
    let dst_idx = case.input("dst_idx")?;
    let axis = dst_idx.rank() - 1;
    let num_segments = case.args.or("num_segments", inputs.dim(axis)?)?;
    check_sorted(case, &dst_idx)?;
    Ok(Graph::sparse_dst(&dst_idx, num_segments)?)
}

/// `indices_are_sorted` is a promise that speeds up E3x; here it has no effect.
fn check_sorted(case: &Case, dst_idx: &Tensor) -> Result<()> {
    if case.args.or("indices_are_sorted", false)? {
        let last = *dst_idx.dims().last().unwrap_or(&1);
        let indices = dst_idx.flatten_all()?.to_vec1::<i64>()?;
        if last > 0 && !indices.chunks(last).all(<[i64]>::is_sorted) {
            return Err("indices_are_sorted, but they are not".into());
        }
    }
    Ok(())
}

fn reduce(
    case: &Case,
    operation: fn(&Tensor, &Graph, bool) -> e3x::Result<Tensor>,
) -> Result<Outputs> {
    let inputs = case.input("inputs")?;
    let keepdims = case.args.or("keepdims", false)?;
    Ok(operation(&inputs, &destinations(case, &inputs)?, keepdims)?.into())
}

fn indexed_softmax(case: &Case) -> Result<Outputs> {
    let inputs = case.input("inputs")?;
    let mask = case.optional("multiplicative_mask");
    let graph = destinations(case, &inputs)?;
    Ok(ops::indexed_softmax(&inputs, &graph, mask.as_ref())?.into())
}

/// `axis`: absent (all), a number or a list.
fn axis(case: &Case) -> Result<Option<Vec<isize>>> {
    let Some(value) = case.args.get::<serde_json::Value>("axis")? else {
        return Ok(None);
    };
    let list = if value.is_array() {
        value
    } else {
        vec![value].into()
    };
    Ok(Some(serde_json::from_value(list)?))
}

fn norm(case: &Case) -> Result<Outputs> {
    let (axis, keepdims) = (axis(case)?, case.args.or("keepdims", false)?);
    Ok(ops::norm(&case.input("x")?, axis.as_deref(), keepdims)?.into())
}

fn normalize(case: &Case) -> Result<Outputs> {
    Ok(ops::normalize(&case.input("x")?, axis(case)?.as_deref())?.into())
}

fn normalize_and_return_norm(case: &Case) -> Result<Outputs> {
    let (axis, keepdims) = (axis(case)?, case.args.or("keepdims", false)?);
    let x = case.input("x")?;
    let (unit, norm) = ops::normalize_and_return_norm(&x, axis.as_deref(), keepdims)?;
    Ok(vec![unit, norm].into())
}

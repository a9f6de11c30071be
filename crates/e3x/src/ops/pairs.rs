//! Index lists of all pairs, and conversions between sparse and dense lists.

use candle_core::{DType, Device, Tensor};

use super::indices::{check_same_shape, read};
use crate::{Error, Result};

/// Dense index list of all pairs of `num` elements: E3x's `ops.dense_pairwise_indices`.
///
/// # Shapes
/// `(num, num - 1)`, or `(num, num)` with `mask_self == false`, which pairs each element with
/// itself too; `i64`.
///
/// ```
/// let adj = e3x::ops::dense_pairwise_indices(3, true)?;
/// assert_eq!(adj.to_vec2::<i64>()?, [[1, 2], [0, 2], [0, 1]]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `num` is zero or the list has more entries than memory can hold.
pub fn dense_pairwise_indices(num: usize, mask_self: bool) -> Result<Tensor> {
    let (_, src) = pairs(num, mask_self)?;
    let width = num - usize::from(mask_self);
    Ok(Tensor::from_vec(src, (num, width), &Device::Cpu)?)
}

/// Sparse index list `(dst_idx, src_idx)` of all pairs of `num` elements: E3x's
/// `ops.sparse_pairwise_indices`.
///
/// # Shapes
/// `(num * (num - 1),)`, or `(num^2,)` with `mask_self == false`; `i64`.
///
/// ```
/// let (dst, src) = e3x::ops::sparse_pairwise_indices(2, true)?;
/// assert_eq!(dst.to_vec1::<i64>()?, [0, 1]);
/// assert_eq!(src.to_vec1::<i64>()?, [1, 0]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// As [`dense_pairwise_indices`].
pub fn sparse_pairwise_indices(num: usize, mask_self: bool) -> Result<(Tensor, Tensor)> {
    let (dst, src) = pairs(num, mask_self)?;
    let len = dst.len();
    Ok((
        Tensor::from_vec(dst, len, &Device::Cpu)?,
        Tensor::from_vec(src, len, &Device::Cpu)?,
    ))
}

fn pairs(num: usize, mask_self: bool) -> Result<(Vec<i64>, Vec<i64>)> {
    if num == 0 {
        return Err(Error::argument("num", "at least 1", "0"));
    }
    let size = num.checked_mul(num - usize::from(mask_self));
    let (mut dst, mut src) = (reserve("num", size)?, reserve("num", size)?);
    for i in 0..num {
        for j in (0..num).filter(|&j| !(mask_self && i == j)) {
            dst.push(i as i64);
            src.push(j as i64);
        }
    }
    Ok((dst, src))
}

/// An empty vector with room for `size` values, `None` being too many.
fn reserve(argument: &'static str, size: Option<usize>) -> Result<Vec<i64>> {
    let mut values = Vec::new();
    match size.map(|size| values.try_reserve_exact(size)) {
        Some(Ok(())) => Ok(values),
        _ => Err(Error::argument(
            argument,
            "an index list that fits into memory",
            size.map_or("2^64 entries or more".into(), |n| format!("{n} entries")),
        )),
    }
}

/// Dense to sparse index list, `(dst_idx, src_idx)`: E3x's `ops.dense_to_sparse_indices`.
///
/// Indices at or beyond `pad_idx` are padding and left out; without `pad_idx`, none is. If the
/// items of a batch have different numbers of edges, the shorter lists end with `pad_idx`.
///
/// # Shapes
/// `adj_idx`: `(..., N, M)`; the results: `(..., P)`, with its dtype.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let adj = Tensor::new(&[[1i64, 2], [0, 3], [0, 3]], &Device::Cpu)?;
/// let (dst, src) = e3x::ops::dense_to_sparse_indices(&adj, Some(3))?;
/// assert_eq!(dst.to_vec1::<i64>()?, [0, 0, 1, 2]);
/// assert_eq!(src.to_vec1::<i64>()?, [1, 2, 0, 0]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `adj_idx` has fewer than two axes, is neither i64 nor u32, or holds a negative index.
pub fn dense_to_sparse_indices(
    adj_idx: &Tensor,
    pad_idx: Option<usize>,
) -> Result<(Tensor, Tensor)> {
    let [batch @ .., num, width] = adj_idx.dims() else {
        let received = format!("shape {:?}", adj_idx.dims());
        return Err(Error::argument("adj_idx", "at least two axes", received));
    };
    let adj = read("adj_idx", adj_idx)?;
    let pad = pad_value(pad_idx, &adj);
    let items = batch.iter().product::<usize>();
    let mut edges = vec![(Vec::new(), Vec::new()); items];
    for (e, &j) in adj.iter().enumerate().filter(|&(_, &j)| i64::from(j) < pad) {
        let row = e / width;
        let (dst, src) = &mut edges[row / num];
        dst.push((row % num) as i64);
        src.push(i64::from(j));
    }
    let size = edges.iter().map(|(dst, _)| dst.len()).max().unwrap_or(0);
    let (mut dst, mut src) = (vec![], vec![]);
    for (d, s) in edges {
        let padding = vec![pad; size - d.len()];
        dst.extend(d.into_iter().chain(padding.iter().copied()));
        src.extend(s.into_iter().chain(padding));
    }
    let dims = [batch, &[size]].concat();
    Ok((
        to_tensor(dst, dims.clone(), adj_idx)?,
        to_tensor(src, dims, adj_idx)?,
    ))
}

/// Sparse to dense index list: E3x's `ops.sparse_to_dense_indices`.
///
/// Row `i` lists the sources of destination `i` in their order, filled up with `pad_idx`. Edges
/// whose destination is at or beyond `pad_idx` are left out; without `pad_idx`, none is, and
/// `pad_idx` is one more than the largest destination.
///
/// # Shapes
/// `dst_idx`, `src_idx`: `(..., P)`; the result: `(..., pad_idx, M)` with the dtype of `dst_idx`
/// and the largest number M of sources of a destination. Without edges: `(..., 0, 0)`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let dst = Tensor::new(&[0i64, 2, 0], &Device::Cpu)?;
/// let src = Tensor::new(&[1i64, 0, 2], &Device::Cpu)?;
/// let adj = e3x::ops::sparse_to_dense_indices(&dst, &src, None)?;
/// assert_eq!(adj.to_vec2::<i64>()?, [[1, 2], [3, 3], [0, 3]]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If the shapes differ or have no axis, a dtype is neither i64 nor u32, an index is negative, or
/// the result does not fit into memory.
pub fn sparse_to_dense_indices(
    dst_idx: &Tensor,
    src_idx: &Tensor,
    pad_idx: Option<usize>,
) -> Result<Tensor> {
    check_same_shape("src_idx", src_idx, "dst_idx", dst_idx)?;
    let [batch @ .., len] = dst_idx.dims() else {
        return Err(Error::argument("dst_idx", "at least one axis", "a scalar"));
    };
    let (dst, src) = (read("dst_idx", dst_idx)?, read("src_idx", src_idx)?);
    if dst.is_empty() {
        return to_tensor(vec![], [batch, &[0, 0]].concat(), dst_idx);
    }
    let pad = pad_value(pad_idx, &dst);
    let (items, num) = (dst.len() / len, pad as usize);
    let rows = items.checked_mul(num);
    let mut counts = reserve("pad_idx", rows)?;
    counts.resize(items * num, 0);
    let used = |(e, (&i, &j)): (usize, (&u32, &u32))| {
        (i64::from(i) < pad).then(|| (e / len * num + i as usize, i64::from(j)))
    };
    let edges = || dst.iter().zip(&src).enumerate().filter_map(used);
    edges().for_each(|(row, _)| counts[row] += 1);
    let width = counts.iter().copied().max().unwrap_or(0) as usize;
    let mut adj = reserve("pad_idx", rows.and_then(|rows| rows.checked_mul(width)))?;
    adj.resize(counts.len() * width, pad);
    counts.fill(0);
    for (row, j) in edges() {
        adj[row * width + counts[row] as usize] = j;
        counts[row] += 1;
    }
    to_tensor(adj, [batch, &[num, width]].concat(), dst_idx)
}

/// `pad_idx`, or one more than the largest index.
fn pad_value(pad_idx: Option<usize>, indices: &[u32]) -> i64 {
    match pad_idx {
        Some(pad) => i64::try_from(pad).unwrap_or(i64::MAX),
        None => indices.iter().max().map_or(0, |&max| i64::from(max) + 1),
    }
}

/// A tensor with the dtype and device of `like`.
fn to_tensor(values: Vec<i64>, dims: Vec<usize>, like: &Tensor) -> Result<Tensor> {
    if like.dtype() == DType::U32 {
        let values = values
            .into_iter()
            .map(|v| u32::try_from(v).unwrap_or(u32::MAX));
        return Ok(Tensor::from_vec(values.collect(), dims, like.device())?);
    }
    Ok(Tensor::from_vec(values, dims, like.device())?)
}

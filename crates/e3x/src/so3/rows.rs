//! Helpers for functions of batches of vectors and 3×3 matrices.

use candle_core::{DType, Device, Tensor};

use crate::error::check_float;
use crate::{Error, Result, ops};

/// The leading axes of `x`, whose last ones must be `trailing`.
pub(super) fn leading<'a>(
    argument: &'static str,
    x: &'a Tensor,
    trailing: &[usize],
) -> Result<&'a [usize]> {
    check_float(argument, x.dtype())?;
    if let Some(batch) = x.dims().strip_suffix(trailing) {
        return Ok(batch);
    }
    let axes: Vec<_> = trailing.iter().map(|size| format!(", {size}")).collect();
    Err(Error::argument(
        argument,
        format!("shape (...{})", axes.concat()),
        format!("shape {:?}", x.dims()),
    ))
}

/// The shape that leading axes broadcast to.
pub(super) fn broadcast(
    argument: &'static str,
    dims: &[usize],
    other: &'static str,
    other_dims: &[usize],
) -> Result<Vec<usize>> {
    let rank = dims.len().max(other_dims.len());
    let size = |dims: &[usize], axis: usize| {
        let missing = rank - dims.len();
        axis.checked_sub(missing).map_or(1, |i| dims[i])
    };
    (0..rank)
        .map(|axis| match (size(dims, axis), size(other_dims, axis)) {
            (1, n) | (n, 1) => Ok(n),
            (n, m) if n == m => Ok(n),
            _ => Err(Error::argument(
                argument,
                format!("leading axes that broadcast with those of {other}, {other_dims:?}"),
                format!("{dims:?}"),
            )),
        })
        .collect()
}

/// The values of a tensor, all of which must be finite.
pub(super) fn finite(argument: &'static str, x: &Tensor) -> Result<Vec<f64>> {
    let values: Vec<f64> = x
        .detach()
        .to_dtype(DType::F64)?
        .flatten_all()?
        .to_vec1::<f64>()?;
    match values.iter().find(|value| !value.is_finite()) {
        Some(&actual) => Err(e3x_so3::Error::NotFinite { argument, actual }.into()),
        None => Ok(values),
    }
}

/// A tensor of constants with the dtype and on the device of `like`.
pub(super) fn constant(values: Vec<f64>, shape: &[usize], like: &Tensor) -> Result<Tensor> {
    Ok(Tensor::from_vec(values, shape, &Device::Cpu)?
        .to_dtype(like.dtype())?
        .to_device(like.device())?)
}

/// Unit vectors along the rows of `x`, shape `(n, width)`; rows of zeros stay what they are.
///
/// Rows are scaled first, so that neither small nor large ones lose their direction.
pub(super) fn unit(argument: &'static str, x: &Tensor) -> Result<Tensor> {
    let largest_scale = if x.dtype() == DType::F32 {
        f64::from(f32::MAX)
    } else {
        f64::MAX
    };
    let scale = |row: &[f64]| {
        let largest = row.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        if largest > 0.0 {
            (1.0 / largest).min(largest_scale)
        } else {
            1.0
        }
    };
    let values = finite(argument, x)?;
    let scales: Vec<_> = values.chunks_exact(x.dim(1)?).map(scale).collect();
    let rows = scales.len();
    let scaled = x.broadcast_mul(&constant(scales, &[rows, 1], x)?)?;
    ops::normalize(&scaled, Some(&[-1]))
}

/// The Levi-Civita symbol.
pub(super) fn levi_civita(i: usize, j: usize, k: usize) -> f64 {
    match (i, j, k) {
        (0, 1, 2) | (1, 2, 0) | (2, 0, 1) => 1.0,
        (0, 2, 1) | (2, 1, 0) | (1, 0, 2) => -1.0,
        _ => 0.0,
    }
}

/// Matrices `S[i, j] = Σ_k ε_ijk w[k]` with `r @ S = w × r`, shape `(n, 3)` to `(n, 3, 3)`.
pub(crate) fn skew(w: &Tensor) -> Result<Tensor> {
    let symbols = (0..27).map(|i| levi_civita(i / 3 % 3, i % 3, i / 9));
    let symbols = constant(symbols.collect(), &[3, 9], w)?;
    Ok(w.matmul(&symbols)?.reshape(((), 3, 3))?)
}

/// Row by row `a × b`, shapes `(n, 3)`.
pub(super) fn cross(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    Ok(b.unsqueeze(1)?.matmul(&skew(a)?)?.squeeze(1)?)
}

/// Row by row `a · b`, shapes `(n, 3)` to `(n, 1)`.
pub(super) fn dot(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    Ok(a.mul(b)?.sum_keepdim(1)?)
}

//! Helpers that change the shape or the frame of features, as in E3x's `nn/features.py`.

use candle_core::{Device, Tensor};
use e3x_kernels::rows::{RowCopy, RowMap};

use crate::error::{check_float, check_same_dtype};
use crate::op::combine::sum;
use crate::op::layer::Residual;
use crate::op::rows::move_rows;
use crate::op::tape::{Few, view};
use crate::{Error, FeatureShape, Result};

/// Largest degree that the functions here accept; far beyond what fits in memory with features.
const MAX_DEGREE: usize = 4096;

fn check_degree(max_degree: usize) -> Result<()> {
    if max_degree <= MAX_DEGREE {
        return Ok(());
    }
    Err(Error::argument(
        "max_degree",
        format!("at most {MAX_DEGREE}"),
        max_degree.to_string(),
    ))
}

/// Degree of an entry of the axis of degrees.
fn degree_of(entry: usize) -> usize {
    entry.isqrt()
}

/// 1 for every entry of an even degree, 0 for the others; shape `((max_degree + 1)^2, 1)`, u8.
///
/// ```
/// use candle_core::Device;
/// let mask = e3x::nn::even_degree_mask(1, &Device::Cpu)?;
/// assert_eq!(mask.to_vec2::<u8>()?, [[1], [0], [0], [0]]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `max_degree` is larger than 4096, or the tensor cannot be created.
pub fn even_degree_mask(max_degree: usize, device: &Device) -> Result<Tensor> {
    degree_mask(max_degree, 0, device)
}

/// 1 for every entry of an odd degree, 0 for the others; shape `((max_degree + 1)^2, 1)`, u8.
///
/// ```
/// use candle_core::Device;
/// let mask = e3x::nn::odd_degree_mask(1, &Device::Cpu)?;
/// assert_eq!(mask.to_vec2::<u8>()?, [[0], [1], [1], [1]]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `max_degree` is larger than 4096, or the tensor cannot be created.
pub fn odd_degree_mask(max_degree: usize, device: &Device) -> Result<Tensor> {
    degree_mask(max_degree, 1, device)
}

fn degree_mask(max_degree: usize, remainder: usize, device: &Device) -> Result<Tensor> {
    check_degree(max_degree)?;
    let size = (max_degree + 1).pow(2);
    let mask = (0..size).map(|i| u8::from(degree_of(i) % 2 == remainder));
    Ok(Tensor::from_iter(mask, device)?.reshape((size, 1))?)
}

/// Applies a row map to the parity and degree axes of features.
fn map_rows(x: &Tensor, shape: FeatureShape, out: FeatureShape, map: RowMap) -> Result<Tensor> {
    let batch = shape.check("x", x)?.to_vec();
    let items: usize = batch.iter().product();
    let rows = shape.parity * shape.size();
    let y = move_rows(map, &view(x, (items, rows, shape.features))?)?;
    view(&y, out.with_batch(&batch))
}

/// Where the rows of features of one shape go in those of another.
fn row_map(shape: FeatureShape, out: FeatureShape) -> Result<RowMap> {
    // Where the entry of a degree sits, for each parity that both sides have.
    let row = |side: FeatureShape, entry: usize, parity: usize| match side.parity {
        1 => entry,
        _ => parity * side.size() + entry,
    };
    let common = shape.size().min(out.size());
    let mut copies = Vec::with_capacity(2 * common);
    for parity in 0..2 {
        for entry in 0..common {
            let stored_by_both = shape.parity == 2 && out.parity == 2;
            if stored_by_both || degree_of(entry) % 2 == parity {
                copies.push(RowCopy {
                    from: row(shape, entry, parity),
                    to: row(out, entry, parity),
                    negate: false,
                });
            }
        }
    }
    Ok(RowMap::new(
        shape.parity * shape.size(),
        out.parity * out.size(),
        copies,
    )?)
}

/// `x` as something that is added to features of the shape `out` with leading axes `batch`, if all of it fits there:
/// what it lacks counts as zero, as in [`add`].
pub(crate) fn as_residual<'a>(
    x: &'a Tensor,
    out: FeatureShape,
    batch: &[usize],
) -> Result<Option<Residual<'a>>> {
    let shape = FeatureShape::of("x", x)?;
    if shape.features != out.features || shape.join(out)? != out || shape.check("x", x)? != batch {
        return Ok(None);
    }
    let map = if shape == out {
        None
    } else {
        Some(row_map(shape, out)?)
    };
    Ok(Some(Residual { features: x, map }))
}

/// Changes the maximum degree of features, and whether they include pseudotensors.
///
/// Entries that are new are zero, entries that have no place any more are dropped. `None` keeps
/// what `x` has. Features without pseudotensors store degree l with parity (-1)^l only; with
/// pseudotensors that degree sits at index l % 2 of the parity axis (E3x, arXiv:2401.07595).
///
/// # Shapes
/// `x` is `(..., 1 or 2, (L+1)^2, F)`, the result `(..., 1 or 2, (max_degree+1)^2, F)`.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use e3x::nn::change_max_degree_or_type;
/// let x = Tensor::ones((5, 1, 4, 8), DType::F32, &Device::Cpu)?;
/// assert_eq!(change_max_degree_or_type(&x, Some(2), Some(true))?.dims(), [5, 2, 9, 8]);
/// assert_eq!(change_max_degree_or_type(&x, Some(0), None)?.dims(), [5, 1, 1, 8]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `x` does not have the shape of features or is not floating point, or `max_degree` is larger
/// than 4096.
pub fn change_max_degree_or_type(
    x: &Tensor,
    max_degree: Option<usize>,
    include_pseudotensors: Option<bool>,
) -> Result<Tensor> {
    check_float("x", x.dtype())?;
    let shape = FeatureShape::of("x", x)?;
    let out = FeatureShape {
        parity: include_pseudotensors.map_or(shape.parity, |include| 1 + usize::from(include)),
        max_degree: max_degree.unwrap_or(shape.max_degree),
        ..shape
    };
    if out == shape {
        return Ok(x.clone());
    }
    check_degree(out.max_degree)?;
    map_rows(x, shape, out, row_map(shape, out)?)
}

/// The mirror image of features: everything of odd parity changes its sign.
///
/// # Shapes
/// `x` is `(..., 1 or 2, (L+1)^2, F)`, and so is the result.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[[1.0f32], [2.0], [3.0], [4.0]]], &Device::Cpu)?; // P = 1, L = 1
/// let y = e3x::nn::reflect(&x)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [1.0, -2.0, -3.0, -4.0]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `x` does not have the shape of features or is not floating point.
pub fn reflect(x: &Tensor) -> Result<Tensor> {
    check_float("x", x.dtype())?;
    let shape = FeatureShape::of("x", x)?;
    let copies = (0..shape.parity * shape.size())
        .map(|row| RowCopy {
            from: row,
            to: row,
            negate: match shape.parity {
                1 => degree_of(row) % 2 == 1,
                _ => row >= shape.size(),
            },
        })
        .collect::<Vec<_>>();
    let map = RowMap::new(copies.len(), copies.len(), copies)?;
    map_rows(x, shape, shape, map)
}

/// Rotates features with a Wigner-D matrix: `y[.., m, f] = sum_l x[.., l, f] D[l, m]`.
///
/// # Shapes
/// `x` is `(..., 1 or 2, (L+1)^2, F)`; `wigner_d_matrix` is one matrix `((L+1)^2, (L+1)^2)` or one
/// for each item, `(..., (L+1)^2, (L+1)^2)`. The result has the shape of `x`.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// let x = Tensor::rand(-1.0, 1.0, (5, 2, 4, 8), &Device::Cpu)?;
/// let d = Tensor::eye(4, DType::F64, &Device::Cpu)?;
/// let y = e3x::nn::rotate(&x, &d)?;
/// assert_eq!((y - x)?.abs()?.max_all()?.to_scalar::<f64>()?, 0.0);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If the shapes or dtypes do not fit.
pub fn rotate(x: &Tensor, wigner_d_matrix: &Tensor) -> Result<Tensor> {
    check_float("x", x.dtype())?;
    check_same_dtype("wigner_d_matrix", wigner_d_matrix, "x", x)?;
    let shape = FeatureShape::of("x", x)?;
    let (size, batch) = (shape.size(), shape.check("x", x)?);
    let mut expected = batch.to_vec();
    expected.extend([size, size]);
    let one = wigner_d_matrix.dims() == [size, size];
    if !one && wigner_d_matrix.dims() != expected {
        return Err(Error::argument(
            "wigner_d_matrix",
            format!("shape [{size}, {size}] or {expected:?}"),
            format!("shape {:?}", wigner_d_matrix.dims()),
        ));
    }
    if x.elem_count() == 0 {
        return Ok(x.clone());
    }
    let items: usize = batch.iter().product();
    let (parity, features) = (shape.parity, shape.features);
    let transposed = wigner_d_matrix.t()?;
    let y = if one {
        let x = x.reshape((items * parity, size, features))?;
        transposed.contiguous()?.broadcast_matmul(&x)?
    } else {
        let d = transposed.reshape((items, 1, size, size))?;
        let x = x.reshape((items, parity, size, features))?;
        d.broadcast_matmul(&x)?
    };
    Ok(y.reshape(x.shape())?)
}

/// Adds features of different maximum degree, with or without pseudotensors.
///
/// The result has the largest maximum degree of the inputs, and pseudotensors if one of them has;
/// what an input lacks counts as zero.
///
/// # Shapes
/// Inputs `(..., 1 or 2, (L_i+1)^2, F)` with the same leading axes and the same F.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// let x = Tensor::ones((5, 1, 1, 8), DType::F32, &Device::Cpu)?;
/// let y = Tensor::ones((5, 2, 9, 8), DType::F32, &Device::Cpu)?;
/// assert_eq!(e3x::nn::add(&[&x, &y])?.dims(), [5, 2, 9, 8]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If there is no input, or the inputs differ in their leading axes, features or dtypes.
pub fn add(inputs: &[&Tensor]) -> Result<Tensor> {
    let Some((&first, rest)) = inputs.split_first() else {
        return Err(Error::argument("inputs", "at least one tensor", "none"));
    };
    check_float("inputs", first.dtype())?;
    let shape = FeatureShape::of("inputs", first)?;
    let batch = shape.check("inputs", first)?;
    let mut out = shape;
    for (i, &x) in rest.iter().enumerate() {
        check_same_dtype("inputs", x, "the first input", first)?;
        let other = FeatureShape::of("inputs", x)?;
        if other.check("inputs", x)? != batch || other.features != shape.features {
            return Err(Error::argument(
                "inputs",
                format!("leading axes {batch:?} and {} features", shape.features),
                format!("shape {:?} at position {}", x.dims(), i + 1),
            ));
        }
        out.parity = out.parity.max(other.parity);
        out.max_degree = out.max_degree.max(other.max_degree);
    }
    let widen = |x: &Tensor| {
        change_max_degree_or_type(x, Some(out.max_degree), Some(out.has_pseudotensors()))
    };
    let terms = inputs
        .iter()
        .map(|x| widen(x))
        .collect::<Result<Few<_>>>()?;
    sum(&terms.iter().collect::<Few<_>>())
}

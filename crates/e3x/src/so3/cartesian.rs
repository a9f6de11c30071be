//! Irreducible representations as traceless symmetric Cartesian tensors, and back.

use candle_core::{DType, Tensor};
use e3x_so3::Normalization;

use super::rows::leading;
use crate::op::cartesian::{Conversion, Direction};
use crate::{Error, Result};

/// The largest degree, whose tensors have `3^16` elements.
const MAX_DEGREE: usize = 16;

/// Converts irreducible representations of one degree into traceless symmetric tensors; E3x's
/// `so3.irreps_to_tensor`.
///
/// The harmonics of a unit vector become the traceless part of its outer product with itself.
/// Formula and source: [`e3x_so3::irreps_to_tensor`]. Linear, so differentiable to any order.
///
/// # Shapes
/// `x`: `(..., 2 degree + 1)`, result: `(..., 3, ..., 3)` with `degree` times 3, or `(..., 1)` for
/// degree 0.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::so3::{Normalization, irreps_to_tensor, tensor_to_irreps};
/// let x = Tensor::new(&[1.0, 2.0, 3.0, 4.0, 5.0], &Device::Cpu)?;
/// let tensor = irreps_to_tensor(&x, 2, true, Normalization::Racah)?;
/// assert_eq!(tensor.dims(), [3, 3]);
/// let back = tensor_to_irreps(&tensor, 2, true, Normalization::Racah)?;
/// assert!((back - x)?.abs()?.max_all()?.to_scalar::<f64>()? < 1e-14);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If the last axis of `x` does not fit, `x` is not floating point, `degree` is above 16, or the
/// result would have more than 2^30 elements.
pub fn irreps_to_tensor(
    x: &Tensor,
    degree: usize,
    cartesian_order: bool,
    normalization: Normalization,
) -> Result<Tensor> {
    check_degree(degree)?;
    let batch = leading("x", x, &[2 * degree + 1])?;
    let conversion = Conversion {
        direction: Direction::ToTensor,
        degree,
        cartesian_order,
        normalization,
    };
    convert(conversion, x, batch, &tensor_dims(degree))
}

/// Converts traceless symmetric tensors into irreducible representations; E3x's
/// `so3.tensor_to_irreps` and the inverse of [`irreps_to_tensor`].
///
/// The result for any other tensor is that of its traceless symmetric part, so gradients are
/// traceless symmetric as well (E3x reads only some of the elements). Formula and source:
/// [`e3x_so3::tensor_to_irreps`]. Linear, so differentiable to any order.
///
/// # Shapes
/// `x`: `(..., 3, ..., 3)` with `degree` times 3, or `(..., 1)` for degree 0; result:
/// `(..., 2 degree + 1)`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::so3::{Normalization, tensor_to_irreps};
/// let x = Tensor::new(&[1.0, 2.0, 3.0], &Device::Cpu)?;
/// let irreps = tensor_to_irreps(&x, 1, false, Normalization::Racah)?;
/// assert_eq!(irreps.to_vec1::<f64>()?, [2.0, 3.0, 1.0]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If the last axes of `x` do not fit, `x` is not floating point, or `degree` is above 16.
pub fn tensor_to_irreps(
    x: &Tensor,
    degree: usize,
    cartesian_order: bool,
    normalization: Normalization,
) -> Result<Tensor> {
    check_degree(degree)?;
    let batch = leading("x", x, &tensor_dims(degree))?;
    let conversion = Conversion {
        direction: Direction::ToIrreps,
        degree,
        cartesian_order,
        normalization,
    };
    convert(conversion, x, batch, &[2 * degree + 1])
}

/// Whether tensors are traceless and symmetric; E3x's `so3.is_traceless_symmetric`.
///
/// One answer for the whole batch. Elements `a`, `b` whose indices are permutations of each other
/// must satisfy `|a - b| <= atol + rtol |b|`, traces must be at most `atol` (E3x's default for both
/// is 1e-5); see [`e3x_so3::is_traceless_symmetric`]. NaN is not symmetric.
///
/// # Shapes
/// `x`: `(..., 3, ..., 3)` with `degree` times 3, or `(..., 1)` for degree 0.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, -2.0]], &Device::Cpu)?;
/// assert!(e3x::so3::is_traceless_symmetric(&x, 2, 1e-5, 1e-5)?);
/// assert!(!e3x::so3::is_traceless_symmetric(&(x + 1.0)?, 2, 1e-5, 1e-5)?);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If the last axes of `x` do not fit, `x` is not floating point, or `degree` is above 16.
pub fn is_traceless_symmetric(x: &Tensor, degree: usize, rtol: f64, atol: f64) -> Result<bool> {
    check_degree(degree)?;
    leading("x", x, &tensor_dims(degree))?;
    let values = x.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
    Ok(e3x_so3::is_traceless_symmetric(
        &values, degree, rtol, atol,
    )?)
}

fn check_degree(degree: usize) -> Result<()> {
    if degree <= MAX_DEGREE {
        return Ok(());
    }
    Err(Error::argument(
        "degree",
        format!("at most {MAX_DEGREE}"),
        degree.to_string(),
    ))
}

/// The axes of a tensor of a degree.
fn tensor_dims(degree: usize) -> Vec<usize> {
    if degree == 0 {
        vec![1]
    } else {
        vec![3; degree]
    }
}

fn convert(conversion: Conversion, x: &Tensor, batch: &[usize], axes: &[usize]) -> Result<Tensor> {
    let shape = [batch, axes].concat();
    if x.elem_count() == 0 {
        return Ok(Tensor::zeros(shape, x.dtype(), x.device())?);
    }
    Ok(conversion.apply(x)?.reshape(shape)?)
}

//! Norms whose derivatives are finite at zero: `e3x.ops.norm` and its relatives.

use candle_core::Tensor;

use crate::error::check_float;
use crate::op::norm::{row_norm, row_normalize};
use crate::op::tape::view;
use crate::{Error, Result};

/// L2 norm along `axis`: E3x's `ops.norm`.
///
/// Neither large nor small values overflow or underflow on the way. The derivative `x / |x|` is
/// zero at zero, the second derivative there is the identity, and all higher ones vanish (E3x's
/// convention; from the second order on it holds wherever `|x|^2` is not a normal number).
/// Rows are scaled one by one, so a tiny row beside a huge one keeps its norm; E3x, which scales
/// by the largest value of the whole array, returns zero for it.
///
/// # Shapes
/// `axis` lists the axes to reduce (negative: from the last; `None`: all of them). They are
/// removed, or kept with size one if `keepdims`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[3.0, 4.0], [0.0, 0.0]], &Device::Cpu)?;
/// let n = e3x::ops::norm(&x, Some(&[-1]), false)?;
/// assert_eq!(n.to_vec1::<f64>()?, [5.0, 0.0]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `x` is neither f32 nor f64, or an axis is out of range or named twice.
pub fn norm(x: &Tensor, axis: Option<&[isize]>, keepdims: bool) -> Result<Tensor> {
    let rows = Rows::new(x, axis)?;
    rows.restore_norm(&row_norm(&rows.to_rows(x)?)?, keepdims)
}

/// `x` divided by its norm along `axis`: E3x's `ops.normalize`.
///
/// Where the squared norm is not a normal number (about 2e-308 in f64, 1e-38 in f32), `x` is
/// returned as it is and the derivative is the identity.
///
/// # Shapes
/// That of `x`; `axis` as in [`norm`].
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[3.0, 4.0], [0.0, 0.0]], &Device::Cpu)?;
/// let y = e3x::ops::normalize(&x, Some(&[-1]))?;
/// assert_eq!(y.to_vec2::<f64>()?, [[0.6, 0.8], [0.0, 0.0]]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// As [`norm`].
pub fn normalize(x: &Tensor, axis: Option<&[isize]>) -> Result<Tensor> {
    let rows = Rows::new(x, axis)?;
    rows.restore(&row_normalize(&rows.to_rows(x)?)?)
}

/// [`normalize`] and [`norm`] in one call: E3x's `ops.normalize_and_return_norm`.
///
/// # Shapes
/// Those of [`normalize`] and [`norm`]; `keepdims` concerns the norm.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[3.0, 4.0], &Device::Cpu)?;
/// let (y, n) = e3x::ops::normalize_and_return_norm(&x, None, false)?;
/// assert_eq!(y.to_vec1::<f64>()?, [0.6, 0.8]);
/// assert_eq!(n.to_scalar::<f64>()?, 5.0);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// As [`norm`].
pub fn normalize_and_return_norm(
    x: &Tensor,
    axis: Option<&[isize]>,
    keepdims: bool,
) -> Result<(Tensor, Tensor)> {
    let rows = Rows::new(x, axis)?;
    let x = rows.to_rows(x)?;
    let unit = rows.restore(&row_normalize(&x)?)?;
    Ok((unit, rows.restore_norm(&row_norm(&x)?, keepdims)?))
}

/// How to move the axes that are reduced into one last axis, and back.
struct Rows {
    dims: Vec<usize>,
    is_reduced: Vec<bool>,
    /// Axes in the order kept, reduced.
    order: Vec<usize>,
}

impl Rows {
    fn new(x: &Tensor, axis: Option<&[isize]>) -> Result<Self> {
        check_float("x", x.dtype())?;
        let dims = x.dims().to_vec();
        let rank = dims.len();
        let mut is_reduced = vec![axis.is_none(); rank];
        for &axis in axis.unwrap_or_default() {
            let index = if axis < 0 { axis + rank as isize } else { axis };
            match usize::try_from(index)
                .ok()
                .and_then(|i| is_reduced.get_mut(i))
            {
                Some(flag) if !*flag => *flag = true,
                Some(_) => {
                    let received = format!("axis {axis} twice");
                    return Err(Error::argument("axis", "different axes", received));
                }
                None => {
                    let expected = format!("axes of a tensor of shape {dims:?}");
                    return Err(Error::argument("axis", expected, axis.to_string()));
                }
            }
        }
        let (reduced, kept): (Vec<_>, Vec<_>) = (0..rank).partition(|&i| is_reduced[i]);
        Ok(Self {
            order: [kept, reduced].concat(),
            dims,
            is_reduced,
        })
    }

    fn kept(&self) -> Vec<usize> {
        let axes = self.dims.iter().zip(&self.is_reduced);
        axes.filter(|&(_, &r)| !r).map(|(&d, _)| d).collect()
    }

    /// Whether the one axis that is reduced is the last.
    fn is_plain(&self) -> bool {
        matches!(self.is_reduced.split_last(), Some((true, rest)) if !rest.contains(&true))
    }

    fn needs_permutation(&self) -> bool {
        !self.order.is_sorted()
    }

    /// `x` of shape `(kept axes..., size of the reduced axes)`.
    fn to_rows(&self, x: &Tensor) -> Result<Tensor> {
        if self.is_plain() {
            return Ok(x.clone());
        }
        let kept = self.kept();
        let width: usize = self.order[kept.len()..]
            .iter()
            .map(|&i| self.dims[i])
            .product();
        let x = if self.needs_permutation() {
            x.permute(self.order.as_slice())?
        } else {
            x.clone()
        };
        view(&x, [kept, vec![width]].concat())
    }

    /// The inverse of [`Rows::to_rows`].
    fn restore(&self, rows: &Tensor) -> Result<Tensor> {
        if self.is_plain() {
            return Ok(rows.clone());
        }
        let dims: Vec<_> = self.order.iter().map(|&i| self.dims[i]).collect();
        let x = view(rows, dims)?;
        if !self.needs_permutation() {
            return Ok(x);
        }
        let mut inverse = vec![0; self.order.len()];
        for (position, &axis) in self.order.iter().enumerate() {
            inverse[axis] = position;
        }
        Ok(x.permute(inverse.as_slice())?)
    }

    /// One value per row, in the shape of `x` without the reduced axes or with size one for them.
    fn restore_norm(&self, norm: &Tensor, keepdims: bool) -> Result<Tensor> {
        let dims = if keepdims {
            let axes = self.dims.iter().zip(&self.is_reduced);
            axes.map(|(&d, &r)| if r { 1 } else { d }).collect()
        } else {
            self.kept()
        };
        view(norm, dims)
    }
}

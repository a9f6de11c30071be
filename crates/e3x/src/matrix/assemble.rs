//! The whole matrix.

use candle_core::Tensor;

use super::blocks::{check_mult, make_rectangular_matrix};
use super::irreps::compute_side_lengths;
use super::limits::check_elements;
use crate::error::check_float;
use crate::{Error, Result, so3};

/// The big square matrix made of irreps; E3x's `matrix.make_square_matrix`.
///
/// Blocks are made by [`make_rectangular_matrix`], row by row, from irreps up to `max_degree` in
/// Cartesian order; with `shift_by_id`, the identity is added. [`combine_irreps`](super::combine_irreps)
/// with weights of [`init_matrix_irreps_weights`](super::init_matrix_irreps_weights) provides as
/// many irreps as needed. Differentiable to any order.
///
/// # Shapes
/// `irreps[l]`: `(2l+1, M_l)` for `l = 0, 1, ...`; result: `(side, side)` with
/// `side = mult Σ (2l+1)` over `degrees`.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// let irreps = [Tensor::ones((1, 4), DType::F64, &Device::Cpu)?];
/// let matrix = e3x::matrix::make_square_matrix(&irreps, &[0, 0], 1, 0, true)?;
/// assert_eq!(matrix.to_vec2::<f64>()?, [[2.0, 1.0], [1.0, 2.0]]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `degrees` or `irreps` are empty, one of `degrees` is above 200, `max_degree` is below one of
/// `degrees` or of `irreps` that are used, the matrix would have more than 2²⁷ elements, or
/// as [`make_rectangular_matrix`].
pub fn make_square_matrix(
    irreps: &[Tensor],
    degrees: &[usize],
    mult: usize,
    max_degree: usize,
    shift_by_id: bool,
) -> Result<Tensor> {
    let (Some(first), Some(&highest)) = (irreps.first(), degrees.iter().max()) else {
        let argument = if degrees.is_empty() {
            "degrees"
        } else {
            "irreps"
        };
        return Err(Error::argument(argument, "at least one", "none"));
    };
    check_float("irreps", first.dtype())?;
    check_mult(mult)?;
    if max_degree < highest {
        let expected = format!("at least {highest}, the highest of degrees");
        return Err(Error::argument(
            "max_degree",
            expected,
            max_degree.to_string(),
        ));
    }
    let sides = compute_side_lengths(degrees)?;
    let rows = sides.iter().copied().fold(0, usize::saturating_add);
    check_elements(&[
        ("degrees", rows),
        ("degrees", rows),
        ("mult", mult),
        ("mult", mult),
    ])?;
    let (dtype, device) = (first.dtype(), first.device());
    // Nothing couples to more than twice the highest degree.
    let cg_degree = max_degree.min(2 * highest);
    let cg = so3::clebsch_gordan(highest, highest, cg_degree, true, dtype, device)?;
    let mut idx = vec![0; irreps.len()];
    let mut parts = Vec::with_capacity(sides.len());
    for &a in &sides {
        let mut blocks = Vec::with_capacity(sides.len());
        for &b in &sides {
            let (block, next) = make_rectangular_matrix(irreps, &idx, a, b, &cg, mult)?;
            blocks.push(block);
            idx = next;
        }
        parts.push(Tensor::cat(&blocks, 1)?);
    }
    let matrix = Tensor::cat(&parts, 0)?;
    if !shift_by_id {
        return Ok(matrix);
    }
    Ok((matrix + Tensor::eye(mult * rows, dtype, device)?)?)
}

//! Single blocks of a matrix.

use candle_core::Tensor;

use super::limits::check_elements;
use crate::error::{check_float, check_same_dtype};
use crate::{Error, Result};

/// The block of `a mult` by `b mult` elements for two degrees, from the next unused irreps; E3x's
/// `matrix.make_rectangular_matrix`.
///
/// With `la = a / 2`, `lb = b / 2` (rounded down), each of the `mult²` submatrices is
///
/// ```text
/// M[i, j] = Σ_l Σ_m cg[la² + i, lb² + j, l² + m] irreps[l][m, k]        |la - lb| <= l <= la + lb
/// ```
///
/// with its own column `k`, which starts at `idx[l]`, of every `irreps[l]` that there is. Also
/// returned is the index of the next unused columns: `idx` with `mult²` added for the degrees that
/// were used. (E3x changes the list that it is given.) Differentiable to any order.
///
/// # Shapes
/// `irreps[l]`: `(2l+1, M_l)` for `l = 0, 1, ...`; `cg` from
/// [`clebsch_gordan`](crate::so3::clebsch_gordan); the result has shape `(mult a, mult b)` and the
/// submatrix in row `p`, column `q` is column `p mult + q` of those used.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// let cg = e3x::so3::clebsch_gordan(1, 1, 2, true, DType::F64, &Device::Cpu)?;
/// let irreps = [1.0, 0.0, 0.0].into_iter().enumerate().map(|(l, x)| {
///     Tensor::full(x, (2 * l + 1, 1), &Device::Cpu)
/// });
/// let irreps = irreps.collect::<Result<Vec<_>, _>>()?;
/// let (block, idx) = e3x::matrix::make_rectangular_matrix(&irreps, &[0; 3], 3, 3, &cg, 1)?;
/// assert_eq!(block.dims(), [3, 3]); // The identity divided by √3.
/// assert!((block.to_vec2::<f64>()?[1][1] - 1.0 / 3f64.sqrt()).abs() < 1e-15);
/// assert_eq!(idx, [1, 1, 1]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `irreps` do not have these shapes or are used up, `idx` has another length, `a` or `b` is
/// even, the block would have more than 2²⁷ elements, `cg` is too small, `mult` is 0, or dtypes differ
/// or are not floating point.
pub fn make_rectangular_matrix(
    irreps: &[Tensor],
    idx: &[usize],
    a: usize,
    b: usize,
    cg: &Tensor,
    mult: usize,
) -> Result<(Tensor, Vec<usize>)> {
    check_float("cg", cg.dtype())?;
    check_irreps(irreps)?;
    for irreps in irreps {
        check_same_dtype("irreps", irreps, "cg", cg)?;
    }
    check_mult(mult)?;
    for (argument, side) in [("a", a), ("b", b)] {
        if side % 2 == 0 {
            return Err(Error::argument(argument, "an odd number", side.to_string()));
        }
    }
    check_elements(&[("a", a), ("b", b), ("mult", mult), ("mult", mult)])?;
    if idx.len() != irreps.len() {
        let expected = format!("one index for each of {} irreps", irreps.len());
        return Err(Error::argument("idx", expected, idx.len().to_string()));
    }
    let (la, lb) = (a / 2, b / 2);
    let degrees = la.abs_diff(lb)..(la + lb + 1).min(irreps.len());
    if degrees.is_empty() {
        let zeros = Tensor::zeros((mult * a, mult * b), cg.dtype(), cg.device())?;
        return Ok((zeros, idx.to_vec()));
    }
    let needed = [la + 1, lb + 1, degrees.end].map(|l| l * l);
    let fits = |dims: &[usize]| dims.len() == 3 && dims.iter().zip(needed).all(|(&d, n)| d >= n);
    if !fits(cg.dims()) {
        return Err(Error::argument(
            "cg",
            format!("a shape of at least {needed:?}"),
            format!("shape {:?}", cg.dims()),
        ));
    }

    let used = mult * mult;
    let mut next = idx.to_vec();
    let mut columns = Vec::with_capacity(degrees.len());
    for l in degrees.clone() {
        let available = irreps[l].dims()[1];
        if next[l].checked_add(used).is_none_or(|end| end > available) {
            let expected = format!("at least {used} columns from {} on for degree {l}", next[l]);
            let received = format!("{available} columns");
            return Err(Error::argument("irreps", expected, received));
        }
        columns.push(irreps[l].narrow(1, next[l], used)?);
        next[l] += used;
    }
    let columns = Tensor::cat(&columns, 0)?;
    let start = degrees.start.pow(2);
    let coefficients = cg
        .narrow(0, la * la, a)?
        .narrow(1, lb * lb, b)?
        .narrow(2, start, degrees.end.pow(2) - start)?
        .reshape((a * b, ()))?;
    let blocks = coefficients.matmul(&columns)?;
    let block = blocks
        .reshape((a, b, mult, mult))?
        .permute((2, 0, 3, 1))?
        .reshape((mult * a, mult * b))?;
    Ok((block, next))
}

/// The traces of all square submatrices on the diagonal of degrees; E3x's `matrix.get_traces`.
///
/// With `shift_by_id`, the identity is subtracted from the matrix first. Differentiable to any order.
///
/// # Shapes
/// `mat`: `(side, side)` with `side = mult Σ (2l+1)`; result: `(ls.len() mult^2,)`, for every degree
/// the traces of its `mult` by `mult` submatrices, row by row.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// let mat = Tensor::eye(8, DType::F64, &Device::Cpu)?;
/// let traces = e3x::matrix::get_traces(&mat, &[0, 1], 2, false)?;
/// assert_eq!(traces.to_vec1::<f64>()?, [1.0, 0.0, 0.0, 1.0, 3.0, 0.0, 0.0, 3.0]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `mat` does not have this shape, has more than 2²⁷ elements or is not floating point, or `mult` is
/// 0.
pub fn get_traces(mat: &Tensor, ls: &[usize], mult: usize, shift_by_id: bool) -> Result<Tensor> {
    check_float("mat", mat.dtype())?;
    check_mult(mult)?;
    let sides = ls.iter().map(|l| l.saturating_mul(2).saturating_add(1));
    let rows = sides.fold(0, usize::saturating_add);
    check_elements(&[("ls", rows), ("ls", rows), ("mult", mult), ("mult", mult)])?;
    let side = mult * rows;
    if mat.dims() != [side, side] {
        let expected = format!("shape ({side}, {side})");
        let received = format!("shape {:?}", mat.dims());
        return Err(Error::argument("mat", expected, received));
    }
    if ls.is_empty() {
        return Ok(Tensor::zeros(0, mat.dtype(), mat.device())?);
    }
    let mut traces = Vec::with_capacity(ls.len());
    let mut start = 0;
    for l in ls {
        let a = 2 * l + 1;
        let block = mat
            .narrow(0, start, a * mult)?
            .narrow(1, start, a * mult)?
            .reshape((mult, a, mult, a))?
            .permute((0, 2, 1, 3))?;
        let identity = Tensor::eye(a, mat.dtype(), mat.device())?;
        let mut trace = block.broadcast_mul(&identity)?.sum((2, 3))?;
        if shift_by_id {
            trace = (trace - (Tensor::eye(mult, mat.dtype(), mat.device())? * a as f64)?)?;
        }
        traces.push(trace.flatten_all()?);
        start += a * mult;
    }
    Ok(Tensor::cat(&traces, 0)?)
}

pub(super) fn check_mult(mult: usize) -> Result<()> {
    if mult == 0 {
        return Err(Error::argument("mult", "at least 1", "0"));
    }
    Ok(())
}

/// Checks that there are irreps of degree 0, 1, ....
fn check_irreps(irreps: &[Tensor]) -> Result<()> {
    for (l, irreps) in irreps.iter().enumerate() {
        if irreps.rank() != 2 || irreps.dims()[0] != 2 * l + 1 {
            return Err(Error::argument(
                "irreps",
                format!("shape ({}, M) for degree {l}", 2 * l + 1),
                format!("shape {:?}", irreps.dims()),
            ));
        }
    }
    Ok(())
}

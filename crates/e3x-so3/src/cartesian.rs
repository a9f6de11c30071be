//! Conversion between irreducible representations and traceless symmetric Cartesian tensors.

use crate::error::{Error, check_degree, count_items};
use crate::{DerivativeTerm, Normalization, Real, Result, derivative_terms};
use std::sync::Arc;

/// The largest degree of Cartesian tensors, which have `3^degree` elements.
const MAX_TENSOR_DEGREE: usize = 16;

/// The largest number of elements of a result (8 GiB in double precision).
const MAX_ELEMENTS: usize = 1 << 30;

/// Derivatives of the solid harmonics of one degree, with positions within the degrees.
struct Level {
    degree: usize,
    terms: Vec<DerivativeTerm>,
}

/// The levels of the degrees `1..=degree`.
///
/// The tensor of the `l`-fold derivatives of a solid harmonic of degree `l`,
/// `B(m)[i1, ..., il] = ∂/∂r[i1] ... ∂/∂r[il] R(l, m)`, is constant, symmetric, and traceless because of Laplace's
/// equation. Its elements are products of the matrices of [`derivative_terms`] of the degrees `l, l-1, ..., 1`, and
/// `B(m) : B(m') = l! (2l-1)!! δ(m, m')`.
fn levels(degree: usize, cartesian_order: bool) -> Result<Vec<Level>> {
    check_degree("degree", MAX_TENSOR_DEGREE, degree)?;
    let table: Arc<[DerivativeTerm]> = derivative_terms(degree, cartesian_order)?;
    Ok((1..=degree)
        .map(|l| Level {
            degree: l,
            terms: table
                .iter()
                .filter(|term| term.row.isqrt() == l)
                .map(|term| DerivativeTerm {
                    row: term.row - l * l,
                    col: term.col - (l - 1) * (l - 1),
                    ..*term
                })
                .collect(),
        })
        .collect())
}

/// Converts irreducible representations of one degree into traceless symmetric tensors.
///
/// ```text
/// t[i1, ..., il] = Σ_m x[m] B(m)[i1, ..., il] / (N(l) (2l-1)!!)
/// ```
///
/// where `B(m)` is the tensor of all `l`-fold derivatives of the solid harmonic with order `m` and `N` is
/// [`Normalization::factor`]. The harmonics of a unit vector become the traceless part of the `l`-fold outer product of
/// that vector with itself. The counterpart of `e3x.so3.irreps_to_tensor`, which has the same coefficients (from
/// Applequist, Journal of Physics A 22, 4303 (1989)).
///
/// `x` has shape `(n, 2·degree+1)`, the result `(n, 3, ..., 3)` with `degree` times 3, or `(n, 1)` for degree 0.
///
/// # Errors
///
/// When the length of `x` does not fit, or `degree` is above 16 or the result would have more than 2³⁰ elements.
///
/// # Example
///
/// ```
/// use e3x_so3::{Normalization, irreps_to_tensor};
/// // Degree 2, m = 2: (√3/2) (x² - y²).
/// let tensor = irreps_to_tensor(&[1.0, 0.0, 0.0, 0.0, 0.0], 2, true, Normalization::Racah)?;
/// let expected = [3f64.sqrt() / 3.0, 0.0, 0.0, 0.0, -3f64.sqrt() / 3.0, 0.0, 0.0, 0.0, 0.0];
/// assert!(tensor.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15));
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn irreps_to_tensor<T: Real>(
    x: &[T],
    degree: usize,
    cartesian_order: bool,
    normalization: Normalization,
) -> Result<Vec<T>> {
    let levels = levels(degree, cartesian_order)?;
    let size = 2 * degree + 1;
    let n = count_items(
        "x",
        "irreducible representations of `degree`",
        size,
        x.len(),
    )?;
    let elements = n.saturating_mul(tensor_size(degree));
    if elements > MAX_ELEMENTS {
        return Err(Error::ArrayTooLarge {
            what: "Cartesian tensors",
            elements,
            limit: MAX_ELEMENTS,
            remedy: "a lower degree or fewer tensors",
        });
    }
    let scale = 1.0 / normalization.factor(degree);
    let mut result = Vec::with_capacity(elements);
    for irrep in x.chunks_exact(size) {
        let mut current: Vec<f64> = irrep.iter().map(|&v| scale * v.to_f64()).collect();
        // From (..., 2l+1) to (..., 3, 2l-1): the first index of the tensor comes first.
        for level in levels.iter().rev() {
            let l = level.degree;
            let (rows, cols) = (2 * l + 1, 2 * l - 1);
            let factor = 1.0 / cols as f64;
            let mut next = vec![0.0; current.len() / rows * 3 * cols];
            for (input, output) in current
                .chunks_exact(rows)
                .zip(next.chunks_exact_mut(3 * cols))
            {
                for term in &level.terms {
                    output[term.axis * cols + term.col] +=
                        factor * term.coefficient * input[term.row];
                }
            }
            current = next;
        }
        result.extend(current.into_iter().map(T::from_f64));
    }
    Ok(result)
}

/// Converts traceless symmetric tensors into irreducible representations; the inverse of [`irreps_to_tensor`].
///
/// ```text
/// x[m] = N(l) Σ B(m)[i1, ..., il] t[i1, ..., il] / l!
/// ```
///
/// This is the orthogonal projection onto traceless symmetric tensors: all other parts of a tensor are ignored, and
/// the conversion of any tensor commutes with rotations. The counterpart of `e3x.so3.tensor_to_irreps`, with the same
/// result for traceless symmetric tensors; for others (see [`is_traceless_symmetric`]), E3x reads only some of the
/// elements and calls its result meaningless.
///
/// `x` has shape `(n, 3, ..., 3)` with `degree` times 3, or `(n, 1)` for degree 0; the result `(n, 2·degree+1)`.
///
/// # Errors
///
/// When the length of `x` does not fit or `degree` is above 16.
///
/// # Example
///
/// ```
/// use e3x_so3::{Normalization, tensor_to_irreps};
/// let vector = tensor_to_irreps(&[1.0, 2.0, 3.0], 1, false, Normalization::Racah)?;
/// assert_eq!(vector, [2.0, 3.0, 1.0]);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn tensor_to_irreps<T: Real>(
    x: &[T],
    degree: usize,
    cartesian_order: bool,
    normalization: Normalization,
) -> Result<Vec<T>> {
    let levels = levels(degree, cartesian_order)?;
    let size = tensor_size(degree);
    let n = count_items("x", "Cartesian tensors of `degree`", size, x.len())?;
    let scale = normalization.factor(degree);
    let mut result = Vec::with_capacity(n * (2 * degree + 1));
    for tensor in x.chunks_exact(size) {
        let mut current: Vec<f64> = tensor.iter().map(|&v| scale * v.to_f64()).collect();
        // From (..., 3, 2l-1) to (..., 2l+1).
        for level in &levels {
            let l = level.degree;
            let (rows, cols) = (2 * l + 1, 2 * l - 1);
            let factor = 1.0 / l as f64;
            let mut next = vec![0.0; current.len() / (3 * cols) * rows];
            for (input, output) in current
                .chunks_exact(3 * cols)
                .zip(next.chunks_exact_mut(rows))
            {
                for term in &level.terms {
                    output[term.row] +=
                        factor * term.coefficient * input[term.axis * cols + term.col];
                }
            }
            current = next;
        }
        result.extend(current.into_iter().map(T::from_f64));
    }
    Ok(result)
}

/// Whether tensors are traceless and symmetric.
///
/// Every two elements `a`, `b` whose indices are permutations of each other must satisfy
/// `|a - b| <= atol + rtol |b|`, and every trace over the last two indices must be at most `atol`. Scalars and vectors
/// always pass. The counterpart of `e3x.so3.is_traceless_symmetric`, whose defaults are `1e-5` for both tolerances.
///
/// `x` has shape `(n, 3, ..., 3)` with `degree` times 3, or `(n, 1)` for degree 0.
///
/// # Errors
///
/// When the length of `x` does not fit or `degree` is above 16.
///
/// # Example
///
/// ```
/// use e3x_so3::is_traceless_symmetric;
/// let mut x = [1.0, 2.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0, -2.0];
/// assert!(is_traceless_symmetric(&x, 2, 1e-5, 1e-5)?);
/// x[1] = 3.0;
/// assert!(!is_traceless_symmetric(&x, 2, 1e-5, 1e-5)?);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn is_traceless_symmetric<T: Real>(
    x: &[T],
    degree: usize,
    rtol: f64,
    atol: f64,
) -> Result<bool> {
    check_degree("degree", MAX_TENSOR_DEGREE, degree)?;
    let size = tensor_size(degree);
    count_items("x", "Cartesian tensors of `degree`", size, x.len())?;
    if degree < 2 || x.is_empty() {
        return Ok(true);
    }
    let classes: Vec<usize> = (0..size).map(|i| class(i, degree)).collect();
    Ok(x.chunks_exact(size).all(|tensor| {
        let tensor: Vec<f64> = tensor.iter().map(|&v| v.to_f64()).collect();
        is_symmetric(&tensor, &classes, degree, rtol, atol) && is_traceless(&tensor, atol)
    }))
}

fn is_symmetric(tensor: &[f64], classes: &[usize], degree: usize, rtol: f64, atol: f64) -> bool {
    let num = (degree + 1) * (degree + 1);
    let mut bounds = vec![(f64::INFINITY, f64::NEG_INFINITY); num];
    for (&value, &class) in tensor.iter().zip(classes) {
        let (low, high) = &mut bounds[class];
        (*low, *high) = (low.min(value), high.max(value));
    }
    tensor.iter().zip(classes).all(|(&value, &class)| {
        let (low, high) = bounds[class];
        let close =
            |other: f64| value == other || (other - value).abs() <= atol + rtol * value.abs();
        !value.is_nan() && close(low) && close(high)
    })
}

fn is_traceless(tensor: &[f64], atol: f64) -> bool {
    tensor
        .chunks_exact(9)
        .all(|m| (m[0] + m[4] + m[8]).abs() <= atol)
}

/// A number that is the same for elements whose indices are permutations of each other: how many indices are `y` and
/// how many are `z`.
fn class(element: usize, degree: usize) -> usize {
    let (mut rest, mut ys, mut zs) = (element, 0, 0);
    for _ in 0..degree {
        match rest % 3 {
            1 => ys += 1,
            2 => zs += 1,
            _ => {}
        }
        rest /= 3;
    }
    ys * (degree + 1) + zs
}

fn tensor_size(degree: usize) -> usize {
    3_usize.pow(degree as u32)
}

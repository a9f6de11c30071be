//! Which irreps a matrix needs, and linear layers that provide them.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use e3x_so3::MAX_CLEBSCH_GORDAN_DEGREE;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use super::limits::{check_degrees, check_elements, check_highest};
use crate::error::{check_float, check_same_dtype};
use crate::{Error, Result};

/// The side lengths `2l+1` of blocks; E3x's `matrix.compute_side_lengths`.
///
/// ```
/// assert_eq!(e3x::matrix::compute_side_lengths(&[0, 1, 1, 2])?, [1, 3, 3, 5]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If one of `degrees` is above 200.
pub fn compute_side_lengths(degrees: &[usize]) -> Result<Vec<usize>> {
    check_degrees("degrees", degrees)?;
    Ok(degrees.iter().map(|l| 2 * l + 1).collect())
}

/// How many irreps of each degree a matrix consists of, with each of `degrees` used once; E3x's
/// `matrix.make_dict_irreps_mult`.
///
/// That is, the multiplicities of the decomposition of `V ⊗ V` with `V = H(degrees[0]) ⊕ ...`, up
/// to `max_degree` if there is one.
///
/// ```
/// // A 4×4 matrix of blocks 1×1, 1×3, 3×1 and 3×3.
/// let numbers = e3x::matrix::make_dict_irreps_mult(&[0, 1], None)?;
/// assert_eq!(numbers, [(0, 2), (1, 3), (2, 1)].into());
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If one of `degrees` is above 200.
pub fn make_dict_irreps_mult(
    degrees: &[usize],
    max_degree: Option<usize>,
) -> Result<BTreeMap<usize, usize>> {
    check_degrees("degrees", degrees)?;
    let mut counts = BTreeMap::<_, usize>::new();
    for &l in degrees {
        *counts.entry(l).or_default() += 1;
    }
    let mut numbers = BTreeMap::new();
    for (&la, count_a) in &counts {
        for (&lb, count_b) in &counts {
            let highest = max_degree.map_or(la + lb, |max_degree| max_degree.min(la + lb));
            for l in la.abs_diff(lb)..=highest {
                *numbers.entry(l).or_default() += count_a * count_b;
            }
        }
    }
    Ok(numbers)
}

/// Random weights for [`combine_irreps`]; E3x's `matrix.init_matrix_irreps_weights`.
///
/// Normal numbers with standard deviation `stddev / √(2l+1)`. `dict_irreps` comes from
/// [`make_dict_irreps_mult`], `n_shells` is the number of features of the input. The same seed
/// gives the same weights, up to rounding to `dtype`.
///
/// # Shapes
/// For every degree up to the highest one of `dict_irreps`: `(n_shells, dict_irreps[l] mult^2)`.
///
/// ```
/// use candle_core::{DType, Device};
/// use e3x::matrix::{init_matrix_irreps_weights, make_dict_irreps_mult};
/// use rand::SeedableRng;
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
/// let numbers = make_dict_irreps_mult(&[0, 1], None)?;
/// let weights =
///     init_matrix_irreps_weights(&mut rng, 4, &numbers, 2, 1.0, DType::F32, &Device::Cpu)?;
/// assert_eq!(weights.len(), 3);
/// assert_eq!(weights[1].dims(), [4, 12]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `dict_irreps` is empty or has a degree above 400, there would be more than 2²⁷ weights,
/// `stddev` is negative or not finite, or `dtype` is neither f32 nor f64.
pub fn init_matrix_irreps_weights<R: Rng + ?Sized>(
    rng: &mut R,
    n_shells: usize,
    dict_irreps: &BTreeMap<usize, usize>,
    mult: usize,
    stddev: f64,
    dtype: DType,
    device: &Device,
) -> Result<Vec<Tensor>> {
    check_float("dtype", dtype)?;
    if !(stddev.is_finite() && stddev >= 0.0) {
        return Err(Error::argument(
            "stddev",
            "a number that is not negative",
            stddev.to_string(),
        ));
    }
    let Some((&max_degree, _)) = dict_irreps.last_key_value() else {
        return Err(Error::argument(
            "dict_irreps",
            "at least one degree",
            "none",
        ));
    };
    check_highest(
        "dict_irreps",
        Some(&max_degree),
        2 * MAX_CLEBSCH_GORDAN_DEGREE,
    )?;
    let numbers = dict_irreps.values().copied().fold(0, usize::saturating_add);
    check_elements(&[
        ("dict_irreps", numbers),
        ("mult", mult),
        ("mult", mult),
        ("n_shells", n_shells),
    ])?;
    let weights = |l: usize| {
        let outputs = dict_irreps.get(&l).map_or(0, |number| number * mult * mult);
        let scale = stddev / ((2 * l + 1) as f64).sqrt();
        let mut draw = || -> f64 { StandardNormal.sample(rng) };
        let values: Vec<f64> = (0..n_shells * outputs).map(|_| scale * draw()).collect();
        Ok(Tensor::from_vec(values, (n_shells, outputs), &Device::Cpu)?
            .to_dtype(dtype)?
            .to_device(device)?)
    };
    (0..=max_degree).map(weights).collect()
}

/// Combines the features of each degree linearly; E3x's `matrix.combine_irreps`.
///
/// ```text
/// out[l][..., m, o] = Σ_i inputs[..., l² + m, i] weights[l][i, o]
/// ```
///
/// Differentiable to any order in inputs and weights.
///
/// # Shapes
/// `inputs`: `(..., (L+1)^2, F)`, `weights[l]`: `(F, M_l)` for `l = 0, 1, ...` up to at most `L`;
/// results: `(..., 2l+1, M_l)`.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// let inputs = Tensor::ones((4, 3), DType::F64, &Device::Cpu)?;
/// let weights = [2, 5].map(|m| Tensor::ones((3, m), DType::F64, &Device::Cpu));
/// let [w0, w1] = weights;
/// let irreps = e3x::matrix::combine_irreps(&inputs, &[w0?, w1?])?;
/// assert_eq!(irreps[1].dims(), [3, 5]);
/// assert_eq!(irreps[1].to_vec2::<f64>()?[0][0], 3.0);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `inputs` has too few degrees or not the number of features of the weights, a weight is no
/// matrix, or dtypes differ or are not floating point.
pub fn combine_irreps(inputs: &Tensor, weights: &[Tensor]) -> Result<Vec<Tensor>> {
    check_float("inputs", inputs.dtype())?;
    let needed = weights.len().pow(2);
    let [batch @ .., size, features] = inputs.dims() else {
        let received = format!("shape {:?}", inputs.dims());
        return Err(Error::argument(
            "inputs",
            "shape (..., (L+1)^2, F)",
            received,
        ));
    };
    if *size < needed {
        return Err(Error::argument(
            "inputs",
            format!(
                "at least {needed} entries on axis -2, for as many degrees as there are weights"
            ),
            format!("shape {:?}", inputs.dims()),
        ));
    }
    let combine = |(l, weights): (usize, &Tensor)| {
        check_same_dtype("weights", weights, "inputs", inputs)?;
        let &[rows, outputs] = weights.dims() else {
            let received = format!("shape {:?} for degree {l}", weights.dims());
            return Err(Error::argument("weights", "matrices", received));
        };
        if rows != *features {
            return Err(Error::argument(
                "weights",
                format!("{features} rows, the number of features of inputs"),
                format!("shape {:?} for degree {l}", weights.dims()),
            ));
        }
        let shape = [batch, &[2 * l + 1, outputs]].concat();
        if rows == 0 || shape.contains(&0) {
            return Ok(Tensor::zeros(shape, inputs.dtype(), inputs.device())?);
        }
        let part = inputs.narrow(batch.len(), l * l, 2 * l + 1)?;
        let part = part.reshape(((), rows))?;
        Ok(part.matmul(weights)?.reshape(shape)?)
    };
    weights.iter().enumerate().map(combine).collect()
}

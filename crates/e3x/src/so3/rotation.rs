//! Rotation matrices from an axis and an angle and from Euler angles.

use candle_core::Tensor;

use super::rows::{broadcast, constant, finite, leading, levi_civita, unit};
use crate::Result;
use crate::error::{check_float, check_same_dtype};

/// Counterclockwise rotations about `axis` by `angle` (in radians); E3x's `so3.rotation`.
///
/// With the unit vector `n` along the axis, row vectors are rotated by
///
/// ```text
/// r @ rot = r cos(angle) + (n × r) sin(angle) + n (n·r) (1 - cos(angle))
/// ```
///
/// evaluated through the quaternion `(cos(angle / 2), n sin(angle / 2))` (the formula of Euler and
/// Rodrigues). Differentiable to any order. Axes may have any length, however small or large.
///
/// # Shapes
/// `axis`: `(..., 3)`, `angle`: `(...)`, result: `(..., 3, 3)`. Leading axes broadcast.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let axis = Tensor::new(&[0.0, 2.0, 0.0], &Device::Cpu)?;
/// let angle = Tensor::new(std::f64::consts::PI, &Device::Cpu)?;
/// let r = Tensor::new(&[[1.0, 0.0, 0.0]], &Device::Cpu)?;
/// let turned = r.matmul(&e3x::so3::rotation(&axis, &angle)?)?.to_vec2::<f64>()?;
/// assert!((turned[0][0] + 1.0).abs() < 1e-15);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If the last axis of `axis` is not 3, an axis is zero (E3x returns a multiple of the identity),
/// a number is not finite, dtypes differ or are not floating point, or shapes do not broadcast.
pub fn rotation(axis: &Tensor, angle: &Tensor) -> Result<Tensor> {
    let batch = leading("axis", axis, &[3])?;
    check_same_dtype("angle", angle, "axis", axis)?;
    let batch = broadcast("angle", angle.dims(), "axis", batch)?;
    let num: usize = batch.iter().product();
    let vectors = finite("axis", axis)?;
    if vectors.chunks_exact(3).any(|v| v == [0.0; 3]) {
        return Err(e3x_so3::Error::Zero { argument: "axis" }.into());
    }
    finite("angle", angle)?;
    if num == 0 {
        return empty(&batch, axis);
    }
    let axis = axis
        .broadcast_as(with_axes(&batch, &[3]))?
        .reshape((num, 3))?;
    let half_angle = (angle.broadcast_as(batch.as_slice())?.reshape((num, 1))? * 0.5)?;
    let vector = unit("axis", &axis)?.broadcast_mul(&half_angle.sin()?)?;
    let quaternion = Tensor::cat(&[half_angle.cos()?, vector], 1)?;
    Ok(matrix_of_unit_quaternion(&quaternion)?.reshape(with_axes(&batch, &[3, 3]))?)
}

/// Shape `(n, 4)` (real part first) to `(n, 3, 3)`.
pub(super) fn matrix_of_unit_quaternion(quaternion: &Tensor) -> Result<Tensor> {
    // The elements are quadratic forms:
    // rot[i, j] = (w² - |v|²) δ_ij + 2 v[i] v[j] + 2 w Σ_k ε_ijk v[k]
    let coefficient = |p: usize, q: usize, i: usize, j: usize| {
        let delta = f64::from(u8::from(i == j));
        match (p, q) {
            (0, 0) => delta,
            (0, k) => 2.0 * levi_civita(i, j, k - 1),
            (_, 0) => 0.0,
            (p, q) => {
                let product = 2.0 * f64::from(u8::from((i, j) == (p - 1, q - 1)));
                product - if p == q { delta } else { 0.0 }
            }
        }
    };
    let coefficients = (0..16 * 9).map(|n| coefficient(n / 36, n / 9 % 4, n % 9 / 3, n % 3));
    let coefficients = constant(coefficients.collect(), &[16, 9], quaternion)?;
    let products = quaternion
        .unsqueeze(2)?
        .broadcast_mul(&quaternion.unsqueeze(1)?)?;
    Ok(products
        .reshape(((), 16))?
        .matmul(&coefficients)?
        .reshape(((), 3, 3))?)
}

/// Counterclockwise rotations about the x-axis by `a`, then about the y-axis by `b`, then about the
/// z-axis by `c` (in radians; the axes do not move); E3x's `so3.rotation_euler`.
///
/// Equal to `rotation(x, a) @ rotation(y, b) @ rotation(z, c)` (rotations act from the right).
/// Differentiable to any order.
///
/// # Shapes
/// Angles: `(...)`, result: `(..., 3, 3)`. Angles broadcast.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let angle = |x: f64| Tensor::new(x, &Device::Cpu);
/// let rot = e3x::so3::rotation_euler(&angle(0.1)?, &angle(0.2)?, &angle(0.3)?)?;
/// assert!((rot.to_vec2::<f64>()?[0][2] + 0.2f64.sin()).abs() < 1e-15);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If an angle is not finite, dtypes differ or are not floating point, or shapes do not broadcast.
pub fn rotation_euler(a: &Tensor, b: &Tensor, c: &Tensor) -> Result<Tensor> {
    check_float("a", a.dtype())?;
    check_same_dtype("b", b, "a", a)?;
    check_same_dtype("c", c, "a", a)?;
    let batch = broadcast("b", b.dims(), "a", a.dims())?;
    let batch = broadcast("c", c.dims(), "a and b", &batch)?;
    let num: usize = batch.iter().product();
    for (argument, angle) in [("a", a), ("b", b), ("c", c)] {
        finite(argument, angle)?;
    }
    if num == 0 {
        return empty(&batch, a);
    }
    let prepare = |angle: &Tensor| -> Result<_> {
        let angle = angle.broadcast_as(batch.as_slice())?.reshape(num)?;
        Ok((angle.sin()?, angle.cos()?))
    };
    let ((sin_a, cos_a), (sin_b, cos_b), (sin_c, cos_c)) = (prepare(a)?, prepare(b)?, prepare(c)?);
    let (sin_ab, cos_a_sin_b) = ((&sin_a * &sin_b)?, (&cos_a * &sin_b)?);
    let elements = [
        (&cos_b * &cos_c)?,
        (&cos_b * &sin_c)?,
        sin_b.neg()?,
        ((&sin_ab * &cos_c)? - (&cos_a * &sin_c)?)?,
        ((&sin_ab * &sin_c)? + (&cos_a * &cos_c)?)?,
        (&sin_a * &cos_b)?,
        ((&cos_a_sin_b * &cos_c)? + (&sin_a * &sin_c)?)?,
        ((&cos_a_sin_b * &sin_c)? - (&sin_a * &cos_c)?)?,
        (&cos_a * &cos_b)?,
    ];
    Ok(Tensor::stack(&elements, 1)?.reshape(with_axes(&batch, &[3, 3]))?)
}

pub(super) fn with_axes(batch: &[usize], axes: &[usize]) -> Vec<usize> {
    [batch, axes].concat()
}

/// No matrices.
pub(super) fn empty(batch: &[usize], like: &Tensor) -> Result<Tensor> {
    let shape = with_axes(batch, &[3, 3]);
    Ok(Tensor::zeros(shape, like.dtype(), like.device())?)
}

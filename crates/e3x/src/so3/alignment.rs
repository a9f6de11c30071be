//! Rotations that align vectors.

use candle_core::{DType, Tensor};

use super::rotation::{empty, with_axes};
use super::rows::{broadcast, constant, cross, dot, finite, leading, skew, unit};
use crate::error::check_same_dtype;
use crate::{Result, ops};

type Vector = [f64; 3];

/// The rotations that align `u` with `v` on the shortest arc: `u @ rot` is parallel to `v`; E3x's
/// `so3.alignment_rotation`.
///
/// With unit vectors `u`, `v` and `w = u × v`, and if `u·v >= 0`,
///
/// ```text
/// r @ rot = r + w × r + w × (w × r) / (1 + u·v)
/// ```
///
/// Otherwise `u` is first rotated by π about the direction of `w`, and then aligned by this
/// formula, which stays accurate up to antiparallel vectors (where E3x's result need not be a
/// rotation). For exactly antiparallel vectors the axis is arbitrary: the one of E3x, along the
/// cross product of `(x, y, z)` with `(x+z, y+x, z+y)`, unless that vanishes.
///
/// Differentiable to any order. At antiparallel vectors no derivative exists; the one returned is
/// finite and belongs to rotations that keep on aligning. If `u` or `v` is zero, the rotation is
/// the identity.
///
/// # Shapes
/// `u`, `v`: `(..., 3)`, result: `(..., 3, 3)`. Leading axes broadcast.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let u = Tensor::new(&[1.0, 0.0, 0.0], &Device::Cpu)?;
/// let v = Tensor::new(&[0.0, 2.0, 0.0], &Device::Cpu)?;
/// let rot = e3x::so3::alignment_rotation(&u, &v)?;
/// assert_eq!(rot.to_vec2::<f64>()?[0], [0.0, 1.0, 0.0]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If a last axis is not 3, a number is not finite, dtypes differ or are not floating point, or
/// shapes do not broadcast.
pub fn alignment_rotation(u: &Tensor, v: &Tensor) -> Result<Tensor> {
    let batch = leading("u", u, &[3])?;
    let batch = broadcast("v", leading("v", v, &[3])?, "u", batch)?;
    check_same_dtype("v", v, "u", u)?;
    let num: usize = batch.iter().product();
    finite("u", u)?;
    finite("v", v)?;
    if num == 0 {
        return empty(&batch, u);
    }
    let rows = |argument, x: &Tensor| {
        let x = x.broadcast_as(with_axes(&batch, &[3]))?.reshape((num, 3))?;
        unit(argument, &x)
    };
    let (u, v) = (rows("u", u)?, rows("v", v)?);
    let choices = choose(&u, &v)?;
    let near = align_near(&u.broadcast_mul(&choices.sign)?, &v)?;
    if !choices.is_any_far {
        return Ok(near.reshape(with_axes(&batch, &[3, 3]))?);
    }
    // Half turns where u·v < 0, the identity elsewhere.
    let partner = (v.broadcast_mul(&choices.use_v)? + &choices.partner)?;
    let axis = ops::normalize(&cross(&u, &partner)?, Some(&[-1]))?;
    let along = u.broadcast_mul(&dot(&u, &axis)?)?;
    let axis = ops::normalize(&(axis - along)?, Some(&[-1]))?;
    let projector = axis.unsqueeze(2)?.matmul(&axis.unsqueeze(1)?)?;
    let sign = choices.sign.unsqueeze(2)?;
    let twice_far = (1.0 - &sign)?;
    let identity = identity(&u)?;
    let half_turn = (projector.broadcast_mul(&twice_far)? + identity.broadcast_mul(&sign)?)?;
    Ok(half_turn
        .matmul(&near)?
        .reshape(with_axes(&batch, &[3, 3]))?)
}

/// The alignment of unit vectors with `u·v >= 0`.
fn align_near(u: &Tensor, v: &Tensor) -> Result<Tensor> {
    let skew = skew(&cross(u, v)?)?;
    let factor = (dot(u, v)? + 1.0)?.recip()?.unsqueeze(2)?;
    let square = skew.matmul(&skew)?.broadcast_mul(&factor)?;
    Ok((skew + square)?.broadcast_add(&identity(u)?)?)
}

fn identity(like: &Tensor) -> Result<Tensor> {
    let elements = vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    constant(elements, &[1, 3, 3], like)
}

/// What is decided row by row, without derivatives.
struct Choices {
    is_any_far: bool,
    /// -1 where `u·v < 0`, 1 elsewhere; shape `(n, 1)`.
    sign: Tensor,
    /// The axis of the half turn is along `u × (use_v v + partner)`.
    use_v: Tensor,
    partner: Tensor,
}

fn choose(u: &Tensor, v: &Tensor) -> Result<Choices> {
    let epsilon = if u.dtype() == DType::F32 {
        f64::from(f32::EPSILON)
    } else {
        f64::EPSILON
    };
    let (us, vs) = (finite("u", u)?, finite("v", v)?);
    let num = us.len() / 3;
    let (mut sign, mut use_v) = (Vec::with_capacity(num), Vec::with_capacity(num));
    let mut partner = Vec::with_capacity(3 * num);
    for (u, v) in us.chunks_exact(3).zip(vs.chunks_exact(3)) {
        let (u, v) = ([u[0], u[1], u[2]], [v[0], v[1], v[2]]);
        let is_far = inner(u, v) < 0.0;
        // A shorter cross product is nothing but rounding.
        let has_direction = |other| length_of_cross(u, other) > 8.0 * epsilon;
        let by_v = is_far && has_direction(v);
        sign.push(if is_far { -1.0 } else { 1.0 });
        use_v.push(f64::from(u8::from(by_v)));
        let rolled = [u[0] + u[2], u[1] + u[0], u[2] + u[1]];
        partner.extend(if by_v {
            [0.0; 3]
        } else if has_direction(rolled) {
            rolled
        } else {
            axis_away_from(u)
        });
    }
    Ok(Choices {
        is_any_far: sign.contains(&-1.0),
        sign: constant(sign, &[num, 1], u)?,
        use_v: constant(use_v, &[num, 1], u)?,
        partner: constant(partner, &[num, 3], u)?,
    })
}

fn inner(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn length_of_cross(a: Vector, b: Vector) -> f64 {
    let component = |i: usize, j: usize| a[i] * b[j] - a[j] * b[i];
    component(1, 2)
        .hypot(component(2, 0))
        .hypot(component(0, 1))
}

/// The coordinate axis with the smallest component of `u`.
fn axis_away_from(u: Vector) -> Vector {
    let smallest = (0..3)
        .min_by(|&i, &j| u[i].abs().total_cmp(&u[j].abs()))
        .unwrap_or(0);
    let mut axis = [0.0; 3];
    axis[smallest] = 1.0;
    axis
}

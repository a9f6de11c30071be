//! Euler angles of rotations.

use candle_core::{DType, Tensor};

use super::rows::{constant, finite, leading};
use crate::Result;
use crate::op::angle::angle;

/// Where `cos(b)` is smaller, derivatives of `b` do without the difference `1 - sin(b)²`.
const NEAR_POLE: f64 = 1e-2;

/// The Euler angles `(a, b, c)` of rotations, so that [`rotation_euler`](super::rotation_euler) of
/// them is the rotation again; E3x's `so3.euler_angles_from_rotation`.
///
/// `-π <= a, c <= π` and `-π/2 <= b <= π/2`. With the elements `M` of a matrix,
///
/// ```text
/// a = atan2(M12, M22)      b = -asin(M02)      c = atan2(M01, M00)
/// ```
///
/// and at the poles (`M02 = ±1`, "gimbal lock"), where only `a + c` or `a - c` is determined,
/// `c = 0`. Values are those of [`e3x_so3::euler_angles_from_rotation`], which describe the rotation
/// to rounding everywhere, however near to a pole. Derivatives of any order are those of the
/// formulas above, and finite everywhere (at the poles `b` and `c` count as constants, because they
/// have no derivative there).
///
/// # Shapes
/// `rot`: `(..., 3, 3)`, each angle: `(...)`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let angle = |x: f64| Tensor::new(x, &Device::Cpu);
/// let rot = e3x::so3::rotation_euler(&angle(0.1)?, &angle(0.2)?, &angle(0.3)?)?;
/// let (a, b, c) = e3x::so3::euler_angles_from_rotation(&rot)?;
/// assert!((a.to_scalar::<f64>()? - 0.1).abs() < 1e-15);
/// assert!((b.to_scalar::<f64>()? - 0.2).abs() < 1e-15);
/// assert!((c.to_scalar::<f64>()? - 0.3).abs() < 1e-15);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If the last two axes are not 3 and 3, `rot` is not floating point, or a matrix is not a rotation.
pub fn euler_angles_from_rotation(rot: &Tensor) -> Result<(Tensor, Tensor, Tensor)> {
    let batch = leading("rot", rot, &[3, 3])?;
    let num: usize = batch.iter().product();
    if num == 0 {
        let none = Tensor::zeros(batch, rot.dtype(), rot.device())?;
        return Ok((none.clone(), none.clone(), none));
    }
    let elements = finite("rot", rot)?;
    let values = if rot.dtype() == DType::F32 {
        angles::<f32>(&elements)?
    } else {
        angles::<f64>(&elements)?
    };
    let mask = |is: &dyn Fn(&Decomposition) -> bool| {
        let mask = values.iter().map(|v| f64::from(u8::from(is(v))));
        constant(mask.collect(), &[num], rot)
    };
    // Exactly one of these is 1.
    let regular = mask(&|v| v.cos_b >= NEAR_POLE)?;
    let near = mask(&|v| v.cos_b < NEAR_POLE && !v.is_pole)?;
    let pole = mask(&|v| v.is_pole)?;
    let no_pole = (&regular + &near)?;

    let rows = rot.reshape((num, 9))?;
    let element = |i: usize, j: usize| rows.narrow(1, 3 * i + j, 1)?.squeeze(1);
    let sin_b = element(0, 2)?.neg()?.mul(&no_pole)?;
    let (x, y) = (element(0, 0)?, element(0, 1)?);
    let squares = [
        regular.mul(&(1.0 - sin_b.sqr()?)?)?,
        near.mul(&(x.sqr()? + y.sqr()?)?)?,
        pole.clone(),
    ];
    let cos_b = ((&squares[0] + &squares[1])? + &squares[2])?.sqrt()?;
    let b = angle(&sin_b, &cos_b)?;
    let c = angle(&y.mul(&no_pole)?, &(x.mul(&no_pole)? + &pole)?)?;
    let a = angle(
        &(element(1, 2)?.mul(&no_pole)? - element(2, 1)?.mul(&pole)?)?,
        &(element(2, 2)?.mul(&no_pole)? + element(1, 1)?.mul(&pole)?)?,
    )?;
    // Derivatives from these, values from the accurate formulas.
    let finish = |x: Tensor, value: &dyn Fn(&Decomposition) -> f64| -> Result<Tensor> {
        let value = constant(values.iter().map(value).collect(), &[num], rot)?;
        let correction = (value - x.detach())?;
        Ok((x + correction)?.reshape(batch)?)
    };
    Ok((
        finish(a, &|v| v.angles[0])?,
        finish(b, &|v| v.angles[1])?,
        finish(c, &|v| v.angles[2])?,
    ))
}

/// A rotation that was taken apart.
struct Decomposition {
    angles: [f64; 3],
    cos_b: f64,
    is_pole: bool,
}

fn angles<T: e3x_so3::Real>(elements: &[f64]) -> Result<Vec<Decomposition>> {
    let convert = |m: &[f64]| {
        let row = |i: usize| std::array::from_fn(|j| T::from_f64(m[3 * i + j]));
        let (a, b, c) = e3x_so3::euler_angles_from_rotation(&[row(0), row(1), row(2)])?;
        let cos_b = m[0].hypot(m[1]);
        Ok(Decomposition {
            angles: [a, b, c].map(T::to_f64),
            cos_b,
            // Below this, the direction of the first two elements is rounding.
            is_pole: cos_b <= 4.0 * T::EPSILON.to_f64(),
        })
    };
    elements.chunks_exact(9).map(convert).collect()
}

//! Rotations from an axis and an angle and from Euler angles.

use super::matrix::{finite, round, unit};
use super::quaternion::matrix_of_unit_quaternion;
use crate::{Real, Result};

/// The counterclockwise rotation about `axis` by `angle` (in radians).
///
/// With the unit vector `n` along the axis, it takes a row vector `r` to
///
/// ```text
/// r @ rot = r cos(angle) + (n × r) sin(angle) + n (n·r) (1 - cos(angle))
/// ```
///
/// (Rodrigues' formula, evaluated through half angles.) The counterpart of `e3x.so3.rotation`.
///
/// # Errors
///
/// When the axis is zero, or the axis or the angle are not finite.
///
/// # Example
///
/// ```
/// let rot = e3x_so3::rotation([0.0, 0.0, 2.0], std::f64::consts::FRAC_PI_2)?;
/// // The first row is where x goes: to y.
/// assert!((rot[0][0]).abs() < 1e-15 && (rot[0][1] - 1.0).abs() < 1e-15);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn rotation<T: Real>(axis: [T; 3], angle: T) -> Result<[[T; 3]; 3]> {
    let [x, y, z] = unit("axis", finite("axis", axis)?)?;
    let [angle] = finite("angle", [angle])?;
    let (sin, cos) = (0.5 * angle).sin_cos();
    let matrix = matrix_of_unit_quaternion([cos, x * sin, y * sin, z * sin]);
    Ok(round(&matrix))
}

/// The counterclockwise rotation about the x-axis by `a`, then about the y-axis by `b`, then about the z-axis by `c`
/// (all in radians; the axes do not move).
///
/// Equal to `rotation(x, a) @ rotation(y, b) @ rotation(z, c)`. The counterpart of `e3x.so3.rotation_euler`.
///
/// # Errors
///
/// When an angle is not finite.
///
/// # Example
///
/// ```
/// let rot = e3x_so3::rotation_euler(0.0, std::f64::consts::PI, 0.0)?;
/// assert!((rot[0][0] + 1.0).abs() < 1e-15);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn rotation_euler<T: Real>(a: T, b: T, c: T) -> Result<[[T; 3]; 3]> {
    let [a] = finite("a", [a])?;
    let [b] = finite("b", [b])?;
    let [c] = finite("c", [c])?;
    let ((sin_a, cos_a), (sin_b, cos_b), (sin_c, cos_c)) = (a.sin_cos(), b.sin_cos(), c.sin_cos());
    Ok(round(&[
        [cos_b * cos_c, cos_b * sin_c, -sin_b],
        [
            sin_a * sin_b * cos_c - cos_a * sin_c,
            sin_a * sin_b * sin_c + cos_a * cos_c,
            sin_a * cos_b,
        ],
        [
            cos_a * sin_b * cos_c + sin_a * sin_c,
            cos_a * sin_b * sin_c - sin_a * cos_c,
            cos_a * cos_b,
        ],
    ]))
}

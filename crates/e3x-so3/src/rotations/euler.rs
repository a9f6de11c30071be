//! Euler angles of a rotation.

use super::matrix::proper;
use crate::{Real, Result};

/// The Euler angles `(a, b, c)` of a rotation, so that [`rotation_euler`](crate::rotation_euler) of them is the
/// rotation again.
///
/// `-π <= a, c <= π` and `-π/2 <= b <= π/2`. With the elements `M` of the matrix,
///
/// ```text
/// b = atan2(-M02, |(M00, M01)|)
/// c = atan2(M01, M00)
/// a = atan2(M20 sin(c) - M21 cos(c), M11 cos(c) - M10 sin(c))
/// ```
///
/// When the x-axis is rotated onto the z-axis (`b = ±π/2`, "gimbal lock"), only `a + c` or `a - c` is determined, and
/// `c` is 0 as in E3x. Because `a` follows from the chosen `c`, the angles describe the rotation to rounding
/// everywhere, however near to that. The counterpart of `e3x.so3.euler_angles_from_rotation`.
///
/// # Errors
///
/// When the matrix is not a rotation.
///
/// # Example
///
/// ```
/// use e3x_so3::{euler_angles_from_rotation, rotation_euler};
/// let (a, b, c) = euler_angles_from_rotation(&rotation_euler(0.1, 0.2, 0.3)?)?;
/// assert!((a - 0.1_f64).abs() < 1e-15 && (b - 0.2).abs() < 1e-15 && (c - 0.3).abs() < 1e-15);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn euler_angles_from_rotation<T: Real>(rot: &[[T; 3]; 3]) -> Result<(T, T, T)> {
    let matrix = proper("rot", rot)?;
    let cos_b = matrix[0][0].hypot(matrix[0][1]);
    let b = (-matrix[0][2]).atan2(cos_b);
    // Below this, the direction of the first two elements is rounding.
    let c = if cos_b <= 4.0 * T::EPSILON.to_f64() {
        0.0
    } else {
        matrix[0][1].atan2(matrix[0][0])
    };
    let (sin_c, cos_c) = c.sin_cos();
    let a = (matrix[2][0] * sin_c - matrix[2][1] * cos_c)
        .atan2(matrix[1][1] * cos_c - matrix[1][0] * sin_c);
    Ok((T::from_f64(a), T::from_f64(b), T::from_f64(c)))
}

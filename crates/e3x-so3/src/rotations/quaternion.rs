//! Quaternions.

use super::matrix::{Matrix, finite, proper, round, unit};
use crate::{Real, Result};

/// The rotation of a quaternion `[w, x, y, z]`.
///
/// A unit quaternion `(cos(angle/2), n sin(angle/2))` is the counterclockwise rotation about `n` by `angle`; others
/// are normalized first. A quaternion and its negative are the same rotation.
///
/// # Errors
///
/// When the quaternion is zero or not finite.
///
/// # Example
///
/// ```
/// let rot = e3x_so3::rotation_from_quaternion([1.0, 0.0, 0.0, 1.0])?; // by π/2 about z
/// assert!((rot[0][1] - 1.0_f64).abs() < 1e-15);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn rotation_from_quaternion<T: Real>(quaternion: [T; 4]) -> Result<[[T; 3]; 3]> {
    let quaternion = unit("quaternion", finite("quaternion", quaternion)?)?;
    Ok(round(&matrix_of_unit_quaternion(quaternion)))
}

/// The matrix for row vectors (Shoemake, "Animating rotation with quaternion curves", SIGGRAPH 1985).
pub(super) fn matrix_of_unit_quaternion([w, x, y, z]: [f64; 4]) -> Matrix {
    [
        [
            1.0 - 2.0 * (y * y + z * z),
            2.0 * (x * y + z * w),
            2.0 * (x * z - y * w),
        ],
        [
            2.0 * (x * y - z * w),
            1.0 - 2.0 * (x * x + z * z),
            2.0 * (y * z + x * w),
        ],
        [
            2.0 * (x * z + y * w),
            2.0 * (y * z - x * w),
            1.0 - 2.0 * (x * x + y * y),
        ],
    ]
}

/// The unit quaternion `[w, x, y, z]` of a rotation; of the two, the one whose first non-zero component is positive.
///
/// The largest component is computed from the diagonal of the matrix and the others from it, so that nothing cancels
/// (Shepperd, Journal of Guidance and Control 1, 223 (1978)).
///
/// # Errors
///
/// When the matrix is not a rotation.
///
/// # Example
///
/// ```
/// use e3x_so3::{quaternion_from_rotation, rotation};
/// let quaternion = quaternion_from_rotation(&rotation([0.0, 1.0, 0.0], std::f64::consts::PI)?)?;
/// assert!(quaternion[0].abs() < 1e-15 && (quaternion[2] - 1.0).abs() < 1e-15);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn quaternion_from_rotation<T: Real>(rot: &[[T; 3]; 3]) -> Result<[T; 4]> {
    let m = proper("rot", rot)?;
    // Four times the products of every component with every other.
    let (xx, yy, zz) = (m[0][0], m[1][1], m[2][2]);
    let (wx, wy, wz) = (m[1][2] - m[2][1], m[2][0] - m[0][2], m[0][1] - m[1][0]);
    let (xy, xz, yz) = (m[0][1] + m[1][0], m[0][2] + m[2][0], m[1][2] + m[2][1]);
    let products = [
        [1.0 + xx + yy + zz, wx, wy, wz],
        [wx, 1.0 + xx - yy - zz, xy, xz],
        [wy, xy, 1.0 - xx + yy - zz, yz],
        [wz, xz, yz, 1.0 - xx - yy + zz],
    ];
    let largest = (0..4)
        .max_by(|&i, &j| products[i][i].total_cmp(&products[j][j]))
        .unwrap_or(0);
    let quaternion = unit("rot", products[largest])?;
    let sign = quaternion
        .iter()
        .find(|&&component| component != 0.0)
        .map_or(1.0, |component| component.signum());
    Ok(quaternion.map(|component| T::from_f64(sign * component)))
}

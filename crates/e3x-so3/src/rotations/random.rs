//! Random rotations.

use super::matrix::{Matrix, round};
use super::quaternion::matrix_of_unit_quaternion;
use crate::{Error, Real, Result};
use rand::Rng;
use std::f64::consts::TAU;

/// A random rotation.
///
/// With `perturbation = 1`, all rotations are equally likely (Haar measure): the rotation of a quaternion that is
/// uniform on the unit sphere (Shoemake, "Uniform random rotations", Graphics Gems III (1992)). With less, the angle of
/// that rotation, at most π, is multiplied by `perturbation`; 0 gives the identity. The counterpart of
/// `e3x.so3.random_rotation`, with another generator of random numbers.
///
/// # Errors
///
/// When `perturbation` is not between 0 and 1.
///
/// # Example
///
/// ```
/// use rand::SeedableRng;
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
/// let rot = e3x_so3::random_rotation::<f64, _>(&mut rng, 1.0)?;
/// let norm: f64 = rot[0].iter().map(|x| x * x).sum();
/// assert!((norm - 1.0).abs() < 1e-15);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn random_rotation<T: Real, R: Rng + ?Sized>(
    rng: &mut R,
    perturbation: f64,
) -> Result<[[T; 3]; 3]> {
    check_perturbation(perturbation)?;
    Ok(round(&draw(rng, perturbation)))
}

/// The largest number of random rotations at once (1.1 GiB in double precision).
const MAX_NUM: usize = 1 << 24;

/// `num` random rotations as [`random_rotation`], in shape `(num, 3, 3)`.
///
/// # Errors
///
/// When `perturbation` is not between 0 and 1, or `num` is above 2²⁴.
///
/// # Example
///
/// ```
/// use rand::SeedableRng;
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
/// let rotations = e3x_so3::random_rotations::<f32, _>(&mut rng, 0.0, 2)?;
/// assert_eq!(rotations[1], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn random_rotations<T: Real, R: Rng + ?Sized>(
    rng: &mut R,
    perturbation: f64,
    num: usize,
) -> Result<Vec<[[T; 3]; 3]>> {
    check_perturbation(perturbation)?;
    if num > MAX_NUM {
        return Err(Error::Invalid {
            argument: "num",
            expected: format!("at most {MAX_NUM}"),
            actual: num.to_string(),
        });
    }
    Ok((0..num).map(|_| round(&draw(rng, perturbation))).collect())
}

fn check_perturbation(perturbation: f64) -> Result<()> {
    if (0.0..=1.0).contains(&perturbation) {
        return Ok(());
    }
    Err(Error::OutOfRange {
        argument: "perturbation",
        minimum: 0.0,
        maximum: 1.0,
        actual: perturbation,
    })
}

fn draw<R: Rng + ?Sized>(rng: &mut R, perturbation: f64) -> Matrix {
    let [u, angle1, angle2]: [f64; 3] = rng.random();
    let (sin1, cos1) = (TAU * angle1).sin_cos();
    let (sin2, cos2) = (TAU * angle2).sin_cos();
    let (radius1, radius2) = ((1.0 - u).sqrt(), u.sqrt());
    // The sign is chosen so that the angle is at most π.
    let w = radius1 * sin1;
    let vector = [radius1 * cos1, radius2 * sin2, radius2 * cos2].map(|x| x * w.signum());
    let sin = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    let half_angle = perturbation * sin.atan2(w.abs());
    // A vanishing vector is the identity, whatever its direction.
    let scale = if sin > 0.0 {
        half_angle.sin() / sin
    } else {
        0.0
    };
    let [x, y, z] = vector.map(|x| x * scale);
    matrix_of_unit_quaternion([half_angle.cos(), x, y, z])
}

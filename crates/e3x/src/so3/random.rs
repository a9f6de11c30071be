//! Random rotations.

use candle_core::{DType, Device, Tensor};
use rand::Rng;

use crate::Result;
use crate::error::check_float;

/// A random rotation; E3x's `so3.random_rotation`.
///
/// With `perturbation = 1`, all rotations are equally likely. With less, the angle of such a
/// rotation (at most π) is multiplied by `perturbation`; 0 gives the identity. Details:
/// [`e3x_so3::random_rotation`]. The same seed gives the same rotation, up to rounding to `dtype`;
/// the random numbers are not those of JAX.
///
/// # Shapes
/// The result has shape `(3, 3)`.
///
/// ```
/// use candle_core::{DType, Device};
/// use rand::SeedableRng;
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
/// let rot = e3x::so3::random_rotation(&mut rng, 1.0, DType::F32, &Device::Cpu)?;
/// assert_eq!(rot.dims(), [3, 3]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `perturbation` is not between 0 and 1, or `dtype` is neither f32 nor f64.
pub fn random_rotation<R: Rng + ?Sized>(
    rng: &mut R,
    perturbation: f64,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    Ok(random_rotations(rng, perturbation, 1, dtype, device)?.squeeze(0)?)
}

/// `num` random rotations as [`random_rotation`]; E3x's `so3.random_rotation` with `num`.
///
/// # Shapes
/// The result has shape `(num, 3, 3)`, for `num = 1` too.
///
/// ```
/// use candle_core::{DType, Device};
/// use rand::SeedableRng;
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
/// let rot = e3x::so3::random_rotations(&mut rng, 0.5, 10, DType::F64, &Device::Cpu)?;
/// assert_eq!(rot.dims(), [10, 3, 3]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// As [`random_rotation`], or if `num` is above 2²⁴.
pub fn random_rotations<R: Rng + ?Sized>(
    rng: &mut R,
    perturbation: f64,
    num: usize,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    check_float("dtype", dtype)?;
    let rotations = e3x_so3::random_rotations::<f64, R>(rng, perturbation, num)?;
    let elements = rotations.as_flattened().as_flattened();
    Ok(Tensor::from_slice(elements, (num, 3, 3), &Device::Cpu)?
        .to_dtype(dtype)?
        .to_device(device)?)
}

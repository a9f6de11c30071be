//! Rotations and the matrices that represent them.

use candle_core::{Device, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::Result;

/// A rotation of space, acting from the right on row vectors: `r @ matrix`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rotation {
    matrix: [[f64; 3]; 3],
}

impl Rotation {
    /// A uniformly distributed rotation, the same for the same seed.
    ///
    /// # Errors
    /// None in practice; the signature is that of the underlying functions.
    pub fn random(seed: u64) -> Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let matrix = e3x_so3::random_rotation(&mut rng, 1.0)?;
        Ok(Self { matrix })
    }

    /// The rotation with this matrix, which is not checked.
    pub fn from_matrix(matrix: [[f64; 3]; 3]) -> Self {
        Self { matrix }
    }

    /// The matrix, shape `(3, 3)`, `f64`.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn matrix(&self) -> Result<Tensor> {
        Ok(Tensor::new(&self.matrix, &Device::Cpu)?)
    }

    /// The Wigner-D matrix, shape `((L+1)^2, (L+1)^2)`, `f64`: harmonics of rotated vectors are
    /// rotated harmonics, `Y(r @ rotation) == Y(r) @ D`.
    ///
    /// ```
    /// use e3x::testing::{Rotation, random};
    /// use e3x::so3::solid_harmonics;
    /// let rotation = Rotation::random(0)?;
    /// let r = random(&[5, 3], 1)?;
    /// let rotated = solid_harmonics(&r.matmul(&rotation.matrix()?)?, 3, true)?;
    /// let expected = solid_harmonics(&r, 3, true)?.matmul(&rotation.wigner_d(3, true)?)?;
    /// let error = (rotated - expected)?.abs()?.max_all()?.to_scalar::<f64>()?;
    /// assert!(error < 1e-12);
    /// # Ok::<(), e3x::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the degree is too large.
    pub fn wigner_d(&self, max_degree: usize, cartesian_order: bool) -> Result<Tensor> {
        let size = (max_degree + 1).pow(2);
        let values = e3x_so3::wigner_d(&self.matrix, max_degree, cartesian_order)?;
        Ok(Tensor::from_vec(values, (size, size), &Device::Cpu)?)
    }
}

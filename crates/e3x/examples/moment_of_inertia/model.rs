//! A network that predicts a matrix from point masses.

use candle_core::{D, DType, Device, Tensor};
use e3x::nn::{Builder, Dense, DenseConfig, Summary, TensorDense, TensorDenseConfig, VarBuilder};
use e3x::{FeatureShape, so3};

/// Number of features inside.
const FEATURES: usize = 8;

/// Predicts matrices `(B, 3, 3)` that turn with the positions.
pub struct Model {
    dense: Dense,
    first: TensorDense,
    second: TensorDense,
    /// How irreps of degree 0, 1, 2 make up a matrix, `(9, 3 * 3)`.
    irreps_to_matrix: Tensor,
    pub summary: Summary,
}

impl Model {
    pub fn new(vb: VarBuilder) -> e3x::Result<Self> {
        let mut model = Builder::new(vb);
        // One feature: the mass is its scalar, the position its vector.
        let dense = model.dense(FeatureShape::new(1, 1, 1)?, DenseConfig::new(FEATURES))?;
        // Scalars and vectors see each other: mass times position, squared distance, ...
        let config = TensorDenseConfig {
            max_degree: Some(1),
            ..TensorDenseConfig::default()
        };
        let first = model.tensor_dense(dense.output_shape(), config)?;
        // A matrix is the product of two vectors, and that is made of irreps of degree 0, 1, 2:
        // its trace, its antisymmetric part, and its symmetric part without trace.
        let config = TensorDenseConfig {
            features: Some(1),
            max_degree: Some(2),
            ..TensorDenseConfig::default()
        };
        let second = model.tensor_dense(first.output_shape(), config)?;
        // Coefficients of vectors: entries 1 to 3 of the first two axes.
        let cg = so3::clebsch_gordan(1, 1, 2, true, DType::F32, &Device::Cpu)?;
        let cg = cg.narrow(0, 1, 3)?.narrow(1, 1, 3)?.contiguous()?;
        let irreps_to_matrix = cg.reshape((9, 9))?.t()?.contiguous()?;
        let summary = model.summary().clone();
        Ok(Self {
            dense,
            first,
            second,
            irreps_to_matrix,
            summary,
        })
    }

    /// Masses `(B, N)` and positions `(B, N, 3)`.
    pub fn forward(&self, masses: &Tensor, positions: &Tensor) -> e3x::Result<Tensor> {
        let x = Tensor::cat(&[&masses.unsqueeze(D::Minus1)?, positions], D::Minus1)?;
        let (batch, points, _) = x.dims3()?;
        let x = x.reshape((batch, points, 1, 4, 1))?;
        let x = self.dense.forward(&x)?; // (B, N, 1, 4, 8)
        let x = self.first.forward(&x)?; // (B, N, 2, 4, 8)
        let x = self.second.forward(&x)?; // (B, N, 2, 9, 1)
        // A matrix does not change when everything is mirrored: its irreps have even parity.
        let x = x.narrow(2, 0, 1)?.reshape((batch, points, 9))?;
        let x = x.sum(1)?; // Every point contributes: (B, 9)
        Ok(x.matmul(&self.irreps_to_matrix)?.reshape((batch, 3, 3))?)
    }
}

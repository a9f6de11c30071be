//! Tensor product of two linear projections.

use candle_core::Tensor as Array;

use super::tensor_product::{TensorProduct, TensorProductConfig};
use crate::config::Config;
use crate::nn::{Dense, DenseConfig, Initializer, VarBuilder};
use crate::op::columns::columns;
use crate::{Error, FeatureShape, Result};

/// Options of [`TensorDense`], with E3x's defaults.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::struct_excessive_bools)] // The independent switches of E3x.
pub struct TensorDenseConfig {
    /// Number of output features; `None`: as many as the input has.
    pub features: Option<usize>,
    /// Highest degree of the result; `None`: that of the input.
    pub max_degree: Option<usize>,
    /// Whether a bias is added to the scalars of the projections.
    pub use_bias: bool,
    /// Whether the result includes pseudotensors.
    pub include_pseudotensors: bool,
    /// Order of the entries of each degree.
    pub cartesian_order: bool,
    /// Whether the product is a [`FusedTensor`](super::FusedTensor) instead of a
    /// [`Tensor`](super::Tensor).
    pub use_fused_tensor: bool,
    /// Initialiser of the kernels of the projections.
    pub dense_kernel_init: Initializer,
    /// Initialiser of the bias of the projections.
    pub dense_bias_init: Initializer,
    /// Initialiser of the kernels of the product; `None`: the default of its kind.
    pub tensor_kernel_init: Option<Initializer>,
}

impl Default for TensorDenseConfig {
    fn default() -> Self {
        Self {
            features: None,
            max_degree: None,
            use_bias: true,
            include_pseudotensors: true,
            cartesian_order: Config::cartesian_order(),
            use_fused_tensor: Config::use_fused_tensor(),
            dense_kernel_init: Initializer::lecun_normal(),
            dense_bias_init: Initializer::Zeros,
            tensor_kernel_init: None,
        }
    }
}

/// Tensor product of two linear projections of the same features; E3x's `nn.TensorDense`
/// (arXiv:2401.07595, section 3.2).
///
/// ```text
/// y = Tensor(Dense1(x), Dense2(x))
/// ```
///
/// Parameters: `dense/...` of one [`Dense`] layer with twice the features, whose halves are the
/// two projections, and `tensor/kernel` of a [`Tensor`](super::Tensor) or `fused_tensor/...` of a
/// [`FusedTensor`](super::FusedTensor).
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use e3x::FeatureShape;
/// use e3x::nn::{Parameters, TensorDense, TensorDenseConfig};
/// let vb = Parameters::seeded(0).builder(DType::F32, &Device::Cpu);
/// let config = TensorDenseConfig { features: Some(4), ..TensorDenseConfig::default() };
/// let layer = TensorDense::new(FeatureShape::new(1, 1, 8)?, config, vb)?;
/// let x = Tensor::ones((5, 1, 4, 8), DType::F32, &Device::Cpu)?;
/// assert_eq!(layer.forward(&x)?.dims(), [5, 2, 4, 4]);
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TensorDense {
    dense: Dense,
    tensor: TensorProduct,
}

impl TensorDense {
    /// Builds the layer for inputs of the given shape.
    ///
    /// # Errors
    /// If `features` is zero, `max_degree` is larger than twice that of the input, or a parameter
    /// does not fit.
    pub fn new(input: FeatureShape, config: TensorDenseConfig, vb: VarBuilder) -> Result<Self> {
        let features = config.features.unwrap_or(input.features);
        let Some(both) = features.checked_mul(2) else {
            let received = features.to_string();
            return Err(Error::argument(
                "features",
                "a number that fits in memory",
                received,
            ));
        };
        let dense = DenseConfig {
            features: both,
            use_bias: config.use_bias,
            kernel_init: config.dense_kernel_init,
            bias_init: config.dense_bias_init,
        };
        let projection = FeatureShape::new(input.parity, input.max_degree, features)?;
        let tensor = TensorProductConfig {
            max_degree: config.max_degree,
            include_pseudotensors: config.include_pseudotensors,
            cartesian_order: config.cartesian_order,
            use_fused_tensor: config.use_fused_tensor,
            kernel_init: config.tensor_kernel_init,
        };
        Ok(Self {
            tensor: TensorProduct::new(projection, projection, tensor, &vb)?,
            dense: Dense::new(input, dense, vb.pp("dense"))?,
        })
    }

    /// Applies the layer: `(..., P, (L+1)^2, in_features)` to `(..., P', (L'+1)^2, features)`.
    ///
    /// # Errors
    /// If `inputs` has another shape or dtype than the layer was built for.
    pub fn forward(&self, inputs: &Array) -> Result<Array> {
        let features = self.output_shape().features;
        let both = self.dense.forward(inputs)?;
        self.tensor.forward(
            &columns(&both, 0, features)?,
            &columns(&both, features, features)?,
        )
    }

    /// Shape of the last three axes of the input.
    pub fn input_shape(&self) -> FeatureShape {
        self.dense.input_shape()
    }

    pub(crate) fn parts(&self) -> (&Dense, &TensorProduct) {
        (&self.dense, &self.tensor)
    }

    /// Shape of the last three axes of the result.
    pub fn output_shape(&self) -> FeatureShape {
        self.tensor.output_shape()
    }
}

//! Tensor product or fused tensor product: what layers with a tensor product are made of.

use std::sync::Arc;

use candle_core::Tensor as Array;
use e3x_kernels::CouplingPlan;

use crate::nn::{FusedTensor, FusedTensorConfig, Initializer, Tensor, TensorConfig, VarBuilder};
use crate::op::fused_kernel::FusedPaths;
use crate::{FeatureShape, Result};

/// Options of both kinds.
#[derive(Debug, Clone)]
pub(crate) struct TensorProductConfig {
    pub max_degree: Option<usize>,
    pub include_pseudotensors: bool,
    pub cartesian_order: bool,
    pub use_fused_tensor: bool,
    /// `None`: the default of the kind.
    pub kernel_init: Option<Initializer>,
}

/// A [`Tensor`] with parameters in `tensor`, or a [`FusedTensor`] with parameters in
/// `fused_tensor`.
#[derive(Debug, Clone)]
pub(crate) enum TensorProduct {
    Tensor(Tensor),
    Fused(FusedTensor),
}

impl TensorProduct {
    pub fn new(
        inputs1: FeatureShape,
        inputs2: FeatureShape,
        config: TensorProductConfig,
        vb: &VarBuilder,
    ) -> Result<Self> {
        let TensorProductConfig {
            max_degree,
            include_pseudotensors,
            cartesian_order,
            use_fused_tensor,
            kernel_init,
        } = config;
        if use_fused_tensor {
            let config = FusedTensorConfig {
                max_degree,
                include_pseudotensors,
                cartesian_order,
                kernel_init: kernel_init.unwrap_or(FusedTensorConfig::default().kernel_init),
            };
            let vb = vb.pp("fused_tensor");
            return Ok(Self::Fused(FusedTensor::new(inputs1, inputs2, config, vb)?));
        }
        let config = TensorConfig {
            max_degree,
            include_pseudotensors,
            cartesian_order,
            kernel_init: kernel_init.unwrap_or(TensorConfig::default().kernel_init),
        };
        let tensor = Tensor::new(inputs1, inputs2, config, vb.pp("tensor"))?;
        Ok(Self::Tensor(tensor))
    }

    pub fn forward(&self, inputs1: &Array, inputs2: &Array) -> Result<Array> {
        match self {
            Self::Tensor(tensor) => tensor.forward(inputs1, inputs2),
            Self::Fused(tensor) => tensor.forward(inputs1, inputs2),
        }
    }

    pub fn output_shape(&self) -> FeatureShape {
        match self {
            Self::Tensor(tensor) => tensor.output_shape(),
            Self::Fused(tensor) => tensor.output_shape(),
        }
    }

    /// The paths of the product.
    pub fn paths(&self) -> Result<Paths> {
        let (plan, kernel) = match self {
            Self::Tensor(tensor) => (
                Arc::clone(tensor.plan()),
                Kernel::Parameter(tensor.kernel().clone()),
            ),
            Self::Fused(tensor) => {
                let (plan, paths) = tensor.paths()?;
                (plan, Kernel::Fused(Box::new(tensor.clone()), paths))
            }
        };
        Ok(Paths { plan, kernel })
    }

    /// A tensor with the dtype of the parameters.
    pub fn any_parameter(&self) -> &Array {
        match self {
            Self::Tensor(tensor) => tensor.kernel(),
            Self::Fused(tensor) => tensor.any_parameter(),
        }
    }
}

/// The paths of a tensor product and their weights: what layers need that compute it in their own way.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    pub plan: Arc<CouplingPlan>,
    kernel: Kernel,
}

#[derive(Debug, Clone)]
enum Kernel {
    Parameter(Array),
    Fused(Box<FusedTensor>, Arc<FusedPaths>),
}

impl Paths {
    /// The weights of all paths.
    pub fn kernel(&self) -> Result<Array> {
        match &self.kernel {
            Kernel::Parameter(kernel) => Ok(kernel.clone()),
            Kernel::Fused(tensor, paths) => tensor.kernel(paths),
        }
    }
}

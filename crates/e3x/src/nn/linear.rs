//! The ordinary dense layer.

use candle_core::Tensor;
use e3x_kernels::dense::{DensePlan, Slot};

use crate::nn::{Initializer, VarBuilder};
use crate::op::dense::Dense;
use crate::op::layer::layer;
use crate::op::tape::view;
use crate::{Error, Result};

/// Linear combination of the last axis, for arrays that are no features any more (logits, energies
/// of atoms); the `Dense` of Flax (`flax.linen.Dense`).
///
/// ```text
/// y[..., o] = sum over i of x[..., i] kernel[i, o]  (+ bias[o])
/// ```
///
/// It mixes whatever it gets: apply it to invariant numbers only, or the model is not equivariant.
/// For features use [`Dense`](super::Dense).
///
/// Parameters: `kernel`, shape `(in_features, features)`, and `bias`, shape `(features)`.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use e3x::nn::{Initializer, Linear, Parameters};
/// let vb = Parameters::seeded(0).builder(DType::F32, &Device::Cpu);
/// let layer = Linear::new(16, 8, true, Initializer::lecun_normal(), vb)?;
/// let x = Tensor::ones((5, 16), DType::F32, &Device::Cpu)?;
/// assert_eq!(layer.forward(&x)?.dims(), [5, 8]);
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Linear {
    kernel: Tensor,
    bias: Option<Tensor>,
}

impl Linear {
    /// Builds the layer; a bias starts at zero.
    ///
    /// # Errors
    /// If one of the sizes is zero or a parameter does not fit.
    pub fn new(
        in_features: usize,
        features: usize,
        use_bias: bool,
        kernel_init: Initializer,
        vb: VarBuilder,
    ) -> Result<Self> {
        for (argument, size) in [("in_features", in_features), ("features", features)] {
            if size == 0 {
                return Err(Error::argument(argument, "at least 1", "0"));
            }
        }
        let kernel = vb.get_with_hints((in_features, features), "kernel", kernel_init)?;
        let bias = if use_bias {
            Some(vb.get_with_hints(features, "bias", Initializer::Zeros)?)
        } else {
            None
        };
        Ok(Self { kernel, bias })
    }

    /// Applies the layer: `(..., in_features)` to `(..., features)`.
    ///
    /// # Errors
    /// If the last axis of `inputs` has another size, or their dtype is not that of the
    /// parameters.
    pub fn forward(&self, inputs: &Tensor) -> Result<Tensor> {
        linear(inputs, &self.kernel, self.bias.as_ref())
    }

    /// Size of the last axis of the result.
    pub fn features(&self) -> usize {
        self.kernel.dims().get(1).copied().unwrap_or(0)
    }

    /// Dtype of the parameters.
    pub fn dtype(&self) -> candle_core::DType {
        self.kernel.dtype()
    }

    /// Kernel and bias.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &Tensor> {
        std::iter::once(&self.kernel).chain(&self.bias)
    }
}

/// `inputs kernel + bias`: `(..., in_features)` to `(..., features)`.
pub(crate) fn linear(inputs: &Tensor, kernel: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (in_features, features) = kernel.dims2()?;
    let Some((_, batch)) = inputs.dims().split_last().filter(|x| *x.0 == in_features) else {
        let received = format!("shape {:?}", inputs.dims());
        let expected = format!("shape (..., {in_features})");
        return Err(Error::argument("inputs", expected, received));
    };
    crate::error::check_same_dtype("inputs", inputs, "the parameters", kernel)?;
    let items: usize = batch.iter().product();
    let sum = Dense {
        plan: DensePlan {
            parity: 1,
            max_degree: 0,
            in_features,
            out_features: features,
        },
        items,
        constant: None,
    };
    let form = (sum, Slot::Output as usize);
    let outputs = layer(form, &[inputs, kernel], bias, None)?;
    view(&outputs, [batch, &[features]].concat())
}

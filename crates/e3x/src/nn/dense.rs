//! Dense layers.

use candle_core::Tensor;
use e3x_kernels::dense::{DensePlan, Slot};

use crate::nn::features::as_residual;
use crate::nn::kernels::Kernels;
use crate::nn::{self, Initializer, VarBuilder};
use crate::op::dense::Dense as Form;
use crate::op::layer::{Residual, layer};
use crate::op::multilinear::form;
use crate::op::stack::Arrangement;
use crate::op::tape::view;
use crate::{Error, FeatureShape, Result};

/// Options of [`Dense`], with E3x's defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseConfig {
    /// Number of output features.
    pub features: usize,
    /// Whether a bias is added to the scalars (degree 0, even parity).
    pub use_bias: bool,
    /// Initialiser of the kernels.
    pub kernel_init: Initializer,
    /// Initialiser of the bias.
    pub bias_init: Initializer,
}

impl DenseConfig {
    /// E3x's defaults: a bias, kernels from `lecun_normal`.
    pub fn new(features: usize) -> Self {
        Self {
            features,
            use_bias: true,
            kernel_init: Initializer::lecun_normal(),
            bias_init: Initializer::Zeros,
        }
    }
}

/// Linear combination of features, with weights of its own for every parity and degree; E3x's
/// `nn.Dense` (arXiv:2401.07595, section 3.1).
///
/// ```text
/// y[p, l m, o] = sum over i of x[p, l m, i] kernel_{p l}[i, o]  (+ bias[o] for degree 0, even)
/// ```
///
/// Parameters: `{l}{+|-}/kernel`, shape `(in_features, features)`, for every degree and parity
/// present (a single parity axis: `0+`, `1-`, `2+`, ...), and `0+/bias`, shape `(features)`.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use e3x::nn::{Dense, DenseConfig, Parameters};
/// use e3x::FeatureShape;
/// let vb = Parameters::seeded(0).builder(DType::F32, &Device::Cpu);
/// let dense = Dense::new(FeatureShape::new(2, 1, 8)?, DenseConfig::new(16), vb)?;
/// let x = Tensor::ones((5, 2, 4, 8), DType::F32, &Device::Cpu)?;
/// assert_eq!(dense.forward(&x)?.dims(), [5, 2, 4, 16]);
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Dense {
    input: FeatureShape,
    output: FeatureShape,
    kernels: Kernels,
    bias: Option<Tensor>,
}

impl Dense {
    /// Builds the layer for inputs of the given shape.
    ///
    /// # Errors
    /// If `features` is zero or a parameter does not fit.
    pub fn new(input: FeatureShape, config: DenseConfig, vb: VarBuilder) -> Result<Self> {
        let output = FeatureShape::new(input.parity, input.max_degree, config.features)?;
        let shape = (input.features, config.features);
        let mut kernels = Vec::with_capacity(input.parity * (input.max_degree + 1));
        for p in 0..input.parity {
            for l in 0..=input.max_degree {
                let path = vb.pp(irrep_name(input.parity, p, l));
                kernels.push(path.get_with_hints(shape, "kernel", config.kernel_init.clone())?);
            }
        }
        let bias = if config.use_bias {
            Some(
                vb.pp("0+")
                    .get_with_hints(config.features, "bias", config.bias_init)?,
            )
        } else {
            None
        };
        Ok(Self {
            input,
            output,
            kernels: Kernels::new(kernels),
            bias,
        })
    }

    /// Applies the layer: `(..., P, (L+1)^2, in_features)` to `(..., P, (L+1)^2, features)`.
    ///
    /// # Errors
    /// If `inputs` has another shape or dtype than the layer was built for.
    pub fn forward(&self, inputs: &Tensor) -> Result<Tensor> {
        self.with_residual(inputs, None)
    }

    /// [`Dense::forward`] with `other` added, features of any degree ([`nn::add`]).
    pub(crate) fn forward_plus(&self, inputs: &Tensor, other: &Tensor) -> Result<Tensor> {
        let batch = self.input.check("inputs", inputs)?;
        match as_residual(other, self.output, batch)? {
            Some(residual) => self.with_residual(inputs, Some(residual)),
            None => nn::add(&[other, &self.forward(inputs)?]),
        }
    }

    fn with_residual(&self, inputs: &Tensor, residual: Option<Residual>) -> Result<Tensor> {
        let batch = self.input.check("inputs", inputs)?;
        crate::error::check_same_dtype("inputs", inputs, "the parameters", self.any_parameter())?;
        let plan = self.plan();
        let weight = self.kernels.weight(Arrangement::Stacked, plan)?;
        let sum = Form {
            plan,
            items: batch.iter().product(),
            constant: weight.constant,
        };
        let operands = [inputs, &weight.whole];
        let form = (sum, Slot::Output as usize);
        let outputs = layer(form, &operands, self.bias.as_ref(), residual)?;
        view(&outputs, self.output.with_batch(batch))
    }

    /// Shape of the last three axes of the input.
    pub fn input_shape(&self) -> FeatureShape {
        self.input
    }

    /// Shape of the last three axes of the result.
    pub fn output_shape(&self) -> FeatureShape {
        self.output
    }

    /// What the layer makes of the radial part of a factored basis, `(items, in_features)`: one row
    /// for each degree, `(items, degrees * features)`.
    pub(crate) fn filter_radial(&self, radial: &Tensor) -> Result<Tensor> {
        // (degrees, K, F) -> (K, degrees F): one matrix product.
        let width = self.kernels.each().len() * self.output.features;
        let plan = DensePlan {
            parity: 1,
            max_degree: 0,
            in_features: self.input.features,
            out_features: width,
        };
        let weight = self.kernels.weight(Arrangement::SideBySide, plan)?;
        let items = radial.dim(0)?;
        let sum = Form {
            plan,
            items,
            constant: weight.constant,
        };
        let rows = form(sum, Slot::Output as usize, &[radial, &weight.whole])?;
        view(&rows, (items, width))
    }

    /// Kernels and bias.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &Tensor> {
        self.kernels.each().iter().chain(&self.bias)
    }

    /// A tensor with the dtype of the parameters.
    pub(crate) fn any_parameter(&self) -> &Tensor {
        &self.kernels.each()[0]
    }

    /// The bias of the scalars.
    pub(crate) fn bias(&self) -> Option<&Tensor> {
        self.bias.as_ref()
    }

    fn plan(&self) -> DensePlan {
        DensePlan {
            parity: self.input.parity,
            max_degree: self.input.max_degree,
            in_features: self.input.features,
            out_features: self.output.features,
        }
    }
}

/// E3x's name of an irrep: the degree and `+` (even) or `-` (odd).
fn irrep_name(parity: usize, p: usize, l: usize) -> String {
    let odd = if parity == 2 { p == 1 } else { l % 2 == 1 };
    format!("{l}{}", if odd { '-' } else { '+' })
}

/// Error for a layer that is called with inputs whose leading axes differ.
pub(crate) fn check_same_batch(
    argument: &'static str,
    batch: &[usize],
    other: &'static str,
    expected: &[usize],
) -> Result<()> {
    if batch == expected {
        return Ok(());
    }
    Err(Error::argument(
        argument,
        format!("the leading axes of {other}, {expected:?}"),
        format!("{batch:?}"),
    ))
}

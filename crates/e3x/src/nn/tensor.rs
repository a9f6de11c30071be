//! Tensor products of features.

use std::sync::Arc;

use candle_core::Tensor as Array;
use e3x_kernels::coupling::Slot;
use e3x_kernels::{CouplingPlan, CouplingSpec};

use super::dense::check_same_batch;
use crate::config::Config;
use crate::nn::{Initializer, VarBuilder};
use crate::op::coupling::Coupling;
use crate::op::multilinear::form;
use crate::op::tape::view;
use crate::{Error, FeatureShape, Result};

/// Options of [`Tensor`], with E3x's defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorConfig {
    /// Highest degree of the product; `None`: the larger one of the factors.
    pub max_degree: Option<usize>,
    /// Whether the product includes pseudotensors.
    pub include_pseudotensors: bool,
    /// Order of the entries of each degree.
    pub cartesian_order: bool,
    /// Initialiser of the kernel.
    pub kernel_init: Initializer,
}

impl Default for TensorConfig {
    fn default() -> Self {
        Self {
            max_degree: None,
            include_pseudotensors: true,
            cartesian_order: Config::cartesian_order(),
            kernel_init: Initializer::tensor_lecun_normal(),
        }
    }
}

/// Tensor product of two features, with a weight for every coupling path; E3x's `nn.Tensor`
/// (arXiv:2401.07595, section 3.2).
///
/// ```text
/// out[c, n, f] = sum over (a, l), (b, m) of kernel[a, l, b, m, c, n, f] (x1[a, l] ⊗ x2[b, m])[n]
/// ```
///
/// where ⊗ couples with Clebsch-Gordan coefficients and only paths whose parities multiply exist.
///
/// Parameter: `kernel`, shape `(P1, L1+1, P2, L2+1, P3, L3+1, features)`; entries of paths that do
/// not exist have no influence and gradient zero.
///
/// The product has no pseudotensors if both factors have none and one of the three degrees is 0,
/// whatever `include_pseudotensors` says, as in E3x; see [`Tensor::output_shape`].
#[derive(Debug, Clone)]
pub struct Tensor {
    inputs: [FeatureShape; 2],
    output: FeatureShape,
    plan: Arc<CouplingPlan>,
    kernel: Array,
}

impl Tensor {
    /// Builds the layer for factors of the given shapes.
    ///
    /// # Errors
    /// If the factors have different numbers of features, `max_degree` is larger than the sum of
    /// theirs, or the parameter does not fit.
    pub fn new(
        inputs1: FeatureShape,
        inputs2: FeatureShape,
        config: TensorConfig,
        vb: VarBuilder,
    ) -> Result<Self> {
        let TensorConfig {
            max_degree,
            include_pseudotensors,
            cartesian_order,
            kernel_init,
        } = config;
        let output = product_shape(inputs1, inputs2, max_degree, include_pseudotensors)?;
        let plan = CouplingPlan::new(CouplingSpec {
            first: (inputs1.parity, inputs1.max_degree),
            second: (inputs2.parity, inputs2.max_degree),
            product: (output.parity, output.max_degree),
            cartesian_order,
        })?;
        let mut shape = plan.kernel_shape().to_vec();
        shape.push(inputs1.features);
        let kernel = vb.get_with_hints(shape, "kernel", kernel_init)?;
        Ok(Self {
            inputs: [inputs1, inputs2],
            output,
            plan: Arc::new(plan),
            kernel,
        })
    }

    /// Couples the factors: `(..., P1, (L1+1)^2, F)` and `(..., P2, (L2+1)^2, F)` to
    /// `(..., P3, (L3+1)^2, F)`.
    ///
    /// # Errors
    /// If a factor has another shape or dtype than the layer was built for, or their leading axes
    /// differ.
    pub fn forward(&self, inputs1: &Array, inputs2: &Array) -> Result<Array> {
        let batch = self.inputs[0].check("inputs1", inputs1)?;
        check_same_batch(
            "inputs2",
            self.inputs[1].check("inputs2", inputs2)?,
            "inputs1",
            batch,
        )?;
        for (argument, x) in [("inputs1", inputs1), ("inputs2", inputs2)] {
            crate::error::check_same_dtype(argument, x, "the parameters", &self.kernel)?;
        }
        couple(&self.plan, [inputs1, inputs2], &self.kernel, self.output)
    }

    /// Shape of the last three axes of the product.
    pub fn output_shape(&self) -> FeatureShape {
        self.output
    }

    pub(crate) fn plan(&self) -> &Arc<CouplingPlan> {
        &self.plan
    }

    pub(crate) fn kernel(&self) -> &Array {
        &self.kernel
    }
}

/// The tensor product of factors of the right shapes.
pub(crate) fn couple(
    plan: &Arc<CouplingPlan>,
    [inputs1, inputs2]: [&Array; 2],
    kernel: &Array,
    output: FeatureShape,
) -> Result<Array> {
    let batch = &inputs1.dims()[..inputs1.rank() - 3];
    let sum = Coupling {
        plan: Arc::clone(plan),
        items: batch.iter().product(),
        features: output.features,
    };
    let product = form(sum, Slot::Product as usize, &[inputs1, inputs2, kernel])?;
    view(&product, output.with_batch(batch))
}

/// Shape of a tensor product, by E3x's rules.
pub(crate) fn product_shape(
    inputs1: FeatureShape,
    inputs2: FeatureShape,
    max_degree: Option<usize>,
    include_pseudotensors: bool,
) -> Result<FeatureShape> {
    let (degree1, degree2) = (inputs1.max_degree, inputs2.max_degree);
    let degree3 = max_degree.unwrap_or(degree1.max(degree2));
    if degree3 > degree1 + degree2 {
        let expected = format!(
            "at most {} for factors of degree {degree1} and {degree2}",
            degree1 + degree2
        );
        return Err(Error::argument("max_degree", expected, degree3.to_string()));
    }
    if inputs1.features != inputs2.features {
        let expected = format!("as many features as inputs1, {}", inputs1.features);
        return Err(Error::argument(
            "inputs2",
            expected,
            inputs2.features.to_string(),
        ));
    }
    let only_tensors = inputs1.parity == 1 && inputs2.parity == 1;
    let no_pseudotensors = only_tensors && (degree1 == 0 || degree2 == 0 || degree3 == 0);
    let parity = if include_pseudotensors && !no_pseudotensors {
        2
    } else {
        1
    };
    FeatureShape::new(parity, degree3, inputs1.features)
}

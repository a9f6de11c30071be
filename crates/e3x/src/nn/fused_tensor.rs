//! Fused tensor products of features.

use std::sync::Arc;

use candle_core::Tensor as Array;
use e3x_kernels::fused::Slot;
use e3x_kernels::{CouplingPlan, CouplingSpec, FusedPlan};

use super::dense::check_same_batch;
use super::fused_paths::paths;
use super::tensor::{couple, product_shape};
use crate::config::Config;
use crate::nn::{Initializer, VarBuilder};
use crate::op::fused::Fused;
use crate::op::fused_kernel::{FusedPaths, fused_kernel};
use crate::op::multilinear::form;
use crate::op::stack::{Arrangement, arranged};
use crate::op::tape::{Few, view};
use crate::{FeatureShape, Result};

/// Options of [`FusedTensor`], with E3x's defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct FusedTensorConfig {
    /// Highest degree of the product; `None`: the larger one of the factors.
    pub max_degree: Option<usize>,
    /// Whether the product includes pseudotensors.
    pub include_pseudotensors: bool,
    /// Order of the entries of each degree.
    pub cartesian_order: bool,
    /// Initialiser of the kernels. The variances and masks of [`Initializer::FusedTensor`] are
    /// multiplied with those that E3x chooses for each kernel; others are taken as they are.
    pub kernel_init: Initializer,
}

impl Default for FusedTensorConfig {
    fn default() -> Self {
        Self {
            max_degree: None,
            include_pseudotensors: true,
            cartesian_order: Config::cartesian_order(),
            kernel_init: Initializer::fused_tensor_normal([1.0], [true]),
        }
    }
}

/// Fused tensor product of two features: one weight for every degree of the factors and of the
/// product, instead of one for every path; E3x's `nn.FusedTensor` (arXiv:2401.07595, section 3.2).
///
/// E3x writes the irreps of a factor, with their weights, into a square matrix for each parity,
/// multiplies the matrices, and reads the weighted irreps of the product off the result:
///
/// ```text
/// X[i j] = sum over l of w1[l] sum over m of C[λ i, λ j -> l m] x[l m]      λ = ceil(L / 2)
/// Z = X Y,    z[l m] = w3[l] sum over i, j of C[λ i, λ j -> l m] Z[i j]
/// ```
///
/// with L the highest of the three degrees, and so it is computed for high degrees ([`e3x_kernels::fused`]). Every step
/// commutes with rotations, so that the result is also the [`Tensor`](super::Tensor) product with a kernel of the form
///
/// ```text
/// kernel[a, b, c, f] = w1[a, f] w2[b, f] w3[c, f] G(a, b, c)
/// ```
///
/// which takes less time for low degrees, and is what [`MessagePass`](super::MessagePass) needs; the numbers G are found
/// when the layer is built.
///
/// Parameters: `kernel_e1`, `kernel_o1`, shape `(L1+1, features)`, weights of the even and odd
/// irreps of the first factor; `kernel_e2`, `kernel_o2`, `(L2+1, features)`, of the second one;
/// `kernel_eee`, `kernel_ooe`, `kernel_eoo`, `kernel_oeo`, `(L3+1, features)`, of the product, by
/// the parities of first factor, second factor and product. Entries of irreps that do not exist
/// have no influence and gradient zero.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use e3x::FeatureShape;
/// use e3x::nn::{FusedTensor, FusedTensorConfig, Parameters};
/// let vb = Parameters::seeded(0).builder(DType::F32, &Device::Cpu);
/// let shape = FeatureShape::new(1, 2, 8)?;
/// let tensor = FusedTensor::new(shape, shape, FusedTensorConfig::default(), vb)?;
/// let x = Tensor::ones((5, 1, 9, 8), DType::F32, &Device::Cpu)?;
/// assert_eq!(tensor.forward(&x, &x)?.dims(), [5, 2, 9, 8]);
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FusedTensor {
    inputs: [FeatureShape; 2],
    output: FeatureShape,
    spec: CouplingSpec,
    product: Product,
    /// Weights of first factor, second factor and product.
    weights: [Vec<Array>; 3],
}

/// How products are computed, whichever takes less time.
#[derive(Debug, Clone)]
enum Product {
    Matrices(Arc<FusedPlan>),
    /// The equal [`Tensor`](super::Tensor) product.
    Paths(Arc<CouplingPlan>, Arc<FusedPaths>),
}

impl FusedTensor {
    /// Builds the layer for factors of the given shapes.
    ///
    /// # Errors
    /// If the factors have different numbers of features, `max_degree` is larger than the sum of
    /// theirs, or a parameter does not fit.
    pub fn new(
        inputs1: FeatureShape,
        inputs2: FeatureShape,
        config: FusedTensorConfig,
        vb: VarBuilder,
    ) -> Result<Self> {
        let output = product_shape(
            inputs1,
            inputs2,
            config.max_degree,
            config.include_pseudotensors,
        )?;
        let shapes = [inputs1, inputs2, output];
        let spec = CouplingSpec {
            first: (inputs1.parity, inputs1.max_degree),
            second: (inputs2.parity, inputs2.max_degree),
            product: (output.parity, output.max_degree),
            cartesian_order: config.cartesian_order,
        };
        let start = Start::of(shapes);
        let kernel = |shape: FeatureShape, name: &str, scale: &[f64], mask: &[bool]| {
            let init = combined(&config.kernel_init, scale, mask);
            vb.get_with_hints((shape.max_degree + 1, shape.features), name, init)
        };
        let factor = |shape: FeatureShape, names: [&str; 2]| {
            let [even, odd] = Start::factor_masks(shape);
            Ok::<_, crate::Error>(vec![
                kernel(shape, names[0], &start.factors, &even)?,
                kernel(shape, names[1], &start.factors, &odd)?,
            ])
        };
        let (all, odd) = (&[true][..], start.odd_products.as_slice());
        let weights = [
            factor(inputs1, ["kernel_e1", "kernel_o1"])?,
            factor(inputs2, ["kernel_e2", "kernel_o2"])?,
            vec![
                kernel(output, "kernel_eee", &start.product, all)?,
                kernel(output, "kernel_ooe", &start.product, all)?,
                kernel(output, "kernel_eoo", &start.product, odd)?,
                kernel(output, "kernel_oeo", &start.product, odd)?,
            ],
        ];
        let matrices = FusedPlan::new(spec)?;
        let product = if matrices.is_faster() {
            Product::Matrices(Arc::new(matrices))
        } else {
            let paths = paths(shapes, spec.cartesian_order)?;
            Product::Paths(Arc::new(CouplingPlan::new(spec)?), Arc::new(paths))
        };
        Ok(Self {
            inputs: [inputs1, inputs2],
            output,
            spec,
            product,
            weights,
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
            crate::error::check_same_dtype(argument, x, "the parameters", self.any_parameter())?;
        }
        let plan = match &self.product {
            Product::Matrices(plan) => plan,
            Product::Paths(plan, paths) => {
                return couple(plan, [inputs1, inputs2], &self.kernel(paths)?, self.output);
            }
        };
        let batch = &inputs1.dims()[..inputs1.rank() - 3];
        let sum = Fused {
            plan: Arc::clone(plan),
            items: batch.iter().product(),
            features: self.output.features,
        };
        let [a, b, c] = self.stacked_weights()?;
        // All arguments but the product, in order.
        let product = form(sum, Slot::Product as usize, &[inputs1, inputs2, &a, &b, &c])?;
        view(&product, self.output.with_batch(batch))
    }

    /// Shape of the last three axes of the product.
    pub fn output_shape(&self) -> FeatureShape {
        self.output
    }

    pub(crate) fn parameters(&self) -> impl Iterator<Item = &Array> {
        self.weights.iter().flatten()
    }

    pub(crate) fn any_parameter(&self) -> &Array {
        &self.weights[0][0]
    }

    /// Weights of first factor, second factor and product, `(rows, features)`.
    fn stacked_weights(&self) -> Result<[Array; 3]> {
        let features = self.output.features;
        let stacked = |weights: &[Array]| {
            let whole = arranged(&weights.iter().collect::<Few<_>>(), Arrangement::Stacked)?;
            view(&whole, (whole.elem_count() / features, features))
        };
        let [a, b, c] = &self.weights;
        Ok([stacked(a)?, stacked(b)?, stacked(c)?])
    }

    /// The plan of the equal [`Tensor`](super::Tensor) product, and what its kernel is made of.
    pub(crate) fn paths(&self) -> Result<(Arc<CouplingPlan>, Arc<FusedPaths>)> {
        if let Product::Paths(plan, paths) = &self.product {
            return Ok((Arc::clone(plan), Arc::clone(paths)));
        }
        let [first, second] = self.inputs;
        let paths = paths([first, second, self.output], self.spec.cartesian_order)?;
        Ok((Arc::new(CouplingPlan::new(self.spec)?), Arc::new(paths)))
    }

    /// The kernel of the equal [`Tensor`](super::Tensor) product, `(paths, features)`.
    pub(crate) fn kernel(&self, paths: &Arc<FusedPaths>) -> Result<Array> {
        fused_kernel(paths, self.stacked_weights()?.each_ref())
    }
}

/// The degree λ of rows and columns of the matrices.
pub(super) fn matrix_degree(shapes: [FeatureShape; 3]) -> usize {
    let degrees = shapes.map(|shape| shape.max_degree);
    degrees.into_iter().max().unwrap_or(0).div_ceil(2)
}

/// Variances and masks that E3x starts the kernels with.
struct Start {
    factors: Vec<f64>,
    product: Vec<f64>,
    odd_products: Vec<bool>,
}

impl Start {
    fn of(shapes: [FeatureShape; 3]) -> Self {
        let [first, second, product] = shapes;
        let side = (2 * matrix_degree(shapes) + 1) as f64;
        let terms = first.max_degree.min(second.max_degree) + 1;
        let both_proper = first.parity == 1 && second.parity == 1;
        let both_improper = first.parity == 2 && second.parity == 2;
        let degrees = product.max_degree + 1;
        let except_scalars = |scalars: f64, others: f64| {
            let mut values = vec![others; degrees];
            values[0] = scalars;
            values
        };
        Self {
            factors: vec![side.sqrt() / terms as f64],
            product: if both_improper {
                vec![0.5]
            } else if both_proper && terms > 1 {
                except_scalars(1.0, 2.0)
            } else {
                vec![1.0]
            },
            odd_products: (0..degrees).map(|l| l > 0 || !both_proper).collect(),
        }
    }

    /// Which even and which odd irreps a factor has.
    fn factor_masks(shape: FeatureShape) -> [Vec<bool>; 2] {
        [0, 1].map(|odd| {
            let exists = |l: usize| shape.parity == 2 || l % 2 == odd;
            (0..=shape.max_degree).map(exists).collect()
        })
    }
}

/// The initialiser with these variances and masks in addition.
fn combined(init: &Initializer, variances: &[f64], used: &[bool]) -> Initializer {
    match init {
        Initializer::FusedTensor {
            scale,
            mask,
            distribution,
        } => Initializer::FusedTensor {
            scale: by_row(scale, variances, |a, b| a * b),
            mask: by_row(mask, used, |a, b| a && b),
            distribution: *distribution,
        },
        other => other.clone(),
    }
}

/// Combines lists with one entry for all rows or one for each. A list that fits neither stays, for
/// the initialiser to refuse.
fn by_row<T: Copy>(a: &[T], b: &[T], f: impl Fn(T, T) -> T) -> Vec<T> {
    match (a, b) {
        ([a], _) => b.iter().map(|&b| f(*a, b)).collect(),
        (_, [b]) => a.iter().map(|&a| f(a, *b)).collect(),
        _ if a.len() == b.len() => a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect(),
        _ => a.to_vec(),
    }
}

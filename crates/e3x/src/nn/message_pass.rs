//! Message passing.

use std::sync::{Arc, OnceLock};

use candle_core::Tensor as Array;
use e3x_kernels::aligned::{self, AlignedPlan};
use e3x_kernels::{EdgeList, message};

use crate::config::Config;
use crate::nn::angular::Angular;
use crate::nn::basis::Parts;
use crate::nn::directions::Directions;
use crate::nn::features::as_residual;
use crate::nn::tensor_product::{Paths, TensorProduct, TensorProductConfig};
use crate::nn::{self, Basis, Dense, DenseConfig, Initializer, VarBuilder};
use crate::op::aligned::AlignedMessage;
use crate::op::gate;
use crate::op::layer::layer;
use crate::op::message::Message;
use crate::op::product::scale_rows;
use crate::op::tape::view;
use crate::ops::{self, Graph};
use crate::{Error, FeatureShape, Result};

/// Options of [`MessagePass`], with E3x's defaults.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::struct_excessive_bools)] // The independent switches of E3x.
pub struct MessagePassConfig {
    /// Highest degree of the result; `None`: the larger one of inputs and basis.
    pub max_degree: Option<usize>,
    /// Whether a bias is added to the scalars of the filter.
    pub use_basis_bias: bool,
    /// Whether the result includes pseudotensors.
    pub include_pseudotensors: bool,
    /// Order of the entries of each degree.
    pub cartesian_order: bool,
    /// Whether the product is a [`FusedTensor`](super::FusedTensor) instead of a
    /// [`Tensor`](super::Tensor).
    pub use_fused_tensor: bool,
    /// Initialiser of the filter's kernels.
    pub dense_kernel_init: Initializer,
    /// Initialiser of the filter's bias.
    pub dense_bias_init: Initializer,
    /// Initialiser of the tensor product's kernels; `None`: the default of its kind.
    pub tensor_kernel_init: Option<Initializer>,
}

impl Default for MessagePassConfig {
    fn default() -> Self {
        Self {
            max_degree: None,
            use_basis_bias: false,
            include_pseudotensors: true,
            cartesian_order: Config::cartesian_order(),
            use_fused_tensor: Config::use_fused_tensor(),
            dense_kernel_init: Initializer::lecun_normal(),
            dense_bias_init: Initializer::Zeros,
            tensor_kernel_init: None,
        }
    }
}

/// Sends features along the edges of a graph; E3x's `nn.MessagePass` (arXiv:2401.07595,
/// section 3.5).
///
/// ```text
/// y[i] = sum over edges (i <- j) of Tensor(Dense(basis[i j]), x[j])
/// ```
///
/// Parameters: `filter/{l}{+|-}/kernel`, shape `(num_basis, features)`, and `tensor/kernel` of a
/// [`Tensor`](super::Tensor) or `fused_tensor/...` of a [`FusedTensor`](super::FusedTensor), with
/// the filter as first factor.
///
/// With a factored basis, gathering, coupling and summing are one pass over the edges; nothing of
/// size edges x (L+1)^2 x features is stored. With a dense basis tensor, a basis bias, or weights
/// that differ between the entries of a degree, the layer is composed of its parts.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use e3x::nn::{self, BasisConfig, MessagePass, MessagePassConfig, Parameters, Radial};
/// use e3x::ops::Graph;
/// use e3x::FeatureShape;
///
/// let device = Device::Cpu;
/// let vb = Parameters::seeded(0).builder(DType::F32, &device);
/// let layer = MessagePass::new(FeatureShape::new(1, 0, 16)?, (2, 8), MessagePassConfig::default(), vb)?;
///
/// let dst_idx = Tensor::new(&[0i64, 0, 1], &device)?;
/// let src_idx = Tensor::new(&[1i64, 2, 0], &device)?;
/// let graph = Graph::sparse(&dst_idx, &src_idx, 3)?;
/// let displacements = Tensor::new(&[[1.0f32, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]], &device)?;
/// let basis = nn::basis(&displacements, &BasisConfig::new(2, 8, Radial::default()))?;
/// let x = Tensor::ones((3, 1, 1, 16), DType::F32, &device)?;
/// let y = layer.forward(&x, &basis, &graph)?;
/// assert_eq!(y.dims(), [3, 1, 9, 16]);
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MessagePass {
    input: FeatureShape,
    filter: Dense,
    tensor: TensorProduct,
    paths: Paths,
    /// The plan for coupling in the frames of the edges, made when it is first needed.
    aligned: Arc<OnceLock<Aligned>>,
}

/// A plan and the scales of the filters that it is for.
type Aligned = (Arc<[f64]>, Arc<AlignedPlan>);

impl MessagePass {
    /// Builds the layer for inputs of the given shape and a basis of `(max_degree, num)`.
    ///
    /// # Errors
    /// If `max_degree` is larger than inputs and basis allow, or a parameter does not fit.
    pub fn new(
        input: FeatureShape,
        (basis_max_degree, num): (usize, usize),
        config: MessagePassConfig,
        vb: VarBuilder,
    ) -> Result<Self> {
        let dense = DenseConfig {
            features: input.features,
            use_bias: config.use_basis_bias,
            kernel_init: config.dense_kernel_init,
            bias_init: config.dense_bias_init,
        };
        let basis = FeatureShape::new(1, basis_max_degree, num)?;
        let filter = Dense::new(basis, dense, vb.pp("filter"))?;
        let tensor = TensorProductConfig {
            max_degree: config.max_degree,
            include_pseudotensors: config.include_pseudotensors,
            cartesian_order: config.cartesian_order,
            use_fused_tensor: config.use_fused_tensor,
            kernel_init: config.tensor_kernel_init,
        };
        let tensor = TensorProduct::new(filter.output_shape(), input, tensor, &vb)?;
        Ok(Self {
            input,
            filter,
            paths: tensor.paths()?,
            tensor,
            aligned: Arc::default(),
        })
    }

    /// Sends `inputs`, shape `(..., N, P, (L+1)^2, F)`, along the edges of `graph`; result
    /// `(..., N, P', (L'+1)^2, F)`. Basis: one entry per edge.
    ///
    /// # Errors
    /// If inputs, basis or graph do not fit each other or the layer.
    pub fn forward(&self, inputs: &Array, basis: &Basis, graph: &Graph) -> Result<Array> {
        self.forward_weighted(inputs, basis, None, graph)
    }

    /// As [`MessagePass::forward`], with the inputs of each edge multiplied by `weights`, which
    /// broadcast to the gathered inputs, `(edges..., P, (L+1)^2, F)`.
    ///
    /// # Errors
    /// As [`MessagePass::forward`], or if the weights do not broadcast.
    pub fn forward_weighted(
        &self,
        inputs: &Array,
        basis: &Basis,
        weights: Option<&Array>,
        graph: &Graph,
    ) -> Result<Array> {
        self.with_other(inputs, basis, (weights, None), graph)
    }

    /// [`MessagePass::forward`] with `other` added, features of any degree ([`nn::add`]).
    pub(crate) fn forward_plus(
        &self,
        inputs: &Array,
        other: &Array,
        basis: &Basis,
        graph: &Graph,
    ) -> Result<Array> {
        self.with_other(inputs, basis, (None, Some(other)), graph)
    }

    fn with_other(
        &self,
        inputs: &Array,
        basis: &Basis,
        (weights, other): (Option<&Array>, Option<&Array>),
        graph: &Graph,
    ) -> Result<Array> {
        let batch = self.input.check("inputs", inputs)?;
        self.check(inputs, batch, basis, graph)?;
        let num_nodes = batch.last().copied().unwrap_or(0);
        match (basis.parts(), self.filter.bias()) {
            (Parts::Factored { angular, radial }, None)
                if self.scales_features(weights, inputs, graph)
                    && !graph.counts_padding(num_nodes)? =>
            {
                let parts = (angular, radial, basis.directions());
                self.fused(inputs, batch, parts, (weights, other), graph)
            }
            _ => {
                let messages = self.composed(inputs, basis, weights, graph)?;
                match other {
                    Some(other) => nn::add(&[other, &messages]),
                    None => Ok(messages),
                }
            }
        }
    }

    /// Whether the weights are one number per edge, or one per edge and feature: such weights can
    /// as well multiply the radial part of the filter.
    fn scales_features(&self, weights: Option<&Array>, inputs: &Array, graph: &Graph) -> bool {
        let Some(weights) = weights else {
            return true;
        };
        let fits = |features| weights.dims() == [graph.index_dims(), &[1, 1, features]].concat();
        weights.dtype() == inputs.dtype() && (fits(self.input.features) || fits(1))
    }

    pub(crate) fn parts(&self) -> (&Dense, &TensorProduct) {
        (&self.filter, &self.tensor)
    }

    /// Shape of the last three axes of the result.
    pub fn output_shape(&self) -> FeatureShape {
        self.tensor.output_shape()
    }

    fn check(&self, inputs: &Array, batch: &[usize], basis: &Basis, graph: &Graph) -> Result<()> {
        let parameter = self.tensor.any_parameter();
        crate::error::check_same_dtype("inputs", inputs, "the parameters", parameter)?;
        crate::error::check_same_dtype("basis", basis.any_part(), "the parameters", parameter)?;
        let expected = self.filter.input_shape();
        if (basis.max_degree(), basis.num()) != (expected.max_degree, expected.features) {
            return Err(Error::argument(
                "basis",
                format!(
                    "max_degree {} and num {}",
                    expected.max_degree, expected.features
                ),
                format!("max_degree {} and num {}", basis.max_degree(), basis.num()),
            ));
        }
        let Some((_, graph_batch)) = batch.split_last() else {
            return Err(Error::argument(
                "inputs",
                "an axis of nodes before the features",
                format!("shape {:?}", inputs.dims()),
            ));
        };
        if graph_batch != graph.batch_dims() {
            let expected = format!(
                "the leading axes of the index lists, {:?}",
                graph.batch_dims()
            );
            return Err(Error::argument(
                "inputs",
                expected,
                format!("{graph_batch:?}"),
            ));
        }
        if basis.batch_dims() != graph.index_dims() {
            let expected = format!(
                "leading axes like the index lists, {:?}",
                graph.index_dims()
            );
            return Err(Error::argument(
                "basis",
                expected,
                format!("{:?}", basis.batch_dims()),
            ));
        }
        Ok(())
    }

    /// The plan for coupling in the frames of the edges, if the filters allow it.
    fn aligned_plan<'a>(
        &self,
        directions: Option<&'a Directions>,
        edges: &EdgeList,
    ) -> Result<Option<(Arc<AlignedPlan>, &'a Directions)>> {
        let plan = &self.paths.plan;
        let fits = |directions: &&Directions| {
            directions.cover(edges)
                && directions.cartesian_order() == plan.spec().cartesian_order
                && AlignedPlan::suits(plan.spec())
        };
        let Some(directions) = directions.filter(fits) else {
            return Ok(None);
        };
        let scales = directions.scales();
        let new = || Result::Ok(Arc::new(AlignedPlan::new(plan, scales)?));
        let aligned = match self.aligned.get() {
            Some((known, aligned)) if known == scales => Arc::clone(aligned),
            Some(_) => new()?,
            None => {
                let aligned = new()?;
                // Another thread may have been faster; then this one is not kept.
                let _ = self.aligned.set((Arc::clone(scales), Arc::clone(&aligned)));
                aligned
            }
        };
        Ok(Some((aligned, directions)))
    }

    /// One pass over the edges.
    fn fused(
        &self,
        inputs: &Array,
        batch: &[usize],
        (angular, radial, directions): (&Angular, &Array, Option<&Directions>),
        (weights, other): (Option<&Array>, Option<&Array>),
        graph: &Graph,
    ) -> Result<Array> {
        let features = self.input.features;
        let num_nodes = batch.last().copied().unwrap_or(0);
        let edges = graph.edges(num_nodes)?;
        let num = self.filter.input_shape().features;
        let radial = view(radial, (edges.len(), num))?;
        let radial = weighted(self.filter.filter_radial(&radial)?, weights, features)?;
        let kernel = self.paths.kernel()?;
        let mut dims = batch.to_vec();
        if let Some(last) = dims.last_mut() {
            *last = graph.num_segments().unwrap_or(num_nodes);
        }
        let residual = match other {
            Some(other) => as_residual(other, self.output_shape(), &dims)?,
            None => None,
        };
        let adds = residual.is_some();
        let output = if let Some((plan, directions)) = self.aligned_plan(directions, &edges)? {
            let frames = directions.frames(plan.frame_degree())?;
            let sum = AlignedMessage {
                plan,
                edges,
                features,
            };
            let others = [inputs, &radial, &kernel, &frames, &frames];
            layer(
                (sum, aligned::Slot::Output as usize),
                &others,
                None,
                residual,
            )?
        } else {
            let sum = Message {
                plan: Arc::clone(&self.paths.plan),
                edges,
                features,
            };
            let others = [inputs, &radial, &kernel, &angular.get()?];
            layer(
                (sum, message::Slot::Output as usize),
                &others,
                None,
                residual,
            )?
        };
        let output = view(&output, self.output_shape().with_batch(&dims))?;
        match other.filter(|_| !adds) {
            Some(other) => nn::add(&[other, &output]),
            None => Ok(output),
        }
    }

    /// The layer as its parts: works for every basis, with weights and with a basis bias.
    fn composed(
        &self,
        inputs: &Array,
        basis: &Basis,
        weights: Option<&Array>,
        graph: &Graph,
    ) -> Result<Array> {
        let mut gathered = ops::gather_src(inputs, graph)?;
        if let Some(weights) = weights {
            let shape = gathered
                .shape()
                .broadcast_shape_binary_op(weights.shape(), "weights");
            if shape.as_ref().ok() != Some(gathered.shape()) {
                let expected = format!("a shape that broadcasts to {:?}", gathered.dims());
                return Err(Error::argument(
                    "weights",
                    expected,
                    format!("{:?}", weights.dims()),
                ));
            }
            crate::error::check_same_dtype("weights", weights, "inputs", inputs)?;
            gathered = gathered.broadcast_mul(weights)?;
        }
        let filters = self.filter.forward(&basis.to_tensor()?)?;
        let products = self.tensor.forward(&filters, &gathered)?;
        ops::indexed_sum(&products, graph, false)
    }
}

/// The radial part of filters, `(edges, degrees features)`, times weights of edges, or of edges and features.
fn weighted(radial: Array, weights: Option<&Array>, features: usize) -> Result<Array> {
    let Some(weights) = weights else {
        return Ok(radial);
    };
    let (edges, width) = radial.dims2()?;
    if weights.elem_count() == edges {
        return scale_rows(&radial, weights);
    }
    let weights = view(weights, (edges, features))?;
    gate::multiply(
        &weights,
        &view(&radial, (edges, width / features, features))?,
    )
}

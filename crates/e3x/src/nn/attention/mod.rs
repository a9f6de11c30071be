//! Attention: message passing with weights that depend on both ends of an edge.

mod config;
mod encoding;
mod self_attention;

use candle_core::Tensor as Array;

use e3x_kernels::scores::{ScorePlan, Slot};

pub use config::AttentionConfig;
use encoding::Encoding;
pub use self_attention::SelfAttention;

use crate::nn::summary::{Layer, count};
use crate::nn::{
    Basis, Dense, DenseConfig, Initializer, MessagePass, VarBuilder, change_max_degree_or_type,
};
use crate::op::combine::scale;
use crate::op::multilinear::form;
use crate::op::product::repeat;
use crate::op::scores::Scores;
use crate::op::tape::view;
use crate::ops::{self, Graph};
use crate::{Error, FeatureShape, Result};

/// Equivariant multi-head attention; E3x's `nn.MultiHeadAttention` (arXiv:2401.07595, section 3.6).
///
/// ```text
/// q = Dense(inputs_q),  k = Dense(inputs_kv),  v = Dense(inputs_kv)
/// s[i j, h] = sum over p, l, m and the features f of head h of
///             q[i] k[j] Linear(basis[i j, 0])[p, l, f] / sqrt(depth)
/// w[i j, h] = softmax over j of s[i j, h]                              (times cutoff_value)
/// y[i] = Dense(sum over j of Tensor(Dense(basis[i j]), w[i j] v[j]))
/// ```
///
/// `depth` is the number of terms of the sum. Degrees and pseudotensors that only one of both
/// inputs has do not take part in it. The factor with the basis and the coupling with a filter
/// from the basis are relative positional encodings, which can be switched off; without the
/// coupling the values keep their degrees. As in E3x, feature f of queries and keys belongs to
/// head `f % num_heads`, feature f of values to head `f / (qkv_features / num_heads)`.
///
/// Parameters: `query/...`, `key/...`, `value/...` and `out/...` of [`Dense`] layers;
/// `relative_positional_encoding/kernel`, shape `(num_basis, P (L+1) qkv_features)`, and `/bias`;
/// `filter/...` and `tensor/...` or `fused_tensor/...` of [`MessagePass`].
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use e3x::FeatureShape;
/// use e3x::nn::{self, AttentionConfig, BasisConfig, MultiHeadAttention, Parameters, Radial};
/// use e3x::ops::Graph;
///
/// let device = Device::Cpu;
/// let vb = Parameters::seeded(0).builder(DType::F32, &device);
/// let (queries, keys) = (FeatureShape::new(1, 0, 16)?, FeatureShape::new(1, 1, 8)?);
/// let config = AttentionConfig { num_heads: 4, ..AttentionConfig::default() };
/// let layer = MultiHeadAttention::new(queries, keys, Some((2, 8)), config, vb)?;
///
/// // Two nodes look at three others.
/// let graph = Graph::from_indices(&[0, 0, 1], &[0, 1, 2], 2)?;
/// let displacements = Tensor::new(&[[1.0f32, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]], &device)?;
/// let basis = nn::basis(&displacements, &BasisConfig::new(2, 8, Radial::default()))?;
/// let inputs_q = Tensor::ones((2, 1, 1, 16), DType::F32, &device)?;
/// let inputs_kv = Tensor::ones((3, 1, 4, 8), DType::F32, &device)?;
/// let y = layer.forward(&inputs_q, &inputs_kv, Some(&basis), None, &graph)?;
/// assert_eq!(y.dims(), [2, 2, 9, 16]);
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MultiHeadAttention {
    input_q: FeatureShape,
    input_kv: FeatureShape,
    /// Shape of queries and keys.
    qk: FeatureShape,
    num_heads: usize,
    query: Dense,
    key: Dense,
    value: Dense,
    encoding: Option<Encoding>,
    /// The filter that values are coupled with.
    conv: Option<MessagePass>,
    out: Dense,
}

impl MultiHeadAttention {
    /// Builds the layer for query and key-value inputs of the given shapes and a basis of
    /// `(max_degree, num)`, which is required with relative positional encodings.
    ///
    /// # Errors
    /// If `num_heads` does not divide `qkv_features`, the basis is missing, `max_degree` is larger
    /// than inputs and basis allow, or a parameter does not fit.
    pub fn new(
        input_q: FeatureShape,
        input_kv: FeatureShape,
        basis: Option<(usize, usize)>,
        config: AttentionConfig,
        vb: VarBuilder,
    ) -> Result<Self> {
        let features = config.qkv_features.unwrap_or(input_q.features);
        if config.num_heads == 0 || !features.is_multiple_of(config.num_heads) {
            let expected = format!("a divisor of qkv_features, {features}");
            let received = config.num_heads.to_string();
            return Err(Error::argument("num_heads", expected, received));
        }
        let needs_basis =
            config.use_relative_positional_encoding_qk || config.use_relative_positional_encoding_v;
        if needs_basis && basis.is_none() {
            let expected = "(max_degree, num) for relative positional encodings";
            return Err(Error::argument("basis", expected, "None"));
        }
        let shared = |shape: FeatureShape| FeatureShape {
            parity: input_q.parity.min(input_kv.parity),
            max_degree: input_q.max_degree.min(input_kv.max_degree),
            ..shape
        };
        let dense = |shape, features, name, use_bias, kernel_init: &Initializer, bias_init: &_| {
            let config = DenseConfig {
                features,
                use_bias,
                kernel_init: kernel_init.clone(),
                bias_init: Initializer::clone(bias_init),
            };
            Dense::new(shape, config, vb.pp(name))
        };
        let query = dense(
            shared(input_q),
            features,
            "query",
            config.query_use_bias,
            &config.query_kernel_init,
            &config.query_bias_init,
        )?;
        let key = dense(
            shared(input_kv),
            features,
            "key",
            config.key_use_bias,
            &config.key_kernel_init,
            &config.key_bias_init,
        )?;
        let value = dense(
            input_kv,
            features,
            "value",
            config.value_use_bias,
            &config.value_kernel_init,
            &config.value_bias_init,
        )?;
        let qk = query.output_shape();
        let encoding = basis
            .filter(|_| config.use_relative_positional_encoding_qk)
            .map(|basis| Encoding::new(qk, basis, &config, &vb))
            .transpose()?;
        let conv = basis
            .filter(|_| config.use_relative_positional_encoding_v)
            .map(|basis| {
                let config = config.message_pass();
                MessagePass::new(value.output_shape(), basis, config, vb.clone())
            })
            .transpose()?;
        let attention = conv
            .as_ref()
            .map_or(value.output_shape(), MessagePass::output_shape);
        let out = dense(
            attention,
            config.out_features.unwrap_or(input_q.features),
            "out",
            config.output_use_bias,
            &config.output_kernel_init,
            &config.output_bias_init,
        )?;
        Ok(Self {
            input_q,
            input_kv,
            qk,
            num_heads: config.num_heads,
            query,
            key,
            value,
            encoding,
            conv,
            out,
        })
    }

    /// Attention of `inputs_q`, shape `(..., N, P, (L+1)^2, F)`, to `inputs_kv`,
    /// `(..., M, P', (L'+1)^2, F')`, along the edges of `graph` (destinations: queries); result
    /// `(..., N, P'', (L''+1)^2, out_features)`.
    ///
    /// `basis` has one entry per edge; without relative positional encodings it is not used.
    /// `cutoff_value` weights the terms of the softmax and has the shape of the index list. Where
    /// all weights of a destination are zero, so is the sum over its edges.
    ///
    /// # Errors
    /// If inputs, basis, weights or graph do not fit each other or the layer, or the basis is
    /// missing.
    pub fn forward(
        &self,
        inputs_q: &Array,
        inputs_kv: &Array,
        basis: Option<&Basis>,
        cutoff_value: Option<&Array>,
        graph: &Graph,
    ) -> Result<Array> {
        self.check_nodes("inputs_q", inputs_q, self.input_q, graph)?;
        let num_sources = self.check_nodes("inputs_kv", inputs_kv, self.input_kv, graph)?;
        self.check_basis(inputs_q, basis, graph)?;
        let graph = &graph.with_num_sources(num_sources);
        let weights = self.weights([inputs_q, inputs_kv], basis, cutoff_value, graph)?;
        let value = self.value.forward(inputs_kv)?;
        let attention = if let (Some(conv), Some(basis)) = (&self.conv, basis) {
            conv.forward_weighted(&value, basis, Some(&weights), graph)?
        } else {
            let values = ops::gather_src(&value, graph)?;
            ops::indexed_sum(&values.broadcast_mul(&weights)?, graph, false)?
        };
        self.out.forward(&attention)
    }

    pub(crate) fn count_parameters(&self) -> usize {
        let dense = [&self.query, &self.key, &self.value, &self.out];
        let dense = dense.into_iter().map(Layer::num_parameters).sum::<usize>();
        let encoding = self.encoding.as_ref();
        let encoding = encoding.map_or(0, |x| count([&x.kernel].into_iter().chain(&x.bias)));
        dense + encoding + self.conv.as_ref().map_or(0, Layer::num_parameters)
    }

    /// Shape of the last three axes of the result.
    pub fn output_shape(&self) -> FeatureShape {
        self.out.output_shape()
    }

    /// Weights of the values of each edge, `(edges..., 1, 1, qkv_features)`.
    fn weights(
        &self,
        [inputs_q, inputs_kv]: [&Array; 2],
        basis: Option<&Basis>,
        cutoff_value: Option<&Array>,
        graph: &Graph,
    ) -> Result<Array> {
        let features = self.qk.features;
        let shared = |x| {
            let pseudotensors = Some(self.qk.has_pseudotensors());
            change_max_degree_or_type(x, Some(self.qk.max_degree), pseudotensors)
        };
        let depth = self.qk.len() / self.num_heads;
        let query = self.query.forward(&shared(inputs_q)?)?;
        let query = scale(1.0 / (depth as f64).sqrt(), &query)?;
        let key = self.key.forward(&shared(inputs_kv)?)?;
        let edges = graph.index_dims();
        let scores = match (&self.encoding, basis) {
            (Some(encoding), Some(basis)) => self.scores([&query, &key], encoding, basis, graph)?,
            _ => self.products([&query, &key], None, graph)?,
        };
        let mask = match cutoff_value {
            Some(cutoff) => Some(check_cutoff(cutoff, &scores, edges)?),
            None => None,
        };
        let weights = ops::indexed_softmax(&scores, graph, mask.as_ref())?;
        // Every head serves consecutive features of the values.
        let weights = repeat(&weights, features / self.num_heads)?;
        view(&weights, [edges, &[1, 1, features]].concat())
    }

    /// Sums of the products of queries, keys and factors along each edge, `(edges..., num_heads)`.
    fn scores(
        &self,
        [query, key]: [&Array; 2],
        encoding: &Encoding,
        basis: &Basis,
        graph: &Graph,
    ) -> Result<Array> {
        let factors = encoding.forward(basis)?;
        let num = |x: &Array| x.dims()[graph.batch_dims().len()];
        let edges = graph.edges(num(key))?;
        let queries = graph.batch_dims().iter().product::<usize>() * num(query);
        if edges.num_dst() != queries || graph.counts_padding(num(key))? {
            let axis = graph.index_dims().len() + 1;
            let factors = factors.index_select(&encoding.degrees, axis)?;
            return self.products([query, key], Some(&factors), graph);
        }
        let FeatureShape {
            parity,
            max_degree,
            features,
        } = self.qk;
        let plan = ScorePlan {
            parity,
            max_degree,
            features,
            heads: self.num_heads,
        };
        let sum = Scores { plan, edges };
        let scores = form(sum, Slot::Score as usize, &[query, key, &factors])?;
        view(&scores, [graph.index_dims(), &[self.num_heads]].concat())
    }

    /// The same as a composition of operations, which stores the products: without factors, and for
    /// index lists whose padding counts.
    fn products(
        &self,
        [query, key]: [&Array; 2],
        factors: Option<&Array>,
        graph: &Graph,
    ) -> Result<Array> {
        let (query, key) = (ops::gather_dst(query, graph)?, ops::gather_src(key, graph)?);
        let mut products = key.broadcast_mul(&query)?;
        if let Some(factors) = factors {
            products = products.mul(factors)?;
        }
        let edges = graph.index_dims();
        let depth = self.qk.len() / self.num_heads;
        let terms = products.reshape([edges, &[depth, self.num_heads]].concat())?;
        Ok(terms.sum(edges.len())?)
    }

    /// Checks inputs of nodes and returns the number of nodes.
    fn check_nodes(
        &self,
        argument: &'static str,
        inputs: &Array,
        shape: FeatureShape,
        graph: &Graph,
    ) -> Result<usize> {
        let batch = shape.check(argument, inputs)?;
        let parameter = self.query.any_parameter();
        crate::error::check_same_dtype(argument, inputs, "the parameters", parameter)?;
        match batch.split_last() {
            Some((&num_nodes, batch)) if batch == graph.batch_dims() => Ok(num_nodes),
            _ => Err(Error::argument(
                argument,
                format!(
                    "the leading axes of the index lists, {:?}, and an axis of nodes",
                    graph.batch_dims()
                ),
                format!("shape {:?}", inputs.dims()),
            )),
        }
    }

    fn check_basis(&self, inputs: &Array, basis: Option<&Basis>, graph: &Graph) -> Result<()> {
        if self.encoding.is_none() && self.conv.is_none() {
            return Ok(());
        }
        let Some(basis) = basis else {
            let expected = "a basis for relative positional encodings";
            return Err(Error::argument("basis", expected, "None"));
        };
        crate::error::check_same_dtype("basis", basis.any_part(), "inputs_q", inputs)?;
        if basis.batch_dims() != graph.index_dims() {
            let expected = format!(
                "leading axes like the index lists, {:?}",
                graph.index_dims()
            );
            let received = format!("{:?}", basis.batch_dims());
            return Err(Error::argument("basis", expected, received));
        }
        let num = self.encoding.as_ref().map_or(basis.num(), Encoding::num);
        if basis.num() != num {
            let received = format!("num {}", basis.num());
            return Err(Error::argument("basis", format!("num {num}"), received));
        }
        Ok(())
    }
}

/// Checks `cutoff_value` and repeats it for every head.
fn check_cutoff(cutoff: &Array, scores: &Array, edges: &[usize]) -> Result<Array> {
    if cutoff.dims() != edges {
        let expected = format!("the shape of the index list, {edges:?}");
        let received = format!("shape {:?}", cutoff.dims());
        return Err(Error::argument("cutoff_value", expected, received));
    }
    crate::error::check_same_dtype("cutoff_value", cutoff, "the inputs", scores)?;
    repeat(cutoff, scores.dims().last().copied().unwrap_or(1))
}

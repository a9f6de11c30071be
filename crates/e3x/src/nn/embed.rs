//! Embedding of integers.

use candle_core::{DType, Device, Tensor};

use crate::nn::{Initializer, VarBuilder};
use crate::op::tape::view;
use crate::{Error, FeatureShape, Result, ops};

/// Maps integers to scalar features by looking them up in a table; E3x's `nn.Embed`.
///
/// Parameter: `embedding`, shape `(num_embeddings, 1, 1, features)`, initialised with variance
/// 1 / features.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use e3x::nn::{Embed, Parameters};
/// let vb = Parameters::seeded(0).builder(DType::F32, &Device::Cpu);
/// let embed = Embed::new(10, 4, vb)?;
/// let atomic_numbers = Tensor::new(&[8u32, 1, 1], &Device::Cpu)?;
/// assert_eq!(embed.forward(&atomic_numbers)?.dims(), [3, 1, 1, 4]);
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Embed {
    embedding: Tensor,
    output: FeatureShape,
}

impl Embed {
    /// Builds the layer with E3x's initialiser.
    ///
    /// # Errors
    /// If `num_embeddings` or `features` is zero, or the parameter does not fit.
    pub fn new(num_embeddings: usize, features: usize, vb: VarBuilder) -> Result<Self> {
        Self::with_init(num_embeddings, features, Initializer::embedding(), vb)
    }

    /// Builds the layer with another initialiser.
    ///
    /// # Errors
    /// As [`Embed::new`].
    pub fn with_init(
        num_embeddings: usize,
        features: usize,
        embedding_init: Initializer,
        vb: VarBuilder,
    ) -> Result<Self> {
        if num_embeddings == 0 {
            return Err(Error::argument("num_embeddings", "at least 1", "0"));
        }
        let output = FeatureShape::new(1, 0, features)?;
        let shape = (num_embeddings, 1, 1, features);
        let embedding = vb.get_with_hints(shape, "embedding", embedding_init)?;
        Ok(Self { embedding, output })
    }

    /// Looks up `inputs`, shape `(...)`, integers; result `(..., 1, 1, features)`.
    ///
    /// # Errors
    /// If `inputs` is not of an integer type, or an entry is negative or not below
    /// `num_embeddings` (E3x returns NaN there).
    pub fn forward(&self, inputs: &Tensor) -> Result<Tensor> {
        let found = lookup(&self.embedding, "inputs", inputs)?;
        view(&found, self.output.with_batch(inputs.dims()))
    }

    pub(crate) fn parameter(&self) -> &Tensor {
        &self.embedding
    }

    /// Shape of the last three axes of the result.
    pub fn output_shape(&self) -> FeatureShape {
        self.output
    }
}

/// Entries of the first axis of `table`, shape `(size, ...)`, at integers of any shape: result
/// `(indices..., ...)`. Differentiable with respect to the table.
///
/// # Errors
/// If `indices` (called `argument` in the message) is not of an integer type, or an entry is
/// negative or not below `size`.
pub fn lookup(table: &Tensor, argument: &'static str, indices: &Tensor) -> Result<Tensor> {
    let Some((&size, rest)) = table.dims().split_first() else {
        return Err(Error::argument("table", "at least one axis", "a scalar"));
    };
    let graph = ops::Graph::sparse_src(&checked_indices(argument, indices, size)?)?;
    let found = ops::gather_src(table, &graph)?;
    view(&found, [indices.dims(), rest].concat())
}

/// Flattens an integer tensor and checks that every entry is at least 0 and below `size`.
fn checked_indices(argument: &'static str, indices: &Tensor, size: usize) -> Result<Tensor> {
    if !matches!(indices.dtype(), DType::U8 | DType::U32 | DType::I64) {
        let received = format!("{:?}", indices.dtype());
        return Err(Error::argument(
            argument,
            "an integer dtype (u8, u32 or i64)",
            received,
        ));
    }
    let flat = indices
        .to_device(&Device::Cpu)?
        .flatten_all()?
        .to_dtype(DType::I64)?;
    let outside = |index: &i64| !usize::try_from(*index).is_ok_and(|i| i < size);
    match flat.to_vec1::<i64>()?.into_iter().find(outside) {
        Some(index) => {
            let expected = format!("entries from 0 to {}", size.saturating_sub(1));
            Err(Error::argument(argument, expected, index.to_string()))
        }
        None => Ok(flat),
    }
}

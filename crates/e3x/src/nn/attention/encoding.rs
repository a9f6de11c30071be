//! Relative positional encodings of attention.

use candle_core::Tensor as Array;

use super::AttentionConfig;
use crate::nn::linear::linear;
use crate::nn::{Basis, VarBuilder};
use crate::op::tape::view;
use crate::{Error, FeatureShape, Result};

/// Factors of the products of queries and keys: a linear combination of the scalars of the basis
/// for every parity, degree and feature.
#[derive(Debug, Clone)]
pub(super) struct Encoding {
    shape: FeatureShape,
    pub(super) kernel: Array,
    pub(super) bias: Option<Array>,
    /// Degree of each entry.
    pub(super) degrees: Array,
}

impl Encoding {
    pub(super) fn new(
        shape: FeatureShape,
        (_, num): (usize, usize),
        config: &AttentionConfig,
        vb: &VarBuilder,
    ) -> Result<Self> {
        if num == 0 {
            return Err(Error::argument(
                "basis",
                "at least one radial function",
                "0",
            ));
        }
        let vb = vb.pp("relative_positional_encoding");
        let size = shape.parity * (shape.max_degree + 1) * shape.features;
        let init = config.dense_kernel_init.clone();
        let kernel = vb.get_with_hints((num, size), "kernel", init)?;
        let bias = if config.use_basis_bias {
            Some(vb.get_with_hints(size, "bias", config.dense_bias_init.clone())?)
        } else {
            None
        };
        let degrees = (0..shape.size()).map(|entry| entry.isqrt() as u32);
        let degrees = Array::from_iter(degrees, kernel.device())?;
        Ok(Self {
            shape,
            kernel,
            bias,
            degrees,
        })
    }

    /// `(edges..., P, L+1, qkv_features)`.
    pub(super) fn forward(&self, basis: &Basis) -> Result<Array> {
        let edges: usize = basis.batch_dims().iter().product();
        let scalars = view(&basis.scalars()?, (edges, self.num()))?;
        let factors = linear(&scalars, &self.kernel, self.bias.as_ref())?;
        let FeatureShape {
            parity,
            max_degree,
            features,
        } = self.shape;
        let shape = [parity, max_degree + 1, features];
        view(&factors, [basis.batch_dims(), &shape].concat())
    }

    pub(super) fn num(&self) -> usize {
        self.kernel.dims()[0]
    }
}

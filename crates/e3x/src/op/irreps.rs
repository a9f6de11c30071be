//! The conversions between features and arrays of irreps on the tape: each is the transpose of the
//! other.

use std::sync::Arc;

use candle_core::{Shape, Tensor};
use e3x_so3::{FeatureConversion, num_harmonics};
use rayon::prelude::*;

use super::{Element, Op, apply};
use crate::Result;

/// Items per task.
const ITEMS: usize = 64;

/// Which conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    ToFeatures,
    ToIrreps,
}

#[derive(Debug, Clone)]
pub(crate) struct Conversion {
    direction: Direction,
    conversion: Arc<FeatureConversion>,
}

impl Conversion {
    pub(crate) fn new(direction: Direction, conversion: FeatureConversion) -> Self {
        let conversion = Arc::new(conversion);
        Self {
            direction,
            conversion,
        }
    }

    /// The result for all items of `x`, with shape `(number of items, size of an item)`.
    pub(crate) fn apply(self, x: &Tensor) -> Result<Tensor> {
        apply(self, &[x])
    }
}

impl Op for Conversion {
    const NAME: &'static str = "conversion of features and irreps";

    fn forward<T: Element>(&self, args: &[&[T]], _: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let (parity, max_degree, features) = self.conversion.feature_shape();
        let sizes = (
            self.conversion.dim(),
            parity * num_harmonics(max_degree) * features,
        );
        let (size_in, size_out) = match self.direction {
            Direction::ToFeatures => sizes,
            Direction::ToIrreps => (sizes.1, sizes.0),
        };
        let num = args[0].len() / size_in;
        let mut out = vec![T::ZERO; num * size_out];
        out.par_chunks_mut(ITEMS * size_out)
            .zip(args[0].par_chunks(ITEMS * size_in))
            .try_for_each(|(out, input)| match self.direction {
                Direction::ToFeatures => self.conversion.to_features(input, out),
                Direction::ToIrreps => self.conversion.to_irreps(input, out),
            })?;
        Ok((out, Shape::from((num, size_out))))
    }

    fn backward(&self, args: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        let direction = match self.direction {
            Direction::ToFeatures => Direction::ToIrreps,
            Direction::ToIrreps => Direction::ToFeatures,
        };
        let transpose = Self {
            direction,
            conversion: Arc::clone(&self.conversion),
        };
        let gradient = transpose.apply(grad)?.reshape(args[0].shape())?;
        Ok(vec![Some(gradient)])
    }
}

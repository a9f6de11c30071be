//! The conversions between irreducible representations and Cartesian tensors on the tape.
//!
//! Both are linear, and up to a factor each is the transpose of the other:
//!
//! ```text
//! t = B x / (N (2l-1)!!)      x = N Bᵀ t / l!
//! ```

use candle_core::{Shape, Tensor};
use e3x_so3::{Normalization, irreps_to_tensor, tensor_to_irreps};

use super::{Element, Op, apply};
use crate::Result;

/// Which conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    ToTensor,
    ToIrreps,
}

/// A conversion of one degree.
#[derive(Debug, Clone)]
pub(crate) struct Conversion {
    pub(crate) direction: Direction,
    pub(crate) degree: usize,
    pub(crate) cartesian_order: bool,
    pub(crate) normalization: Normalization,
}

impl Conversion {
    /// The result for all items of `x`, with shape `(number of items, size of an item)`.
    pub(crate) fn apply(self, x: &Tensor) -> Result<Tensor> {
        apply(self, &[x])
    }

    /// The factor between the transpose of the conversion to tensors and the one to irreps.
    fn factor(&self) -> f64 {
        let ratio = |l: usize| l as f64 / (2 * l - 1) as f64;
        let ratios: f64 = (1..=self.degree).map(ratio).product();
        ratios / self.normalization.factor(self.degree).powi(2)
    }
}

impl Op for Conversion {
    const NAME: &'static str = "conversion of irreps and tensors";

    fn forward<T: Element>(&self, args: &[&[T]], _: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let (degree, order) = (self.degree, self.cartesian_order);
        let (values, size) = match self.direction {
            Direction::ToTensor => (
                irreps_to_tensor(args[0], degree, order, self.normalization)?,
                3_usize.pow(degree as u32),
            ),
            Direction::ToIrreps => (
                tensor_to_irreps(args[0], degree, order, self.normalization)?,
                2 * degree + 1,
            ),
        };
        let shape = Shape::from((values.len() / size, size));
        Ok((values, shape))
    }

    fn backward(&self, args: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        let (direction, factor) = match self.direction {
            Direction::ToTensor => (Direction::ToIrreps, self.factor()),
            Direction::ToIrreps => (Direction::ToTensor, 1.0 / self.factor()),
        };
        let transpose = Self {
            direction,
            ..self.clone()
        };
        let gradient = (transpose.apply(grad)? * factor)?;
        Ok(vec![Some(gradient.reshape(args[0].shape())?)])
    }
}

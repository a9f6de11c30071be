//! Shapes of equivariant features.

use candle_core::Tensor;

use crate::{Error, Result};

/// The last three axes of features: `(..., parity, (max_degree + 1)^2, features)`.
///
/// `parity` is 1 (only proper tensors: parity (-1)^l) or 2 (index 0: even, index 1: odd parity),
/// as in E3x (arXiv:2401.07595, section 3).
///
/// ```
/// use e3x::FeatureShape;
/// let shape = FeatureShape::new(2, 3, 16)?;
/// assert_eq!(shape.dims(), [2, 16, 16]);
/// assert!(FeatureShape::new(3, 1, 16).is_err());
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FeatureShape {
    /// Size of the parity axis: 1 or 2.
    pub parity: usize,
    /// Highest degree L.
    pub max_degree: usize,
    /// Number of feature channels F.
    pub features: usize,
}

impl FeatureShape {
    /// Checks and builds a shape.
    ///
    /// # Errors
    /// If `parity` is neither 1 nor 2, or `features` is zero.
    pub fn new(parity: usize, max_degree: usize, features: usize) -> Result<Self> {
        if !(parity == 1 || parity == 2) {
            return Err(Error::argument("parity", "1 or 2", parity.to_string()));
        }
        if features == 0 {
            return Err(Error::argument("features", "at least 1", "0"));
        }
        Ok(Self {
            parity,
            max_degree,
            features,
        })
    }

    /// Reads the shape of features off a tensor of shape `(..., P, (L+1)^2, F)`.
    ///
    /// # Errors
    /// If the tensor has fewer than three axes, axis -3 is neither 1 nor 2, or axis -2 is not a
    /// square; `argument` is the name used in the message.
    pub fn of(argument: &'static str, x: &Tensor) -> Result<Self> {
        Self::of_dims(argument, x.dims())
    }

    /// As [`FeatureShape::of`], from the sizes of the axes.
    ///
    /// # Errors
    /// As [`FeatureShape::of`].
    pub fn of_dims(argument: &'static str, dims: &[usize]) -> Result<Self> {
        let error = |expected: &str| {
            Err(Error::argument(
                argument,
                expected,
                format!("shape {dims:?}"),
            ))
        };
        let [.., parity, size, features] = *dims else {
            return error(
                "features with at least three axes (..., 1 or 2, (max_degree+1)^2, features)",
            );
        };
        if !(parity == 1 || parity == 2) {
            return error("1 or 2 for axis -3 (parity)");
        }
        let side = size.isqrt();
        if size == 0 || side * side != size {
            return error("a square (max_degree+1)^2 for axis -2");
        }
        Ok(Self {
            parity,
            max_degree: side - 1,
            features,
        })
    }

    /// The shape of the sum of features of both shapes ([`nn::add`](crate::nn::add)): the higher
    /// degree, and pseudotensors if either has them.
    ///
    /// # Errors
    /// If the numbers of features differ.
    pub fn join(&self, other: Self) -> Result<Self> {
        if self.features != other.features {
            let expected = format!("{} features", self.features);
            return Err(Error::argument(
                "other",
                expected,
                other.features.to_string(),
            ));
        }
        Ok(Self {
            parity: self.parity.max(other.parity),
            max_degree: self.max_degree.max(other.max_degree),
            features: self.features,
        })
    }

    /// Number of entries of all degrees, `(max_degree + 1)^2`.
    pub fn size(&self) -> usize {
        (self.max_degree + 1).pow(2)
    }

    /// Sizes of the last three axes.
    pub fn dims(&self) -> [usize; 3] {
        [self.parity, self.size(), self.features]
    }

    /// Number of values of one item.
    pub fn len(&self) -> usize {
        self.parity * self.size() * self.features
    }

    /// Whether an item holds no value (no features).
    pub fn is_empty(&self) -> bool {
        self.features == 0
    }

    /// Whether the features include pseudotensors (`parity == 2`).
    pub fn has_pseudotensors(&self) -> bool {
        self.parity == 2
    }

    /// `batch` followed by the three feature axes.
    pub fn with_batch(&self, batch: &[usize]) -> Vec<usize> {
        let mut dims = batch.to_vec();
        dims.extend(self.dims());
        dims
    }

    /// Checks that `x` ends with exactly this shape and returns its leading (batch) axes.
    ///
    /// # Errors
    /// If it does not; `argument` is the name used in the message.
    pub fn check<'a>(&self, argument: &'static str, x: &'a Tensor) -> Result<&'a [usize]> {
        let dims = x.dims();
        match dims.len().checked_sub(3) {
            Some(split) if dims[split..] == self.dims() => Ok(&dims[..split]),
            _ => Err(Error::argument(
                argument,
                format!(
                    "shape (..., {}, {}, {})",
                    self.parity,
                    self.size(),
                    self.features
                ),
                format!("shape {dims:?}"),
            )),
        }
    }
}

impl std::fmt::Display for FeatureShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({}, {}, {})", self.parity, self.size(), self.features)
    }
}

//! Initialisers of parameters.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::Result;

/// How a parameter starts.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub enum Initializer {
    /// All zeros.
    #[default]
    Zeros,
    /// All ones.
    Ones,
    /// The same value everywhere.
    Constant(f64),
    /// Normal distribution with this mean and standard deviation.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        stddev: f64,
    },
}

impl Initializer {
    /// Draws the values of a parameter of this shape, in C order.
    ///
    /// # Errors
    /// If the shape does not suit the initialiser.
    pub fn sample(&self, shape: &[usize], rng: &mut ChaCha8Rng) -> Result<Vec<f64>> {
        let n = shape.iter().product();
        Ok(match *self {
            Self::Zeros => vec![0.0; n],
            Self::Ones => vec![1.0; n],
            Self::Constant(value) => vec![value; n],
            Self::Normal { mean, stddev } => (0..n)
                .map(|_| mean + stddev * rng.sample::<f64, _>(StandardNormal))
                .collect(),
        })
    }
}

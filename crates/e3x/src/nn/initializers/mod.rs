//! Initialisers of parameters: the distributions of JAX, and those of E3x for tensor products.
//!
//! Distributions (mean, variance, bounds, masks) are those of `jax.nn.initializers` and of E3x's
//! `nn/initializers.py`; the numbers come from another generator and differ.

mod fans;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::{Error, Result};
use fans::{axis_fans, tensor_fans};

/// Standard deviation of a standard normal distribution truncated to [-2, 2].
const TRUNCATED_STDDEV: f64 = 0.879_625_661_034_239_78;

/// Which number of connections the variance is divided by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum FanMode {
    /// The number of inputs.
    #[default]
    FanIn,
    /// The number of outputs.
    FanOut,
    /// The mean of both.
    FanAvg,
}

impl FanMode {
    fn of(self, fan_in: f64, fan_out: f64) -> f64 {
        match self {
            Self::FanIn => fan_in,
            Self::FanOut => fan_out,
            Self::FanAvg => 0.5 * (fan_in + fan_out),
        }
    }
}

/// Shape of a distribution with mean 0 and a given variance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Distribution {
    /// Normal, truncated at two standard deviations and widened to the variance asked for.
    #[default]
    TruncatedNormal,
    /// Normal.
    Normal,
    /// Uniform.
    Uniform,
}

impl Distribution {
    /// A number with this variance.
    fn sample(self, variance: f64, rng: &mut ChaCha8Rng) -> f64 {
        match self {
            Self::TruncatedNormal => variance.sqrt() / TRUNCATED_STDDEV * truncated_normal(rng),
            Self::Normal => variance.sqrt() * rng.sample::<f64, _>(StandardNormal),
            Self::Uniform => (3.0 * variance).sqrt() * rng.random_range(-1.0..1.0),
        }
    }
}

/// A standard normal number in [-2, 2].
fn truncated_normal(rng: &mut ChaCha8Rng) -> f64 {
    loop {
        let z: f64 = rng.sample(StandardNormal);
        if z.abs() <= 2.0 {
            return z;
        }
    }
}

/// How a parameter starts.
///
/// ```
/// use e3x::nn::Initializer;
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
/// let mut rng = ChaCha8Rng::seed_from_u64(0);
/// let kernel = Initializer::lecun_normal().sample(&[100, 50], &mut rng)?;
/// let variance = kernel.iter().map(|x| x * x).sum::<f64>() / 5000.0;
/// assert!((variance * 100.0 - 1.0).abs() < 0.1); // 1 / fan_in
/// # Ok::<(), e3x::Error>(())
/// ```
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
    /// Uniform distribution on `[low, high)`.
    Uniform {
        /// Lower bound.
        low: f64,
        /// Upper bound, larger than `low`.
        high: f64,
    },
    /// Standard normal distribution truncated to [-2, 2], times this factor (as JAX: the standard
    /// deviation of the result is 0.88 times the factor).
    TruncatedNormal {
        /// The factor.
        stddev: f64,
    },
    /// Mean 0, variance `scale / fan` (`jax.nn.initializers.variance_scaling`).
    ///
    /// Axes other than `in_axis` and `out_axis` are a receptive field that counts for both fans.
    VarianceScaling {
        /// Factor of the variance.
        scale: f64,
        /// Which fan.
        mode: FanMode,
        /// Shape of the distribution.
        distribution: Distribution,
        /// Axis of the inputs; negative numbers count from the end.
        in_axis: isize,
        /// Axis of the outputs; negative numbers count from the end.
        out_axis: isize,
    },
    /// The same for kernels of tensor products, shape `(P1, L1+1, P2, L2+1, P3, L3+1, F)`: fans
    /// count the allowed paths, forbidden paths are 0.
    TensorVarianceScaling {
        /// Factor of the variance.
        scale: f64,
        /// Which fan.
        mode: FanMode,
        /// Shape of the distribution.
        distribution: Distribution,
    },
    /// For kernels of fused tensor products, shape `(L+1, F)`: mean 0, variance `scale` and 0
    /// where `mask` is false; one number for all degrees or one for each.
    FusedTensor {
        /// Variances.
        scale: Vec<f64>,
        /// Which degrees are used.
        mask: Vec<bool>,
        /// Shape of the distribution.
        distribution: Distribution,
    },
}

impl Initializer {
    /// [`Initializer::VarianceScaling`] of kernels `(..., inputs, outputs)`.
    pub fn variance_scaling(scale: f64, mode: FanMode, distribution: Distribution) -> Self {
        Self::VarianceScaling {
            scale,
            mode,
            distribution,
            in_axis: -2,
            out_axis: -1,
        }
    }

    /// LeCun: variance `1 / fan_in`, truncated normal.
    pub fn lecun_normal() -> Self {
        Self::variance_scaling(1.0, FanMode::FanIn, Distribution::TruncatedNormal)
    }

    /// LeCun: variance `1 / fan_in`, uniform.
    pub fn lecun_uniform() -> Self {
        Self::variance_scaling(1.0, FanMode::FanIn, Distribution::Uniform)
    }

    /// Glorot (Xavier): variance `2 / (fan_in + fan_out)`, truncated normal.
    pub fn glorot_normal() -> Self {
        Self::variance_scaling(1.0, FanMode::FanAvg, Distribution::TruncatedNormal)
    }

    /// Glorot (Xavier): variance `2 / (fan_in + fan_out)`, uniform.
    pub fn glorot_uniform() -> Self {
        Self::variance_scaling(1.0, FanMode::FanAvg, Distribution::Uniform)
    }

    /// He (Kaiming): variance `2 / fan_in`, truncated normal.
    pub fn he_normal() -> Self {
        Self::variance_scaling(2.0, FanMode::FanIn, Distribution::TruncatedNormal)
    }

    /// He (Kaiming): variance `2 / fan_in`, uniform.
    pub fn he_uniform() -> Self {
        Self::variance_scaling(2.0, FanMode::FanIn, Distribution::Uniform)
    }

    /// E3x's default of embeddings, shape `(num, 1, 1, F)`: normal with variance `1 / F`.
    ///
    /// This is `variance_scaling(1.0, "fan_in", "normal", out_axis=0)` of JAX: the outputs are the
    /// first axis, so the features count as receptive field and make up the fan.
    pub fn embedding() -> Self {
        Self::VarianceScaling {
            scale: 1.0,
            mode: FanMode::FanIn,
            distribution: Distribution::Normal,
            in_axis: -2,
            out_axis: 0,
        }
    }

    /// [`Initializer::TensorVarianceScaling`].
    pub fn tensor_variance_scaling(scale: f64, mode: FanMode, distribution: Distribution) -> Self {
        Self::TensorVarianceScaling {
            scale,
            mode,
            distribution,
        }
    }

    /// [`Initializer::lecun_normal`] for kernels of tensor products (E3x's default).
    pub fn tensor_lecun_normal() -> Self {
        Self::tensor_variance_scaling(1.0, FanMode::FanIn, Distribution::TruncatedNormal)
    }

    /// [`Initializer::lecun_uniform`] for kernels of tensor products.
    pub fn tensor_lecun_uniform() -> Self {
        Self::tensor_variance_scaling(1.0, FanMode::FanIn, Distribution::Uniform)
    }

    /// [`Initializer::glorot_normal`] for kernels of tensor products.
    pub fn tensor_glorot_normal() -> Self {
        Self::tensor_variance_scaling(1.0, FanMode::FanAvg, Distribution::TruncatedNormal)
    }

    /// [`Initializer::glorot_uniform`] for kernels of tensor products.
    pub fn tensor_glorot_uniform() -> Self {
        Self::tensor_variance_scaling(1.0, FanMode::FanAvg, Distribution::Uniform)
    }

    /// [`Initializer::he_normal`] for kernels of tensor products.
    pub fn tensor_he_normal() -> Self {
        Self::tensor_variance_scaling(2.0, FanMode::FanIn, Distribution::TruncatedNormal)
    }

    /// [`Initializer::he_uniform`] for kernels of tensor products.
    pub fn tensor_he_uniform() -> Self {
        Self::tensor_variance_scaling(2.0, FanMode::FanIn, Distribution::Uniform)
    }

    /// The other name of [`Initializer::tensor_glorot_normal`].
    pub fn tensor_xavier_normal() -> Self {
        Self::tensor_glorot_normal()
    }

    /// The other name of [`Initializer::tensor_glorot_uniform`].
    pub fn tensor_xavier_uniform() -> Self {
        Self::tensor_glorot_uniform()
    }

    /// The other name of [`Initializer::tensor_he_normal`].
    pub fn tensor_kaiming_normal() -> Self {
        Self::tensor_he_normal()
    }

    /// The other name of [`Initializer::tensor_he_uniform`].
    pub fn tensor_kaiming_uniform() -> Self {
        Self::tensor_he_uniform()
    }

    /// [`Initializer::FusedTensor`] with a truncated normal distribution (E3x's default).
    pub fn fused_tensor_normal(scale: impl Into<Vec<f64>>, mask: impl Into<Vec<bool>>) -> Self {
        Self::FusedTensor {
            scale: scale.into(),
            mask: mask.into(),
            distribution: Distribution::TruncatedNormal,
        }
    }

    /// [`Initializer::FusedTensor`] with a uniform distribution.
    pub fn fused_tensor_uniform(scale: impl Into<Vec<f64>>, mask: impl Into<Vec<bool>>) -> Self {
        Self::FusedTensor {
            scale: scale.into(),
            mask: mask.into(),
            distribution: Distribution::Uniform,
        }
    }

    /// Draws the values of a parameter of this shape, in C order.
    ///
    /// # Errors
    /// If the shape does not suit the initialiser, or a variance is negative or not finite.
    pub fn sample(&self, shape: &[usize], rng: &mut ChaCha8Rng) -> Result<Vec<f64>> {
        let n = shape.iter().product();
        Ok(match *self {
            Self::Zeros => vec![0.0; n],
            Self::Ones => vec![1.0; n],
            Self::Constant(value) => vec![value; n],
            Self::Normal { mean, stddev } => (0..n)
                .map(|_| mean + stddev * rng.sample::<f64, _>(StandardNormal))
                .collect(),
            Self::Uniform { low, high } => {
                if !(low < high && (high - low).is_finite()) {
                    return Err(Error::argument(
                        "high",
                        format!("a finite number larger than low = {low}"),
                        high.to_string(),
                    ));
                }
                (0..n).map(|_| rng.random_range(low..high)).collect()
            }
            Self::TruncatedNormal { stddev } => {
                (0..n).map(|_| stddev * truncated_normal(rng)).collect()
            }
            Self::VarianceScaling {
                scale,
                mode,
                distribution,
                in_axis,
                out_axis,
            } => {
                check_variance(scale)?;
                let (fan_in, fan_out) = axis_fans(shape, in_axis, out_axis)?;
                let variance = scale / mode.of(fan_in, fan_out);
                (0..n).map(|_| distribution.sample(variance, rng)).collect()
            }
            Self::TensorVarianceScaling {
                scale,
                mode,
                distribution,
            } => {
                check_variance(scale)?;
                let features = shape.last().copied().unwrap_or(0);
                let mut values = Vec::with_capacity(n);
                for fans in tensor_fans(shape)? {
                    for _ in 0..features {
                        values.push(match fans {
                            None => 0.0,
                            Some((fan_in, fan_out)) => {
                                distribution.sample(scale / mode.of(fan_in, fan_out), rng)
                            }
                        });
                    }
                }
                values
            }
            Self::FusedTensor {
                ref scale,
                ref mask,
                distribution,
            } => {
                let rows = shape.first().copied().unwrap_or(1);
                let mut values = Vec::with_capacity(n);
                for row in 0..rows {
                    let variance = *of_row("scale", scale, row, rows)?;
                    let used = *of_row("mask", mask, row, rows)?;
                    check_variance(variance)?;
                    let value = |_| {
                        if used {
                            distribution.sample(variance, rng)
                        } else {
                            0.0
                        }
                    };
                    values.extend((0..n / rows).map(value));
                }
                values
            }
        })
    }
}

/// The entry of a row in a list with one entry for all rows or one for each.
fn of_row<'a, T>(name: &'static str, list: &'a [T], row: usize, rows: usize) -> Result<&'a T> {
    match list {
        [one] => Ok(one),
        _ if list.len() == rows => Ok(&list[row]),
        _ => Err(Error::argument(
            name,
            format!("1 or {rows} entries"),
            list.len().to_string(),
        )),
    }
}

fn check_variance(scale: f64) -> Result<()> {
    if scale >= 0.0 && scale.is_finite() {
        return Ok(());
    }
    Err(Error::argument(
        "scale",
        "a finite number that is not negative",
        scale.to_string(),
    ))
}

//! Averages of parameters over the steps of a training.

use std::collections::BTreeMap;

use candle_core::{Tensor, Var};

use crate::nn::Parameters;
use crate::{Error, Result};

/// Exponential moving average of parameters, as `optax.ema(decay, debias=True)` of their values.
///
/// ```text
/// a <- decay a + (1 - decay) x                after every step, a = 0 before the first one
/// average = a / (1 - decay^count)             the mean of all values seen, the latest ones weigh most
/// ```
///
/// A model with averaged parameters is often better than the one of the last step: the noise of
/// the last `1 / (1 - decay)` steps averages out (Polyak & Juditsky, SIAM J. Control Optim. 30,
/// 838, 1992).
///
/// ```
/// use candle_core::{DType, Device};
/// use e3x::nn::{Initializer, Parameters};
/// use e3x::optim::ExponentialMovingAverage;
///
/// let parameters = Parameters::seeded(0);
/// let vb = parameters.builder(DType::F64, &Device::Cpu);
/// vb.get_with_hints(1, "x", Initializer::Constant(3.0))?;
/// let mut average = ExponentialMovingAverage::new(&parameters, 0.9)?;
/// // ... a step of an optimiser, then:
/// average.update()?;
/// let x = average.averages()?["x"].to_vec1::<f64>()?[0];
/// assert!((x - 3.0).abs() < 1e-14);
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug)]
pub struct ExponentialMovingAverage {
    decay: f64,
    count: u64,
    variables: Vec<(String, Var)>,
    /// Weighted sums, in the order of the variables.
    sums: Vec<Tensor>,
}

impl ExponentialMovingAverage {
    /// An average of all parameters that exist now, of no values so far.
    ///
    /// # Errors
    /// If `decay` is not in `[0, 1)`, or a parameter is not floating point.
    pub fn new(parameters: &Parameters, decay: f64) -> Result<Self> {
        if !(0.0..1.0).contains(&decay) {
            let expected = "a number of at least 0 and below 1";
            return Err(Error::argument("decay", expected, decay.to_string()));
        }
        let variables = parameters.variables();
        let zeros = |(_, var): &(String, Var)| {
            crate::error::check_float("parameters", var.dtype())?;
            Ok(var.zeros_like()?.detach())
        };
        Ok(Self {
            decay,
            count: 0,
            sums: variables.iter().map(zeros).collect::<Result<_>>()?,
            variables,
        })
    }

    /// Adds the present values of the parameters; to be called after every step of the optimiser.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn update(&mut self) -> Result<()> {
        for ((_, var), sum) in self.variables.iter().zip(&mut self.sums) {
            let new = var.as_tensor().detach().affine(1.0 - self.decay, 0.0)?;
            *sum = (sum.affine(self.decay, 0.0)? + new)?;
        }
        self.count += 1;
        Ok(())
    }

    /// The averages by path; the present values of the parameters if there was no update so far.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn averages(&self) -> Result<BTreeMap<String, Tensor>> {
        let steps = i32::try_from(self.count).unwrap_or(i32::MAX);
        let weight = 1.0 - self.decay.powi(steps);
        let average = |((name, var), sum): (&(String, Var), &Tensor)| {
            let value = if self.count == 0 {
                var.as_tensor().detach().copy()?
            } else {
                sum.affine(1.0 / weight, 0.0)?
            };
            Ok((name.clone(), value))
        };
        self.variables.iter().zip(&self.sums).map(average).collect()
    }

    /// Number of updates.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The weighted sums by path; with [`ExponentialMovingAverage::count`] the whole state.
    pub fn state(&self) -> BTreeMap<String, Tensor> {
        let named = self.variables.iter().zip(&self.sums);
        named
            .map(|((name, _), sum)| (name.clone(), sum.clone()))
            .collect()
    }

    /// Restores a state from [`ExponentialMovingAverage::state`] and
    /// [`ExponentialMovingAverage::count`].
    ///
    /// # Errors
    /// If a sum is missing or has another shape. Nothing is changed then.
    pub fn load_state(&mut self, state: &BTreeMap<String, Tensor>, count: u64) -> Result<()> {
        let read = |(name, var): &(String, Var)| {
            let received = match state.get(name) {
                Some(sum) if sum.shape() == var.shape() => return Ok(sum.to_dtype(var.dtype())?),
                Some(sum) => format!("shape {:?}", sum.dims()),
                None => "nothing of this name".to_string(),
            };
            Err(Error::Parameter {
                name: name.clone(),
                expected: format!("an average of shape {:?}", var.dims()),
                received,
            })
        };
        self.sums = self.variables.iter().map(read).collect::<Result<_>>()?;
        self.count = count;
        Ok(())
    }
}

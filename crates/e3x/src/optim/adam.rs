//! Adam and AdamW.

use std::collections::BTreeMap;

use candle_core::{DType, Tensor, Var};
use serde::{Deserialize, Serialize};

use crate::nn::Parameters;
use crate::op::Element;
use crate::{Error, Result};

/// Options of [`Adam`], with the defaults of the paper and of optax.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamConfig {
    /// Decay of the mean of gradients.
    pub b1: f64,
    /// Decay of the mean of squared gradients.
    pub b2: f64,
    /// Added to the root of the mean of squares.
    pub eps: f64,
    /// Decoupled weight decay: 0 for Adam, larger for AdamW (`optax.adamw`: 0.0001).
    pub weight_decay: f64,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self {
            b1: 0.9,
            b2: 0.999,
            eps: 1e-8,
            weight_decay: 0.0,
        }
    }
}

impl AdamConfig {
    /// `optax.adamw` with its default weight decay, 0.0001.
    pub fn adamw() -> Self {
        Self {
            weight_decay: 1e-4,
            ..Self::default()
        }
    }

    fn check(&self) -> Result<()> {
        for (argument, decay) in [("b1", self.b1), ("b2", self.b2)] {
            if !(0.0..1.0).contains(&decay) {
                let expected = "a number of at least 0 and below 1";
                return Err(Error::argument(argument, expected, decay.to_string()));
            }
        }
        for (argument, value) in [("eps", self.eps), ("weight_decay", self.weight_decay)] {
            if !(value >= 0.0 && value.is_finite()) {
                let received = value.to_string();
                return Err(Error::argument(argument, "a number >= 0", received));
            }
        }
        Ok(())
    }
}

/// The optimiser of Kingma & Ba, arXiv:1412.6980, algorithm 1 (the same numbers as `optax.adam`);
/// with a weight decay that of Loshchilov & Hutter, arXiv:1711.05101, algorithm 2 (`optax.adamw`).
///
/// ```text
/// m <- b1 m + (1 - b1) g        v <- b2 v + (1 - b2) g^2
/// x <- x - lr ((m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) + weight_decay x)
/// ```
///
/// Unlike candle's, its state can be saved and restored ([`Adam::state`]).
///
/// ```
/// use candle_core::{DType, Device};
/// use e3x::autograd::{CreateGraph, grad};
/// use e3x::nn::{Initializer, Parameters};
/// use e3x::optim::{Adam, AdamConfig};
///
/// let parameters = Parameters::seeded(0);
/// let x = parameters.builder(DType::F64, &Device::Cpu)
///     .get_with_hints(1, "x", Initializer::Constant(3.0))?;
/// let mut adam = Adam::new(&parameters, AdamConfig::default())?;
/// for _ in 0..200 {
///     let loss = x.sqr()?.sum_all()?;
///     let grads = grad(&loss, &[&x], CreateGraph::No)?;
///     adam.step(&grads, 0.1)?;
/// }
/// assert!(x.to_vec1::<f64>()?[0].abs() < 0.1);
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug)]
pub struct Adam {
    config: AdamConfig,
    steps: u64,
    variables: Vec<(String, Var)>,
    /// Mean of gradients and of their squares, in the order of the variables.
    moments: Vec<[Tensor; 2]>,
}

impl Adam {
    /// An optimiser for all parameters that exist now, with zero moments.
    ///
    /// # Errors
    /// If a parameter is neither f32 nor f64, or an option is out of range: decays in `[0, 1)`,
    /// the others not negative.
    pub fn new(parameters: &Parameters, config: AdamConfig) -> Result<Self> {
        config.check()?;
        let variables = parameters.variables();
        for (name, var) in &variables {
            if !matches!(var.dtype(), DType::F32 | DType::F64) {
                return Err(Error::Parameter {
                    name: name.clone(),
                    expected: "dtype f32 or f64".into(),
                    received: format!("{:?}", var.dtype()),
                });
            }
        }
        let zeros = |var: &Var| Ok([var.zeros_like()?.detach(), var.zeros_like()?.detach()]);
        let moments = variables
            .iter()
            .map(|(_, var)| zeros(var))
            .collect::<Result<_>>()?;
        Ok(Self {
            config,
            steps: 0,
            variables,
            moments,
        })
    }

    /// The parameters, in the order in which [`Adam::step`] takes gradients: sorted by path.
    pub fn variables(&self) -> impl Iterator<Item = &Tensor> {
        self.variables.iter().map(|(_, var)| var.as_tensor())
    }

    /// Number of steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Updates all parameters with one gradient each.
    ///
    /// # Errors
    /// If there are not as many gradients as parameters, or a gradient has another shape or dtype.
    /// Nothing is changed then.
    pub fn step(&mut self, grads: &[Tensor], learning_rate: f64) -> Result<()> {
        if grads.len() != self.variables.len() {
            let expected = format!(
                "one gradient for each of {} parameters",
                self.variables.len()
            );
            return Err(Error::argument("grads", expected, grads.len().to_string()));
        }
        for ((name, var), grad) in self.variables.iter().zip(grads) {
            if grad.shape() != var.shape() || grad.dtype() != var.dtype() {
                return Err(Error::Parameter {
                    name: name.clone(),
                    expected: format!("a gradient of shape {:?}, {:?}", var.dims(), var.dtype()),
                    received: format!("shape {:?}, {:?}", grad.dims(), grad.dtype()),
                });
            }
        }
        self.steps += 1;
        for (i, grad) in grads.iter().enumerate() {
            match grad.dtype() {
                DType::F32 => self.update::<f32>(i, grad, learning_rate)?,
                _ => self.update::<f64>(i, grad, learning_rate)?,
            }
        }
        Ok(())
    }

    fn update<T: Element>(&mut self, i: usize, grad: &Tensor, learning_rate: f64) -> Result<()> {
        let var = &self.variables[i].1;
        let read = |x: &Tensor| -> Result<Vec<T>> { Ok(x.flatten_all()?.to_vec1::<T>()?) };
        let [mut m, mut v] = [read(&self.moments[i][0])?, read(&self.moments[i][1])?];
        let mut x = read(var.as_tensor())?;
        let of = <T as e3x_so3::Real>::from_f64;
        let AdamConfig {
            b1,
            b2,
            eps,
            weight_decay,
        } = self.config;
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let (scale1, scale2) = (of(1.0 - b1.powi(steps)), of(1.0 - b2.powi(steps)));
        let (rate, eps) = (of(learning_rate), of(eps));
        for (((x, m), v), g) in x.iter_mut().zip(&mut m).zip(&mut v).zip(read(grad)?) {
            *m = of(b1) * *m + of(1.0 - b1) * g;
            *v = of(b2) * *v + of(1.0 - b2) * g * g;
            let root = e3x_so3::Real::sqrt(*v / scale2);
            let before = *x;
            *x -= rate * (*m / scale1) / (root + eps);
            if weight_decay != 0.0 {
                *x -= of(learning_rate * weight_decay) * before;
            }
        }
        let shape = var.shape().clone();
        let device = var.device();
        var.set(&Tensor::from_vec(x, shape.clone(), device)?)?;
        self.moments[i] = [
            Tensor::from_vec(m, shape.clone(), device)?,
            Tensor::from_vec(v, shape, device)?,
        ];
        Ok(())
    }

    /// The moments by name (`mean/<path>`, `square/<path>`); with [`Adam::steps`] the whole state.
    pub fn state(&self) -> BTreeMap<String, Tensor> {
        let named = self.variables.iter().zip(&self.moments);
        named
            .flat_map(|((name, _), [m, v])| {
                [
                    (format!("mean/{name}"), m.clone()),
                    (format!("square/{name}"), v.clone()),
                ]
            })
            .collect()
    }

    /// Restores a state from [`Adam::state`] and [`Adam::steps`].
    ///
    /// # Errors
    /// If a moment is missing or has another shape. Nothing is changed then.
    pub fn load_state(&mut self, state: &BTreeMap<String, Tensor>, steps: u64) -> Result<()> {
        let moment = |kind: &str, name: &str, var: &Var| {
            let name = format!("{kind}/{name}");
            let expected = format!("an optimiser moment of shape {:?}", var.dims());
            match state.get(&name) {
                Some(moment) if moment.shape() == var.shape() => Ok(moment.to_dtype(var.dtype())?),
                Some(moment) => {
                    let received = format!("shape {:?}", moment.dims());
                    Err(Error::Parameter {
                        name,
                        expected,
                        received,
                    })
                }
                None => Err(Error::Parameter {
                    name,
                    expected,
                    received: "nothing of this name".into(),
                }),
            }
        };
        let read = |(name, var): &(String, Var)| -> Result<[Tensor; 2]> {
            Ok([moment("mean", name, var)?, moment("square", name, var)?])
        };
        self.moments = self.variables.iter().map(read).collect::<Result<_>>()?;
        self.steps = steps;
        Ok(())
    }
}

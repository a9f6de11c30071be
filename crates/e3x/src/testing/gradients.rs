//! First and second derivatives against central differences.

use candle_core::{DType, Tensor, Var};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::{CheckError, CheckResult, draw, index_of, irrep_at, is_close, largest, unwrap, values};
use crate::autograd::{self, CreateGraph};
use crate::nn::Parameters;
use crate::{Error, Result};

/// How derivatives are compared: `|autograd - difference| <= atol + rtol * scale`, where `scale`
/// is the largest derivative with respect to the same input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GradientCheck {
    /// 1: first derivatives; 2: second derivatives as well.
    pub order: usize,
    /// Step of the differences, whose error is of the fourth order in the step.
    pub step: f64,
    /// Tolerance relative to the largest derivative with respect to the same input.
    pub rtol: f64,
    /// Absolute tolerance.
    pub atol: f64,
    /// Seed of the random projections.
    pub seed: u64,
}

impl Default for GradientCheck {
    fn default() -> Self {
        Self {
            order: 2,
            step: 5e-4,
            rtol: 1e-7,
            atol: 1e-8,
            seed: 0,
        }
    }
}

/// Compares the derivatives of `f` at `inputs` (`f64`) with central differences.
///
/// * First derivatives: those of a random projection of the output, with respect to every element
///   of every input. They have to be the same with [`CreateGraph::Yes`] and [`CreateGraph::No`].
/// * Second derivatives: those of a random projection of the first ones, with respect to the
///   inputs and to the incoming cotangent (the latter matters as soon as `f` is followed by
///   another function).
///
/// `f` must be three times differentiable around `inputs`; stay away from kinks by a few steps.
///
/// ```
/// use e3x::testing::{GradientCheck, check_gradients, random};
/// let x = random(&[3], 0)?;
/// check_gradients(|x| Ok(x[0].sin()?), &[x.clone()], &GradientCheck::default()).unwrap();
///
/// // The derivative of a detached factor is missing.
/// let wrong = |x: &[candle_core::Tensor]| Ok((&x[0] * x[0].detach())?);
/// let error = check_gradients(wrong, &[x], &GradientCheck::default()).unwrap_err();
/// assert!(error.to_string().starts_with("first derivative with respect to input 0 at [0]"));
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// [`CheckError::Broken`] with the order, input and element that differ (and, if the input has the
/// shape of features, all degrees and parities that do), or an error of `f`.
pub fn check_gradients(
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
    inputs: &[Tensor],
    check: &GradientCheck,
) -> CheckResult {
    Subject::new(f, inputs, Vec::new(), check)?.check()
}

/// As [`check_gradients`], also with respect to the parameters of a layer that `f` captures.
///
/// The parameters are changed while the check runs and have their values back at the end.
///
/// ```
/// use candle_core::{DType, Device};
/// use e3x::FeatureShape;
/// use e3x::nn::{Dense, DenseConfig, Parameters};
/// use e3x::testing::{GradientCheck, assert_gradients_with, random};
/// let parameters = Parameters::seeded(0);
/// let vb = parameters.builder(DType::F64, &Device::Cpu);
/// let dense = Dense::new(FeatureShape::new(1, 1, 2)?, DenseConfig::new(3), vb)?;
/// let x = random(&[5, 1, 4, 2], 1)?;
/// assert_gradients_with(|x| dense.forward(&x[0]), &[x], &parameters, &GradientCheck::default());
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// As [`check_gradients`]; parameters are named by their paths.
pub fn check_gradients_with(
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
    inputs: &[Tensor],
    parameters: &Parameters,
    check: &GradientCheck,
) -> CheckResult {
    Subject::new(f, inputs, parameters.variables(), check)?.check()
}

/// [`check_gradients`] for tests.
///
/// # Panics
/// If the check fails.
#[track_caller]
pub fn assert_gradients(
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
    inputs: &[Tensor],
    check: &GradientCheck,
) {
    unwrap(check_gradients(f, inputs, check));
}

/// [`check_gradients_with`] for tests.
///
/// # Panics
/// If the check fails.
#[track_caller]
pub fn assert_gradients_with(
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
    inputs: &[Tensor],
    parameters: &Parameters,
    check: &GradientCheck,
) {
    unwrap(check_gradients_with(f, inputs, parameters, check));
}

/// A function and the point at which it is differentiated.
struct Subject<'a, F> {
    f: F,
    inputs: Vec<Tensor>,
    parameters: Vec<(String, Var)>,
    /// Values of inputs and parameters.
    origin: Vec<Tensor>,
    /// Random weights of the output's elements.
    cotangent: Tensor,
    rng: ChaCha8Rng,
    check: &'a GradientCheck,
}

impl<'a, F: Fn(&[Tensor]) -> Result<Tensor>> Subject<'a, F> {
    fn new(
        f: F,
        inputs: &[Tensor],
        parameters: Vec<(String, Var)>,
        check: &'a GradientCheck,
    ) -> Result<Self> {
        if !(1..=2).contains(&check.order) {
            let received = check.order.to_string();
            return Err(Error::argument("order", "1 or 2", received));
        }
        let arguments = inputs
            .iter()
            .chain(parameters.iter().map(|(_, v)| v.as_tensor()));
        let mut origin = Vec::new();
        for x in arguments {
            if x.dtype() != DType::F64 {
                let received = format!("{:?}", x.dtype());
                return Err(Error::argument(
                    "inputs",
                    "f64 (also the parameters)",
                    received,
                ));
            }
            origin.push(x.detach().copy()?);
        }
        let inputs = origin[..inputs.len()].to_vec();
        let mut rng = ChaCha8Rng::seed_from_u64(check.seed);
        let cotangent = draw(f(&inputs)?.dims(), &mut rng)?;
        Ok(Self {
            f,
            inputs,
            parameters,
            origin,
            cotangent,
            rng,
            check,
        })
    }

    fn check(mut self) -> CheckResult {
        let first = self.gradients(&self.inputs, CreateGraph::No)?;
        for (k, gradient) in first.iter().enumerate() {
            let numeric = self.first_differences(k)?;
            let what = format!("first derivative with respect to {}", self.name(k));
            self.compare(&what, gradient, &numeric)?;
        }
        let recorded = self.gradients(&self.inputs, CreateGraph::Yes)?;
        for (k, (gradient, recorded)) in first.iter().zip(&recorded).enumerate() {
            let what = format!(
                "with CreateGraph::Yes, first derivative with respect to {}",
                self.name(k)
            );
            self.compare(&what, recorded, &values(gradient)?)?;
        }
        if self.check.order == 1 {
            return Ok(());
        }
        self.check_second()
    }

    fn check_second(&mut self) -> CheckResult {
        let direction = self.direction()?;
        let (analytic, cotangent) = self.second(&direction)?;
        let numeric =
            self.difference_along(&direction, |inputs| self.gradients(inputs, CreateGraph::No))?;
        for (k, (analytic, numeric)) in analytic.iter().zip(&numeric).enumerate() {
            let what = format!(
                "second derivative (gradient of a random projection of the gradient) with respect to {}",
                self.name(k)
            );
            self.compare(&what, analytic, numeric)?;
        }
        let numeric = self.difference_along(&direction, |inputs| Ok(vec![(self.f)(inputs)?]))?;
        let what = "second derivative (gradient of a random projection of the gradient) with \
                    respect to the cotangent of the output";
        self.compare(what, &cotangent, &numeric[0])
    }

    /// A random direction in the space of inputs and parameters, largest component 1.
    fn direction(&mut self) -> CheckResult<Vec<Tensor>> {
        let mut direction = Vec::new();
        let mut scale = 0.0f64;
        for x in &self.origin {
            let component = draw(x.dims(), &mut self.rng)?;
            scale = scale.max(largest(&values(&component)?));
            direction.push(component);
        }
        let scaled = direction.into_iter().map(|x| x / scale);
        Ok(scaled.collect::<candle_core::Result<_>>()?)
    }

    /// "input 0", or "parameter 'dense/0+/kernel'".
    fn name(&self, k: usize) -> String {
        match k.checked_sub(self.inputs.len()) {
            None => format!("input {k}"),
            Some(i) => format!("parameter '{}'", self.parameters[i].0),
        }
    }

    /// Gradients of the projected output, of inputs and parameters.
    fn gradients(&self, inputs: &[Tensor], create_graph: CreateGraph) -> Result<Vec<Tensor>> {
        let (arguments, output) = self.evaluate(inputs)?;
        let projected = (output * &self.cotangent)?.sum_all()?;
        autograd::grad(
            &projected,
            &arguments.iter().collect::<Vec<_>>(),
            create_graph,
        )
    }

    /// Fresh variables for the inputs, followed by the parameters, and the output.
    fn evaluate(&self, inputs: &[Tensor]) -> Result<(Vec<Tensor>, Tensor)> {
        let mut arguments = inputs
            .iter()
            .map(autograd::variable)
            .collect::<Result<Vec<_>>>()?;
        let output = (self.f)(&arguments)?;
        arguments.extend(
            self.parameters
                .iter()
                .map(|(_, var)| var.as_tensor().clone()),
        );
        Ok((arguments, output))
    }

    /// Gradients of `sum(direction * gradients)`: of inputs and parameters, and of the cotangent.
    fn second(&self, direction: &[Tensor]) -> Result<(Vec<Tensor>, Tensor)> {
        let (mut arguments, output) = self.evaluate(&self.inputs)?;
        let cotangent = autograd::variable(&self.cotangent)?;
        let projected = (output * &cotangent)?.sum_all()?;
        let inputs: Vec<_> = arguments.iter().collect();
        let gradients = autograd::grad(&projected, &inputs, CreateGraph::Yes)?;
        let mut total = self.cotangent.zeros_like()?.sum_all()?;
        for (gradient, direction) in gradients.iter().zip(direction) {
            total = (total + (gradient * direction)?.sum_all()?)?;
        }
        arguments.push(cotangent);
        let inputs: Vec<_> = arguments.iter().collect();
        let mut second = autograd::grad(&total, &inputs, CreateGraph::No)?;
        let cotangent = second.pop().unwrap_or(total);
        Ok((second, cotangent))
    }

    /// Derivatives of the projected output with respect to every element of argument `k`.
    fn first_differences(&self, k: usize) -> CheckResult<Vec<f64>> {
        let dims = self.origin[k].dims();
        let mut direction = self
            .origin
            .iter()
            .map(Tensor::zeros_like)
            .collect::<candle_core::Result<Vec<_>>>()?;
        let mut unit = vec![0.0; self.origin[k].elem_count()];
        let mut derivatives = Vec::with_capacity(unit.len());
        for i in 0..unit.len() {
            unit[i] = 1.0;
            direction[k] = Tensor::from_slice(&unit, dims, &candle_core::Device::Cpu)?;
            unit[i] = 0.0;
            let project =
                |inputs: &[Tensor]| Ok(vec![((self.f)(inputs)? * &self.cotangent)?.sum_all()?]);
            let derivative = self.difference_along(&direction, project)?;
            derivatives.push(derivative[0][0]);
        }
        Ok(derivatives)
    }

    /// Derivative of every tensor that `g` returns along a direction: a central difference with
    /// four points, `(8 (g(h) - g(-h)) - (g(2h) - g(-2h))) / 12h`.
    fn difference_along(
        &self,
        direction: &[Tensor],
        g: impl Fn(&[Tensor]) -> Result<Vec<Tensor>>,
    ) -> CheckResult<Vec<Vec<f64>>> {
        let mut sum: Vec<Vec<f64>> = Vec::new();
        for (shift, weight) in [(-2.0, 1.0), (-1.0, -8.0), (1.0, 8.0), (2.0, -1.0)] {
            let factor = weight / (12.0 * self.check.step);
            let outputs = self.shifted(direction, shift * self.check.step, &g)?;
            for (k, output) in outputs.iter().enumerate() {
                let output = values(output)?;
                if sum.len() <= k {
                    sum.push(vec![0.0; output.len()]);
                }
                for (sum, value) in sum[k].iter_mut().zip(output) {
                    *sum += factor * value;
                }
            }
        }
        Ok(sum)
    }

    /// `g` with inputs and parameters moved by `distance * direction`.
    fn shifted(
        &self,
        direction: &[Tensor],
        distance: f64,
        g: impl Fn(&[Tensor]) -> Result<Vec<Tensor>>,
    ) -> Result<Vec<Tensor>> {
        let moved = self.origin.iter().zip(direction);
        let moved: Vec<_> = moved
            .map(|(x, d)| x + (d * distance)?)
            .collect::<candle_core::Result<_>>()?;
        let (inputs, parameters) = moved.split_at(self.inputs.len());
        let set = |values: &[Tensor]| -> Result<()> {
            for ((_, var), value) in self.parameters.iter().zip(values) {
                var.set(value)?;
            }
            Ok(())
        };
        set(parameters)?;
        let result = g(inputs);
        set(&self.origin[self.inputs.len()..])?;
        result
    }

    fn compare(&self, what: &str, analytic: &Tensor, numeric: &[f64]) -> CheckResult {
        let tolerance = self.check.atol + self.check.rtol * largest(numeric);
        let analytic_values = values(analytic)?;
        let wrong: Vec<_> = (0..numeric.len())
            .filter(|&i| !is_close(analytic_values[i], numeric[i], tolerance))
            .collect();
        let Some(&first) = wrong.first() else {
            return Ok(());
        };
        let (a, n) = (analytic_values[first], numeric[first]);
        Err(CheckError::Broken(format!(
            "{what} at {:?}: autograd gives {a:e}, expected {n:e} (difference {:.1e}, tolerance \
             {tolerance:.1e}; {} of {} elements differ{})",
            index_of(first, analytic.dims()),
            (a - n).abs(),
            wrong.len(),
            numeric.len(),
            irreps(&wrong, analytic.dims()),
        )))
    }
}

/// Which degrees and parities these elements belong to, if the tensor has the shape of features.
fn irreps(elements: &[usize], dims: &[usize]) -> String {
    let mut names: Vec<String> = Vec::new();
    for &element in elements {
        match irrep_at(&index_of(element, dims), dims) {
            Some(name) if !names.contains(&name) => names.push(name),
            _ => {}
        }
    }
    if names.is_empty() {
        return String::new();
    }
    format!(", as features: {}", names.join("; "))
}

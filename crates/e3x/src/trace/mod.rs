//! Functions of tensors whose operations are found once and then run again and again on other numbers.
//!
//! Finding out what to do costs more than doing it where tensors are small: arguments are checked, the tape is written and
//! read back. A [`Trace`] does that once. Gradients inside the function are part of what is recorded, and what
//! depends on constants alone is not computed again.
//!
//! ```
//! use candle_core::{Device, Tensor};
//! use e3x::autograd::{CreateGraph, variable, vjp};
//! use e3x::trace::Trace;
//!
//! /// The energy |r| of some particles, and the forces on them.
//! fn energies_and_forces(r: &Tensor) -> e3x::Result<Vec<Tensor>> {
//!     let r = variable(r)?;
//!     let energies = e3x::ops::norm(&r, Some(&[-1]), false)?;
//!     let minus_one = energies.ones_like()?.neg()?;
//!     let forces = vjp(&energies, &minus_one, &[&r], CreateGraph::No)?.remove(0);
//!     Ok(vec![energies, forces])
//! }
//!
//! let r = Tensor::new(&[[0.0f64, 0.6, 0.8], [3.0, 0.0, 4.0]], &Device::Cpu)?;
//! let trace = Trace::new(|inputs| energies_and_forces(&inputs[0]), &[&r])?;
//! let outputs = trace.run(&[&Tensor::new(&[[0.0f64, 2.0, 0.0], [8.0, 0.0, 6.0]], &Device::Cpu)?])?;
//! assert_eq!(outputs[0].to_vec1::<f64>()?, [2.0, 10.0]);
//! assert_eq!(outputs[1].to_vec2::<f64>()?, [[0.0, -1.0, 0.0], [-0.8, 0.0, -0.6]]);
//! # Ok::<(), e3x::Error>(())
//! ```
//!
//! As with `jax.jit` and `torch.jit.trace`, the function runs with example inputs, and what it does with them is written
//! down. Whatever it decides by looking at numbers (which atoms are neighbours, for instance) stays as it was.
//!
//! Parameters that are variables, those of a model that is trained, are read whenever the trace runs. Parameters that
//! are not, as those of [`Parameters::frozen`](crate::nn::Parameters::frozen), are constants, and
//! [`Trace::is_current`] says whether they have changed.

mod compiler;
mod program;
mod recorder;

use std::fmt;

use candle_core::{DType, Device, Shape, Tensor};
use e3x_kernels::rows::equal_rows;

use self::program::Program;
use self::recorder::{Recorder, untraceable};
pub(crate) use self::recorder::{copied, depends_on, is_recording, log};
use crate::op::Element;
use crate::op::tape::{Few, numbers};
use crate::{Error, Result};

/// The operations of a function, for inputs of certain shapes.
pub struct Trace {
    inputs: Vec<Shape>,
    program: Typed,
    /// Constants as they were.
    constants: Vec<(Tensor, Tensor)>,
}

enum Typed {
    F32(Program<f32>),
    F64(Program<f64>),
}

impl Trace {
    /// Records what `f` does with tensors of the shapes of `examples`, all f32 or all f64.
    ///
    /// Between inputs and outputs there must be nothing but functions, layers and gradients of this crate: `Dense`,
    /// `Tensor`, `TensorDense`, `FusedTensor`, `MessagePass`, `SelfAttention`, activations, bases, functions of
    /// [`ops`](crate::ops) and [`autograd`](crate::autograd). What does not depend on inputs may come from anywhere. The
    /// function is called a second time with slightly different inputs, to check that the trace gives its results.
    ///
    /// # Errors
    /// Those of `f`; [`Error::Argument`] if inputs do not have the same dtype, f32 or f64, or if the function does
    /// something with them that is not seen here.
    pub fn new<E: From<Error>>(
        f: impl Fn(&[Tensor]) -> std::result::Result<Vec<Tensor>, E>,
        examples: &[&Tensor],
    ) -> std::result::Result<Self, E> {
        let inputs = inputs(examples)?;
        let (outputs, mut recorded) = recorder::record(&inputs, || f(&inputs))?;
        let trace = Self::from_recorded(&inputs, &outputs, &mut recorded)?;
        let others = inputs.iter().map(shifted).collect::<Result<Vec<_>>>()?;
        trace.check(&others, &f(&others)?)?;
        Ok(trace)
    }

    /// The operations that lead from inputs to outputs.
    fn from_recorded(
        inputs: &[Tensor],
        outputs: &[Tensor],
        recorded: &mut Recorder,
    ) -> Result<Self> {
        let part = |x: &Tensor| Ok((recorded.part(&x.contiguous()?), x.shape().clone()));
        let outputs = outputs.iter().map(part).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            inputs: inputs.iter().map(|x| x.shape().clone()).collect(),
            program: match inputs[0].dtype() {
                DType::F32 => Typed::F32(Program::new(recorded, &outputs)?),
                _ => Typed::F64(Program::new(recorded, &outputs)?),
            },
            constants: constants(recorded)?,
        })
    }

    /// The outputs of the function for other inputs.
    ///
    /// They are those of the function itself, bit for bit, but are not on the tape.
    ///
    /// # Errors
    /// [`Error::Argument`] if inputs have other shapes or dtypes than the examples had.
    pub fn run(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        match &self.program {
            Typed::F32(program) => self.run_as(program, inputs),
            Typed::F64(program) => self.run_as(program, inputs),
        }
    }

    /// Whether all constants, such as the parameters of a model, are what they were when the trace was made.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn is_current(&self) -> Result<bool> {
        for (now, then) in &self.constants {
            let equal = match then.dtype() {
                DType::F32 => equal::<f32>(now, then)?,
                _ => equal::<f64>(now, then)?,
            };
            if !equal {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn run_as<T: Element>(&self, program: &Program<T>, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let shapes = inputs.iter().map(|x| x.shape());
        if !shapes.eq(&self.inputs) || inputs.iter().any(|x| x.dtype() != T::DTYPE) {
            let describe = |dims: &mut dyn Iterator<Item = &Shape>| {
                let dims: Vec<String> = dims.map(|x| format!("{:?}", x.dims())).collect();
                dims.join(", ")
            };
            let expected = describe(&mut self.inputs.iter());
            let received = describe(&mut inputs.iter().map(|x| x.shape()));
            let dtypes: Vec<&str> = inputs.iter().map(|x| x.dtype().as_str()).collect();
            return Err(Error::argument(
                "inputs",
                format!("shapes {expected} in {}", T::DTYPE.as_str()),
                format!("shapes {received} in {}", dtypes.join(", ")),
            ));
        }
        let inputs: Few<Tensor> = inputs
            .iter()
            .map(|x| x.contiguous())
            .collect::<candle_core::Result<_>>()?;
        let guards: Few<_> = inputs.iter().map(|x| x.storage_and_layout()).collect();
        let mut slices: Few<&[T]> = Few::new();
        for (storage, layout) in &guards {
            slices.push(numbers("inputs", storage, layout)?);
        }
        let outputs = program.run(&slices)?.into_iter();
        let tensor = |(numbers, shape)| Ok(Tensor::from_vec(numbers, shape, &Device::Cpu)?);
        outputs.map(tensor).collect()
    }

    /// Compares the outputs of trace and function for other inputs: whatever was computed where nobody saw it has not
    /// changed in the trace.
    fn check(&self, inputs: &[Tensor], expected: &[Tensor]) -> Result<()> {
        let found = self.run(&inputs.iter().collect::<Vec<_>>())?;
        let same_shapes = found
            .iter()
            .map(Tensor::shape)
            .eq(expected.iter().map(Tensor::shape));
        if !same_shapes {
            return Err(untraceable("outputs of other shapes for other inputs"));
        }
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            let [found, expected] = [found, expected].map(doubles);
            if !are_close(&found?, &expected?) {
                return Err(untraceable(format!(
                    "one whose output {i} depends on something else"
                )));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = match &self.program {
            Typed::F32(program) => program.names().collect(),
            Typed::F64(program) => program.names().collect(),
        };
        f.debug_struct("Trace")
            .field("inputs", &self.inputs)
            .field("operations", &names)
            .finish_non_exhaustive()
    }
}

/// Copies of the examples: memory of their own, so that no constant is taken for one of them.
fn inputs(examples: &[&Tensor]) -> Result<Vec<Tensor>> {
    if is_recording() {
        return Err(untraceable("a function that makes a trace"));
    }
    let dtype = examples.first().map(|x| x.dtype());
    let Some(dtype @ (DType::F32 | DType::F64)) = dtype else {
        let received = dtype.map_or("no inputs", |dtype| dtype.as_str());
        return Err(Error::argument(
            "examples",
            "tensors of f32 or f64",
            received,
        ));
    };
    if let Some(other) = examples.iter().find(|x| x.dtype() != dtype) {
        let expected = format!("tensors of {}", dtype.as_str());
        return Err(Error::argument(
            "examples",
            expected,
            other.dtype().as_str(),
        ));
    }
    examples.iter().map(|x| own(x)).collect()
}

/// A copy in C order.
fn own(x: &Tensor) -> Result<Tensor> {
    Ok(x.detach().force_contiguous()?)
}

/// What was there before, and copies of it.
fn constants(recorded: &Recorder) -> Result<Vec<(Tensor, Tensor)>> {
    let constants = recorded
        .constants()
        .filter(|x| matches!(x.dtype(), DType::F32 | DType::F64));
    constants.map(|x| Ok((x.clone(), own(x)?))).collect()
}

fn equal<T: Element>(x: &Tensor, y: &Tensor) -> Result<bool> {
    if !x.is_contiguous() {
        return Ok(doubles(x)? == doubles(y)?);
    }
    let ((x, x_layout), (y, y_layout)) = (x.storage_and_layout(), y.storage_and_layout());
    let x = numbers::<T>("constants", &x, x_layout)?;
    let y = numbers::<T>("constants", &y, y_layout)?;
    Ok(equal_rows(x.len(), x, y.len(), y))
}

fn doubles(x: &Tensor) -> Result<Vec<f64>> {
    Ok(x.flatten_all()?.to_dtype(DType::F64)?.to_vec1()?)
}

/// Numbers close to those of `x`, each moved differently.
fn shifted(x: &Tensor) -> Result<Tensor> {
    let numbers = doubles(x)?;
    let squares = numbers.iter().map(|x| x * x).sum::<f64>();
    let scale = (squares / numbers.len().max(1) as f64).sqrt();
    let size = 0.01
        * if scale > 0.0 && scale.is_finite() {
            scale
        } else {
            1.0
        };
    // Fractional parts of multiples of the golden ratio are spread evenly.
    let shift = |i: usize| ((i + 1) as f64 * 0.618_033_988_749_895).fract() - 0.5;
    let numbers: Vec<f64> = (0..)
        .zip(numbers)
        .map(|(i, x)| x + size * shift(i))
        .collect();
    Ok(Tensor::from_vec(numbers, x.shape(), &Device::Cpu)?.to_dtype(x.dtype())?)
}

/// The same operations give the same bits, so that hardly any difference is allowed.
fn are_close(found: &[f64], expected: &[f64]) -> bool {
    let largest = expected
        .iter()
        .filter(|x| x.is_finite())
        .fold(0.0, |max: f64, x| max.max(x.abs()));
    let close = |(a, b): (&f64, &f64)| {
        a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-6 * largest
    };
    found.iter().zip(expected).all(close)
}

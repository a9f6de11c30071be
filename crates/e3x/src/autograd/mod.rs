//! Gradients, and gradients of gradients.
//!
//! Forces are a gradient of an energy; training on forces differentiates through that gradient.
//! The functions of this module work on candle's tape and give exact derivatives of any order:
//!
//! ```
//! use candle_core::{Device, Tensor};
//! use e3x::autograd::{CreateGraph, variable, grad};
//!
//! let x = variable(&Tensor::new(&[2.0f64], &Device::Cpu)?)?;
//! let y = x.powf(3.0)?.sum_all()?;
//! let dy = grad(&y, &[&x], CreateGraph::Yes)?.remove(0);      // 3 x^2
//! let d2y = grad(&dy.sum_all()?, &[&x], CreateGraph::No)?.remove(0); // 6 x
//! assert!((dy.to_vec1::<f64>()?[0] - 12.0).abs() < 1e-12);
//! assert!((d2y.to_vec1::<f64>()?[0] - 12.0).abs() < 1e-12);
//! # Ok::<(), e3x::Error>(())
//! ```
//!
//! # The switch behind it
//!
//! candle 0.11 detaches the incoming gradient of every operation unless the environment variable
//! `CANDLE_GRAD_DO_NOT_DETACH` is set when a thread first calls `backward`; without it second
//! derivatives come out *wrong*, not missing. This module sets the variable once per process and
//! checks once per thread, on a function with a known second derivative, that it took effect.
//! If other code called `backward` on the thread earlier, the functions here return
//! [`Error::HigherOrderDisabled`] instead of a wrong number.
//!
//! At the same time candle's element-wise operations are asked to run on the calling thread
//! (`CANDLE_NUM_THREADS=1`, unless the variable is set): candle splits tensors of 65,536 elements
//! and more over a pool of its own whose threads spin while they wait, and which competes with the
//! kernels of this crate, which run on rayon's pool, for the same cores. And glibc's allocator is
//! asked to keep freed memory ([`e3x_kernels::process::keep_freed_memory`]). All of this happens when
//! the first variable, parameter or operation of this crate is made.

pub(crate) mod mode;

use std::cell::Cell;

use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor, Var};

use crate::op::tape;
use crate::{Error, Result, trace};

/// Whether gradients can be differentiated again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateGraph {
    /// Record the backward pass: the gradients are differentiable (training on forces).
    Yes,
    /// Do not record it: memory stays at the level of first derivatives (optimiser steps,
    /// molecular dynamics, evaluation).
    No,
}

/// Prepares this thread for derivatives of any order. Called by every function of this module;
/// call it yourself only if code outside of this crate uses `Tensor::backward` first.
///
/// # Errors
/// [`Error::HigherOrderDisabled`] if `backward` ran on this thread before the switch was set.
pub fn init() -> Result<()> {
    thread_local! {
        static READY: Cell<Option<bool>> = const { Cell::new(None) };
    }
    let ready = if let Some(ready) = READY.get() {
        ready
    } else {
        crate::process::prepare();
        let ready = second_derivative_is_right()?;
        READY.set(Some(ready));
        ready
    };
    if ready {
        Ok(())
    } else {
        Err(Error::HigherOrderDisabled)
    }
}

/// Differentiates `x^2 (x^2)` twice: 12 x^2, which candle without the switch gets wrong.
fn second_derivative_is_right() -> Result<bool> {
    let x = Var::from_tensor(&Tensor::new(1.5f64, &Device::Cpu)?)?;
    let square = x.mul(&x)?;
    let y = square.mul(&square)?;
    let Some(first) = y.backward()?.remove(&x) else {
        return Ok(false);
    };
    let Some(second) = first.backward()?.remove(&x) else {
        return Ok(false);
    };
    Ok((second.to_scalar::<f64>()? - 27.0).abs() < 1e-12)
}

/// A variable with the values of `x`, detached from the graph of `x`: something to differentiate
/// with respect to. Use it like any tensor.
///
/// # Errors
/// If the dtype of `x` is neither f32 nor f64.
pub fn variable(x: &Tensor) -> Result<Tensor> {
    crate::process::prepare();
    crate::error::check_float("x", x.dtype())?;
    let variable = Var::from_tensor(&x.detach())?.into_inner();
    trace::copied(x, &variable);
    Ok(variable)
}

/// Gradients of the sum of `output` with respect to `inputs`, in their order.
///
/// An input on which `output` does not depend gets zeros. With [`CreateGraph::No`] the gradients
/// are detached.
///
/// # Shapes
/// Each gradient has the shape and dtype of its input.
///
/// # Errors
/// If an input is not a variable (see [`variable`], [`candle_core::Var`]), if `output` is not
/// floating point, or if this thread cannot compute derivatives of derivatives (see [`init`]).
pub fn grad(output: &Tensor, inputs: &[&Tensor], create_graph: CreateGraph) -> Result<Vec<Tensor>> {
    gradients(output, None, inputs, create_graph)
}

/// Vector-Jacobian products: the gradients of the sum of `output * cotangent` with respect to `inputs`, in
/// their order, without that product.
///
/// As [`grad`], which is this with a cotangent of ones. With [`CreateGraph::Yes`] the gradients can also be
/// differentiated with respect to what `cotangent` depends on.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::autograd::{CreateGraph, variable, vjp};
///
/// let x = variable(&Tensor::new(&[1.0f64, 2.0], &Device::Cpu)?)?;
/// let cotangent = Tensor::new(&[3.0f64, 5.0], &Device::Cpu)?;
/// let gradient = vjp(&x.sqr()?, &cotangent, &[&x], CreateGraph::No)?.remove(0);
/// assert_eq!(gradient.to_vec1::<f64>()?, [6.0, 20.0]); // 2 x * cotangent
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Shapes
/// `cotangent` has the shape and dtype of `output`, each gradient those of its input.
///
/// # Errors
/// As [`grad`], and if `cotangent` has another shape or dtype than `output`.
pub fn vjp(
    output: &Tensor,
    cotangent: &Tensor,
    inputs: &[&Tensor],
    create_graph: CreateGraph,
) -> Result<Vec<Tensor>> {
    if cotangent.dims() != output.dims() || cotangent.dtype() != output.dtype() {
        let of = |x: &Tensor| format!("{:?} of {}", x.dims(), x.dtype().as_str());
        let expected = format!("the shape and dtype of output, {}", of(output));
        return Err(Error::argument("cotangent", expected, of(cotangent)));
    }
    gradients(output, Some(cotangent), inputs, create_graph)
}

/// The gradients of [`grad`] and [`vjp`].
fn gradients(
    output: &Tensor,
    cotangent: Option<&Tensor>,
    inputs: &[&Tensor],
    create_graph: CreateGraph,
) -> Result<Vec<Tensor>> {
    crate::error::check_float("output", output.dtype())?;
    for (i, input) in inputs.iter().enumerate() {
        if !input.is_variable() {
            return Err(Error::argument(
                "inputs",
                "variables (e3x::autograd::variable or candle_core::Var)",
                format!("a tensor that is not a variable at position {i}"),
            ));
        }
    }
    init()?;
    let creates_graph = create_graph == CreateGraph::Yes;
    let grads = mode::with(creates_graph, Some(inputs), || {
        tape::backward(output, cotangent, inputs)
    })?;
    // An input may be there twice, so nothing is removed.
    let take = |input: &&Tensor| match grads.get(&input.id()) {
        Some(grad) if !creates_graph => Ok(grad.detach()),
        Some(grad) => Ok(grad.clone()),
        None => Ok(input.zeros_like()?.detach()),
    };
    inputs.iter().map(take).collect()
}

/// The value of `f` at `inputs`, and the gradients of its sum with respect to each of them.
///
/// The inputs need not be variables; `f` receives variables with the same values. The value is
/// detached with [`CreateGraph::No`]. With [`CreateGraph::Yes`], value and gradients can be
/// differentiated with respect to the variables that `f` captures (the parameters of a model).
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::autograd::{CreateGraph, value_and_grad};
/// let x = Tensor::new(&[1.0f64, 2.0], &Device::Cpu)?;
/// let (y, dy) = value_and_grad(|v| Ok(v[0].sqr()?.sum_all()?), &[&x], CreateGraph::No)?;
/// assert_eq!(y.to_scalar::<f64>()?, 5.0);
/// assert_eq!(dy[0].to_vec1::<f64>()?, [2.0, 4.0]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// Those of `f` and of [`grad`].
pub fn value_and_grad(
    f: impl FnOnce(&[Tensor]) -> Result<Tensor>,
    inputs: &[&Tensor],
    create_graph: CreateGraph,
) -> Result<(Tensor, Vec<Tensor>)> {
    let variables = inputs
        .iter()
        .map(|x| variable(x))
        .collect::<Result<Vec<_>>>()?;
    let output = f(&variables)?;
    let grads = grad(&output, &variables.iter().collect::<Vec<_>>(), create_graph)?;
    let output = match create_graph {
        CreateGraph::Yes => output,
        CreateGraph::No => output.detach(),
    };
    Ok((output, grads))
}

/// Gradients of the sum of `output` with respect to all variables it depends on.
///
/// # Errors
/// As [`grad`].
pub fn backward(output: &Tensor, create_graph: CreateGraph) -> Result<GradStore> {
    init()?;
    mode::with(create_graph == CreateGraph::Yes, None, || {
        let mut grads = output.backward()?;
        for (variable, mut found) in mode::take_found().into_values() {
            found.extend(grads.remove(&variable));
            if let Some(total) = tape::total(found)? {
                grads.insert(&variable, total);
            }
        }
        Ok(grads)
    })
}

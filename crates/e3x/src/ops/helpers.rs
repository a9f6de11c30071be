//! Small helpers: `e3x.ops.inverse_softplus`, `e3x.ops.evaluate_derivatives` and shapes.

use candle_core::{Shape, Tensor};

use crate::autograd::{CreateGraph, grad, variable};
use crate::error::check_float;
use crate::op::combine::combine;
use crate::op::tape::view;
use crate::op::{Element, Op, apply};
use crate::{Error, Result};

/// The `y` with `softplus(y) = ln(1 + exp(y)) = x`: E3x's `ops.inverse_softplus`.
///
/// ```text
/// y = ln(exp(x) - 1) = x + ln(-expm1(-x))
/// ```
///
/// Accurate for small and large `x`. As for any logarithm, zero gives minus infinity and negative
/// numbers, which no softplus reaches, NaN.
///
/// # Shapes
/// The result has the shape of `x`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[2f64.ln(), 50.0], &Device::Cpu)?;
/// let y = e3x::ops::inverse_softplus(&x)?.to_vec1::<f64>()?;
/// assert!(y[0].abs() < 1e-15 && (y[1] - 50.0).abs() < 1e-12);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `x` is neither f32 nor f64.
pub fn inverse_softplus(x: &Tensor) -> Result<Tensor> {
    check_float("x", x.dtype())?;
    apply(InverseSoftplus, &[x])
}

/// `x` in another shape with as many elements, as `Tensor::reshape`.
///
/// Gradients of functions and layers of this crate pass it directly. If nothing between an output and its variables is
/// an operation of candle, [`autograd::grad`](crate::autograd::grad) does not use candle's backward, which is
/// slower for small tensors.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[1.0f64, 2.0], [3.0, 4.0]], &Device::Cpu)?;
/// assert_eq!(e3x::ops::reshape(&x, (4, 1))?.dims(), [4, 1]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If the shape has another number of elements.
pub fn reshape(x: &Tensor, shape: impl Into<Shape>) -> Result<Tensor> {
    view(x, shape)
}

/// The sum of `factors[i] * terms[i]`.
///
/// # Shapes
/// All terms and the result have the same shape.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[1.0f64, 2.0], &Device::Cpu)?;
/// let y = Tensor::new(&[3.0f64, 5.0], &Device::Cpu)?;
/// let z = e3x::ops::linear_combination(&[2.0, -1.0], &[&x, &y])?;
/// assert_eq!(z.to_vec1::<f64>()?, [-1.0, -1.0]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If there is no term or not one factor for each, or if terms differ in shape or dtype.
pub fn linear_combination(factors: &[f64], terms: &[&Tensor]) -> Result<Tensor> {
    if factors.len() != terms.len() || terms.is_empty() {
        let expected = "at least one, as many as terms";
        let received = format!("{} factors for {} terms", factors.len(), terms.len());
        return Err(Error::argument("factors", expected, received));
    }
    combine(factors.into(), terms)
}

/// `f(x)` and its derivatives up to `max_order`: E3x's `ops.evaluate_derivatives`.
///
/// Each derivative is the one along the direction in which all entries of `x` grow together, which
/// for functions of single entries (activations, radial functions with or without an axis of basis
/// functions) is the ordinary derivative. The results are detached.
///
/// # Shapes
/// `max_order + 1` tensors of the shape of `f(x)`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[2.0f64], &Device::Cpu)?;
/// let y = e3x::ops::evaluate_derivatives(|x| Ok(x.powf(3.0)?), &x, 2)?;
/// assert_eq!(y.len(), 3);
/// assert!((y[2].to_vec1::<f64>()?[0] - 12.0).abs() < 1e-12); // 6 x
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// Those of `f`; if `x` or `f(x)` is neither f32 nor f64.
pub fn evaluate_derivatives(
    f: impl FnOnce(&Tensor) -> Result<Tensor>,
    x: &Tensor,
    max_order: usize,
) -> Result<Vec<Tensor>> {
    let x = variable(x)?;
    let mut y = f(&x)?;
    check_float("f(x)", y.dtype())?;
    let mut derivatives = vec![y.detach()];
    for order in 1..=max_order {
        // The gradient of y u is linear in u; its derivative with respect to u is forward mode.
        let u = variable(&y.ones_like()?)?;
        let gradient = grad(&y.mul(&u)?, &[&x], CreateGraph::Yes)?.remove(0);
        let create_graph = if order < max_order {
            CreateGraph::Yes
        } else {
            CreateGraph::No
        };
        y = grad(&gradient, &[&u], create_graph)?.remove(0);
        derivatives.push(y.detach());
    }
    Ok(derivatives)
}

#[derive(Clone)]
struct InverseSoftplus;

impl Op for InverseSoftplus {
    const NAME: &'static str = "inverse_softplus";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let values = args[0].iter().map(|&x| {
            let x = e3x_so3::Real::to_f64(x);
            T::of(x + (-(-x).exp_m1()).ln())
        });
        Ok((values.collect(), shapes[0].clone()))
    }

    fn backward(&self, args: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        let slope = apply(Slope, &[&args[0]])?;
        Ok(vec![Some(grad.mul(&slope)?)])
    }
}

/// Derivative of the inverse of softplus, `s = 1 / (1 - exp(-x))`, with `ds/dx = -exp(-x) s^2`.
#[derive(Clone)]
struct Slope;

impl Op for Slope {
    const NAME: &'static str = "inverse_softplus_slope";
    const NEEDS_RESULT: bool = true;

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let values = args[0]
            .iter()
            .map(|&x| T::of(-1.0 / (-e3x_so3::Real::to_f64(x)).exp_m1()));
        Ok((values.collect(), shapes[0].clone()))
    }

    fn backward(&self, args: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        let derivative = args[0].neg()?.exp()?.mul(&args[1].sqr()?)?.neg()?;
        Ok(vec![Some(grad.mul(&derivative)?)])
    }
}

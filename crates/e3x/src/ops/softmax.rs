//! Softmax over the edges of each destination: `e3x.ops.indexed_softmax`.

use candle_core::{Shape, Tensor};
use e3x_kernels::Real;

use super::Graph;
use super::indexed::{gather_dst, indexed_max, indexed_sum};
use crate::error::{check_float, check_same_dtype};
use crate::op::{Element, Op, apply};
use crate::{Error, Result};

/// Softmax over the edges of each destination: E3x's `ops.indexed_softmax`.
///
/// With the edges j of destination i that take part in reductions, and optional weights w (a
/// smooth cutoff, for example),
///
/// ```text
/// y_ij = w_ij exp(x_ij - max_k x_ik) / sum_k w_ik exp(x_ik - max_k x_ik)
/// ```
///
/// Edges that reductions drop get this value too, not zero, as in E3x: those of a dense list with
/// the maximum and sum of their row, padding of a sparse list with those of the last destination.
/// Mask the result where that matters. Where the sum is zero (no edge, or no weight), E3x divides
/// by it; here the result and its derivatives are zero.
///
/// # Shapes
/// `inputs`, `multiplicative_mask` and the result: the shape of the index list and any further
/// axes.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use e3x::ops::{Graph, indexed_softmax};
/// let graph = Graph::from_indices(&[0, 0, 1], &[1, 2, 0], 3)?;
/// let x = Tensor::new(&[1000.0, 1000.0, -1000.0], &Device::Cpu)?;
/// let y = indexed_softmax(&x, &graph, None)?;
/// assert_eq!(y.to_vec1::<f64>()?, [0.5, 0.5, 1.0]);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `inputs` is neither f32 nor f64, the mask has another shape or dtype than `inputs`, or in the
/// cases of [`indexed_sum`].
pub fn indexed_softmax(
    inputs: &Tensor,
    graph: &Graph,
    multiplicative_mask: Option<&Tensor>,
) -> Result<Tensor> {
    check_float("inputs", inputs.dtype())?;
    let maximum = indexed_max(&inputs.detach(), graph, true)?;
    let mut numerator = apply(CappedExp, &[&inputs.broadcast_sub(&maximum)?])?;
    if let Some(mask) = multiplicative_mask {
        check_same_dtype("multiplicative_mask", mask, "inputs", inputs)?;
        if mask.dims() != inputs.dims() {
            let expected = format!("the shape of inputs, {:?}", inputs.dims());
            let received = format!("{:?}", mask.dims());
            return Err(Error::argument("multiplicative_mask", expected, received));
        }
        numerator = numerator.mul(mask)?;
    }
    let sum = indexed_sum(&numerator, graph, graph.is_dense())?;
    let mut factor = apply(SafeReciprocal, &[&sum])?;
    if !graph.is_dense() {
        factor = gather_dst(&factor, graph)?;
    }
    Ok(numerator.broadcast_mul(&factor)?)
}

/// `exp(x)` that stays finite: only entries outside of the reduction exceed the maximum.
#[derive(Clone)]
struct CappedExp;

impl Op for CappedExp {
    const NAME: &'static str = "exp";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[Shape]) -> Result<(Vec<T>, Shape)> {
        let cap = T::of(if size_of::<T>() == 4 { 88.0 } else { 709.0 });
        let exp = |&x: &T| Real::exp(if x > cap { cap } else { x });
        Ok((args[0].iter().map(exp).collect(), shapes[0].clone()))
    }

    fn backward(
        &self,
        _: &[Tensor],
        result: &Tensor,
        grad: &Tensor,
        _: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(grad.mul(result)?)])
    }
}

/// `1 / x`, zero with all derivatives at zero.
#[derive(Clone)]
struct SafeReciprocal;

impl Op for SafeReciprocal {
    const NAME: &'static str = "reciprocal";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[Shape]) -> Result<(Vec<T>, Shape)> {
        let (zero, one) = (T::ZERO, T::ONE);
        let reciprocal = |&x: &T| if x == zero { zero } else { one / x };
        Ok((args[0].iter().map(reciprocal).collect(), shapes[0].clone()))
    }

    fn backward(
        &self,
        _: &[Tensor],
        result: &Tensor,
        grad: &Tensor,
        _: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(grad.mul(&result.sqr()?)?.neg()?)])
    }
}

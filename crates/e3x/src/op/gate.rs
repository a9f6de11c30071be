//! Gated features, `y[b, p, f] = g(x[b, 0, f]) x[b, p, f]`: one pass forward, one pass backward,
//! and the derivative of the backward from three small operations closed under differentiation.

use candle_core::{Shape, Tensor};
use e3x_kernels::gate::{self, GateShape};
use e3x_kernels::rows::{RowCopy, RowMap};
use e3x_kernels::scalar::Scalar;

use crate::Result;
use crate::op::combine::sum;
use crate::op::elementwise::scalar;
use crate::op::rows::move_rows;
use crate::op::tape::view;
use crate::op::{Element, Op, apply, product};

/// Multiplies every row of `x`, shape `(items, rows, features)`, by `g` of its first row.
pub(crate) fn gated(g: Scalar, x: &Tensor) -> Result<Tensor> {
    apply(Gated { g }, &[x])
}

/// `y[b, p, f] = s[b, f] x[b, p, f]`.
pub(crate) fn multiply(s: &Tensor, x: &Tensor) -> Result<Tensor> {
    apply(Multiply, &[s, x])
}

/// `s[b, f] = sum_p z[b, p, f] x[b, p, f]`.
fn contract(z: &Tensor, x: &Tensor) -> Result<Tensor> {
    apply(Contract, &[z, x])
}

/// The first row of every item, shape `(items, features)`.
fn first_row(x: &Tensor) -> Result<Tensor> {
    let (items, rows, width) = x.dims3()?;
    view(&move_rows(head_map(rows)?, x)?, (items, width))
}

/// The inverse of [`first_row`]: all other rows are zero.
fn as_first_row(s: &Tensor, rows: usize) -> Result<Tensor> {
    let (items, width) = s.dims2()?;
    move_rows(head_map(rows)?.transposed(), &view(s, (items, 1, width))?)
}

fn head_map(rows: usize) -> Result<RowMap> {
    let head = RowCopy {
        from: 0,
        to: 0,
        negate: false,
    };
    Ok(RowMap::new(rows, 1, vec![head])?)
}

fn gate_shape(shape: &Shape) -> Result<GateShape> {
    let (items, rows, width) = shape.dims3()?;
    Ok(GateShape { items, rows, width })
}

#[derive(Debug, Clone, Copy)]
struct Gated {
    g: Scalar,
}

impl Op for Gated {
    const NAME: &'static str = "gated linear activation";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let shape = gate_shape(shapes[0])?;
        let gates = self.g.evaluate(0, &heads(shape, args[0]))?;
        let y = gate::multiply(shape, &gates, args[0])?;
        Ok((y, shapes[0].clone()))
    }

    fn backward(
        &self,
        args: &[Tensor],
        grad: &Tensor,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(apply(
            PullBack { g: self.g },
            &[grad, &args[0]],
        )?)])
    }
}

/// The vector-Jacobian product of [`Gated`] as a function of the cotangent `z` and of `x`:
/// `g(h) z`, plus `g'(h) sum_p z x` in the first row, with `h` the first row of `x`.
#[derive(Debug, Clone, Copy)]
struct PullBack {
    g: Scalar,
}

impl Op for PullBack {
    const NAME: &'static str = "backward of gated linear activation";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let shape = gate_shape(shapes[1])?;
        let (gates, slopes) = self.g.value_and_slope(&heads(shape, args[1]));
        let y = gate::pull_back(shape, &gates, &slopes, args[1], args[0])?;
        Ok((y, shapes[1].clone()))
    }

    fn backward(
        &self,
        args: &[Tensor],
        grad: &Tensor,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        // The form c·(g z) + c_0 g' <z, x>, with c the new cotangent and c_0 its first row.
        let (z, x, c) = (&args[0], &args[1], grad);
        let (head, c0) = (first_row(x)?, first_row(c)?);
        let slope = scalar(self.g, 1, &head)?;
        let c0_slope = product::multiply(&c0, &slope)?;
        let dz = if wanted[0] {
            let g = scalar(self.g, 0, &head)?;
            Some(sum(&[&multiply(&g, c)?, &multiply(&c0_slope, x)?])?)
        } else {
            None
        };
        let dx = if wanted[1] {
            let curvature = product::multiply(&c0, &scalar(self.g, 2, &head)?)?;
            let at_head = sum(&[
                &product::multiply(&slope, &contract(c, z)?)?,
                &product::multiply(&curvature, &contract(z, x)?)?,
            ])?;
            let at_head = as_first_row(&at_head, x.dim(1)?)?;
            Some(sum(&[&multiply(&c0_slope, z)?, &at_head])?)
        } else {
            None
        };
        Ok(vec![dz, dx])
    }
}

/// The first row of every item.
fn heads<T: Element>(shape: GateShape, x: &[T]) -> Vec<T> {
    if shape.is_empty() {
        return Vec::new();
    }
    let mut heads = Vec::with_capacity(shape.items * shape.width);
    for item in x.chunks_exact(shape.block()) {
        heads.extend_from_slice(&item[..shape.width]);
    }
    heads
}

/// `s x`, the derivative of the trilinear form `sum z s x` with respect to `z`.
#[derive(Debug, Clone, Copy)]
struct Multiply;

impl Op for Multiply {
    const NAME: &'static str = "gate features";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let y = gate::multiply(gate_shape(shapes[1])?, args[0], args[1])?;
        Ok((y, shapes[1].clone()))
    }

    fn backward(
        &self,
        args: &[Tensor],
        grad: &Tensor,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let ds = wanted[0].then(|| contract(grad, &args[1])).transpose()?;
        let dx = wanted[1].then(|| multiply(&args[0], grad)).transpose()?;
        Ok(vec![ds, dx])
    }
}

/// `sum_p z x`, the derivative of the trilinear form `sum z s x` with respect to `s`.
#[derive(Debug, Clone, Copy)]
struct Contract;

impl Op for Contract {
    const NAME: &'static str = "contract gated features";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let shape = gate_shape(shapes[0])?;
        let s = gate::contract(shape, args[0], args[1])?;
        Ok((s, Shape::from((shape.items, shape.width))))
    }

    fn backward(
        &self,
        args: &[Tensor],
        grad: &Tensor,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let dz = wanted[0].then(|| multiply(grad, &args[1])).transpose()?;
        let dx = wanted[1].then(|| multiply(grad, &args[0])).transpose()?;
        Ok(vec![dz, dx])
    }
}

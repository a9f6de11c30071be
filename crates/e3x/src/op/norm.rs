//! Norms and directions of rows on the tape, finite wherever E3x's are.
//!
//! With n the norm of a row x and u = x / n, the directional derivative of u is the projection
//! P(x) h = (h - u (u h)) / n, symmetric in its tangent. Rows whose squared norm is not a normal
//! number are *small*: there every derivative is the one that E3x has at zero.

use candle_core::{D, Shape, Tensor};
use e3x_kernels::Real;
use rayon::prelude::*;

use super::{Element, Op, apply};
use crate::Result;

/// Values per task, and the size below which work stays on the calling thread.
const TASK: usize = 1 << 14;

/// Norm of each row (last axis) of `x`, keeping the axis.
pub(crate) fn row_norm(x: &Tensor) -> Result<Tensor> {
    apply(Norm, &[x])
}

/// Each row of `x` divided by its norm; small rows stay as they are.
pub(crate) fn row_normalize(x: &Tensor) -> Result<Tensor> {
    apply(Unit(Small::Keep), &[x])
}

/// What becomes of a small row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Small {
    /// Divided by its norm all the same, if that is not zero; derivative as for `Keep`.
    Divide,
    /// Left as it is; the derivative is the identity.
    Keep,
    /// Replaced by zero; the derivative is zero.
    Zero,
}

/// The norm of a row, without overflow and underflow on the way.
#[inline]
fn norm_of<T: Real>(row: &[T]) -> T {
    let square = row.iter().fold(T::ZERO, |s, &v| s + v * v);
    // Above this, parts that underflowed do not count.
    let safe = T::TINY * T::of((1u64 << 60) as f64);
    if square >= safe && square * T::ZERO == T::ZERO {
        return square.sqrt();
    }
    let max = row.iter().fold(T::ZERO, |m, &v| m.max(v.abs()));
    if max > T::ZERO && max * T::ZERO != T::ZERO {
        return square; // infinite, or not a number
    }
    let scale = max.max(T::TINY);
    let square = row
        .iter()
        .fold(T::ZERO, |s, &v| s + (v / scale) * (v / scale));
    scale * square.sqrt()
}

/// Whether derivatives at a row of this norm are those at zero.
#[inline]
fn is_small<T: Real>(norm: T) -> bool {
    norm * norm <= T::TINY
}

/// Calls `f(row, x, out)` for each row of `out`, in parallel if there are many.
fn for_rows<T: Element>(
    out: &mut [T],
    width: usize,
    work: usize,
    f: impl Fn(usize, &mut [T]) + Send + Sync,
) {
    if width == 0 {
        return;
    }
    let block = TASK.div_ceil(work.max(1));
    if out.len() / width <= block {
        let rows = out.chunks_exact_mut(width).enumerate();
        return rows.for_each(|(i, row)| f(i, row));
    }
    out.par_chunks_mut(block * width)
        .enumerate()
        .for_each(|(b, rows)| {
            for (i, row) in rows.chunks_exact_mut(width).enumerate() {
                f(b * block + i, row);
            }
        });
}

/// Size of the last axis and `shape` with that axis of size one.
fn reduced(shape: &Shape) -> (usize, Shape) {
    let mut dims = shape.dims().to_vec();
    let width = dims.last_mut().map_or(1, |d| std::mem::replace(d, 1));
    (width, Shape::from(dims))
}

/// Norms of rows, or (`inverse`) their reciprocals with zero for small rows.
fn norms<T: Element>(x: &[T], shape: &Shape, inverse: bool) -> (Vec<T>, Shape) {
    let (width, shape) = reduced(shape);
    let mut out = vec![T::ZERO; shape.elem_count()];
    for_rows(&mut out, 1, width, |i, out| {
        // A constant width lets the compiler unroll the common case.
        let norm = match &x[i * width..(i + 1) * width] {
            &[a, b, c] => norm_of(&[a, b, c]),
            row => norm_of(row),
        };
        out[0] = match inverse {
            false => norm,
            true if is_small(norm) => T::ZERO,
            true => T::ONE / norm,
        };
    });
    (out, shape)
}

#[derive(Clone)]
struct Norm;

impl Op for Norm {
    const NAME: &'static str = "norm";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[Shape]) -> Result<(Vec<T>, Shape)> {
        Ok(norms(args[0], &shapes[0], false))
    }

    fn backward(
        &self,
        args: &[Tensor],
        _: &Tensor,
        grad: &Tensor,
        _: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let unit = apply(Unit(Small::Divide), &[&args[0]])?;
        Ok(vec![Some(unit.broadcast_mul(grad)?)])
    }
}

/// `1 / n`, zero for small rows.
#[derive(Clone)]
struct InverseNorm;

impl Op for InverseNorm {
    const NAME: &'static str = "inverse_norm";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[Shape]) -> Result<(Vec<T>, Shape)> {
        Ok(norms(args[0], &shapes[0], true))
    }

    fn backward(
        &self,
        args: &[Tensor],
        result: &Tensor,
        grad: &Tensor,
        _: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let unit = apply(Unit(Small::Zero), &[&args[0]])?;
        let factor = result.mul(&grad.mul(result)?)?.neg()?;
        Ok(vec![Some(unit.broadcast_mul(&factor)?)])
    }
}

#[derive(Clone)]
struct Unit(Small);

impl Op for Unit {
    const NAME: &'static str = "normalize";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[Shape]) -> Result<(Vec<T>, Shape)> {
        let (width, _) = reduced(&shapes[0]);
        let mut out = args[0].to_vec();
        let small = self.0;
        for_rows(&mut out, width, width, |_, row| {
            let norm = norm_of(row);
            if !is_small(norm) || (small == Small::Divide && norm > T::ZERO) {
                for v in row {
                    *v /= norm;
                }
            } else if small == Small::Zero {
                row.fill(T::ZERO);
            }
        });
        Ok((out, shapes[0].clone()))
    }

    fn backward(
        &self,
        args: &[Tensor],
        _: &Tensor,
        grad: &Tensor,
        _: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(apply(Project(self.0), &[&args[0], grad])?)])
    }
}

/// `P(x) h` of the module's documentation; in small rows `h` (or zero for [`Small::Zero`]).
#[derive(Clone)]
struct Project(Small);

impl Op for Project {
    const NAME: &'static str = "normalize_tangent";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[Shape]) -> Result<(Vec<T>, Shape)> {
        let (width, _) = reduced(&shapes[0]);
        let mut out = args[1].to_vec();
        for_rows(&mut out, width, width, |i, h| {
            let x = &args[0][i * width..(i + 1) * width];
            let norm = norm_of(x);
            if !is_small(norm) {
                let dot = x.iter().zip(&*h).map(|(&x, &h)| x / norm * h);
                let dot = dot.sum::<T>();
                for (h, &x) in h.iter_mut().zip(x) {
                    *h = (*h - x / norm * dot) / norm;
                }
            } else if self.0 == Small::Zero {
                h.fill(T::ZERO);
            }
        });
        Ok((out, shapes[0].clone()))
    }

    fn backward(
        &self,
        args: &[Tensor],
        result: &Tensor,
        grad: &Tensor,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let [x, h] = args else {
            return Ok(vec![None; args.len()]);
        };
        let projected = apply(self.clone(), &[x, grad])?;
        let along_x = if wanted[0] {
            // -(u (k P h) + (u h) P k + (u k) P h) / n for the cotangent k
            let u = apply(Unit(Small::Zero), &[x])?;
            let dot = |a: &Tensor, b: &Tensor| a.mul(b)?.sum_keepdim(D::Minus1);
            let sum = u
                .broadcast_mul(&dot(grad, result)?)?
                .add(&projected.broadcast_mul(&dot(&u, h)?)?)?
                .add(&result.broadcast_mul(&dot(&u, grad)?)?)?;
            let inverse = apply(InverseNorm, &[x])?;
            Some(sum.broadcast_mul(&inverse.neg()?)?)
        } else {
            None
        };
        Ok(vec![along_x, wanted[1].then_some(projected)])
    }
}

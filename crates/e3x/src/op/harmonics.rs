//! Solid harmonics on the tape.
//!
//! The derivative of a solid harmonic of degree l is a combination of solid harmonics of degree
//! l - 1 (see [`e3x_so3::derivative_terms`]), so that the backward is a trilinear sum of the
//! direction, the cotangent and the harmonics themselves:
//!
//! ```text
//! S = sum over points n, terms (axis, row, col, C) of  C v[n, axis] g[n, row] R[n, col]
//! ```

use std::sync::Arc;

use candle_core::{Shape, Tensor};
use e3x_so3::{DerivativeTerm, SolidHarmonics as Kernel, derivative_terms};

use super::multilinear::{Multilinear, form};
use super::{Element, Op, apply};
use crate::Result;

#[derive(Debug, Clone)]
struct SolidHarmonics {
    max_degree: usize,
    cartesian_order: bool,
}

/// Racah-normalised solid harmonics of `r`, shape `(..., 3)` to `(..., (max_degree + 1)^2)`.
pub(crate) fn solid_harmonics(
    r: &Tensor,
    max_degree: usize,
    cartesian_order: bool,
) -> Result<Tensor> {
    apply(
        SolidHarmonics {
            max_degree,
            cartesian_order,
        },
        &[r],
    )
}

impl Op for SolidHarmonics {
    const NAME: &'static str = "solid harmonics";

    fn forward<T: Element>(&self, args: &[&[T]], shapes: &[Shape]) -> Result<(Vec<T>, Shape)> {
        let kernel = Kernel::<T>::new(self.max_degree, self.cartesian_order)?;
        let size = kernel.num_harmonics();
        let mut values = vec![T::ZERO; args[0].len() / 3 * size];
        kernel.values(args[0], &mut values)?;
        let mut dims = shapes[0].dims().to_vec();
        if let Some(last) = dims.last_mut() {
            *last = size;
        }
        Ok((values, Shape::from(dims)))
    }

    fn backward(
        &self,
        args: &[Tensor],
        result: &Tensor,
        grad: &Tensor,
        _: &[bool],
    ) -> Result<Vec<Option<Tensor>>> {
        let gradient = Gradient {
            terms: derivative_terms(self.max_degree, self.cartesian_order)?,
            size: (self.max_degree + 1).pow(2),
            points: args[0].elem_count() / 3,
        };
        Ok(vec![Some(
            form(gradient, DIRECTION, &[grad, result])?.reshape(args[0].shape())?,
        )])
    }
}

/// The arguments of the sum in the description of this file.
const DIRECTION: usize = 0;
const COTANGENT: usize = 1;
const HARMONICS: usize = 2;

#[derive(Debug, Clone)]
struct Gradient {
    terms: Arc<[DerivativeTerm]>,
    size: usize,
    points: usize,
}

impl Gradient {
    fn width(&self, slot: usize) -> usize {
        if slot == DIRECTION { 3 } else { self.size }
    }
}

impl Multilinear for Gradient {
    const NAME: &'static str = "gradient of solid harmonics";
    const SLOTS: usize = 3;

    fn shape(&self, slot: usize) -> Shape {
        Shape::from((self.points, self.width(slot)))
    }

    fn form<T: Element>(&self, slot: usize, args: &[&[T]]) -> Result<Vec<T>> {
        let terms: Vec<_> = self
            .terms
            .iter()
            .map(|t| {
                let c = <T as e3x_so3::Real>::from_f64(t.coefficient);
                (t.axis, t.row, t.col, c)
            })
            .collect();
        let of = |slot: usize, n: usize| {
            let width = self.width(slot);
            &args[slot][n * width..(n + 1) * width]
        };
        let mut out = vec![T::ZERO; self.points * self.width(slot)];
        for (n, out) in out.chunks_mut(self.width(slot)).enumerate() {
            match slot {
                DIRECTION => {
                    let (g, full) = (of(COTANGENT, n), of(HARMONICS, n));
                    for &(axis, row, col, c) in &terms {
                        out[axis] += c * g[row] * full[col];
                    }
                }
                COTANGENT => {
                    let (v, full) = (of(DIRECTION, n), of(HARMONICS, n));
                    for &(axis, row, col, c) in &terms {
                        out[row] += c * v[axis] * full[col];
                    }
                }
                _ => {
                    let (v, g) = (of(DIRECTION, n), of(COTANGENT, n));
                    for &(axis, row, col, c) in &terms {
                        out[col] += c * v[axis] * g[row];
                    }
                }
            }
        }
        Ok(out)
    }
}

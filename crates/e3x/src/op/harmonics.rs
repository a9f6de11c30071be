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
            slot: Slot::Direction,
        };
        Ok(vec![Some(
            form(gradient, &[grad, result])?.reshape(args[0].shape())?,
        )])
    }
}

/// An argument of the sum in the description of this file.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Slot {
    Direction,
    Cotangent,
    Harmonics,
}

#[derive(Debug, Clone)]
struct Gradient {
    terms: Arc<[DerivativeTerm]>,
    size: usize,
    points: usize,
    slot: Slot,
}

impl Multilinear for Gradient {
    type Slot = Slot;

    const NAME: &'static str = "gradient of solid harmonics";

    fn slots() -> &'static [Slot] {
        &[Slot::Direction, Slot::Cotangent, Slot::Harmonics]
    }

    fn slot(&self) -> Slot {
        self.slot
    }

    fn leaving_out(&self, slot: Slot) -> Self {
        Self {
            slot,
            ..self.clone()
        }
    }

    fn shape(&self) -> Shape {
        Shape::from((
            self.points,
            if self.slot == Slot::Direction {
                3
            } else {
                self.size
            },
        ))
    }

    fn compute<T: Element>(&self, args: &[&[T]]) -> Result<Vec<T>> {
        let (a, b) = (args[0], args[1]);
        let width = |slot| {
            if slot == Slot::Direction {
                3
            } else {
                self.size
            }
        };
        let terms: Vec<_> = self
            .terms
            .iter()
            .map(|t| {
                (
                    t.axis,
                    t.row,
                    t.col,
                    <T as e3x_so3::Real>::from_f64(t.coefficient),
                )
            })
            .collect();
        let mut out = vec![T::ZERO; self.points * width(self.slot)];
        for (n, out) in out.chunks_mut(width(self.slot)).enumerate() {
            let full = &b[n * self.size..(n + 1) * self.size];
            match self.slot {
                Slot::Direction => {
                    let g = &a[n * self.size..(n + 1) * self.size];
                    for &(axis, row, col, c) in &terms {
                        out[axis] += c * g[row] * full[col];
                    }
                }
                Slot::Cotangent => {
                    let v = &a[n * 3..n * 3 + 3];
                    for &(axis, row, col, c) in &terms {
                        out[row] += c * v[axis] * full[col];
                    }
                }
                Slot::Harmonics => {
                    let v = &a[n * 3..n * 3 + 3];
                    for &(axis, row, col, c) in &terms {
                        out[col] += c * v[axis] * full[row];
                    }
                }
            }
        }
        Ok(out)
    }
}

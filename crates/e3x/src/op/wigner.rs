//! Wigner-D matrices on the tape.
//!
//! Along a path of rotations with `d rot/dt = rot @ Σ ω[k] X[k]`, the matrix changes by
//! `dD/dt = D @ Σ ω[k] X[k]` (see [`e3x_so3::generator_terms`]), so that the backward is a trilinear
//! sum of the angular velocity, the matrix itself and the cotangent:
//!
//! ```text
//! S = sum over rotations n, rows a, terms (axis, row, col, X) of  X ω[n, axis] D[n, a, row] G[n, a, col]
//! ```
//!
//! A change `d rot` has the angular velocity `ω[k] = <rot @ X[k], d rot> / 2`, which ignores what
//! would make the matrix something else than a rotation.

use std::ops::Range;
use std::sync::Arc;

use candle_core::{Shape, Tensor};
use e3x_so3::{GeneratorTerm, WignerD, generator_terms, num_harmonics};
use rayon::prelude::*;

use super::multilinear::{Multilinear, form};
use super::{Element, Op, apply};
use crate::Result;
use crate::so3::skew;

/// The fewest matrices for which another thread is worth its while.
const MIN_MATRICES: usize = 8;

#[derive(Debug, Clone)]
struct Wigner {
    max_degree: usize,
    cartesian_order: bool,
}

/// Wigner-D matrices of rotations, shape `(..., 3, 3)` to `(n, (max_degree+1)^2, (max_degree+1)^2)`.
pub(crate) fn wigner_d(rot: &Tensor, max_degree: usize, cartesian_order: bool) -> Result<Tensor> {
    apply(
        Wigner {
            max_degree,
            cartesian_order,
        },
        &[rot],
    )
}

impl Op for Wigner {
    const NAME: &'static str = "Wigner-D matrix";
    const NEEDS_RESULT: bool = true;

    fn forward<T: Element>(&self, args: &[&[T]], _: &[&Shape]) -> Result<(Vec<T>, Shape)> {
        let kernel = WignerD::new(self.max_degree, self.cartesian_order)?;
        let size = num_harmonics(self.max_degree);
        let num = args[0].len() / 9;
        let mut matrices = vec![T::ZERO; num * size * size];
        matrices
            .par_chunks_mut(size * size)
            .zip(args[0].par_chunks(9))
            .with_min_len(MIN_MATRICES)
            .try_for_each(|(matrix, rot)| kernel.matrices(rot, matrix))?;
        Ok((matrices, Shape::from((num, size, size))))
    }

    fn backward(&self, args: &[Tensor], grad: &Tensor, _: &[bool]) -> Result<Vec<Option<Tensor>>> {
        let velocity = Velocity::new(
            self.max_degree,
            self.cartesian_order,
            args[0].elem_count() / 9,
        )?;
        let velocity = (form(velocity, VELOCITY, &[&args[1], grad])? * 0.5)?;
        let gradient = args[0].reshape(((), 3, 3))?.matmul(&skew(&velocity)?)?;
        Ok(vec![Some(gradient.reshape(args[0].shape())?)])
    }
}

/// The arguments of the sum in the description of this file.
const VELOCITY: usize = 0;
const MATRIX: usize = 1;
const COTANGENT: usize = 2;

#[derive(Debug, Clone)]
struct Velocity {
    terms: Arc<[GeneratorTerm]>,
    /// The terms of each degree.
    degrees: Arc<[Range<usize>]>,
    size: usize,
    num: usize,
}

impl Velocity {
    fn new(max_degree: usize, cartesian_order: bool, num: usize) -> Result<Self> {
        let terms = generator_terms(max_degree, cartesian_order)?;
        let start = |l: usize| terms.partition_point(|term| term.row < l * l);
        let degrees = (0..=max_degree).map(|l| start(l)..start(l + 1)).collect();
        Ok(Self {
            terms,
            degrees,
            size: num_harmonics(max_degree),
            num,
        })
    }

    fn width(&self, slot: usize) -> usize {
        if slot == VELOCITY {
            3
        } else {
            self.size * self.size
        }
    }
}

impl Multilinear for Velocity {
    const NAME: &'static str = "gradient of Wigner-D matrices";
    const SLOTS: usize = 3;

    fn shape(&self, slot: usize) -> Shape {
        if slot == VELOCITY {
            Shape::from((self.num, 3))
        } else {
            Shape::from((self.num, self.size, self.size))
        }
    }

    fn form<T: Element>(&self, slot: usize, args: &[&[T]]) -> Result<Vec<T>> {
        let coefficients: Vec<T> = self
            .terms
            .iter()
            .map(|term| <T as e3x_so3::Real>::from_f64(term.coefficient))
            .collect();
        let (first, second) = match slot {
            VELOCITY => (MATRIX, COTANGENT),
            MATRIX => (VELOCITY, COTANGENT),
            _ => (VELOCITY, MATRIX),
        };
        let mut out = vec![T::ZERO; self.num * self.width(slot)];
        out.par_chunks_mut(self.width(slot))
            .zip(args[first].par_chunks(self.width(first)))
            .zip(args[second].par_chunks(self.width(second)))
            .with_min_len(MIN_MATRICES)
            .for_each(|((out, first), second)| self.add(slot, &coefficients, first, second, out));
        Ok(out)
    }
}

impl Velocity {
    /// Adds the sum for one rotation to `out`.
    fn add<T: Element>(
        &self,
        slot: usize,
        coefficients: &[T],
        first: &[T],
        second: &[T],
        out: &mut [T],
    ) {
        for (l, range) in self.degrees.iter().enumerate() {
            let terms = &self.terms[range.clone()];
            let coefficients = &coefficients[range.clone()];
            for a in l * l..(l + 1) * (l + 1) {
                let start = a * self.size;
                for (term, &coefficient) in terms.iter().zip(coefficients) {
                    let (row, col) = (start + term.row, start + term.col);
                    match slot {
                        VELOCITY => out[term.axis] += coefficient * first[row] * second[col],
                        MATRIX => out[row] += coefficient * first[term.axis] * second[col],
                        _ => {
                            out[col] += coefficient * first[term.axis] * second[row];
                        }
                    }
                }
            }
        }
    }
}

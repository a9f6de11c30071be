//! How the sum changes when an edge turns, without the derivatives with respect to all numbers of its frame.
//!
//! With the generators X of rotations about the axes of the frame, one end of an edge gets the torque
//!
//! ```text
//! τ[k] = sum over features of g · X[k] x'      g: derivatives with respect to x' = D x
//! ```
//!
//! of which only the parts across the edge turn it: two sums over the features instead of one for each number
//! of D. They are handed on as derivatives with respect to one row of D, the direction of the edge itself,
//! that have the same torque (see [`Turn`](super::Turn)).

use e3x_so3::{Order, generator_terms};

use super::plan::Side;
use crate::arithmetic::Arithmetic;
use crate::place::at;
use crate::{Error, Real, Result};

/// The generators of the rotations about the x and the y axis of the frame.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Generators<T> {
    /// Generators are antisymmetric: elements whose mirror images are there, too, and those whose are not.
    pairs: [Vec<Term<T>>; 2],
    single: [Vec<Term<T>>; 2],
    /// Number of rows in the frame; places in terms are below.
    rows: usize,
}

/// An element of a generator: `g[row] x'[column]` counts `coefficient` times.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Term<T> {
    row: u32,
    column: u32,
    coefficient: T,
}

/// Numbers of a frame before those of degree 1, and in each of its rows m = -1, 0, 1 (which in a frame are the
/// directions of its axes y, z, x).
const FIRST: usize = 1;
const ROW: usize = 3;

impl Generators<f64> {
    /// The generators of all irreps of one end, those rows of them whose entries take part; none if there is nothing
    /// to turn.
    ///
    /// # Errors
    /// If the degree is too large.
    pub fn new(side: &Side) -> Result<Option<Self>> {
        let highest = side.irreps.iter().map(|irrep| irrep.degree).max();
        let Some(highest) = highest.filter(|&degree| degree > 0) else {
            return Ok(None);
        };
        let order = Order::from_cartesian(false);
        let all = generator_terms(highest, false).map_err(|error| {
            Error::argument("max_degree", "a degree with rotations", error.to_string())
        })?;
        let mut terms = [Vec::new(), Vec::new()];
        for irrep in &side.irreps {
            let l = irrep.degree;
            let of_irrep = all.iter().filter(|t| t.axis < 2 && t.row.isqrt() == l);
            for term in of_irrep {
                let [row, column] = [term.row, term.col].map(|row| order.m(l, row - l * l));
                // The axes x and y lead from |m| to |m| ± 1.
                if row.unsigned_abs() <= irrep.reach && column.unsigned_abs() <= irrep.around {
                    terms[term.axis].push(Term {
                        row: irrep.center.wrapping_add_signed(row) as u32,
                        column: irrep.center.wrapping_add_signed(column) as u32,
                        coefficient: term.coefficient,
                    });
                }
            }
        }
        let rows = side.local_rows;
        let mut each = terms.iter().flatten();
        assert!(each.all(|term| (term.row.max(term.column) as usize) < rows));
        let mirrored = |terms: &[Term<f64>], term: &Term<f64>| {
            let mut others = terms.iter();
            others.any(|other| (other.row, other.column) == (term.column, term.row))
        };
        let pairs = terms.each_ref().map(|terms| {
            let below = terms.iter().filter(|term| term.row < term.column);
            below
                .filter(|term| mirrored(terms, term))
                .copied()
                .collect()
        });
        let single = terms.each_ref().map(|terms| {
            let alone = terms.iter().filter(|term| !mirrored(terms, term));
            alone.copied().collect()
        });
        Ok(Some(Self {
            pairs,
            single,
            rows,
        }))
    }

    /// The same in another precision.
    pub fn rounded<T: Real>(&self) -> Generators<T> {
        let rounded = |term: &Term<f64>| Term {
            row: term.row,
            column: term.column,
            coefficient: T::from_f64(term.coefficient),
        };
        let all = |terms: &Vec<Term<f64>>| terms.iter().map(rounded).collect();
        Generators {
            pairs: self.pairs.each_ref().map(all),
            single: self.single.each_ref().map(all),
            rows: self.rows,
        }
    }
}

impl<T: Real> Generators<T> {
    /// Adds the torques that one block of features contributes; all in the frame.
    #[inline(always)]
    pub fn add<A: Arithmetic>(
        &self,
        gradients: &[A::Block<T>],
        local: &[A::Block<T>],
        torques: &mut [A::Block<T>; 2],
    ) {
        assert!(gradients.len() >= self.rows && local.len() >= self.rows);
        for axis in 0..2 {
            let mut sum = A::load(&torques[axis]);
            for term in &self.pairs[axis] {
                let (gradient, other) = (at(gradients, term.row), at(gradients, term.column));
                let mut product = A::multiply(A::load(gradient), A::load(at(local, term.column)));
                A::subtract_product(&mut product, other, at(local, term.row));
                A::add_scaled_sum(&mut sum, term.coefficient, product);
            }
            for term in &self.single[axis] {
                let (gradient, local) = (at(gradients, term.row), at(local, term.column));
                let product = A::multiply(A::load(gradient), A::load(local));
                A::add_scaled_sum(&mut sum, term.coefficient, product);
            }
            A::store(sum, &mut torques[axis]);
        }
    }
}

/// Writes derivatives with respect to the frame of an edge that have the torques of all its features.
#[inline(always)]
pub(super) fn write<A: Arithmetic, T: Real>(
    torques: &[A::Block<T>; 2],
    frame: &[T],
    gradient: &mut [T],
) {
    let mut sums = [T::ZERO; 2];
    A::add_sums([A::load(&torques[0]), A::load(&torques[1])], &mut sums);
    let [y, z, x] = [0, 1, 2].map(|row| FIRST + row * ROW);
    for i in 0..ROW {
        gradient[z + i] += sums[1] * frame[x + i] - sums[0] * frame[y + i];
    }
}

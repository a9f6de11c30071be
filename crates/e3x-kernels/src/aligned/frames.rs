//! Rotation matrices that turn features into the frames of edges.

use std::mem::MaybeUninit;

use e3x_so3::{GeneratorTerm, generator_terms};

use super::directions::{AT_ONCE, Directions};
use crate::error::check_len;
use crate::{Error, Real, Result, par};

/// Edges per task of the parallel loops.
const EDGES_PER_TASK: usize = 32;

/// What a number of a frame costs, and the turn of one, in multiply-adds of a matrix product.
const WORK: usize = 32;
const WORK_OF_TURN: usize = 48;

/// Numbers in the frame of one edge: the sum of `(2 l + 1)^2` over degrees `0..=max_degree`.
pub fn frame_len(max_degree: usize) -> usize {
    (max_degree + 1) * (2 * max_degree + 1) * (2 * max_degree + 3) / 3
}

/// Frames of edges, shape `(edges, frame_len(max_degree))`.
///
/// For each degree a `(2 l + 1) x (2 l + 1)` orthogonal matrix D. Its columns are in the order of
/// features, its rows m = -l, ..., l; it rotates features so that the direction of the edge becomes
/// the z axis: `D Y(r) = Y(z)`. That leaves a rotation about the z axis open; which one is chosen
/// does not matter to message passing, nor to its derivatives (see [`Turn`]). Zero vectors get the
/// identity.
///
/// # Errors
/// If `vectors` does not have shape `(edges, 3)` or the degree is too large.
pub fn frames<T: Real>(vectors: &[T], max_degree: usize, cartesian_order: bool) -> Result<Vec<T>> {
    if !vectors.len().is_multiple_of(3) {
        let received = format!("{} numbers", vectors.len());
        return Err(Error::argument("vectors", "three numbers each", received));
    }
    let directions = Directions::get(max_degree, cartesian_order)?;
    let len = frame_len(max_degree);
    let write = |task: usize, frames: &mut [MaybeUninit<T>]| {
        let vectors = vectors[task * EDGES_PER_TASK * 3..].as_chunks::<3>().0;
        let frames = frames.chunks_mut(AT_ONCE * len);
        let mut buffers = directions.buffers();
        for (frames, vectors) in frames.zip(vectors.chunks(AT_ONCE)) {
            let vectors = &vectors[..frames.len() / len];
            let mut units = [[0.0; 3]; AT_ONCE];
            for (unit, r) in units.iter_mut().zip(vectors) {
                *unit = direction(r.map(T::to_f64));
            }
            directions.write(&units[..vectors.len()], &mut buffers, frames);
            for (frame, r) in frames.chunks_exact_mut(len).zip(vectors) {
                if !is_finite(r) {
                    // Directions that are not finite have no frame; what is computed with them is NaN.
                    frame.fill(MaybeUninit::new(T::from_f64(f64::NAN)));
                }
            }
        }
    };
    let num = vectors.len() / 3 * len;
    let ends = par::even_ends(num, EDGES_PER_TASK * len);
    // SAFETY: all numbers of a frame are written.
    Ok(unsafe { par::filled(&ends, num * WORK, write) })
}

fn is_finite<T: Real>(r: &[T; 3]) -> bool {
    r.iter().all(|x| x.to_f64().is_finite())
}

/// The direction of a vector; that of zero is the z axis.
fn direction(r: [f64; 3]) -> [f64; 3] {
    let largest = r.iter().fold(0.0_f64, |max, x| max.max(x.abs()));
    if largest == 0.0 {
        return [0.0, 0.0, 1.0];
    }
    let r = r.map(|x| x / largest);
    let norm = (r[0] * r[0] + r[1] * r[1] + r[2] * r[2]).sqrt();
    r.map(|x| x / norm)
}

/// An argument of the sum of [`Turn`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TurnSlot {
    /// ω, `(edges, 3)`.
    Velocity,
    /// D, `(edges, frame_len(max_degree))`.
    Frame,
    /// G, like D.
    Cotangent,
}

/// How frames change when edges turn, as a trilinear sum.
///
/// ```text
/// S = sum over edges e, degrees l, rows m, terms (axis, row, col, X) of the generators
///       X  ω[e, axis]  D[e, l, m, row]  G[e, l, m, col]
/// ```
///
/// An edge that turns with the angular velocity ω (`dr/dt = ω × r`) changes its frame by
/// `dD/dt = D Σ ω[k] X[k]`, plus a rotation about its own z axis that depends on how frames are
/// chosen. Results that do not depend on that choice do not depend on the additional rotation
/// either, to any order of derivative, and it is left out.
#[derive(Debug, Clone)]
pub struct Turn {
    max_degree: usize,
    /// The terms of each degree with rows and columns from 0.
    terms: Vec<Vec<GeneratorTerm>>,
}

impl Turn {
    /// The sum for frames up to a degree.
    ///
    /// # Errors
    /// If the degree is too large.
    pub fn new(max_degree: usize, cartesian_order: bool) -> Result<Self> {
        let all = generator_terms(max_degree, cartesian_order).map_err(|error| {
            Error::argument("max_degree", "a degree with rotations", error.to_string())
        })?;
        let mut terms = vec![Vec::new(); max_degree + 1];
        for term in all.iter() {
            let l = term.row.isqrt();
            terms[l].push(GeneratorTerm {
                row: term.row - l * l,
                col: term.col - l * l,
                ..*term
            });
        }
        Ok(Self { max_degree, terms })
    }

    /// Numbers per edge of an argument.
    pub fn width(&self, slot: TurnSlot) -> usize {
        match slot {
            TurnSlot::Velocity => 3,
            TurnSlot::Frame | TurnSlot::Cotangent => frame_len(self.max_degree),
        }
    }

    /// The derivative with respect to `slot`; `args` are the other two, in order.
    ///
    /// # Errors
    /// If an argument has the wrong size.
    pub fn form<T: Real>(&self, slot: TurnSlot, args: [&[T]; 2]) -> Result<Vec<T>> {
        let len = frame_len(self.max_degree);
        let (first, names) = match slot {
            TurnSlot::Velocity => (len, ["frame", "cotangent"]),
            TurnSlot::Frame => (3, ["velocity", "cotangent"]),
            TurnSlot::Cotangent => (3, ["velocity", "frame"]),
        };
        let edges = args[1].len() / len;
        check_len(names[1], args[1].len(), edges * len)?;
        check_len(names[0], args[0].len(), edges * first)?;
        let width = self.width(slot);
        let mut out = vec![T::ZERO; edges * width];
        let terms: Vec<Vec<(GeneratorTerm, T)>> = self
            .terms
            .iter()
            .map(|terms| {
                terms
                    .iter()
                    .map(|t| (*t, T::from_f64(t.coefficient)))
                    .collect()
            })
            .collect();
        let work = edges * len * WORK_OF_TURN;
        par::for_each_chunk(&mut out, EDGES_PER_TASK * width, work, |task, out| {
            let first_edge = task * EDGES_PER_TASK;
            let a = args[0][first_edge * first..].chunks_exact(first);
            let b = args[1][first_edge * len..].chunks_exact(len);
            for ((out, a), b) in out.chunks_exact_mut(width).zip(a).zip(b) {
                add_turn(slot, &terms, a, b, out);
            }
        });
        Ok(out)
    }
}

fn add_turn<T: Real>(
    slot: TurnSlot,
    terms: &[Vec<(GeneratorTerm, T)>],
    a: &[T],
    b: &[T],
    out: &mut [T],
) {
    // Often only few rows have derivatives: those that a sum does not depend on have none.
    let is_zero =
        |numbers: &[T]| slot != TurnSlot::Cotangent && numbers.iter().all(|&x| x == T::ZERO);
    let mut start = 0;
    for (l, terms) in terms.iter().enumerate() {
        let size = 2 * l + 1;
        let end = start + size * size;
        let first = std::mem::replace(&mut start, end);
        if is_zero(&b[first..end]) {
            continue;
        }
        for start in (first..end).step_by(size) {
            if is_zero(&b[start..start + size]) {
                continue;
            }
            for &(term, c) in terms {
                let (row, col) = (start + term.row, start + term.col);
                match slot {
                    TurnSlot::Velocity => out[term.axis] += c * a[row] * b[col],
                    TurnSlot::Frame => out[row] += c * a[term.axis] * b[col],
                    TurnSlot::Cotangent => out[col] += c * a[term.axis] * b[row],
                }
            }
        }
    }
}

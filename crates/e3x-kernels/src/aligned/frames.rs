//! Rotation matrices that turn features into the frames of edges.

use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::Arc;

use e3x_so3::{GeneratorTerm, generator_terms};

use super::directions::Directions;
use crate::arithmetic::{Arithmetic, with_arithmetic};
use crate::error::check_len;
use crate::known::Known;
use crate::lanes::{LANES, Lanes, lanes_of_columns, rows_of_lanes};
use crate::{Error, Real, Result, par};

/// Edges per task of the parallel loops.
const EDGES_PER_TASK: usize = 4 * LANES;

/// What a number of a frame costs, and the turn of one, in multiply-adds of a matrix product.
const WORK: usize = 16;
const WORK_OF_TURN: usize = 24;

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
    let vectors = vectors.as_chunks::<3>().0;
    Ok(with_arithmetic!(A => frames_with::<T, A>(&directions, vectors, frame_len(max_degree))))
}

fn frames_with<T: Real, A>(directions: &Directions, vectors: &[[T; 3]], len: usize) -> Vec<T>
where
    A: Arithmetic<Block<f64> = Lanes<f64>>,
{
    let write = |task: usize, frames: &mut [MaybeUninit<T>]| {
        let vectors = &vectors[task * EDGES_PER_TASK..];
        let frames = frames.chunks_mut(LANES * len);
        let mut buffers = directions.buffers();
        for (frames, vectors) in frames.zip(vectors.chunks(LANES)) {
            let vectors = &vectors[..frames.len() / len];
            directions.write::<T, A>(vectors, &mut buffers, frames);
            for (frame, r) in frames.chunks_exact_mut(len).zip(vectors) {
                if !is_finite(r) {
                    // Directions that are not finite have no frame; what is computed with them is NaN.
                    frame.fill(MaybeUninit::new(T::from_f64(f64::NAN)));
                }
            }
        }
    };
    let num = vectors.len() * len;
    let ends = par::even_ends(num, EDGES_PER_TASK * len);
    // SAFETY: all numbers of a frame are written.
    unsafe { par::filled(&ends, num * WORK, write) }
}

fn is_finite<T: Real>(r: &[T; 3]) -> bool {
    r.iter().all(|x| x.to_f64().is_finite())
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

    /// That of a degree and an order, made once per process.
    ///
    /// # Errors
    /// As [`Turn::new`].
    pub fn shared(max_degree: usize, cartesian_order: bool) -> Result<Arc<Self>> {
        static KNOWN: Known<(usize, bool), Turn> = Known::new();
        let key = (max_degree, cartesian_order);
        KNOWN.get(key, || Self::new(max_degree, cartesian_order))
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
        Ok(with_arithmetic!(A => self.form_with::<T, A>(slot, args)))
    }

    /// [`Turn::form`] with checked arguments.
    fn form_with<T: Real, A>(&self, slot: TurnSlot, [first, second]: [&[T]; 2]) -> Vec<T>
    where
        A: Arithmetic<Block<T> = Lanes<T>>,
    {
        let (len, width) = (frame_len(self.max_degree), self.width(slot));
        let of_first = if slot == TurnSlot::Velocity { len } else { 3 };
        let edges = second.len() / len;
        let terms: Vec<_> = (self.terms.iter())
            .map(|terms| terms.iter().map(|term| Product::new(slot, term)).collect())
            .collect();
        let write = |task: usize, out: &mut [MaybeUninit<T>]| {
            let zeros = |num: usize| vec![Lanes::zero(); num];
            let (mut a, mut b, mut sums) = (zeros(of_first), zeros(len), zeros(width));
            let mut block = Edges {
                slot,
                a: &mut a,
                b: &mut b,
                sums: &mut sums,
                marks: &mut vec![T::ZERO; len],
            };
            let mut edge = task * EDGES_PER_TASK;
            for out in out.chunks_mut(LANES * width) {
                let end = edge + out.len() / width;
                let a = &first[edge * of_first..end * of_first];
                let b = &second[edge * len..end * len];
                block.add_all::<A>(&terms, a, b);
                rows_of_lanes(block.sums, out);
                edge = end;
            }
        };
        let ends = par::even_ends(edges * width, EDGES_PER_TASK * width);
        // SAFETY: all sums of an edge are written.
        unsafe { par::filled(&ends, edges * len * WORK_OF_TURN, write) }
    }
}

/// A term of [`Turn`] for one of its derivatives: which numbers are multiplied, and where the product goes. Numbers of
/// frames are counted from the start of their row.
#[derive(Debug, Clone, Copy)]
struct Product<T> {
    a: usize,
    b: usize,
    to: usize,
    coefficient: T,
}

impl<T: Real> Product<T> {
    fn new(slot: TurnSlot, term: &GeneratorTerm) -> Self {
        let (axis, row, col) = (term.axis, term.row, term.col);
        let (a, b, to) = match slot {
            TurnSlot::Velocity => (row, col, axis),
            TurnSlot::Frame => (axis, col, row),
            TurnSlot::Cotangent => (axis, row, col),
        };
        let coefficient = T::from_f64(term.coefficient);
        Self {
            a,
            b,
            to,
            coefficient,
        }
    }
}

/// The arguments of [`Turn::form`] and what becomes of them, of one edge per lane.
struct Edges<'a, T> {
    slot: TurnSlot,
    a: &'a mut [Lanes<T>],
    b: &'a mut [Lanes<T>],
    sums: &'a mut [Lanes<T>],
    /// Zero for columns of b that are.
    marks: &'a mut [T],
}

impl<T: Real> Edges<'_, T> {
    /// The sums of all terms for at most as many edges as there are lanes, with their arguments edge by edge.
    fn add_all<A>(&mut self, terms: &[Vec<Product<T>>], a: &[T], b: &[T])
    where
        A: Arithmetic<Block<T> = Lanes<T>>,
    {
        self.sums.fill(Lanes::zero());
        if self.slot != TurnSlot::Velocity {
            lanes_of_columns(a, 3, 0, self.a);
        }
        let len = self.b.len();
        A::vectorized(
            #[inline(always)]
            || mark_columns(b, self.marks),
        );
        let mut start = 0;
        for (l, terms) in terms.iter().enumerate() {
            let size = 2 * l + 1;
            for _ in 0..size {
                let row = start..start + size;
                start = row.end;
                // Often only few rows have derivatives: those that a sum does not depend on have none.
                let is_zero = self.marks[row.clone()].iter().all(|&mark| mark == T::ZERO);
                let is_known = is_zero && self.slot != TurnSlot::Cotangent;
                if terms.is_empty() || is_known {
                    continue;
                }
                lanes_of_columns(b, len, row.start, &mut self.b[row.clone()]);
                if self.slot == TurnSlot::Velocity {
                    lanes_of_columns(a, len, row.start, &mut self.a[row.clone()]);
                }
                A::vectorized(
                    #[inline(always)]
                    || self.add::<A>(terms, row),
                );
            }
        }
    }

    /// Adds the products of a row.
    #[inline(always)]
    fn add<A>(&mut self, terms: &[Product<T>], row: Range<usize>)
    where
        A: Arithmetic<Block<T> = Lanes<T>>,
    {
        let (a, b, sums) = (&self.a[..], &self.b[row.clone()], &mut self.sums[..]);
        let (a, sums) = match self.slot {
            TurnSlot::Velocity => (&a[row], sums),
            TurnSlot::Frame | TurnSlot::Cotangent => (a, &mut sums[row]),
        };
        for term in terms {
            let product = A::multiply(A::load(&a[term.a]), A::load(&b[term.b]));
            let mut sum = A::load(&sums[term.to]);
            A::add_scaled_sum(&mut sum, term.coefficient, product);
            A::store(sum, &mut sums[term.to]);
        }
    }
}

/// Marks the columns of a matrix that are not zero with other numbers than zero.
#[inline(always)]
fn mark_columns<T: Real>(numbers: &[T], marks: &mut [T]) {
    marks.fill(T::ZERO);
    for row in numbers.chunks_exact(marks.len()) {
        for (mark, &x) in marks.iter_mut().zip(row) {
            *mark = if x == T::ZERO { *mark } else { T::ONE };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize, seed: f64) -> Vec<f64> {
        (0..n).map(|i| (seed + 1.7 * i as f64).sin()).collect()
    }

    /// The row m = 0 of degree 1 is the direction, in the order y, z, x.
    #[test]
    fn frames_of_vectors_of_all_sizes_stand_alone() {
        let mut vectors = numbers(3 * 70, 0.2);
        for (vector, scale) in vectors
            .chunks_exact_mut(3)
            .zip([1e-300, 1.0, 1e200, 1e-160])
        {
            for x in vector {
                *x *= scale;
            }
        }
        vectors[12..18].copy_from_slice(&[0.0, 0.0, 0.0, 0.0, 0.0, -1e-200]);
        vectors[18..24].copy_from_slice(&[1e-170, 0.0, 1.0, f64::INFINITY, 0.0, 1.0]);
        vectors[50 * 3] = f64::NAN;
        let (all, len) = (frames(&vectors, 2, false).unwrap(), frame_len(2));
        for (vector, frame) in vectors.chunks_exact(3).zip(all.chunks_exact(len)) {
            let alone = frames(vector, 2, false).unwrap();
            if !vector.iter().all(|x| x.is_finite()) {
                assert!(frame.iter().chain(&alone).all(|x| x.is_nan()));
                continue;
            }
            assert_eq!(frame, alone);
            let largest = vector.iter().fold(0.0_f64, |max, x| max.max(x.abs()));
            let [x, y, z] = [0, 1, 2].map(|k| vector[k] / largest);
            let norm = (x * x + y * y + z * z).sqrt();
            let axis = if largest == 0.0 {
                [0.0, 1.0, 0.0]
            } else {
                [y, z, x].map(|x| x / norm)
            };
            assert!((0..3).all(|k| (frame[4 + k] - axis[k]).abs() < 1e-15));
            for (i, j) in (0..5).flat_map(|i| (0..5).map(move |j| (i, j))) {
                let product: f64 = (0..5)
                    .map(|k| frame[10 + 5 * i + k] * frame[10 + 5 * j + k])
                    .sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
    }

    /// Edges that are computed together do not mix, and rows without derivatives may be left out.
    #[test]
    fn turns_of_many_edges_are_those_of_each() {
        let (turn, len, edges) = (Turn::new(3, false).unwrap(), frame_len(3), 85);
        let (velocity, frame) = (numbers(3 * edges, 0.3), numbers(len * edges, 0.1));
        let mut cotangent = numbers(len * edges, 0.7);
        for (i, x) in cotangent.iter_mut().enumerate() {
            // Everything but degree 1, and all of some edges.
            if !(1..10).contains(&(i % len)) || i / len % 5 == 2 {
                *x = 0.0;
            }
        }
        for (slot, args) in [
            (TurnSlot::Velocity, [&frame, &cotangent]),
            (TurnSlot::Frame, [&velocity, &cotangent]),
            (TurnSlot::Cotangent, [&velocity, &frame]),
        ] {
            let all = turn.form(slot, args.map(Vec::as_slice)).unwrap();
            let widths = args.map(|arg| arg.len() / edges);
            for (e, together) in all.chunks_exact(turn.width(slot)).enumerate() {
                let of_edge = |i: usize| &args[i][e * widths[i]..(e + 1) * widths[i]];
                let alone = turn.form(slot, [of_edge(0), of_edge(1)]).unwrap();
                assert_eq!(together, alone);
            }
        }
    }

    /// The sum is the same whichever argument is left out.
    #[test]
    fn derivatives_of_turns_agree() {
        let (turn, len, edges) = (Turn::new(2, true).unwrap(), frame_len(2), 19);
        let (velocity, frame) = (numbers(3 * edges, 0.3), numbers(len * edges, 0.1));
        let cotangent = numbers(len * edges, 0.7);
        let dot = |slot, args: [&[f64]; 2], with: &[f64]| -> f64 {
            let form = turn.form(slot, args).unwrap();
            form.iter().zip(with).map(|(a, b)| a * b).sum()
        };
        let sum = dot(TurnSlot::Velocity, [&frame, &cotangent], &velocity);
        let others = [
            dot(TurnSlot::Frame, [&velocity, &cotangent], &frame),
            dot(TurnSlot::Cotangent, [&velocity, &frame], &cotangent),
        ];
        assert!(sum.abs() > 1.0);
        assert!(others.iter().all(|other| (sum - other).abs() < 1e-12));
    }
}

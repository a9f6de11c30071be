//! Rotation matrices that take directions to the z axis.
//!
//! The direction (θ, φ) is where a rotation by θ about the y axis and then one by φ about the z axis take the z axis. The
//! second turns the entries m and -m of a degree by m φ. With a rotation P from the y to the z axis the first one is a
//! rotation about z, too, so that its matrix is a sum of cosines and sines of multiples of θ, with coefficients
//! that follow from the matrix of P (and that are zero for half of the multiples):
//!
//! ```text
//! D(θ, φ) = d(θ) Z(φ)      d(θ) = D(P) Z(θ) D(P)^T
//! ```
//!
//! At the poles φ is 0.

use std::mem::MaybeUninit;
use std::sync::Arc;

use e3x_so3::{Order, WignerD};

use super::frames::frame_len;
use crate::arithmetic::Arithmetic;
use crate::known::Known;
use crate::lanes::{LANES, Lanes, rows_of_lanes};
use crate::{Error, Real, Result};

/// Distance from the z axis below which a direction is a pole: the square of smaller ones loses digits.
const POLE: f64 = 1e-140;

/// Numbers of several directions, one per lane.
type Numbers = Lanes<f64>;

/// An element of d(θ), of row m and column m' >= 0 (or -m and -m'), and the elements of D that it makes.
#[derive(Debug, Clone, Copy)]
struct Element {
    /// Where its terms end.
    end: usize,
    order: usize,
    /// Where it goes times cos m' φ and times sin m' φ.
    cos: usize,
    sin: usize,
    /// The sign of the latter; zero if there is none.
    sign: f64,
}

/// The matrices of all degrees up to the largest one, as functions of the direction.
#[derive(Debug)]
pub(super) struct Directions {
    max_degree: usize,
    /// One after the other, with their terms: a cosine (k) or sine (`max_degree + k`) of k θ and its coefficient.
    elements: Vec<Element>,
    terms: Vec<(usize, f64)>,
}

/// What is computed on the way: multiples of both angles, and elements of the matrices. Those that are always zero are
/// not written.
#[derive(Debug)]
pub(super) struct Buffers {
    theta: Vec<Numbers>,
    phi: Vec<Numbers>,
    numbers: Vec<Numbers>,
}

impl Directions {
    pub fn buffers(&self) -> Buffers {
        let zeros = |len: usize| vec![Numbers::zero(); len];
        Buffers {
            theta: zeros(2 * self.max_degree + 1),
            phi: zeros(2 * self.max_degree + 1),
            numbers: zeros(frame_len(self.max_degree)),
        }
    }

    /// Those of a degree and an order, made once per process.
    ///
    /// # Errors
    /// If the degree is too large.
    pub fn get(max_degree: usize, cartesian_order: bool) -> Result<Arc<Self>> {
        static KNOWN: Known<(usize, bool), Directions> = Known::new();
        let key = (max_degree, cartesian_order);
        KNOWN.get(key, || Self::new(max_degree, cartesian_order))
    }

    fn new(max_degree: usize, cartesian_order: bool) -> Result<Self> {
        let too_large = |error: e3x_so3::Error| {
            Error::argument("max_degree", "a degree with rotations", error.to_string())
        };
        // x to y, y to z, z to x.
        let axes = [0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0];
        let wigner = WignerD::new(max_degree, false).map_err(too_large)?;
        let mut turn = vec![0.0; frame_len(max_degree)];
        wigner.blocks(&axes, &mut turn).map_err(too_large)?;
        let order = Order::from_cartesian(cartesian_order);
        let mut directions = Self {
            max_degree,
            elements: Vec::new(),
            terms: Vec::new(),
        };
        let mut start = 0;
        for l in 0..=max_degree as isize {
            let size = 2 * l as usize + 1;
            let of_degree = &turn[start..start + size * size];
            let p = |m: isize, k: isize| of_degree[(l + m) as usize * size + (l + k) as usize];
            let place = |m: isize, column: isize| {
                start + (l + m) as usize * size + order.position(l as usize, column)
            };
            for (row, column) in (-l..=l).flat_map(|m| (0..=l).map(move |column| (m, column))) {
                // Cosines couple to cosines, sines to sines.
                let odd = row < 0;
                if odd && column == 0 {
                    continue;
                }
                let of_d = if odd { -column } else { column };
                directions.add_terms(l, |k| {
                    let (c, s) = (p(row, k) * p(of_d, k), p(row, k) * p(of_d, -k));
                    if k == 0 {
                        return [c, 0.0];
                    }
                    [c + p(row, -k) * p(of_d, -k), s - p(row, -k) * p(of_d, k)]
                });
                directions.elements.push(Element {
                    end: directions.terms.len(),
                    order: column as usize,
                    cos: place(row, of_d),
                    sin: place(row, -of_d),
                    sign: match (column, odd) {
                        (0, _) => 0.0,
                        (_, true) => -1.0,
                        (_, false) => 1.0,
                    },
                });
            }
            start += size * size;
        }
        Ok(directions)
    }

    /// Adds terms for all k up to l with the coefficients of cos k θ and sin k θ.
    fn add_terms(&mut self, l: isize, coefficients: impl Fn(isize) -> [f64; 2]) {
        for k in 0..=l {
            let [cos, sin] = coefficients(k);
            for (c, at) in [(cos, k as usize), (sin, self.max_degree + k as usize)] {
                // Others are zero but for rounding.
                if c.abs() > 1e-13 {
                    self.terms.push((at, c));
                }
            }
        }
    }

    /// Writes the matrices of the directions of at most [`LANES`] vectors: for each degree its rows m = -l, ..., l,
    /// columns in the order of features.
    pub fn write<T: Real, A>(
        &self,
        vectors: &[[T; 3]],
        buffers: &mut Buffers,
        frames: &mut [MaybeUninit<T>],
    ) where
        A: Arithmetic<Block<f64> = Numbers>,
    {
        // All other directions are the z axis.
        let mut r = [Numbers::zero(); 3];
        for (i, vector) in vectors.iter().enumerate() {
            for k in 0..3 {
                r[k][i] = vector[k].to_f64();
            }
        }
        A::vectorized(
            #[inline(always)]
            || self.elements::<A>(&r, buffers),
        );
        rows_of_lanes(&buffers.numbers, frames);
    }

    /// The matrices, one direction per lane.
    #[inline(always)]
    fn elements<A>(&self, vectors: &[Numbers; 3], buffers: &mut Buffers)
    where
        A: Arithmetic<Block<f64> = Numbers>,
    {
        let Buffers {
            theta: thetas,
            phi: phis,
            numbers,
        } = buffers;
        let [theta, phi] = angles(vectors);
        multiples::<A>(theta, thetas);
        multiples::<A>(phi, phis);
        let mut first = 0;
        for element in &self.elements {
            let mut sum: A::Sum<f64> = A::zero();
            for &(at, c) in &self.terms[first..element.end] {
                A::add_scaled_sum(&mut sum, c, A::load(&thetas[at]));
            }
            first = element.end;
            let m = element.order;
            if element.sign != 0.0 {
                let sin = A::multiply(sum, A::load(&phis[self.max_degree + m]));
                let mut signed: A::Sum<f64> = A::zero();
                A::add_scaled_sum(&mut signed, element.sign, sin);
                A::store(signed, &mut numbers[element.sin]);
            }
            let cos = A::multiply(sum, A::load(&phis[m]));
            A::store(cos, &mut numbers[element.cos]);
        }
    }
}

/// Cosines and sines of θ and φ. The direction of zero is the z axis.
#[inline(always)]
fn angles(vectors: &[Numbers; 3]) -> [[Numbers; 2]; 2] {
    let [mut x, mut y, mut z] = *vectors;
    let mut theta = [Numbers::zero(); 2];
    let mut phi = [Numbers::zero(); 2];
    for i in 0..LANES {
        // Squares of large and small numbers do not overflow.
        let largest = x[i].abs().max(y[i].abs()).max(z[i].abs());
        let scale = if largest == 0.0 { 1.0 } else { largest };
        x[i] /= scale;
        y[i] /= scale;
        z[i] = if largest == 0.0 { 1.0 } else { z[i] / scale };
        let norm = (x[i] * x[i] + y[i] * y[i] + z[i] * z[i]).sqrt();
        x[i] /= norm;
        y[i] /= norm;
        let rho = (x[i] * x[i] + y[i] * y[i]).sqrt();
        (theta[0][i], theta[1][i]) = (z[i] / norm, rho);
        let is_pole = rho <= POLE;
        let divisor = if is_pole { 1.0 } else { rho };
        phi[0][i] = if is_pole { 1.0 } else { x[i] / divisor };
        phi[1][i] = if is_pole { 0.0 } else { y[i] / divisor };
    }
    [theta, phi]
}

/// Cosines of the multiples 0, ..., n of angles, and sines of the multiples 1, ..., n after them.
#[inline(always)]
fn multiples<A>([cos, sin]: [Numbers; 2], all: &mut [Numbers])
where
    A: Arithmetic<Block<f64> = Numbers>,
{
    let n = all.len() / 2;
    let (cos, sin): (A::Sum<f64>, A::Sum<f64>) = (A::load(&cos), A::load(&sin));
    all[0] = Numbers::one();
    let mut last: (A::Sum<f64>, A::Sum<f64>) = (A::load(&all[0]), A::zero());
    for k in 1..=n {
        let mut next = (A::multiply(last.0, cos), A::multiply(last.1, cos));
        A::subtract_multiple_sum(&mut next.0, last.1, sin);
        A::add_multiple_sum(&mut next.1, last.0, sin);
        A::store(next.0, &mut all[k]);
        A::store(next.1, &mut all[n + k]);
        last = next;
    }
}

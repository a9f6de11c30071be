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

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex, PoisonError};

use e3x_so3::{Order, WignerD};

use super::frames::frame_len;
use crate::lanes::vectorized;
use crate::{Error, Real, Result};

/// Directions that are computed together.
pub(super) const AT_ONCE: usize = 8;

/// Distance from the z axis below which a direction is a pole: the square of smaller ones loses digits.
const POLE: f64 = 1e-140;

/// Numbers of several directions.
type Numbers = [f64; AT_ONCE];

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
        let zeros = |len: usize| vec![[0.0; AT_ONCE]; len];
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
        type Known = BTreeMap<(usize, bool), Arc<Directions>>;
        static KNOWN: Mutex<Known> = Mutex::new(BTreeMap::new());
        let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (max_degree, cartesian_order);
        if let Some(directions) = known().get(&key) {
            return Ok(Arc::clone(directions));
        }
        let new = Arc::new(Self::new(max_degree, cartesian_order)?);
        known().insert(key, Arc::clone(&new));
        Ok(new)
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

    /// Writes the matrices of at most [`AT_ONCE`] directions of length 1: for each degree its rows m = -l, ..., l,
    /// columns in the order of features.
    pub fn write<T: Real>(
        &self,
        directions: &[[f64; 3]],
        buffers: &mut Buffers,
        frames: &mut [MaybeUninit<T>],
    ) {
        let len = frame_len(self.max_degree);
        let Buffers {
            theta: thetas,
            phi: phis,
            numbers,
        } = buffers;
        vectorized(
            #[inline(always)]
            || {
                let (mut theta, mut phi) = ([[0.0; AT_ONCE]; 2], [[0.0; AT_ONCE]; 2]);
                for (i, &[x, y, z]) in directions.iter().enumerate() {
                    let rho = (x * x + y * y).sqrt();
                    (theta[0][i], theta[1][i]) = (z, rho);
                    (phi[0][i], phi[1][i]) = if rho > POLE {
                        (x / rho, y / rho)
                    } else {
                        (1.0, 0.0)
                    };
                }
                multiples(theta, thetas);
                multiples(phi, phis);
                let mut first = 0;
                for element in &self.elements {
                    let mut sum = [0.0; AT_ONCE];
                    for &(at, c) in &self.terms[first..element.end] {
                        for i in 0..AT_ONCE {
                            sum[i] += c * thetas[at][i];
                        }
                    }
                    first = element.end;
                    let m = element.order;
                    if element.sign != 0.0 {
                        let sin = &phis[self.max_degree + m];
                        for i in 0..AT_ONCE {
                            numbers[element.sin][i] = element.sign * sum[i] * sin[i];
                        }
                    }
                    for i in 0..AT_ONCE {
                        numbers[element.cos][i] = sum[i] * phis[m][i];
                    }
                }
                for (i, frame) in frames.chunks_exact_mut(len).enumerate() {
                    for (to, numbers) in frame.iter_mut().zip(numbers.iter()) {
                        to.write(T::from_f64(numbers[i]));
                    }
                }
            },
        );
    }
}

/// Cosines of the multiples 0, ..., n of angles, and sines of the multiples 1, ..., n after them.
#[inline(always)]
fn multiples([cos, sin]: [Numbers; 2], all: &mut [Numbers]) {
    let n = all.len() / 2;
    all[0] = [1.0; AT_ONCE];
    let mut last = (all[0], [0.0; AT_ONCE]);
    for k in 1..=n {
        let mut next = last;
        for i in 0..AT_ONCE {
            next.0[i] = last.0[i] * cos[i] - last.1[i] * sin[i];
            next.1[i] = last.1[i] * cos[i] + last.0[i] * sin[i];
        }
        (all[k], all[n + k]) = next;
        last = next;
    }
}

//! Irreps as matrices: which entries of a degree are part of which entry of a matrix.

use e3x_so3::clebsch_gordan_for_degrees;

use super::Slot;
use crate::{CouplingSpec, Error, Result};

/// What a fused tensor product of given degrees and parities needs. Built once per layer.
#[derive(Debug, Clone)]
pub struct FusedPlan {
    spec: CouplingSpec,
    /// Rows and columns of the matrices.
    order: usize,
    /// First factor, second factor and product.
    sides: [Side; SIDES],
}

/// First factor, second factor and product.
pub(super) const SIDES: usize = 3;

/// Matrices of an argument: of the even and the odd irreps of a factor; of a product those of its channels
/// ([`CHANNELS`]).
pub(super) const NUM_MATRICES: [usize; SIDES] = [2, 2, 4];

/// Matrices of the first factor, of the second one and of the product that go together: parities eee, ooe, eoo and oeo,
/// the order of E3x's kernels.
pub(super) const CHANNELS: [[usize; SIDES]; 4] = [[0, 0, 0], [1, 1, 1], [0, 1, 2], [1, 0, 3]];

/// Time of a multiply-add of short sums, and of what does not depend on degrees, in multiply-adds of a tensor product with a
/// weight for each path (docs/performance.md).
const SHORT: f64 = 1.7;
const FIXED: f64 = 150.0;

/// Everything follows from what was asked for.
impl PartialEq for FusedPlan {
    fn eq(&self, other: &Self) -> bool {
        self.spec == other.spec
    }
}

/// An argument with degrees.
#[derive(Debug, Clone)]
pub(super) struct Side {
    pub parities: usize,
    pub degrees: usize,
    /// Pairs of entries (i, j) and (j, i), i <= j, of a matrix.
    pub pairs: Vec<Pair>,
    /// Of each pair: entries of even degrees, then entries of odd degrees.
    pub to_matrix: Vec<Term>,
    /// Number of pairs for each entry of all degrees.
    pub entries: Vec<u32>,
    /// Of each entry: sums of (i, j) and (j, i), or differences, which are at the place of the other one.
    pub from_matrix: Vec<Term>,
}

/// Two entries of a matrix. Even degrees are symmetric matrices, odd ones antisymmetric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub places: [u32; 2],
    /// Number of terms of even and of odd degrees.
    pub terms: [u32; 2],
}

/// A coefficient and the place of the number that it multiplies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Term {
    pub place: u32,
    pub coefficient: f64,
}

impl FusedPlan {
    /// Finds the matrices.
    ///
    /// # Errors
    /// If a parity is neither 1 nor 2, or a degree is larger than the coefficients allow.
    pub fn new(spec: CouplingSpec) -> Result<Self> {
        let shapes = [spec.first, spec.second, spec.product];
        for (argument, (parities, _)) in ["first", "second", "product"].into_iter().zip(shapes) {
            if !(parities == 1 || parities == 2) {
                let expected = "a parity axis of size 1 or 2";
                return Err(Error::argument(argument, expected, parities.to_string()));
            }
        }
        let highest = shapes.map(|(_, max_degree)| max_degree).into_iter().max();
        let highest = highest.unwrap_or(0);
        let half = highest.div_ceil(2);
        let degrees = (0..=highest)
            .map(|l| {
                clebsch_gordan_for_degrees(half, half, l, spec.cartesian_order).map_err(|error| {
                    Error::argument("max_degree", "a lower one", error.to_string())
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let order = 2 * half + 1;
        let side = |(parities, max_degree)| Side::new(parities, order, &degrees[..=max_degree]);
        Ok(Self {
            spec,
            order,
            sides: shapes.map(side),
        })
    }

    /// Degrees and parities.
    pub fn spec(&self) -> &CouplingSpec {
        &self.spec
    }

    /// Rows and columns of the matrices, `2 ceil(L / 2) + 1` with the highest of all degrees.
    pub fn order(&self) -> usize {
        self.order
    }

    /// Whether matrices take less time than a tensor product with a weight for each path: with both
    /// parities mostly from degree 3 on, with proper tensors alone from degree 6 on.
    pub fn is_faster(&self) -> bool {
        multiply_adds_of_paths(&self.spec) as f64 > SHORT * self.multiply_adds() as f64 + FIXED
    }

    /// Multiply-adds of the product for each item and feature, those with weights excepted. With proper tensors alone each
    /// matrix has half of the degrees.
    pub fn multiply_adds(&self) -> usize {
        let sides = self.sides.iter().zip(NUM_MATRICES);
        let conversions =
            sides.map(|(side, matrices)| side.to_matrix.len() * matrices / (3 - side.parities));
        CHANNELS.len() * self.order.pow(3) + conversions.sum::<usize>()
    }

    pub(super) fn side(&self, side: usize) -> &Side {
        &self.sides[side]
    }

    /// Shape of an argument: rows (of an item, if it has items).
    pub(super) fn rows(&self, slot: Slot) -> usize {
        let side = &self.sides[slot.side()];
        if slot.is_weight() {
            NUM_MATRICES[slot.side()] * side.degrees
        } else {
            side.parities * side.rows()
        }
    }
}

impl Side {
    /// From `C[i, j -> m]` of all degrees.
    fn new(parities: usize, order: usize, degrees: &[Vec<f64>]) -> Self {
        let mut side = Self {
            parities,
            degrees: degrees.len(),
            pairs: Vec::new(),
            to_matrix: Vec::new(),
            entries: Vec::new(),
            from_matrix: Vec::new(),
        };
        let coefficient = |l: usize, m: usize, place: usize| degrees[l][place * (2 * l + 1) + m];
        for i in 0..order {
            for j in i..order {
                let places = [i * order + j, j * order + i];
                let mut terms = [0; 2];
                for (odd, num) in terms.iter_mut().enumerate() {
                    for l in (odd..degrees.len()).step_by(2) {
                        for m in 0..=2 * l {
                            let coefficient = coefficient(l, m, places[0]);
                            if coefficient != 0.0 {
                                let place = (l * l + m) as u32;
                                side.to_matrix.push(Term { place, coefficient });
                                *num += 1;
                            }
                        }
                    }
                }
                side.pairs.push(Pair {
                    places: places.map(|place| place as u32),
                    terms,
                });
            }
        }
        for l in 0..degrees.len() {
            for m in 0..=2 * l {
                let before = side.from_matrix.len();
                for i in 0..order {
                    for j in i..order {
                        let places = [i * order + j, j * order + i];
                        let coefficient = coefficient(l, m, places[0]);
                        if coefficient != 0.0 {
                            let place = places[l % 2] as u32;
                            side.from_matrix.push(Term { place, coefficient });
                        }
                    }
                }
                side.entries.push((side.from_matrix.len() - before) as u32);
            }
        }
        side
    }

    /// Entries of all degrees.
    pub fn rows(&self) -> usize {
        self.degrees * self.degrees
    }
}

/// Multiply-adds for each item and feature of a tensor product with a weight for each path: one for each pair of orders m
/// that lead to one of the degree of the product, and for each product of parities.
fn multiply_adds_of_paths(spec: &CouplingSpec) -> usize {
    let [first, second, product] = [spec.first, spec.second, spec.product];
    let parities = |parity: usize, l: usize| if parity == 1 { l % 2..l % 2 + 1 } else { 0..2 };
    let mut total = 0;
    for l1 in 0..=first.1 {
        for l2 in 0..=second.1 {
            for l3 in l1.abs_diff(l2)..=(l1 + l2).min(product.1) {
                let channels = parities(first.0, l1)
                    .flat_map(|odd1| parities(second.0, l2).map(move |odd2| odd1 ^ odd2));
                let channels = channels.filter(|&odd| parities(product.0, l3).contains(&odd));
                let [l1, l2, l3] = [l1, l2, l3].map(|l| l as isize);
                let orders = (-l1..=l1).map(|m1| {
                    let (low, high) = ((-l2).max(-l3 - m1), l2.min(l3 - m1));
                    (high - low + 1).max(0) as usize
                });
                total += channels.count() * orders.sum::<usize>();
            }
        }
    }
    total
}

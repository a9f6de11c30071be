//! Which irreps couple to which: the plan of a tensor product.

use std::ops::Range;

use e3x_so3::clebsch_gordan_terms;

use crate::coupling::Programs;
use crate::{Error, Result};

/// Degrees and parities of the two factors and of the product.
///
/// A `parity` of 1 means proper tensors only (degree l has parity (-1)^l), 2 means both parities
/// (index 0: even, index 1: odd).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CouplingSpec {
    /// `(parity, max_degree)` of the first factor.
    pub first: (usize, usize),
    /// `(parity, max_degree)` of the second factor.
    pub second: (usize, usize),
    /// `(parity, max_degree)` of the product.
    pub product: (usize, usize),
    /// Order of the entries of each degree; see [`e3x_so3::clebsch_gordan`].
    pub cartesian_order: bool,
}

/// A Clebsch-Gordan coefficient; indices count within the three degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Term {
    /// Entry of the first factor.
    pub i: u16,
    /// Entry of the second factor.
    pub j: u16,
    /// Entry of the product.
    pub k: u16,
    /// The coefficient.
    pub value: f64,
}

/// The coefficients that couple degree `l1` and `l2` to `l3`.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// The three degrees.
    pub degrees: [usize; 3],
    /// Non-zero coefficients, sorted by `i`, `j`, `k`.
    pub terms: Vec<Term>,
    /// Where the `(2 l2 + 1) x (2 l3 + 1)` matrix of this block starts in a table that holds the
    /// matrices of all blocks of a plan.
    pub matrix: usize,
    /// The paths that use this block.
    pub paths: Range<usize>,
}

/// One coupling path: one degree and parity of each factor and of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path {
    /// First row of the degree in the first factor (`parity * (L+1)^2 + l^2`).
    pub row1: usize,
    /// First row of the degree in the second factor.
    pub row2: usize,
    /// First row of the degree in the product.
    pub row3: usize,
    /// Row of the weight in E3x's kernel of shape `(P1, L1+1, P2, L2+1, P3, L3+1, F)`.
    pub weight: usize,
    /// Index of the block of coefficients.
    pub block: usize,
}

/// All paths of a tensor product with their coefficients. Built once per layer.
///
/// A path exists if the degrees satisfy the triangle inequality and the parities multiply
/// (arXiv:2401.07595, section 3.2).
#[derive(Debug, Clone)]
pub struct CouplingPlan {
    spec: CouplingSpec,
    blocks: Vec<Block>,
    paths: Vec<Path>,
    programs: Programs,
    matrices: usize,
}

/// Everything follows from what was asked for.
impl PartialEq for CouplingPlan {
    fn eq(&self, other: &Self) -> bool {
        self.spec == other.spec
    }
}

impl CouplingPlan {
    /// Finds the paths.
    ///
    /// # Errors
    /// If a parity is neither 1 nor 2, or a degree is larger than the coefficients allow.
    pub fn new(spec: CouplingSpec) -> Result<Self> {
        for (argument, (parity, _)) in [
            ("first", spec.first),
            ("second", spec.second),
            ("product", spec.product),
        ] {
            if !(parity == 1 || parity == 2) {
                return Err(Error::argument(
                    argument,
                    "a parity axis of size 1 or 2",
                    parity.to_string(),
                ));
            }
        }
        let mut plan = Self {
            spec,
            blocks: Vec::new(),
            paths: Vec::new(),
            programs: Programs::default(),
            matrices: 0,
        };
        for l1 in 0..=spec.first.1 {
            for l2 in 0..=spec.second.1 {
                for l3 in l1.abs_diff(l2)..=(l1 + l2).min(spec.product.1) {
                    plan.add_block([l1, l2, l3])?;
                }
            }
        }
        Ok(plan)
    }

    fn add_block(&mut self, degrees: [usize; 3]) -> Result<()> {
        let [l1, l2, l3] = degrees;
        let factors = [
            (self.spec.first, l1),
            (self.spec.second, l2),
            (self.spec.product, l3),
        ];
        let [first, second, product] =
            factors.map(|((parity, max_degree), l)| irreps(parity, max_degree, l));
        let block = self.blocks.len();
        let before = self.paths.len();
        for &(p1, odd1) in &first {
            for &(p2, odd2) in &second {
                for &(p3, _) in product.iter().filter(|&&(_, odd3)| odd3 == (odd1 ^ odd2)) {
                    let row = |(_, max_degree): (usize, usize), p: usize, l: usize| {
                        p * (max_degree + 1).pow(2) + l * l
                    };
                    self.paths.push(Path {
                        row1: row(self.spec.first, p1, l1),
                        row2: row(self.spec.second, p2, l2),
                        row3: row(self.spec.product, p3, l3),
                        weight: self.weight_row([(p1, l1), (p2, l2), (p3, l3)]),
                        block,
                    });
                }
            }
        }
        if self.paths.len() > before {
            let terms =
                clebsch_gordan_terms(l1, l2, l3, self.spec.cartesian_order).map_err(|error| {
                    Error::argument(
                        "max_degree",
                        "a degree with coefficients",
                        error.to_string(),
                    )
                })?;
            let terms = terms.iter().map(|t| Term {
                i: t.m1,
                j: t.m2,
                k: t.m3,
                value: t.value,
            });
            self.blocks.push(Block {
                degrees,
                terms: terms.collect(),
                matrix: self.matrices,
                paths: before..self.paths.len(),
            });
            self.matrices += (2 * l2 + 1) * (2 * l3 + 1);
        }
        Ok(())
    }

    fn weight_row(&self, irreps: [(usize, usize); 3]) -> usize {
        let axes = [self.spec.first, self.spec.second, self.spec.product];
        irreps
            .iter()
            .zip(axes)
            .fold(0, |row, (&(p, l), (parity, max_degree))| {
                (row * parity + p) * (max_degree + 1) + l
            })
    }

    /// What was asked for.
    pub fn spec(&self) -> &CouplingSpec {
        &self.spec
    }

    /// The blocks of coefficients.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The paths, grouped by block.
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// Places of numbers by path: one for each, and one for channels that have none.
    pub(crate) fn path_places(&self) -> usize {
        self.paths.len() + 1
    }

    /// What to do in which order, as far as it was asked for.
    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Pairs of parities of the factors.
    pub(crate) fn channels(&self) -> usize {
        self.spec.first.0 * self.spec.second.0
    }

    /// Size of a table with the matrices of all blocks.
    pub fn matrices_len(&self) -> usize {
        self.matrices
    }

    /// Rows of the first factor: `P1 (L1+1)^2`.
    pub fn rows1(&self) -> usize {
        rows(self.spec.first)
    }

    /// Rows of the second factor: `P2 (L2+1)^2`.
    pub fn rows2(&self) -> usize {
        rows(self.spec.second)
    }

    /// Rows of the product: `P3 (L3+1)^2`.
    pub fn rows3(&self) -> usize {
        rows(self.spec.product)
    }

    /// Rows of the kernel, masked ones included: `P1 (L1+1) P2 (L2+1) P3 (L3+1)`.
    pub fn weight_rows(&self) -> usize {
        self.kernel_shape().iter().product()
    }

    /// Shape of E3x's kernel without the feature axis: `(P1, L1+1, P2, L2+1, P3, L3+1)`.
    pub fn kernel_shape(&self) -> [usize; 6] {
        let CouplingSpec {
            first,
            second,
            product,
            ..
        } = self.spec;
        [
            first.0,
            first.1 + 1,
            second.0,
            second.1 + 1,
            product.0,
            product.1 + 1,
        ]
    }
}

fn rows((parity, max_degree): (usize, usize)) -> usize {
    parity * (max_degree + 1).pow(2)
}

/// Parity index and parity (is it odd?) of the irreps of degree `l` that features hold.
fn irreps(parity: usize, max_degree: usize, l: usize) -> Vec<(usize, bool)> {
    debug_assert!(l <= max_degree);
    if parity == 2 {
        vec![(0, false), (1, true)]
    } else {
        vec![(0, l % 2 == 1)]
    }
}

//! Which entries couple when the edge points along z.

use std::collections::BTreeMap;

use e3x_so3::Order;

use super::frames::frame_len;
use super::low::LowPlan;
use super::parts::{Part, kind};
use super::share::Products;
use super::sums::Sums;
use super::torque::Generators;
use crate::{CouplingPlan, CouplingSpec, Error, Result};

/// One degree and parity of features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Irrep {
    /// Its degree l.
    pub degree: usize,
    /// Its first row in the features.
    pub row: usize,
    /// Where its entry m = 0 is among the rows in the frame of the edge.
    pub center: usize,
    /// Its entries `-reach..=reach` take part.
    pub reach: usize,
    /// What turns them also takes `-around..=around`.
    pub around: usize,
    /// Where the rows of the frame start.
    start: usize,
}

impl Irrep {
    /// The irrep with all entries that what turns it takes.
    pub fn widened(self) -> Self {
        Self {
            reach: self.around,
            ..self
        }
    }

    /// Where the rows of the frame start that belong to its entries: `2 reach + 1` rows of `2 degree + 1` numbers.
    pub fn matrix(&self) -> usize {
        self.start + (self.degree - self.reach) * (2 * self.degree + 1)
    }
}

/// Features of one end of the edges.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Side {
    pub irreps: Vec<Irrep>,
    /// Parities of the irreps: those of the first one come first.
    pub parities: usize,
    /// Rows of the features.
    pub rows: usize,
    /// Rows in the frame of the edge.
    pub local_rows: usize,
    /// What turns them, unless all are of degree 0.
    pub generators: Option<Generators<f64>>,
}

impl Side {
    fn new((parity, max_degree): (usize, usize), reach: usize) -> Result<Self> {
        let size = (max_degree + 1).pow(2);
        let (mut irreps, mut local_rows) = (Vec::new(), 0);
        for p in 0..parity {
            for degree in 0..=max_degree {
                let reach = reach.min(degree);
                let around = (reach + 1).min(degree);
                irreps.push(Irrep {
                    degree,
                    row: p * size + degree * degree,
                    center: local_rows + around,
                    reach,
                    around,
                    start: degree.checked_sub(1).map_or(0, frame_len),
                });
                local_rows += 2 * around + 1;
            }
        }
        let mut side = Self {
            irreps,
            parities: parity,
            rows: parity * size,
            local_rows,
            generators: None,
        };
        side.generators = Generators::new(&side)?;
        Ok(side)
    }

    fn center(&self, row: usize) -> usize {
        self.irreps
            .iter()
            .find(|irrep| irrep.row == row)
            .map_or(0, |irrep| irrep.center)
    }
}

/// One degree of the filter, coupling the irreps of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AlignedPath {
    /// Degree of the filter.
    pub degree: usize,
    /// Row of the weight.
    pub weight: usize,
}

/// Message passing with filters that are proportional to harmonics of the edge's direction.
///
/// In a frame whose z axis is the direction of the edge, harmonics vanish but for m = 0, and
/// Clebsch-Gordan coefficients with `m1 = 0` couple `m2` to `m3 = m2` only (if `l1 + l2 + l3` is
/// even) or to `-m2` (if it is odd). Rotating into that frame, coupling and rotating back takes
/// O(L^3) operations instead of O(L^6) (Passaro & Zitnick, arXiv:2302.03655), with the same result.
#[derive(Debug, Clone, PartialEq)]
pub struct AlignedPlan {
    pub(super) input: Side,
    pub(super) output: Side,
    /// All pairs of irreps.
    pub(super) pairs: Vec<Part>,
    pub(super) to_input: Sums,
    pub(super) to_output: Sums,
    pub(super) products: Products,
    pub(super) low: Option<LowPlan>,
    pub(super) paths: Vec<AlignedPath>,
    pub(super) coefficients: Vec<f64>,
    spec: CouplingSpec,
    weight_rows: usize,
}

impl AlignedPlan {
    /// The plan for a coupling whose first factor is the filter; `scales` are the values of the
    /// harmonics with m = 0 at the z axis, one for each degree of the filter.
    ///
    /// # Errors
    /// If the filter has both parities, there are not as many scales as degrees, or a degree is too large.
    pub fn new(plan: &CouplingPlan, scales: &[f64]) -> Result<Self> {
        let spec = *plan.spec();
        if spec.first.0 != 1 {
            let expected = "a first factor of parity 1 (the filter)";
            return Err(Error::argument("plan", expected, "parity 2"));
        }
        if scales.len() != spec.first.1 + 1 {
            let expected = format!("one scale for each of {} degrees", spec.first.1 + 1);
            return Err(Error::argument(
                "scales",
                expected,
                scales.len().to_string(),
            ));
        }
        let reach = spec.second.1.min(spec.product.1);
        let mut aligned = Self {
            input: Side::new(spec.second, reach)?,
            output: Side::new(spec.product, reach)?,
            pairs: Vec::new(),
            to_input: Sums::default(),
            to_output: Sums::default(),
            products: Products::default(),
            low: None,
            paths: Vec::new(),
            coefficients: Vec::new(),
            spec,
            weight_rows: plan.weight_rows(),
        };
        let mut by_pair: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        for (i, path) in plan.paths().iter().enumerate() {
            by_pair.entry((path.row2, path.row3)).or_default().push(i);
        }
        for (rows, paths) in by_pair {
            aligned.add_pair(plan, scales, rows, &paths);
        }
        let (sides, pairs) = ([&aligned.input, &aligned.output], &aligned.pairs);
        let c = &aligned.coefficients;
        let to_input = Sums::to_input(sides, pairs, c);
        let to_output = Sums::to_output(sides, pairs, c);
        let products = Products::new(sides, pairs, c);
        let low = LowPlan::new(sides, pairs, &aligned.paths, c.len());
        (aligned.to_input, aligned.to_output) = (to_input, to_output);
        (aligned.products, aligned.low) = (products, low);
        Ok(aligned)
    }

    /// Whether a coupling is worth turning: filters of degree 0 have no direction.
    pub fn suits(spec: &CouplingSpec) -> bool {
        spec.first.0 == 1 && spec.first.1 > 0
    }

    /// Adds the paths between an irrep of the input and one of the output.
    fn add_pair(
        &mut self,
        plan: &CouplingPlan,
        scales: &[f64],
        (row2, row3): (usize, usize),
        paths: &[usize],
    ) {
        let order = Order::from_cartesian(self.spec.cartesian_order);
        let first_path = self.paths.len();
        let (mut odd, mut num) = (false, 0);
        let mut coefficients = Vec::with_capacity(paths.len());
        for &path in paths {
            let path = plan.paths()[path];
            let block = &plan.blocks()[path.block];
            let [l1, l2, l3] = block.degrees;
            odd = (l1 + l2 + l3) % 2 == 1;
            num = l2.min(l3) + 1;
            let mut of_path = vec![0.0; num];
            for term in &block.terms {
                let m2 = order.m(l2, term.j as usize);
                let m3 = order.m(l3, term.k as usize);
                // Those of m3 < 0 follow from these.
                if order.m(l1, term.i as usize) == 0 && m3 >= 0 && m2 == if odd { -m3 } else { m3 }
                {
                    of_path[m3.unsigned_abs()] += scales[l1] * term.value;
                }
            }
            coefficients.push(of_path);
            self.paths.push(AlignedPath {
                degree: l1,
                weight: path.weight,
            });
        }
        let [x, z] = [self.input.center(row2), self.output.center(row3)].map(|row| row as u32);
        let degree = self.paths[first_path].degree;
        let degrees = self.paths[first_path..].iter().map(|path| path.degree);
        assert!(degrees.eq((degree..).step_by(2).take(paths.len())));
        let orders = usize::from(odd)..num;
        if orders.is_empty() {
            return;
        }
        self.pairs.push(Part {
            kind: kind(odd, orders.len()),
            x,
            z,
            first: 0,
            path: first_path as u32,
            num: coefficients.len() as u32,
            degree: degree as u32,
            coefficients: self.coefficients.len() as u32,
        });
        let of_pair = coefficients.iter().flat_map(|c| &c[orders.clone()]);
        self.coefficients.extend(of_pair);
    }

    /// Degrees of the filter.
    pub fn filter_degrees(&self) -> usize {
        self.spec.first.1 + 1
    }

    /// Highest degree of the frames that this plan takes.
    pub fn frame_degree(&self) -> usize {
        self.spec.second.1.max(self.spec.product.1)
    }

    /// Whether entries of features are in Cartesian order.
    pub fn cartesian_order(&self) -> bool {
        self.spec.cartesian_order
    }

    /// Rows of the weight.
    pub fn weight_rows(&self) -> usize {
        self.weight_rows
    }

    /// Multiply-adds for one edge and feature, roughly.
    pub(super) fn work(&self) -> usize {
        let rotation = |side: &Side| -> usize {
            let of = |i: &Irrep| (2 * i.reach + 1) * (2 * i.degree + 1);
            side.irreps.iter().map(of).sum()
        };
        rotation(&self.input) + rotation(&self.output) + 3 * self.coefficients.len()
    }
}

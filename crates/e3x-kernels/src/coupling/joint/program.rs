//! The coefficients of a plan for the derivatives with respect to one argument and the weight.

use e3x_so3::Order;

use crate::coupling::entries::{Entries, Roles, side};
use crate::plan::{Block, CouplingSpec, Path};

/// Most degrees of the target in a step: both parts of their sums fit registers. Proper tensors of degree 7 have four.
pub(super) const MOST_OUTS: usize = 7;
pub(super) const MOST_PROPER_OUTS: usize = 4;

/// All that leads to one argument, the target, and to the weight.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Joint {
    pub roles: Roles,
    /// Where the rows of a parity of each factor go.
    pub factors: [Vec<Place>; 2],
    /// Where the rows of a parity of the target are.
    pub target: Vec<u32>,
    pub steps: Vec<Step>,
    /// Numbers of both factors of each product of steps.
    pub products: Vec<[u32; 2]>,
    /// Of each step `(product, degree of the target)`.
    pub coefficients: Vec<f64>,
    /// The path of each weight in the order in which they are read: pairs of degrees of the factors, channels, degrees
    /// of the target.
    pub paths: Vec<u32>,
}

/// Where a part of a complex number goes, and that of its conjugate. Numbers of a factor are sorted by degree l and m
/// from -l to l.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Place {
    pub own: u32,
    /// The same place for m = 0.
    pub conjugate: u32,
    /// -1 if this is an imaginary part.
    pub sign: f64,
}

/// The products of entries of two degrees that lead to an order of some degrees of the target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    /// 1 for order 0, otherwise 2.
    pub parts: usize,
    /// Number of degrees. Of both parities, every other one has an odd sum with those of the factors.
    pub outs: usize,
    /// Whether the first one has.
    pub odd: bool,
    pub products: u32,
    pub coefficients: u32,
    pub first_product: u32,
    /// Numbers of both factors if that of the first, or else that of the second one is real, having m = 0.
    pub first_real: Option<[u32; 2]>,
    pub second_real: Option<[u32; 2]>,
    /// How many of these there are; their coefficients come first.
    pub reals: u32,
    /// The first row of the target.
    pub target: u32,
    /// The first weight of the first channel, and how many weights a channel has.
    pub weight: u32,
    pub degrees: u32,
}

impl Joint {
    /// For arguments of the same parities.
    pub fn new(spec: &CouplingSpec, blocks: &[Block], paths: &[Path], roles: Roles) -> Self {
        let order = Order::from_cartesian(spec.cartesian_order);
        let factors = roles
            .factors
            .map(|slot| factor_places(order, side(spec, slot).1));
        let (target, places) = target_places(order, side(spec, roles.target));
        let mut joint = Self {
            roles,
            factors,
            target,
            steps: Vec::new(),
            products: Vec::new(),
            coefficients: Vec::new(),
            paths: Vec::new(),
        };
        let entries = Entries::all(spec, blocks, paths, roles);
        for entries in entries.chunk_by(|a, b| a.degrees[..2] == b.degrees[..2]) {
            joint.add(entries, &places);
        }
        joint
    }

    /// Adds all that comes from two degrees of the factors.
    fn add(&mut self, entries: &[Entries<'_>], places: &[Vec<u32>]) {
        let parities = entries[0].parities[0];
        // Of M = 0 the first degree of a step has an even sum.
        let most = match (parities, entries.len()) {
            (1, _) => MOST_PROPER_OUTS,
            (_, ..=MOST_OUTS) => MOST_OUTS,
            _ => MOST_OUTS - 1,
        };
        let first = self.paths.len();
        for channel in 0..parities * parities {
            let paths = entries.iter().map(|e| e.channels[channel].1 as u32);
            self.paths.extend(paths);
        }
        for m in 0..places.len() {
            let lower = entries.partition_point(|entries| entries.degrees[2] < m);
            for (chunk, outs) in entries[lower..].chunks(most).enumerate() {
                let weight = first + lower + chunk * most;
                let target = places[outs[0].degrees[2]][m];
                self.add_step(m as isize, outs, target, [weight, entries.len()]);
            }
        }
    }

    /// Adds what leads to an order of some degrees of the target.
    fn add_step(&mut self, m: isize, outs: &[Entries<'_>], target: u32, weights: [usize; 2]) {
        let [l1, l2, _] = outs[0].degrees.map(|l| l as isize);
        // Of M = 0 the products of -m and m are conjugates of those of m and -m.
        let lowest = if m == 0 { 0 } else { (-l1).max(m - l2) };
        let highest = l1.min(m + l2);
        let numbers = |m1: isize| [(l1, m1), (l2, m - m1)].map(|(l, m)| (l * l + l + m) as u32);
        let real = |m1: isize| (lowest..=highest).contains(&m1).then(|| numbers(m1));
        let first_real = real(0);
        let second_real = if m == 0 { None } else { real(m) };
        let is_real = |&m1: &isize| m1 == 0 || m1 == m;
        let (mut orders, others): (Vec<isize>, Vec<isize>) = (lowest..=highest).partition(is_real);
        self.steps.push(Step {
            parts: if m == 0 { 1 } else { 2 },
            outs: outs.len(),
            odd: outs[0].odd,
            products: others.len() as u32,
            coefficients: self.coefficients.len() as u32,
            first_product: self.products.len() as u32,
            first_real,
            second_real,
            reals: orders.len() as u32,
            target,
            weight: weights[0] as u32,
            degrees: weights[1] as u32,
        });
        self.products.extend(others.iter().map(|&m1| numbers(m1)));
        orders.extend(others);
        for m1 in orders {
            let coefficients = outs.iter().map(|out| out.complex_coefficient([m1, m - m1]));
            self.coefficients.extend(coefficients);
        }
    }
}

/// m of the rows of a degree, in the order of features.
fn orders(order: Order, l: usize) -> Vec<isize> {
    let mut orders = vec![0; 2 * l + 1];
    for m in -(l as isize)..=l as isize {
        orders[order.position(l, m)] = m;
    }
    orders
}

fn factor_places(order: Order, max_degree: usize) -> Vec<Place> {
    let mut places = Vec::new();
    for l in 0..=max_degree {
        let middle = (l * l + l) as isize;
        places.extend(orders(order, l).into_iter().map(|m| {
            let part = u32::from(m < 0);
            Place {
                own: 2 * (middle + m.abs()) as u32 + part,
                conjugate: 2 * (middle - m.abs()) as u32 + part,
                sign: if m < 0 { -1.0 } else { 1.0 },
            }
        }));
    }
    places
}

/// Places of the rows of an argument, and by degree and m >= 0: neighbours have the same m, and degrees that lead to it
/// together.
fn target_places(
    order: Order,
    (parities, max_degree): (usize, usize),
) -> (Vec<u32>, Vec<Vec<u32>>) {
    let mut places = vec![Vec::new(); max_degree + 1];
    let mut num = 0;
    // Every other degree leads to proper tensors.
    let step = if parities == 1 { 2 } else { 1 };
    for m in 0..=max_degree {
        for first in m..m + step {
            for l in (first..=max_degree).step_by(step) {
                places[l].push(num);
                num += if m == 0 { 1 } else { 2 };
            }
        }
    }
    let mut rows = Vec::new();
    for (l, places) in places.iter().enumerate() {
        let orders = orders(order, l).into_iter();
        rows.extend(orders.map(|m| places[m.unsigned_abs()] + u32::from(m < 0)));
    }
    (rows, places)
}

//! The coefficients of a plan for the derivative with respect to one argument.

use e3x_so3::Order;

use crate::coupling::entries::{CHANNELS, Entries, Roles, side};
use crate::coupling::program::{Kind, kind};
use crate::plan::{Block, CouplingSpec, Path};

/// All that leads to one argument, the target.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fold {
    /// The first factor multiplies sums over the second.
    pub roles: Roles,
    /// Rows of the second factor in the order in which they are read: entries of the same m whose degrees differ by
    /// 2 are neighbours.
    pub inner: Vec<u32>,
    /// All entries of the target.
    pub outs: Vec<Out>,
    /// Of each of these, by kind, then by degree of the first factor.
    pub sums: Vec<Sum>,
    pub coefficients: Vec<Coefficient>,
}

/// A coefficient with its paths by channels, parity of the first factor times parities of the target plus that of
/// the target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Coefficient {
    pub value: f64,
    pub paths: [u32; CHANNELS],
}

/// An entry of the target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Out {
    pub rows: [u32; 2],
    /// 1 for M = 0, otherwise 2.
    pub parts: usize,
    /// Number of its pairs of sums by the kind of the first, that of an order m1 > 0 of the first factor; the second is that
    /// of -m1. They come first.
    pub pairs: [u32; Kind::ALL.len()],
    /// Number of its other sums of each kind; see [`Kind::ALL`].
    pub sums: [u32; Kind::ALL.len()],
}

/// A sum over degrees of the second factor, which multiplies an entry of the first: those whose degrees have an
/// even sum, and those that count times i.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sum {
    /// Rows of the parts of the entry of the first factor.
    pub rows: [u32; 2],
    pub terms: [Terms; 2],
}

/// Entries of the second factor that are neighbours, and their coefficients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Terms {
    /// Among the inner rows.
    pub first: u32,
    pub coefficients: u32,
    pub num: u32,
}

impl Fold {
    pub fn new(spec: &CouplingSpec, blocks: &[Block], paths: &[Path], roles: Roles) -> Self {
        let mut entries = Entries::all(spec, blocks, paths, roles);
        let mut fold = Self {
            roles,
            inner: Vec::new(),
            outs: Vec::new(),
            sums: Vec::new(),
            coefficients: Vec::new(),
        };
        let places = fold.place(&entries);
        entries.sort_by_key(|entries| entries.degrees[2]);
        for entries in entries.chunk_by(|a, b| a.degrees[2] == b.degrees[2]) {
            for order in 0..=entries[0].degrees[2] as isize {
                fold.add_out(order, entries, &places);
            }
        }
        let (_, max_degree) = side(spec, roles.target);
        for l in 0..=max_degree {
            if !entries.iter().any(|entries| entries.degrees[2] == l) {
                fold.add_zeros(spec, l);
            }
        }
        fold
    }

    /// Adds the entries of a degree of the target that nothing leads to: they are written as well.
    fn add_zeros(&mut self, spec: &CouplingSpec, l: usize) {
        let (parities, _) = side(spec, self.roles.target);
        let positions = Order::from_cartesian(spec.cartesian_order);
        let row = |m: isize| ((l * l + positions.position(l, m)) * parities) as u32;
        self.outs.extend((0..=l as isize).map(|order| Out {
            rows: [row(order), row(-order)],
            parts: if order == 0 { 1 } else { 2 },
            pairs: [0; Kind::ALL.len()],
            sums: [0; Kind::ALL.len()],
        }));
    }

    /// Sorts the rows of the second factor; returns the place of each entry by degree and |m|.
    fn place(&mut self, entries: &[Entries<'_>]) -> Vec<Vec<u32>> {
        let most = entries.iter().map(|entries| entries.degrees[1]).max();
        let degrees: Vec<Option<&Entries<'_>>> = (0..=most.unwrap_or(0))
            .map(|l| entries.iter().find(|entries| entries.degrees[1] == l))
            .collect();
        let mut places = vec![Vec::new(); degrees.len()];
        for m in 0..degrees.len() {
            for first in [m, m + 1] {
                for l in (first..degrees.len()).step_by(2) {
                    let Some(entries) = degrees[l] else { continue };
                    let parts = if m == 0 { 1 } else { 2 };
                    places[l].push(self.inner.len() as u32);
                    self.inner.extend(&entries.rows(1, m as isize)[..parts]);
                }
            }
        }
        places
    }

    /// Adds an entry of a degree of the target.
    fn add_out(&mut self, order: isize, entries: &[Entries<'_>], places: &[Vec<u32>]) {
        let parts = if order == 0 { 1 } else { 2 };
        let mut numbers = [[0; Kind::ALL.len()]; 2];
        for (num, paired) in numbers.iter_mut().zip([true, false]) {
            for (of_kind, num) in Kind::ALL.into_iter().zip(num) {
                for (m, entries) in factors(order, parts, of_kind, entries) {
                    let is_paired = parts == 2 && has_partner(m, entries);
                    if is_paired != paired || (is_paired && m[0] < 0) {
                        continue;
                    }
                    *num += 1;
                    self.add_sum(m, entries, places);
                    if is_paired {
                        self.add_sum([-m[0], order + m[0]], entries, places);
                    }
                }
            }
        }
        let rows = entries[0].rows(2, order);
        let [pairs, sums] = numbers;
        self.outs.push(Out {
            rows,
            parts,
            pairs,
            sums,
        });
    }

    fn add_sum(&mut self, m: [isize; 2], entries: &[Entries<'_>], places: &[Vec<u32>]) {
        let rows = entries[0].rows(0, m[0]);
        let terms = [false, true].map(|odd| self.terms(m, odd, entries, places));
        self.sums.push(Sum { rows, terms });
    }

    /// The entries of the second factor that lead to an order together with an entry of the first.
    fn terms(
        &mut self,
        m: [isize; 2],
        odd: bool,
        entries: &[Entries<'_>],
        places: &[Vec<u32>],
    ) -> Terms {
        let mut terms = Terms {
            first: 0,
            coefficients: self.coefficients.len() as u32,
            num: 0,
        };
        for entries in entries.iter().filter(|entries| counts(entries, m, odd)) {
            if terms.num == 0 {
                terms.first = places[entries.degrees[1]][m[1].unsigned_abs()];
            }
            // The conjugate of i times a number is -i times its conjugate.
            let conjugate = odd && m[0] + m[1] > 0 && m[1] < 0;
            let sign = if conjugate { -1.0 } else { 1.0 };
            self.coefficients.push(Coefficient {
                value: sign * entries.complex_coefficient(m),
                paths: paths(entries),
            });
            terms.num += 1;
        }
        terms
    }
}

/// Orders of the factors, and degrees that share those of target and first factor.
type Factors<'a, 'b> = ([isize; 2], &'a [Entries<'b>]);

/// What leads to an order of a degree of the target by products of a kind.
fn factors<'a, 'b>(
    order: isize,
    parts: usize,
    of_kind: Kind,
    entries: &'a [Entries<'b>],
) -> Vec<Factors<'a, 'b>> {
    let mut factors = Vec::new();
    for entries in entries.chunk_by(|a, b| a.degrees[0] == b.degrees[0]) {
        let l1 = entries[0].degrees[0] as isize;
        // Of M = 0 the products of -m and m are conjugates of those of m and -m.
        let lowest = if order == 0 { 0 } else { -l1 };
        let orders = (lowest..=l1).map(|m1| [m1, order - m1]);
        for m in orders.filter(|&m| kind(m, parts, false) == of_kind) {
            let any = |odd: bool| entries.iter().any(|entries| counts(entries, m, odd));
            if any(false) || any(true) {
                factors.push((m, entries));
            }
        }
    }
    factors
}

/// Whether something leads to the order from both m1 and -m1.
fn has_partner([m1, m2]: [isize; 2], entries: &[Entries<'_>]) -> bool {
    let partner = [-m1, 2 * m1 + m2];
    m1 != 0
        && [false, true]
            .iter()
            .any(|&odd| entries.iter().any(|x| counts(x, partner, odd)))
}

/// Whether there is a product of orders whose degrees, with that of the target, have an odd sum or an even one.
fn counts(entries: &Entries<'_>, m: [isize; 2], odd: bool) -> bool {
    // There is no imaginary part of m1 = m2 = 0.
    let none = odd && m == [0, 0];
    entries.odd == odd && entries.degrees[1] >= m[1].unsigned_abs() && !none
}

/// Paths by channels; see [`Coefficient`].
fn paths(entries: &Entries<'_>) -> [u32; CHANNELS] {
    let mut paths = entries.channels.map(|(_, path)| path as u32);
    if entries.parities == [2; 3] {
        for (channel, &(parity, path)) in entries.channels.iter().enumerate() {
            paths[channel / 2 * 2 + parity] = path as u32;
        }
    }
    paths
}

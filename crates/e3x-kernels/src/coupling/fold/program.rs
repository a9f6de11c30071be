//! The coefficients of a plan for the derivative with respect to one argument.
//!
//! If there are pseudotensors, numbers of odd degrees l and m > 0 are turned by a quarter: with b = 1 for these and 0 for
//! others, `i^b X` is read for X. A coupling has `i^(b1 + b2 + b3)` before its coefficient up to a sign, so that all
//! coefficients between turned numbers are real, and what comes from odd and from even degrees is one sum. Numbers with
//! m = 0 are real and stay as they are.

use e3x_so3::Order;

use crate::coupling::entries::{CHANNELS, Entries, Roles, side};
use crate::plan::{Block, CouplingSpec, Path};

/// How an entry of the first factor, (c, s), and a sum over the second one, (re, im), multiply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The product of two complex numbers.
    Plain,
    /// That with the conjugate of the sum.
    SecondConjugate,
    /// That of the conjugate of the entry with the sum.
    FirstConjugate,
    /// The entry is real.
    RealFirst,
    /// The entry is i times a real number.
    ImaginaryFirst,
    /// The product of two complex numbers, where each entry of the sum is real or i times a real number.
    RealSecond,
    /// Both are real.
    Real,
    /// Real part of that with the conjugate of the sum.
    RealPart,
    /// Imaginary part of that with the conjugate of the sum.
    ImaginaryPart,
}

impl Kind {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::Plain,
        Self::SecondConjugate,
        Self::FirstConjugate,
        Self::RealFirst,
        Self::ImaginaryFirst,
        Self::RealSecond,
        Self::Real,
        Self::RealPart,
        Self::ImaginaryPart,
    ];

    /// That of two orders.
    fn of(m: [isize; 2], entries: &Entries<'_>) -> Self {
        let [a, _, c] = quarters(entries);
        match (m[0].signum(), m[1].signum(), m[0] + m[1]) {
            (0, 0, _) => Self::Real,
            (_, _, 0) if c == 0 => Self::RealPart,
            (_, _, 0) => Self::ImaginaryPart,
            (0, ..) if a == 0 => Self::RealFirst,
            (0, ..) => Self::ImaginaryFirst,
            (_, 0, _) => Self::RealSecond,
            (-1, ..) => Self::FirstConjugate,
            (_, -1, _) => Self::SecondConjugate,
            _ => Self::Plain,
        }
    }
}

/// All that leads to one argument, the target.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fold {
    /// The first factor multiplies sums over the second.
    pub roles: Roles,
    /// Rows of the first factor.
    pub first: Vec<Row>,
    /// Rows of the second factor in the order in which they are read: entries of the same m whose degrees are summed over
    /// are neighbours.
    pub second: Vec<Row>,
    /// All entries of the target.
    pub outs: Vec<Out>,
    /// Of each of these, by kind, then by degree of the first factor.
    pub sums: Vec<Sum>,
    pub coefficients: Vec<Coefficient>,
}

/// Where a row of a factor is read, among those of a parity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Row {
    pub from: u32,
    pub negative: bool,
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
    /// Where its parts go, among the rows of a parity.
    pub rows: [u32; 2],
    /// Whether the second one goes there with a minus sign.
    pub turned: bool,
    /// 1 for M = 0, otherwise 2.
    pub parts: usize,
    /// Number of its pairs of sums by the kind of the first, that of an order m1 > 0 of the first factor; the second is that
    /// of -m1. They come first.
    pub pairs: [u32; Kind::ALL.len()],
    /// Number of its other sums of each kind; see [`Kind::ALL`].
    pub sums: [u32; Kind::ALL.len()],
}

/// A sum over degrees of the second factor, which multiplies an entry of the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sum {
    /// Rows of the parts of the entry of the first factor.
    pub rows: [u32; 2],
    /// If the second factor has m = 0, real numbers and those that count times i; otherwise all of them come first.
    pub terms: [Terms; 2],
}

/// Entries of the second factor that are neighbours, and their coefficients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Terms {
    /// Among the rows of the second factor.
    pub first: u32,
    pub coefficients: u32,
    pub num: u32,
}

impl Fold {
    pub fn new(spec: &CouplingSpec, blocks: &[Block], paths: &[Path], roles: Roles) -> Self {
        let mut entries = Entries::all(spec, blocks, paths, roles);
        let mut fold = Self {
            roles,
            first: rows_of_factor(spec, roles),
            second: Vec::new(),
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
        let positions = Order::from_cartesian(spec.cartesian_order);
        let row = |m: isize| (l * l + positions.position(l, m)) as u32;
        self.outs.extend((0..=l as isize).map(|order| Out {
            rows: [row(order), row(-order)],
            turned: false,
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
            // Sums are over all degrees if there are turned numbers, otherwise over every other one.
            let step = if m > 0 && turns(entries[0].parities) {
                1
            } else {
                2
            };
            for first in m..m + step {
                for l in (first..degrees.len()).step_by(step) {
                    let Some(entries) = degrees[l] else { continue };
                    let [_, quarters, _] = quarters(entries);
                    let parts = if m == 0 { 1 } else { 2 };
                    places[l].push(self.second.len() as u32);
                    let rows = rows(entries, 1, m as isize);
                    self.second.extend(&turned(rows, quarters)[..parts]);
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
                for (m, entries) in factors(order, of_kind, entries) {
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
        let [_, _, quarters] = quarters(&entries[0]);
        let is_turned = parts == 2 && quarters == 1;
        let mut rows = rows(&entries[0], 2, order);
        if is_turned {
            // i (A + i B) = -B + i A.
            rows.reverse();
        }
        let [pairs, sums] = numbers;
        self.outs.push(Out {
            rows,
            turned: is_turned,
            parts,
            pairs,
            sums,
        });
    }

    fn add_sum(&mut self, m: [isize; 2], entries: &[Entries<'_>], places: &[Vec<u32>]) {
        let rows = rows(&entries[0], 0, m[0]);
        let terms = [0, 1].map(|times_i| self.terms(m, times_i, entries, places));
        self.sums.push(Sum { rows, terms });
    }

    /// The entries of the second factor that lead to an order together with an entry of the first: real numbers for
    /// `times_i` 0, those that count times i for 1; all of them for 0 if the second factor has m other than 0.
    fn terms(
        &mut self,
        m: [isize; 2],
        times_i: isize,
        entries: &[Entries<'_>],
        places: &[Vec<u32>],
    ) -> Terms {
        let mut terms = Terms {
            first: 0,
            coefficients: self.coefficients.len() as u32,
            num: 0,
        };
        for entries in entries.iter().filter(|entries| counts(entries, m)) {
            let power = if m[0] != 0 && m[1] == 0 {
                quarters(entries)[1]
            } else {
                0
            };
            if power != times_i {
                continue;
            }
            let place = places[entries.degrees[1]][m[1].unsigned_abs()];
            if terms.num == 0 {
                terms.first = place;
            }
            // Kernels read them one after the other.
            let parts = if m[1] == 0 { 1 } else { 2 };
            assert_eq!(place, terms.first + parts * terms.num);
            self.coefficients.push(Coefficient {
                value: sign(m, entries) * entries.complex_coefficient(m),
                paths: paths(entries),
            });
            terms.num += 1;
        }
        terms
    }
}

/// Whether numbers are turned, by the parities of all arguments.
fn turns(parities: [usize; 3]) -> bool {
    parities == [2; 3]
}

/// Quarters by which numbers of a degree with m > 0 are turned.
fn quarters_of(l: usize, parities: [usize; 3]) -> isize {
    if turns(parities) { l as isize % 2 } else { 0 }
}

/// Those of the three degrees.
fn quarters(entries: &Entries<'_>) -> [isize; 3] {
    entries.degrees.map(|l| quarters_of(l, entries.parities))
}

/// The sign of a coefficient between turned numbers.
fn sign(m: [isize; 2], entries: &Entries<'_>) -> f64 {
    let [a, b, c] = quarters(entries);
    let odd = isize::from(entries.odd);
    let [first, second] = m.map(isize::signum);
    // Powers of i: that of the coupling, and those that turn numbers back, or conjugates of them.
    let power = match (first, second, m[0] + m[1]) {
        (0, 0, _) => 0,
        // The real part of i r is -r times the imaginary part: one is taken away, and two are added.
        (_, _, 0) => b - a - odd + c,
        // One that is left belongs to an entry with m = 0.
        (..) => {
            let power = odd - c - first * a - second * b;
            power - power.rem_euclid(2)
        }
    };
    if power.rem_euclid(4) == 0 { 1.0 } else { -1.0 }
}

/// Rows of the parts of a complex number among those of a parity.
fn rows(entries: &Entries<'_>, role: usize, m: isize) -> [u32; 2] {
    let parities = entries.parities[role] as u32;
    entries.rows(role, m).map(|row| row / parities)
}

/// Where the parts of a number are read that is turned by some quarters.
fn turned([re, im]: [u32; 2], quarters: isize) -> [Row; 2] {
    let row = |from, negative| Row { from, negative };
    if quarters == 0 || re == im {
        [row(re, false), row(im, false)]
    } else {
        // i (c + i s) = -s + i c.
        [row(im, true), row(re, false)]
    }
}

/// The rows of the first factor.
fn rows_of_factor(spec: &CouplingSpec, roles: Roles) -> Vec<Row> {
    let (_, max_degree) = side(spec, roles.factors[0]);
    let parities = [spec.first, spec.second, spec.product].map(|(parities, _)| parities);
    let positions = Order::from_cartesian(spec.cartesian_order);
    let mut rows = vec![
        Row {
            from: 0,
            negative: false
        };
        (max_degree + 1).pow(2)
    ];
    for l in 0..=max_degree {
        let quarters = quarters_of(l, parities);
        for m in 0..=l as isize {
            let places = [m, -m].map(|m| (l * l + positions.position(l, m)) as u32);
            for (place, row) in places.into_iter().zip(turned(places, quarters)) {
                rows[place as usize] = row;
            }
        }
    }
    rows
}

/// Orders of the factors, and degrees that share those of target and first factor.
type Factors<'a, 'b> = ([isize; 2], &'a [Entries<'b>]);

/// What leads to an order of a degree of the target by products of a kind.
fn factors<'a, 'b>(
    order: isize,
    of_kind: Kind,
    entries: &'a [Entries<'b>],
) -> Vec<Factors<'a, 'b>> {
    let mut factors = Vec::new();
    for entries in entries.chunk_by(|a, b| a.degrees[0] == b.degrees[0]) {
        let l1 = entries[0].degrees[0] as isize;
        // Of M = 0 the products of -m and m are conjugates of those of m and -m.
        let lowest = if order == 0 { 0 } else { -l1 };
        let orders = (lowest..=l1).map(|m1| [m1, order - m1]);
        for m in orders.filter(|&m| Kind::of(m, &entries[0]) == of_kind) {
            if entries.iter().any(|entries| counts(entries, m)) {
                factors.push((m, entries));
            }
        }
    }
    factors
}

/// Whether something leads to the order from both m1 and -m1.
fn has_partner([m1, m2]: [isize; 2], entries: &[Entries<'_>]) -> bool {
    let partner = [-m1, 2 * m1 + m2];
    m1 != 0 && entries.iter().any(|entries| counts(entries, partner))
}

/// Whether there is a product of orders.
fn counts(entries: &Entries<'_>, m: [isize; 2]) -> bool {
    // There is no imaginary part of m1 = m2 = 0.
    let none = entries.odd && m == [0, 0];
    entries.degrees[1] >= m[1].unsigned_abs() && !none
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

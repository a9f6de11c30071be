//! Coupling in the frame of an edge: what the rows of one end get from the other end.
//!
//! ```text
//! z'[±m] += g[|m|] x'[±m]     or, if l1 + l2 + l3 is odd,     z'[m] += g[|m|] x'[-m]    z'[-m] -= g[|m|] x'[m]
//! g[|m|] = sum over the paths of a pair of irreps  c[path, |m|] w[path] r[l1]
//! ```
//!
//! Up to four |m| of an irrep at a time, for which everything that couples to them is added up before it is written:
//! sums and gains g stay in registers. The gains of all pairs of an edge would be more than the nearest cache holds.

use super::parts::{Lens, Part};
use super::plan::Side;
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::place::{from, nth, nth_mut};

/// Most |m| of a target.
const MOST: usize = 4;

/// What one end gets from the other.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Sums {
    targets: Vec<Target>,
    /// Those of the first target, then those of the next; x is the other end.
    parts: Vec<Part>,
    /// Those of the parts.
    pub coefficients: Vec<f64>,
    lens: Lens,
}

/// Some |m| of an irrep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Target {
    /// Its entry m = 0.
    center: u32,
    /// Lowest |m|, a multiple of [`MOST`], and number of them.
    first: u32,
    orders: u32,
    /// Number of parts.
    parts: u32,
}

impl Sums {
    /// What the output gets from the input.
    pub fn to_output([input, output]: [&Side; 2], pairs: &[Part], coefficients: &[f64]) -> Self {
        Self::new([input, output], pairs, coefficients)
    }

    /// What the input gets from the output.
    pub fn to_input([input, output]: [&Side; 2], pairs: &[Part], coefficients: &[f64]) -> Self {
        let mut coefficients = coefficients.to_vec();
        let mirrored = |pair: &Part| {
            if pair.odd() {
                let len = pair.orders().len() * pair.paths().len();
                for c in &mut coefficients[pair.coefficients as usize..][..len] {
                    *c = -*c;
                }
            }
            Part {
                x: pair.z,
                z: pair.x,
                ..*pair
            }
        };
        let pairs: Vec<Part> = pairs.iter().map(mirrored).collect();
        Self::new([output, input], &pairs, &coefficients)
    }

    fn new([other, side]: [&Side; 2], pairs: &[Part], of_pairs: &[f64]) -> Self {
        let mut sums = Self::default();
        for irrep in &side.irreps {
            let own = pairs.iter().filter(|pair| pair.z as usize == irrep.center);
            let mut parts: Vec<Part> = own
                .flat_map(|pair| {
                    pair.split(MOST, of_pairs, &mut sums.coefficients)
                        .collect::<Vec<_>>()
                })
                .collect();
            // Parts of the same kind after each other.
            parts.sort_by_key(|part| (part.first, part.kind));
            for first in (0..=irrep.reach).step_by(MOST) {
                let of_target = parts.iter().filter(|part| part.first as usize == first);
                sums.targets.push(Target {
                    center: irrep.center as u32,
                    first: first as u32,
                    orders: (irrep.reach + 1 - first).min(MOST) as u32,
                    parts: of_target.count() as u32,
                });
            }
            sums.parts.extend(parts);
        }
        let rows = [other.local_rows, side.local_rows];
        sums.lens = Lens::new(sums.parts.iter(), rows, sums.coefficients.len());
        for target in &sums.targets {
            let reach = target.first + target.orders - 1;
            assert!(reach <= target.center && ((target.center + reach) as usize) < rows[1]);
        }
        let mut parts = sums.parts.iter();
        assert!(parts.all(|part| part.orders().len() <= MOST));
        sums
    }
}

/// Weights of all paths, and the filter by degree; one block.
pub(super) type Factors<'a, B> = (&'a [B], &'a [B]);

/// What all parts have in common.
struct Shared<'a, B, T> {
    c: &'a [T],
    factors: Factors<'a, B>,
    others: &'a [B],
}

/// Writes the rows of one end, or adds to them; `c` are the coefficients of the sums.
///
/// Not inlined: it is called from many places.
#[inline(never)]
pub(super) fn sum<A: Arithmetic, T: Real>(
    (sums, c): (&Sums, &[T]),
    factors: Factors<'_, A::Block<T>>,
    others: &[A::Block<T>],
    rows: &mut [A::Block<T>],
    add: bool,
) {
    let lens = &sums.lens;
    assert!(others.len() >= lens.rows[0] && rows.len() >= lens.rows[1]);
    assert!(factors.0.len() >= lens.paths && factors.1.len() >= lens.degrees);
    assert_eq!(c.len(), lens.coefficients);
    let shared = Shared { c, factors, others };
    A::vectorized(
        #[inline(always)]
        || {
            let mut rest = sums.parts.as_slice();
            for target in &sums.targets {
                let (parts, others) = rest.split_at(target.parts as usize);
                rest = others;
                if target.first == 0 {
                    of_target::<A, T, true>(target, parts, &shared, rows, add);
                } else {
                    of_target::<A, T, false>(target, parts, &shared, rows, add);
                }
            }
        },
    );
}

/// Calls `add_part::<A, T, LOWEST, ODD, N>(part, ...)` with the constants of a part's kind.
macro_rules! add_part {
    ($part:ident, $args:tt) => {
        match $part.kind {
            0 => add_part!(@call false, 1, $part, $args),
            1 => add_part!(@call true, 1, $part, $args),
            2 => add_part!(@call false, 2, $part, $args),
            3 => add_part!(@call true, 2, $part, $args),
            4 => add_part!(@call false, 3, $part, $args),
            5 => add_part!(@call true, 3, $part, $args),
            6 => add_part!(@call false, 4, $part, $args),
            // There is no |m| = 0 if it is odd.
            _ if !LOWEST => add_part!(@call true, 4, $part, $args),
            _ => {}
        }
    };
    (@call $odd:literal, $n:literal, $part:ident, ($($arg:expr),*)) => {
        add_part::<A, T, LOWEST, $odd, $n>($part, $($arg),*)
    };
}

/// The sums of one target, whose orders start from 0 if LOWEST.
#[inline(always)]
fn of_target<A: Arithmetic, T: Real, const LOWEST: bool>(
    target: &Target,
    parts: &[Part],
    shared: &Shared<'_, A::Block<T>, T>,
    rows: &mut [A::Block<T>],
    add: bool,
) {
    let (mut plus, mut minus) = ([A::zero(); MOST], [A::zero(); MOST]);
    let (center, first) = (target.center as usize, target.first as usize);
    let orders = target.orders as usize;
    if add {
        for i in 0..MOST {
            if i < orders {
                plus[i] = A::load(nth(rows, center + first + i));
                minus[i] = A::load(nth(rows, center - first - i));
            }
        }
    }
    for part in parts {
        add_part!(part, (shared, &mut plus, &mut minus));
    }
    for i in 0..MOST {
        if i < orders {
            // Entry m = 0 has no mirror image: the sum for it counts.
            if !(LOWEST && i == 0) {
                A::store(minus[i], nth_mut(rows, center - first - i));
            }
            A::store(plus[i], nth_mut(rows, center + first + i));
        }
    }
}

/// Adds what N orders get by the paths of a part.
#[inline(always)]
fn add_part<A: Arithmetic, T: Real, const LOWEST: bool, const ODD: bool, const N: usize>(
    part: &Part,
    shared: &Shared<'_, A::Block<T>, T>,
    plus: &mut [A::Sum<T>; MOST],
    minus: &mut [A::Sum<T>; MOST],
) {
    let gains = gains::<A, T, N>(part, shared);
    let first = if LOWEST { 0 } else { part.first as usize };
    // Odd parts have no m = 0.
    let start = usize::from(LOWEST && ODD);
    for i in 0..N {
        let m = start + i;
        let high = nth(shared.others, part.x as usize + first + m);
        let low = nth(shared.others, part.x as usize - first - m);
        if ODD {
            A::add_multiple(&mut plus[m], low, gains[i]);
            A::subtract_multiple(&mut minus[m], high, gains[i]);
        } else {
            A::add_multiple(&mut plus[m], high, gains[i]);
            if !(LOWEST && m == 0) {
                A::add_multiple(&mut minus[m], low, gains[i]);
            }
        }
    }
}

/// The gains of a part.
#[inline(always)]
fn gains<A: Arithmetic, T: Real, const N: usize>(
    part: &Part,
    shared: &Shared<'_, A::Block<T>, T>,
) -> [A::Sum<T>; N] {
    let (weights, filter) = shared.factors;
    let num = part.num as usize;
    let c = from(shared.c, part.coefficients, N * num)
        .as_chunks::<N>()
        .0;
    let weights = from(weights, part.path, num);
    let filter = from(filter, part.degree, 2 * num - 1);
    let first = A::multiply(A::load(nth(weights, 0)), A::load(nth(filter, 0)));
    let mut gains = [A::zero(); N];
    for i in 0..N {
        gains[i] = A::scaled(nth(c, 0)[i], first);
    }
    for path in 1..num {
        let product = A::multiply(A::load(nth(weights, path)), A::load(nth(filter, 2 * path)));
        for i in 0..N {
            A::add_scaled_sum(&mut gains[i], nth(c, path)[i], product);
        }
    }
    gains
}

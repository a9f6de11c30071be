//! Coupling in the frame of an edge: every row of one end is a sum of rows of the other end, each
//! with a factor, its gain. And its transpose, what a gain gets from the rows of both ends.
//!
//! Row by row and gain by gain, so that sums stay in registers, from lists made with the plan.

use super::plan::{Part, Side};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::place::{at, at_mut};

/// What the rows of one end get from the other end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Couplings {
    targets: Vec<Target>,
    /// Those of the first target, then those of the next.
    terms: Vec<Term>,
    lens: Lens,
}

/// Numbers of gains, of rows of the other end and of rows that are written: places in terms and targets are below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Lens {
    gains: usize,
    others: usize,
    rows: usize,
}

/// Rows ±m of an irrep, and how many terms they have.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    plus: u32,
    minus: u32,
    /// Number of terms of pairs that couple m to m, and of those that couple m to -m, which follow.
    even: u32,
    odd: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Term {
    gain: u32,
    /// The rows that are added to rows +m and -m (or subtracted).
    plus: u32,
    minus: u32,
}

impl Couplings {
    /// `z[±m] += g[|m|] x[±m]`, or, if the pair is odd, `z[m] += g[m] x[-m]` and
    /// `z[-m] -= g[m] x[m]`, for the sides of x and z.
    pub fn to_output([input, output]: [&Side; 2], parts: &[Part], num_gains: usize) -> Self {
        Self::new([input, output], parts, num_gains, |part| (part.z, part.x))
    }

    /// The transpose.
    pub fn to_input([input, output]: [&Side; 2], parts: &[Part], num_gains: usize) -> Self {
        Self::new([output, input], parts, num_gains, |part| (part.x, part.z))
    }

    /// `ends` gives the entries m = 0 of a part: of the end that is added to, and of the other.
    fn new(
        [other_side, side]: [&Side; 2],
        parts: &[Part],
        num_gains: usize,
        ends: impl Fn(&Part) -> (usize, usize),
    ) -> Self {
        let (mut targets, mut terms) = (Vec::new(), Vec::new());
        for irrep in &side.irreps {
            for m in 0..=irrep.reach {
                let mut add_terms = |odd: bool| {
                    let before = terms.len();
                    for part in parts {
                        let (target, other) = ends(part);
                        let couples = target == irrep.center && part.odd == odd;
                        if !couples || !part.orders.contains(&m) {
                            continue;
                        }
                        let [plus, minus] = [other + m, other - m].map(|row| row as u32);
                        terms.push(Term {
                            gain: (part.gains + m - part.orders.start) as u32,
                            plus: if odd { minus } else { plus },
                            minus: if odd { plus } else { minus },
                        });
                    }
                    (terms.len() - before) as u32
                };
                targets.push(Target {
                    even: add_terms(false),
                    odd: add_terms(true),
                    plus: (irrep.center + m) as u32,
                    minus: (irrep.center - m) as u32,
                });
            }
        }
        let lens = Lens {
            gains: num_gains,
            others: other_side.local_rows,
            rows: side.local_rows,
        };
        let fits = |term: &Term| {
            (term.gain as usize) < lens.gains && (term.plus.max(term.minus) as usize) < lens.others
        };
        assert!(terms.iter().all(fits));
        assert!(
            targets
                .iter()
                .all(|target| (target.plus as usize) < lens.rows)
        );
        Self {
            targets,
            terms,
            lens,
        }
    }
}

/// Two lists of blocks that are multiplied, here gains and rows.
pub(super) type Factors<'a, B> = (&'a [B], &'a [B]);

/// Writes all rows of one end: the sum over all `factors`. `BACK`: from the output to the input.
///
/// Not inlined: it is called from many places.
#[inline(never)]
pub(super) fn couple<A: Arithmetic, T: Real, const BACK: bool, const NUM: usize>(
    couplings: &Couplings,
    factors: &[Factors<'_, A::Block<T>>; NUM],
    rows: &mut [A::Block<T>],
) {
    let lens = couplings.lens;
    assert!(rows.len() >= lens.rows);
    for (gains, others) in factors {
        assert!(gains.len() >= lens.gains && others.len() >= lens.others);
    }
    A::vectorized(
        #[inline(always)]
        || {
            let mut rest = couplings.terms.as_slice();
            for target in &couplings.targets {
                let (even, others) = rest.split_at(target.even as usize);
                let (odd, others) = others.split_at(target.odd as usize);
                rest = others;
                if target.plus == target.minus {
                    let sum = center::<A, T, NUM>(even, factors);
                    A::store(sum, at_mut(rows, target.plus));
                } else {
                    let [plus, minus] = both::<A, T, BACK, NUM>([even, odd], factors);
                    A::store(plus, at_mut(rows, target.plus));
                    A::store(minus, at_mut(rows, target.minus));
                }
            }
        },
    );
}

/// As [`couple`], for as many factors as there are: two at most.
#[inline(always)]
pub(super) fn couple_some<A: Arithmetic, T: Real, const BACK: bool>(
    couplings: &Couplings,
    factors: &[Factors<'_, A::Block<T>>],
    rows: &mut [A::Block<T>],
) {
    match *factors {
        [] => couple::<A, T, BACK, 0>(couplings, &[], rows),
        [one] => couple::<A, T, BACK, 1>(couplings, &[one], rows),
        [one, other, ..] => couple::<A, T, BACK, 2>(couplings, &[one, other], rows),
    }
}

/// The sum of entry m = 0.
#[inline(always)]
fn center<A: Arithmetic, T: Real, const NUM: usize>(
    terms: &[Term],
    factors: &[Factors<'_, A::Block<T>>; NUM],
) -> A::Sum<T> {
    let mut sum = A::zero();
    for (gains, others) in factors {
        for term in terms {
            A::add_product(&mut sum, at(others, term.plus), at(gains, term.gain));
        }
    }
    sum
}

/// The sums of entries m and -m.
#[inline(always)]
fn both<A: Arithmetic, T: Real, const BACK: bool, const NUM: usize>(
    [even, odd]: [&[Term]; 2],
    factors: &[Factors<'_, A::Block<T>>; NUM],
) -> [A::Sum<T>; 2] {
    let (mut plus, mut minus) = (A::zero(), A::zero());
    for (gains, others) in factors {
        for term in even {
            let gain = A::load(at(gains, term.gain));
            A::add_multiple(&mut plus, at(others, term.plus), gain);
            A::add_multiple(&mut minus, at(others, term.minus), gain);
        }
        for term in odd {
            let gain = A::load(at(gains, term.gain));
            let (added, subtracted) = if BACK {
                ((&mut minus, term.minus), (&mut plus, term.plus))
            } else {
                ((&mut plus, term.plus), (&mut minus, term.minus))
            };
            A::add_multiple(added.0, at(others, added.1), gain);
            A::subtract_multiple(subtracted.0, at(others, subtracted.1), gain);
        }
    }
    [plus, minus]
}

/// What each gain gets from the rows of both ends: one list for each kind of sum.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Ends {
    /// `x[0] z[0]`: m = 0.
    alone: Vec<Pair>,
    /// `x[m] z[m] + x[-m] z[-m]`.
    even: Vec<Pair>,
    /// `x[-m] z[m] - x[m] z[-m]`.
    odd: Vec<Pair>,
    lens: Lens,
}

/// Two products of rows and the gain that they belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pair {
    gain: u32,
    x: [u32; 2],
    z: [u32; 2],
}

impl Ends {
    pub fn new([input, output]: [&Side; 2], parts: &[Part], num_gains: usize) -> Self {
        let mut ends = Self {
            lens: Lens {
                gains: num_gains,
                others: input.local_rows,
                rows: output.local_rows,
            },
            ..Self::default()
        };
        for part in parts {
            for (gain, m) in (part.gains..).zip(part.orders.clone()) {
                let [z, x] = [part.z, part.x].map(|at| [at + m, at - m].map(|row| row as u32));
                let pair = Pair {
                    gain: gain as u32,
                    x: if part.odd { [x[1], x[0]] } else { x },
                    z,
                };
                assert!(gain < num_gains && (x[0] as usize) < input.local_rows);
                assert!((z[0] as usize) < output.local_rows);
                let list = match (part.odd, m) {
                    (true, _) => &mut ends.odd,
                    (false, 0) => &mut ends.alone,
                    _ => &mut ends.even,
                };
                list.push(pair);
            }
        }
        ends
    }
}

/// Writes what all gains get, the sum over all `factors`: rows of the input and of the output in the frame.
#[inline(never)]
pub(super) fn multiply_ends<A: Arithmetic, T: Real, const NUM: usize>(
    ends: &Ends,
    factors: &[Factors<'_, A::Block<T>>; NUM],
    products: &mut [A::Block<T>],
) {
    assert!(products.len() >= ends.lens.gains);
    for (x, z) in factors {
        assert!(x.len() >= ends.lens.others && z.len() >= ends.lens.rows);
    }
    A::vectorized(
        #[inline(always)]
        || {
            for pair in &ends.alone {
                let mut sum = A::zero();
                for (x, z) in factors {
                    A::add_product(&mut sum, at(x, pair.x[0]), at(z, pair.z[0]));
                }
                A::store(sum, at_mut(products, pair.gain));
            }
            for pair in &ends.even {
                let mut sum = A::zero();
                for (x, z) in factors {
                    A::add_product(&mut sum, at(x, pair.x[0]), at(z, pair.z[0]));
                    A::add_product(&mut sum, at(x, pair.x[1]), at(z, pair.z[1]));
                }
                A::store(sum, at_mut(products, pair.gain));
            }
            for pair in &ends.odd {
                let mut sum = A::zero();
                for (x, z) in factors {
                    A::add_product(&mut sum, at(x, pair.x[0]), at(z, pair.z[0]));
                    A::subtract_product(&mut sum, at(x, pair.x[1]), at(z, pair.z[1]));
                }
                A::store(sum, at_mut(products, pair.gain));
            }
        },
    );
}

/// As [`multiply_ends`], for as many factors as there are: two at most.
#[inline(always)]
pub(super) fn multiply_some_ends<A: Arithmetic, T: Real>(
    ends: &Ends,
    factors: &[Factors<'_, A::Block<T>>],
    products: &mut [A::Block<T>],
) {
    match *factors {
        [] => multiply_ends::<A, T, 0>(ends, &[], products),
        [one] => multiply_ends::<A, T, 1>(ends, &[one], products),
        [one, other, ..] => multiply_ends::<A, T, 2>(ends, &[one, other], products),
    }
}

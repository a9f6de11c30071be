//! Coupling in the frame of an edge: every row of one end is a sum of rows of the other end, each
//! with a factor, its gain.
//!
//! Row by row, so that sums stay in registers, from a list made with the plan.

use std::ops::Range;

use super::plan::{Part, Side};
use crate::Real;
use crate::arithmetic::Arithmetic;

/// What the rows of one end get from the other end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Couplings {
    targets: Vec<Target>,
    terms: Vec<Term>,
}

/// Rows ±m of an irrep, and where their terms are.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    plus: usize,
    minus: usize,
    /// Terms of pairs that couple m to m, and of those that couple m to -m.
    even: Range<usize>,
    odd: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Term {
    gain: usize,
    /// The rows that are added to rows +m and -m (or subtracted).
    plus: usize,
    minus: usize,
}

impl Couplings {
    /// `z[±m] += g[|m|] x[±m]`, or, if the pair is odd, `z[m] += g[m] x[-m]` and
    /// `z[-m] -= g[m] x[m]`; `output` is the side of z.
    pub fn to_output(output: &Side, parts: &[Part]) -> Self {
        Self::new(output, parts, |part| (part.z, part.x))
    }

    /// The transpose; `input` is the side of x.
    pub fn to_input(input: &Side, parts: &[Part]) -> Self {
        Self::new(input, parts, |part| (part.x, part.z))
    }

    /// `ends` gives the entries m = 0 of a part: of the end that is added to, and of the other.
    fn new(side: &Side, parts: &[Part], ends: impl Fn(&Part) -> (usize, usize)) -> Self {
        let mut couplings = Self::default();
        for irrep in &side.irreps {
            for m in 0..=irrep.reach {
                let mut terms_of = |odd: bool| {
                    let first = couplings.terms.len();
                    for part in parts {
                        let (target, other) = ends(part);
                        let couples = target == irrep.center && part.odd == odd;
                        if !couples || !part.orders.contains(&m) {
                            continue;
                        }
                        let (plus, minus) = (other + m, other - m);
                        couplings.terms.push(Term {
                            gain: part.gains + m - part.orders.start,
                            plus: if odd { minus } else { plus },
                            minus: if odd { plus } else { minus },
                        });
                    }
                    first..couplings.terms.len()
                };
                let even = terms_of(false);
                let odd = terms_of(true);
                couplings.targets.push(Target {
                    plus: irrep.center + m,
                    minus: irrep.center - m,
                    even,
                    odd,
                });
            }
        }
        couplings
    }
}

/// Two lists of blocks that are multiplied, here gains and rows.
pub(super) type Factors<'a, B> = (&'a [B], &'a [B]);

/// Writes all rows of one end: the sum over all `factors`. `BACK`: from the output to the input.
///
/// Not inlined: it is called from many places.
#[inline(never)]
pub(super) fn couple<A: Arithmetic, T: Real, const BACK: bool>(
    couplings: &Couplings,
    factors: &[Factors<'_, A::Block<T>>],
    rows: &mut [A::Block<T>],
) {
    A::vectorized(
        #[inline(always)]
        || {
            for target in &couplings.targets {
                if target.plus == target.minus {
                    let sum = center::<A, T>(couplings, target, factors);
                    A::store(sum, &mut rows[target.plus]);
                } else {
                    let [plus, minus] = both::<A, T, BACK>(couplings, target, factors);
                    A::store(plus, &mut rows[target.plus]);
                    A::store(minus, &mut rows[target.minus]);
                }
            }
        },
    );
}

/// The sum of entry m = 0.
#[inline(always)]
fn center<A: Arithmetic, T: Real>(
    couplings: &Couplings,
    target: &Target,
    factors: &[Factors<'_, A::Block<T>>],
) -> A::Sum<T> {
    let mut sum = A::zero();
    for (gains, others) in factors {
        for term in &couplings.terms[target.even.clone()] {
            A::add_product(&mut sum, &others[term.plus], &gains[term.gain]);
        }
    }
    sum
}

/// The sums of entries m and -m.
#[inline(always)]
fn both<A: Arithmetic, T: Real, const BACK: bool>(
    couplings: &Couplings,
    target: &Target,
    factors: &[Factors<'_, A::Block<T>>],
) -> [A::Sum<T>; 2] {
    let (mut plus, mut minus) = (A::zero(), A::zero());
    for (gains, others) in factors {
        for term in &couplings.terms[target.even.clone()] {
            let gain = A::load(&gains[term.gain]);
            A::add_multiple(&mut plus, &others[term.plus], gain);
            A::add_multiple(&mut minus, &others[term.minus], gain);
        }
        for term in &couplings.terms[target.odd.clone()] {
            let gain = A::load(&gains[term.gain]);
            let (added, subtracted) = if BACK {
                ((&mut minus, term.minus), (&mut plus, term.plus))
            } else {
                ((&mut plus, term.plus), (&mut minus, term.minus))
            };
            A::add_multiple(added.0, &others[added.1], gain);
            A::subtract_multiple(subtracted.0, &others[subtracted.1], gain);
        }
    }
    [plus, minus]
}

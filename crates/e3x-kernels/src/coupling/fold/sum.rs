//! Sums that lead to an entry of the target.

use super::program::{Out, Sum, Terms};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::coupling::program::Kind;
use crate::coupling::tile::{Row, row};
use crate::lanes::Lanes;
use crate::place::from;
use crate::prefetch::Ahead;

/// Numbers of an entry of the target for all items.
pub(super) type Totals<T, A, const P: usize, const NI: usize> =
    [[<A as Arithmetic>::Sum<T>; NI]; P];

/// Weights times a coefficient by channels.
pub(super) type Channels<T, const P: usize> = [[Lanes<T>; P]; P];

/// What is multiplied: both factors, the second one in the order of the program.
pub(super) struct Factors<'a, T, const P: usize> {
    pub coefficients: &'a [Channels<T, P>],
    pub inner: &'a [Lanes<T>],
    pub x: &'a [Lanes<T>],
}

/// All sums of an entry of the target, times entries of the first factor.
#[inline(always)]
pub(super) fn sum_up<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const NI: usize,
    const PARTS: usize,
>(
    out: &Out,
    sums: &mut &[Sum],
    factors: &Factors<'_, T, P>,
    ahead: &mut Ahead,
) -> [Totals<T, A, P, NI>; PARTS] {
    let mut totals = [[[A::zero::<T>(); NI]; P]; PARTS];
    macro_rules! add {
        ($($kind:ident)*) => {
            $(
                let num = out.sums[Kind::$kind as usize] as usize;
                for sum in sums.split_off(..num).unwrap_or_default() {
                    ahead.step();
                    let x = sum.rows.map(|at| row::<T, P, NI>(factors.x, at));
                    // As many numbers at a time as there are, or as registers hold beside those that they are added to.
                    match A::held::<T>().min(4 * P * P * NI) {
                        32.. => add!(@ Kind::$kind, sum, x, 8),
                        16.. => add!(@ Kind::$kind, sum, x, 4),
                        8.. => add!(@ Kind::$kind, sum, x, 2),
                        _ => add!(@ Kind::$kind, sum, x, 1),
                    }
                }
            )*
        };
        (@ $kind:expr, $sum:ident, $x:ident, $num:literal) => {
            for first in (0..P * P * NI).step_by($num) {
                let inner = collect::<T, A, P, NI, $num>($kind, $sum, first, factors);
                add_sum::<T, A, P, NI, PARTS, $num>($kind, $x, first, &inner, &mut totals);
            }
        };
    }
    if PARTS == 1 {
        add!(Real RealPart);
    } else {
        add!(Plain SecondConjugate FirstConjugate RealFirst RealSecond);
    }
    totals
}

/// The parts of a sum over degrees of the second factor.
#[inline(always)]
fn collect<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const NI: usize,
    const M: usize,
>(
    kind: Kind,
    sum: &Sum,
    first: usize,
    factors: &Factors<'_, T, P>,
) -> [[A::Sum<T>; M]; 2] {
    let mut parts = [[A::zero::<T>(); M]; 2];
    let [even, odd] = &sum.terms;
    if matches!(kind, Kind::Real | Kind::RealSecond) {
        for (c, y) in of_terms::<T, P, NI>(even, 1, factors) {
            add_weighted::<T, A, P, NI, M>(&mut parts[0], first, false, c, &y[0]);
        }
        // Proper tensors alone have no degrees with an odd sum.
        if P > 1 && kind != Kind::Real {
            for (c, y) in of_terms::<T, P, NI>(odd, 1, factors) {
                add_weighted::<T, A, P, NI, M>(&mut parts[1], first, false, c, &y[0]);
            }
        }
        return parts;
    }
    for (c, y) in of_terms::<T, P, NI>(even, 2, factors) {
        add_weighted::<T, A, P, NI, M>(&mut parts[0], first, false, c, &y[0]);
        add_weighted::<T, A, P, NI, M>(&mut parts[1], first, false, c, &y[1]);
    }
    if P > 1 {
        for (c, y) in of_terms::<T, P, NI>(odd, 2, factors) {
            add_weighted::<T, A, P, NI, M>(&mut parts[0], first, true, c, &y[1]);
            add_weighted::<T, A, P, NI, M>(&mut parts[1], first, false, c, &y[0]);
        }
    }
    parts
}

/// Weights times coefficients, with the parts of their entries.
#[inline(always)]
fn of_terms<'a, T, const P: usize, const NI: usize>(
    terms: &Terms,
    parts: usize,
    factors: &Factors<'a, T, P>,
) -> impl Iterator<Item = (&'a Channels<T, P>, &'a [Row<T, P, NI>])> {
    let num = terms.num as usize;
    let rows = from(
        factors.inner,
        terms.first * (P * NI) as u32,
        num * parts * P * NI,
    );
    let rows = rows.as_chunks::<NI>().0.as_chunks::<P>().0;
    let coefficients = from(factors.coefficients, terms.coefficients, num);
    coefficients.iter().zip(rows.chunks_exact(parts))
}

/// `sum += c y` (or `-=`) for all channels.
#[inline(always)]
fn add_weighted<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const NI: usize,
    const M: usize,
>(
    sum: &mut [A::Sum<T>; M],
    first: usize,
    negative: bool,
    c: &Channels<T, P>,
    y: &Row<T, P, NI>,
) {
    for m in 0..M {
        let n = first + m;
        let (parity, p, i) = (n / (P * NI), n / NI % P, n % NI);
        // The parity of an entry is that of target and first factor together.
        let y = &y[(parity + p) % P][i];
        if negative {
            A::subtract_multiple(&mut sum[m], y, A::load(&c[parity][p]));
        } else {
            A::add_multiple(&mut sum[m], y, A::load(&c[parity][p]));
        }
    }
}

/// `totals += x sum`.
#[inline(always)]
fn add_sum<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const NI: usize,
    const PARTS: usize,
    const M: usize,
>(
    kind: Kind,
    [c, s]: [&Row<T, P, NI>; 2],
    first: usize,
    [re, im]: &[[A::Sum<T>; M]; 2],
    totals: &mut [Totals<T, A, P, NI>; PARTS],
) {
    add::<T, A, P, NI, M>(&mut totals[0], false, c, first, re);
    match kind {
        Kind::RealPart | Kind::FirstConjugate | Kind::SecondConjugate => {
            add::<T, A, P, NI, M>(&mut totals[0], false, s, first, im);
        }
        Kind::Plain => add::<T, A, P, NI, M>(&mut totals[0], true, s, first, im),
        Kind::RealSecond if P > 1 => add::<T, A, P, NI, M>(&mut totals[0], true, s, first, im),
        _ => {}
    }
    if PARTS == 1 {
        return;
    }
    let imaginary = &mut totals[PARTS - 1];
    match kind {
        Kind::Plain => {
            add::<T, A, P, NI, M>(imaginary, false, s, first, re);
            add::<T, A, P, NI, M>(imaginary, false, c, first, im);
        }
        Kind::RealSecond => {
            add::<T, A, P, NI, M>(imaginary, false, s, first, re);
            if P > 1 {
                add::<T, A, P, NI, M>(imaginary, false, c, first, im);
            }
        }
        Kind::SecondConjugate => {
            add::<T, A, P, NI, M>(imaginary, false, s, first, re);
            add::<T, A, P, NI, M>(imaginary, true, c, first, im);
        }
        Kind::FirstConjugate => {
            add::<T, A, P, NI, M>(imaginary, false, c, first, im);
            add::<T, A, P, NI, M>(imaginary, true, s, first, re);
        }
        _ => add::<T, A, P, NI, M>(imaginary, false, c, first, im),
    }
}

/// `totals += x part` (or `-=`), summed over parities of the first factor.
#[inline(always)]
fn add<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const NI: usize,
    const M: usize,
>(
    totals: &mut Totals<T, A, P, NI>,
    negative: bool,
    x: &Row<T, P, NI>,
    first: usize,
    part: &[A::Sum<T>; M],
) {
    for m in 0..M {
        let n = first + m;
        let (parity, p, i) = (n / (P * NI), n / NI % P, n % NI);
        if negative {
            A::subtract_multiple(&mut totals[p][i], &x[parity][i], part[m]);
        } else {
            A::add_multiple(&mut totals[p][i], &x[parity][i], part[m]);
        }
    }
}

//! Sums that lead to an entry of the target.

use super::program::{Kind, Out, Sum, Terms};
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::coupling::tile::{Row, row};
use crate::lanes::Lanes;
use crate::place::{at, from};
use crate::prefetch::Ahead;

/// Numbers of an entry of the target for all items.
pub(super) type Totals<T, A, const P: usize, const NI: usize> =
    [[<A as Arithmetic>::Sum<T>; NI]; P];

/// Weights times a coefficient for a parity of the second factor, by that of the first.
pub(super) type Channels<T, const P: usize> = [Lanes<T>; P];

/// What is multiplied: both factors, the second one in the order of the program.
pub(super) struct Factors<'a, T, const P: usize> {
    /// By parity of the second factor.
    pub coefficients: [&'a [Channels<T, P>]; P],
    pub second: &'a [Lanes<T>],
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
                    let x = sum.rows.map(|at| row::<T, P, NI>(factors.x, at * P as u32));
                    // As many numbers at a time as there are, or as registers hold beside those that they are added to.
                    match A::held::<T>().min(4 * P * P * NI) {
                        32.. => add!(@ Kind::$kind, sum, x, 8, 0),
                        16.. => add!(@ Kind::$kind, sum, x, 4, 0 4),
                        8.. => add!(@ Kind::$kind, sum, x, 2, 0 2 4 6),
                        _ => add!(@ Kind::$kind, sum, x, 1, 0 1 2 3 4 5 6 7),
                    }
                }
            )*
        };
        (@ $kind:expr, $sum:ident, $x:ident, $num:literal, $($first:literal)*) => {{
            $(
                if $first < P * P * NI {
                    let inner = collect::<T, A, P, NI, $first, $num>($kind, $sum, factors);
                    add_sum::<T, A, P, NI, PARTS, $first, $num>($kind, $x, &inner, &mut totals);
                }
            )*
        }};
    }
    macro_rules! add_pairs {
        ($($kind:ident)*) => {
            $(
                let num = 2 * out.pairs[Kind::$kind as usize] as usize;
                let pairs = sums.split_off(..num).unwrap_or_default().as_chunks::<2>().0;
                // Registers that are left hold four parts of each.
                match A::held::<T>().saturating_sub(2 * P * NI) {
                    20.. => add_pairs!(@ Kind::$kind, pairs, 4, 0 4),
                    8.. => add_pairs!(@ Kind::$kind, pairs, 2, 0 2 4 6),
                    _ => add_pairs!(@ Kind::$kind, pairs, 1, 0 1 2 3 4 5 6 7),
                }
            )*
        };
        (@ $kind:expr, $pairs:ident, $num:literal, $($first:literal)*) => {{
            $(
                if $first < P * P * NI {
                    for [plus, minus] in $pairs {
                        ahead.step();
                        let x = plus.rows.map(|at| row::<T, P, NI>(factors.x, at * P as u32));
                        let plus = collect::<T, A, P, NI, $first, $num>($kind, plus, factors);
                        let kind = Kind::FirstConjugate;
                        let minus = collect::<T, A, P, NI, $first, $num>(kind, minus, factors);
                        add_pair::<T, A, P, NI, PARTS, $first, $num>(
                            $kind, x, &plus, &minus, &mut totals,
                        );
                    }
                }
            )*
        }};
    }
    if PARTS == 1 {
        add!(Real RealPart ImaginaryPart);
    } else {
        add_pairs!(Plain SecondConjugate RealSecond);
        add!(Plain SecondConjugate FirstConjugate RealFirst ImaginaryFirst RealSecond);
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
    const FIRST: usize,
    const M: usize,
>(
    kind: Kind,
    sum: &Sum,
    factors: &Factors<'_, T, P>,
) -> [[A::Sum<T>; M]; 2] {
    let mut parts = [[A::zero::<T>(); M]; 2];
    let [all, times_i] = &sum.terms;
    if !matches!(kind, Kind::Real | Kind::RealSecond) {
        for (c, y) in of_terms::<T, P, NI>(all, 2, factors) {
            add_weighted::<T, A, P, NI, FIRST, M>(&mut parts[0], c, &y[0]);
            add_weighted::<T, A, P, NI, FIRST, M>(&mut parts[1], c, &y[1]);
        }
        return parts;
    }
    for (c, y) in of_terms::<T, P, NI>(all, 1, factors) {
        add_weighted::<T, A, P, NI, FIRST, M>(&mut parts[0], c, &y[0]);
    }
    // Proper tensors alone have no degrees with an odd sum.
    if P > 1 && kind != Kind::Real {
        for (c, y) in of_terms::<T, P, NI>(times_i, 1, factors) {
            add_weighted::<T, A, P, NI, FIRST, M>(&mut parts[1], c, &y[0]);
        }
    }
    parts
}

/// Parity of the second factor, those of the first factor and of the target, and item: neighbours share the second
/// factor. Its parity is that of the two others together.
#[inline(always)]
fn number<const P: usize, const NI: usize>(n: usize) -> (usize, [usize; 2], usize) {
    let (inner, parity, i) = (n / (P * NI), n / NI % P, n % NI);
    (inner, [parity, (inner + parity) % P], i)
}

/// Weights times coefficients by parity of the second factor, with the parts of their entries.
#[inline(always)]
fn of_terms<'a, T, const P: usize, const NI: usize>(
    terms: &Terms,
    parts: usize,
    factors: &Factors<'a, T, P>,
) -> impl Iterator<Item = ([&'a Channels<T, P>; P], &'a [Row<T, P, NI>])> {
    let num = terms.num as usize;
    let rows = from(
        factors.second,
        terms.first * (P * NI) as u32,
        num * parts * P * NI,
    );
    let rows = rows.as_chunks::<NI>().0.as_chunks::<P>().0;
    let mut tables = factors.coefficients;
    for table in &mut tables {
        *table = from(table, terms.coefficients, num);
    }
    let rows = rows.chunks_exact(parts).enumerate();
    rows.map(move |(k, y)| (tables.map(|table| at(table, k as u32)), y))
}

/// `sum += c y` for all channels.
#[inline(always)]
fn add_weighted<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const NI: usize,
    const FIRST: usize,
    const M: usize,
>(
    sum: &mut [A::Sum<T>; M],
    c: [&Channels<T, P>; P],
    y: &Row<T, P, NI>,
) {
    for m in 0..M {
        let n = FIRST + m;
        let (inner, [parity, _], i) = number::<P, NI>(n);
        let y = &y[inner][i];
        A::add_multiple(&mut sum[m], y, A::load(&c[inner][parity]));
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
    const FIRST: usize,
    const M: usize,
>(
    kind: Kind,
    [c, s]: [&Row<T, P, NI>; 2],
    [re, im]: &[[A::Sum<T>; M]; 2],
    totals: &mut [Totals<T, A, P, NI>; PARTS],
) {
    if kind == Kind::ImaginaryPart {
        add::<T, A, P, NI, FIRST, M>(&mut totals[0], false, s, re);
        add::<T, A, P, NI, FIRST, M>(&mut totals[0], true, c, im);
        return;
    }
    if kind == Kind::ImaginaryFirst {
        add::<T, A, P, NI, FIRST, M>(&mut totals[0], true, c, im);
        add::<T, A, P, NI, FIRST, M>(&mut totals[PARTS - 1], false, c, re);
        return;
    }
    add::<T, A, P, NI, FIRST, M>(&mut totals[0], false, c, re);
    match kind {
        Kind::RealPart | Kind::FirstConjugate | Kind::SecondConjugate => {
            add::<T, A, P, NI, FIRST, M>(&mut totals[0], false, s, im);
        }
        Kind::Plain => add::<T, A, P, NI, FIRST, M>(&mut totals[0], true, s, im),
        Kind::RealSecond if P > 1 => add::<T, A, P, NI, FIRST, M>(&mut totals[0], true, s, im),
        _ => {}
    }
    if PARTS == 1 {
        return;
    }
    let imaginary = &mut totals[PARTS - 1];
    match kind {
        Kind::Plain => {
            add::<T, A, P, NI, FIRST, M>(imaginary, false, s, re);
            add::<T, A, P, NI, FIRST, M>(imaginary, false, c, im);
        }
        Kind::RealSecond => {
            add::<T, A, P, NI, FIRST, M>(imaginary, false, s, re);
            if P > 1 {
                add::<T, A, P, NI, FIRST, M>(imaginary, false, c, im);
            }
        }
        Kind::SecondConjugate => {
            add::<T, A, P, NI, FIRST, M>(imaginary, false, s, re);
            add::<T, A, P, NI, FIRST, M>(imaginary, true, c, im);
        }
        Kind::FirstConjugate => {
            add::<T, A, P, NI, FIRST, M>(imaginary, false, c, im);
            add::<T, A, P, NI, FIRST, M>(imaginary, true, s, re);
        }
        _ => add::<T, A, P, NI, FIRST, M>(imaginary, false, c, im),
    }
}

/// `totals += x plus + x* minus` with the complex conjugate of x, in half as many multiplications as one after the other.
#[inline(always)]
fn add_pair<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const NI: usize,
    const PARTS: usize,
    const FIRST: usize,
    const M: usize,
>(
    kind: Kind,
    [c, s]: [&Row<T, P, NI>; 2],
    [plus_re, plus_im]: &[[A::Sum<T>; M]; 2],
    [minus_re, minus_im]: &[[A::Sum<T>; M]; 2],
    totals: &mut [Totals<T, A, P, NI>; PARTS],
) {
    let mut sums = [[A::zero::<T>(); M]; 2];
    let mut differences = [[A::zero::<T>(); M]; 2];
    for m in 0..M {
        sums[0][m] = A::add(plus_re[m], minus_re[m]);
        sums[1][m] = A::add(minus_im[m], plus_im[m]);
        differences[0][m] = A::subtract(plus_re[m], minus_re[m]);
        differences[1][m] = A::subtract(minus_im[m], plus_im[m]);
    }
    add::<T, A, P, NI, FIRST, M>(&mut totals[0], false, c, &sums[0]);
    add::<T, A, P, NI, FIRST, M>(&mut totals[PARTS - 1], false, s, &differences[0]);
    if kind == Kind::SecondConjugate {
        // The imaginary part of the first one has the other sign.
        add::<T, A, P, NI, FIRST, M>(&mut totals[0], false, s, &sums[1]);
        add::<T, A, P, NI, FIRST, M>(&mut totals[PARTS - 1], false, c, &differences[1]);
    } else {
        add::<T, A, P, NI, FIRST, M>(&mut totals[0], false, s, &differences[1]);
        add::<T, A, P, NI, FIRST, M>(&mut totals[PARTS - 1], false, c, &sums[1]);
    }
}

/// `totals += x part` (or `-=`), summed over parities of the first factor.
#[inline(always)]
fn add<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const NI: usize,
    const FIRST: usize,
    const M: usize,
>(
    totals: &mut Totals<T, A, P, NI>,
    negative: bool,
    x: &Row<T, P, NI>,
    part: &[A::Sum<T>; M],
) {
    for m in 0..M {
        let n = FIRST + m;
        let (_, [parity, p], i) = number::<P, NI>(n);
        if negative {
            A::subtract_multiple(&mut totals[p][i], &x[parity][i], part[m]);
        } else {
            A::add_multiple(&mut totals[p][i], &x[parity][i], part[m]);
        }
    }
}

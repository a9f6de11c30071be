//! The derivative with respect to one argument with degrees: nothing but its sums is written to memory.
//!
//! With complex numbers as in `program.rs`
//!
//! ```text
//! Z[M] += X[m1] (sum over l2 of w a Y[M - m1])
//! ```
//!
//! where what is in brackets stays in registers, and weights times coefficients are the same for all items. Groups of
//! products, which serve several arguments, need as many multiplications, but write all products of entries and read
//! them again.

mod program;

pub(crate) use program::Fold;

use super::multiply::N;
use super::program::Kind;
use super::tile::{Buffers, Row, row, row_mut};
use crate::arithmetic::Arithmetic;
use crate::lanes::{self, Lanes};
use crate::place::{at, from};
use crate::prefetch::Ahead;
use crate::{CouplingPlan, Real};
use program::{Out, Sum, Terms};

/// Proper tensors are computed in halves of their items if both factors of all of them do not fit the nearest cache.
const HALF: usize = N / 2;
const NEAREST_CACHE: usize = 1 << 15;

/// Numbers of an entry of the target for all items.
type Totals<T, A, const P: usize, const NI: usize> = [[<A as Arithmetic>::Sum<T>; NI]; P];

/// A program with weights times coefficients, `(block of lanes, coefficient, channel)`.
pub(super) struct Weighted<'a, T> {
    pub program: &'a Fold,
    coefficients: Vec<Lanes<T>>,
    /// Rows of the first factor if items are computed in halves, otherwise 0.
    pub outer: usize,
}

impl<'a, T: Real> Weighted<'a, T> {
    /// From weights as `(block of lanes, path)`.
    pub fn new(program: &'a Fold, weights: &[Lanes<T>], plan: &CouplingPlan) -> Self {
        let mut coefficients = Vec::new();
        for weights in weights.chunks_exact(plan.path_places()) {
            for coefficient in &program.coefficients {
                let value = T::from_f64(coefficient.value);
                for &path in &coefficient.paths[..plan.channels()] {
                    let weight = at(weights, path);
                    coefficients.push(lanes::scaled(value, weight));
                }
            }
        }
        let [first, second] = program.roles.factors.map(|slot| slot.rows(plan));
        let bytes = (first + second) * N * size_of::<Lanes<T>>();
        let halves = plan.channels() == 1 && bytes > NEAREST_CACHE;
        Self {
            program,
            coefficients,
            outer: if halves { first } else { 0 },
        }
    }

    /// Times that a block asks for what is ahead.
    pub fn steps(&self) -> usize {
        self.program.sums.len()
    }

    /// Writes the target of the program.
    #[inline(always)]
    pub fn write<A: Arithmetic<Block<T> = Lanes<T>>, const P: usize, const NI: usize>(
        &self,
        block: usize,
        ahead: &mut Ahead,
        buffers: &mut Buffers<T, NI>,
    ) {
        // Only proper tensors have that many items.
        if NI == N && self.outer > 0 {
            for first in (0..NI).step_by(HALF) {
                self.write_items::<A, P, NI, HALF>(first, block, ahead, buffers);
            }
        } else {
            self.write_items::<A, P, NI, NI>(0, block, ahead, buffers);
        }
    }

    /// Writes `M` items of the target, from the item `first` on.
    #[inline(always)]
    fn write_items<
        A: Arithmetic<Block<T> = Lanes<T>>,
        const P: usize,
        const NI: usize,
        const M: usize,
    >(
        &self,
        first: usize,
        block: usize,
        ahead: &mut Ahead,
        buffers: &mut Buffers<T, NI>,
    ) {
        let program = self.program;
        let [x, y] = program.roles.factors.map(|slot| slot as usize);
        let Buffers {
            rows,
            sums,
            outer,
            inner,
            ..
        } = buffers;
        let (mut x, y) = (rows[x].as_slice(), rows[y].as_slice());
        if M < NI {
            for (to, from) in outer.chunks_exact_mut(M).zip(x.chunks_exact(NI)) {
                to.copy_from_slice(&from[first..first + M]);
            }
            x = outer;
        }
        for (to, &from) in inner.chunks_exact_mut(P * M).zip(&program.inner) {
            for (to, from) in to.chunks_exact_mut(M).zip(row::<T, P, NI>(y, from)) {
                to.copy_from_slice(&from[first..first + M]);
            }
        }
        let num = program.coefficients.len() * P * P;
        let coefficients = &self.coefficients[block * num..][..num];
        let factors = Factors {
            coefficients: coefficients.as_chunks::<P>().0.as_chunks::<P>().0,
            inner,
            x,
        };
        let target = sums[program.roles.target as usize].as_mut_slice();
        let mut of_outs = program.sums.as_slice();
        for out in &program.outs {
            if out.parts == 1 {
                let totals = sum_up::<T, A, P, M, 1>(out, &mut of_outs, &factors, ahead);
                write_out::<T, A, P, NI, M, 1>(out, first, &totals, target);
            } else {
                let totals = sum_up::<T, A, P, M, 2>(out, &mut of_outs, &factors, ahead);
                write_out::<T, A, P, NI, M, 2>(out, first, &totals, target);
            }
        }
    }
}

/// Weights times a coefficient by channels.
type Channels<T, const P: usize> = [[Lanes<T>; P]; P];

/// What is multiplied: both factors, the second one in the order of the program.
struct Factors<'a, T, const P: usize> {
    coefficients: &'a [Channels<T, P>],
    inner: &'a [Lanes<T>],
    x: &'a [Lanes<T>],
}

/// All sums of an entry of the target, times entries of the first factor.
#[inline(always)]
fn sum_up<
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

/// Writes an entry of the target for some items, from the item `first` on.
#[inline(always)]
fn write_out<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const NI: usize,
    const M: usize,
    const PARTS: usize,
>(
    out: &Out,
    first: usize,
    totals: &[Totals<T, A, P, M>; PARTS],
    target: &mut [Lanes<T>],
) {
    for part in 0..PARTS {
        let row = row_mut::<T, P, NI>(target, out.rows[part]);
        for p in 0..P {
            for i in 0..M {
                A::store::<T>(totals[part][p][i], &mut row[p][first + i]);
            }
        }
    }
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

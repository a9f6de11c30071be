//! What leads to an order of some degrees of the target.

use super::program::Step;
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::lanes::Lanes;
use crate::place::{at, from, from_mut};

/// What is read and written, one block of lanes of some items.
pub(super) struct Tile<'a, T> {
    pub coefficients: &'a [T],
    pub weights: &'a [Lanes<T>],
    /// Derivative with respect to the weight.
    pub totals: &'a mut [Lanes<T>],
    /// Rows of the factors, of the argument that is the target, and of its derivative, `(item, parity, row)`.
    pub factors: [&'a [Lanes<T>]; 2],
    pub values: &'a [Lanes<T>],
    pub target: &'a mut [Lanes<T>],
    /// Rows of a parity of the factors and of the target.
    pub rows: [usize; 3],
}

/// Both parts of complex numbers.
type Numbers<'a, T> = &'a [[Lanes<T>; 2]];

/// Sums of some items for `K` degrees of the target.
type Sums<T, A, const PARTS: usize, const K: usize> = [[<A as Arithmetic>::Sum<T>; PARTS]; K];

/// Runs a step that leads to `K` degrees, `M` items at a time.
#[inline(always)]
pub(super) fn run<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const NI: usize,
    const M: usize,
    const K: usize,
>(
    step: &Step,
    tile: &mut Tile<'_, T>,
) {
    if step.parts == 1 {
        run_channels::<T, A, P, NI, M, K, 1, false>(step, tile);
    } else if P > 1 && step.odd {
        run_channels::<T, A, P, NI, M, K, 2, true>(step, tile);
    } else {
        run_channels::<T, A, P, NI, M, K, 2, false>(step, tile);
    }
}

#[inline(always)]
fn run_channels<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const NI: usize,
    const M: usize,
    const K: usize,
    const PARTS: usize,
    const ODD: bool,
>(
    step: &Step,
    tile: &mut Tile<'_, T>,
) {
    for channel in 0..P * P {
        let parities = [channel / P, channel % P];
        let parity = (parities[0] + parities[1]) % P;
        let place = step.weight + channel as u32 * step.degrees;
        let weights = from(tile.weights, place, K);
        let mut totals = [A::zero::<T>(); K];
        for (total, lanes) in totals.iter_mut().zip(from(tile.totals, place, K)) {
            *total = A::load(lanes);
        }
        for first in (0..NI).step_by(M) {
            let sums = couple::<T, A, P, M, K, PARTS>(step, tile, first, parities);
            for i in 0..M {
                let row = ((first + i) * P + parity) * tile.rows[2];
                let place = row as u32 + step.target;
                let values = from(tile.values, place, PARTS * K).as_chunks().0;
                let target = from_mut(tile.target, place, PARTS * K).as_chunks_mut().0;
                add::<T, A, P, K, PARTS, ODD>(&sums[i], weights, values, target, &mut totals);
            }
        }
        for (total, lanes) in totals.iter().zip(from_mut(tile.totals, place, K)) {
            A::store::<T>(*total, lanes);
        }
    }
}

/// The rows of a factor that a step reads of an item.
#[inline(always)]
fn numbers<'a, T, const P: usize>(
    step: &Step,
    tile: &Tile<'a, T>,
    factor: usize,
    item_and_parity: [usize; 2],
) -> Numbers<'a, T> {
    let [item, parity] = item_and_parity;
    let row = (item * P + parity) * tile.rows[factor];
    let place = row as u32 + 2 * step.factors[factor];
    from(tile.factors[factor], place, 2 * step.products as usize)
        .as_chunks()
        .0
}

/// The sums of products times coefficients, of items from `first` on.
#[inline(always)]
fn couple<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const M: usize,
    const K: usize,
    const PARTS: usize,
>(
    step: &Step,
    tile: &Tile<'_, T>,
    first: usize,
    [p1, p2]: [usize; 2],
) -> [Sums<T, A, PARTS, K>; M] {
    let num = step.products;
    let coefficients = from(tile.coefficients, step.coefficients, num as usize * K);
    let mut factors: [[Numbers<'_, T>; 2]; M] = [[&[]; 2]; M];
    for i in 0..M {
        factors[i] = [
            numbers::<T, P>(step, tile, 0, [first + i, p1]),
            numbers::<T, P>(step, tile, 1, [first + i, p2]),
        ];
    }
    let mut sums = [[[A::zero::<T>(); PARTS]; K]; M];
    for (j, c) in (0..num).zip(coefficients.as_chunks::<K>().0) {
        for i in 0..M {
            let [x, z] = factors[i];
            let (x, z) = (at(x, j), at(z, num - 1 - j));
            let x = [A::load(&x[0]), A::load(&x[1])];
            let z = [A::load(&z[0]), A::load(&z[1])];
            let mut re = A::multiply(x[0], z[0]);
            A::subtract_multiple_sum(&mut re, x[1], z[1]);
            let mut im = re;
            if PARTS > 1 || P > 1 && K > 1 {
                im = A::multiply(x[0], z[1]);
                A::add_multiple_sum(&mut im, x[1], z[0]);
            }
            for k in 0..K {
                // Of M = 0 only real parts count in even and imaginary parts in odd degrees; the first one is even.
                let imaginary = PARTS == 1 && P > 1 && k % 2 == 1;
                let first = if imaginary { im } else { re };
                A::add_scaled_sum(&mut sums[i][k][0], c[k], first);
                if PARTS > 1 {
                    A::add_scaled_sum(&mut sums[i][k][PARTS - 1], c[k], im);
                }
            }
        }
    }
    sums
}

/// Adds the sums of an item to the target, times weights, and to the weights, times values of the target.
#[inline(always)]
fn add<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const K: usize,
    const PARTS: usize,
    const ODD: bool,
>(
    sums: &Sums<T, A, PARTS, K>,
    weights: &[Lanes<T>],
    values: &[[Lanes<T>; PARTS]],
    target: &mut [[Lanes<T>; PARTS]],
    totals: &mut [A::Sum<T>; K],
) {
    for k in 0..K {
        let weight = A::load(&weights[k]);
        // i (A + i B) = -B + i A.
        let odd = PARTS > 1 && P > 1 && (k % 2 == 1) != ODD;
        for part in 0..PARTS {
            let to = if odd { PARTS - 1 - part } else { part };
            let sum = sums[k][part];
            let mut number = A::load(&target[k][to]);
            if odd && part == 1 {
                A::subtract_multiple_sum(&mut number, weight, sum);
                A::subtract_multiple(&mut totals[k], &values[k][to], sum);
            } else {
                A::add_multiple_sum(&mut number, weight, sum);
                A::add_multiple(&mut totals[k], &values[k][to], sum);
            }
            A::store::<T>(number, &mut target[k][to]);
        }
    }
}

//! What leads to an order of some degrees of the target.

use super::program::Step;
use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::lanes::Lanes;
use crate::place::{at, at_mut, from, from_mut};

/// What is read and written, one block of lanes of some items.
pub(super) struct Tile<'a, T> {
    pub coefficients: &'a [T],
    /// Numbers of both factors of each product.
    pub products: &'a [[u32; 2]],
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

/// Sums for `K` degrees of the target.
type Sums<T, A, const PARTS: usize, const K: usize> = [[<A as Arithmetic>::Sum<T>; PARTS]; K];

/// Runs a step that leads to `K` degrees.
#[inline(always)]
pub(super) fn run<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const NI: usize,
    const K: usize,
>(
    step: &Step,
    tile: &mut Tile<'_, T>,
) {
    // Two sums at a time if registers hold both: of two items, or of the two channels that lead to the same parity, as
    // the target is read and written once for both.
    if K > 4 && A::held::<T>() < 32 {
        run_parts::<T, A, P, NI, 1, 1, K>(step, tile);
    } else if P > 1 {
        run_parts::<T, A, P, NI, 1, P, K>(step, tile);
    } else {
        run_parts::<T, A, P, NI, 2, 1, K>(step, tile);
    }
}

#[inline(always)]
fn run_parts<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const NI: usize,
    const M: usize,
    const C: usize,
    const K: usize,
>(
    step: &Step,
    tile: &mut Tile<'_, T>,
) {
    if step.parts == 1 {
        run_channels::<T, A, P, NI, M, C, K, 1, false>(step, tile);
    } else if P > 1 && step.odd {
        run_channels::<T, A, P, NI, M, C, K, 2, true>(step, tile);
    } else {
        run_channels::<T, A, P, NI, M, C, K, 2, false>(step, tile);
    }
}

/// For `M` items and `C` channels at a time.
#[inline(always)]
fn run_channels<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const NI: usize,
    const M: usize,
    const C: usize,
    const K: usize,
    const PARTS: usize,
    const ODD: bool,
>(
    step: &Step,
    tile: &mut Tile<'_, T>,
) {
    for parity in 0..P {
        for channel in (0..P).step_by(C) {
            for item in (0..NI).step_by(M) {
                let mut lots = [[Lot::default(); C]; M];
                for i in 0..M {
                    for c in 0..C {
                        let first = channel + c;
                        lots[i][c] = Lot {
                            item: item + i,
                            parities: [first, (parity + P - first) % P],
                        };
                    }
                }
                let sums = couple::<T, A, P, M, C, K, PARTS>(step, tile, &lots);
                add::<T, A, P, M, C, K, PARTS, ODD>(step, tile, &lots, &sums);
            }
        }
    }
}

/// An item and the parities of the factors, which are a channel.
#[derive(Debug, Clone, Copy, Default)]
struct Lot {
    item: usize,
    parities: [usize; 2],
}

/// The numbers of a factor of an item.
#[inline(always)]
fn numbers<'a, T, const P: usize>(tile: &Tile<'a, T>, factor: usize, lot: Lot) -> Numbers<'a, T> {
    let rows = tile.rows[factor];
    let row = (lot.item * P + lot.parities[factor]) * rows;
    from(tile.factors[factor], row as u32, rows).as_chunks().0
}

/// The sums of products times coefficients.
#[inline(always)]
fn couple<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const M: usize,
    const C: usize,
    const K: usize,
    const PARTS: usize,
>(
    step: &Step,
    tile: &Tile<'_, T>,
    lots: &[[Lot; C]; M],
) -> [[Sums<T, A, PARTS, K>; C]; M] {
    let lots = lots.as_flattened();
    let mut factors: [[[Numbers<'_, T>; 2]; C]; M] = [[[&[]; 2]; C]; M];
    for (factors, &lot) in factors.as_flattened_mut().iter_mut().zip(lots) {
        *factors = [numbers::<T, P>(tile, 0, lot), numbers::<T, P>(tile, 1, lot)];
    }
    let factors = factors.as_flattened();
    let products = from(tile.products, step.first_product, step.products as usize);
    let num = step.reals + step.products;
    let coefficients = from(tile.coefficients, step.coefficients, num as usize * K);
    let (coefficients, _) = coefficients.as_chunks::<K>();
    let mut sums = [[[[A::zero::<T>(); PARTS]; K]; C]; M];
    let flat = sums.as_flattened_mut();
    if let Some([x, z]) = step.first_real {
        let c = at(coefficients, 0);
        for i in 0..M * C {
            let real = &at(factors[i][0], x)[0];
            add_real::<T, A, P, K, PARTS>(&mut flat[i], c, real, at(factors[i][1], z));
        }
    }
    if let Some([x, z]) = step.second_real {
        let c = at(coefficients, step.reals - 1);
        for i in 0..M * C {
            let real = &at(factors[i][1], z)[0];
            add_real::<T, A, P, K, PARTS>(&mut flat[i], c, real, at(factors[i][0], x));
        }
    }
    let coefficients = from(coefficients, step.reals, step.products as usize);
    for (c, &[x, z]) in coefficients.iter().zip(products) {
        for i in 0..M * C {
            let (x, z) = (at(factors[i][0], x), at(factors[i][1], z));
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
                A::add_scaled_sum(&mut flat[i][k][0], c[k], first);
                if PARTS > 1 {
                    A::add_scaled_sum(&mut flat[i][k][PARTS - 1], c[k], im);
                }
            }
        }
    }
    sums
}

/// Adds the product of a real number and another one, which is real as well if there is one part.
#[inline(always)]
fn add_real<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const K: usize,
    const PARTS: usize,
>(
    sums: &mut Sums<T, A, PARTS, K>,
    coefficients: &[T; K],
    real: &Lanes<T>,
    number: &[Lanes<T>; 2],
) {
    let real = A::load(real);
    for part in 0..PARTS {
        let product = A::multiply(real, A::load(&number[part]));
        for k in 0..K {
            // See above.
            if PARTS > 1 || P == 1 || k % 2 == 0 {
                A::add_scaled_sum(&mut sums[k][part], coefficients[k], product);
            }
        }
    }
}

/// Adds sums to the target, times weights, and to the weights, times values of the target.
#[inline(always)]
fn add<
    T: Real,
    A: Arithmetic<Block<T> = Lanes<T>>,
    const P: usize,
    const M: usize,
    const C: usize,
    const K: usize,
    const PARTS: usize,
    const ODD: bool,
>(
    step: &Step,
    tile: &mut Tile<'_, T>,
    lots: &[[Lot; C]; M],
    sums: &[[Sums<T, A, PARTS, K>; C]; M],
) {
    let mut places = [0; C];
    for c in 0..C {
        let [first, second] = lots[0][c].parities;
        places[c] = step.weight + (first * P + second) as u32 * step.degrees;
    }
    for k in 0..K {
        // i (A + i B) = -B + i A.
        let odd = PARTS > 1 && P > 1 && (k % 2 == 1) != ODD;
        let mut weights = [A::zero::<T>(); C];
        let mut totals = [A::zero::<T>(); C];
        for c in 0..C {
            weights[c] = A::load(at(tile.weights, places[c] + k as u32));
            totals[c] = A::load(at(tile.totals, places[c] + k as u32));
        }
        for i in 0..M {
            let Lot { item, parities } = lots[i][0];
            let parity = (parities[0] + parities[1]) % P;
            let row = (item * P + parity) * tile.rows[2] + PARTS * k;
            let place = row as u32 + step.target;
            let values = from(tile.values, place, PARTS);
            let target = from_mut(tile.target, place, PARTS);
            for part in 0..PARTS {
                let to = if odd { PARTS - 1 - part } else { part };
                let value = A::load(&values[to]);
                let mut number = A::load(&target[to]);
                for c in 0..C {
                    let sum = sums[i][c][k][part];
                    if odd && part == 1 {
                        A::subtract_multiple_sum(&mut number, weights[c], sum);
                        A::subtract_multiple_sum(&mut totals[c], value, sum);
                    } else {
                        A::add_multiple_sum(&mut number, weights[c], sum);
                        A::add_multiple_sum(&mut totals[c], value, sum);
                    }
                }
                A::store::<T>(number, &mut target[to]);
            }
        }
        for c in 0..C {
            A::store::<T>(totals[c], at_mut(tile.totals, places[c] + k as u32));
        }
    }
}

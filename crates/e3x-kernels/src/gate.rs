//! Scalar gates on features: `y[b, p, f] = s[b, f] x[b, p, f]` and its derivatives.
//!
//! The product is a partial derivative of the trilinear form `sum z s x`; the other two are the
//! same product with another pair, and the sum over `p` of [`contract`].

use std::mem::MaybeUninit;

use crate::arithmetic::{Arithmetic, with_arithmetic};
use crate::error::check_len;
use crate::lanes::{self, LANES, Lanes};
use crate::{Real, Result, par};

/// Values per task.
const TASK: usize = 1 << 13;

/// What one value costs, in multiply-adds of a kernel.
const WORK: usize = 3;

/// Sizes of features seen as `items` blocks of `rows` rows of `width` values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateShape {
    /// Number of items (product of the batch axes).
    pub items: usize,
    /// Rows of one item (parity times degrees).
    pub rows: usize,
    /// Values in a row (features).
    pub width: usize,
}

impl GateShape {
    /// Number of values of an item.
    pub fn block(&self) -> usize {
        self.rows * self.width
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.items * self.block()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn check<T>(&self, gate: (&'static str, &[T]), full: (&'static str, &[T])) -> Result<()> {
        check_len(gate.0, gate.1.len(), self.items * self.width)?;
        check_len(full.0, full.1.len(), self.len())
    }
}

/// `y[b, p, f] = s[b, f] x[b, p, f]`.
///
/// # Errors
/// If a slice has the wrong size.
pub fn multiply<T: Real>(shape: GateShape, s: &[T], x: &[T]) -> Result<Vec<T>> {
    shape.check(("s", s), ("x", x))?;
    Ok(with_arithmetic!(A => each_item::<T, A, _>(shape, Multiply { s, x })))
}

/// `s[b, f] = sum_p z[b, p, f] x[b, p, f]`.
///
/// # Errors
/// If a slice has the wrong size.
pub fn contract<T: Real>(shape: GateShape, z: &[T], x: &[T]) -> Result<Vec<T>> {
    check_len("z", z.len(), shape.len())?;
    check_len("x", x.len(), shape.len())?;
    Ok(with_arithmetic!(A => each_item::<T, A, _>(shape, Contract { z, x })))
}

/// The vector-Jacobian product of `x -> g(x[:, 0, :]) x` in one pass:
/// `g z`, and in row 0 additionally `g' sum_p z x`.
///
/// # Errors
/// If a slice has the wrong size.
pub fn pull_back<T: Real>(
    shape: GateShape,
    g: &[T],
    slope: &[T],
    x: &[T],
    z: &[T],
) -> Result<Vec<T>> {
    shape.check(("g", g), ("x", x))?;
    shape.check(("slope", slope), ("z", z))?;
    let pull_back = PullBack { g, slope, x, z };
    Ok(with_arithmetic!(A => each_item::<T, A, _>(shape, pull_back)))
}

/// What is done to each item, one block of features after the other: sums stay in registers.
///
/// # Safety
/// `block` must write that block of all rows of its result.
unsafe trait PerItem<T: Real>: Sync {
    /// Rows of the result.
    fn rows(&self, shape: GateShape) -> usize;

    /// Writes a block of features of all rows of the result.
    fn block<A>(&self, block: Block, y: &mut [MaybeUninit<T>])
    where
        A: Arithmetic<Block<T> = Lanes<T>>;
}

struct Multiply<'a, T> {
    s: &'a [T],
    x: &'a [T],
}

struct Contract<'a, T> {
    z: &'a [T],
    x: &'a [T],
}

struct PullBack<'a, T> {
    g: &'a [T],
    slope: &'a [T],
    x: &'a [T],
    z: &'a [T],
}

// SAFETY: each row of y belongs to a row of x.
unsafe impl<T: Real> PerItem<T> for Multiply<'_, T> {
    fn rows(&self, shape: GateShape) -> usize {
        shape.rows
    }

    #[inline(always)]
    fn block<A>(&self, block: Block, y: &mut [MaybeUninit<T>])
    where
        A: Arithmetic<Block<T> = Lanes<T>>,
    {
        let s = block.read::<T, A>(block.of_gate(self.s));
        let x = block.of_item(self.x);
        for p in 0..block.shape.rows {
            let product = A::multiply(s, block.read::<T, A>(&x[block.start(p)..]));
            block.write::<T, A>(product, &mut y[block.start(p)..]);
        }
    }
}

// SAFETY: the result is one row.
unsafe impl<T: Real> PerItem<T> for Contract<'_, T> {
    fn rows(&self, _: GateShape) -> usize {
        1
    }

    #[inline(always)]
    fn block<A>(&self, block: Block, y: &mut [MaybeUninit<T>])
    where
        A: Arithmetic<Block<T> = Lanes<T>>,
    {
        let mut sum = A::zero();
        let (z, x) = (block.of_item(self.z), block.of_item(self.x));
        for p in 0..block.shape.rows {
            let z = block.read::<T, A>(&z[block.start(p)..]);
            A::add_multiple_sum(&mut sum, z, block.read::<T, A>(&x[block.start(p)..]));
        }
        block.write::<T, A>(sum, &mut y[block.at..]);
    }
}

// SAFETY: each row of y belongs to a row of z.
unsafe impl<T: Real> PerItem<T> for PullBack<'_, T> {
    fn rows(&self, shape: GateShape) -> usize {
        shape.rows
    }

    #[inline(always)]
    fn block<A>(&self, block: Block, y: &mut [MaybeUninit<T>])
    where
        A: Arithmetic<Block<T> = Lanes<T>>,
    {
        let g = block.read::<T, A>(block.of_gate(self.g));
        let (mut sum, mut first) = (A::zero(), A::zero());
        let (z, x) = (block.of_item(self.z), block.of_item(self.x));
        for p in 0..block.shape.rows {
            let z = block.read::<T, A>(&z[block.start(p)..]);
            A::add_multiple_sum(&mut sum, z, block.read::<T, A>(&x[block.start(p)..]));
            let product = A::multiply(g, z);
            if p == 0 {
                first = product;
            } else {
                block.write::<T, A>(product, &mut y[block.start(p)..]);
            }
        }
        // Row 0 depends on the gate as well.
        let slope = block.read::<T, A>(block.of_gate(self.slope));
        A::add_multiple_sum(&mut first, slope, sum);
        block.write::<T, A>(first, &mut y[block.at..]);
    }
}

/// Some features of an item that are computed together.
#[derive(Debug, Clone, Copy)]
struct Block {
    shape: GateShape,
    item: usize,
    /// The first feature.
    at: usize,
    /// How many there are, at most [`LANES`].
    features: usize,
}

impl Block {
    /// Numbers of the gate from this block on.
    #[inline(always)]
    fn of_gate<T>(self, gate: &[T]) -> &[T] {
        &gate[self.item * self.shape.width + self.at..]
    }

    /// The numbers of this item.
    #[inline(always)]
    fn of_item<T>(self, numbers: &[T]) -> &[T] {
        &numbers[self.item * self.shape.block()..][..self.shape.block()]
    }

    /// Where this block starts in a row of an item.
    #[inline(always)]
    fn start(self, row: usize) -> usize {
        row * self.shape.width + self.at
    }

    /// Reads the block; lanes without features are zero.
    #[inline(always)]
    fn read<T: Real, A>(self, row: &[T]) -> A::Sum<T>
    where
        A: Arithmetic<Block<T> = Lanes<T>>,
    {
        if self.features == LANES {
            A::load_row(row)
        } else {
            A::load(&lanes::load(&row[..self.features], 0))
        }
    }

    /// Writes the block.
    #[inline(always)]
    fn write<T: Real, A>(self, sum: A::Sum<T>, row: &mut [MaybeUninit<T>])
    where
        A: Arithmetic<Block<T> = Lanes<T>>,
    {
        if self.features == LANES {
            A::write_row(sum, row);
        } else {
            let mut block = Lanes::zero();
            A::store(sum, &mut block);
            row[..self.features].write_copy_of_slice(&block.0[..self.features]);
        }
    }
}

/// The results of all items, in parallel where it pays.
fn each_item<T: Real, A, P: PerItem<T>>(shape: GateShape, f: P) -> Vec<T>
where
    A: Arithmetic<Block<T> = Lanes<T>>,
{
    let items = TASK.div_ceil(shape.block().max(1));
    let size = f.rows(shape) * shape.width;
    let ends = par::even_ends(shape.items * size, items * size);
    let write = |task: usize, results: &mut [MaybeUninit<T>]| {
        A::vectorized(
            #[inline(always)]
            || {
                for (i, y) in results.chunks_exact_mut(size).enumerate() {
                    let item = task * items + i;
                    let block = |at: usize, features: usize| Block {
                        shape,
                        item,
                        at,
                        features,
                    };
                    let full = shape.width / LANES * LANES;
                    for at in (0..full).step_by(LANES) {
                        f.block::<A>(block(at, LANES), y);
                    }
                    if full < shape.width {
                        f.block::<A>(block(full, shape.width - full), y);
                    }
                }
            },
        );
    };
    // SAFETY: tasks have whole items, of which all blocks are written.
    unsafe { par::filled(&ends, shape.len() * WORK, write) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: GateShape = GateShape {
        items: 2,
        rows: 3,
        width: 2,
    };

    fn numbers(n: usize, seed: f64) -> Vec<f64> {
        (0..n).map(|i| (seed + 1.7 * i as f64).sin()).collect()
    }

    #[test]
    fn the_three_derivatives_of_the_trilinear_form_agree() {
        let (s, x, z) = (numbers(4, 0.1), numbers(12, 0.5), numbers(12, 0.9));
        let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        let form = dot(&multiply(SHAPE, &s, &x).unwrap(), &z);
        assert!((form - dot(&multiply(SHAPE, &s, &z).unwrap(), &x)).abs() < 1e-14);
        assert!((form - dot(&contract(SHAPE, &z, &x).unwrap(), &s)).abs() < 1e-14);
        assert_eq!(multiply(SHAPE, &s, &x).unwrap()[7], s[3] * x[7]);
    }

    #[test]
    fn pull_back_adds_to_the_first_row_only() {
        let (g, d) = (numbers(4, 0.1), numbers(4, 0.3));
        let (x, z) = (numbers(12, 0.5), numbers(12, 0.9));
        let y = pull_back(SHAPE, &g, &d, &x, &z).unwrap();
        let plain = multiply(SHAPE, &g, &z).unwrap();
        let sums = contract(SHAPE, &z, &x).unwrap();
        for (i, (&y, &plain)) in y.iter().zip(&plain).enumerate() {
            let (b, rest) = (i / 6, i % 6);
            let extra = if rest < 2 {
                d[2 * b + rest] * sums[2 * b + rest]
            } else {
                0.0
            };
            assert!((y - plain - extra).abs() < 1e-15);
        }
    }

    /// Rows that are blocks of lanes and a rest, on several threads.
    #[test]
    fn wide_rows_are_computed_like_numbers() {
        for (items, rows, width) in [(1, 1, 16), (3, 9, 37), (2, 4, 64), (40, 18, 33)] {
            let shape = GateShape { items, rows, width };
            let (gates, len) = (items * width, shape.len());
            let (g, d) = (numbers(gates, 0.1), numbers(gates, 0.3));
            let (x, z) = (numbers(len, 0.5), numbers(len, 0.9));
            let gate = |i: usize| i / shape.block() * width + i % width;
            let mut sums = vec![0.0; gates];
            for i in 0..len {
                sums[gate(i)] += z[i] * x[i];
            }
            let products = multiply(shape, &g, &z).unwrap();
            let contracted = contract(shape, &z, &x).unwrap();
            let y = pull_back(shape, &g, &d, &x, &z).unwrap();
            for i in 0..len {
                let first = i % shape.block() < width;
                let extra = if first {
                    d[gate(i)] * sums[gate(i)]
                } else {
                    0.0
                };
                assert_eq!(products[i], g[gate(i)] * z[i]);
                assert!((y[i] - products[i] - extra).abs() < 1e-14);
                assert!((contracted[gate(i)] - sums[gate(i)]).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn wrong_sizes_are_errors_and_empty_is_fine() {
        assert!(multiply(SHAPE, &[0.0f32; 3], &[0.0; 12]).is_err());
        assert!(contract(SHAPE, &[0.0f32; 12], &[0.0; 11]).is_err());
        let no_rows = GateShape { rows: 0, ..SHAPE };
        assert_eq!(contract::<f32>(no_rows, &[], &[]), Ok(vec![0.0; 4]));
        let zeros = [0.0_f32; 4];
        assert_eq!(pull_back(no_rows, &zeros, &zeros, &[], &[]), Ok(vec![]));
        let no_features = GateShape { width: 0, ..SHAPE };
        assert!(contract::<f32>(no_features, &[], &[]).unwrap().is_empty());
        let none = GateShape { items: 0, ..SHAPE };
        assert!(multiply::<f32>(none, &[], &[]).unwrap().is_empty());
    }
}

//! Scalar gates on features: `y[b, p, f] = s[b, f] x[b, p, f]` and its derivatives.
//!
//! The product is a partial derivative of the trilinear form `sum z s x`; the other two are the
//! same product with another pair, and the sum over `p` of [`contract`].

use std::mem::MaybeUninit;

use crate::error::check_len;
use crate::lanes::vectorized;
use crate::{Real, Result, par};

/// Values per task.
const TASK: usize = 1 << 13;

/// What one value costs, in multiply-adds of a kernel.
const WORK: usize = 4;

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
    // SAFETY: all products of an item are written.
    let values = unsafe {
        each_item(
            shape,
            shape.block(),
            #[inline(always)]
            |b: usize, y: &mut [MaybeUninit<T>]| {
                let gate = &s[b * shape.width..][..shape.width];
                write_products(gate, &x[b * shape.block()..][..shape.block()], y);
            },
        )
    };
    Ok(values)
}

/// `s[b, f] = sum_p z[b, p, f] x[b, p, f]`.
///
/// # Errors
/// If a slice has the wrong size.
pub fn contract<T: Real>(shape: GateShape, z: &[T], x: &[T]) -> Result<Vec<T>> {
    check_len("z", z.len(), shape.len())?;
    check_len("x", x.len(), shape.len())?;
    // SAFETY: all sums of an item are written.
    let values = unsafe {
        each_item(
            shape,
            shape.width,
            #[inline(always)]
            |b: usize, s: &mut [MaybeUninit<T>]| {
                let block = b * shape.block()..(b + 1) * shape.block();
                let sum = zeros(s);
                accumulate(sum, &z[block.clone()], &x[block]);
            },
        )
    };
    Ok(values)
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
    // SAFETY: all products of an item are written.
    let values = unsafe {
        each_item(
            shape,
            shape.block(),
            #[inline(always)]
            |b: usize, y: &mut [MaybeUninit<T>]| {
                let row = b * shape.width..(b + 1) * shape.width;
                let block = b * shape.block()..(b + 1) * shape.block();
                let (gate, slope, z) = (&g[row.clone()], &slope[row], &z[block.clone()]);
                write_products(gate, z, y);
                // The sums replace those numbers of row 0 until its products are added.
                let Some((first, _)) = y.split_at_mut_checked(shape.width) else {
                    return;
                };
                let sum = zeros(first);
                accumulate(sum, z, &x[block]);
                for (((y, &d), &g), &z) in sum.iter_mut().zip(slope).zip(gate).zip(z) {
                    *y = g * z + d * *y;
                }
            },
        )
    };
    Ok(values)
}

/// `y[p, f] = s[f] x[p, f]`.
#[inline(always)]
fn write_products<T: Real>(s: &[T], x: &[T], y: &mut [MaybeUninit<T>]) {
    for (y, x) in y.chunks_exact_mut(s.len()).zip(x.chunks_exact(s.len())) {
        for ((y, &x), &s) in y.iter_mut().zip(x).zip(s) {
            y.write(s * x);
        }
    }
}

/// Fills a row with zeros.
#[inline(always)]
fn zeros<T: Real>(row: &mut [MaybeUninit<T>]) -> &mut [T] {
    row.fill(MaybeUninit::new(T::ZERO));
    // SAFETY: all values were just written.
    unsafe { row.assume_init_mut() }
}

/// Adds `z[p, f] x[p, f]` over all rows to `sum[f]`.
#[inline(always)]
fn accumulate<T: Real>(sum: &mut [T], z: &[T], x: &[T]) {
    let width = sum.len();
    for (z, x) in z.chunks_exact(width).zip(x.chunks_exact(width)) {
        for ((sum, &z), &x) in sum.iter_mut().zip(z).zip(x) {
            *sum += z * x;
        }
    }
}

/// `f(item, block)` writes blocks of `size` values, in parallel where it pays.
///
/// # Safety
/// `f` must write all values of a block.
unsafe fn each_item<T: Real>(
    shape: GateShape,
    size: usize,
    f: impl Fn(usize, &mut [MaybeUninit<T>]) + Sync,
) -> Vec<T> {
    let items = TASK.div_ceil(shape.block().max(1));
    let ends = par::even_ends(shape.items * size, items * size);
    let write = |task: usize, blocks: &mut [MaybeUninit<T>]| {
        vectorized(
            #[inline(always)]
            || {
                for (i, block) in blocks.chunks_exact_mut(size).enumerate() {
                    f(task * items + i, block);
                }
            },
        );
    };
    // SAFETY: tasks have whole blocks, all of which are written.
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

    #[test]
    fn wrong_sizes_are_errors_and_empty_is_fine() {
        assert!(multiply(SHAPE, &[0.0f32; 3], &[0.0; 12]).is_err());
        assert!(contract(SHAPE, &[0.0f32; 12], &[0.0; 11]).is_err());
        let none = GateShape { items: 0, ..SHAPE };
        assert!(multiply::<f32>(none, &[], &[]).unwrap().is_empty());
    }
}

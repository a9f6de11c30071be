//! Scalar gates on features: `y[b, p, f] = s[b, f] x[b, p, f]` and its derivatives.
//!
//! The product is a partial derivative of the trilinear form `sum z s x`; the other two are the
//! same product with another pair, and the sum over `p` of [`contract`].

use crate::error::check_len;
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
    let mut y = x.to_vec();
    each_item(shape, &mut y, shape.block(), |b, block| {
        let gate = &s[b * shape.width..][..shape.width];
        for row in block.chunks_exact_mut(shape.width) {
            for (y, &g) in row.iter_mut().zip(gate) {
                *y *= g;
            }
        }
    });
    Ok(y)
}

/// `s[b, f] = sum_p z[b, p, f] x[b, p, f]`.
///
/// # Errors
/// If a slice has the wrong size.
pub fn contract<T: Real>(shape: GateShape, z: &[T], x: &[T]) -> Result<Vec<T>> {
    check_len("z", z.len(), shape.len())?;
    check_len("x", x.len(), shape.len())?;
    let mut s = vec![T::ZERO; shape.items * shape.width];
    each_item(shape, &mut s, shape.width, |b, sum| {
        let block = b * shape.block()..(b + 1) * shape.block();
        accumulate(sum, &z[block.clone()], &x[block]);
    });
    Ok(s)
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
    let mut y = z.to_vec();
    each_item(shape, &mut y, shape.block(), |b, block| {
        let gate = &g[b * shape.width..][..shape.width];
        let slope = &slope[b * shape.width..][..shape.width];
        let x = &x[b * shape.block()..][..shape.block()];
        let mut sum = vec![T::ZERO; shape.width];
        accumulate(&mut sum, block, x);
        for row in block.chunks_exact_mut(shape.width) {
            for (y, &g) in row.iter_mut().zip(gate) {
                *y *= g;
            }
        }
        for ((y, &d), &sum) in block.iter_mut().zip(slope).zip(&sum) {
            *y += d * sum;
        }
    });
    Ok(y)
}

/// Adds `z[p, f] x[p, f]` over all rows to `sum[f]`.
fn accumulate<T: Real>(sum: &mut [T], z: &[T], x: &[T]) {
    let width = sum.len();
    for (z, x) in z.chunks_exact(width).zip(x.chunks_exact(width)) {
        for ((sum, &z), &x) in sum.iter_mut().zip(z).zip(x) {
            *sum += z * x;
        }
    }
}

/// Runs `f(item, block)` over blocks of `size` values, in parallel where it pays.
fn each_item<T: Real>(
    shape: GateShape,
    out: &mut [T],
    size: usize,
    f: impl Fn(usize, &mut [T]) + Sync,
) {
    if shape.is_empty() {
        return;
    }
    let items = TASK.div_ceil(shape.block());
    par::for_each_chunk(out, items * size, shape.len() * WORK, |task, blocks| {
        for (i, block) in blocks.chunks_exact_mut(size).enumerate() {
            f(task * items + i, block);
        }
    });
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

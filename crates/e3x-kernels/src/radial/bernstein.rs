//! Bernstein polynomials with exact binomial coefficients.

use super::{Numbers, Table};
use crate::arithmetic::Arithmetic;
use crate::lanes::LANES;

/// Above this degree a Bernstein polynomial is built up by convex combinations, because its
/// binomial coefficients overflow.
pub(super) const LARGE_DEGREE: usize = 500;

/// Integers below this are exact.
const EXACT: f64 = (1u64 << f64::MANTISSA_DIGITS) as f64;

impl Table {
    /// `d/dt B(k, n) = n (B(k-1, n-1) - B(k, n-1))`, `order` times, from the polynomials of
    /// degree `n - order`. No division, so nothing is special at 0 and 1. Values outside are those
    /// at 0 or 1.
    #[inline(always)]
    pub(super) fn bernstein<A>(&self, t: &Numbers, rows: &mut [Numbers])
    where
        A: Arithmetic<Block<f64> = Numbers>,
    {
        if self.order >= self.num {
            rows.fill(Numbers::zero());
            return;
        }
        let (mut inside, mut s, mut factors) = (*t, *t, *t);
        for i in 0..LANES {
            inside[i] = t[i].clamp(0.0, 1.0);
            s[i] = 1.0 - inside[i];
            let is_inside = inside[i] == t[i];
            factors[i] = if is_inside { self.factor } else { 0.0 };
        }
        let (t, s) = (A::load(&inside), A::load(&s));
        let degree = self.num - 1 - self.order;
        if degree > LARGE_DEGREE {
            convex_combinations::<A>(t, s, &mut rows[..=degree]);
        } else {
            self.products::<A>(t, s, &mut rows[..=degree]);
        }
        if self.order == 0 {
            return;
        }
        for n in degree + 1..self.num {
            differences::<A>(&mut rows[..=n]);
        }
        let factors: A::Sum<f64> = A::load(&factors);
        for row in rows {
            A::store(A::multiply(A::load(row), factors), row);
        }
    }

    /// `C(n, k) t^k s^(n - k)`: the powers of `t` from the first on, those of `s` from the last on.
    #[inline(always)]
    fn products<A>(&self, t: A::Sum<f64>, s: A::Sum<f64>, rows: &mut [Numbers])
    where
        A: Arithmetic<Block<f64> = Numbers>,
    {
        let one: A::Sum<f64> = A::load(&Numbers::one());
        let mut power = one;
        for (row, &binomial) in rows.iter_mut().zip(&self.binomials) {
            let mut product = A::zero();
            A::add_scaled_sum(&mut product, binomial, power);
            A::store(product, row);
            power = A::multiply(power, t);
        }
        power = one;
        for row in rows.iter_mut().rev() {
            A::store(A::multiply(A::load(row), power), row);
            power = A::multiply(power, s);
        }
    }
}

/// The difference of each row to the one before. What was in the last row does not matter.
#[inline(always)]
fn differences<A>(rows: &mut [Numbers])
where
    A: Arithmetic<Block<f64> = Numbers>,
{
    let one: A::Sum<f64> = A::load(&Numbers::one());
    if let Some(last) = rows.last_mut() {
        *last = Numbers::zero();
    }
    let mut below: A::Sum<f64> = A::zero();
    for row in rows {
        let this = A::load(row);
        A::subtract_multiple_sum(&mut below, this, one);
        A::store(below, row);
        below = this;
    }
}

/// `B(k, n) = s B(k, n - 1) + t B(k - 1, n - 1)`.
#[inline(always)]
fn convex_combinations<A>(t: A::Sum<f64>, s: A::Sum<f64>, rows: &mut [Numbers])
where
    A: Arithmetic<Block<f64> = Numbers>,
{
    rows.fill(Numbers::zero());
    rows[0] = Numbers::one();
    for n in 1..rows.len() {
        let mut below: A::Sum<f64> = A::zero();
        for row in &mut rows[..=n] {
            let this = A::load(row);
            let mut sum = A::multiply(t, below);
            A::add_multiple_sum(&mut sum, s, this);
            A::store(sum, row);
            below = this;
        }
    }
}

/// `C(n, k)` for all `k`: exact below 2^53, correctly rounded while integers of 128 bits hold the
/// numbers, and with a rounding error per step beyond.
pub(super) fn binomial_row(n: usize) -> Vec<f64> {
    let mut row = vec![1.0; n + 1];
    if n > LARGE_DEGREE {
        return row;
    }
    let mut exact = Some(1u128);
    for k in 1..=n / 2 {
        let (top, bottom) = (n + 1 - k, k);
        let product = row[k - 1] * top as f64;
        if product < EXACT {
            row[k] = product / bottom as f64;
            exact = Some(row[k] as u128);
            continue;
        }
        exact = exact
            .and_then(|value| value.checked_mul(top as u128))
            .map(|product| product / bottom as u128);
        row[k] = match exact {
            Some(value) => value as f64,
            None => product / bottom as f64,
        };
    }
    for k in 0..=n / 2 {
        row[n - k] = row[k];
    }
    row
}

//! Complex Clebsch–Gordan coefficients of integer degrees.

use crate::exact::{coupling_range, coupling_sum, pascal};
use num_bigint::BigInt;
use num_traits::ToPrimitive;

/// The largest `l1 + l2 + l3` for which the sum of products of three binomials fits into 128 bits: it is at most
/// `2^(l1+l2+l3)`.
const MAX_SUM_128: usize = 120;

/// `⟨l1 m1 l2 m2|l3 m1+m2⟩` for fixed degrees.
///
/// With `J = l1+l2+l3`, `A = J-2 l3`, `B = J-2 l2`, `C = J-2 l1` and binomial coefficients `(n over k)`, Racah's formula
/// (Physical Review 62, 438 (1942)) is
///
/// ```text
/// √[ (2l1 over A) (2l2 over A) / ((J+1 over A) (2l1 over l1-m1) (2l2 over l2-m2) (2l3 over l3-m3)) ]
///   · Σ_k (-1)^k (A over k) (B over l1-m1-k) (C over l2+m2-k)
/// ```
///
/// The alternating sum is an integer and computed exactly; the rest are products of positive numbers.
pub(super) struct Coupling {
    degree2: isize,
    /// The coefficients for `m1 = 0..=l1` and `m2 = -l2..=l2`; zero where `|m1+m2| > l3`.
    values: Vec<f64>,
}

enum Rows {
    Small([Vec<i128>; 3]),
    Large([Vec<BigInt>; 3]),
}

impl Coupling {
    /// Nothing if the degrees do not satisfy the triangle inequality.
    pub(super) fn new(degrees: [usize; 3]) -> Option<Self> {
        let [l1, l2, l3] = degrees;
        if l3 > l1 + l2 || l3 < l1.abs_diff(l2) {
            return None;
        }
        let sum = l1 + l2 + l3;
        let excess = [sum - 2 * l3, sum - 2 * l2, sum - 2 * l1];
        let rows = if sum <= MAX_SUM_128 {
            Rows::Small(excess.map(|n| pascal(n, |k| k as i128)))
        } else {
            Rows::Large(excess.map(|n| pascal(n, BigInt::from)))
        };
        let [row1, row2, row3] = degrees.map(|l| roots(2 * l));
        let factor = row1[excess[0]] * row2[excess[0]] / roots(sum + 1)[excess[0]];
        let mut values = Vec::with_capacity((l1 + 1) * (2 * l2 + 1));
        for m1 in 0..=l1 {
            for up2 in 0..=2 * l2 {
                // l3 + m3, with m2 = up2 - l2.
                let Some(up3) = (l3 + m1 + up2).checked_sub(l2).filter(|&up3| up3 <= 2 * l3) else {
                    values.push(0.0);
                    continue;
                };
                let sum = match &rows {
                    Rows::Small(rows) => small_sum(rows, l1 - m1, up2),
                    // Never out of range: the sum has at most 3 · 200 bits.
                    Rows::Large(rows) => coupling_sum(rows, l1 - m1, up2)
                        .to_f64()
                        .unwrap_or(f64::NAN),
                };
                values.push(sum / row1[l1 - m1] / row2[up2] * factor / row3[up3]);
            }
        }
        Some(Self {
            degree2: l2 as isize,
            values,
        })
    }

    /// The coefficient for orders with `0 <= m1 <= l1`, `|m2| <= l2`, `|m1+m2| <= l3`.
    pub(super) fn coefficient(&self, m1: isize, m2: isize) -> f64 {
        self.values[(m1 * (2 * self.degree2 + 1) + self.degree2 + m2) as usize]
    }
}

fn small_sum(rows: &[Vec<i128>; 3], down1: usize, up2: usize) -> f64 {
    let [a, b, c] = rows;
    let mut sum = 0;
    for k in coupling_range([a.len(), b.len(), c.len()], down1, up2) {
        let term = a[k] * b[down1 - k] * c[up2 - k];
        sum += if k % 2 == 0 { term } else { -term };
    }
    sum as f64
}

/// The square roots of the binomial coefficients of `n`.
fn roots(n: usize) -> Vec<f64> {
    if n <= MAX_SUM_128 + 1 {
        let row = pascal(n, |k| k as i128);
        return row.into_iter().map(|value| (value as f64).sqrt()).collect();
    }
    let row = pascal(n, BigInt::from);
    row.iter()
        .map(|value| value.to_f64().unwrap_or(f64::NAN).sqrt())
        .collect()
}

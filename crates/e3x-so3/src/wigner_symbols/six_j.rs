//! 6j symbols.

use super::{MAX_ANGULAR_MOMENTUM, is_triad};
use crate::exact::{binomial, factorials, pascal, times_root};
use crate::half_integer::doubled_momenta;
use crate::{HalfInteger, Result};
use num_bigint::BigInt;
use num_traits::{One, Zero};

/// Wigner's 6j symbol.
///
/// ```text
/// { j1 j2 j3 }
/// {          }    with j = [j1, j2, j3, j4, j5, j6]
/// { j4 j5 j6 }
/// ```
///
/// It is zero unless each of the triads `(j1, j2, j3)`, `(j1, j5, j6)`, `(j4, j2, j6)` and `(j4, j5, j3)` adds up to an
/// integer and satisfies the triangle inequality. With their sums `a1, ..., a4`, with `b1, b2, b3` for the sums of all
/// but `j3, j6`, all but `j1, j4` and all but `j2, j5`, and with
/// `Δ²(a, b, c) = (a+b-c)! (a-b+c)! (-a+b+c)! / (a+b+c+1)!`, the value is Racah's formula (Physical Review 62, 438
/// (1942))
///
/// ```text
/// Δ(j1 j2 j3) Δ(j1 j5 j6) Δ(j4 j2 j6) Δ(j4 j5 j3) (a1+1)! / ((b3-a2)! (b1-a3)! (b2-a4)!)
///   · Σ_t (-1)^t (t+1 over t-a1) (b3-a2 over t-a2) (b1-a3 over t-a3) (b2-a4 over t-a4)
/// ```
///
/// with an exact integer sum and the root of an exact fraction, so that only the last few bits are rounded.
///
/// # Errors
///
/// When a `j` is negative or above [`MAX_ANGULAR_MOMENTUM`].
///
/// # Example
///
/// ```
/// use e3x_so3::{HalfInteger, wigner_6j};
/// assert!((wigner_6j([1, 1, 1, 1, 1, 1])? - 1.0 / 6.0).abs() < 1e-15);
/// let j = [1, 1, 2, 1, 1, 2].map(HalfInteger::halves);
/// assert!((wigner_6j(j)? - 1.0 / 6.0).abs() < 1e-15);
/// assert_eq!(wigner_6j([1, 1, 3, 1, 1, 1])?, 0.0);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn wigner_6j<J: Into<HalfInteger>>(j: [J; 6]) -> Result<f64> {
    let [j1, j2, j3, j4, j5, j6] = doubled_momenta("j", j.map(Into::into), MAX_ANGULAR_MOMENTUM)?;
    let triads = [[j1, j2, j3], [j1, j5, j6], [j4, j2, j6], [j4, j5, j3]];
    if !triads.iter().all(|&triad| is_triad(triad)) {
        return Ok(0.0);
    }
    let a = triads.map(|triad| triad.iter().sum::<usize>() / 2);
    let b = [[j1, j2, j4, j5], [j2, j3, j5, j6], [j3, j1, j6, j4]]
        .map(|four| four.iter().sum::<usize>() / 2);
    let excess = [b[2] - a[1], b[0] - a[2], b[1] - a[3]];

    let factorials = factorials(a.into_iter().max().unwrap_or(0) + 1);
    let mut numerator = &factorials[a[0] + 1] * &factorials[a[0] + 1];
    let mut denominator = BigInt::one();
    for n in excess {
        denominator *= &factorials[n] * &factorials[n];
    }
    for (triad, sum) in triads.iter().zip(a) {
        for momentum in triad {
            numerator *= &factorials[sum - momentum];
        }
        denominator *= &factorials[sum + 1];
    }
    Ok(times_root(&sum(a, b, excess), &numerator, &denominator))
}

/// The alternating sum.
fn sum(a: [usize; 4], b: [usize; 3], excess: [usize; 3]) -> BigInt {
    let rows = excess.map(|n| pascal(n, BigInt::from));
    let (Some(first), Some(last)) = (a.into_iter().max(), b.into_iter().min()) else {
        return BigInt::zero();
    };
    let mut leading = binomial(first + 1, first - a[0]);
    let mut total = BigInt::zero();
    for t in first..=last {
        let mut term = leading.clone();
        for (row, a) in rows.iter().zip(&a[1..]) {
            term *= &row[t - a];
        }
        if t % 2 == 0 {
            total += term;
        } else {
            total -= term;
        }
        leading = leading * (t + 2) / (t + 1 - a[0]);
    }
    total
}

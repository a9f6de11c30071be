//! 3j symbols and the coefficients of Clebsch and Gordan.

use super::{MAX_ANGULAR_MOMENTUM, is_triad};
use crate::exact::{binomial, coupling_sum, pascal, times_root};
use crate::half_integer::doubled_momenta;
use crate::{Error, HalfInteger, Result};
use num_bigint::BigInt;

/// Wigner's 3j symbol.
///
/// ```text
/// ( j1 j2 j3 )   (-1)^(j1-j2-m3)
/// (          ) = --------------- ⟨j1 m1 j2 m2|j3 -m3⟩
/// ( m1 m2 m3 )      √(2 j3 + 1)
/// ```
///
/// with Condon and Shortley's phase. It is zero unless `m1 + m2 + m3 = 0`, every `|m| <= j`, and the `j` satisfy the
/// triangle inequality.
///
/// The value is Racah's formula (Physical Review 62, 438 (1942)) as a root of a fraction times an integer sum, both
/// exact, so that only the last few bits are rounded, for arguments of any size.
///
/// # Errors
///
/// When a `j` is negative or above [`MAX_ANGULAR_MOMENTUM`], or a `j` is an integer and its `m` is not, or the other
/// way round: there are no such states.
///
/// # Example
///
/// ```
/// use e3x_so3::{HalfInteger, wigner_3j};
/// assert!((wigner_3j([2, 1, 1], [0, 0, 0])? - (2.0_f64 / 15.0).sqrt()).abs() < 1e-15);
/// let [half, one] = [1, 2].map(HalfInteger::halves);
/// let symbol = wigner_3j([half, half, one], [half, half, -one])?;
/// assert!((symbol + 3.0_f64.sqrt().recip()).abs() < 1e-15);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn wigner_3j<J: Into<HalfInteger>>(j: [J; 3], m: [J; 3]) -> Result<f64> {
    let m = m.map(Into::into);
    let j = momenta(j.map(Into::into), m)?;
    let [m1, m2, m3] = m.map(HalfInteger::doubled);
    if m1 + m2 + m3 != 0 {
        return Ok(0.0);
    }
    let numerator = coupling(j, [m1, m2, -m3], &BigInt::from(j[2] + 1));
    // Whole, because every j and its m are.
    let quarter = j[0] as i64 - j[1] as i64 - m3;
    Ok(if quarter % 4 == 0 {
        numerator
    } else {
        -numerator
    })
}

/// The coefficient of Clebsch and Gordan `⟨j1 m1 j2 m2|j3 m3⟩` of complex representations, with Condon and Shortley's
/// phase.
///
/// It is zero unless `m1 + m2 = m3`, every `|m| <= j`, and the `j` satisfy the triangle inequality. See [`wigner_3j`]
/// for the method, and [`clebsch_gordan_terms`](crate::clebsch_gordan_terms) for real representations.
///
/// # Errors
///
/// As [`wigner_3j`].
///
/// # Example
///
/// ```
/// use e3x_so3::{HalfInteger, clebsch_gordan_coefficient};
/// // Two spins of one half make a singlet, antisymmetric.
/// let [zero, half] = [0, 1].map(HalfInteger::halves);
/// let singlet = clebsch_gordan_coefficient([half, half, zero], [half, -half, zero])?;
/// assert!((singlet - 0.5_f64.sqrt()).abs() < 1e-15);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn clebsch_gordan_coefficient<J: Into<HalfInteger>>(j: [J; 3], m: [J; 3]) -> Result<f64> {
    let m = m.map(Into::into);
    let j = momenta(j.map(Into::into), m)?;
    let m = m.map(HalfInteger::doubled);
    if m[0] + m[1] != m[2] {
        return Ok(0.0);
    }
    Ok(coupling(j, m, &BigInt::from(1)))
}

/// Twice the values of the `j`, if there are states with these quantum numbers.
fn momenta(j: [HalfInteger; 3], m: [HalfInteger; 3]) -> Result<[usize; 3]> {
    let doubled = doubled_momenta("j", j, MAX_ANGULAR_MOMENTUM)?;
    for (j, m) in j.into_iter().zip(m) {
        if (j.doubled() - m.doubled()) % 2 != 0 {
            return Err(Error::Invalid {
                argument: "m",
                expected: format!("a whole number away from j = {j}"),
                actual: m.to_string(),
            });
        }
    }
    Ok(doubled)
}

/// `⟨j1 m1 j2 m2|j3 m3⟩ / √divisor` for `m1 + m2 = m3`, from twice the quantum numbers.
///
/// The formula is that of the module `clebsch_gordan::complex`.
fn coupling(j: [usize; 3], m: [i64; 3], divisor: &BigInt) -> f64 {
    let exists = j.iter().zip(m).all(|(&j, m)| m.unsigned_abs() <= j as u64);
    if !exists || !is_triad(j) {
        return 0.0;
    }
    let sum = j.iter().sum::<usize>() / 2;
    let excess = [sum - j[2], sum - j[1], sum - j[0]];
    let down1 = ((j[0] as i64 - m[0]) / 2) as usize;
    let [up2, up3] = [1, 2].map(|i| i64::midpoint(j[i] as i64, m[i]) as usize);
    let rows = excess.map(|n| pascal(n, BigInt::from));
    let numerator = binomial(j[0], excess[0]) * binomial(j[1], excess[0]);
    let denominator = divisor
        * binomial(sum + 1, excess[0])
        * binomial(j[0], down1)
        * binomial(j[1], up2)
        * binomial(j[2], up3);
    times_root(&coupling_sum(&rows, down1, up2), &numerator, &denominator)
}

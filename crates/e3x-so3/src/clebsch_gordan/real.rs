//! Real coefficients from complex ones.

use super::ClebschGordanTerm;
use super::complex::Coupling;
use crate::Order;
use std::f64::consts::FRAC_1_SQRT_2;

/// The non-zero real coefficients for degrees `[l1, l2, l3]`, sorted.
pub(super) fn terms(degrees: [usize; 3], order: Order) -> Vec<ClebschGordanTerm> {
    let [l1, l2, l3] = degrees;
    let Some(coupling) = Coupling::new(degrees) else {
        return Vec::new();
    };
    let mut terms = Vec::with_capacity(2 * (2 * l1 + 1) * (2 * l2 + 1));
    for position1 in 0..=2 * l1 {
        let m1 = order.m(l1, position1);
        for position2 in 0..=2 * l2 {
            let m2 = order.m(l2, position2);
            let start = terms.len();
            for m3 in candidates(degrees, m1, m2) {
                let value = coefficient(&coupling, degrees, [m1, m2, m3]);
                if value != 0.0 {
                    terms.push(ClebschGordanTerm {
                        m1: position1 as u16,
                        m2: position2 as u16,
                        m3: order.position(l3, m3) as u16,
                        value,
                    });
                }
            }
            terms[start..].sort_by_key(|term| term.m3);
        }
    }
    terms
}

/// The orders `m3` that can couple with `m1` and `m2`.
///
/// `|m3|` is the sum or the difference of `|m1|` and `|m2|`. A negative order carries a factor `i`, and the total must
/// be real, which fixes the sign of `m3`.
fn candidates(degrees: [usize; 3], m1: isize, m2: isize) -> impl Iterator<Item = isize> {
    let [l1, l2, l3] = degrees;
    let imaginary = (l1 + l2 + l3 + usize::from(m1 < 0) + usize::from(m2 < 0)) % 2 == 1;
    let (sum, difference) = (m1.abs() + m2.abs(), (m1.abs() - m2.abs()).abs());
    let second = (sum != difference).then_some(difference);
    [Some(sum), second]
        .into_iter()
        .flatten()
        .filter(move |&m| m <= l3 as isize && !(imaginary && m == 0))
        .map(move |m| if imaginary { -m } else { m })
}

/// A coefficient whose orders satisfy [`candidates`].
fn coefficient(coupling: &Coupling, degrees: [usize; 3], m: [isize; 3]) -> f64 {
    let [l1, l2, l3] = degrees;
    // Of the two complex terms, related by reversing all orders, the one with a non-negative first order.
    let complex1 = m[0].abs();
    let complex2 = if m[0].abs() + m[1].abs() == m[2].abs() {
        m[1].abs()
    } else {
        -m[1].abs()
    };
    let complex = [complex1, complex2, complex1 + complex2];
    // The phase is a power of i: one for each negative order (conjugated for the third), times signs.
    let mut quarter_turns = (l1 + l2) as isize - l3 as isize;
    let mut negative = false;
    for i in 0..3 {
        quarter_turns += isize::from(m[i] < 0) * if i == 2 { -1 } else { 1 };
        // U(m, m') has the sign (-1)^m for m' > 0, reversed for m < 0.
        negative ^= complex[i] > 0 && (m[i] % 2 != 0) != (m[i] < 0);
    }
    negative ^= quarter_turns.rem_euclid(4) == 2;
    // (1/√2)³ twice without zeros, (1/√2)² twice with one zero, and once 1 with three zeros.
    let weight = if m.contains(&0) { 1.0 } else { FRAC_1_SQRT_2 };
    let value = weight * coupling.coefficient(complex1, complex2);
    if negative { -value } else { value }
}

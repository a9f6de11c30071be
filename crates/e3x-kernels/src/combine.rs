//! Linear combinations of arrays of one size.

use std::mem::MaybeUninit;

use crate::error::check_len;
use crate::lanes::vectorized;
use crate::{Real, Result, par};

/// Values per task.
const TASK: usize = 1 << 13;

/// What one value of an operand costs, in multiply-adds of a kernel.
const WORK: usize = 2;

/// The sum of `factors[i] * terms[i]`, one factor for each term; nothing without terms.
///
/// # Errors
/// If the terms, or factors and terms, differ in their numbers.
///
/// ```
/// let [x, y] = [[1.0f32, 2.0], [3.0, 4.0]];
/// let difference = e3x_kernels::combine::combine(&[1.0, -1.0], &[&x, &y])?;
/// assert_eq!(difference, [-2.0, -2.0]);
/// # Ok::<(), e3x_kernels::Error>(())
/// ```
pub fn combine<T: Real>(factors: &[T], terms: &[&[T]]) -> Result<Vec<T>> {
    check_len("factors", factors.len(), terms.len())?;
    let len = terms.first().map_or(0, |term| term.len());
    for term in terms {
        check_len("terms", term.len(), len)?;
    }
    let ends = par::even_ends(len, TASK);
    let work = len * terms.len() * WORK;
    let add = |task: usize, out: &mut [MaybeUninit<T>]| {
        let start = task * TASK;
        vectorized(
            #[inline(always)]
            || add_terms(factors, terms, start, out),
        );
    };
    // SAFETY: every number is written: there are numbers only if there are terms.
    Ok(unsafe { par::filled(&ends, work, add) })
}

/// Two terms at a time; the first two are written, the others added.
#[inline(always)]
fn add_terms<T: Real>(factors: &[T], terms: &[&[T]], start: usize, out: &mut [MaybeUninit<T>]) {
    let part = |i: usize| &terms[i][start..start + out.len()];
    let (x, c) = (part(0), factors[0]);
    let mut next = 1;
    if terms.len() == 1 {
        for (out, &x) in out.iter_mut().zip(x) {
            out.write(c * x);
        }
    } else {
        let (y, d) = (part(1), factors[1]);
        next = 2;
        for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
            out.write(c * x + d * y);
        }
    }
    for (term, &c) in terms[next..].iter().zip(&factors[next..]) {
        let x = &term[start..start + out.len()];
        for (out, &x) in out.iter_mut().zip(x) {
            // SAFETY: it was written above.
            let sum = unsafe { out.assume_init_mut() };
            *sum += c * x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_terms_of_several_tasks_is_added() {
        let term = |i: usize| -> Vec<f64> { (0..TASK + 5).map(|n| (i * n) as f64).collect() };
        let terms: Vec<Vec<f64>> = (1..=4).map(term).collect();
        for num in 0..=4 {
            let factors = [2.0, -1.0, 0.5, 3.0];
            let slices: Vec<&[f64]> = terms[..num].iter().map(Vec::as_slice).collect();
            let sum = combine(&factors[..num], &slices).unwrap();
            let factor: f64 = (0..num).map(|i| factors[i] * (i + 1) as f64).sum();
            assert_eq!(sum.len(), if num > 0 { TASK + 5 } else { 0 });
            assert!(sum.iter().enumerate().all(|(n, &x)| x == factor * n as f64));
        }
        assert!(combine(&[1.0, 1.0], &[&[1.0][..], &[1.0, 2.0]]).is_err());
        assert!(combine(&[1.0], &[&[1.0][..], &[1.0]]).is_err());
    }
}

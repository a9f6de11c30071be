//! The change of basis between complex and real spherical harmonics.

use crate::error::check_degree;
use crate::harmonics::MAX_DEGREE;
use crate::{Order, Result};
use num_complex::Complex64;
use std::f64::consts::FRAC_1_SQRT_2;

/// The unitary matrix that makes real harmonics of one degree from complex ones, of shape
/// `(2·degree+1, 2·degree+1)`.
///
/// ```text
/// real[i] = Σ_m U[i, degree + m] complex[m]
/// ```
///
/// Rows are the real harmonics in the chosen order, columns the complex ones, `m = -degree, ..., degree`, with Condon
/// and Shortley's phase (`Y(l, -m) = (-1)^m Y*(l, m)`) and the same normalization. In the row of order `m`,
///
/// ```text
/// U(m, m') = (δ(m,-m') + (-1)^m δ(m,m')) / √2     m > 0
/// U(m, m') = δ(0,m')                              m = 0
/// U(m, m') = i (δ(m,m') - (-1)^m δ(-m,m')) / √2   m < 0
/// ```
///
/// (E3x, arXiv 2401.07595, appendix.) Coefficients of an expansion in harmonics change by the conjugate matrix: if
/// `f = Σ c[m] complex[m] = Σ x[i] real[i]`, then `x[i] = Σ_m U*[i, degree + m] c[m]`.
///
/// # Errors
///
/// When `degree` is above [`MAX_DEGREE`](crate::MAX_DEGREE).
///
/// # Example
///
/// ```
/// let u = e3x_so3::complex_to_real(1, true)?;
/// // x = (Y(1, -1) - Y(1, 1)) / √2
/// assert!((u[0].re - 0.5_f64.sqrt()).abs() < 1e-15 && (u[2].re + 0.5_f64.sqrt()).abs() < 1e-15);
/// assert_eq!(u[1].norm(), 0.0);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn complex_to_real(degree: usize, cartesian_order: bool) -> Result<Vec<Complex64>> {
    check_degree("degree", MAX_DEGREE, degree)?;
    let (order, size) = (Order::from_cartesian(cartesian_order), 2 * degree + 1);
    let mut matrix = vec![Complex64::ZERO; size * size];
    for (i, row) in matrix.chunks_exact_mut(size).enumerate() {
        for (m, value) in real_in_complex(order.m(degree, i)) {
            row[degree.wrapping_add_signed(m)] = value;
        }
    }
    Ok(matrix)
}

/// The matrix that makes complex harmonics of one degree from real ones: the inverse, and conjugate transpose, of
/// [`complex_to_real`].
///
/// ```text
/// complex[m] = Σ_i U*[i, degree + m] real[i]
/// ```
///
/// Shape `(2·degree+1, 2·degree+1)`, rows `m = -degree, ..., degree`.
///
/// # Errors
///
/// When `degree` is above [`MAX_DEGREE`](crate::MAX_DEGREE).
///
/// # Example
///
/// ```
/// // Y(1, 1) = -(x + i y) / √2
/// let matrix = e3x_so3::real_to_complex(1, true)?;
/// let last = &matrix[6..];
/// assert!((last[0].re + 0.5_f64.sqrt()).abs() < 1e-15 && (last[1].im + 0.5_f64.sqrt()).abs() < 1e-15);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn real_to_complex(degree: usize, cartesian_order: bool) -> Result<Vec<Complex64>> {
    let matrix = complex_to_real(degree, cartesian_order)?;
    let size = 2 * degree + 1;
    Ok((0..size * size)
        .map(|i| matrix[i % size * size + i / size].conj())
        .collect())
}

/// The non-zero elements `(m', U(m, m'))` of the row of order `m`.
fn real_in_complex(m: isize) -> Vec<(isize, Complex64)> {
    let (real, imaginary) = (
        Complex64::new(FRAC_1_SQRT_2, 0.0),
        Complex64::new(0.0, FRAC_1_SQRT_2),
    );
    let sign = if m % 2 == 0 { 1.0 } else { -1.0 };
    match m {
        0 => vec![(0, Complex64::ONE)],
        1.. => vec![(-m, real), (m, real * sign)],
        _ => vec![(m, imaginary), (-m, imaginary * -sign)],
    }
}

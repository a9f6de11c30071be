//! Solid harmonics.

use super::output::Output;
use super::recursion::Recursion;
use super::{MAX_DEGREE, derivative_terms};
use crate::error::check_degree;
use crate::{Order, Real, Result, num_harmonics};

/// A term of the derivative table in the precision of the harmonics.
#[derive(Debug, Clone, Copy)]
struct Term<T> {
    axis: usize,
    row: usize,
    col: usize,
    coefficient: T,
}

/// Real solid harmonics of all degrees up to a largest one, with derivatives.
///
/// ```text
/// R(l, m)(r) = |r|^l Y(l, m)(r / |r|)
/// ```
///
/// with Racah-normalized spherical harmonics `Y`: homogeneous polynomials of degree `l` in `x, y, z` that satisfy
/// Laplace's equation, for example `x, y, z` for degree 1. Sign, scale and order are those of
/// `e3x.so3.solid_harmonics` (arXiv 2401.07595). With `cos` and `sin` for the real and imaginary part of `(x+iy)^|m|`
/// divided by the distance from the z-axis to the power `|m|`, and `P` for the associated Legendre functions without
/// Condon and Shortley's sign,
///
/// ```text
/// Y(l, 0) = P(l, 0)(z)
/// Y(l, m) = √(2 (l-|m|)! / (l+|m|)!) P(l, |m|)(z) · { cos for m > 0, sin for m < 0 }
/// ```
///
/// The coefficients of the recursion are computed once, when the struct is built; evaluation takes `O((L+1)²)`
/// operations a point. Derivatives come from [`derivative_terms`] and are exact everywhere, at the origin and on the
/// axes as well.
///
/// # Example
///
/// ```
/// use e3x_so3::SolidHarmonics;
///
/// let solid = SolidHarmonics::<f64>::new(1, true)?;
/// let (mut values, mut gradients) = ([0.0; 4], [0.0; 12]);
/// solid.values_and_gradients(&[1.0, 2.0, 3.0], &mut values, &mut gradients)?;
/// assert_eq!(values, [1.0, 1.0, 2.0, 3.0]);
/// assert_eq!(gradients[9..], [0.0, 0.0, 1.0]); // the gradient of z
/// # Ok::<(), e3x_so3::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SolidHarmonics<T> {
    max_degree: usize,
    recursion: Recursion<T>,
    terms: Vec<Term<T>>,
}

impl<T: Real> SolidHarmonics<T> {
    /// Prepares the evaluation of all degrees `0..=max_degree`.
    ///
    /// # Errors
    ///
    /// When `max_degree` is above [`MAX_DEGREE`].
    ///
    /// # Example
    ///
    /// ```
    /// assert!(e3x_so3::SolidHarmonics::<f32>::new(3, true).is_ok());
    /// ```
    pub fn new(max_degree: usize, cartesian_order: bool) -> Result<Self> {
        check_degree("max_degree", MAX_DEGREE, max_degree)?;
        let terms = derivative_terms(max_degree, cartesian_order)?
            .iter()
            .map(|term| Term {
                axis: term.axis,
                row: term.row,
                col: term.col,
                coefficient: T::from_f64(term.coefficient),
            })
            .collect();
        Ok(Self {
            max_degree,
            recursion: Recursion::new(max_degree, Order::from_cartesian(cartesian_order)),
            terms,
        })
    }

    /// The largest degree `L`.
    ///
    /// ```
    /// assert_eq!(e3x_so3::SolidHarmonics::<f64>::new(3, true)?.max_degree(), 3);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn max_degree(&self) -> usize {
        self.max_degree
    }

    /// The number of harmonics `(L+1)²`.
    ///
    /// ```
    /// assert_eq!(e3x_so3::SolidHarmonics::<f64>::new(3, true)?.num_harmonics(), 16);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn num_harmonics(&self) -> usize {
        num_harmonics(self.max_degree)
    }

    /// The values at `n` points `r` of shape `(n, 3)`, written to `values` of shape `(n, (L+1)²)`.
    ///
    /// # Errors
    ///
    /// When a length does not fit.
    ///
    /// # Example
    ///
    /// ```
    /// let solid = e3x_so3::SolidHarmonics::<f32>::new(1, false)?;
    /// let mut values = [0.0; 8];
    /// solid.values(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &mut values)?;
    /// assert_eq!(values, [1.0, 2.0, 3.0, 1.0, 1.0, 5.0, 6.0, 4.0]);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn values(&self, r: &[T], values: &mut [T]) -> Result<()> {
        self.evaluate_all(
            r,
            Output {
                values,
                gradients: None,
                hessians: None,
            },
        )
    }

    /// The values as [`SolidHarmonics::values`] and their `gradients` of shape `(n, (L+1)², 3)`.
    ///
    /// # Errors
    ///
    /// When a length does not fit.
    ///
    /// # Example
    ///
    /// ```
    /// let solid = e3x_so3::SolidHarmonics::<f64>::new(0, true)?;
    /// let (mut values, mut gradients) = ([0.0; 1], [1.0; 3]);
    /// solid.values_and_gradients(&[1.0, 2.0, 3.0], &mut values, &mut gradients)?;
    /// assert_eq!(gradients, [0.0; 3]); // of the constant 1
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn values_and_gradients(
        &self,
        r: &[T],
        values: &mut [T],
        gradients: &mut [T],
    ) -> Result<()> {
        self.evaluate_all(
            r,
            Output {
                values,
                gradients: Some(gradients),
                hessians: None,
            },
        )
    }

    /// Values and gradients as [`SolidHarmonics::values_and_gradients`] and the `hessians` of shape
    /// `(n, (L+1)², 3, 3)`.
    ///
    /// # Errors
    ///
    /// When a length does not fit.
    ///
    /// # Example
    ///
    /// ```
    /// let solid = e3x_so3::SolidHarmonics::<f64>::new(2, true)?;
    /// let (mut values, mut gradients, mut hessians) = ([0.0; 9], [0.0; 27], [0.0; 81]);
    /// solid.values_gradients_and_hessians(&[1.0, 2.0, 3.0], &mut values, &mut gradients, &mut hessians)?;
    /// // The last harmonic of degree 2 is z² - (x² + y²)/2.
    /// let expected = [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 2.0];
    /// assert!(hessians[72..].iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-14));
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn values_gradients_and_hessians(
        &self,
        r: &[T],
        values: &mut [T],
        gradients: &mut [T],
        hessians: &mut [T],
    ) -> Result<()> {
        self.evaluate_all(
            r,
            Output {
                values,
                gradients: Some(gradients),
                hessians: Some(hessians),
            },
        )
    }

    fn evaluate_all(&self, r: &[T], output: Output<'_, T>) -> Result<()> {
        let mut scratch = self.scratch();
        output.for_each_point(r, self.num_harmonics(), |r, mut output| {
            self.evaluate(r, &mut scratch, &mut output);
        })
    }

    /// Working memory for [`Self::evaluate`].
    pub(super) fn scratch(&self) -> Vec<T> {
        vec![T::ZERO; self.num_harmonics()]
    }

    /// Values and the requested derivatives at one point.
    pub(super) fn evaluate(&self, r: [T; 3], scratch: &mut [T], output: &mut Output<'_, T>) {
        self.recursion.values(r, scratch, output.values);
        let Some(gradients) = output.gradients.as_deref_mut() else {
            return;
        };
        gradients.fill(T::ZERO);
        for term in &self.terms {
            gradients[3 * term.row + term.axis] += term.coefficient * output.values[term.col];
        }
        let Some(hessians) = output.hessians.as_deref_mut() else {
            return;
        };
        hessians.fill(T::ZERO);
        for term in &self.terms {
            for axis in 0..3 {
                hessians[9 * term.row + 3 * term.axis + axis] +=
                    term.coefficient * gradients[3 * term.col + axis];
            }
        }
    }
}

/// The solid harmonics of all degrees `0..=max_degree` at `n` points `r` of shape `(n, 3)`, as a new array of shape
/// `(n, (max_degree+1)²)`.
///
/// The counterpart of `e3x.so3.solid_harmonics`; see [`SolidHarmonics`] for the definition, and for repeated use.
///
/// # Errors
///
/// When the length of `r` is not a multiple of 3 or `max_degree` is above [`MAX_DEGREE`].
///
/// # Example
///
/// ```
/// assert_eq!(e3x_so3::solid_harmonics(&[1.0, 2.0, 3.0], 1, true)?, [1.0, 1.0, 2.0, 3.0]);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn solid_harmonics<T: Real>(
    r: &[T],
    max_degree: usize,
    cartesian_order: bool,
) -> Result<Vec<T>> {
    let solid = SolidHarmonics::new(max_degree, cartesian_order)?;
    let mut values = vec![T::ZERO; r.len() / 3 * solid.num_harmonics()];
    solid.values(r, &mut values)?;
    Ok(values)
}

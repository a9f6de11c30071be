//! Spherical and solid harmonics of points.

use super::batch::Evaluation;
use super::coefficients::Coefficients;
use super::double::is_rounded;
use super::output::Output;
use crate::{Normalization, Order, Real, Result, num_harmonics};

/// Real spherical harmonics of all degrees up to a largest one, with derivatives.
///
/// ```text
/// Y(l, m)(r) = N(l) R(l, m)(u)      u = r / |r|, or u = r when r_is_normalized
/// ```
///
/// with [`Normalization::factor`] `N` and the solid harmonics `R`, homogeneous polynomials of degree `l` in `x, y, z`
/// that satisfy Laplace's equation, for example `x, y, z` for degree 1. With `cos` and `sin` for the real and imaginary
/// part of `(x+iy)^|m|` divided by the distance from the z-axis to the power `|m|`, and `P` for the associated Legendre
/// functions without Condon and Shortley's sign, they are on the unit sphere
///
/// ```text
/// R(l, 0) = P(l, 0)(z)
/// R(l, m) = √(2 (l-|m|)! / (l+|m|)!) P(l, |m|)(z) · { cos for m > 0, sin for m < 0 }
/// ```
///
/// Sign, scale and order are those of `e3x.so3.spherical_harmonics` and `e3x.so3.solid_harmonics` (arXiv 2401.07595),
/// and so are the special cases:
///
/// * With `r_is_normalized` the polynomial is evaluated as it is, so that derivatives are those of `N(l) R(l, m)`, exact
///   everywhere, at the origin as well.
/// * A vector whose squared norm is not above the smallest normal number of its type, the zero vector for example, is
///   not normalized: values and derivatives there are those of `N(l) R(l, m)`.
///
/// Otherwise, because `R` is homogeneous, with `g` and `H` for its gradient and Hessian at `u`,
///
/// ```text
/// |r|  ∂Y/∂r   = N (g - l R u)
/// |r|² ∂²Y/∂r² = N (H - l (g uᵀ + u gᵀ) - l R 1 + l (l+2) R u uᵀ)
/// ```
///
/// Coefficients are computed once, when the struct is built; evaluation takes `O((L+1)²)` operations a point. It works
/// on as many points at once as a vector register holds, and on threads if there are many points. The result for a point
/// does not depend on the points beside it.
///
/// In `f32`, values have errors of up to 1e-5 (Racah) up to degree 32. With a largest degree above
/// [`MAX_SINGLE_DEGREE`](crate::MAX_SINGLE_DEGREE), all degrees and their derivatives are computed in `f64` and rounded,
/// which takes two to three times as long.
///
/// # Example
///
/// ```
/// use e3x_so3::{Normalization, SphericalHarmonics};
///
/// let harmonics = SphericalHarmonics::<f64>::new(1, true, Normalization::Racah, false)?;
/// let (mut values, mut gradients) = ([0.0; 4], [0.0; 12]);
/// harmonics.values_and_gradients(&[0.0, 0.0, 2.0], &mut values, &mut gradients)?;
/// assert_eq!(values, [1.0, 0.0, 0.0, 1.0]);
/// assert_eq!(gradients[3..6], [0.5, 0.0, 0.0]); // of x / |r|
/// # Ok::<(), e3x_so3::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SphericalHarmonics<T> {
    recursion: Recursion<T>,
    r_is_normalized: bool,
}

/// The numbers in which harmonics are computed.
#[derive(Debug, Clone)]
enum Recursion<T> {
    /// Those of the results.
    Same(Coefficients<T>),
    /// Double precision, to be rounded.
    Double(Coefficients<f64>),
}

impl<T: Real> SphericalHarmonics<T> {
    /// Prepares the evaluation of all degrees `0..=max_degree`.
    ///
    /// # Errors
    ///
    /// When `max_degree` is above [`MAX_DEGREE`](crate::MAX_DEGREE).
    ///
    /// # Example
    ///
    /// ```
    /// use e3x_so3::{Normalization, SphericalHarmonics};
    /// assert!(SphericalHarmonics::<f32>::new(3, true, Normalization::Orthonormal, true).is_ok());
    /// ```
    pub fn new(
        max_degree: usize,
        cartesian_order: bool,
        normalization: Normalization,
        r_is_normalized: bool,
    ) -> Result<Self> {
        let order = Order::from_cartesian(cartesian_order);
        let recursion = if is_rounded::<T>(max_degree) {
            Recursion::Double(Coefficients::new(max_degree, order, normalization)?)
        } else {
            Recursion::Same(Coefficients::new(max_degree, order, normalization)?)
        };
        Ok(Self {
            recursion,
            r_is_normalized,
        })
    }

    /// Prepares the evaluation of the solid harmonics of all degrees `0..=max_degree`: Racah-normalized harmonics with
    /// `r_is_normalized`.
    ///
    /// # Errors
    ///
    /// When `max_degree` is above [`MAX_DEGREE`](crate::MAX_DEGREE).
    ///
    /// # Example
    ///
    /// ```
    /// use e3x_so3::SphericalHarmonics;
    ///
    /// let solid = SphericalHarmonics::<f64>::solid(1, true)?;
    /// let (mut values, mut gradients) = ([0.0; 4], [0.0; 12]);
    /// solid.values_and_gradients(&[1.0, 2.0, 3.0], &mut values, &mut gradients)?;
    /// assert_eq!(values, [1.0, 1.0, 2.0, 3.0]);
    /// assert_eq!(gradients[9..], [0.0, 0.0, 1.0]); // the gradient of z
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn solid(max_degree: usize, cartesian_order: bool) -> Result<Self> {
        Self::new(max_degree, cartesian_order, Normalization::Racah, true)
    }

    /// The largest degree `L`.
    ///
    /// ```
    /// use e3x_so3::{Normalization, SphericalHarmonics};
    /// let harmonics = SphericalHarmonics::<f64>::new(3, true, Normalization::Racah, false)?;
    /// assert_eq!(harmonics.max_degree(), 3);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn max_degree(&self) -> usize {
        match &self.recursion {
            Recursion::Same(coefficients) => coefficients.max_degree,
            Recursion::Double(coefficients) => coefficients.max_degree,
        }
    }

    /// The number of harmonics `(L+1)²`.
    ///
    /// ```
    /// use e3x_so3::{Normalization, SphericalHarmonics};
    /// let harmonics = SphericalHarmonics::<f64>::new(3, true, Normalization::Racah, false)?;
    /// assert_eq!(harmonics.num_harmonics(), 16);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn num_harmonics(&self) -> usize {
        num_harmonics(self.max_degree())
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
    /// use e3x_so3::{Normalization, SphericalHarmonics};
    /// let harmonics = SphericalHarmonics::<f32>::new(1, false, Normalization::Racah, false)?;
    /// let mut values = [0.0; 4];
    /// harmonics.values(&[0.0, 5.0, 0.0], &mut values)?;
    /// assert_eq!(values, [1.0, 1.0, 0.0, 0.0]);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn values(&self, r: &[T], values: &mut [T]) -> Result<()> {
        self.evaluate(
            r,
            Output {
                values,
                gradients: None,
                hessians: None,
            },
        )
    }

    /// The values as [`SphericalHarmonics::values`] and their `gradients` of shape `(n, (L+1)², 3)`.
    ///
    /// # Errors
    ///
    /// When a length does not fit.
    ///
    /// # Example
    ///
    /// ```
    /// use e3x_so3::{Normalization, SphericalHarmonics};
    /// let harmonics = SphericalHarmonics::<f64>::new(1, true, Normalization::Racah, false)?;
    /// let (mut values, mut gradients) = ([0.0; 4], [0.0; 12]);
    /// harmonics.values_and_gradients(&[0.0; 3], &mut values, &mut gradients)?;
    /// assert_eq!(values, [1.0, 0.0, 0.0, 0.0]);
    /// assert_eq!(gradients[3..], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn values_and_gradients(
        &self,
        r: &[T],
        values: &mut [T],
        gradients: &mut [T],
    ) -> Result<()> {
        self.evaluate(
            r,
            Output {
                values,
                gradients: Some(gradients),
                hessians: None,
            },
        )
    }

    /// Values and gradients as [`SphericalHarmonics::values_and_gradients`] and the `hessians` of shape
    /// `(n, (L+1)², 3, 3)`.
    ///
    /// # Errors
    ///
    /// When a length does not fit.
    ///
    /// # Example
    ///
    /// ```
    /// use e3x_so3::{Normalization, SphericalHarmonics};
    /// let harmonics = SphericalHarmonics::<f64>::new(1, true, Normalization::Racah, false)?;
    /// let (mut values, mut gradients, mut hessians) = ([0.0; 4], [0.0; 12], [0.0; 36]);
    /// let r = [0.0, 0.0, 1.0];
    /// harmonics.values_gradients_and_hessians(&r, &mut values, &mut gradients, &mut hessians)?;
    /// assert_eq!(hessians[27..], [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0]); // of z / |r|
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn values_gradients_and_hessians(
        &self,
        r: &[T],
        values: &mut [T],
        gradients: &mut [T],
        hessians: &mut [T],
    ) -> Result<()> {
        self.evaluate(
            r,
            Output {
                values,
                gradients: Some(gradients),
                hessians: Some(hessians),
            },
        )
    }

    fn evaluate(&self, r: &[T], output: Output<'_, T>) -> Result<()> {
        output.check(r, self.num_harmonics())?;
        let normalizes = !self.r_is_normalized;
        match &self.recursion {
            Recursion::Same(coefficients) => Evaluation {
                coefficients,
                normalizes,
            }
            .run(r, output),
            Recursion::Double(coefficients) => Evaluation {
                coefficients,
                normalizes,
            }
            .run_rounded(r, output),
        }
        Ok(())
    }
}

/// The spherical harmonics of all degrees `0..=max_degree` at `n` points `r` of shape `(n, 3)`, as a new array of
/// shape `(n, (max_degree+1)²)`.
///
/// The counterpart of `e3x.so3.spherical_harmonics`; see [`SphericalHarmonics`] for the definition, and for repeated
/// use.
///
/// # Errors
///
/// When the length of `r` is not a multiple of 3 or `max_degree` is above [`MAX_DEGREE`](crate::MAX_DEGREE).
///
/// # Example
///
/// ```
/// use e3x_so3::{Normalization, spherical_harmonics};
/// let values = spherical_harmonics(&[0.0, 0.0, 3.0], 2, false, true, Normalization::Racah)?;
/// assert_eq!(values, [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
/// # Ok::<(), e3x_so3::Error>(())
/// ```
pub fn spherical_harmonics<T: Real>(
    r: &[T],
    max_degree: usize,
    r_is_normalized: bool,
    cartesian_order: bool,
    normalization: Normalization,
) -> Result<Vec<T>> {
    values_of(
        &SphericalHarmonics::new(max_degree, cartesian_order, normalization, r_is_normalized)?,
        r,
    )
}

/// The solid harmonics of all degrees `0..=max_degree` at `n` points `r` of shape `(n, 3)`, as a new array of shape
/// `(n, (max_degree+1)²)`.
///
/// The counterpart of `e3x.so3.solid_harmonics`; see [`SphericalHarmonics`] for the definition, and for repeated use.
///
/// # Errors
///
/// When the length of `r` is not a multiple of 3 or `max_degree` is above [`MAX_DEGREE`](crate::MAX_DEGREE).
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
    values_of(&SphericalHarmonics::solid(max_degree, cartesian_order)?, r)
}

fn values_of<T: Real>(harmonics: &SphericalHarmonics<T>, r: &[T]) -> Result<Vec<T>> {
    let mut values = vec![T::ZERO; r.len() / 3 * harmonics.num_harmonics()];
    harmonics.values(r, &mut values)?;
    Ok(values)
}

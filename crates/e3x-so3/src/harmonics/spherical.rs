//! Spherical harmonics.

use super::output::Output;
use super::solid::SolidHarmonics;
use crate::{Normalization, Real, Result};

/// Real spherical harmonics of all degrees up to a largest one, with derivatives.
///
/// ```text
/// Y(l, m)(r) = N(l) R(l, m)(u)      u = r / |r|, or u = r when r_is_normalized
/// ```
///
/// with the [`SolidHarmonics`] `R` and [`Normalization::factor`] `N`. Sign, scale and order are those of
/// `e3x.so3.spherical_harmonics` (arXiv 2401.07595), and so are the special cases:
///
/// * With `r_is_normalized` the polynomial is evaluated as it is, so that derivatives are those of `N(l) R(l, m)`.
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
    solid: SolidHarmonics<T>,
    factors: Vec<T>,
    r_is_normalized: bool,
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
        Ok(Self {
            solid: SolidHarmonics::new(max_degree, cartesian_order)?,
            factors: (0..=max_degree)
                .map(|l| T::from_f64(normalization.factor(l)))
                .collect(),
            r_is_normalized,
        })
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
        self.solid.max_degree()
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
        self.solid.num_harmonics()
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
        self.evaluate_all(
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
        self.evaluate_all(
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
        let mut scratch = self.solid.scratch();
        output.for_each_point(r, self.num_harmonics(), |r, mut output| {
            match self.direction(r) {
                Some((u, inverse_norm)) => {
                    self.solid.evaluate(u, &mut scratch, &mut output);
                    project(self.max_degree(), u, inverse_norm, &mut output);
                }
                None => self.solid.evaluate(r, &mut scratch, &mut output),
            }
            self.scale(&mut output);
        })
    }

    /// The unit vector along `r` and `1 / |r|`, or nothing if `r` is not normalized.
    fn direction(&self, r: [T; 3]) -> Option<([T; 3], T)> {
        if self.r_is_normalized {
            return None;
        }
        // Scaled, so that squares of large components do not overflow and those of small ones do not vanish.
        let largest = r[0].abs().max(r[1].abs()).max(r[2].abs()).max(T::TINY);
        let [x, y, z] = r.map(|component| component / largest);
        let scaled_norm = (x * x + y * y + z * z).sqrt();
        let norm = largest * scaled_norm;
        (norm * norm > T::TINY).then(|| {
            let u = [x / scaled_norm, y / scaled_norm, z / scaled_norm];
            (u, T::ONE / scaled_norm / largest)
        })
    }

    fn scale(&self, output: &mut Output<'_, T>) {
        for (l, &factor) in self.factors.iter().enumerate() {
            let rows = l * l..(l + 1) * (l + 1);
            let multiply = |numbers: &mut [T]| numbers.iter_mut().for_each(|v| *v *= factor);
            multiply(&mut output.values[rows.clone()]);
            if let Some(gradients) = output.gradients.as_deref_mut() {
                multiply(&mut gradients[3 * rows.start..3 * rows.end]);
            }
            if let Some(hessians) = output.hessians.as_deref_mut() {
                multiply(&mut hessians[9 * rows.start..9 * rows.end]);
            }
        }
    }
}

/// Turns derivatives of the polynomials at the unit vector `u` into those of the harmonics of `r = u / inverse_norm`.
fn project<T: Real>(max_degree: usize, u: [T; 3], inverse_norm: T, output: &mut Output<'_, T>) {
    let Some(gradients) = output.gradients.as_deref_mut() else {
        return;
    };
    for l in 0..=max_degree {
        let degree = T::from_f64(l as f64);
        let second = T::from_f64((l * (l + 2)) as f64);
        for row in l * l..(l + 1) * (l + 1) {
            let value = output.values[row];
            let gradient = &mut gradients[3 * row..3 * row + 3];
            if let Some(hessians) = output.hessians.as_deref_mut() {
                for i in 0..3 {
                    for j in 0..3 {
                        let hessian = &mut hessians[9 * row + 3 * i + j];
                        *hessian -= degree * (gradient[i] * u[j] + u[i] * gradient[j]);
                        *hessian += second * value * u[i] * u[j];
                        if i == j {
                            *hessian -= degree * value;
                        }
                        *hessian = *hessian * inverse_norm * inverse_norm;
                    }
                }
            }
            for i in 0..3 {
                gradient[i] = (gradient[i] - degree * value * u[i]) * inverse_norm;
            }
        }
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
    let harmonics =
        SphericalHarmonics::new(max_degree, cartesian_order, normalization, r_is_normalized)?;
    let mut values = vec![T::ZERO; r.len() / 3 * harmonics.num_harmonics()];
    harmonics.values(r, &mut values)?;
    Ok(values)
}

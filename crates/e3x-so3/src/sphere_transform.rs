//! Functions on the sphere: by their coefficients, and by their values at points.

use crate::error::{Error, check_degree, check_length, count_items};
use crate::{Normalization, Quadrature, Real, Result, SphericalHarmonics, num_harmonics};

/// The largest number of elements of a matrix (1 GiB).
const MAX_ELEMENTS: usize = 1 << 27;

/// The transform between the coefficients of functions on the sphere and their values at the points of a quadrature.
///
/// ```text
/// f(r[i]) = Σ_lm c[lm] Y[lm](r[i])                                    values from coefficients
/// c[lm] = ∫ f Y[lm] dΩ / ∫ Y[lm]² dΩ = (2l+1) / N(l)² Σ_i w[i] f(r[i]) Y[lm](r[i])      and back
/// ```
///
/// with the harmonics of [`SphericalHarmonics`](crate::SphericalHarmonics), the points `r` and weights `w` of the
/// quadrature, and [`Normalization::factor`] `N`. The quadrature integrates the products of two harmonics exactly, so
/// that coefficients become values and coefficients again without any error but rounding. Values of a function that
/// has degrees above `L` give the coefficients of its projection if the quadrature is precise enough for those as
/// well: products of two functions, of degree `2L`, need a precision of `3L`.
///
/// Both directions are linear, so their derivatives are the transposed maps, the methods `.._adjoint`. Arrays have
/// features as their last axis: coefficients are `(n, (L+1)², F)`, values `(n, points, F)`.
///
/// Point by point, functions can be multiplied, which couples their coefficients by the
/// [Gaunt coefficients](crate::gaunt), at a cost of `O(L⁴)` instead of `O(L⁶)` (Luo et al., arXiv 2401.10216).
///
/// # Example
///
/// ```
/// use e3x_so3::{Normalization, SphereTransform, gauss_legendre_quadrature};
/// let rule = gauss_legendre_quadrature(4)?;
/// let transform = SphereTransform::new(&rule, 2, true, Normalization::Racah)?;
/// let values: Vec<f64> = rule.points.iter().map(|r| 1.0 + r[0] * r[1]).collect();
/// let mut coefficients = [0.0; 9];
/// transform.to_coefficients(&values, 1, &mut coefficients)?;
/// let expected = [1.0, 0.0, 0.0, 0.0, 0.0, 3.0_f64.sqrt().recip(), 0.0, 0.0, 0.0];
/// assert!(coefficients.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-14));
/// # Ok::<(), e3x_so3::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SphereTransform {
    max_degree: usize,
    points: usize,
    /// `Y`, shape `(points, (L+1)²)`.
    synthesis: Vec<f64>,
    /// Shape `((L+1)², points)`.
    analysis: Vec<f64>,
}

impl SphereTransform {
    /// Prepares the transform of functions of degrees up to `max_degree`.
    ///
    /// # Errors
    ///
    /// When the precision of the quadrature is less than `2·max_degree`, a point is not a unit vector, a weight is not
    /// finite, points and weights do not belong together, or the matrix of the transform would have more than 2²⁷ elements.
    ///
    /// # Example
    ///
    /// ```
    /// use e3x_so3::{Normalization, QuadratureSize, SphereTransform, lebedev_quadrature};
    /// let rule = lebedev_quadrature(QuadratureSize::Precision(6));
    /// assert!(SphereTransform::new(&rule, 3, true, Normalization::Racah).is_ok());
    /// assert!(SphereTransform::new(&rule, 4, true, Normalization::Racah).is_err());
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn new(
        quadrature: &Quadrature,
        max_degree: usize,
        cartesian_order: bool,
        normalization: Normalization,
    ) -> Result<Self> {
        check_degree("max_degree", quadrature.precision / 2, max_degree)?;
        check(quadrature)?;
        let harmonics = SphericalHarmonics::new(max_degree, cartesian_order, normalization, false)?;
        let (points, num) = (quadrature.points.len(), num_harmonics(max_degree));
        if points.saturating_mul(num) > MAX_ELEMENTS {
            return Err(Error::ArrayTooLarge {
                what: "a sphere transform",
                elements: points.saturating_mul(num),
                limit: MAX_ELEMENTS,
                remedy: "a lower degree or a quadrature with fewer points",
            });
        }
        let mut synthesis = vec![0.0; points * num];
        harmonics.values(quadrature.points.as_flattened(), &mut synthesis)?;
        let mut analysis = vec![0.0; num * points];
        for (row, values) in analysis.chunks_exact_mut(points.max(1)).enumerate() {
            let l = row.isqrt();
            let factor = (2 * l + 1) as f64 / normalization.factor(l).powi(2);
            for (i, value) in values.iter_mut().enumerate() {
                *value = factor * quadrature.weights[i] * synthesis[i * num + row];
            }
        }
        Ok(Self {
            max_degree,
            points,
            synthesis,
            analysis,
        })
    }

    /// The largest degree `L`.
    ///
    /// ```
    /// use e3x_so3::{Normalization, SphereTransform, gauss_legendre_quadrature};
    /// let rule = gauss_legendre_quadrature(4)?;
    /// let transform = SphereTransform::new(&rule, 2, true, Normalization::Racah)?;
    /// assert_eq!((transform.max_degree(), transform.num_points()), (2, 15));
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn max_degree(&self) -> usize {
        self.max_degree
    }

    /// The number of points; see [`SphereTransform::max_degree`].
    pub fn num_points(&self) -> usize {
        self.points
    }

    /// The matrix that makes values from coefficients, shape `(points, (L+1)²)`.
    ///
    /// ```
    /// use e3x_so3::{Normalization, SphereTransform, gauss_legendre_quadrature};
    /// let rule = gauss_legendre_quadrature(2)?;
    /// let transform = SphereTransform::new(&rule, 1, true, Normalization::Racah)?;
    /// assert!((transform.synthesis()[3] - rule.points[0][2]).abs() < 1e-15); // 1, x, y, z
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn synthesis(&self) -> &[f64] {
        &self.synthesis
    }

    /// The matrix that makes coefficients from values, shape `((L+1)², points)`.
    ///
    /// ```
    /// use e3x_so3::{Normalization, SphereTransform, gauss_legendre_quadrature};
    /// let rule = gauss_legendre_quadrature(2)?;
    /// let transform = SphereTransform::new(&rule, 1, true, Normalization::Racah)?;
    /// assert_eq!(transform.analysis()[..6], rule.weights); // The mean.
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn analysis(&self) -> &[f64] {
        &self.analysis
    }

    /// Values at the points, shape `(n, points, features)`, from coefficients, shape `(n, (L+1)², features)`.
    ///
    /// # Errors
    ///
    /// When `features` is zero or a length does not fit.
    ///
    /// # Example
    ///
    /// ```
    /// use e3x_so3::{Normalization, SphereTransform, gauss_legendre_quadrature};
    /// let rule = gauss_legendre_quadrature(2)?;
    /// let transform = SphereTransform::new(&rule, 1, true, Normalization::Racah)?;
    /// let mut values = [0.0; 6];
    /// transform.to_values(&[2.0, 0.0, 0.0, 1.0], 1, &mut values)?;
    /// assert!((values[0] - (2.0 + rule.points[0][2])).abs() < 1e-15);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn to_values<T: Real>(
        &self,
        coefficients: &[T],
        features: usize,
        values: &mut [T],
    ) -> Result<()> {
        let sizes = (num_harmonics(self.max_degree), self.points);
        let matrix = Matrix::new(&self.synthesis, sizes, false);
        matrix.apply(COEFFICIENTS, coefficients, VALUES, values, features)
    }

    /// Coefficients, shape `(n, (L+1)², features)`, from values at the points, shape `(n, points, features)`.
    ///
    /// # Errors
    ///
    /// When `features` is zero or a length does not fit.
    ///
    /// # Example
    ///
    /// See [`SphereTransform`].
    pub fn to_coefficients<T: Real>(
        &self,
        values: &[T],
        features: usize,
        coefficients: &mut [T],
    ) -> Result<()> {
        let sizes = (self.points, num_harmonics(self.max_degree));
        let matrix = Matrix::new(&self.analysis, sizes, false);
        matrix.apply(VALUES, values, COEFFICIENTS, coefficients, features)
    }

    /// The transpose of [`SphereTransform::to_values`]: gradients with respect to coefficients from those with respect
    /// to values.
    ///
    /// # Errors
    ///
    /// When `features` is zero or a length does not fit.
    ///
    /// # Example
    ///
    /// ```
    /// use e3x_so3::{Normalization, SphereTransform, gauss_legendre_quadrature};
    /// let rule = gauss_legendre_quadrature(2)?;
    /// let transform = SphereTransform::new(&rule, 1, true, Normalization::Racah)?;
    /// let mut gradient = [0.0_f64; 4];
    /// transform.to_values_adjoint(&[1.0; 6], 1, &mut gradient)?; // Of the sum of all values.
    /// assert!((gradient[0] - 6.0).abs() < 1e-15 && gradient[3].abs() < 1e-15);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn to_values_adjoint<T: Real>(
        &self,
        values: &[T],
        features: usize,
        coefficients: &mut [T],
    ) -> Result<()> {
        let sizes = (self.points, num_harmonics(self.max_degree));
        let matrix = Matrix::new(&self.synthesis, sizes, true);
        matrix.apply(VALUES, values, COEFFICIENTS, coefficients, features)
    }

    /// The transpose of [`SphereTransform::to_coefficients`]: gradients with respect to values from those with respect
    /// to coefficients.
    ///
    /// # Errors
    ///
    /// When `features` is zero or a length does not fit.
    ///
    /// # Example
    ///
    /// ```
    /// use e3x_so3::{Normalization, SphereTransform, gauss_legendre_quadrature};
    /// let rule = gauss_legendre_quadrature(2)?;
    /// let transform = SphereTransform::new(&rule, 1, true, Normalization::Racah)?;
    /// let mut gradient = [0.0; 6];
    /// transform.to_coefficients_adjoint(&[1.0, 0.0, 0.0, 0.0], 1, &mut gradient)?; // Of the mean.
    /// assert_eq!(gradient, rule.weights[..]);
    /// # Ok::<(), e3x_so3::Error>(())
    /// ```
    pub fn to_coefficients_adjoint<T: Real>(
        &self,
        coefficients: &[T],
        features: usize,
        values: &mut [T],
    ) -> Result<()> {
        let sizes = (num_harmonics(self.max_degree), self.points);
        let matrix = Matrix::new(&self.analysis, sizes, true);
        matrix.apply(COEFFICIENTS, coefficients, VALUES, values, features)
    }
}

/// Name and shape of an argument.
type Name = (&'static str, &'static str);

const COEFFICIENTS: Name = ("coefficients", "(n, (max_degree+1)², features)");
const VALUES: Name = ("values", "(n, points, features)");

/// A matrix of shape `(rows_out, rows_in)`, or its transpose of shape `(rows_in, rows_out)`.
struct Matrix<'a> {
    elements: &'a [f64],
    rows_in: usize,
    rows_out: usize,
    is_transposed: bool,
}

impl<'a> Matrix<'a> {
    fn new(elements: &'a [f64], (rows_in, rows_out): (usize, usize), is_transposed: bool) -> Self {
        Self {
            elements,
            rows_in,
            rows_out,
            is_transposed,
        }
    }

    fn apply<T: Real>(
        &self,
        (name_in, shape_in): Name,
        input: &[T],
        (name_out, shape_out): Name,
        output: &mut [T],
        features: usize,
    ) -> Result<()> {
        if features == 0 {
            return Err(Error::Invalid {
                argument: "features",
                expected: "at least 1".into(),
                actual: "0".into(),
            });
        }
        let size_in = self.rows_in.saturating_mul(features);
        let n = count_items(name_in, shape_in, size_in, input.len())?;
        let size_out = self.rows_out.saturating_mul(features);
        check_length(
            name_out,
            shape_out,
            n.saturating_mul(size_out),
            output.len(),
        )?;
        for (input, output) in (input.chunks_exact(size_in)).zip(output.chunks_exact_mut(size_out))
        {
            for (i, output) in output.chunks_exact_mut(features).enumerate() {
                output.fill(T::ZERO);
                for (j, input) in input.chunks_exact(features).enumerate() {
                    let element = if self.is_transposed {
                        self.elements[j * self.rows_out + i]
                    } else {
                        self.elements[i * self.rows_in + j]
                    };
                    let element = T::from_f64(element);
                    for (sum, &x) in output.iter_mut().zip(input) {
                        *sum += element * x;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The fields of a quadrature can be anything.
fn check(quadrature: &Quadrature) -> Result<()> {
    let points = quadrature.points.len();
    if points == 0 {
        return Err(Error::Invalid {
            argument: "quadrature",
            expected: "at least one point".into(),
            actual: "none".into(),
        });
    }
    check_length(
        "quadrature.weights",
        "(points,)",
        points,
        quadrature.weights.len(),
    )?;
    if let Some(&actual) = quadrature.weights.iter().find(|w| !w.is_finite()) {
        return Err(Error::NotFinite {
            argument: "quadrature.weights",
            actual,
        });
    }
    let is_unit = |r: &&[f64; 3]| (r.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() <= 1e-9;
    match quadrature.points.iter().find(|r| !is_unit(r)) {
        None => Ok(()),
        Some(point) => Err(Error::Invalid {
            argument: "quadrature",
            expected: "unit vectors as points".into(),
            actual: format!("{point:?}"),
        }),
    }
}

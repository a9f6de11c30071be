//! The transform between coefficients and values of functions on the sphere.

use candle_core::{DType, Device, Tensor};
use e3x_so3::{Normalization, Quadrature};

use super::rows::leading;
use crate::Result;
use crate::error::{check_float, check_same_dtype};

/// The transform between the coefficients of functions on the sphere and their values at the points
/// of a quadrature.
///
/// ```text
/// f(r[i]) = sum over lm of c[lm] Y[lm](r[i])                        values from coefficients
/// c[lm] = (2l+1) / N(l)^2 sum over i of w[i] f(r[i]) Y[lm](r[i])    and back
/// ```
///
/// Exact for functions of degrees up to `max_degree`; formulas and conditions:
/// [`e3x_so3::SphereTransform`]. Both directions are products with a matrix, differentiable to any
/// order. Products of functions, point by point, are tensor products with
/// [Gaunt coefficients](super::gaunt()) of their coefficients.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use e3x::so3::{Normalization, SphereTransform};
/// let transform =
///     SphereTransform::on_grid(4, 2, true, Normalization::Racah, DType::F64, &Device::Cpu)?;
/// let x = Tensor::rand(-1.0, 1.0, (5, 1, 9, 8), &Device::Cpu)?; // features
/// let values = transform.to_values(&x)?;
/// assert_eq!(values.dims(), [5, 1, 15, 8]);
/// let again = transform.to_coefficients(&values)?;
/// assert!((again - x)?.abs()?.max_all()?.to_scalar::<f64>()? < 1e-14);
/// # Ok::<(), e3x::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SphereTransform {
    /// Shape `((L+1)^2, points)`.
    synthesis: Tensor,
    /// Shape `(points, (L+1)^2)`.
    analysis: Tensor,
}

impl SphereTransform {
    /// Prepares the transform of functions of degrees up to `max_degree`.
    ///
    /// ```
    /// use candle_core::{DType, Device};
    /// use e3x::so3::{Normalization, SphereTransform};
    /// let rule = e3x_so3::gauss_legendre_quadrature(6)?;
    /// let racah = Normalization::Racah;
    /// assert!(SphereTransform::new(&rule, 3, true, racah, DType::F32, &Device::Cpu).is_ok());
    /// assert!(SphereTransform::new(&rule, 4, true, racah, DType::F32, &Device::Cpu).is_err());
    /// # Ok::<(), e3x::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the precision of the quadrature is less than `2 max_degree`, its points are not unit
    /// vectors or too many, its weights are not finite, or `dtype` is neither f32 nor f64.
    pub fn new(
        quadrature: &Quadrature,
        max_degree: usize,
        cartesian_order: bool,
        normalization: Normalization,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        check_float("dtype", dtype)?;
        let transform =
            e3x_so3::SphereTransform::new(quadrature, max_degree, cartesian_order, normalization)?;
        let (points, rows) = (
            transform.num_points(),
            e3x_so3::num_harmonics(transform.max_degree()),
        );
        let transposed = |matrix: &[f64], shape: (usize, usize)| {
            Tensor::from_slice(matrix, shape, &Device::Cpu)?
                .t()?
                .contiguous()?
                .to_dtype(dtype)?
                .to_device(device)
        };
        Ok(Self {
            synthesis: transposed(transform.synthesis(), (points, rows))?,
            analysis: transposed(transform.analysis(), (rows, points))?,
        })
    }

    /// The transform on the grid of
    /// [`gauss_legendre_quadrature`](super::gauss_legendre_quadrature) of a precision.
    ///
    /// ```
    /// use candle_core::{DType, Device, Tensor};
    /// use e3x::so3::{Normalization, SphereTransform};
    /// let racah = Normalization::Racah;
    /// let transform = SphereTransform::on_grid(3, 1, true, racah, DType::F64, &Device::Cpu)?;
    /// let one = Tensor::ones((8, 1), DType::F64, &Device::Cpu)?; // 2 latitudes with 4 points each
    /// let x = transform.to_coefficients(&one)?.squeeze(1)?.to_vec1::<f64>()?;
    /// assert!((x[0] - 1.0).abs() < 1e-15 && x[1].abs() < 1e-15);
    /// # Ok::<(), e3x::Error>(())
    /// ```
    ///
    /// # Errors
    /// If `precision` is above 2000, or as [`SphereTransform::new`].
    pub fn on_grid(
        precision: usize,
        max_degree: usize,
        cartesian_order: bool,
        normalization: Normalization,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let rule = e3x_so3::gauss_legendre_quadrature(precision)?;
        Self::new(
            &rule,
            max_degree,
            cartesian_order,
            normalization,
            dtype,
            device,
        )
    }

    /// Values at the points.
    ///
    /// # Shapes
    /// `coefficients`: `(..., (max_degree + 1)^2, features)`, result: `(..., points, features)`.
    ///
    /// ```
    /// use candle_core::{DType, Device, Tensor};
    /// use e3x::so3::{Normalization, SphereTransform};
    /// let racah = Normalization::Racah;
    /// let transform = SphereTransform::on_grid(3, 1, true, racah, DType::F64, &Device::Cpu)?;
    /// let x = Tensor::new(&[[2.0], [0.0], [0.0], [1.0]], &Device::Cpu)?; // 2 + z
    /// let values = transform.to_values(&x)?.to_vec2::<f64>()?;
    /// assert!((values[0][0] - (2.0 - 1.0 / 3f64.sqrt())).abs() < 1e-15); // z starts at -1/√3
    /// # Ok::<(), e3x::Error>(())
    /// ```
    ///
    /// # Errors
    /// If axis -2 does not fit, or the dtype is not that of the transform.
    pub fn to_values(&self, coefficients: &Tensor) -> Result<Tensor> {
        apply("coefficients", coefficients, &self.synthesis)
    }

    /// Coefficients of the function with these values at the points.
    ///
    /// # Shapes
    /// `values`: `(..., points, features)`, result: `(..., (max_degree + 1)^2, features)`.
    ///
    /// ```
    /// use candle_core::{DType, Device, Tensor};
    /// use e3x::so3::{Normalization, SphereTransform};
    /// let racah = Normalization::Racah;
    /// let transform = SphereTransform::on_grid(3, 1, true, racah, DType::F64, &Device::Cpu)?;
    /// let values = Tensor::full(5.0, (8, 1), &Device::Cpu)?;
    /// let x = transform.to_coefficients(&values)?;
    /// assert!((x.to_vec2::<f64>()?[0][0] - 5.0).abs() < 1e-14); // the mean
    /// # Ok::<(), e3x::Error>(())
    /// ```
    ///
    /// # Errors
    /// If axis -2 does not fit, or the dtype is not that of the transform.
    pub fn to_coefficients(&self, values: &Tensor) -> Result<Tensor> {
        apply("values", values, &self.analysis)
    }
}

/// Multiplies axis -2 of `x` by a matrix of shape `(rows, rows of the result)`.
fn apply(argument: &'static str, x: &Tensor, matrix: &Tensor) -> Result<Tensor> {
    let (rows_in, rows_out) = matrix.dims2()?;
    let features = x.dims().last().copied().unwrap_or(0);
    let batch = leading(argument, x, &[rows_in, features])?;
    check_same_dtype(argument, x, "the transform", matrix)?;
    let num: usize = batch.iter().product();
    let shape = [batch, &[rows_out, features]].concat();
    if num * features == 0 {
        return Ok(Tensor::zeros(shape, x.dtype(), x.device())?);
    }
    // One product for all items: their features become rows.
    let rows = x.reshape((num, rows_in, features))?.transpose(1, 2)?;
    let product = rows.reshape((num * features, rows_in))?.matmul(matrix)?;
    let product = product
        .reshape((num, features, rows_out))?
        .transpose(1, 2)?;
    Ok(product.contiguous()?.reshape(shape)?)
}

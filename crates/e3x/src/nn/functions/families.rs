//! Radial basis functions: four families of functions of a mapped distance, and sinc.

use candle_core::Tensor;
use e3x_kernels::radial::{Argument, Family, Functions};

use super::{Gamma, ReciprocalKind, check_positive, exponential_mapping, reciprocal_mapping};
use crate::error::check_float;
use crate::op::radial;
use crate::{Error, Result};

/// `num` functions of `x / limit`.
pub(super) fn basic(family: Family, x: &Tensor, num: usize, limit: f64) -> Result<Tensor> {
    check_float("x", x.dtype())?;
    check_num(num)?;
    check_positive("limit", limit)?;
    let argument = match family {
        // Chebyshev polynomials live on [-1, 1].
        Family::Chebyshev => Argument {
            divisor: 0.5 * limit,
            offset: -1.0,
        },
        _ => Argument {
            divisor: limit,
            offset: 0.0,
        },
    };
    radial::evaluate(functions(family, num, argument), x)
}

/// `num` functions of a mapping to (0, 1], counted from where the mapping is 1.
fn mapped(family: Family, mapping: &Tensor, num: usize, weighted: bool) -> Result<Tensor> {
    check_num(num)?;
    let argument = match family {
        // E3x lets Chebyshev polynomials run the other way.
        Family::Chebyshev => Argument {
            divisor: 0.5,
            offset: -1.0,
        },
        _ => Argument {
            divisor: -1.0,
            offset: 1.0,
        },
    };
    let functions = functions(family, num, argument);
    if weighted {
        radial::weighted(functions, mapping, mapping)
    } else {
        radial::evaluate(functions, mapping)
    }
}

fn functions(family: Family, num: usize, argument: Argument) -> Functions {
    Functions {
        family,
        num,
        order: 0,
        argument,
    }
}

/// Largest number of functions.
const MAX_NUM: usize = 1 << 16;

fn check_num(num: usize) -> Result<()> {
    if (1..=MAX_NUM).contains(&num) {
        return Ok(());
    }
    Err(Error::argument(
        "num",
        format!("a number from 1 to {MAX_NUM}"),
        num.to_string(),
    ))
}

/// Defines the basic, reciprocal and exponential form of a family.
macro_rules! family_functions {
    (
        $family:expr, $what:literal, $formula:literal, $reciprocal_formula:literal,
        $exponential_formula:literal,
        $basic:ident, $reciprocal:ident, $exponential:ident, $note:literal
    ) => {
        #[doc = concat!($what, ": ", $formula, ".")]
        ///
        #[doc = $note]
        ///
        /// # Shapes
        /// `x` is `(...)`, the result `(..., num)`.
        ///
        /// ```
        /// use candle_core::{DType, Device, Tensor};
        /// let x = Tensor::zeros((7, 3), DType::F32, &Device::Cpu)?;
        #[doc = concat!("let y = e3x::nn::", stringify!($basic), "(&x, 8, 5.0)?;")]
        /// assert_eq!(y.dims(), [7, 3, 8]);
        /// # Ok::<(), e3x::Error>(())
        /// ```
        ///
        /// # Errors
        /// If `x` is not floating point, `num` is 0 (or above 65536) or `limit` not a finite number larger than 0.
        pub fn $basic(x: &Tensor, num: usize, limit: f64) -> Result<Tensor> {
            basic($family, x, num, limit)
        }

        #[doc = concat!($what, " of a reciprocal mapping m(x): ", $reciprocal_formula, ".")]
        ///
        /// See [`reciprocal_mapping`]. With `use_reciprocal_weighting` every function is multiplied
        /// by m(x) (E3x's default: shifted, without weighting).
        ///
        /// # Shapes
        /// `x` is `(...)`, the result `(..., num)`.
        ///
        /// ```
        /// use candle_core::{DType, Device, Tensor};
        /// use e3x::nn::ReciprocalKind;
        /// let x = Tensor::zeros((7, 3), DType::F32, &Device::Cpu)?;
        #[doc = concat!(
            "let y = e3x::nn::", stringify!($reciprocal), "(&x, 8, ReciprocalKind::Shifted, true)?;"
        )]
        /// assert_eq!(y.dims(), [7, 3, 8]);
        /// # Ok::<(), e3x::Error>(())
        /// ```
        ///
        /// # Errors
        /// If `x` is not floating point or `num` is 0.
        pub fn $reciprocal(
            x: &Tensor,
            num: usize,
            kind: ReciprocalKind,
            use_reciprocal_weighting: bool,
        ) -> Result<Tensor> {
            let mapping = reciprocal_mapping(x, kind)?;
            mapped($family, &mapping, num, use_reciprocal_weighting)
        }

        #[doc = concat!($what, " of an exponential mapping m(x): ", $exponential_formula, ".")]
        ///
        /// See [`exponential_mapping`]. With `use_exponential_weighting` every function is
        /// multiplied by m(x) (E3x's defaults: gamma 1, with cusp, without weighting).
        ///
        /// # Shapes
        /// `x` is `(...)`, the result `(..., num)`.
        ///
        /// ```
        /// use candle_core::{DType, Device, Tensor};
        /// let x = Tensor::zeros((7, 3), DType::F32, &Device::Cpu)?;
        #[doc = concat!("let y = e3x::nn::", stringify!($exponential), "(&x, 8, 0.5, true, false)?;")]
        /// assert_eq!(y.dims(), [7, 3, 8]);
        /// # Ok::<(), e3x::Error>(())
        /// ```
        ///
        /// # Errors
        /// If `x` is not floating point, `num` is 0, or `gamma` is not finite, of another dtype or
        /// not one number.
        pub fn $exponential<'a>(
            x: &Tensor,
            num: usize,
            gamma: impl Into<Gamma<'a>>,
            cuspless: bool,
            use_exponential_weighting: bool,
        ) -> Result<Tensor> {
            let mapping = exponential_mapping(x, gamma, cuspless)?;
            mapped($family, &mapping, num, use_exponential_weighting)
        }
    };
}

family_functions!(
    Family::Bernstein,
    "Bernstein polynomials",
    "`C(n, k) t^k (1 - t)^(n - k)` with `t = x / limit` and `n = num - 1`",
    "`C(n, k) t^k (1 - t)^(n - k)` with `t = 1 - m(x)` and `n = num - 1`",
    "`C(n, k) t^k (1 - t)^(n - k)` with `t = 1 - m(x)` and `n = num - 1`",
    basic_bernstein,
    reciprocal_bernstein,
    exponential_bernstein,
    "Below 0 only the first, above `limit` only the last function is 1; all derivatives are 0
there. Binomial coefficients are exact (E3x's have relative errors of 1e-6 for 8 or more
functions)."
);

family_functions!(
    Family::Chebyshev,
    "Chebyshev polynomials",
    "`cos(k arccos(2 x / limit - 1))`",
    "`cos(k arccos(2 m(x) - 1))`",
    "`cos(k arccos(2 m(x) - 1))`",
    basic_chebyshev,
    reciprocal_chebyshev,
    exponential_chebyshev,
    "Below 0 the functions are `(-1)^k`, above `limit` 1, with zero derivatives (the values of E3x;
its documentation says 0)."
);

family_functions!(
    Family::Fourier,
    "Cosines",
    "`cos(pi k x / limit)`",
    "`cos(pi k (1 - m(x)))`",
    "`cos(pi k (1 - m(x)))`",
    basic_fourier,
    reciprocal_fourier,
    exponential_fourier,
    "The functions are periodic; they do not vanish beyond `limit`."
);

family_functions!(
    Family::Gaussian,
    "Gaussians",
    "`exp(-sqrt(2 num) (num - 1) (x / limit - k / (num - 1))^2)`",
    "`exp(-sqrt(2 num) (num - 1) (1 - m(x) - k / (num - 1))^2)`",
    "`exp(-sqrt(2 num) (num - 1) (1 - m(x) - k / (num - 1))^2)`",
    basic_gaussian,
    reciprocal_gaussian,
    exponential_gaussian,
    "A single function is 1 everywhere, as in E3x."
);

/// Sinc functions: `sin(pi (k + 1) t) / (pi (k + 1) t)` with `t = x / limit`, 0 beyond `limit`.
///
/// # Shapes
/// `x` is `(...)`, the result `(..., num)`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let x = Tensor::new(&[0.0f64, 2.5], &Device::Cpu)?;
/// let y = e3x::nn::sinc(&x, 2, 5.0)?.to_vec2::<f64>()?;
/// assert_eq!(y[0], [1.0, 1.0]);
/// assert!((y[1][0] - 2.0 / std::f64::consts::PI).abs() < 1e-15 && y[1][1].abs() < 1e-15);
/// # Ok::<(), e3x::Error>(())
/// ```
///
/// # Errors
/// If `x` is not floating point, `num` is 0 (or above 65536) or `limit` not a finite number larger than 0.
pub fn sinc(x: &Tensor, num: usize, limit: f64) -> Result<Tensor> {
    basic(Family::Sinc, x, num, limit)
}

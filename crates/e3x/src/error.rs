//! The error type of the crate.

use candle_core::DType;

/// Everything that can go wrong in this crate.
///
/// Converts from and into [`candle_core::Error`], so that `?` works on both sides.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument has a value, a shape or a type that the function cannot work with.
    #[error("{argument}: expected {expected}, received {received}")]
    Argument {
        /// Name of the argument, as in the signature.
        argument: &'static str,
        /// What the function needs.
        expected: String,
        /// What came instead.
        received: String,
    },
    /// A parameter of a model is missing or has another shape or type than the model expects.
    #[error("parameter '{name}': expected {expected}, received {received}")]
    Parameter {
        /// Path of the parameter, parts joined by `/`.
        name: String,
        /// What the model needs.
        expected: String,
        /// What came instead.
        received: String,
    },
    /// The tape of this thread drops part of every second derivative.
    #[error(
        "derivatives of derivatives are switched off on this thread: `backward` ran here before \
         `CANDLE_GRAD_DO_NOT_DETACH=1` was set; call `e3x::autograd::init()` before any other \
         use of gradients, or set the variable before the program starts"
    )]
    HigherOrderDisabled,
    /// An error of the tensor library.
    #[error(transparent)]
    Candle(candle_core::Error),
    /// An error of the mathematics crate.
    #[error(transparent)]
    So3(#[from] e3x_so3::Error),
    /// An error of the kernels.
    #[error(transparent)]
    Kernel(#[from] e3x_kernels::Error),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// Result with this crate's [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An [`Error::Argument`] from anything that prints.
    pub fn argument(
        argument: &'static str,
        expected: impl Into<String>,
        received: impl Into<String>,
    ) -> Self {
        Self::Argument {
            argument,
            expected: expected.into(),
            received: received.into(),
        }
    }
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Self::Candle(error)
    }
}

impl From<Error> for candle_core::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Candle(inner) => inner,
            other => Self::wrap(other),
        }
    }
}

/// Checks that `dtype` is `f32` or `f64`.
pub(crate) fn check_float(argument: &'static str, dtype: DType) -> Result<()> {
    match dtype {
        DType::F32 | DType::F64 => Ok(()),
        other => Err(Error::argument(
            argument,
            "dtype f32 or f64",
            format!("{other:?}"),
        )),
    }
}

/// Checks that two arguments have the same dtype.
pub(crate) fn check_same_dtype(
    argument: &'static str,
    tensor: &candle_core::Tensor,
    other: &'static str,
    reference: &candle_core::Tensor,
) -> Result<()> {
    if tensor.dtype() == reference.dtype() {
        return Ok(());
    }
    Err(Error::argument(
        argument,
        format!("the dtype of {other}, {:?}", reference.dtype()),
        format!("{:?}", tensor.dtype()),
    ))
}

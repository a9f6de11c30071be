//! The error type of the kernels.

/// What a kernel cannot work with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument has a value or a size that the kernel cannot work with.
    #[error("{argument}: expected {expected}, received {received}")]
    Argument {
        /// Name of the argument.
        argument: &'static str,
        /// What the kernel needs.
        expected: String,
        /// What came instead.
        received: String,
    },
}

/// Result with this crate's [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn argument(
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

/// Checks that a slice has the size that the plan gives it.
pub(crate) fn check_len(argument: &'static str, received: usize, expected: usize) -> Result<()> {
    if received == expected {
        return Ok(());
    }
    Err(Error::argument(
        argument,
        format!("{expected} values"),
        received.to_string(),
    ))
}

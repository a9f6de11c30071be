//! The one error type of this crate.

use std::path::{Path, PathBuf};

/// Everything that can go wrong in this crate.
///
/// Each message names the argument or the line, what was expected there and what came instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened, read, written, synchronised or renamed.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was attempted, as a verb (`open`, `read`, `write`, `rename` ...).
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The reason the operating system gave.
        source: std::io::Error,
    },
    /// A text file does not say what it should.
    #[error("{file}:{line}: expected {expected}, received {received}")]
    Parse {
        /// The name of the file or stream.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// What should have been there.
        expected: String,
        /// What was there.
        received: String,
    },
    /// An argument has a value it cannot have.
    #[error("argument `{argument}`: expected {expected}, received {received}")]
    Argument {
        /// The name of the argument or field.
        argument: String,
        /// What was expected.
        expected: String,
        /// What came.
        received: String,
    },
    /// A calculation gave NaN or an infinity, for instance because the dynamics exploded.
    #[error("{context}: expected finite numbers, received {quantity} = {value}")]
    NonFinite {
        /// The calculation, with its step if it has one.
        context: String,
        /// The quantity, with its index if it has one.
        quantity: String,
        /// The value that came.
        value: f64,
    },
    /// A potential failed; the error is the one of the library it is built on.
    #[error("the potential failed: {0}")]
    Potential(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The model or a layer of it failed.
    #[error(transparent)]
    Model(#[from] e3x::Error),
    /// A plot could not be drawn.
    #[error("cannot draw `{}`: {message}", path.display())]
    Plot {
        /// The image file.
        path: PathBuf,
        /// The reason the plotting library gave.
        message: String,
    },
}

/// The result of a fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Self::Model(error.into())
    }
}

impl Error {
    /// Wraps the error of the library that a [`Potential`](crate::potential::Potential) is built on.
    pub fn potential(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Potential(source.into())
    }

    /// An [`Error::Argument`] from anything that displays.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "callers hand over literals, numbers and temporary strings"
    )]
    pub(crate) fn argument(
        argument: impl ToString,
        expected: impl ToString,
        received: impl ToString,
    ) -> Self {
        Self::Argument {
            argument: argument.to_string(),
            expected: expected.to_string(),
            received: received.to_string(),
        }
    }

    /// The same error about `frames[index]`, one of several frames.
    pub(crate) fn of_frame(self, index: usize) -> Self {
        match self {
            Self::Argument {
                argument,
                expected,
                received,
            } => Self::argument(format!("frames[{index}].{argument}"), expected, received),
            other => other,
        }
    }

    /// An [`Error::Io`] to hand to `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_path_buf(),
            source,
        }
    }
}

/// Checks that an argument is finite and positive.
pub(crate) fn check_positive(argument: &str, value: f64) -> Result<()> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(Error::argument(argument, "a finite number > 0", value))
}

/// Checks that an argument is finite and not negative.
pub(crate) fn check_non_negative(argument: &str, value: f64) -> Result<()> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(Error::argument(argument, "a finite number >= 0", value))
}

/// Checks that a per-atom argument has one row per atom.
pub(crate) fn check_rows(argument: &str, rows: usize, atoms: usize) -> Result<()> {
    if rows == atoms {
        return Ok(());
    }
    Err(Error::argument(
        argument,
        format!("one row for each of the {atoms} atoms"),
        format!("{rows} rows"),
    ))
}

/// Checks that all rows of a per-atom argument are finite.
pub(crate) fn check_finite_rows(argument: &str, rows: &[[f64; 3]]) -> Result<()> {
    for (index, row) in rows.iter().enumerate() {
        if let Some(value) = row.iter().find(|value| !value.is_finite()) {
            return Err(Error::argument(
                format!("{argument}[{index}]"),
                "finite numbers",
                value,
            ));
        }
    }
    Ok(())
}

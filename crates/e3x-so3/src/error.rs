//! What can go wrong.

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An argument that does not fit. The message names the argument, what was expected and what came.
///
/// ```
/// let error = e3x_so3::solid_harmonics(&[1.0, 2.0], 1, true).unwrap_err();
/// assert_eq!(error.to_string(), "`r` must hold 3-vectors, so that its length is a multiple of 3, received length 2");
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A slice is not a whole number of vectors, matrices, ....
    #[error(
        "`{argument}` must hold {items}, so that its length is a multiple of {multiple}, received length {actual}"
    )]
    NotAMultiple {
        /// Name of the argument.
        argument: &'static str,
        /// What it holds.
        items: &'static str,
        /// The length of one item.
        multiple: usize,
        /// The length of the slice.
        actual: usize,
    },
    /// A slice has the wrong length.
    #[error(
        "`{argument}` must have shape {shape}, which are {expected} elements, received {actual}"
    )]
    Length {
        /// Name of the argument.
        argument: &'static str,
        /// The expected shape in words.
        shape: &'static str,
        /// The expected number of elements.
        expected: usize,
        /// The number of elements of the slice.
        actual: usize,
    },
    /// A degree is larger than what this crate computes.
    #[error("`{argument}` must be at most {limit}, received {actual}")]
    DegreeTooLarge {
        /// Name of the argument.
        argument: &'static str,
        /// The largest possible value.
        limit: usize,
        /// The value.
        actual: usize,
    },
    /// A dense array would be too large.
    #[error(
        "the array of {what} would have {elements} elements, the limit is {limit}; ask for {remedy}"
    )]
    ArrayTooLarge {
        /// What the array holds.
        what: &'static str,
        /// The number of elements asked for.
        elements: usize,
        /// The largest possible number of elements.
        limit: usize,
        /// What to ask for instead.
        remedy: &'static str,
    },
    /// A number is NaN or infinite.
    #[error("`{argument}` must be finite, received {actual}")]
    NotFinite {
        /// Name of the argument.
        argument: &'static str,
        /// The first number that is not finite.
        actual: f64,
    },
    /// A vector or quaternion without a direction.
    #[error("`{argument}` must not be zero, because it has no direction")]
    Zero {
        /// Name of the argument.
        argument: &'static str,
    },
    /// A number is outside of its range.
    #[error("`{argument}` must be between {minimum} and {maximum}, received {actual}")]
    OutOfRange {
        /// Name of the argument.
        argument: &'static str,
        /// The smallest possible value.
        minimum: f64,
        /// The largest possible value.
        maximum: f64,
        /// The value.
        actual: f64,
    },
    /// A matrix is not orthogonal.
    #[error(
        "`{argument}` must be an orthogonal matrix, but `{argument} @ {argument}.T` differs from one by {deviation}"
    )]
    NotOrthogonal {
        /// Name of the argument.
        argument: &'static str,
        /// The largest deviation of an element.
        deviation: f64,
    },
    /// An orthogonal matrix is not a rotation.
    #[error("`{argument}` must be a rotation, but it is a reflection (its determinant is -1)")]
    Reflection {
        /// Name of the argument.
        argument: &'static str,
    },
    /// An argument makes no sense.
    #[error("`{argument}` must be {expected}, received {actual}")]
    Invalid {
        /// Name of the argument.
        argument: &'static str,
        /// What the function needs.
        expected: String,
        /// What came instead.
        actual: String,
    },
    /// The name of a normalization is not known.
    #[error(
        "normalization must be one of 'racah', 'schmidt', '4pi', 'orthonormal', received '{actual}'"
    )]
    UnknownNormalization {
        /// The name.
        actual: String,
    },
}

/// Checks that `argument` has `expected` elements.
pub(crate) fn check_length(
    argument: &'static str,
    shape: &'static str,
    expected: usize,
    actual: usize,
) -> Result<()> {
    if expected == actual {
        return Ok(());
    }
    Err(Error::Length {
        argument,
        shape,
        expected,
        actual,
    })
}

/// Checks that `length` is a multiple of `multiple` and returns the quotient.
pub(crate) fn count_items(
    argument: &'static str,
    items: &'static str,
    multiple: usize,
    actual: usize,
) -> Result<usize> {
    if actual.is_multiple_of(multiple) {
        return Ok(actual / multiple);
    }
    Err(Error::NotAMultiple {
        argument,
        items,
        multiple,
        actual,
    })
}

/// Checks that a degree is at most `limit`.
pub(crate) fn check_degree(argument: &'static str, limit: usize, actual: usize) -> Result<()> {
    if actual <= limit {
        return Ok(());
    }
    Err(Error::DegreeTooLarge {
        argument,
        limit,
        actual,
    })
}

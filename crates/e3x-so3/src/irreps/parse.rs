//! Reading of irreps.

use super::{Irrep, Irreps, Parity};
use crate::harmonics::MAX_DEGREE;
use crate::{Error, Result};
use std::str::FromStr;

fn invalid(text: &str, expected: &str) -> Error {
    Error::Invalid {
        argument: "irreps",
        expected: expected.into(),
        actual: format!("'{text}'"),
    }
}

/// A number that consists of digits only.
fn number(text: &str) -> Option<usize> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

impl FromStr for Irrep {
    type Err = Error;

    /// Reads a degree up to [`MAX_DEGREE`](crate::MAX_DEGREE) followed by `e`, `o`, or `y` (the parity of harmonics).
    fn from_str(text: &str) -> Result<Self> {
        let trimmed = text.trim();
        let error = || {
            invalid(
                text,
                "a degree followed by 'e', 'o' or 'y', for example '1o'",
            )
        };
        let end = trimmed.char_indices().next_back().ok_or_else(error)?;
        let degree = number(&trimmed[..end.0]).ok_or_else(error)?;
        crate::error::check_degree("degree", MAX_DEGREE, degree)?;
        let parity = match end.1 {
            'e' => Parity::Even,
            'o' => Parity::Odd,
            'y' => Parity::of_degree(degree),
            _ => return Err(error()),
        };
        Ok(Self { degree, parity })
    }
}

impl FromStr for Irreps {
    type Err = Error;

    /// Reads entries such as `16x1o` or `1o`, separated by `+`, with spaces anywhere between. An empty text is an
    /// empty list.
    fn from_str(text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let entry = |entry: &str| -> Result<(usize, Irrep)> {
            let Some((multiplicity, irrep)) = entry.split_once('x') else {
                return Ok((1, entry.parse()?));
            };
            let multiplicity = number(multiplicity.trim()).ok_or_else(|| {
                invalid(
                    entry,
                    "a number of copies, 'x' and a representation, for example '16x1o'",
                )
            })?;
            Ok((multiplicity, irrep.parse()?))
        };
        Self::new(text.split('+').map(entry).collect::<Result<Vec<_>>>()?)
    }
}

//! Single values of extended XYZ as text, and the fault that a value can have.

use crate::error::Error;
use crate::linalg::Mat3;

/// A mismatch inside a line; becomes an [`Error::Parse`] once file and line are known.
#[derive(Debug)]
pub(super) struct Fault {
    expected: String,
    received: String,
}

impl Fault {
    /// A fault from what was expected and what came.
    pub(super) fn new(expected: impl Into<String>, received: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            received: received.into(),
        }
    }

    /// The error at a place.
    pub(super) fn at(self, file: &str, line: usize) -> Error {
        Error::Parse {
            file: file.to_owned(),
            line,
            expected: self.expected,
            received: self.received,
        }
    }
}

/// The text in backquotes, cut to a length that fits a message.
pub(super) fn show(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return format!("`{}`", text.escape_debug());
    }
    let beginning: String = text.chars().take(LONGEST).collect();
    format!("`{}...`", beginning.escape_debug())
}

/// A finite real number; Fortran's `1.0D+00` counts.
pub(super) fn real(text: &str, what: &str) -> Result<f64, Fault> {
    let value = text
        .parse::<f64>()
        .or_else(|_| text.replace(['d', 'D'], "e").parse::<f64>())
        .map_err(|_| Fault::new(format!("{what}: a number"), show(text)))?;
    if !value.is_finite() {
        return Err(Fault::new(format!("{what}: a finite number"), show(text)));
    }
    Ok(value)
}

/// An integer.
pub(super) fn integer(text: &str, what: &str) -> Result<i64, Fault> {
    text.parse()
        .map_err(|_| Fault::new(format!("{what}: an integer"), show(text)))
}

/// A logical value: `T`, `F`, `true`, `False` ...
pub(super) fn logical(text: &str, what: &str) -> Result<bool, Fault> {
    match text {
        "T" | "True" | "true" | "TRUE" | "1" => Ok(true),
        "F" | "False" | "false" | "FALSE" | "0" => Ok(false),
        _ => Err(Fault::new(format!("{what}: T or F"), show(text))),
    }
}

/// The items of an array written with blanks, commas or brackets.
fn items(text: &str) -> Vec<&str> {
    text.split(|c: char| c.is_ascii_whitespace() || matches!(c, ',' | '[' | ']'))
        .filter(|item| !item.is_empty())
        .collect()
}

/// Three logical values.
pub(super) fn pbc(text: &str) -> Result<[bool; 3], Fault> {
    let [a, b, c] = items(text)[..] else {
        return Err(Fault::new("pbc: three of T or F", show(text)));
    };
    Ok([logical(a, "pbc")?, logical(b, "pbc")?, logical(c, "pbc")?])
}

/// The cell vectors as rows, from nine numbers in a row.
pub(super) fn lattice(text: &str) -> Result<Mat3, Fault> {
    // A matrix of brackets is refused: writers do not agree on whether it holds rows or columns.
    let nested = text.matches('[').count() > 1;
    match &items(text)[..] {
        numbers if numbers.len() == 9 && !nested => matrix(numbers, "Lattice"),
        _ => Err(Fault::new(
            "Lattice: nine numbers, \"ax ay az bx by bz cx cy cz\"",
            show(text),
        )),
    }
}

/// A symmetric tensor from nine numbers or from six in Voigt's order (xx, yy, zz, yz, xz, xy).
pub(super) fn tensor(text: &str, key: &str) -> Result<Mat3, Fault> {
    match items(text)[..] {
        [xx, yy, zz, yz, xz, xy] => matrix(&[xx, xy, xz, xy, yy, yz, xz, yz, zz], key),
        ref numbers if numbers.len() == 9 => matrix(numbers, key),
        _ => Err(Fault::new(
            format!("{key}: nine numbers, or six (xx, yy, zz, yz, xz, xy)"),
            show(text),
        )),
    }
}

/// Nine numbers, row by row.
fn matrix(numbers: &[&str], key: &str) -> Result<Mat3, Fault> {
    let mut matrix = [[0.0; 3]; 3];
    for (index, text) in numbers.iter().enumerate() {
        matrix[index / 3][index % 3] = real(text, key)?;
    }
    Ok(matrix)
}

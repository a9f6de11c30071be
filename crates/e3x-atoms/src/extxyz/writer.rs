//! Writing extended XYZ.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::KeyNames;
use super::comment::quote;
use crate::elements;
use crate::error::{Error, Result};
use crate::frame::{ColumnValues, Frame};

/// Writes frames one after the other to a file or stream.
///
/// Numbers are written with the fewest digits that give the same bits again, so that a [`Reader`](super::Reader)
/// returns exactly the frames that were written.
///
/// ```
/// use e3x_atoms::Frame;
/// use e3x_atoms::extxyz::{KeyNames, Writer};
///
/// let mut text = Vec::new();
/// let mut writer = Writer::new("text", &mut text, KeyNames::default());
/// writer.write(&Frame::new(vec![2], vec![[0.0, 0.1, -2.5]]))?;
/// assert_eq!(text, b"1\nProperties=species:S:1:pos:R:3 pbc=\"F F F\"\nHe 0.0 0.1 -2.5\n");
/// # Ok::<(), e3x_atoms::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer<W: Write> {
    output: W,
    path: PathBuf,
    keys: KeyNames,
}

impl Writer<BufWriter<File>> {
    /// Creates a file or empties an existing one. The frames are safe on the disk after [`Writer::flush`]; for a file
    /// that must never be seen half written use [`write_all`](super::write_all).
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be created.
    pub fn create(path: impl AsRef<Path>, keys: KeyNames) -> Result<Self> {
        let path = path.as_ref();
        let file = File::create(path).map_err(Error::io("create", path))?;
        Ok(Self::new(
            path.display().to_string(),
            BufWriter::new(file),
            keys,
        ))
    }

    /// Opens a file to write after its present end, or creates it.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be opened.
    pub fn append(path: impl AsRef<Path>, keys: KeyNames) -> Result<Self> {
        let path = path.as_ref();
        let opened = File::options().create(true).append(true).open(path);
        let file = opened.map_err(Error::io("open", path))?;
        Ok(Self::new(
            path.display().to_string(),
            BufWriter::new(file),
            keys,
        ))
    }
}

impl<W: Write> Writer<W> {
    /// Writes to a stream; `name` stands for the file in messages.
    pub fn new(name: impl Into<String>, output: W, keys: KeyNames) -> Self {
        Self {
            output,
            path: PathBuf::from(name.into()),
            keys,
        }
    }

    /// Writes one frame.
    ///
    /// # Errors
    /// [`Error::Argument`] for a frame that [`Frame::check`] refuses, that has no atoms, or that has a key, a column or
    /// a text that the format cannot express (nothing is written then); [`Error::Io`].
    pub fn write(&mut self, frame: &Frame) -> Result<()> {
        let text = self.format(frame)?;
        let written = self.output.write_all(text.as_bytes());
        written.map_err(Error::io("write", &self.path))
    }

    /// Hands everything written so far to the operating system.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn flush(&mut self) -> Result<()> {
        self.output.flush().map_err(Error::io("write", &self.path))
    }

    /// A frame as text.
    fn format(&self, frame: &Frame) -> Result<String> {
        frame.check()?;
        if frame.is_empty() {
            return Err(Error::argument("frame", "at least one atom", "none"));
        }
        let mut text = format!("{}\n", frame.len());
        self.format_comment(frame, &mut text)?;
        for atom in 0..frame.len() {
            text.push_str(elements::symbol(frame.numbers[atom]).unwrap_or_default());
            push_reals(&mut text, &frame.positions[atom]);
            for rows in [&frame.forces, &frame.velocities].into_iter().flatten() {
                push_reals(&mut text, &rows[atom]);
            }
            for column in frame.columns.values() {
                let range = atom * column.width..(atom + 1) * column.width;
                match &column.values {
                    ColumnValues::Real(values) => push_reals(&mut text, &values[range]),
                    ColumnValues::Integer(values) => push_words(&mut text, &values[range]),
                    ColumnValues::Text(values) => push_words(&mut text, &values[range]),
                    ColumnValues::Logical(values) => {
                        push_words(
                            &mut text,
                            &values[range].iter().map(|v| letter(*v)).collect::<Vec<_>>(),
                        );
                    }
                }
            }
            text.push('\n');
        }
        Ok(text)
    }

    /// The comment line with its end.
    fn format_comment(&self, frame: &Frame, text: &mut String) -> Result<()> {
        if let Some(cell) = &frame.cell {
            push_pair(
                text,
                "Lattice",
                &format!("\"{}\" ", reals(cell.as_flattened())),
            );
        }
        push_pair(text, "Properties", &quote(&self.properties(frame)?));
        if let Some(energy) = frame.energy {
            push_pair(
                text,
                &format!(" {}", quote(&self.keys.energy)),
                &format!("{energy:?}"),
            );
        }
        if let Some(stress) = &frame.stress {
            let numbers = format!("\"{}\"", reals(stress.as_flattened()));
            push_pair(text, &format!(" {}", quote(&self.keys.stress)), &numbers);
        }
        push_pair(
            text,
            " pbc",
            &format!("\"{}\"", frame.pbc.map(letter).join(" ")),
        );
        for (key, value) in &frame.info {
            if key.is_empty() || self.is_reserved(key, frame) {
                let expected = "a key that is neither empty nor that of another field";
                return Err(Error::argument("info", expected, format!("`{key}`")));
            }
            push_pair(text, &format!(" {}", quote(key)), &quote(value));
        }
        text.push('\n');
        Ok(())
    }

    /// Whether a reader would take the key for something else than a key of [`Frame::info`].
    fn is_reserved(&self, key: &String, frame: &Frame) -> bool {
        let label = [&self.keys.energy, &self.keys.stress].contains(&key);
        let virial = frame.stress.is_none() && self.keys.virial.contains(key);
        label || virial || ["Properties", "Lattice", "pbc"].contains(&key.as_str())
    }

    /// The value of `Properties`.
    fn properties(&self, frame: &Frame) -> Result<String> {
        let (forces, velocities) = (&self.keys.forces, &self.keys.velocities);
        let mut text = "species:S:1:pos:R:3".to_owned();
        for (rows, name) in [(&frame.forces, forces), (&frame.velocities, velocities)] {
            if rows.is_some() {
                check_name("keys", name)?;
                let _ = write!(text, ":{name}:R:3");
            }
        }
        for (name, column) in &frame.columns {
            check_name("columns", name)?;
            if ["species", "Z", "pos", forces, velocities].contains(&name.as_str()) {
                let expected = "a name that is not that of another field";
                return Err(Error::argument("columns", expected, format!("`{name}`")));
            }
            let _ = write!(
                text,
                ":{name}:{}:{}",
                kind(&column.values, name)?,
                column.width
            );
        }
        Ok(text)
    }
}

/// Checks that `Properties` can hold the name of a column.
fn check_name(argument: &str, name: &str) -> Result<()> {
    if !name.is_empty() && !name.contains(':') {
        return Ok(());
    }
    let expected = "a name of a column that is not empty and holds no `:`";
    Err(Error::argument(argument, expected, format!("`{name}`")))
}

/// The letter of the kind of a column; text is checked to consist of words.
fn kind(values: &ColumnValues, name: &str) -> Result<char> {
    Ok(match values {
        ColumnValues::Real(_) => 'R',
        ColumnValues::Integer(_) => 'I',
        ColumnValues::Logical(_) => 'L',
        ColumnValues::Text(words) => {
            let bad = |word: &&String| {
                word.is_empty() || word.contains(|c: char| c.is_ascii_whitespace())
            };
            if let Some(word) = words.iter().find(bad) {
                let argument = format!("columns[\"{name}\"]");
                return Err(Error::argument(
                    argument,
                    "words without white space",
                    format!("{word:?}"),
                ));
            }
            'S'
        }
    })
}

/// A logical value as extended XYZ writes it.
fn letter(value: bool) -> &'static str {
    if value { "T" } else { "F" }
}

/// Appends `key=value`.
fn push_pair(text: &mut String, key: &str, value: &str) {
    text.push_str(key);
    text.push('=');
    text.push_str(value);
}

/// Appends numbers, each after a blank, with the fewest digits that give the same bits again.
fn push_reals(text: &mut String, values: &[f64]) {
    for value in values {
        // Writing to a String does not fail.
        let _ = write!(text, " {value:?}");
    }
}

/// Appends words, each after a blank.
fn push_words(text: &mut String, words: &[impl std::fmt::Display]) {
    for word in words {
        let _ = write!(text, " {word}");
    }
}

/// Numbers separated by blanks.
fn reals(values: &[f64]) -> String {
    let mut text = String::new();
    push_reals(&mut text, values);
    text.trim_start().to_owned()
}

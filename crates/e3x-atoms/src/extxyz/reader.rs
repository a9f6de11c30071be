//! Reading extended XYZ frame by frame.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::properties::Properties;
use super::value::{Fault, show};
use super::{ReadConfig, header};
use crate::error::{Error, Result};
use crate::frame::Frame;

/// No line of an extended-XYZ file is as long as this (64 MiB); a file with one is something else.
const LONGEST_LINE: u64 = 64 << 20;

/// An iterator over the frames of an extended-XYZ file or stream, holding one frame in memory at a time.
///
/// After an error the iterator ends. Blank lines between frames are skipped.
///
/// ```
/// use e3x_atoms::extxyz::{ReadConfig, Reader};
///
/// let text = "1\nProperties=species:S:1:pos:R:3 energy=-1.5\nHe 0 0 0.25\n";
/// let frames: Vec<_> = Reader::new("text", text.as_bytes(), ReadConfig::default()).collect::<Result<_, _>>()?;
/// assert_eq!(frames[0].numbers, [2]);
/// assert_eq!(frames[0].energy, Some(-1.5));
/// # Ok::<(), e3x_atoms::Error>(())
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    name: String,
    config: ReadConfig,
    buffer: Vec<u8>,
    line: usize,
    done: bool,
}

impl Reader<BufReader<File>> {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be opened.
    pub fn open(path: impl AsRef<Path>, config: ReadConfig) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(Error::io("open", path))?;
        Ok(Self::new(
            path.display().to_string(),
            BufReader::new(file),
            config,
        ))
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads from a stream; `name` stands for the file in messages.
    pub fn new(name: impl Into<String>, input: R, config: ReadConfig) -> Self {
        Self {
            input,
            name: name.into(),
            config,
            buffer: Vec::new(),
            line: 0,
            done: false,
        }
    }

    /// The number of lines read so far.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Reads the next line without its end into the buffer; false at the end of the file.
    fn advance(&mut self) -> Result<bool> {
        self.buffer.clear();
        let path = PathBuf::from(&self.name);
        let mut limited = self.input.by_ref().take(LONGEST_LINE);
        let read = limited
            .read_until(b'\n', &mut self.buffer)
            .map_err(Error::io("read", &path))?;
        if read == 0 {
            return Ok(false);
        }
        self.line += 1;
        if read as u64 == LONGEST_LINE {
            let received = format!("a line of more than {LONGEST_LINE} bytes");
            return Err(self.fault(Fault::new("extended XYZ", received)));
        }
        while self
            .buffer
            .pop_if(|byte| matches!(byte, b'\n' | b'\r'))
            .is_some()
        {}
        Ok(true)
    }

    /// The line in the buffer.
    fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.buffer)
            .map_err(|_| self.fault(Fault::new("text in UTF-8", "other bytes (a binary file?)")))
    }

    /// A fault in the current line as an error.
    fn fault(&self, fault: Fault) -> Error {
        fault.at(&self.name, self.line)
    }

    /// The next line, which must exist.
    fn require(&mut self, what: impl FnOnce() -> String) -> Result<&str> {
        if !self.advance()? {
            let fault = Fault::new(what(), "the end of the file (was it cut off?)");
            return Err(fault.at(&self.name, self.line + 1));
        }
        self.text()
    }

    /// The number of atoms of the next frame, or `None` at the end of the file.
    fn count(&mut self) -> Result<Option<usize>> {
        while self.advance()? {
            let text = self.text()?.trim();
            if text.is_empty() {
                continue;
            }
            let count = text.parse::<usize>().ok().filter(|count| *count > 0);
            let expected = "the number of atoms (an integer > 0) that starts an extended-XYZ frame";
            return match count {
                None => Err(self.fault(Fault::new(expected, show(text)))),
                count => Ok(count),
            };
        }
        Ok(None)
    }

    /// The next frame, or `None` at the end of the file.
    fn frame(&mut self) -> Result<Option<Frame>> {
        let Some(count) = self.count()? else {
            return Ok(None);
        };
        self.require(|| "the comment line of an extended-XYZ frame".to_owned())?;
        let (mut frame, mut properties) =
            header::parse(self.text()?, &self.config).map_err(|fault| self.fault(fault))?;
        for atom in 1..=count {
            self.atom(atom, count, &mut properties, &mut frame)?;
        }
        properties.finish(&mut frame);
        Ok(Some(frame))
    }

    /// One atom line.
    fn atom(
        &mut self,
        atom: usize,
        count: usize,
        properties: &mut Properties,
        frame: &mut Frame,
    ) -> Result<()> {
        let line = self.require(|| format!("atom {atom} of {count}"))?;
        let outcome = properties.read_atom(line, frame);
        outcome.map_err(|fault| self.fault(fault))
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let frame = self.frame();
        self.done = !matches!(frame, Ok(Some(_)));
        frame.transpose()
    }
}

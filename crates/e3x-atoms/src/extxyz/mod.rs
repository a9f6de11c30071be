//! Extended XYZ: reading and writing data sets and trajectories.
//!
//! A frame is a line with the number of atoms, a comment line of `key=value` pairs and one line per atom:
//!
//! ```text
//! 3
//! Properties=species:S:1:pos:R:3:forces:R:3 energy=-137.9 pbc="F F F"
//! O   0.000  0.000  0.000   0.10  0.20  0.00
//! H   0.960  0.000  0.000  -0.10  0.00  0.00
//! H  -0.240  0.930  0.000   0.00 -0.20  0.00
//! ```
//!
//! `Properties` lists the columns as `name:kind:width` in any order; the kinds are `S` (text), `R` (real), `I`
//! (integer) and `L` (logical). `pos` and either `species` (symbols) or `Z` (atomic numbers) must be there. Columns and
//! keys without a field in [`Frame`] are kept in [`Frame::columns`] and [`Frame::info`] and written again.
//! Values may stand bare, in quotes, in braces or in brackets. The syntax is that of
//! <https://github.com/libAtoms/extxyz>, and the conventions are those of ASE: `Lattice` lists the three cell vectors
//! one after the other, a `Lattice` without `pbc` is periodic, `stress` is positive under tension.
//!
//! Units are eV, Å, eV/Å, eV/Å³ and Å/fs; nothing is converted.
//!
//! [`read_all`] reads a file at once, a [`Reader`] frame by frame in constant memory. What a [`Writer`] writes is
//! read back bit for bit.

mod comment;
mod header;
mod properties;
mod reader;
mod value;
mod writer;

use std::path::Path;

pub use reader::Reader;
pub use writer::Writer;

use crate::error::{Error, Result};
use crate::frame::Frame;

/// Under which names a file holds the labels.
///
/// ```
/// use e3x_atoms::extxyz::KeyNames;
///
/// let keys = KeyNames { energy: "REF_energy".into(), forces: "REF_forces".into(), ..KeyNames::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyNames {
    /// Key of the comment line with the energy in eV; `energy` by default.
    pub energy: String,
    /// Column with the forces in eV/Å; `forces` by default.
    pub forces: String,
    /// Key with the stress in eV/Å³, 9 numbers (row by row) or 6 (xx, yy, zz, yz, xz, xy); `stress` by default.
    pub stress: String,
    /// Keys with the virial in eV, read as stress = −virial / volume if there is no stress; `virial` and `virials` by
    /// default. Never written.
    pub virial: Vec<String>,
    /// Column with the velocities in Å/fs; `velocities` by default.
    pub velocities: String,
}

impl Default for KeyNames {
    fn default() -> Self {
        Self {
            energy: "energy".into(),
            forces: "forces".into(),
            stress: "stress".into(),
            virial: vec!["virial".into(), "virials".into()],
            velocities: "velocities".into(),
        }
    }
}

/// What a [`Reader`] looks for and what it insists on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadConfig {
    /// The names of the labels.
    pub keys: KeyNames,
    /// Whether a frame without energy is an error.
    pub require_energy: bool,
    /// Whether a frame without forces is an error.
    pub require_forces: bool,
    /// Whether a frame without stress is an error.
    pub require_stress: bool,
}

impl ReadConfig {
    /// The configuration for training on energies and forces: both are required.
    pub fn energy_and_forces() -> Self {
        Self {
            require_energy: true,
            require_forces: true,
            ..Self::default()
        }
    }
}

/// Reads all frames of a file; at least one.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read; [`Error::Parse`] with file and line if it is not extended XYZ, is cut off,
/// lacks a required label, or holds NaN, infinities, unknown elements or no frame at all.
pub fn read_all(path: impl AsRef<Path>, config: &ReadConfig) -> Result<Vec<Frame>> {
    let path = path.as_ref();
    let frames = Reader::open(path, config.clone())?.collect::<Result<Vec<_>>>()?;
    if frames.is_empty() {
        return Err(Error::Parse {
            file: path.display().to_string(),
            line: 1,
            expected: "at least one extended-XYZ frame".into(),
            received: "an empty file".into(),
        });
    }
    Ok(frames)
}

/// Writes all frames to a file, which is replaced in one step once everything is on the disk.
///
/// # Errors
/// [`Error::Io`]; [`Error::Argument`] for a frame that [`Frame::check`] refuses or that cannot be expressed. The file
/// is then what it was before.
pub fn write_all(path: impl AsRef<Path>, frames: &[Frame], keys: &KeyNames) -> Result<()> {
    let path = path.as_ref();
    crate::atomic_file::write_with(path, |file| {
        let mut writer = Writer::new(path.display().to_string(), file, keys.clone());
        frames.iter().try_for_each(|frame| writer.write(frame))
    })
}

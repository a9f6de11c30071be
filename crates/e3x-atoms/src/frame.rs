//! One configuration of atoms with its labels.

use std::collections::BTreeMap;

use crate::elements;
use crate::error::{Error, Result, check_finite_rows, check_rows};
use crate::linalg::determinant;

/// One configuration of N atoms: what one entry of a data set or of a trajectory holds.
///
/// ```
/// use e3x_atoms::Frame;
///
/// let water = Frame::new(vec![8, 1, 1], vec![[0.0, 0.0, 0.0], [0.96, 0.0, 0.0], [-0.24, 0.93, 0.0]]);
/// assert_eq!(water.len(), 3);
/// assert!(water.check().is_ok());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// Atomic numbers, shape `(N,)`.
    pub numbers: Vec<u32>,
    /// Positions in Å, shape `(N, 3)`; need not lie inside the cell.
    pub positions: Vec<[f64; 3]>,
    /// The three cell vectors in Å, one per row.
    pub cell: Option<[[f64; 3]; 3]>,
    /// Along which cell vectors the configuration repeats.
    pub pbc: [bool; 3],
    /// Potential energy of the whole frame in eV.
    pub energy: Option<f64>,
    /// Forces in eV/Å, shape `(N, 3)`.
    pub forces: Option<Vec<[f64; 3]>>,
    /// Stress in eV/Å³, 1/V dE/dstrain: positive under tension (the sign of ASE).
    pub stress: Option<[[f64; 3]; 3]>,
    /// Velocities in Å/fs, shape `(N, 3)`.
    pub velocities: Option<Vec<[f64; 3]>>,
    /// Other keys of the frame, with their values as text.
    pub info: BTreeMap<String, String>,
    /// Other per-atom columns (charges, tags, dipoles ...).
    pub columns: BTreeMap<String, Column>,
}

/// A per-atom column that has no field of its own in [`Frame`].
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The number of values per atom, at least 1.
    pub width: usize,
    /// The values, atom by atom: `width` times N of them.
    pub values: ColumnValues,
}

/// The values of a [`Column`].
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnValues {
    /// Real numbers (`R`).
    Real(Vec<f64>),
    /// Integers (`I`).
    Integer(Vec<i64>),
    /// Logical values (`L`).
    Logical(Vec<bool>),
    /// Words without white space (`S`).
    Text(Vec<String>),
}

impl ColumnValues {
    /// The number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Real(values) => values.len(),
            Self::Integer(values) => values.len(),
            Self::Logical(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Frame {
    /// A frame without cell and labels.
    ///
    /// `numbers` are atomic numbers, shape `(N,)`; `positions` are in Å, shape `(N, 3)`. The shapes are not compared
    /// here but by [`Frame::check`], which every function that takes a frame calls.
    pub fn new(numbers: Vec<u32>, positions: Vec<[f64; 3]>) -> Self {
        Self {
            numbers,
            positions,
            ..Self::default()
        }
    }

    /// The number of atoms.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether the frame has no atoms.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The standard masses of the atoms in u, shape `(N,)`.
    ///
    /// # Errors
    /// [`Error::Argument`] for an atomic number outside 1..=118.
    pub fn masses(&self) -> Result<Vec<f64>> {
        elements::masses(&self.numbers)
    }

    /// The volume of the cell in Å³ (never negative), or `None` without a cell.
    pub fn volume(&self) -> Option<f64> {
        self.cell.map(|cell| determinant(&cell).abs())
    }

    /// Checks that the fields fit together: one row per atom, known elements, finite numbers, a cell where periodic.
    ///
    /// # Errors
    /// [`Error::Argument`] naming the field, for instance `forces[4]`.
    pub fn check(&self) -> Result<()> {
        let atoms = self.numbers.len();
        elements::masses(&self.numbers)?;
        check_rows("positions", self.positions.len(), atoms)?;
        check_finite_rows("positions", &self.positions)?;
        for (name, rows) in [("forces", &self.forces), ("velocities", &self.velocities)] {
            if let Some(rows) = rows {
                check_rows(name, rows.len(), atoms)?;
                check_finite_rows(name, rows)?;
            }
        }
        for (name, matrix) in [("cell", &self.cell), ("stress", &self.stress)] {
            if let Some(matrix) = matrix {
                check_finite_rows(name, matrix)?;
            }
        }
        if let Some(energy) = self.energy.filter(|energy| !energy.is_finite()) {
            return Err(Error::argument("energy", "a finite number", energy));
        }
        if self.cell.is_none() && self.pbc.contains(&true) {
            return Err(Error::argument(
                "cell",
                format!("a cell, since pbc is {:?}", self.pbc),
                "none",
            ));
        }
        self.check_columns()
    }

    /// Checks the lengths and the finiteness of the other columns.
    fn check_columns(&self) -> Result<()> {
        for (name, column) in &self.columns {
            let expected = column.width.saturating_mul(self.numbers.len());
            if column.width == 0 || column.values.len() != expected {
                return Err(Error::argument(
                    format!("columns[\"{name}\"]"),
                    format!(
                        "a width of at least 1 and width * {} values",
                        self.numbers.len()
                    ),
                    format!("width {} and {} values", column.width, column.values.len()),
                ));
            }
            if let ColumnValues::Real(values) = &column.values
                && let Some(value) = values.iter().find(|value| !value.is_finite())
            {
                return Err(Error::argument(
                    format!("columns[\"{name}\"]"),
                    "finite numbers",
                    value,
                ));
            }
        }
        Ok(())
    }
}

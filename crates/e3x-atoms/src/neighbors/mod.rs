//! Neighbour lists: which atoms, and which of their periodic images, are closer than a cutoff.
//!
//! A pair is directed: `src` sends to `dst`, and its displacement points from `dst` to `src`, as in E3x
//! (`positions[src] - positions[dst]`):
//!
//! ```text
//! r = positions[src] + shift · cell - positions[dst],      |r| < cutoff
//! ```
//!
//! `shift` counts cell vectors. Both directions of a pair are listed. An atom is its own neighbour through its periodic
//! images (shift ≠ 0), never directly.
//!
//! The lists are right for every cell: skewed ones, cutoffs beyond half the box or many boxes, any combination of
//! periodic directions, atoms anywhere relative to the cell. The order is part of the contract: sorted by `dst`, then
//! `src`, then `shift` (lexicographic), whatever the algorithm and the number of threads.

mod brute_force;
mod cell_list;
mod lattice;

pub use brute_force::pairs_within_brute_force;
pub use cell_list::pairs_within;

use crate::error::{Error, Result, check_finite_rows};
use crate::linalg::{Vec3, add, row_times, sub};

/// Directed pairs of atoms, sorted by `dst`, then `src`, then shift. All three lists have one entry per pair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// The receiving atom of each pair.
    pub dst: Vec<u32>,
    /// The sending atom of each pair.
    pub src: Vec<u32>,
    /// How many cell vectors to add to the position of the sending atom, for each of the three vectors.
    pub shifts: Vec<[i32; 3]>,
}

impl Pairs {
    /// The number of directed pairs.
    pub fn len(&self) -> usize {
        self.dst.len()
    }

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.dst.is_empty()
    }

    /// The shifts in Å, `shift · cell`, shape `(pairs, 3)`: what to add to `positions[src] - positions[dst]`.
    ///
    /// `cell` has the cell vectors in Å as rows; without one all shifts are zero.
    pub fn offsets(&self, cell: Option<&[[f64; 3]; 3]>) -> Vec<[f64; 3]> {
        let offset =
            |shift: &[i32; 3]| cell.map_or([0.0; 3], |cell| row_times(shift.map(f64::from), cell));
        self.shifts.iter().map(offset).collect()
    }

    /// The displacements from `dst` to `src` in Å, shape `(pairs, 3)`.
    ///
    /// # Errors
    /// [`Error::Argument`] if `positions` has fewer rows than the list has atoms.
    pub fn displacements(
        &self,
        positions: &[[f64; 3]],
        cell: Option<&[[f64; 3]; 3]>,
    ) -> Result<Vec<[f64; 3]>> {
        let position = |atom: u32| {
            positions.get(atom as usize).copied().ok_or_else(|| {
                Error::argument(
                    "positions",
                    format!("a row for atom {atom}"),
                    positions.len(),
                )
            })
        };
        let offsets = self.offsets(cell);
        let atoms = self.src.iter().zip(&self.dst);
        atoms
            .zip(offsets)
            .map(|((src, dst), offset)| Ok(add(sub(position(*src)?, position(*dst)?), offset)))
            .collect()
    }

    /// Appends a pair.
    fn push(&mut self, dst: u32, src: u32, shift: [i32; 3]) {
        self.dst.push(dst);
        self.src.push(src);
        self.shifts.push(shift);
    }
}

/// All pairs of `num_atoms` different atoms, without shifts: `num_atoms * (num_atoms - 1)` of them.
///
/// ```
/// let pairs = e3x_atoms::neighbors::all_pairs(3)?;
/// assert_eq!(pairs.dst, [0, 0, 1, 1, 2, 2]);
/// assert_eq!(pairs.src, [1, 2, 0, 2, 0, 1]);
/// # Ok::<(), e3x_atoms::Error>(())
/// ```
///
/// # Errors
/// [`Error::Argument`] for more than 32,768 atoms, that is a billion pairs.
pub fn all_pairs(num_atoms: usize) -> Result<Pairs> {
    const MOST: usize = 1 << 15;
    if num_atoms > MOST {
        return Err(Error::argument(
            "num_atoms",
            format!("at most {MOST}"),
            num_atoms,
        ));
    }
    let mut pairs = Pairs::default();
    let atoms = num_atoms as u32;
    for dst in 0..atoms {
        for src in (0..atoms).filter(|src| *src != dst) {
            pairs.push(dst, src, [0; 3]);
        }
    }
    Ok(pairs)
}

/// Checks what the two algorithms have in common.
fn check_input(positions: &[Vec3], cutoff: f64) -> Result<()> {
    crate::error::check_positive("cutoff", cutoff)?;
    check_finite_rows("positions", positions)?;
    if u32::try_from(positions.len()).is_err() {
        return Err(Error::argument(
            "positions",
            "fewer than 2^32 rows",
            positions.len(),
        ));
    }
    Ok(())
}

//! The neighbour list in linear time: sort the atoms into bins, look at the bins around each atom.

use super::lattice::Lattice;
use super::{Pairs, check_input};
use crate::error::{Error, Result};
use crate::linalg::{Vec3, add, norm, sub};

/// More candidates than this would not end in a reasonable time or memory.
const MOST_CANDIDATES: f64 = 1e9;

/// Atoms that are not sorted first.
const FEW: usize = 32;

/// Bins are this much wider than the cutoff, so that rounding cannot put a neighbour two bins away.
const MARGIN: f64 = 1.0 + 1e-6;

/// All directed pairs of atoms and periodic images that are closer than `cutoff`, in O(N) time.
///
/// `positions` are in Å with shape `(N, 3)` and need not lie in the cell, `cell` has the cell vectors in Å as rows,
/// `cutoff` is in Å. Vectors of directions that are not periodic are ignored. See the [module](super) for what a pair is
/// and for the order.
///
/// ```
/// use e3x_atoms::neighbors::pairs_within;
///
/// // A chain along x with one atom per 2 Å: neighbours on both sides, each an image of the atom itself.
/// let cell = [[2.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]];
/// let pairs = pairs_within(&[[0.5, 0.0, 0.0]], Some(&cell), [true, false, false], 3.0)?;
/// assert_eq!(pairs.shifts, [[-1, 0, 0], [1, 0, 0]]);
/// # Ok::<(), e3x_atoms::Error>(())
/// ```
///
/// # Errors
/// [`Error::Argument`] for a cutoff that is not positive and finite or would give about a billion pairs, for positions that
/// are not finite or more than 2^28 cells away, and for periodic cell vectors that are missing or linearly dependent.
pub fn pairs_within(
    positions: &[[f64; 3]],
    cell: Option<&[[f64; 3]; 3]>,
    pbc: [bool; 3],
    cutoff: f64,
) -> Result<Pairs> {
    check_input(positions, cutoff)?;
    let lattice = Lattice::new(cell, pbc)?;
    if positions.len() <= FEW && pbc == [false; 3] {
        return Ok(pairs_of_few(positions, cutoff));
    }
    let grid = Grid::new(&lattice, positions, cutoff)?;
    let mut pairs = Pairs::default();
    let mut found: Vec<(u32, [i32; 3])> = Vec::new();
    for (dst, to) in positions.iter().enumerate() {
        found.clear();
        grid.for_each_near(dst, |src, shift| {
            let itself = dst == src && shift == [0; 3];
            let direct = sub(positions[src], *to);
            if !itself && norm(add(direct, lattice.offset(shift))) < cutoff {
                found.push((src as u32, shift));
            }
        });
        found.sort_unstable();
        for (src, shift) in &found {
            pairs.push(dst as u32, *src, *shift);
        }
    }
    Ok(pairs)
}

/// The pairs without images of a few atoms: each is tried with each.
fn pairs_of_few(positions: &[Vec3], cutoff: f64) -> Pairs {
    let mut pairs = Pairs::default();
    for (dst, to) in positions.iter().enumerate() {
        for (src, from) in positions.iter().enumerate() {
            if dst != src && norm(sub(*from, *to)) < cutoff {
                pairs.push(dst as u32, src as u32, [0; 3]);
            }
        }
    }
    pairs
}

/// The atoms sorted into bins that are at least as wide as the cutoff, or, for smaller cells, span the whole cell.
struct Grid {
    /// How many bins each direction has.
    bins: [i64; 3],
    /// How many bins away a neighbour can be.
    reach: [i64; 3],
    pbc: [bool; 3],
    /// The bin of each atom.
    bin_of: Vec<[i64; 3]>,
    /// By how many cell vectors each atom lies outside the cell.
    wraps: Vec<[i32; 3]>,
    /// Where the atoms of each bin begin in `atoms`.
    starts: Vec<usize>,
    /// The atoms, bin by bin.
    atoms: Vec<usize>,
}

impl Grid {
    /// Sorts the atoms into bins.
    fn new(lattice: &Lattice, positions: &[Vec3], cutoff: f64) -> Result<Self> {
        let (fractions, wraps) = wrap(lattice, positions)?;
        let (low, span) = bounds(lattice, &fractions);
        let lengths: Vec3 = std::array::from_fn(|k| span[k] * lattice.heights[k]);
        let bins = count_bins(lengths, cutoff, positions.len());
        let reach = reach(lattice, lengths, bins, cutoff, positions.len())?;
        let bin_of: Vec<[i64; 3]> = fractions
            .iter()
            .map(|fraction| {
                std::array::from_fn(|k| {
                    let bin = ((fraction[k] - low[k]) / span[k] * bins[k] as f64) as i64;
                    bin.clamp(0, bins[k] - 1)
                })
            })
            .collect();
        let mut grid = Self {
            bins,
            reach,
            pbc: lattice.pbc,
            bin_of,
            wraps,
            starts: Vec::new(),
            atoms: Vec::new(),
        };
        grid.sort();
        Ok(grid)
    }

    /// Lists the atoms bin by bin (a counting sort).
    fn sort(&mut self) {
        let flat: Vec<usize> = self.bin_of.iter().map(|bin| self.flatten(*bin)).collect();
        let num_bins = self.bins.iter().product::<i64>() as usize;
        let mut starts = vec![0; num_bins + 1];
        for bin in &flat {
            starts[bin + 1] += 1;
        }
        for bin in 0..num_bins {
            starts[bin + 1] += starts[bin];
        }
        let mut next = starts.clone();
        self.atoms = vec![0; flat.len()];
        for (atom, bin) in flat.iter().enumerate() {
            self.atoms[next[*bin]] = atom;
            next[*bin] += 1;
        }
        self.starts = starts;
    }

    /// The number of a bin.
    fn flatten(&self, bin: [i64; 3]) -> usize {
        ((bin[0] * self.bins[1] + bin[1]) * self.bins[2] + bin[2]) as usize
    }

    /// Calls `visit(src, shift)` for every atom and image in the bins around the atom `dst`, itself included.
    fn for_each_near(&self, dst: usize, mut visit: impl FnMut(usize, [i32; 3])) {
        let bin = self.bin_of[dst];
        let [a, b, c] = std::array::from_fn(|k| bin[k] - self.reach[k]..=bin[k] + self.reach[k]);
        for x in a {
            for y in b.clone() {
                for z in c.clone() {
                    self.visit_bin(dst, [x, y, z], &mut visit);
                }
            }
        }
    }

    /// Visits the atoms of one bin, which may lie in another cell.
    fn visit_bin(&self, dst: usize, bin: [i64; 3], visit: &mut impl FnMut(usize, [i32; 3])) {
        let cells: [i64; 3] = std::array::from_fn(|k| bin[k].div_euclid(self.bins[k]));
        if (0..3).any(|k| cells[k] != 0 && !self.pbc[k]) {
            return;
        }
        let inside = self.flatten(std::array::from_fn(|k| bin[k].rem_euclid(self.bins[k])));
        for &src in &self.atoms[self.starts[inside]..self.starts[inside + 1]] {
            let shift =
                std::array::from_fn(|k| cells[k] as i32 + self.wraps[dst][k] - self.wraps[src][k]);
            visit(src, shift);
        }
    }
}

/// Fractional coordinates, in [0, 1] along periodic directions, and by how many cells the atoms lie outside.
fn wrap(lattice: &Lattice, positions: &[Vec3]) -> Result<(Vec<Vec3>, Vec<[i32; 3]>)> {
    const FARTHEST: f64 = (1 << 28) as f64;
    let mut fractions = Vec::with_capacity(positions.len());
    let mut wraps = Vec::with_capacity(positions.len());
    for (atom, position) in positions.iter().enumerate() {
        let fraction = lattice.fractional(*position);
        let cells: Vec3 = std::array::from_fn(|k| {
            if lattice.pbc[k] {
                fraction[k].floor()
            } else {
                0.0
            }
        });
        if cells
            .iter()
            .any(|count| count.is_nan() || count.abs() > FARTHEST)
        {
            let expected = "an atom less than 2^28 cells away from the origin";
            return Err(Error::argument(
                format!("positions[{atom}]"),
                expected,
                format!("{position:?}"),
            ));
        }
        fractions.push(sub(fraction, cells));
        wraps.push(cells.map(|count| count as i32));
    }
    Ok((fractions, wraps))
}

/// The least fractional coordinate and the range of them: the whole cell where periodic, the atoms elsewhere.
fn bounds(lattice: &Lattice, fractions: &[Vec3]) -> (Vec3, Vec3) {
    let mut low = [0.0; 3];
    let mut span = [1.0; 3];
    for k in (0..3).filter(|k| !lattice.pbc[*k]) {
        let along = || fractions.iter().map(|fraction| fraction[k]);
        low[k] = along().fold(f64::INFINITY, f64::min);
        let extent = along().fold(f64::NEG_INFINITY, f64::max) - low[k];
        span[k] = if extent > 0.0 { extent } else { 1.0 };
    }
    (low, span)
}

/// The number of bins along each direction: as narrow as the cutoff allows, but not many more than there are atoms.
fn count_bins(lengths: Vec3, cutoff: f64, atoms: usize) -> [i64; 3] {
    let mut bins = lengths.map(|length| (length / (cutoff * MARGIN)).floor().clamp(1.0, 1e9));
    let most = (4 * atoms + 64) as f64;
    while bins.iter().product::<f64>() > most {
        let widest = bins.iter().copied().fold(1.0, f64::max);
        bins = bins.map(|count| {
            if count == widest {
                (count / 2.0).ceil()
            } else {
                count
            }
        });
    }
    bins.map(|count| count as i64)
}

/// How many bins away a neighbour can be; more than one where the cell is smaller than the cutoff.
fn reach(
    lattice: &Lattice,
    lengths: Vec3,
    bins: [i64; 3],
    cutoff: f64,
    atoms: usize,
) -> Result<[i64; 3]> {
    let reach: Vec3 = std::array::from_fn(|k| {
        let width = lengths[k] / bins[k] as f64;
        if lattice.pbc[k] {
            (cutoff * MARGIN / width).ceil()
        } else {
            f64::from(bins[k] > 1)
        }
    });
    let around: f64 = reach.iter().map(|bins| 2.0 * bins + 1.0).product();
    let per_bin = atoms as f64 / bins.iter().product::<i64>() as f64;
    let candidates = atoms as f64 * around * per_bin.max(1.0);
    if candidates > MOST_CANDIDATES {
        let expected = format!("a cutoff with fewer than {MOST_CANDIDATES:e} candidate pairs");
        let received = format!("{cutoff} Å, with about {candidates:.1e}");
        return Err(Error::argument("cutoff", expected, received));
    }
    Ok(reach.map(|bins| bins as i64))
}

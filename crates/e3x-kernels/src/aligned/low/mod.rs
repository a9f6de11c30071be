//! Plans whose degrees are at most 2, with code of known size for each pair of degrees.
//!
//! Where irreps have one, three or five entries, finding them takes longer than multiplying them, as `sums.rs` has to. Here
//! everything follows from the degrees of two irreps, which are constants of the code: the gains of a pair stay in
//! registers, and so does what an irrep gets from all others, which is turned back before it is written.
//!
//! Weights times coefficients are the same for all edges and are multiplied once per pass.

mod couple;
mod kernel;
mod outer;
mod pair;
mod turn;

pub(super) use kernel::LowFirst;

use super::parts::Part;
use super::plan::{AlignedPath, Irrep, Side};

/// Highest degree, of features and of filters that couple them.
const MOST: usize = 2;

/// Most rows of an end: both parities.
const MOST_ROWS: usize = 2 * (MOST + 1) * (MOST + 1);

/// Degrees of filters.
const FILTERS: usize = MOST + 1;

/// Pairs that an irrep can be in: with degree 0, 1 and 2 where m couples to m, with 1 and 2 where it couples to -m. As
/// only one parity of the other end has filters of the right parity, there is one of each.
const PAIRS: usize = 2 * MOST + 1;

/// An irrep and all that couple to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Target {
    /// Its first row in the features, and its entry m = 0 in the frame.
    row: usize,
    center: usize,
    /// As in [`Irrep`].
    reach: usize,
    around: usize,
    pairs: [Pair; PAIRS],
}

/// An irrep of the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Pair {
    /// Paths, their degrees from the lowest possible one on. Without, this is no pair.
    num: u32,
    /// The first one.
    path: u32,
    /// Where its coefficients start, `(path, |m|)`.
    coefficients: u32,
    /// Entry m = 0 of the other irrep in the frame.
    other: u32,
}

/// One end of the edges: degree by degree, then the other parity.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    targets: Vec<Target>,
    parities: usize,
    /// Degrees of a parity.
    degrees: usize,
    /// Rows in the frame of this end and of the other; places are below.
    rows: usize,
    others: usize,
}

/// Both ends, with what couples to their irreps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LowPlan {
    input: End,
    output: End,
    /// The path of each coefficient.
    paths: Vec<u32>,
}

impl LowPlan {
    /// None if a degree is too high.
    pub fn new(
        [input, output]: [&Side; 2],
        parts: &[Part],
        paths: &[AlignedPath],
        coefficients: usize,
    ) -> Option<Self> {
        let mut of_coefficients = vec![0; coefficients];
        for part in parts {
            let [l2, l3] = [find(input, part.x)?.degree, find(output, part.z)?.degree];
            let lowest = l2.abs_diff(l3) + usize::from(part.odd());
            let orders = usize::from(part.odd())..l2.min(l3) + 1;
            let degrees = paths[part.paths()].iter().map(|path| path.degree);
            let known = (lowest..FILTERS).step_by(2).take(part.paths().len());
            if part.orders() != orders || !degrees.eq(known) {
                return None;
            }
            let len = orders.len() * part.paths().len();
            let of_part = &mut of_coefficients[part.coefficients as usize..][..len];
            for (of_path, path) in of_part.chunks_mut(orders.len()).zip(part.paths()) {
                of_path.fill(path as u32);
            }
        }
        Some(Self {
            input: End::new([input, output], parts, |part| (part.x, part.z))?,
            output: End::new([output, input], parts, |part| (part.z, part.x))?,
            paths: of_coefficients,
        })
    }
}

impl End {
    /// `ends` gives the entries m = 0 of a part: of this end and of the other.
    fn new(
        [side, other]: [&Side; 2],
        parts: &[Part],
        ends: impl Fn(&Part) -> (u32, u32),
    ) -> Option<Self> {
        let degrees = side.irreps.len() / side.parities;
        let mut targets = Vec::new();
        for (i, irrep) in side.irreps.iter().enumerate() {
            if irrep.degree > MOST || irrep.degree != i % degrees {
                return None;
            }
            let mut pairs = [Pair::default(); PAIRS];
            for part in parts
                .iter()
                .filter(|part| ends(part).0 as usize == irrep.center)
            {
                let other = find(other, ends(part).1)?;
                let pair = &mut pairs[other.degree + if part.odd() { MOST } else { 0 }];
                if pair.num > 0 {
                    return None;
                }
                *pair = Pair {
                    num: part.num,
                    path: part.path,
                    coefficients: part.coefficients,
                    other: other.center as u32,
                };
            }
            targets.push(Target {
                row: irrep.row,
                center: irrep.center,
                reach: irrep.reach,
                around: irrep.around,
                pairs,
            });
        }
        Some(Self {
            targets,
            parities: side.parities,
            degrees,
            rows: side.local_rows,
            others: other.local_rows,
        })
    }
}

/// The irrep with an entry m = 0.
fn find(side: &Side, center: u32) -> Option<&Irrep> {
    side.irreps
        .iter()
        .find(|irrep| irrep.center == center as usize)
}

//! The neighbour list by trying everything: slow, short, and the oracle of the tests.

use super::lattice::Lattice;
use super::{Pairs, check_input};
use crate::error::Result;
use crate::linalg::{add, norm, sub};

/// The same list as [`pairs_within`](super::pairs_within), by testing every image that could be close enough of every
/// atom against every atom: O(N²), without a limit on the work.
///
/// # Errors
/// As for [`pairs_within`](super::pairs_within).
pub fn pairs_within_brute_force(
    positions: &[[f64; 3]],
    cell: Option<&[[f64; 3]; 3]>,
    pbc: [bool; 3],
    cutoff: f64,
) -> Result<Pairs> {
    check_input(positions, cutoff)?;
    let lattice = Lattice::new(cell, pbc)?;
    let mut pairs = Pairs::default();
    for (dst, to) in positions.iter().enumerate() {
        for (src, from) in positions.iter().enumerate() {
            let direct = sub(*from, *to);
            let fraction = lattice.fractional(direct);
            // |f + s| height <= cutoff, with one more on each side against rounding.
            let [a, b, c] = std::array::from_fn(|k| {
                let reach = if pbc[k] {
                    cutoff / lattice.heights[k] + 1.0
                } else {
                    0.0
                };
                let middle = if pbc[k] { -fraction[k] } else { 0.0 };
                (middle - reach).ceil() as i32..=(middle + reach).floor() as i32
            });
            for x in a {
                for y in b.clone() {
                    for z in c.clone() {
                        let shift = [x, y, z];
                        let itself = dst == src && shift == [0; 3];
                        if !itself && norm(add(direct, lattice.offset(shift))) < cutoff {
                            pairs.push(dst as u32, src as u32, shift);
                        }
                    }
                }
            }
        }
    }
    Ok(pairs)
}

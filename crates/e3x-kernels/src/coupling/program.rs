//! The coefficients of a plan in the order in which they are worked off.
//!
//! All paths between one degree of the first and one of the second factor, a *pair*, share the
//! products `x[i] y[j]`. With rows `ij` for these products and rows `k` for the entries of all
//! degrees that the pair couples to, the coefficients are a sparse matrix: [`Pair::forward`] has its
//! rows by `k`, [`Pair::backward`], its transpose, by `ij`.

use crate::Real;
use crate::plan::{Block, Path};

/// The irreps of a factor or of the product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Side {
    /// Size of the parity axis.
    pub parity: usize,
    /// Rows of one parity: `(L+1)^2`.
    pub degrees: usize,
}

/// A path of a block. Its position says which parities the factors have: `p1 * P2 + p2`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Channel {
    /// Parity of the product.
    pub parity3: usize,
    /// Position among all paths.
    pub path: usize,
}

/// One degree of the product.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Out {
    /// `2 l3 + 1`.
    pub len: usize,
    /// First row `k`.
    pub first: usize,
    /// First row of the degree in the product, for the first parity.
    pub row3: usize,
    /// By the parities of the factors, `p1 * P2 + p2`; `None` where there is no path.
    pub channels: Vec<Option<Channel>>,
}

/// One degree of each factor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pair {
    /// `2 l1 + 1` and `2 l2 + 1`.
    pub len: [usize; 2],
    /// First rows of the degrees, for the first parity.
    pub row: [usize; 2],
    /// Degrees of the product.
    pub outs: Vec<Out>,
    /// Rows `k` of all of them.
    pub rows: usize,
    pub forward: Sparse<f64>,
    pub backward: Sparse<f64>,
}

/// A sparse matrix by rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sparse<T> {
    /// End of each row among the entries.
    pub ends: Vec<u32>,
    /// Column and value.
    pub entries: Vec<(u32, T)>,
}

impl Sparse<f64> {
    /// Sorts entries `(row, column, value)`.
    fn new(num_rows: usize, mut entries: Vec<(usize, usize, f64)>) -> Self {
        entries.sort_by_key(|&(row, column, _)| (row, column));
        let end = |row| entries.partition_point(|&(r, ..)| r <= row) as u32;
        Self {
            ends: (0..num_rows).map(end).collect(),
            entries: entries.iter().map(|&(_, c, v)| (c as u32, v)).collect(),
        }
    }

    pub fn rounded<T: Real>(&self) -> Sparse<T> {
        let round = |&(column, value): &(u32, f64)| (column, T::from_f64(value));
        Sparse {
            ends: self.ends.clone(),
            entries: self.entries.iter().map(round).collect(),
        }
    }
}

/// The blocks of a plan, by pairs of degrees.
pub(crate) fn pairs(sides: [Side; 3], blocks: &[Block], paths: &[Path]) -> Vec<Pair> {
    let same_factors = |a: &Block, b: &Block| a.degrees[..2] == b.degrees[..2];
    blocks
        .chunk_by(same_factors)
        .map(|blocks| pair(sides, blocks, paths))
        .collect()
}

fn pair(sides: [Side; 3], blocks: &[Block], paths: &[Path]) -> Pair {
    let [l1, l2, _] = blocks[0].degrees;
    let len = [2 * l1 + 1, 2 * l2 + 1];
    let mut entries = Vec::new();
    let mut outs = Vec::new();
    let mut rows = 0;
    for block in blocks {
        let mut channels = vec![None; sides[0].parity * sides[1].parity];
        for path in block.paths.clone() {
            let Path {
                row1, row2, row3, ..
            } = paths[path];
            let parities = [row1 / sides[0].degrees, row2 / sides[1].degrees];
            channels[parities[0] * sides[1].parity + parities[1]] = Some(Channel {
                parity3: row3 / sides[2].degrees,
                path,
            });
        }
        outs.push(Out {
            len: 2 * block.degrees[2] + 1,
            first: rows,
            row3: block.degrees[2].pow(2),
            channels,
        });
        let entry = |t: &crate::plan::Term| {
            let ij = t.i as usize * len[1] + t.j as usize;
            (rows + t.k as usize, ij, t.value)
        };
        entries.extend(block.terms.iter().map(entry));
        rows += 2 * block.degrees[2] + 1;
    }
    let transposed = entries.iter().map(|&(k, ij, c)| (ij, k, c)).collect();
    Pair {
        len,
        row: [l1 * l1, l2 * l2],
        outs,
        rows,
        forward: Sparse::new(rows, entries),
        backward: Sparse::new(len[0] * len[1], transposed),
    }
}

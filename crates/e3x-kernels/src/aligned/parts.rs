//! Pairs of irreps, one of each end, with all paths between them, in parts of a few |m|.

use std::ops::Range;

/// Some |m| of an irrep of the input and one of the output, with all paths between them.
///
/// Parities leave filters of even degrees only, or of odd degrees only, so that `l1 + l2 + l3` is
/// even for all paths of a pair, or odd for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// Number of |m|, and whether `l1 + l2 + l3` is odd: then m couples to -m, with a sign, and m = 0 to nothing. See
    /// [`kind`].
    pub kind: u32,
    /// Entries m = 0 of the input and of the output.
    pub x: u32,
    pub z: u32,
    /// Where its |m| start: 0 if they start at the lowest possible one, which is 1 if it is odd.
    pub first: u32,
    /// First path and number of paths; the degrees of their filters go up by 2 from `degree` on.
    pub path: u32,
    pub num: u32,
    pub degree: u32,
    /// Where its coefficients start: `(path, |m|)`.
    pub coefficients: u32,
}

/// The kind of parts with so many |m|.
pub(super) fn kind(odd: bool, orders: usize) -> u32 {
    (usize::from(odd) + 2 * (orders - 1)) as u32
}

impl Part {
    pub fn odd(&self) -> bool {
        self.kind % 2 == 1
    }

    /// Its paths.
    pub fn paths(&self) -> Range<usize> {
        self.path as usize..(self.path + self.num) as usize
    }

    /// Its |m|.
    pub fn orders(&self) -> Range<usize> {
        let missing = usize::from(self.odd() && self.first == 0);
        let start = self.first as usize + missing;
        start..start + self.kind as usize / 2 + 1
    }

    /// Parts of it whose |m| start at multiples of `most`, of which each has `most` at most; appends their coefficients
    /// to others.
    pub fn split(self, most: usize, own: &[f64], all: &mut Vec<f64>) -> impl Iterator<Item = Self> {
        let orders = self.orders();
        let own = &own[self.coefficients as usize..][..orders.len() * self.paths().len()];
        (0..orders.end).step_by(most).filter_map(move |first| {
            let part = first.max(orders.start)..orders.end.min(first + most);
            if part.is_empty() {
                return None;
            }
            let coefficients = all.len() as u32;
            let columns = part.start - orders.start..part.end - orders.start;
            all.extend(
                own.chunks_exact(orders.len())
                    .flat_map(|own| &own[columns.clone()]),
            );
            Some(Self {
                kind: kind(self.odd(), part.len()),
                first: first as u32,
                coefficients,
                ..self
            })
        })
    }
}

/// Below what all places of some parts are: functions that follow them check once that there is as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lens {
    /// Rows in the frame of both ends.
    pub rows: [usize; 2],
    pub paths: usize,
    /// Degrees of the filter.
    pub degrees: usize,
    pub coefficients: usize,
}

impl Lens {
    /// Panics if a part has no path, or rows or coefficients that are not there.
    pub fn new<'a>(
        parts: impl Iterator<Item = &'a Part>,
        rows: [usize; 2],
        coefficients: usize,
    ) -> Self {
        let mut lens = Self {
            rows,
            coefficients,
            ..Self::default()
        };
        for part in parts {
            let (paths, orders) = (part.paths(), part.orders());
            let own = part.coefficients as usize + orders.len() * paths.len();
            assert!(!paths.is_empty() && own <= coefficients);
            for (center, rows) in [part.x as usize, part.z as usize].into_iter().zip(rows) {
                assert!(orders.end <= center + 1 && center + orders.end <= rows);
            }
            lens.paths = lens.paths.max(paths.end);
            lens.degrees = lens.degrees.max(part.degree as usize + 2 * paths.len() - 1);
        }
        lens
    }
}

//! Entries of a list grouped by the row that they point to.

use std::ops::Range;

/// Marks an entry that points to no row: sums drop it.
pub const PADDING: u32 = u32::MAX;

/// Entries grouped by row: those of row `i` are `entries[offsets[i]..offsets[i + 1]]`, in
/// ascending order. No `entries`: the numbers `offsets[i]..offsets[i + 1]` themselves, because the
/// list is sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Csr {
    offsets: Vec<u32>,
    entries: Option<Vec<u32>>,
}

impl Csr {
    /// Groups the entries of a list of rows (below `num_rows`, or [`PADDING`]) by counting.
    pub(crate) fn new(rows: &[u32], num_rows: usize) -> Self {
        let mut offsets = vec![0u32; num_rows + 1];
        for &row in rows.iter().filter(|&&row| row != PADDING) {
            offsets[row as usize + 1] += 1;
        }
        for i in 0..num_rows {
            offsets[i + 1] += offsets[i];
        }
        // Padding is the largest number: in a sorted list it comes last.
        let entries = (!rows.is_sorted()).then(|| {
            let mut next = offsets.clone();
            let mut entries = vec![0u32; offsets[num_rows] as usize];
            for (entry, &row) in rows.iter().enumerate().filter(|&(_, &row)| row != PADDING) {
                let slot = &mut next[row as usize];
                entries[*slot as usize] = entry as u32;
                *slot += 1;
            }
            entries
        });
        Self { offsets, entries }
    }

    /// Number of rows.
    pub(crate) fn num_rows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Where the entries of a row stand in [`Csr::entries`], or the entries themselves.
    #[inline(always)]
    pub(crate) fn range(&self, row: usize) -> Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }

    /// The grouped entries; `None` if the list is sorted.
    #[inline(always)]
    pub(crate) fn entries(&self) -> Option<&[u32]> {
        self.entries.as_deref()
    }

    /// The entry at a position of [`Csr::range`]. A loop over positions instead of a closure per
    /// entry: closures are not always inlined into code under run-time dispatch.
    #[inline(always)]
    pub(crate) fn entry(&self, position: usize) -> usize {
        match &self.entries {
            Some(entries) => entries[position] as usize,
            None => position,
        }
    }
}

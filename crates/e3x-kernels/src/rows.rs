//! Moving rows: `y[b, to, :] = sign x[b, from, :]`, zero elsewhere. The transpose is the same
//! operation with `from` and `to` exchanged.

use crate::error::check_len;
use crate::{Error, Real, Result};

/// One row that is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowCopy {
    /// Row of the input.
    pub from: usize,
    /// Row of the result.
    pub to: usize,
    /// Whether the row changes its sign.
    pub negate: bool,
}

/// Which rows go where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowMap {
    rows_in: usize,
    rows_out: usize,
    copies: Vec<RowCopy>,
}

impl RowMap {
    /// Checks and builds a map. No two copies may share a row of the result or of the input.
    ///
    /// # Errors
    /// If a row is out of range or used twice.
    pub fn new(rows_in: usize, rows_out: usize, copies: Vec<RowCopy>) -> Result<Self> {
        let (mut used_in, mut used_out) = (vec![false; rows_in], vec![false; rows_out]);
        for copy in &copies {
            for (used, row) in [(&mut used_in, copy.from), (&mut used_out, copy.to)] {
                match used.get_mut(row) {
                    Some(used @ false) => *used = true,
                    _ => {
                        return Err(Error::argument(
                            "copies",
                            "rows in range, each at most once",
                            format!("{copy:?}"),
                        ));
                    }
                }
            }
        }
        Ok(Self {
            rows_in,
            rows_out,
            copies,
        })
    }

    /// Number of rows of an input item.
    pub fn rows_in(&self) -> usize {
        self.rows_in
    }

    /// Number of rows of a result item.
    pub fn rows_out(&self) -> usize {
        self.rows_out
    }

    /// The map of the transposed matrix.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let swap = |copy: &RowCopy| RowCopy {
            from: copy.to,
            to: copy.from,
            ..*copy
        };
        Self {
            rows_in: self.rows_out,
            rows_out: self.rows_in,
            copies: self.copies.iter().map(swap).collect(),
        }
    }

    /// Applies the map to `items` blocks of rows of `width` values.
    ///
    /// # Errors
    /// If `x` has the wrong size.
    pub fn apply<T: Real>(&self, items: usize, width: usize, x: &[T]) -> Result<Vec<T>> {
        check_len("x", x.len(), items * self.rows_in * width)?;
        // Where each row of the result comes from; rows without a copy are zero.
        let mut sources = vec![None; self.rows_out];
        for copy in &self.copies {
            sources[copy.to] = Some(copy);
        }
        let size = self.rows_in * width;
        let mut y = Vec::with_capacity(items * self.rows_out * width);
        for item in 0..items {
            let x = &x[item * size..][..size];
            for source in &sources {
                let Some(copy) = source else {
                    y.resize(y.len() + width, T::ZERO);
                    continue;
                };
                let from = &x[copy.from * width..][..width];
                if copy.negate {
                    y.extend(from.iter().map(|&from| -from));
                } else {
                    y.extend_from_slice(from);
                }
            }
        }
        Ok(y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(from: usize, to: usize, negate: bool) -> RowCopy {
        RowCopy { from, to, negate }
    }

    #[test]
    fn moves_rows_and_back() {
        let map = RowMap::new(2, 3, vec![copy(0, 2, false), copy(1, 0, true)]).unwrap();
        let y = map.apply(1, 2, &[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!(y, [-3.0, -4.0, 0.0, 0.0, 1.0, 2.0]);
        let back = map.transposed().apply(1, 2, &y).unwrap();
        assert_eq!(back, [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn bad_maps_and_sizes_are_errors() {
        assert!(RowMap::new(2, 2, vec![copy(2, 0, false)]).is_err());
        assert!(RowMap::new(2, 2, vec![copy(0, 1, false), copy(1, 1, false)]).is_err());
        assert!(RowMap::new(2, 2, vec![copy(0, 1, false), copy(0, 0, false)]).is_err());
        let map = RowMap::new(1, 1, vec![copy(0, 0, false)]).unwrap();
        assert!(map.apply(2, 2, &[0.0f32; 3]).is_err());
        assert!(map.apply::<f32>(0, 2, &[]).unwrap().is_empty());
    }
}

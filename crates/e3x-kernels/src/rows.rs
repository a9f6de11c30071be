//! Moving rows: `y[b, to, :] = sign x[b, from, :]`, zero elsewhere. The transpose is the same
//! operation with `from` and `to` exchanged.

use std::mem::MaybeUninit;

use crate::error::check_len;
use crate::lanes::vectorized;
use crate::{Error, Real, Result, par};

/// Numbers per task.
const TASK: usize = 1 << 13;

/// What a number costs, in multiply-adds of a matrix product.
const WORK: usize = 4;

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
        let (size, len) = (self.rows_in * width, self.rows_out * width);
        let write = |first: usize, y: &mut [MaybeUninit<T>]| {
            for (item, y) in y.chunks_exact_mut(len).enumerate() {
                let x = &x[(first + item) * size..][..size];
                for (source, y) in sources.iter().zip(y.chunks_exact_mut(width)) {
                    let Some(copy) = source else {
                        y.fill(MaybeUninit::new(T::ZERO));
                        continue;
                    };
                    let from = &x[copy.from * width..][..width];
                    if copy.negate {
                        for (y, &from) in y.iter_mut().zip(from) {
                            y.write(-from);
                        }
                    } else {
                        y.write_copy_of_slice(from);
                    }
                }
            }
        };
        // SAFETY: all rows are written.
        Ok(unsafe { each_item(items, len, write) })
    }
}

/// Adds the rows of `x` to rows of `y`: those with the same numbers, or as a map says; `width` numbers in a row.
///
/// # Errors
/// If `y` does not consist of whole items, or `x` not of as many.
///
/// ```
/// let mut y = [1.0, 2.0];
/// e3x_kernels::rows::add(None, 1, &[10.0, 20.0], &mut y)?;
/// assert_eq!(y, [11.0, 22.0]);
/// # Ok::<(), e3x_kernels::Error>(())
/// ```
pub fn add<T: Real>(map: Option<&RowMap>, width: usize, x: &[T], y: &mut [T]) -> Result<()> {
    let (rows_in, rows_out) = map.map_or((1, 1), |map| (map.rows_in, map.rows_out));
    let (size, len) = (rows_in * width, rows_out * width);
    let items = y.len().checked_div(len).unwrap_or(0);
    check_len("y", y.len(), items * len)?;
    check_len("x", x.len(), items * size)?;
    if x.is_empty() || y.is_empty() {
        return Ok(());
    }
    let of_task = TASK.div_ceil(len);
    par::for_each_chunk(y, of_task * len, items * len * WORK, |task, y| {
        let x = &x[task * of_task * size..][..y.len() / len * size];
        vectorized(
            #[inline(always)]
            || {
                let Some(map) = map else {
                    return add_row(x, y, false);
                };
                for (x, y) in x.chunks_exact(size).zip(y.chunks_exact_mut(len)) {
                    for copy in &map.copies {
                        let to = &mut y[copy.to * width..][..width];
                        add_row(&x[copy.from * width..][..width], to, copy.negate);
                    }
                }
            },
        );
    });
    Ok(())
}

#[inline(always)]
fn add_row<T: Real>(x: &[T], y: &mut [T], negate: bool) {
    let pairs = y.iter_mut().zip(x);
    if negate {
        pairs.for_each(|(y, &x)| *y -= x);
    } else {
        pairs.for_each(|(y, &x)| *y += x);
    }
}

/// Whether the rows of `x`, of `width` numbers, are those that start every `stride` numbers in `y`; NaN equals nothing.
///
/// ```
/// use e3x_kernels::rows::equal_rows;
/// assert!(equal_rows(1, &[1.0f32, 2.0], 3, &[1.0, 0.0, 0.0, 2.0]));
/// assert!(!equal_rows(1, &[1.0f32, 2.0], 1, &[1.0, 3.0]));
/// ```
pub fn equal_rows<T: Real>(width: usize, x: &[T], stride: usize, y: &[T]) -> bool {
    let (width, stride) = (width.max(1), stride.max(1));
    let same = |(x, y): (&[T], &[T])| {
        let differ = x.iter().zip(y).map(|(x, y)| u32::from(x != y));
        differ.sum::<u32>() == 0
    };
    let equal = |(x, y): (&[T], &[T])| y.len() >= x.len() && same((x, y));
    x.len().div_ceil(width) <= y.len().div_ceil(stride)
        && vectorized(
            #[inline(always)]
            || x.chunks(width).zip(y.chunks(stride)).all(equal),
        )
}

/// `write(first, numbers)` writes the `size` numbers of each of some items from the first on, in parallel where it pays.
///
/// # Safety
/// `write` must write all numbers.
unsafe fn each_item<T: Real>(
    items: usize,
    size: usize,
    write: impl Fn(usize, &mut [MaybeUninit<T>]) + Sync,
) -> Vec<T> {
    if items * size == 0 {
        return Vec::new();
    }
    let of_task = TASK.div_ceil(size);
    let ends = par::even_ends(items * size, of_task * size);
    let task = |task: usize, numbers: &mut [MaybeUninit<T>]| write(task * of_task, numbers);
    // SAFETY: tasks have whole items, and the caller vouches for them.
    unsafe { par::filled(&ends, items * size * WORK, task) }
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
    fn every_number_of_all_rows_is_compared() {
        let x: Vec<f32> = (0..1000).map(|i| i as f32).collect();
        for width in [1, 10, 100, 1000] {
            // Rows with one more number in between.
            let spaced = x.chunks(width).flat_map(|row| row.iter().chain(&[-1.0]));
            let spaced: Vec<f32> = spaced.copied().collect();
            let equal = |y: &[f32]| equal_rows(width, &x, width + 1, y);
            assert!(equal(&spaced) && equal(&spaced[..spaced.len() - 1]));
            assert!(!equal(&spaced[1..]) && !equal(&spaced[..spaced.len() - 2]));
            for i in (0..spaced.len()).filter(|&i| i % (width + 1) != width) {
                let mut y = spaced.clone();
                y[i] = f32::NAN;
                assert!(!equal(&y));
            }
        }
        assert!(equal_rows::<f32>(0, &[], 0, &[]) && !equal_rows(1, &[1.0], 1, &[]));
    }

    #[test]
    fn items_of_several_tasks_are_moved() {
        let (items, width) = (3 * TASK / 4, 2);
        let x: Vec<f64> = (0..items * 2 * width).map(|i| i as f64).collect();
        let map = RowMap::new(2, 2, vec![copy(0, 1, true)]).unwrap();
        let y = map.apply(items, width, &x).unwrap();
        assert_eq!(y.len(), x.len());
        for item in 0..items {
            let (x, at) = (&x[4 * item..], 4 * item);
            assert_eq!(y[at..at + 4], [0.0, 0.0, -x[0], -x[1]]);
        }
    }

    #[test]
    fn adds_rows_of_several_tasks_in_place() {
        let (items, width) = (TASK, 2);
        let map = RowMap::new(1, 3, vec![copy(0, 2, true)]).unwrap();
        let x: Vec<f64> = (0..items * width).map(|i| i as f64).collect();
        let mut y = vec![1.0; 3 * items * width];
        add(Some(&map), width, &x, &mut y).unwrap();
        let moved = map.apply(items, width, &x).unwrap();
        assert!(y.iter().zip(&moved).all(|(&y, &moved)| y == 1.0 + moved));
        add(None, width, &moved, &mut y).unwrap();
        assert!(y.iter().zip(&moved).all(|(&y, &x)| y == 1.0 + 2.0 * x));
        assert!(add(None, width, &x, &mut y).is_err());
        assert!(add(Some(&map), width, &x[1..], &mut y).is_err());
        assert!(add::<f64>(Some(&map), 0, &[], &mut []).is_ok());
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

//! Moving rows: `y[b, to, :] = sign x[b, from, :]`, zero elsewhere. The transpose is the same
//! operation with `from` and `to` exchanged.

use std::mem::MaybeUninit;

use crate::error::check_len;
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

/// `x` with `bias` added to the first numbers of each item, as many as it has.
///
/// # Errors
/// If `x` does not consist of items of `size` numbers, or `bias` has more.
///
/// ```
/// let y = e3x_kernels::rows::add_to_first(&[1.0, 2.0, 3.0, 4.0], 2, &[10.0])?;
/// assert_eq!(y, [11.0, 2.0, 13.0, 4.0]);
/// # Ok::<(), e3x_kernels::Error>(())
/// ```
pub fn add_to_first<T: Real>(x: &[T], size: usize, bias: &[T]) -> Result<Vec<T>> {
    let items = x.len().checked_div(size).unwrap_or(0);
    check_len("x", x.len(), items * size)?;
    if bias.len() > size {
        let expected = format!("at most {size} numbers");
        return Err(Error::argument("bias", expected, bias.len().to_string()));
    }
    let write = |first: usize, y: &mut [MaybeUninit<T>]| {
        let x = x[first * size..].chunks_exact(size);
        for (y, x) in y.chunks_exact_mut(size).zip(x) {
            let (y, others) = y.split_at_mut(bias.len());
            let (x, of_others) = x.split_at(bias.len());
            for ((y, &x), &bias) in y.iter_mut().zip(x).zip(bias) {
                y.write(x + bias);
            }
            others.write_copy_of_slice(of_others);
        }
    };
    // SAFETY: all numbers are written.
    Ok(unsafe { each_item(items, size, write) })
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
    fn items_of_several_tasks_are_moved_and_added_to() {
        let (items, width) = (3 * TASK / 4, 2);
        let x: Vec<f64> = (0..items * 2 * width).map(|i| i as f64).collect();
        let map = RowMap::new(2, 2, vec![copy(0, 1, true)]).unwrap();
        let y = map.apply(items, width, &x).unwrap();
        let sums = add_to_first(&x, 4, &[1.0, -2.0, 0.5]).unwrap();
        assert_eq!((y.len(), sums.len()), (x.len(), x.len()));
        for item in 0..items {
            let (x, at) = (&x[4 * item..], 4 * item);
            assert_eq!(y[at..at + 4], [0.0, 0.0, -x[0], -x[1]]);
            assert_eq!(sums[at..at + 4], [x[0] + 1.0, x[1] - 2.0, x[2] + 0.5, x[3]]);
        }
        assert!(add_to_first(&x, 4, &[0.0; 5]).is_err());
        assert!(add_to_first(&x[1..], 4, &[0.0]).is_err());
        assert!(add_to_first::<f32>(&[], 0, &[]).unwrap().is_empty());
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

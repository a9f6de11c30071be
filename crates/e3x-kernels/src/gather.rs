//! Copies of rows by index.

use std::mem::MaybeUninit;

use crate::csr::PADDING;
use crate::lanes::vectorized;
use crate::par::{even_ends, filled};
use crate::segment::Value;

/// Numbers per task.
const TASK: usize = 1 << 14;

/// Row `rows[e]` of `x` as row `e` of the result; padding gives zeros.
pub(crate) fn gather<T: Value>(rows: &[u32], x: &[T], width: usize) -> Vec<T> {
    let len = rows.len() * width;
    if len == 0 {
        return vec![];
    }
    let entries = TASK.div_ceil(width);
    // SAFETY: each part has as many whole rows as its part of the list, and all of their numbers are
    // written.
    unsafe {
        filled(&even_ends(len, entries * width), len, |task, out| {
            let rows = &rows[task * entries..][..out.len() / width];
            vectorized(|| gather_rows(rows, x, width, out));
        })
    }
}

#[inline(always)]
fn gather_rows<T: Value>(rows: &[u32], x: &[T], width: usize, out: &mut [MaybeUninit<T>]) {
    match width {
        1 => gather_arrays::<T, 1>(rows, x, out),
        3 => gather_arrays::<T, 3>(rows, x, out),
        16 => gather_arrays::<T, 16>(rows, x, out),
        32 => gather_arrays::<T, 32>(rows, x, out),
        64 => gather_arrays::<T, 64>(rows, x, out),
        _ => {
            for (out, &row) in out.chunks_exact_mut(width).zip(rows) {
                if row == PADDING {
                    write_zeros(out);
                } else {
                    out.write_copy_of_slice(&x[row as usize * width..][..width]);
                }
            }
        }
    }
}

/// As [`gather_rows`] for a width that is known when compiling: copies become a few instructions.
#[inline(always)]
fn gather_arrays<T: Value, const WIDTH: usize>(rows: &[u32], x: &[T], out: &mut [MaybeUninit<T>]) {
    let x = x.as_chunks::<WIDTH>().0;
    for (out, &row) in out.as_chunks_mut::<WIDTH>().0.iter_mut().zip(rows) {
        if row == PADDING {
            write_zeros(out);
        } else {
            out.write_copy_of_slice(&x[row as usize]);
        }
    }
}

#[inline(always)]
fn write_zeros<T: Value>(out: &mut [MaybeUninit<T>]) {
    for out in out {
        out.write(T::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_all_widths_are_copied() {
        let rows: Vec<_> = (0..700).map(|e| (e * 37) % 11).collect();
        for width in [0, 1, 2, 3, 16, 17, 32, 64] {
            let x: Vec<_> = (0..11 * width as i64).collect();
            let mut list = rows.clone();
            list[5] = PADDING;
            let y = gather(&list, &x, width);
            assert_eq!(y.len(), list.len() * width);
            for (e, &row) in list.iter().enumerate() {
                let expected = match row {
                    PADDING => vec![0; width],
                    row => x[row as usize * width..][..width].to_vec(),
                };
                assert_eq!(y[e * width..][..width], expected);
            }
        }
    }
}

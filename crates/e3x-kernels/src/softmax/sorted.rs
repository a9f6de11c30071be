//! Softmax of a sorted list, row by row in the first cache.

use std::mem::MaybeUninit;
use std::ops::Range;

use pulp::NullaryFnOnce;

use super::{COST, Numbers, TASK, add_exponentials, add_weighted, invert};
use crate::csr::{Csr, PADDING};
use crate::lanes::{LANES, Lanes, dispatch};
use crate::par::{even_ends, filled};
use crate::{Real, Segments};

/// A sorted list: the entries of one row after those of another, then padding.
pub(super) struct Sorted<'a> {
    groups: &'a Csr,
    /// The row that each entry of the padding takes its result from.
    padding: &'a [u32],
}

impl<'a> Sorted<'a> {
    /// `None` if `segments` is not sorted, or `all` has other rows for its entries.
    pub(super) fn new(segments: &'a Segments, all: &'a Segments) -> Option<Self> {
        let groups = segments.groups();
        if groups.entries().is_some() {
            return None;
        }
        let num = groups.range(groups.num_rows().checked_sub(1)?).end;
        let (rows, padding) = all.rows().split_at(num);
        (rows == &segments.rows()[..num]).then_some(Self { groups, padding })
    }

    pub(super) fn softmax<T: Real>(&self, numbers: Numbers<'_, T>) -> Vec<T> {
        let (len, num_rows) = (numbers.x.len(), self.groups.num_rows());
        let rows = (TASK * num_rows).div_ceil(len);
        let mut ends: Vec<_> = even_ends(num_rows, rows)
            .into_iter()
            .map(|end| self.groups.range(end - 1).end * numbers.width)
            .collect();
        let padding = ends.len();
        ends.push(len);
        // SAFETY: both calls write all numbers of their part.
        unsafe {
            filled(&ends, COST * len, |task, out| {
                if task == padding {
                    return self.write_padding(numbers, out);
                }
                let first = task * rows;
                dispatch(SortedRows {
                    groups: self.groups,
                    rows: first..(first + rows).min(num_rows),
                    numbers,
                    out,
                });
            })
        }
    }

    /// Writes the results of the padding.
    fn write_padding<T: Real>(&self, numbers: Numbers<'_, T>, out: &mut [MaybeUninit<T>]) {
        let width = numbers.width;
        let first = numbers.x.len() / width - self.padding.len();
        let (mut maxima, mut factors) = (vec![], vec![]);
        let mut known = PADDING;
        let entries = numbers.x[first * width..].chunks_exact(width);
        for ((x, out), &row) in entries.zip(out.chunks_exact_mut(width)).zip(self.padding) {
            if row == PADDING {
                for out in out {
                    out.write(T::ZERO);
                }
                continue;
            }
            if row != known {
                let numbers = numbers.of(self.groups.range(row as usize));
                (maxima, factors) = (vec![numbers.initial; width], vec![T::ZERO; width]);
                raise_maxima(numbers, &mut maxima);
                add_rows(numbers, &maxima, &mut factors);
                invert(&mut factors);
                known = row;
            }
            for (((out, &x), &m), &factor) in out.iter_mut().zip(x).zip(&maxima).zip(&factors) {
                out.write((x - m).exp_lane() * factor);
            }
        }
    }
}

/// The results of some rows.
struct SortedRows<'a, T> {
    groups: &'a Csr,
    rows: Range<usize>,
    numbers: Numbers<'a, T>,
    /// Those of the entries of these rows.
    out: &'a mut [MaybeUninit<T>],
}

impl<T: Real> NullaryFnOnce for SortedRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let width = self.numbers.width;
        let mut rest = self.out;
        for row in self.rows {
            let entries = self.groups.range(row);
            let (out, others) = rest.split_at_mut(entries.len() * width);
            rest = others;
            let numbers = self.numbers.of(entries);
            if width < LANES {
                write_narrow(numbers, out);
                continue;
            }
            let full = width / LANES;
            for block in 0..full {
                write_block::<T, true>(numbers, block, out);
            }
            if full * LANES < width {
                write_block::<T, false>(numbers, full, out);
            }
        }
    }
}

/// Writes the results of the entries of one row for a block of features, with maxima and sums in
/// registers. `FULL`: all lanes of the block are features.
#[inline(always)]
fn write_block<T: Real, const FULL: bool>(
    numbers: Numbers<'_, T>,
    block: usize,
    out: &mut [MaybeUninit<T>],
) {
    let width = numbers.width;
    let (mut maxima, mut sums) = (Lanes([numbers.initial; LANES]), Lanes::zero());
    let (mut x, mut weight) = (Lanes::zero(), Lanes::zero());
    for row in numbers.x.chunks_exact(width) {
        read::<T, FULL>(row, block, &mut x);
        for f in 0..LANES {
            maxima[f] = larger(maxima[f], x[f]);
        }
    }
    let rows = numbers.x.chunks_exact(width);
    for (entry, (row, out)) in rows.zip(out.chunks_exact_mut(width)).enumerate() {
        read::<T, FULL>(row, block, &mut x);
        // The next row of the list has about as many entries as this one.
        let ahead = numbers.x.len() + block * LANES;
        prefetch(row.as_ptr().wrapping_add(ahead));
        prefetch(out.as_ptr().wrapping_add(ahead));
        for f in 0..LANES {
            x[f] = (x[f] - maxima[f]).exp_lane();
        }
        write::<T, FULL>(&x, block, out);
        if let Some(weights) = numbers.weights {
            let weights = &weights[entry * width..][..width];
            read::<T, FULL>(weights, block, &mut weight);
            for f in 0..LANES {
                x[f] *= weight[f];
            }
        }
        for f in 0..LANES {
            sums[f] += x[f];
        }
    }
    invert(&mut *sums);
    for out in out.chunks_exact_mut(width) {
        // SAFETY: the loop above has written this block of all entries.
        unsafe { scale::<T, FULL>(&sums, block, out) };
    }
}

/// Asks for a block, at any address, to be brought to the first cache, if there is an instruction
/// for it: exponentials take so long that memory would have nothing to do meanwhile.
#[inline(always)]
fn prefetch<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    for offset in (0..LANES * size_of::<T>()).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch may be of any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast::<i8>().wrapping_add(offset)) };
    }
}

/// One block of a row.
#[inline(always)]
fn read<T: Real, const FULL: bool>(row: &[T], block: usize, lanes: &mut Lanes<T>) {
    let rest = &row[block * LANES..];
    if FULL {
        // No other way through: lanes may stay in registers.
        return lanes.copy_from_slice(&rest[..LANES]);
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = x;
    }
}

/// As [`write_block`] for all features at once, if there are few of them: exponentials of several
/// entries at once.
#[inline(always)]
fn write_narrow<T: Real>(numbers: Numbers<'_, T>, out: &mut [MaybeUninit<T>]) {
    let width = numbers.width;
    let (mut maxima, mut sums) = ([numbers.initial; LANES], [T::ZERO; LANES]);
    let (maxima, sums) = (&mut maxima[..width], &mut sums[..width]);
    raise_maxima(numbers, maxima);
    let rows = numbers.x.chunks_exact(width);
    for (row, out) in rows.zip(out.chunks_exact_mut(width)) {
        for ((out, &x), &m) in out.iter_mut().zip(row).zip(&*maxima) {
            out.write(x - m);
        }
    }
    // SAFETY: the loop above has written all entries.
    let out = unsafe { out.assume_init_mut() };
    for out in &mut *out {
        *out = out.exp_lane();
    }
    for (entry, row) in out.chunks_exact(width).enumerate() {
        match numbers.weights {
            Some(weights) => {
                let weights = &weights[entry * width..][..width];
                for ((sum, &x), &weight) in sums.iter_mut().zip(row).zip(weights) {
                    *sum += weight * x;
                }
            }
            None => {
                for (sum, &x) in sums.iter_mut().zip(row) {
                    *sum += x;
                }
            }
        }
    }
    invert(sums);
    for row in out.chunks_exact_mut(width) {
        for (out, &factor) in row.iter_mut().zip(&*sums) {
            *out *= factor;
        }
    }
}

#[inline(always)]
fn raise_maxima<T: Real>(numbers: Numbers<'_, T>, maxima: &mut [T]) {
    for row in numbers.x.chunks_exact(numbers.width) {
        for (m, &x) in maxima.iter_mut().zip(row) {
            *m = larger(*m, x);
        }
    }
}

fn add_rows<T: Real>(numbers: Numbers<'_, T>, maxima: &[T], sums: &mut [T]) {
    let width = numbers.width;
    for (entry, row) in numbers.x.chunks_exact(width).enumerate() {
        match numbers.weights {
            Some(weights) => add_weighted(row, &weights[entry * width..][..width], maxima, sums),
            None => add_exponentials(row, maxima, sums),
        }
    }
}

/// The larger number. If `b` is not a number, this is `a`: it makes the sum of exponentials not a number
/// all the same.
#[inline(always)]
fn larger<T: Real>(a: T, b: T) -> T {
    if b > a { b } else { a }
}

/// Writes one block of a row.
#[inline(always)]
fn write<T: Real, const FULL: bool>(lanes: &Lanes<T>, block: usize, row: &mut [MaybeUninit<T>]) {
    let rest = &mut row[block * LANES..];
    if FULL {
        rest[..LANES].write_copy_of_slice(&lanes.0);
        return;
    }
    for (number, &lane) in rest.iter_mut().zip(lanes.iter()) {
        number.write(lane);
    }
}

/// Multiplies one block of a row.
///
/// # Safety
/// The block must have been written.
#[inline(always)]
unsafe fn scale<T: Real, const FULL: bool>(
    factors: &Lanes<T>,
    block: usize,
    row: &mut [MaybeUninit<T>],
) {
    let rest = &mut row[block * LANES..];
    let len = if FULL { LANES } else { rest.len() };
    // SAFETY: the caller vouches for it.
    let rest = unsafe { rest[..len].assume_init_mut() };
    for (number, &factor) in rest.iter_mut().zip(factors.iter()) {
        *number *= factor;
    }
}

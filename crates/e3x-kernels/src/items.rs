//! Items: splitting them over threads, where tasks write their own parts of the results, and their rows.

use std::mem::MaybeUninit;

use crate::Real;
use crate::arithmetic::Arithmetic;
use crate::lanes::{self, LANES, Lanes};

/// Fewest items of a task, and most tasks. Fixed, so that results do not depend on the number of
/// threads.
const MIN_ITEMS: usize = 16;
const MAX_TASKS: usize = 64;

/// Items of one task with the rows of their results.
pub(crate) struct Task<'a, T, const RESULTS: usize> {
    pub first: usize,
    pub items: usize,
    pub results: [&'a mut [MaybeUninit<T>]; RESULTS],
}

/// All tasks. `sizes` are the numbers of an item in each result, zero where there is no result; vectors have the
/// capacity for all items.
pub(crate) fn tasks<T, const RESULTS: usize>(
    items: usize,
    sizes: [usize; RESULTS],
    results: [&mut Vec<T>; RESULTS],
) -> Vec<Task<'_, T, RESULTS>> {
    let num = items.div_ceil(MAX_TASKS).max(MIN_ITEMS);
    let mut sizes = sizes.into_iter();
    let mut rest = results.map(|result| {
        let size = sizes.next().unwrap_or_default();
        (&mut result.spare_capacity_mut()[..items * size], size)
    });
    let task = |first: usize| {
        let items = num.min(items - first);
        let results = rest
            .each_mut()
            .map(|(rest, size)| rest.split_off_mut(..*size * items).unwrap_or_default());
        Task {
            first,
            items,
            results,
        }
    };
    (0..items).step_by(num).map(task).collect()
}

/// Reads a block of a row. Not as [`lanes::load_to`], which may write it in parts: these could not be read at once in a
/// wider register.
#[inline(always)]
pub(crate) fn read_row<T: Real, A: Arithmetic<Block<T> = Lanes<T>>>(
    row: &[T],
    block: usize,
    to: &mut Lanes<T>,
) -> A::Sum<T> {
    if let Some(full) = row.get(block * LANES..(block + 1) * LANES) {
        let number = A::load_row(full);
        A::store::<T>(number, to);
        return number;
    }
    lanes::load_to(row, block, to);
    A::load(to)
}

/// Writes a block of a row.
#[inline(always)]
pub(crate) fn write_row<T: Real, A: Arithmetic<Block<T> = Lanes<T>>>(
    number: A::Sum<T>,
    row: &mut [MaybeUninit<T>],
    block: usize,
) {
    if let Some(full) = row.get_mut(block * LANES..(block + 1) * LANES) {
        A::write_row(number, full);
    } else {
        let mut lanes = Lanes::zero();
        A::store(number, &mut lanes);
        lanes::write(row, block, &lanes);
    }
}

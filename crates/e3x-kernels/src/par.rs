//! Splitting work over threads.

use std::mem::MaybeUninit;

use rayon::prelude::*;

/// Multiply-adds below which a parallel loop costs more than it saves: to wake a thread takes some
/// 50 microseconds (docs/performance.md).
const WORTH_SPLITTING: usize = 1 << 20;

/// Calls `f(task, chunk)` for chunks of `size` values, in parallel if the whole work, counted in
/// multiply-adds, is worth it. Chunks are the same in both cases, and so are the results.
pub(crate) fn for_each_chunk<T: Send>(
    out: &mut [T],
    size: usize,
    work: usize,
    f: impl Fn(usize, &mut [T]) + Sync,
) {
    if out.len() <= size || is_small(work) {
        out.chunks_mut(size)
            .enumerate()
            .for_each(|(task, chunk)| f(task, chunk));
    } else {
        out.par_chunks_mut(size)
            .enumerate()
            .for_each(|(task, chunk)| f(task, chunk));
    }
}

/// A new vector of which `f(task, part)` writes the parts that end at `ends`, in parallel if the work
/// is worth it, as in [`for_each_chunk`].
///
/// Nothing is written in advance: to fill a vector with zeros that are overwritten costs as much as
/// to copy it.
///
/// # Safety
/// `f` must write every number of its part.
pub(crate) unsafe fn filled<T: Copy + Send>(
    ends: &[usize],
    work: usize,
    f: impl Fn(usize, &mut [MaybeUninit<T>]) + Sync,
) -> Vec<T> {
    let len = ends.last().copied().unwrap_or(0);
    let mut out = Vec::with_capacity(len);
    let (mut rest, mut start) = (&mut out.spare_capacity_mut()[..len], 0);
    let mut parts = Vec::with_capacity(ends.len());
    for (task, &end) in ends.iter().enumerate() {
        let (part, tail) = rest.split_at_mut(end - start);
        parts.push((task, part));
        (rest, start) = (tail, end);
    }
    if parts.len() <= 1 || is_small(work) {
        for (task, part) in parts {
            f(task, part);
        }
    } else {
        parts.into_par_iter().for_each(|(task, part)| f(task, part));
    }
    // SAFETY: the parts cover all numbers up to `len`, and the caller vouches that all are written.
    unsafe { out.set_len(len) };
    out
}

/// The ends of parts of `size` numbers, the last one shorter, of `len`.
pub(crate) fn even_ends(len: usize, size: usize) -> Vec<usize> {
    let size = size.max(1);
    (1..=len.div_ceil(size))
        .map(|part| (part * size).min(len))
        .collect()
}

/// The results of `f(0), ..., f(tasks - 1)` in order; see [`for_each_chunk`].
pub(crate) fn map_tasks<R: Send>(
    tasks: usize,
    work: usize,
    f: impl Fn(usize) -> R + Sync + Send,
) -> Vec<R> {
    if tasks <= 1 || is_small(work) {
        (0..tasks).map(f).collect()
    } else {
        (0..tasks).into_par_iter().map(f).collect()
    }
}

/// As [`map_tasks`] for tasks that own something.
pub(crate) fn map_owned<I: Send, R: Send>(
    tasks: Vec<I>,
    work: usize,
    f: impl Fn(I) -> R + Sync + Send,
) -> Vec<R> {
    if tasks.len() <= 1 || is_small(work) {
        tasks.into_iter().map(f).collect()
    } else {
        tasks.into_par_iter().map(f).collect()
    }
}

/// Also with a single thread: handing work to a pool of one thread only costs time.
fn is_small(work: usize) -> bool {
    work < WORTH_SPLITTING || rayon::current_num_threads() == 1
}

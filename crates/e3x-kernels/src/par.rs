//! Splitting work over threads.

use rayon::prelude::*;

/// Multiply-adds below which a parallel loop costs more than it saves.
const WORTH_SPLITTING: usize = 1 << 18;

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

//! Splitting work over threads.

use std::mem::MaybeUninit;
use std::sync::{Mutex, PoisonError};

mod team;

/// Multiply-adds of a matrix product, some 3 microseconds, below which a parallel loop costs more than it saves; and
/// for which one more thread is worth it (docs/performance.md). What other loops do is counted in such multiply-adds, by
/// the time that it takes.
const WORTH_SPLITTING: usize = 1 << 16;

/// Multiply-adds, some 12 microseconds, from which on a sleeping thread is woken for a parallel loop. It takes some 40
/// microseconds to come, so that loops that follow profit from it.
const WORTH_WAKING: usize = 1 << 18;

/// Calls `f` for all tasks, in parallel if the whole work, counted in multiply-adds, is worth it: on the
/// threads of rayon's pool and on this one.
///
/// rayon's own loops leave all work to the pool, and a thread outside of it sleeps meanwhile: it has to be
/// woken afterwards, and starts with cold caches.
///
/// This thread takes tasks from the first on, others from the last on: in loops that follow each other, a thread
/// mostly finds what it computed itself in its caches.
pub(crate) fn for_each<I: Send>(
    tasks: impl ExactSizeIterator<Item = I> + DoubleEndedIterator + Send,
    work: usize,
    f: impl Fn(I) + Sync,
) {
    if tasks.len() <= 1 || is_small(work) {
        return tasks.for_each(f);
    }
    let most = rayon::current_num_threads() - 1;
    let helpers = most.min(tasks.len() - 1).min(work / WORTH_SPLITTING);
    let tasks = Mutex::new(tasks);
    let take = |helps: bool| {
        let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if helps {
            tasks.next_back()
        } else {
            tasks.next()
        }
    };
    team::share(helpers, work >= WORTH_WAKING, &|helps| {
        while let Some(task) = take(helps) {
            f(task);
        }
    });
}

/// As [`for_each`] for chunks of `size` values: `f(task, chunk)`. Chunks are the same for any number of
/// threads, and so are the results.
pub(crate) fn for_each_chunk<T: Send>(
    out: &mut [T],
    size: usize,
    work: usize,
    f: impl Fn(usize, &mut [T]) + Sync,
) {
    for_each(out.chunks_mut(size).enumerate(), work, |(task, chunk)| {
        f(task, chunk);
    });
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
    for_each(parts.into_iter(), work, |(task, part)| f(task, part));
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
    map_owned((0..tasks).collect(), work, f)
}

/// As [`map_tasks`] for tasks that own something.
pub(crate) fn map_owned<I: Send, R: Send>(
    tasks: Vec<I>,
    work: usize,
    f: impl Fn(I) -> R + Sync + Send,
) -> Vec<R> {
    let mut results: Vec<Option<R>> = tasks.iter().map(|_| None).collect();
    for_each(
        tasks.into_iter().zip(&mut results),
        work,
        |(task, result)| *result = Some(f(task)),
    );
    // All are there: every task was taken.
    results.into_iter().flatten().collect()
}

/// Also with a single thread: handing work to a pool of one thread only costs time.
fn is_small(work: usize) -> bool {
    work < WORTH_SPLITTING || rayon::current_num_threads() == 1
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Large enough that threads are woken.
    const LARGE: usize = WORTH_WAKING;

    fn on_two_threads<R: Send>(f: impl FnOnce() -> R + Send) -> R {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build();
        pool.unwrap().install(f)
    }

    /// Squares of 0..n, computed by loops that follow each other at once, small and large ones.
    fn squares(n: usize) -> bool {
        (0..200).all(|round| {
            let work = if round % 3 == 0 {
                LARGE
            } else {
                WORTH_SPLITTING
            };
            map_tasks(n, work, |i| i * i) == (0..n).map(|i| i * i).collect::<Vec<_>>()
        })
    }

    #[test]
    fn every_task_is_done_once() {
        assert!(on_two_threads(|| squares(50)));
        let done: Vec<AtomicUsize> = (0..100).map(|_| AtomicUsize::new(0)).collect();
        on_two_threads(|| {
            for_each(0..100, LARGE, |i| {
                done[i].fetch_add(1, Ordering::Relaxed);
            });
        });
        assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == 1));
    }

    /// One of them leads, the others work alone; loops inside of tasks as well.
    #[test]
    fn loops_of_several_threads_and_loops_in_loops_end() {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| squares(20))).collect();
            assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
        });
        let inner = on_two_threads(|| {
            map_tasks(8, LARGE, |i| {
                map_tasks(8, LARGE, |j| i * j).iter().sum::<usize>()
            })
        });
        assert_eq!(inner, (0..8).map(|i| 28 * i).collect::<Vec<_>>());
    }

    /// Whichever thread it is on; and the threads go on afterwards.
    #[test]
    fn a_panic_reaches_the_caller() {
        for bad in 0..20 {
            let result = catch_unwind(AssertUnwindSafe(|| {
                on_two_threads(|| for_each(0..20, LARGE, |i| assert_ne!(i, bad)));
            }));
            assert!(result.is_err());
        }
        assert!(on_two_threads(|| squares(10)));
    }
}

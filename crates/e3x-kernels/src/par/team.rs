//! Threads of rayon's pool that stay awake between parallel loops.
//!
//! A sleeping thread starts some 40 microseconds after it was woken, and the loops of a small system
//! are shorter than that. A thread that has helped with a loop therefore keeps looking for the next one
//! for a while, as the threads of OpenMP do (`KMP_BLOCKTIME`). The caller of a loop never waits for a
//! helper that has not begun.

use std::any::Any;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::yield_now;
use std::time::{Duration, Instant};

/// How long a helper looks for work before it goes back to sleep.
const PATIENCE: Duration = Duration::from_millis(1);

/// Looks at the offer between two looks at the clock, or before others may have the core.
const LOOKS: usize = 256;

/// A loop: takes whether the thread helps.
type Work<'a> = &'a (dyn Fn(bool) + Sync + 'a);

/// The loop that helpers may join.
struct Offer {
    work: Option<Work<'static>>,
    /// Helpers that may still join.
    places: usize,
    /// What the first helper that panicked left.
    panic: Option<Box<dyn Any + Send>>,
}

/// A number on a cache line of its own, so that those who watch it do not slow other writes.
#[repr(align(128))]
struct Watched(AtomicUsize);

/// Held by the thread whose loop is shared: one at a time.
static LEADER: Mutex<()> = Mutex::new(());
static OFFER: Mutex<Offer> = Mutex::new(Offer {
    work: None,
    places: 0,
    panic: None,
});
/// Counts the loops that were offered.
static OFFERED: Watched = Watched(AtomicUsize::new(0));
/// Helpers that work on the loop on offer.
static INSIDE: Watched = Watched(AtomicUsize::new(0));
/// Helpers that look for work, work, or have been woken.
static AWAKE: AtomicUsize = AtomicUsize::new(0);

/// Calls `work` on this thread and on at most `helpers` others, which are woken if `wake`. Returns when
/// all of these calls have ended. `work` ends when nothing is left to do, so that it does not matter
/// how many threads call it.
///
/// If the helpers are busy with the loop of another thread, or of this one, this thread works alone.
pub(super) fn share(helpers: usize, wake: bool, work: Work<'_>) {
    let _leader = match LEADER.try_lock() {
        Ok(leader) => leader,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return work(false),
    };
    let awake = AWAKE.load(Ordering::Relaxed);
    if wake {
        for _ in awake..helpers {
            AWAKE.fetch_add(1, Ordering::Relaxed);
            rayon::spawn(help);
        }
    } else if awake == 0 {
        return work(false);
    }
    let shared = Shared::open(helpers, work);
    work(false);
    drop(shared);
    let panic = offer().panic.take();
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
}

/// Helps with loops until there was none for a while.
fn help() {
    let mut seen = 0;
    let mut idle_since = Instant::now();
    loop {
        let offered = OFFERED.0.load(Ordering::Acquire);
        if offered != seen {
            seen = offered;
            if join() {
                idle_since = Instant::now();
            }
        }
        for _ in 0..LOOKS {
            if OFFERED.0.load(Ordering::Relaxed) != seen {
                break;
            }
            spin_loop();
        }
        if idle_since.elapsed() > PATIENCE {
            break;
        }
    }
    AWAKE.fetch_sub(1, Ordering::Relaxed);
}

/// Works on the loop on offer, if there is one with a free place.
fn join() -> bool {
    let work = {
        let mut offer = offer();
        let Some(work) = offer.work.filter(|_| offer.places > 0) else {
            return false;
        };
        offer.places -= 1;
        INSIDE.0.fetch_add(1, Ordering::Relaxed);
        work
    };
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(true))) {
        offer().panic.get_or_insert(panic);
    }
    INSIDE.0.fetch_sub(1, Ordering::Release);
    true
}

/// A loop on offer. Dropped, it is withdrawn, and those who joined it are waited for.
struct Shared;

impl Shared {
    fn open(helpers: usize, work: Work<'_>) -> Self {
        // SAFETY: only the lifetime changes. The reference is removed from the offer, and all who have
        // taken it have ended their calls, before the guard is gone, which does not outlive `work`:
        // it is not leaked by the only function that makes one.
        let work = unsafe { std::mem::transmute::<Work<'_>, Work<'static>>(work) };
        let mut offer = offer();
        offer.work = Some(work);
        offer.places = helpers;
        offer.panic = None;
        drop(offer);
        OFFERED.0.fetch_add(1, Ordering::Release);
        Self
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        offer().work = None;
        let mut looks = 0;
        while INSIDE.0.load(Ordering::Acquire) > 0 {
            looks += 1;
            if looks % LOOKS == 0 {
                // Perhaps the helper waits for this core.
                yield_now();
            }
            spin_loop();
        }
    }
}

fn offer() -> MutexGuard<'static, Offer> {
    OFFER.lock().unwrap_or_else(PoisonError::into_inner)
}

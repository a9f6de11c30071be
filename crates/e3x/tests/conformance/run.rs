//! Running cases on several threads.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::check::{Outcome, run};
use crate::folders::CaseFile;

/// Stack of a worker: that of a main thread. Backward passes recurse.
const STACK_SIZE: usize = 8 << 20;

/// Runs all cases; outcomes come in the order of the cases.
///
/// Threads share nothing: every case has its own tensors, and the switch for derivatives of
/// derivatives is per thread. The environment variable behind it is set before threads start.
pub fn all(cases: &[&CaseFile], threads: Option<usize>) -> Vec<Outcome> {
    if let Err(error) = e3x::autograd::init() {
        eprintln!("warning: {error}");
    }
    std::panic::set_hook(Box::new(|_| {})); // Panics are reported with their case.
    let available = || std::thread::available_parallelism().map_or(1, NonZero::get);
    let threads = threads.unwrap_or_else(available).min(cases.len());
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::with_capacity(cases.len()));
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = run(case);
            let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
            outcomes.push(outcome);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let builder = std::thread::Builder::new().stack_size(STACK_SIZE);
            if builder.spawn_scoped(scope, work).is_err() {
                work();
            }
        }
    });
    drop(std::panic::take_hook());
    let mut outcomes = outcomes
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_by(|a, b| a.file.path.cmp(&b.file.path));
    outcomes
}

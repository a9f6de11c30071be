//! The allocator of programs: small models spend much of their time on memory, and the system's allocator takes longer.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc.h, versions 2 and 3.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Lets the allocator keep memory that was freed instead of handing it back to the system after a second.
///
/// With 10,000 atoms a step takes about as long, and memory that it freed at its beginning would be cleared and handed out
/// anew for the next one. Nothing is changed if the environment says what to do (`MIMALLOC_PURGE_DELAY`). To be called
/// before there are other threads.
pub fn keep_freed_memory() {
    if std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
        // SAFETY: there are no other threads yet; -1 is one of the option's values, "never".
        unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) };
    }
}

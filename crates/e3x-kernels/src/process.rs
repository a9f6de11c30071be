//! What has to be said once to the whole process.

use std::sync::Once;

/// Sets environment variables unless they are set already, at most once per process.
///
/// Later calls do nothing, also with other names.
pub fn set_environment_once(variables: &[(&str, &str)]) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (name, value) in variables {
            if std::env::var_os(name).is_none() {
                // SAFETY: `set_var` may race with code in other threads that reads the
                // environment without Rust's lock (C's `getenv`). This runs once, on the first use
                // of the library; neither this crate nor the libraries under it read the
                // environment through C.
                unsafe { std::env::set_var(name, value) };
            }
        }
    });
}

/// Lets the allocator of the C library (glibc) keep memory that was freed instead of handing it back
/// to the system, at most once per process.
///
/// A training step frees and allocates the same megabytes over and over. Pages that were handed back
/// in between cost a fault and a clearing each, more than the computation that fills them. Nothing
/// is changed if the environment already says what the allocator should do (`MALLOC_TRIM_THRESHOLD_`,
/// `MALLOC_MMAP_THRESHOLD_`, or `GLIBC_TUNABLES`), and with other allocators and systems this does
/// nothing.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// The largest threshold for mappings of their own that glibc accepts on 64-bit systems.
        const LARGEST_THRESHOLD: libc::c_int = 32 << 20;
        const OWN_WISHES: [&str; 3] = [
            "MALLOC_TRIM_THRESHOLD_",
            "MALLOC_MMAP_THRESHOLD_",
            "GLIBC_TUNABLES",
        ];
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            if OWN_WISHES
                .iter()
                .all(|name| std::env::var_os(name).is_none())
            {
                // SAFETY: `mallopt` takes the lock of the allocator; any thread may call it.
                unsafe {
                    libc::mallopt(libc::M_MMAP_THRESHOLD, LARGEST_THRESHOLD);
                    libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
                }
            }
        });
    }
}

//! The one thing that has to be said to the whole process.

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
                // of gradients; neither this crate nor the libraries under it read the environment
                // through C.
                unsafe { std::env::set_var(name, value) };
            }
        }
    });
}

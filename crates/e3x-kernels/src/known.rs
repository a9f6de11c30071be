//! Tables that are made once per process.

use std::sync::{Arc, Mutex, PoisonError};

use crate::Result;

/// What was made so far, by what it was made for.
pub(crate) struct Known<K, V>(Mutex<Vec<(K, Arc<V>)>>);

impl<K: PartialEq, V> Known<K, V> {
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// The table of a key, made if it is not there. Nobody waits for it meanwhile: two threads may make the same one.
    ///
    /// # Errors
    /// As `make`; errors are not kept.
    pub fn get(&self, key: K, make: impl FnOnce() -> Result<V>) -> Result<Arc<V>> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, table)) = known().iter().find(|(of, _)| *of == key) {
            return Ok(Arc::clone(table));
        }
        let table = Arc::new(make()?);
        known().push((key, Arc::clone(&table)));
        Ok(table)
    }
}

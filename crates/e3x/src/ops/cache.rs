//! A small cache of what depends on a graph and a number of nodes.

use std::sync::{Arc, Mutex, PoisonError};

use crate::Result;

/// The last few values that were computed, by number of nodes.
#[derive(Debug)]
pub(super) struct Cache<T>(Mutex<Vec<(usize, Arc<T>)>>);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Cache<T> {
    const SIZE: usize = 4;

    /// The value for `key`, computed if it is not there. Errors are not kept.
    pub(super) fn get(&self, key: usize, compute: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, value)) = entries.iter().find(|(k, _)| *k == key) {
            return Ok(value.clone());
        }
        let value = Arc::new(compute()?);
        if entries.len() == Self::SIZE {
            entries.remove(0);
        }
        entries.push((key, value.clone()));
        Ok(value)
    }
}

//! Tables that are computed once and shared by all threads.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// A map from what identifies a table to the table.
pub(crate) struct Cache<K, V: ?Sized> {
    map: OnceLock<RwLock<HashMap<K, Arc<V>>>>,
}

impl<K: Eq + Hash, V: ?Sized> Cache<K, V> {
    /// An empty map, usable as the value of a `static`.
    pub(crate) const fn new() -> Self {
        Self {
            map: OnceLock::new(),
        }
    }

    /// The table for `key`, computed by `compute` when it is not there yet.
    ///
    /// No lock is held during the computation: threads that ask for the same table at the same time may compute it
    /// twice, and all of them get the one stored first.
    pub(crate) fn get_or_compute(&self, key: K, compute: impl FnOnce() -> Arc<V>) -> Arc<V> {
        let map = self.map.get_or_init(RwLock::default);
        if let Some(value) = map.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(value);
        }
        let value = compute();
        let mut map = map.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(map.entry(key).or_insert(value))
    }
}

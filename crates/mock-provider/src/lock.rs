//! Locking without poison.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lock, poisoned or not: a panic while it was held has failed one connection's task, and what it
/// guards is still the best that is known.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The memory limit for all request bodies together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How much is left of it, in bytes.
#[derive(Clone, Debug)]
pub(crate) struct BodyMemory(Arc<AtomicUsize>);

impl BodyMemory {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    /// A share of nothing yet.
    pub(crate) const fn share(self) -> BodyMemoryPermit {
        BodyMemoryPermit { of: self, held: 0 }
    }
}

/// What one request holds of it; given back when dropped.
#[derive(Debug)]
pub(crate) struct BodyMemoryPermit {
    of: BodyMemory,
    held: usize,
}

impl BodyMemoryPermit {
    /// Holds so many bytes more; false when they are not there.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let left = &self.of.0;
        let taken = left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes))
            .is_ok();
        if taken {
            self.held += bytes;
        }
        taken
    }
}

impl Drop for BodyMemoryPermit {
    fn drop(&mut self) {
        self.of.0.fetch_add(self.held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_comes_back_and_more_than_there_is_cannot_be_held() {
        let budget = BodyMemory::new(10);
        let mut first = budget.clone().share();
        let mut second = budget.clone().share();
        assert!(first.grow(4) && second.grow(5));
        assert!(!first.grow(2), "one is left");
        assert!(first.grow(1));
        drop(second);
        assert!(first.grow(5));
        drop(first);
        assert!(budget.share().grow(10));
    }
}

//! Faults by count: they hit the first attempts and no later ones.

use alloc::collections::BTreeMap;

/// How many attempts a fault hits while it lasts, the first ones that it can hit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FirstAttempts {
    /// How many; 0 for none.
    pub attempts: u32,
    /// Of what each has so many.
    pub of: CountScope,
}

/// What attempts are counted by.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum CountScope {
    /// All that arrive at the provider, as far as the fault can hit them.
    #[default]
    Provider,
    /// Those of each model.
    Model,
    /// Those of each key; attempts without one are counted together.
    Key,
    /// Those of each request. This alone does not depend on the order in which attempts arrive.
    Request,
}

impl CountScope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Provider, Self::Model, Self::Key, Self::Request];

    /// Their words, likewise.
    pub const WORDS: [&str; 4] = {
        let mut words = [""; 4];
        let mut place = 0;
        while place < words.len() {
            words[place] = Self::ALL[place].as_str();
            place += 1;
        }
        words
    };

    /// The word for it in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Key => "key",
            Self::Request => "request",
        }
    }

    /// The scope that [`as_str`](Self::as_str) writes as `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// How many attempts each fault has hit so far, by what it counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct HitCounts {
    hits: BTreeMap<(u16, u64), u32>,
}

/// The most that is counted of one fault: requests of some minutes, and more models and keys than a provider has.
const COUNTED_MOST: usize = 1 << 15;

impl HitCounts {
    /// Whether the fault hits one more of `whom`, which counts as hit if so.
    ///
    /// Once more are counted than [`COUNTED_MOST`], the lowest numbers are forgotten: of requests the oldest.
    pub(crate) fn take(&mut self, fault: u16, first: FirstAttempts, whom: u64) -> bool {
        let hits = self.hits.entry((fault, whom)).or_insert(0);
        if *hits >= first.attempts {
            return false;
        }
        *hits += 1;
        if self.hits.len() > COUNTED_MOST {
            self.hits.pop_first();
        }
        true
    }

    /// Forgets a fault that has ended.
    pub(crate) fn forget(&mut self, fault: u16) {
        if !self.hits.is_empty() {
            self.hits.retain(|&(counted, _), _| counted != fault);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_bounded_whoever_comes() {
        let first = FirstAttempts { attempts: 1, of: CountScope::Request };
        let mut counts = HitCounts::default();
        for request in 0..3 * COUNTED_MOST as u64 {
            assert!(counts.take(0, first, request), "{request} comes for the first time");
            assert!(!counts.take(0, first, request), "{request} comes again");
        }
        assert_eq!(counts.hits.len(), COUNTED_MOST);
    }

    #[test]
    fn every_scope_reads_back_as_its_word() {
        for scope in CountScope::ALL {
            assert_eq!(CountScope::from_word(scope.as_str()), Some(scope));
        }
    }
}

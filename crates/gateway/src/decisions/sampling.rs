//! What is kept of decisions: for how many requests, which go to the decision log, and where that goes.

use super::KeptTrail;
use squall_determinism::{Digest, Share};
use std::fmt;
use std::sync::Arc;

/// A million: what shares are parts of.
const PARTS: u64 = 1_000_000;

/// What is kept of decisions.
#[derive(Clone, Debug, Default)]
pub struct DecisionSetup {
    /// How many requests that have ended are kept for the admin API; 0 for none.
    pub recent: usize,
    /// What goes to the decision log, where there is one.
    pub log: Option<(DecisionSampling, Arc<dyn DecisionSink>)>,
}

impl DecisionSetup {
    /// Whether the decisions about any request are wanted.
    pub(super) const fn wants_any(&self) -> bool {
        self.recent > 0 || self.log.is_some()
    }
}

/// Which requests the decision log takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DecisionSampling {
    /// The share of all requests, by their ids: a request that one replica takes is taken by every other that it comes to.
    pub sample: Share,
    /// Whether every request that failed is taken besides.
    pub failed: bool,
}

impl DecisionSampling {
    /// Whether the request of this id is one of the sample.
    #[must_use]
    pub fn takes(&self, id: &str) -> bool {
        let mut digest = Digest::new();
        digest.bytes(id.as_bytes());
        digest.short() % PARTS < u64::from(self.sample.ppm())
    }
}

impl Default for DecisionSampling {
    /// One request of a hundred, and every one that failed.
    fn default() -> Self {
        Self { sample: Share::percent(1), failed: true }
    }
}

/// Where the decision log goes.
pub trait DecisionSink: fmt::Debug + Send + Sync {
    /// Takes the trail of a request that has ended. It is called while the core is held: it only hands the trail on, and
    /// never waits.
    fn write(&self, trail: &Arc<KeptTrail>);

    /// How many lines there were since the start.
    fn counts(&self) -> DecisionLogCounts;
}

/// Lines of a decision log since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DecisionLogCounts {
    /// Written.
    pub written: u64,
    /// Dropped, since more came than could be written.
    pub dropped: u64,
    /// Lost, since they could not be written: a full disk, for example.
    pub failed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_its_share_of_many_ids_and_the_same_at_every_replica() {
        let sampling =
            |percent| DecisionSampling { sample: Share::percent(percent), failed: false };
        let taken = |percent| {
            let ids = (0..100_000).map(|number| format!("request-{number:x}"));
            ids.filter(|id| sampling(percent).takes(id)).count()
        };
        assert_eq!((taken(0), taken(100)), (0, 100_000));
        // Four standard deviations of a fair draw: 4 sqrt(100,000 × 0.01 × 0.99) = 126.
        assert!(taken(1).abs_diff(1_000) < 126, "{}", taken(1));
        assert!(taken(25).abs_diff(25_000) < 548, "{}", taken(25));
        // Whoever is in a small sample is in every larger one: raising the share loses no request.
        for id in (0..10_000).map(|number| number.to_string()) {
            assert!(!sampling(1).takes(&id) || sampling(10).takes(&id), "{id}");
        }
    }
}

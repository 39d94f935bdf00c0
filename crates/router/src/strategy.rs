//! How a deployment is picked among the usable ones. One file per strategy.

mod smooth_weighted;

pub(crate) use smooth_weighted::SmoothWeighted;

use crate::Strategy;

/// A strategy at work in one group.
#[derive(Clone, Debug)]
pub(crate) enum Picker {
    SmoothWeighted(SmoothWeighted),
}

/// Which attempts are being spread: retries are kept apart, so that a storm of them does not bend the
/// shares of first attempts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    FirstAttempt,
    Retry,
}

impl Picker {
    pub(crate) fn new(strategy: Strategy, deployments: usize) -> Self {
        match strategy {
            Strategy::SmoothWeighted => Self::SmoothWeighted(SmoothWeighted::new(deployments)),
        }
    }

    /// Picks among the candidates, given as (place in the group, weight); weights are above 0.
    #[inline]
    pub(crate) fn pick(
        &mut self,
        purpose: Purpose,
        candidates: impl Iterator<Item = (usize, u32)>,
    ) -> Option<usize> {
        match self {
            Self::SmoothWeighted(strategy) => strategy.pick(purpose, candidates),
        }
    }
}

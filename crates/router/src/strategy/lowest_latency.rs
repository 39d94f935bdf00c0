//! Lowest recent latency: time to first token for streams, total latency otherwise. One that nobody knows
//! anything of is tried first, by one request at a time.

use super::recent_latency::RecentLatency;
use crate::explained_decision::{FigureValue, PickFigure};
use crate::{Balancer, Candidates, FailureSample, PickContext, SuccessSample};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::Share;

/// How latencies are compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LatencyTuning {
    /// Deployments within this margin of the best are candidates, by weight. Default 20 %: with 0 all
    /// requests go to one deployment until it becomes slower (herding).
    pub buffer: Share,
    /// How long ago an observation has lost most (63 %) of its weight. Default 10 s (linkerd, Kong).
    pub decay: Duration,
}

impl LatencyTuning {
    /// The defaults.
    pub const DEFAULT: Self = Self { buffer: Share::percent(20), decay: Duration::from_secs(10) };
}

impl Default for LatencyTuning {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[derive(Clone, Debug)]
pub(crate) struct LowestLatency {
    config: LatencyTuning,
    latencies: RecentLatency,
    running: Vec<u32>,
    last: usize,
}

impl LowestLatency {
    pub(crate) fn new(config: LatencyTuning, deployments: usize) -> Self {
        Self {
            config,
            latencies: RecentLatency::new(config.decay, deployments),
            running: vec![0; deployments],
            last: deployments.saturating_sub(1),
        }
    }
}

impl Balancer for LowestLatency {
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        let scores = self.latencies.scores(context.stream);
        let mut best = u64::MAX;
        let mut any = None;
        for (place, &score) in scores.iter().enumerate() {
            if score < best && candidates.contains(place) && (score > 0 || self.running[place] == 0)
            {
                best = score;
                any = Some(place);
            }
        }
        if any.is_none() {
            // Nobody is known yet, and everyone is being tried.
            return (0..scores.len())
                .filter(|&place| candidates.contains(place))
                .min_by_key(|&p| self.running[p]);
        }
        let slack = u128::from(best) * u128::from(self.config.buffer.ppm()) / 1_000_000;
        let most = best.saturating_add(slack as u64);
        let near = |&place: &usize| {
            scores[place] <= most
                && candidates.contains(place)
                && (scores[place] > 0 || self.running[place] == 0)
        };
        (self.last + 1..scores.len()).chain(0..=self.last.min(scores.len() - 1)).find(near)
    }

    fn figure(
        &self,
        context: &PickContext,
        _: &Candidates<'_>,
        place: usize,
    ) -> Option<PickFigure> {
        let name = if context.stream { "time to first token" } else { "time to whole answer" };
        let value = match *self.latencies.scores(context.stream).get(place)? {
            0 => FigureValue::Unknown,
            nanos => FigureValue::Time(Duration::from_nanos(nanos)),
        };
        Some(PickFigure { name, value })
    }

    fn picked(&mut self, context: &PickContext, _: &Candidates<'_>, place: usize) {
        self.last = place;
        self.latencies.pass(context.now);
    }

    fn started(&mut self, _: &PickContext, place: usize) {
        self.running[place] += 1;
    }

    fn succeeded(&mut self, place: usize, sample: &SuccessSample) {
        self.running[place] = self.running[place].saturating_sub(1);
        self.latencies.succeeded(place, sample);
    }

    fn failed(&mut self, place: usize, sample: &FailureSample) {
        self.running[place] = self.running[place].saturating_sub(1);
        self.latencies.failed(place, sample);
    }

    fn inherit(&mut self, old: &dyn Balancer, from: &[Option<usize>], running: &[u32]) {
        self.running = running.to_vec();
        let Some(old) = old.downcast_ref::<Self>() else { return };
        self.latencies.inherit(&old.latencies, from);
    }
}

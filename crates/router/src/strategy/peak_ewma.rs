//! Of two drawn by weight the one that is likely to answer sooner, by peak EWMA (Finagle, linkerd): a mean of its
//! latencies that follows a rise at once and a fall slowly, times the attempts in flight.
//!
//! The latency that is compared is that of this request: time to first token, and time per output token for as many
//! tokens as are expected. Total time is never compared, since it follows the length of answers. A failure counts as
//! the slowest answer of late of the whole group, five seconds at least (linkerd's load biaser): so a deployment that
//! fails fast attracts nothing. With time everything is forgotten, so one that was slow is tried again.

use super::moved;
use super::weight_table::WeightTable;
use crate::explained_decision::{FigureValue, PickFigure};
use crate::{Balancer, Candidates, FailureSample, PickContext, SuccessSample};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::Timestamp;

/// How long ago an observation has lost most (63 %) of its weight. 10 s: linkerd's default.
const DECAY: Duration = Duration::from_secs(10);

/// The least that a failure counts as. 5 s: linkerd's load biaser.
const PENALTY: Duration = Duration::from_secs(5);

/// What is expected of one nobody knows anything of while nobody is known: all are alike.
const UNKNOWN: f64 = 1e9;

#[derive(Clone, Debug)]
pub(crate) struct PeakEwma {
    weights: WeightTable,
    latencies: Vec<ObservedLatency>,
    running: Vec<u32>,
    /// The slowest first token of late in the group, and what is usual there.
    slowest: PeakMean,
    usual: ObservedLatency,
}

/// What was seen of a deployment, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
struct ObservedLatency {
    first_token: PeakMean,
    per_token: PeakMean,
    /// Of answers that are not streamed, whose first token nobody sees.
    per_token_of_whole: PeakMean,
    /// What failures of late add.
    penalty: PeakMean,
}

#[derive(Clone, Copy, Debug, Default)]
struct PeakMean {
    /// 0 while nothing is known.
    nanos: f64,
    at: Timestamp,
}

impl PeakMean {
    fn take_in(&mut self, now: Timestamp, sample: f64) {
        // However quickly they follow each other, each observation counts for a tenth.
        let kept = forgotten(now, self.at).min(0.9);
        let mean = self.nanos * kept + sample * (1.0 - kept);
        // A rise counts at once.
        let nanos = if sample > self.nanos { sample } else { mean };
        *self = Self { nanos, at: now };
    }

    /// What is left of it by now: without news a mean sinks.
    fn by(&self, now: Timestamp) -> f64 {
        self.nanos * forgotten(now, self.at)
    }

    fn is_known(&self) -> bool {
        self.nanos > 0.0
    }
}

/// The weight that an observation of `at` has by `now`.
fn forgotten(now: Timestamp, at: Timestamp) -> f64 {
    libm::exp(-(now.since(at).as_secs_f64() / DECAY.as_secs_f64()))
}

impl ObservedLatency {
    fn take_in(&mut self, sample: &SuccessSample) {
        let (_, output) = sample.usage.unwrap_or((0, 0));
        let nanos = |duration: Duration| duration.as_nanos() as f64;
        let now = sample.now;
        self.penalty.take_in(now, 0.0);
        match (sample.stream, sample.first_token) {
            (true, Some(first)) => {
                self.first_token.take_in(now, nanos(first));
                if output > 1 {
                    let rest = nanos(sample.total.saturating_sub(first));
                    self.per_token.take_in(now, rest / f64::from(output - 1));
                }
            }
            (true, None) => {}
            (false, _) => {
                let tokens = f64::from(output.max(1));
                self.per_token_of_whole.take_in(now, nanos(sample.total) / tokens);
            }
        }
    }

    /// How long a request is likely to take, if anything is known of such requests.
    fn expected(&self, context: &PickContext) -> Option<f64> {
        let (now, tokens) = (context.now, f64::from(context.output_tokens.max(1)));
        if !context.stream {
            let known = self.per_token_of_whole.is_known();
            return known.then(|| self.per_token_of_whole.by(now) * tokens);
        }
        let known = self.first_token.is_known();
        known.then(|| self.first_token.by(now) + self.per_token.by(now) * (tokens - 1.0))
    }
}

impl PeakEwma {
    pub(crate) fn new(weights: Vec<u64>) -> Self {
        let deployments = weights.len();
        Self {
            weights: WeightTable::new(weights),
            latencies: vec![ObservedLatency::default(); deployments],
            running: vec![0; deployments],
            slowest: PeakMean::default(),
            usual: ObservedLatency::default(),
        }
    }

    /// The expected latency behind those that are in flight. One that nobody knows is expected to be as the others:
    /// a guess of nothing would send it everything.
    fn cost(&self, context: &PickContext, place: usize) -> f64 {
        let known = self.latencies[place].expected(context);
        let expected = known.or_else(|| self.usual.expected(context)).unwrap_or(UNKNOWN);
        let penalty = self.latencies[place].penalty.by(context.now);
        (expected + penalty) * f64::from(self.running[place] + 1)
    }

    fn ended(&mut self, place: usize) {
        self.running[place] = self.running[place].saturating_sub(1);
    }
}

impl Balancer for PeakEwma {
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        let (one, other) = self.weights.two(context, candidates)?;
        let sooner = |&other: &usize| self.cost(context, other) < self.cost(context, one);
        Some(other.filter(sooner).unwrap_or(one))
    }

    /// Of those that were not drawn there is none.
    fn figure(
        &self,
        context: &PickContext,
        candidates: &Candidates<'_>,
        place: usize,
    ) -> Option<PickFigure> {
        let (one, other) = self.weights.two(context, candidates)?;
        let drawn = place == one || Some(place) == other;
        let cost = || Duration::from_nanos(self.cost(context, place) as u64);
        drawn.then(|| PickFigure { name: "expected latency", value: FigureValue::Time(cost()) })
    }

    fn started(&mut self, _: &PickContext, place: usize) {
        self.running[place] += 1;
    }

    fn succeeded(&mut self, place: usize, sample: &SuccessSample) {
        self.ended(place);
        self.latencies[place].take_in(sample);
        self.usual.take_in(sample);
        let first = sample.first_token.unwrap_or(sample.total);
        self.slowest.take_in(sample.now, first.as_nanos() as f64);
    }

    fn failed(&mut self, place: usize, sample: &FailureSample) {
        self.ended(place);
        if !sample.is_evidence {
            return;
        }
        let now = sample.now;
        let lasted = now.since(sample.started).max(PENALTY).as_nanos() as f64;
        self.latencies[place].penalty.take_in(now, lasted.max(self.slowest.by(now)));
    }

    fn inherit(&mut self, old: &dyn Balancer, from: &[Option<usize>], running: &[u32]) {
        self.running = running.to_vec();
        let Some(old) = old.downcast_ref::<Self>() else { return };
        moved(&mut self.latencies, &old.latencies, from);
        (self.slowest, self.usual) = (old.slowest, old.usual);
    }
}

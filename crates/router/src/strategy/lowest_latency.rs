//! The lowest latency of late: for streams time to first token, else the whole answer.
//!
//! Of each deployment a mean is kept that forgets with time. Between observations a mean sinks (tower's
//! and linkerd's peak EWMA do the same), so that one who was slow is tried again after a while, and no
//! history freezes. A failure counts as five seconds (linkerd's load biaser), so that failing quickly
//! is not fast. One that nobody knows anything of is tried first, by one request at a time.

use super::moved;
use crate::explain::{FigureValue, PickFigure};
use crate::{Balancer, Candidates, FailureSample, PickContext, SuccessSample};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::{Share, Timestamp};

/// How latencies are compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LatencyTuning {
    /// Whoever is within this share of the best may be picked, by weight. Default 20 %: with 0 all
    /// requests go to one deployment until that one is the slower (the herd).
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

/// What a failure counts as.
const PENALTY: Duration = Duration::from_secs(5);

/// How often the sinking of means is computed, as a part of `decay`.
const STEPS: u64 = 50;

#[derive(Clone, Debug)]
pub(crate) struct LowestLatency {
    config: LatencyTuning,
    /// To the first token of streams, and to the end of whole answers.
    means: [Vec<Mean>; 2],
    /// The means as they stood at `scored_at`, in nanoseconds: what is compared.
    scores: [Vec<u64>; 2],
    scored_at: Timestamp,
    running: Vec<u32>,
    last: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    /// In nanoseconds; 0 while nothing is known.
    nanos: f64,
    at: Timestamp,
}

impl Mean {
    fn take_in(&mut self, now: Timestamp, sample: Duration, decay: Duration) {
        let sample = sample.as_nanos() as f64;
        if self.nanos <= 0.0 {
            *self = Self { nanos: sample, at: now };
            return;
        }
        let kept = libm::exp(-(now.since(self.at).as_secs_f64() / decay.as_secs_f64()));
        // However quickly they follow each other, each observation counts for a tenth.
        let kept = kept.min(0.9);
        *self = Self { nanos: self.nanos * kept + sample * (1.0 - kept), at: now };
    }

    fn score(&self, now: Timestamp, decay: Duration) -> u64 {
        let silent = now.since(self.at).as_secs_f64() / decay.as_secs_f64();
        (self.nanos * libm::exp(-silent)) as u64
    }
}

impl LowestLatency {
    pub(crate) fn new(config: LatencyTuning, deployments: usize) -> Self {
        Self {
            config,
            means: [vec![Mean::default(); deployments], vec![Mean::default(); deployments]],
            scores: [vec![0; deployments], vec![0; deployments]],
            scored_at: Timestamp::ZERO,
            running: vec![0; deployments],
            last: deployments.saturating_sub(1),
        }
    }

    fn take_in(&mut self, kind: usize, place: usize, now: Timestamp, sample: Duration) {
        let mean = &mut self.means[kind][place];
        mean.take_in(now, sample, self.config.decay);
        self.scores[kind][place] = mean.score(now, self.config.decay).max(1);
    }

    fn score_all(&mut self, now: Timestamp) {
        self.scored_at = now;
        for (scores, means) in self.scores.iter_mut().zip(&self.means) {
            for (score, mean) in scores.iter_mut().zip(means) {
                let known = mean.nanos > 0.0;
                *score = if known { mean.score(now, self.config.decay).max(1) } else { 0 };
            }
        }
    }
}

impl Balancer for LowestLatency {
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        let scores = &self.scores[usize::from(!context.stream)];
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
        let (kind, name) =
            if context.stream { (0, "time to first token") } else { (1, "time to whole answer") };
        let value = match *self.scores[kind].get(place)? {
            0 => FigureValue::Unknown,
            nanos => FigureValue::Time(Duration::from_nanos(nanos)),
        };
        Some(PickFigure { name, value })
    }

    fn picked(&mut self, context: &PickContext, _: &Candidates<'_>, place: usize) {
        let now = context.now;
        self.last = place;
        let step = Duration::from_nanos(self.config.decay.as_nanos() as u64 / STEPS);
        if now >= self.scored_at + step {
            self.score_all(now);
        }
    }

    fn started(&mut self, _: &PickContext, place: usize) {
        self.running[place] += 1;
    }

    fn succeeded(&mut self, place: usize, sample: &SuccessSample) {
        self.running[place] = self.running[place].saturating_sub(1);
        if sample.stream {
            if let Some(first) = sample.first_token {
                self.take_in(0, place, sample.now, first);
            }
        } else {
            self.take_in(1, place, sample.now, sample.total);
        }
    }

    fn failed(&mut self, place: usize, sample: &FailureSample) {
        self.running[place] = self.running[place].saturating_sub(1);
        if sample.is_evidence {
            let lasted = sample.now.since(sample.started).max(PENALTY);
            self.take_in(0, place, sample.now, lasted);
            self.take_in(1, place, sample.now, lasted);
        }
    }

    fn inherit(&mut self, old: &dyn Balancer, from: &[Option<usize>], running: &[u32]) {
        self.running = running.to_vec();
        let Some(old) = old.downcast_ref::<Self>() else { return };
        for kind in 0..self.means.len() {
            moved(&mut self.means[kind], &old.means[kind], from);
            moved(&mut self.scores[kind], &old.scores[kind], from);
        }
        self.scored_at = old.scored_at;
    }
}

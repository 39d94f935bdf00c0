//! Recent latencies of a group's deployments: of each a mean that forgets with time. Between observations a mean
//! sinks (tower's and linkerd's peak EWMA do the same), so that one who was slow is tried again after a while, and no
//! history freezes. A failure counts as five seconds (linkerd's load biaser), so that failing quickly is not fast.

use super::moved;
use crate::{FailureSample, SuccessSample};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::Timestamp;

/// What a failure counts as.
const PENALTY: Duration = Duration::from_secs(5);

/// How often the sinking of means is computed, as a part of `decay`.
const STEPS: u64 = 50;

#[derive(Clone, Debug)]
pub(super) struct RecentLatency {
    decay: Duration,
    /// To the first token of streams, and to the end of whole answers.
    means: [Vec<DecayingMean>; 2],
    /// The means as they stood at `scored_at`, in nanoseconds: what is compared. 0 where nothing is known.
    scores: [Vec<u64>; 2],
    scored_at: Timestamp,
}

#[derive(Clone, Copy, Debug, Default)]
struct DecayingMean {
    /// In nanoseconds; 0 while nothing is known.
    nanos: f64,
    at: Timestamp,
}

impl DecayingMean {
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

impl RecentLatency {
    pub(super) fn new(decay: Duration, deployments: usize) -> Self {
        Self {
            decay,
            means: [
                vec![DecayingMean::default(); deployments],
                vec![DecayingMean::default(); deployments],
            ],
            scores: [vec![0; deployments], vec![0; deployments]],
            scored_at: Timestamp::ZERO,
        }
    }

    /// By place, for streams or for whole answers; 0 where nothing is known.
    #[inline]
    pub(super) fn scores(&self, stream: bool) -> &[u64] {
        &self.scores[usize::from(!stream)]
    }

    /// Lets the means sink that have had no news.
    pub(super) fn pass(&mut self, now: Timestamp) {
        let step = Duration::from_nanos(self.decay.as_nanos() as u64 / STEPS);
        if now < self.scored_at + step {
            return;
        }
        self.scored_at = now;
        for (scores, means) in self.scores.iter_mut().zip(&self.means) {
            for (score, mean) in scores.iter_mut().zip(means) {
                let known = mean.nanos > 0.0;
                *score = if known { mean.score(now, self.decay).max(1) } else { 0 };
            }
        }
    }

    pub(super) fn succeeded(&mut self, place: usize, sample: &SuccessSample) {
        if sample.stream {
            if let Some(first) = sample.first_token {
                self.take_in(0, place, sample.now, first);
            }
        } else {
            self.take_in(1, place, sample.now, sample.total);
        }
    }

    pub(super) fn failed(&mut self, place: usize, sample: &FailureSample) {
        if sample.is_evidence {
            let lasted = sample.now.since(sample.started).max(PENALTY);
            self.take_in(0, place, sample.now, lasted);
            self.take_in(1, place, sample.now, lasted);
        }
    }

    fn take_in(&mut self, kind: usize, place: usize, now: Timestamp, sample: Duration) {
        let mean = &mut self.means[kind][place];
        mean.take_in(now, sample, self.decay);
        self.scores[kind][place] = mean.score(now, self.decay).max(1);
    }

    pub(super) fn inherit(&mut self, old: &Self, from: &[Option<usize>]) {
        for kind in 0..self.means.len() {
            moved(&mut self.means[kind], &old.means[kind], from);
            moved(&mut self.scores[kind], &old.scores[kind], from);
        }
        self.scored_at = old.scored_at;
    }
}

//! `latency-based-routing`: the mean of ten samples of seconds per token. When the list is full, in 1.80 its
//! last place is written again and again: nine samples stay until the whole map is forgotten. From 1.110 on the
//! oldest is dropped, and times to first token are seconds, with a mean of their own.
//!
//! In every version a pick writes a sample of 0 for each usable deployment that the map does not have yet, and the
//! sample stays: what is tried second looks twice as quick as it is, what was tried first, before there was a map,
//! does not. (The first call of LiteLLM's process is slow too, by some 0.5 s. That is no part of this.)

use super::{MinuteUsage, one_of};
use crate::strategy::moved;
use crate::{
    Balancer, Candidates, DeploymentConfig, FailureSample, LatencyWindow, PickContext,
    SuccessSample,
};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::{Share, Timestamp};

/// `max_latency_list_size`.
const SAMPLES: usize = 10;
/// What a time-out adds to the list.
const TIMED_OUT: f64 = 1_000.0;

#[derive(Clone, Debug)]
pub(crate) struct LatencyList {
    window: LatencyWindow,
    buffer: Share,
    ttl: Duration,
    minutes: MinuteUsage,
    /// Seconds per token of whole answers; to the first token of streams, in 1.80 per token too.
    whole: Vec<Vec<f64>>,
    first: Vec<Vec<f64>>,
    /// What is compared, for whole answers and for streams; 0 for one that nothing is known of.
    scores: [Vec<f64>; 2],
    /// Scratch.
    near: Vec<u32>,
    /// When the map is forgotten: `ttl` after it was last written as a whole.
    ends: Timestamp,
}

impl LatencyList {
    pub(crate) fn new(
        window: LatencyWindow,
        buffer: Share,
        ttl: Duration,
        deployments: &[DeploymentConfig],
    ) -> Self {
        let places = deployments.len();
        Self {
            window,
            buffer,
            ttl,
            minutes: MinuteUsage::new(deployments),
            whole: vec![Vec::new(); places],
            first: vec![Vec::new(); places],
            scores: [vec![0.0; places], vec![0.0; places]],
            near: Vec::with_capacity(places),
            ends: Timestamp::ZERO,
        }
    }

    /// The mean; of streams that of the times to first token, in 1.80 divided by how many whole ones there
    /// are.
    fn score(&mut self, place: usize) {
        let (whole, first) = (&self.whole[place], &self.first[place]);
        let mean = |samples: &[f64]| {
            let number = match self.window {
                LatencyWindow::FirstNineStay => whole.len(),
                LatencyWindow::LastTen => samples.len(),
            };
            samples.iter().sum::<f64>() / number.max(1) as f64
        };
        self.scores[0][place] = mean(whole);
        self.scores[1][place] = mean(if first.is_empty() { whole } else { first });
    }

    /// Gives those that nothing is known of a sample of 0, once there is a map.
    fn note_unseen(&mut self, candidates: &Candidates<'_>) {
        for (place, samples) in self.whole.iter_mut().enumerate() {
            if samples.is_empty() && candidates.contains(place) {
                samples.push(0.0);
            }
        }
    }

    /// The map's time begins anew with each write.
    fn forget(&mut self, now: Timestamp) {
        if now >= self.ends {
            self.whole.iter_mut().chain(&mut self.first).for_each(Vec::clear);
            self.scores.iter_mut().for_each(|scores| scores.fill(0.0));
        }
        self.ends = now + self.ttl;
    }
}

impl Balancer for LatencyList {
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        let forgotten = context.now >= self.ends;
        if !forgotten {
            self.note_unseen(candidates);
        }
        let room = self.minutes.room(context);
        let scores = &self.scores[usize::from(context.stream)];
        let score = |place: usize| if forgotten { 0.0 } else { scores[place] };
        let allowance = 1.0 + f64::from(self.buffer.ppm()) / 1e6;
        let mut most = f64::INFINITY;
        self.near.clear();
        for place in 0..scores.len() {
            let score = score(place);
            if score <= most && room.at(place) && candidates.contains(place) {
                most = most.min(score * allowance);
                self.near.push(place as u32);
            }
        }
        // Those that were near before a better one came.
        self.near.retain(|&place| score(place as usize) <= most);
        one_of(context, &self.near)
    }

    fn succeeded(&mut self, place: usize, sample: &SuccessSample) {
        self.forget(sample.now);
        self.minutes.succeeded(place, sample);
        let (_, output) = sample.usage.unwrap_or_default();
        let per_token = f64::from(output.max(1));
        put(self.window, &mut self.whole[place], sample.total.as_secs_f64() / per_token);
        if let Some(first) = sample.first_token.filter(|_| sample.stream) {
            let per = match self.window {
                LatencyWindow::FirstNineStay => per_token,
                LatencyWindow::LastTen => 1.0,
            };
            put(self.window, &mut self.first[place], first.as_secs_f64() / per);
        }
        self.score(place);
    }

    fn failed(&mut self, place: usize, sample: &FailureSample) {
        if sample.timed_out {
            self.forget(sample.now);
            put(self.window, &mut self.whole[place], TIMED_OUT);
            self.score(place);
        }
    }

    fn inherit(&mut self, old: &dyn Balancer, from: &[Option<usize>], _: &[u32]) {
        let Some(old) = old.downcast_ref::<Self>() else { return };
        self.minutes.inherit(&old.minutes, from);
        moved(&mut self.whole, &old.whole, from);
        moved(&mut self.first, &old.first, from);
        (0..self.whole.len()).for_each(|place| self.score(place));
        self.ends = old.ends;
    }
}

/// Behind the others: instead of the first of them, or over the last one.
fn put(window: LatencyWindow, samples: &mut Vec<f64>, sample: f64) {
    if samples.len() == SAMPLES {
        match window {
            LatencyWindow::FirstNineStay => {
                samples.pop();
            }
            LatencyWindow::LastTen => {
                samples.remove(0);
            }
        }
    }
    samples.push(sample);
}

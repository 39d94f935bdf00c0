//! A source at work: its arrival process, and what its requests look like.

use crate::arrivals::{NextArrival, Process};
use crate::{ClientRequest, KindConfig, Ordinal, Shift, SourceConfig};
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::{Distribution, Seed, Share, StreamPurpose, Timestamp};

/// The draws of a request's shape: prompt, answer, stream, in this order.
const SHAPE: StreamPurpose = StreamPurpose::named("workload.shape");
/// The draws of what a request is about: kind, session, in this order.
const KIND: StreamPurpose = StreamPurpose::named("workload.kind");

/// A source of traffic. All its draws are keyed by its own key and by the place of a request among its own, so that no
/// other source changes any of them.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) process: Process,
    seed: Seed,
    key: u32,
    /// How many requests it has sent.
    sent: u64,
    prompt_tokens: Distribution,
    output_tokens: Distribution,
    stream: Share,
    pub(crate) timeout: Duration,
    /// The number of the first of its kinds, over all sources.
    first_kind: u16,
    kinds: Vec<KindConfig>,
    /// The weights of the kinds at first, and from when on which others hold.
    weights: Vec<Shift>,
}

impl Source {
    pub(crate) fn new(config: SourceConfig, first_kind: u16, until: Timestamp, seed: Seed) -> Self {
        let first = Shift {
            at: Timestamp::ZERO,
            weights: config.kinds.iter().map(|kind| kind.weight).collect(),
        };
        Self {
            process: Process::new(config.arrivals, until, seed, config.key),
            seed,
            key: config.key,
            sent: 0,
            prompt_tokens: config.prompt_tokens,
            output_tokens: config.output_tokens,
            stream: config.stream,
            timeout: config.client.timeout,
            first_kind,
            kinds: config.kinds,
            weights: core::iter::once(first).chain(config.shifts).collect(),
        }
    }

    /// The request of its next arrival.
    pub(crate) fn request(&mut self, request: Ordinal, next: NextArrival) -> ClientRequest {
        let place = self.sent;
        self.sent += 1;
        let (number, session) = self.draw_kind(place, next.at);
        let kind = self.kinds.get(usize::from(number));
        let mut draws = self.seed.stream(SHAPE, self.key.into(), place);
        let mut tokens = |own: Option<Distribution>, all: Distribution| {
            u32::try_from(own.unwrap_or(all).sample(&mut draws)).unwrap_or(u32::MAX).max(1)
        };
        let input_tokens = tokens(kind.and_then(|kind| kind.prompt_tokens), self.prompt_tokens);
        let output_tokens = tokens(kind.and_then(|kind| kind.output_tokens), self.output_tokens);
        let stream = kind.and_then(|kind| kind.stream).unwrap_or(self.stream);
        let stream = draws.chance(stream);
        ClientRequest {
            request,
            intended: next.at,
            kind: self.first_kind + number,
            session,
            input_tokens,
            output_tokens,
            stream,
            timeout: self.timeout,
        }
    }

    /// The kind of a request among its own, and its session if the kind has some.
    fn draw_kind(&self, place: u64, intended: Timestamp) -> (u16, Option<u64>) {
        let begun = self.weights.partition_point(|shift| shift.at <= intended);
        let Some(shift) = self.weights[..begun].last() else { return (0, None) };
        let sum: u64 = shift.weights.iter().map(|weight| u64::from(*weight)).sum();
        if sum == 0 {
            return (0, None);
        }
        let mut draws = self.seed.stream(KIND, self.key.into(), place);
        let mut left = draws.below(sum);
        for (number, (kind, weight)) in (0_u16..).zip(self.kinds.iter().zip(&shift.weights)) {
            let weight = u64::from(*weight);
            if left < weight {
                let session = (kind.sessions > 0).then(|| draws.below(kind.sessions.into()));
                let of_kind = u64::from(self.first_kind + number) << 32;
                return (number, session.map(|session| of_kind | session));
            }
            left -= weight;
        }
        (0, None)
    }
}

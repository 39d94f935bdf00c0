//! A source at work: its arrival process, and what its requests look like.

use crate::arrivals::{NextArrival, Process};
use crate::{
    Arrivals, ClientConfig, ClientRequest, KindConfig, Ordinal, Shift, SourceConfig, TraceSizes,
    TracedRequest,
};
use alloc::vec::Vec;
use squall_determinism::{
    Distribution, RandomStream, Seed, Shard, Share, StreamPurpose, Timestamp,
};

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
    shard: Shard,
    key: u32,
    /// How many requests it has had: of an open process those of all shards.
    begun: u64,
    prompt_tokens: Distribution,
    output_tokens: Distribution,
    /// Which of them a trace gives.
    traced: TraceSizes,
    stream: Share,
    pub(crate) client: ClientConfig,
    /// The number of the first of its kinds, over all sources.
    first_kind: u16,
    kinds: Vec<KindConfig>,
    /// The weights of the kinds at first, and from when on which others hold.
    weights: Vec<Shift>,
}

/// What the later draws of a request are keyed by: the seed, the source, and its place among those of the source.
pub(crate) type RequestDraws = (Seed, u32, u64);

impl Source {
    pub(crate) fn new(
        config: SourceConfig,
        first_kind: u16,
        until: Timestamp,
        (seed, shard): (Seed, Shard),
    ) -> Self {
        let first = Shift {
            at: Timestamp::ZERO,
            weights: config.kinds.iter().map(|kind| kind.weight).collect(),
        };
        let mut traced = TraceSizes { input: false, output: false };
        if let Arrivals::Trace { replay } = &config.arrivals {
            traced = replay.sizes;
        }
        Self {
            process: Process::new(config.arrivals, until, (seed, shard), config.key),
            seed,
            shard,
            key: config.key,
            begun: 0,
            prompt_tokens: config.prompt_tokens,
            output_tokens: config.output_tokens,
            traced,
            stream: config.stream,
            client: config.client,
            first_kind,
            kinds: config.kinds,
            weights: core::iter::once(first).chain(config.shifts).collect(),
        }
    }

    /// Passes over its next arrival, which another shard sends.
    pub(crate) fn leave_next(&mut self) {
        self.process.pop();
        self.begun += 1;
    }

    /// The request of the arrival that was taken last, and what it draws by later.
    pub(crate) fn request(
        &mut self,
        request: Ordinal,
        next: NextArrival,
    ) -> (ClientRequest, RequestDraws) {
        // Clients of other shards are not counted here: each shard draws by numbers of its own.
        let is_open = self.process.is_open();
        let place = if is_open { self.begun } else { self.shard.ordinal_of(self.begun) };
        self.begun += 1;
        let given = self.process.given();
        let (number, session) = self.kind(place, next.at, given);
        let kind = self.kinds.get(usize::from(number));
        let mut draws = self.seed.stream(SHAPE, self.key.into(), place);
        let mut tokens = |own: Option<Distribution>, all: Distribution, given: Option<u32>| {
            let drawn = u32::try_from(own.unwrap_or(all).sample(&mut draws)).unwrap_or(u32::MAX);
            given.filter(|_| own.is_none()).unwrap_or(drawn).max(1)
        };
        let given_input = given.input_tokens.filter(|_| self.traced.input);
        let given_output = given.output_tokens.filter(|_| self.traced.output);
        let own_input = kind.and_then(|kind| kind.prompt_tokens);
        let input_tokens = tokens(own_input, self.prompt_tokens, given_input);
        let own_output = kind.and_then(|kind| kind.output_tokens);
        let output_tokens = tokens(own_output, self.output_tokens, given_output);
        let stream = kind.and_then(|kind| kind.stream).unwrap_or(self.stream);
        let stream = draws.chance(stream);
        let sent = ClientRequest {
            request,
            nth: 0,
            intended: next.at,
            kind: self.first_kind + number,
            session,
            input_tokens,
            output_tokens,
            stream,
            timeout: self.client.timeout,
            watched: self.client.watches_calls(),
        };
        (sent, (self.seed, self.key, place))
    }

    /// The kind of a request among its own and its session, as a trace has them or else as they are drawn.
    fn kind(&self, place: u64, intended: Timestamp, given: TracedRequest) -> (u16, Option<u64>) {
        let (number, drawn) = match given.kind {
            Some(number) => (number, self.draw_session(number, &mut self.draws_of_kind(place))),
            None => self.draw_kind(place, intended),
        };
        (number, given.session.or(drawn))
    }

    fn draws_of_kind(&self, place: u64) -> RandomStream {
        self.seed.stream(KIND, self.key.into(), place)
    }

    fn draw_session(&self, number: u16, draws: &mut RandomStream) -> Option<u64> {
        let sessions = self.kinds.get(usize::from(number)).map_or(0, |kind| kind.sessions);
        let session = (sessions > 0).then(|| draws.below(sessions.into()));
        session.map(|session| u64::from(self.first_kind + number) << 32 | session)
    }

    /// The kind of a request among its own, and its session if the kind has some.
    fn draw_kind(&self, place: u64, intended: Timestamp) -> (u16, Option<u64>) {
        let begun = self.weights.partition_point(|shift| shift.at <= intended);
        let Some(shift) = self.weights[..begun].last() else { return (0, None) };
        let sum: u64 = shift.weights.iter().map(|weight| u64::from(*weight)).sum();
        if sum == 0 {
            return (0, None);
        }
        let mut draws = self.draws_of_kind(place);
        let mut left = draws.below(sum);
        for (number, weight) in (0_u16..).zip(&shift.weights) {
            let weight = u64::from(*weight);
            if left < weight {
                return (number, self.draw_session(number, &mut draws));
            }
            left -= weight;
        }
        (0, None)
    }
}

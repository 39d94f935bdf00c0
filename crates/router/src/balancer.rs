//! The interface of load balancing strategies: pick one of the candidates, and observe the outcome.

use crate::explained_decision::PickFigure;
use alloc::boxed::Box;
use core::any::Any;
use core::fmt::Debug;
use core::time::Duration;
use squall_determinism::{RandomStream, Seed, StreamPurpose, Timestamp};

/// A load balancing strategy in one model group.
///
/// Only [`pick`](Self::pick) is required; all other methods are hooks that do nothing by default. Deployments
/// are identified by their *place*: the index in the slice of deployments that the balancer was built from.
/// [`Strategy::custom`](crate::Strategy::custom) puts a custom balancer into a group.
///
/// # Contract
///
/// - `pick` must not change later picks: it may keep scratch space, but it may be called several times for
///   one attempt, and its result may be discarded. The hooks report what happened.
/// - Per attempt the order is `pick`, [`picked`](Self::picked), [`started`](Self::started), then exactly one
///   of [`succeeded`](Self::succeeded) and [`failed`](Self::failed). If a limit prevents the attempt, it is
///   `picked` but not `started`; if session affinity determines the deployment, it is `started` but not
///   `picked`; if its deployment has been removed, its end is not reported.
/// - Use only [`PickContext::rng`] for randomness and `now` for time; otherwise runs are not reproducible and
///   journals do not replay.
/// - On a change of configuration a new balancer is built and [inherits](Self::inherit) from the old one.
/// - Nothing here should allocate: the router calls it for every request.
///
/// # Mistakes
///
/// - A `pick` of `None` while there are candidates, or of a place that is not a candidate, is rejected: the
///   request continues as if no deployment were available (it waits, falls back, or fails with 503), and the
///   router reports [`RouterEvent::PickRejected`](crate::RouterEvent::PickRejected).
/// - A panic propagates through [`Router::handle`](crate::Router::handle), and the router rejects all later
///   inputs, because its state may be inconsistent.
pub trait Balancer: Any + CloneBalancer + Debug + Send + Sync {
    /// The place of the deployment for the next attempt, one of the `candidates`, or `None`.
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize>;

    /// `place` was picked among these candidates.
    fn picked(&mut self, context: &PickContext, candidates: &Candidates<'_>, place: usize) {
        let _ = (context, candidates, place);
    }

    /// An attempt begins at `place`.
    fn started(&mut self, context: &PickContext, place: usize) {
        let _ = (context, place);
    }

    /// An attempt at `place` ended with a complete answer.
    fn succeeded(&mut self, place: usize, sample: &SuccessSample) {
        let _ = (place, sample);
    }

    /// An attempt at `place` ended otherwise.
    fn failed(&mut self, place: usize, sample: &FailureSample) {
        let _ = (place, sample);
    }

    /// What the strategy goes by at the candidate at `place`, in the pick that it would make now, for people who
    /// ask why; it decides nothing. By default nothing is told.
    fn figure(
        &self,
        context: &PickContext,
        candidates: &Candidates<'_>,
        place: usize,
    ) -> Option<PickFigure> {
        let _ = (context, candidates, place);
        None
    }

    /// Inherits state from `old`, the balancer of the previous configuration. `from[place]` is the previous
    /// place of the deployment at `place`, if any; `running[place]` is the number of its attempts in flight.
    /// Use [`downcast_ref`](trait@Balancer#method.downcast_ref) to check whether `old` is of the same type.
    fn inherit(&mut self, old: &dyn Balancer, from: &[Option<usize>], running: &[u32]) {
        let _ = (old, from, running);
    }
}

impl dyn Balancer {
    /// The balancer as a `B`, if it is one.
    #[must_use]
    pub fn downcast_ref<B: Balancer>(&self) -> Option<&B> {
        (self as &dyn Any).downcast_ref()
    }
}

/// Copies a balancer behind a pointer, so that a router can be cloned. Implemented for every balancer that
/// is [`Clone`].
pub trait CloneBalancer {
    /// The same balancer once more.
    fn clone_balancer(&self) -> Box<dyn Balancer>;
}

impl<B: Balancer + Clone> CloneBalancer for B {
    fn clone_balancer(&self) -> Box<dyn Balancer> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Balancer> {
    fn clone(&self) -> Self {
        (**self).clone_balancer()
    }
}

/// For which attempt a deployment is picked, and when.
#[derive(Clone, Copy, Debug)]
pub struct PickContext {
    /// Since the start of the run.
    pub now: Timestamp,
    /// The minute of the wall clock: minutes since 1970.
    pub minute: u64,
    /// Whether it is the first attempt of its request.
    pub kind: AttemptKind,
    /// Tokens of the prompt, as estimated.
    pub input_tokens: u32,
    /// Tokens of the answer, as estimated.
    pub output_tokens: u32,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// The session of the request, if it belongs to one.
    pub session: Option<u64>,
    /// The source of random numbers for this pick.
    pub rng: PickRng,
}

/// The kind of attempt. Retries are balanced separately, so that a retry storm does not distort the shares of
/// first attempts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AttemptKind {
    /// The first attempt of a request.
    First,
    /// Any later one.
    Retry,
}

/// The source of random numbers for one pick: the same numbers for the same seed, group, request and attempt,
/// in every call.
#[derive(Clone, Copy, Debug)]
pub struct PickRng {
    seed: Seed,
    group: u16,
    ordinal: u64,
}

impl PickRng {
    /// The source for attempt `ordinal` in the group with this number.
    #[must_use]
    pub const fn new(seed: Seed, group: u16, ordinal: u64) -> Self {
        Self { seed, group, ordinal }
    }

    /// The numbers, from the first on.
    #[must_use]
    pub fn random_stream(&self) -> RandomStream {
        const PICK: StreamPurpose = StreamPurpose::named("router.pick");
        self.seed.stream(PICK, self.group.into(), self.ordinal)
    }
}

/// The deployments of a group that may be picked, by place.
#[derive(Clone, Copy, Debug)]
pub struct Candidates<'a> {
    pub(crate) rows: CandidateRows<'a>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum CandidateRows<'a> {
    /// Those that are marked.
    Marked(&'a [bool]),
    /// Those that are ready at `now` and not silent.
    Ready { now: Timestamp, ready_at: &'a [Timestamp], last_from: &'a [Timestamp] },
    /// Those of them that are of this rank.
    OfRank {
        now: Timestamp,
        ready_at: &'a [Timestamp],
        last_from: &'a [Timestamp],
        ranks: &'a [u8],
        rank: u8,
    },
}

impl<'a> Candidates<'a> {
    /// The places that hold `true`.
    #[must_use]
    pub const fn marked(marks: &'a [bool]) -> Self {
        Self { rows: CandidateRows::Marked(marks) }
    }

    pub(crate) fn ready(
        now: Timestamp,
        ready_at: &'a [Timestamp],
        last_from: &'a [Timestamp],
    ) -> Self {
        // All slices have the same length, so that one bounds check suffices.
        let last_from = &last_from[..ready_at.len()];
        Self { rows: CandidateRows::Ready { now, ready_at, last_from } }
    }

    pub(crate) fn of_rank(self, ranks: &'a [u8], rank: u8) -> Self {
        match self.rows {
            CandidateRows::Ready { now, ready_at, last_from } => {
                let ranks = &ranks[..ready_at.len()];
                Self { rows: CandidateRows::OfRank { now, ready_at, last_from, ranks, rank } }
            }
            CandidateRows::Marked(_) | CandidateRows::OfRank { .. } => self,
        }
    }

    /// How many deployments the group has, candidates or not.
    #[must_use]
    #[inline]
    pub const fn places(&self) -> usize {
        match self.rows {
            CandidateRows::Marked(marks) => marks.len(),
            CandidateRows::Ready { ready_at, .. } | CandidateRows::OfRank { ready_at, .. } => {
                ready_at.len()
            }
        }
    }

    /// Whether the deployment at `place` is a candidate; false if there is none.
    #[must_use]
    #[inline]
    pub fn contains(&self, place: usize) -> bool {
        match self.rows {
            CandidateRows::Marked(marks) => marks.get(place).copied().unwrap_or(false),
            CandidateRows::Ready { now, ready_at, last_from } => {
                place < ready_at.len() && ready_at[place] <= now && now < last_from[place]
            }
            CandidateRows::OfRank { now, ready_at, last_from, ranks, rank } => {
                place < ready_at.len()
                    && ready_at[place] <= now
                    && now < last_from[place]
                    && ranks[place] == rank
            }
        }
    }

    /// The places that may be picked, in their order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.places()).filter(|&place| self.contains(place))
    }
}

/// Evaluates a loop over all places with `$eligible` as the test for candidates, compiled once per
/// representation of the candidates: in a loop over nearly all places, [`Candidates::contains`] would cost
/// twice as much.
macro_rules! for_each_kind {
    ($candidates:expr, |$eligible:ident| $work:expr) => {
        match $candidates.rows {
            $crate::balancer::CandidateRows::Marked(marks) => {
                let $eligible = |place: usize| marks[place];
                $work
            }
            $crate::balancer::CandidateRows::Ready { now, ready_at, last_from } => {
                let $eligible = |place: usize| ready_at[place] <= now && now < last_from[place];
                $work
            }
            $crate::balancer::CandidateRows::OfRank { now, ready_at, last_from, ranks, rank } => {
                let $eligible = |place: usize| {
                    ready_at[place] <= now && now < last_from[place] && ranks[place] == rank
                };
                $work
            }
        }
    };
}
pub(crate) use for_each_kind;

/// What an attempt that ended with a whole answer showed.
#[derive(Clone, Copy, Debug)]
pub struct SuccessSample {
    /// When it ended.
    pub now: Timestamp,
    /// The minute of the wall clock.
    pub minute: u64,
    /// Whether it was a stream.
    pub stream: bool,
    /// From its start to the first token of a stream.
    pub first_token: Option<Duration>,
    /// From its start to its end.
    pub total: Duration,
    /// Tokens that it was estimated to need.
    pub estimate: u64,
    /// Tokens of the prompt and of the answer, if the provider said.
    pub usage: Option<(u32, u32)>,
}

/// What an attempt that ended otherwise showed.
#[derive(Clone, Copy, Debug)]
pub struct FailureSample {
    /// When it ended.
    pub now: Timestamp,
    /// The minute of the wall clock.
    pub minute: u64,
    /// When it began.
    pub started: Timestamp,
    /// Tokens that it was estimated to need.
    pub estimate: u64,
    /// Whether it is evidence against the deployment, rather than throttling or the client's error.
    pub is_evidence: bool,
    /// Whether it ran out of time.
    pub timed_out: bool,
    /// Whether nothing had been sent: it used nothing.
    pub sent_nothing: bool,
}

//! How a fault is set up.

use super::{ErrorAnswer, ErrorMix, FirstAttempts, Recovery};
use crate::BadAnswer;
use core::time::Duration;
use squall_determinism::{Share, Timestamp};
use squall_failure::{Evidence, FailureClass};

/// Something that goes wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaultConfig {
    /// From when.
    pub at: Timestamp,
    /// By how much later it may begin, drawn once by [`ProviderConfig::drawn`](crate::ProviderConfig::drawn).
    pub jitter: Duration,
    /// For how long, onset and tail included.
    pub lasts: Duration,
    /// How long it takes to grow to its whole share, or, where it has a size of its own, to its whole size.
    pub onset: Duration,
    /// How long it takes to fade at its end, likewise.
    pub tail: Duration,
    /// How many of its targets it hits. A listener refuses all or none, whatever stands here.
    pub share: Share,
    /// Whom it can hit.
    pub target: FaultTarget,
    /// What checks apart from traffic hear of it.
    pub health: ProbeHealth,
    /// What happens to those it hits.
    pub kind: FaultKind,
}

/// Whom a fault can hit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FaultTarget {
    /// Attempts at this model alone, by the [`name_hash`](crate::name_hash) of its name.
    pub model: Option<u64>,
    /// Attempts with this key alone, likewise.
    pub key: Option<u64>,
    /// Whether the share is drawn for each user and holds for all that one sends, instead of for each
    /// attempt. Who has no session is a user of its own.
    pub sticky: bool,
    /// How many attempts it hits at most, the first ones that arrive. Those in flight at its onset go on, and
    /// checks hear nothing of it. It means nothing to a fault that hits no attempt: one of the listener, of
    /// limits, of capacity or of the cache. `None` for as many as come.
    pub first: Option<FirstAttempts>,
}

/// What checks apart from traffic hear of a fault.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ProbeHealth {
    /// As is usual for its kind: connections that are refused or swallowed are so for all, and nothing else
    /// shows in a list of models.
    #[default]
    Usual,
    /// Healthy: a false-healthy check. A closed listener still fails its checks.
    Lies,
    /// It fails as traffic does.
    Honest,
}

impl FaultConfig {
    /// A fault that hits all, at once and until its end.
    #[must_use]
    pub fn new(at: Timestamp, lasts: Duration, kind: FaultKind) -> Self {
        Self {
            at,
            jitter: Duration::ZERO,
            lasts,
            onset: Duration::ZERO,
            tail: Duration::ZERO,
            share: Share::ALL,
            target: FaultTarget::default(),
            health: ProbeHealth::Usual,
            kind,
        }
    }

    /// When it ends.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.at + self.lasts
    }

    /// How much of it there is at `now`: all of it between onset and tail, nothing before and after.
    #[must_use]
    pub fn progress(&self, now: Timestamp) -> Share {
        if now < self.at || now >= self.until() {
            return Share::NONE;
        }
        let part = |passed: Duration, of: Duration| match of.as_nanos() {
            0 => PPM,
            whole => (passed.as_nanos() * u128::from(PPM) / whole).min(PPM.into()) as u32,
        };
        let grown = part(now.since(self.at), self.onset);
        let left = part(self.until().since(now), self.tail);
        Share::from_ppm(grown.min(left)).unwrap_or(Share::ALL)
    }

    /// How many of its targets it hits at `now`.
    #[must_use]
    pub fn share_at(&self, now: Timestamp) -> Share {
        if self.kind.grows_in_severity() {
            return self.share;
        }
        let ppm = self.progress(now).of(self.share.ppm().into());
        u32::try_from(ppm).ok().and_then(Share::from_ppm).unwrap_or(self.share)
    }

    /// Whether it fails those that it hits, so that traffic should leave; a slowdown or a throttle alone
    /// does not: the provider still answers, or asks for patience.
    #[must_use]
    pub fn fails(&self) -> bool {
        let breaks = |class: FailureClass| {
            matches!(class.evidence(), Evidence::Failed | Evidence::Misconfigured)
        };
        match self.kind {
            FaultKind::Error(answer) => breaks(answer.class),
            FaultKind::Errors(mix) => {
                let weight = |wanted: bool| -> u64 {
                    let errors = mix.errors().filter(|(error, _)| breaks(error.class) == wanted);
                    errors.map(|(_, weight)| u64::from(weight)).sum()
                };
                weight(true) >= weight(false)
            }
            FaultKind::StreamError { class, .. } => breaks(class),
            FaultKind::Refuse
            | FaultKind::Reset { .. }
            | FaultKind::BlackHole
            | FaultKind::Cut { .. }
            | FaultKind::Stall { .. }
            | FaultKind::BadAnswer(_) => true,
            FaultKind::Throttle { .. }
            | FaultKind::Slowdown { .. }
            | FaultKind::Delay { .. }
            | FaultKind::LimitCut { .. }
            | FaultKind::CapacityCut { .. }
            | FaultKind::ColdCache => false,
        }
    }
}

const PPM: u32 = 1_000_000;

/// What is left of something that a fault cuts to a part of it, when so much of the fault is there.
pub(crate) fn left(to: Share, progress: Share) -> Share {
    let gone = progress.of(u64::from(PPM - to.ppm())) as u32;
    Share::from_ppm(PPM - gone).unwrap_or(Share::ALL)
}

/// What goes wrong. Each kind states what happens to the attempts that are in flight at its onset.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum FaultKind {
    /// Answers with an error at once. In flight: go on.
    Error(ErrorAnswer),
    /// Answers with one of several errors at once, drawn for each. In flight: go on.
    Errors(ErrorMix),
    /// Answers 429, whatever the limits say. In flight: go on.
    Throttle {
        /// What Retry-After says, if anything.
        retry_after: Option<Duration>,
    },
    /// Refuses connections. In flight: reset, as by a process that was killed.
    Refuse,
    /// Resets the connection of an answer after so many tokens; one that is not streamed, before its
    /// first byte. In flight: go on.
    Reset {
        /// Tokens sent before the reset; 0 for as soon as the request is there.
        after_tokens: u32,
    },
    /// Takes connections and never answers. In flight: those it hits send no more tokens
    /// and do not end.
    BlackHole,
    /// Takes these multiples of its time. In flight: go on at their old speed.
    Slowdown {
        /// Of the time to the first token and of errors, in thousandths: 3000 for three times as long.
        ttft_milli: u32,
        /// Of the time between tokens.
        itl_milli: u32,
    },
    /// Answers, but first stands still for so long. In flight: go on.
    Delay {
        /// What is added to the time to the first token.
        by: Duration,
    },
    /// Ends a stream after so many tokens, without its end mark; an answer that is not streamed, before
    /// its first byte of body. In flight: go on.
    Cut {
        /// Tokens sent before the cut.
        after_tokens: u32,
    },
    /// Falls silent after so many tokens, and keeps the connection open; an answer that is not streamed
    /// never comes. In flight: go on. Who is stalled holds its place until its caller leaves.
    Stall {
        /// Tokens sent before the silence.
        after_tokens: u32,
    },
    /// Ends a stream after so many tokens with an error event; an answer that is not streamed is that
    /// error. In flight: go on.
    StreamError {
        /// Tokens sent before the event.
        after_tokens: u32,
        /// What class of failure it tells.
        class: FailureClass,
    },
    /// Answers 200 with something that is no answer. In flight: go on.
    BadAnswer(BadAnswer),
    /// Its limits are this part of what they were. What was let in counts on.
    LimitCut {
        /// What is left of each limit.
        to: Share,
    },
    /// It works on this part of what it could at once. In flight: go on, over the number if need be.
    CapacityCut {
        /// What is left of its places, at least one.
        to: Share,
        /// How they come back while the fault lasts. `None`: they do not.
        recovery: Option<Recovery>,
    },
    /// Its cache of prompts is empty and stays so.
    ColdCache,
}

impl FaultKind {
    /// Whether it does something to attempts, each by itself. Others work on connections, limits, capacity or
    /// the cache, and can neither be counted by attempts nor hit only some.
    #[must_use]
    pub const fn hits_attempts(&self) -> bool {
        match self {
            Self::Error(_)
            | Self::Errors(_)
            | Self::Throttle { .. }
            | Self::Reset { .. }
            | Self::BlackHole
            | Self::Slowdown { .. }
            | Self::Delay { .. }
            | Self::Cut { .. }
            | Self::Stall { .. }
            | Self::StreamError { .. }
            | Self::BadAnswer(_) => true,
            Self::Refuse | Self::LimitCut { .. } | Self::CapacityCut { .. } | Self::ColdCache => {
                false
            }
        }
    }

    /// Everything takes this many thousandths of its time.
    #[must_use]
    pub const fn slowdown(factor_milli: u32) -> Self {
        Self::Slowdown { ttft_milli: factor_milli, itl_milli: factor_milli }
    }
}

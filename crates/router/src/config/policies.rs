//! Policies of a group that need no file of their own, with their defaults.

use core::time::Duration;
use squall_determinism::Share;

/// How long an attempt may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AttemptTimeouts {
    /// To be connected. Default 5 s (the vendors' SDKs).
    pub connect: Duration,
    /// From the start of a streamed attempt to its first content token. An answer that is not streamed
    /// has none before its end: `total` holds for it. Default 30 s.
    pub first_token: Duration,
    /// Between two tokens: what bounds a stream. Default 10 s.
    pub between_tokens: Duration,
    /// From the start to the end of an attempt whose answer comes in one piece. Default 10 min: as long as
    /// the vendors' SDKs wait for one, so that no healthy answer of a reasoning model meets it.
    pub total: Duration,
    /// From the start to the end of a streamed attempt, however lively. Default none: a stream is bounded by
    /// its silences, not by its length.
    pub stream_total: Option<Duration>,
}

impl Default for AttemptTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_token: Duration::from_secs(30),
            between_tokens: Duration::from_secs(10),
            total: Duration::from_secs(600),
            stream_total: None,
        }
    }
}

/// What happens to a request when every deployment of its group that could serve it cools down. Whatever
/// it is, [`RouterEvent::GroupUnavailable`](crate::RouterEvent::GroupUnavailable) tells of it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum UnavailablePolicy {
    /// Wait for the first to return, if that is within the group's `max_queue_wait`; else move on. The
    /// default.
    #[default]
    Wait,
    /// Move on at once: to a fallback, or to a failure that says when the first returns.
    Fail,
    /// Use them all the same, as if none of them cooled down (Envoy's panic mode). Throttled ones, and
    /// those whose limits are reached, stay out.
    Panic,
    /// Fail at once, and tell the client to come back after this long, however long it really takes
    /// (LiteLLM: the smallest cooldown that is configured).
    FailStating(Duration),
}

/// Where a request goes first whose deployment was silent for too long: its answer, or the next token of one
/// that the client has nothing of yet, did not come in time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AfterTimeout {
    /// To another deployment of the group, then to the fallbacks; to the silent one again only where there is
    /// no other. The default: whoever said nothing for as long as its time-out allows is the last to be asked
    /// for as long again.
    #[default]
    Elsewhere,
    /// As after any other failure: the group's retries come before its fallbacks.
    Retry,
}

/// What becomes of a stream that breaks off once its first token has come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MidStream {
    /// The client has had the beginning: its stream ends with an error. The default: first tokens are worth
    /// more than what breaks off.
    #[default]
    Error,
    /// The client is given nothing before the answer is whole, so that what breaks off is tried elsewhere.
    Hold,
    /// Another deployment is asked to go on from the text so far, and the client's stream goes on. Where that cannot
    /// be, the stream ends with an error: behind calls of tools, thoughts, probabilities or one of several answers,
    /// and where the answer has a form to keep.
    Continue,
}

/// A second attempt beside a first that keeps its request waiting ("The Tail at Scale"; Envoy's and gRPC's
/// hedging).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hedge {
    /// When it begins. Default: after what 99 % of the group's answers take to begin, so that one request in a
    /// hundred is asked twice.
    pub after: HedgeAfter,
    /// When it begins until enough answers are known to say what is usual; for streams only. Default none: a
    /// third of the time-out to the first token, 10 s of the default's 30 s, so that a model that may think for
    /// longer is left longer.
    pub cold: Option<Duration>,
    /// Never before this, however quick the group. Default 5 s, the floor of silences (what linkerd and Finagle take
    /// a failure for): an attempt that is given up sooner would say nothing of its deployment, and a black hole
    /// would be asked for ever; and a provider that is slow for a moment would have half as much traffic again.
    pub floor: Duration,
    /// The quantile is believed once there are so many answers. Default 20, as for silences.
    pub min_samples: u32,
}

/// When a second attempt begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HedgeAfter {
    /// After this quantile of the times that the group's answers took to begin.
    Quantile(Share),
    /// After this long.
    Time(Duration),
}

impl Default for Hedge {
    fn default() -> Self {
        Self {
            after: HedgeAfter::Quantile(Share::percent(99)),
            cold: None,
            floor: Duration::from_secs(5),
            min_samples: 20,
        }
    }
}

impl Hedge {
    /// The quantile that is to be known; any, where none is asked for.
    pub(crate) const fn quantile(&self) -> Share {
        match self.after {
            HedgeAfter::Quantile(quantile) => quantile,
            HedgeAfter::Time(_) => Share::percent(99),
        }
    }
}

/// How a request's deadline is shared out over what is still to be tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DeadlineSharing {
    /// Nothing is tried any more with less time than this before the deadline. Default 500 ms: hardly a model
    /// says its first token sooner.
    pub floor: Duration,
}

impl Default for DeadlineSharing {
    fn default() -> Self {
        Self { floor: Duration::from_millis(500) }
    }
}

/// How the share of a deployment grows that returns from an open circuit or from failed health checks, or that a
/// change of configuration has added (Envoy's `slow_start_config`, nginx's `slow_start`).
///
/// After a time t it has max(`least`, (t / `window`)^(1 / `aggression`)) of its share by weight, whatever the
/// strategy. What it does not take goes to the others, and where there are none to the fallback; where there is
/// nobody else, it takes it all the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SlowStart {
    /// How long it takes to the whole share. Default 30 s (the example of nginx's documentation).
    pub window: Duration,
    /// How the share grows, in thousandths: 1,000 linearly, more sooner, less later. Default 1,000 (Envoy).
    pub aggression: u32,
    /// The share that it begins with, as a part of its whole one. Default 10 % (Envoy's `min_weight_percent`).
    pub least: Share,
}

impl Default for SlowStart {
    fn default() -> Self {
        Self { window: Duration::from_secs(30), aggression: 1_000, least: Share::percent(10) }
    }
}

impl SlowStart {
    /// The part of its share that a deployment has, so long after its return.
    #[must_use]
    pub fn factor(&self, since: Duration) -> Share {
        if since >= self.window {
            return Share::percent(100);
        }
        let elapsed = since.as_nanos() as f64 / self.window.as_nanos() as f64;
        let grown = if self.aggression == 1_000 {
            elapsed
        } else {
            libm::pow(elapsed, 1_000.0 / f64::from(self.aggression.max(1)))
        };
        let grown = Share::from_ppm((grown * 1e6) as u32).unwrap_or(Share::percent(100));
        grown.max(self.least)
    }
}

/// How a request's tags choose among deployments. Tags are sets; see [`Tags`](crate::Tags).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TagMatch {
    /// One tag in common is enough. The default (LiteLLM).
    #[default]
    Any,
    /// The deployment must have them all.
    All,
    /// Tags choose nothing.
    Ignore,
}

/// How a request moves from group to group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FallbackRule {
    /// Depth first, into no group twice, and at most so many moves for one request. Lists that lead back
    /// to where they began are refused. The default, with 5 moves.
    DepthFirst {
        /// Moves for one request.
        max_moves: u8,
    },
    /// Each group's list in turn, each of its groups with a list of its own, down to this depth, however
    /// often a group has been tried (LiteLLM's `max_fallbacks`, default 5).
    LitellmNested {
        /// Lists that may lead one into the other, at most 8.
        max_depth: u8,
        /// `enable_weighted_failover`: a request whose retries have failed is tried, before its fallbacks, at each
        /// deployment of the group that it has not been at, picked by weight, with retries of its own; at most
        /// `max_depth` of them, and with `simple-shuffle` only. Versions before 1.110 do not know it. Default false.
        weighted_failover: bool,
    },
}

impl FallbackRule {
    /// LiteLLM's with its defaults.
    pub const LITELLM: Self = Self::LitellmNested { max_depth: 5, weighted_failover: false };
}

impl Default for FallbackRule {
    fn default() -> Self {
        Self::DepthFirst { max_moves: 5 }
    }
}

/// How many retries there may be, so that they never multiply an outage (Finagle's budget).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetryBudget {
    /// Retries as a share of requests in the window. Default 20 % (Finagle, Envoy).
    pub ratio: Share,
    /// So many a second are always allowed. Default 10 (Finagle).
    pub min_per_second: u32,
    /// The window. Default 10 s (Finagle).
    pub window: Duration,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { ratio: Share::percent(20), min_per_second: 10, window: Duration::from_secs(10) }
    }
}

impl RetryBudget {
    /// No budget at all: as many retries as the groups allow.
    pub const UNLIMITED: Self = Self {
        ratio: Share::percent(0),
        min_per_second: u32::MAX,
        window: Duration::from_secs(10),
    };
}

/// Checks of deployments apart from traffic: a deployment that fails one is passed over until it passes,
/// unless every deployment of its group fails them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HealthChecks {
    /// Between two checks of one deployment. Default 10 s (Envoy checks unhealthy hosts so; LiteLLM: 300 s).
    pub every: Duration,
    /// How long an answer may take. Default 5 s.
    pub timeout: Duration,
    /// Failed checks in a row that make a deployment unhealthy. Default 3 (Envoy, SMG).
    pub unhealthy: u16,
    /// Passed checks in a row that make it well. Default 2 (SMG).
    pub healthy: u16,
}

impl Default for HealthChecks {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            unhealthy: 3,
            healthy: 2,
        }
    }
}

//! The policies a group is given, with their defaults.

use core::time::Duration;
use squall_determinism::Share;

/// How a deployment is picked among the usable ones.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Strategy {
    /// Smooth weighted round robin (nginx): each prefix as near to the weights as can be.
    #[default]
    SmoothWeighted,
}

/// Exponential backoff with full jitter: a wait drawn evenly from zero to min(cap, base · 2ⁿ).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Backoff {
    /// The ceiling of the first wait. Default 500 ms (the vendors' SDKs).
    pub base: Duration,
    /// The highest ceiling. Default 8 s (the vendors' SDKs).
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(500), cap: Duration::from_secs(8) }
    }
}

/// When a deployment is skipped, and for how long.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Cooldown {
    /// After a 429.
    pub throttled: ThrottledCooldown,
    /// After failures.
    pub failure: FailureCooldown,
}

/// The wait after a 429: as long as Retry-After says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ThrottledCooldown {
    /// When the provider did not say. Default 1 s.
    pub default: Duration,
    /// At most this long, whatever the provider says. Default 10 min.
    pub max: Duration,
}

impl Default for ThrottledCooldown {
    fn default() -> Self {
        Self { default: Duration::from_secs(1), max: Duration::from_secs(600) }
    }
}

/// The breaker: two triggers, a break that doubles, and one probe to end it (linkerd's two signals,
/// Finagle's doubling).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FailureCooldown {
    /// Trips after so many failures in a row; 0 for never. Default 5 (Finagle, Envoy).
    pub consecutive: u32,
    /// Trips at this share of failed attempts in the window. Default 50 % (LiteLLM).
    pub share: Share,
    /// Only with at least so many attempts in the window. Default 10.
    pub min_attempts: u32,
    /// The window that the share is taken over. Default 10 s.
    pub window: Duration,
    /// The first break. Default 5 s (LiteLLM, Finagle).
    pub base: Duration,
    /// The longest break: each failed probe doubles it up to this. Default 60 s.
    pub cap: Duration,
    /// The break after wrong keys, unknown models and spent quotas. Default 5 min.
    pub misconfigured: Duration,
}

impl Default for FailureCooldown {
    fn default() -> Self {
        Self {
            consecutive: 5,
            share: Share::percent(50),
            min_attempts: 10,
            window: Duration::from_secs(10),
            base: Duration::from_secs(5),
            cap: Duration::from_secs(60),
            misconfigured: Duration::from_secs(300),
        }
    }
}

/// How long an attempt may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timeouts {
    /// To be connected. Default 5 s (the vendors' SDKs).
    pub connect: Duration,
    /// From the start of a streamed attempt to its first content token. An answer that is not streamed
    /// has none before its end: `total` holds for it. Default 30 s.
    pub first_token: Duration,
    /// Between two tokens. Default 10 s.
    pub between_tokens: Duration,
    /// From its start to its end. Default 60 s.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_token: Duration::from_secs(30),
            between_tokens: Duration::from_secs(10),
            total: Duration::from_secs(60),
        }
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

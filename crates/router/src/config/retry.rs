//! How often a request is tried again, and how long it waits before.

use core::time::Duration;
use squall_failure::FailureClass;

/// Retries in one group after the first attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retries {
    /// For classes of failure that say nothing else. Default 2 (LiteLLM, the vendors' SDKs).
    pub max: u16,
    /// For a class of failure, by its code: how many retries there may be if the latest failure is of
    /// this class.
    pub by_class: [Option<u16>; FailureClass::ALL.len()],
}

impl Default for Retries {
    fn default() -> Self {
        Self::new(2)
    }
}

impl Retries {
    /// So many, whatever the failure.
    #[must_use]
    pub const fn new(max: u16) -> Self {
        Self { max, by_class: [None; FailureClass::ALL.len()] }
    }

    /// The same, with another number after failures of `class`.
    #[must_use]
    pub const fn with(mut self, class: FailureClass, max: u16) -> Self {
        self.by_class[class.code() as usize] = Some(max);
        self
    }

    /// How many there may be after a failure of `class`.
    #[must_use]
    pub const fn after(&self, class: FailureClass) -> u16 {
        match self.by_class[class.code() as usize] {
            Some(max) => max,
            None => self.max,
        }
    }
}

/// What a request does after a failed attempt, before it leaves its group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RetryRule {
    /// At once at a deployment that it was not tried at; if none is usable, after a wait. Only where
    /// another attempt could succeed. The default.
    Untried(Backoff),
    /// As LiteLLM 1.80: any usable deployment again, the one that failed included.
    Litellm(LitellmRetry),
}

impl Default for RetryRule {
    fn default() -> Self {
        Self::Untried(Backoff::default())
    }
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

/// LiteLLM 1.80's retry loop: what of it can be set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LitellmRetry {
    /// `retry_after`: the least wait when there is one. Default 0.
    pub least: Duration,
    /// Whether a connection that ends in the middle of an answer passes for the end of the answer: so
    /// with its default HTTP transport. Default true.
    pub cut_is_success: bool,
}

impl Default for LitellmRetry {
    fn default() -> Self {
        Self { least: Duration::ZERO, cut_is_success: true }
    }
}

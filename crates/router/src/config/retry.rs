//! Retries and backoff.

use core::time::Duration;
use squall_failure::FailureClass;

/// Retries in one group after the first attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retries {
    /// For failure classes without their own number. Default 2 (LiteLLM, the vendors' SDKs).
    pub max: u16,
    /// By failure class: the maximum number of retries if the last failure is of this class.
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

    /// Whether there is a number for this class by name.
    #[must_use]
    pub const fn is_for(&self, class: FailureClass) -> bool {
        self.by_class[class.code() as usize].is_some()
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
    /// Retry immediately at an untried deployment; if none is available, after a backoff. Only if another
    /// attempt could succeed. The default.
    Untried(Backoff),
    /// As LiteLLM: at any available deployment, including the one that failed.
    Litellm(LitellmRetry),
}

impl Default for RetryRule {
    fn default() -> Self {
        Self::Untried(Backoff::default())
    }
}

/// Exponential backoff with full jitter: uniform from zero to min(cap, base · 2ⁿ).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Backoff {
    /// Upper bound of the first wait. Default 500 ms (the vendors' SDKs).
    pub base: Duration,
    /// Largest upper bound. Default 8 s (the vendors' SDKs).
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(500), cap: Duration::from_secs(8) }
    }
}

/// Settings of LiteLLM's retry loop.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LitellmRetry {
    /// `retry_after`: the minimum wait. Default 0.
    pub least: Duration,
    /// Whether a connection that breaks during an answer counts as success. Default `None`: as in the version,
    /// with its default HTTP transport.
    pub cut_is_success: Option<bool>,
}

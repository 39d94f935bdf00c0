//! How much a deployment, a group or a tenant is given.

use alloc::string::String;
use core::time::Duration;

/// Limits. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RateLimits {
    /// Requests per minute.
    pub rpm: Option<RateLimit>,
    /// Tokens per minute, prompt and answer together.
    pub tpm: Option<RateLimit>,
    /// Attempts (of a deployment) or requests (of a group or tenant) at once.
    pub concurrency: Option<u32>,
    /// When a place of `concurrency` is given back.
    pub release: ConcurrencyRelease,
    /// Whether the limits hold too that a provider's answers state in their headers. Default false.
    pub from_headers: bool,
    /// Whether a request rate is held that 429s have shown, where no header states one. Default false.
    pub from_429s: bool,
    /// Whether the number of attempts at once follows the times to the first token of streams: from 20 on, between 1
    /// and `concurrency`, or 1,000 without one. Default false.
    pub adaptive_concurrency: bool,
}

/// When a place of a concurrency limit is given back.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ConcurrencyRelease {
    /// When the whole answer is there. The default.
    #[default]
    AtEnd,
    /// When the answer begins, though a stream goes on (LiteLLM 1.80's semaphore).
    AtFirstToken,
}

impl RateLimits {
    /// Whether attempts at once are bounded.
    pub(crate) const fn bounds_concurrency(&self) -> bool {
        self.concurrency.is_some() || self.adaptive_concurrency
    }

    /// Whether there is no limit at all.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        let none = self.rpm.is_none() && self.tpm.is_none() && self.concurrency.is_none();
        none && !self.from_headers && !self.from_429s && !self.adaptive_concurrency
    }
}

/// So many per minute.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateLimit {
    /// How many per minute.
    pub per_minute: u64,
    /// How they are counted.
    pub window: RateWindow,
}

/// How a rate is counted. The provider has the same words, implemented apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RateWindow {
    /// The generic cell rate algorithm: at most `burst` + ⌊w·n/60 s⌋ in any window w.
    Gcra {
        /// How many at once after a rest. `None` for as many as per minute.
        burst: Option<u64>,
    },
    /// Minutes of the wall clock, each with the whole number.
    Fixed,
    /// The last 60 s, exactly.
    Sliding,
    /// Slices of this length from the epoch on, each with its part of the minute's number, at least 1.
    Slice(Duration),
    /// Minutes that begin with the first that comes after the one before (LiteLLM's counters).
    FromFirst,
}

/// Money in millionths of a millionth of a dollar: whole numbers down to the price of a token.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Money(pub u64);

impl Money {
    /// One dollar.
    pub const DOLLAR: Self = Self(1_000_000_000_000);

    /// So many dollars; saturates, and is 0 for what is no number or below 0.
    #[must_use]
    pub fn dollars(dollars: f64) -> Self {
        Self((dollars * Self::DOLLAR.0 as f64) as u64)
    }
}

/// What a deployment's tokens cost, each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Price {
    /// A token of the prompt.
    pub input: Money,
    /// A token of the answer.
    pub output: Money,
}

impl Price {
    /// What so many tokens cost.
    #[must_use]
    pub const fn of(&self, input_tokens: u32, output_tokens: u32) -> Money {
        let input = self.input.0.saturating_mul(input_tokens as u64);
        Money(input.saturating_add(self.output.0.saturating_mul(output_tokens as u64)))
    }
}

/// So much money in so much time, for one or several deployments together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SpendBudget {
    /// Its name, unique in the router: what tells that it is the same after a change of configuration, and whose
    /// spend was saved. Empty for none: such budgets are told apart by their order.
    pub name: String,
    /// How much.
    pub limit: Money,
    /// In how much time.
    pub period: SpendPeriod,
    /// What was spent, in the period that it begins in, before it was there: elsewhere, or before a restart.
    /// Default nothing.
    pub spent: Money,
}

/// The time in which a budget's money may be spent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SpendPeriod {
    /// So long from the first that is spent on, until everything is forgotten.
    Rolling(Duration),
    /// A calendar day.
    Day(UtcOffset),
    /// A calendar month.
    Month(UtcOffset),
}

/// A distance of wall clocks from UTC, the same all year.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct UtcOffset {
    /// Seconds that they are ahead; negative west of Greenwich.
    pub seconds: i32,
}

impl SpendBudget {
    /// A budget without a name, from the first that is spent on.
    #[must_use]
    pub const fn rolling(limit: Money, period: Duration) -> Self {
        let period = SpendPeriod::Rolling(period);
        Self { name: String::new(), limit, period, spent: Money(0) }
    }
}

//! How a provider is set up.

use crate::fault::FaultConfig;
use crate::latency::{BatchSlowdown, Prefill, SlowShare};
use crate::random_faults::{self, RandomFault};
use crate::retry_after::RetryAfter;
use crate::vendor_errors::VendorErrors;
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::{Distribution, Seed, Share};

/// A whole provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderConfig {
    /// From the start of service to the first token, in nanoseconds, apart from the prefill.
    pub ttft: Distribution,
    /// Some answers begin much later than others. `None` for none.
    pub slow: Option<SlowShare>,
    /// What each token of the prompt adds to the time to the first token.
    pub prefill: Prefill,
    /// Between two tokens, in nanoseconds, drawn once for each answer.
    pub itl: Distribution,
    /// How long an answer is when the request does not say, in tokens.
    pub output_tokens: Distribution,
    /// How long a model thinks before it answers, in tokens, which come before those of the answer and count as
    /// such. 0 for a model that does not think.
    pub reasoning: Distribution,
    /// How many of the answers that may call a tool do.
    pub tool_calls: Share,
    /// The longest prompt it takes, in tokens; a longer one is answered 400. `None` for any.
    pub context_window: Option<u32>,
    /// What it makes of a last message that is a beginning of the answer.
    pub assistant_prefill: AssistantPrefill,
    /// How long an answer takes that is an error, in nanoseconds. 0 for none at all.
    pub error_latency: Distribution,
    /// How its vendor tells errors.
    pub vendor: VendorErrors,
    /// What it lets in.
    pub limits: ProviderLimits,
    /// How many answers it works on at once; `None` for as many as come.
    pub capacity: Option<Capacity>,
    /// What goes wrong, and when.
    pub faults: Vec<FaultConfig>,
    /// What goes wrong at random times, which [`drawn`](Self::drawn) turns into faults.
    pub random: Vec<RandomFault>,
}

impl ProviderConfig {
    /// A provider that answers in these times, without limits or faults. Answers of which the request
    /// does not say how long they are have 100 tokens.
    #[must_use]
    pub const fn new(ttft: Distribution, itl: Distribution) -> Self {
        Self {
            ttft,
            slow: None,
            prefill: Prefill::NONE,
            itl,
            output_tokens: Distribution::Fixed { value: 100 },
            reasoning: Distribution::Fixed { value: 0 },
            tool_calls: Share::NONE,
            context_window: None,
            assistant_prefill: AssistantPrefill::Ignored,
            error_latency: Distribution::Fixed { value: 0 },
            vendor: VendorErrors::USUAL,
            limits: ProviderLimits::NONE,
            capacity: None,
            faults: Vec::new(),
            random: Vec::new(),
        }
    }

    /// The same provider with every random time of its faults drawn: what a run is given. `entity` is its
    /// number. A provider without such times stays as it is.
    #[must_use]
    pub fn drawn(&self, seed: Seed, entity: u64) -> Self {
        let mut drawn = self.clone();
        random_faults::draw_jitter(&mut drawn.faults, seed, entity);
        let random = core::mem::take(&mut drawn.random);
        drawn.faults.extend(random_faults::draw_faults(&random, seed, entity));
        drawn
    }

    /// The same provider with the vendor's status wherever a fault gives only a class.
    #[must_use]
    pub fn with_statuses(mut self) -> Self {
        let random = self.random.iter_mut().map(|random| &mut random.fault);
        for fault in self.faults.iter_mut().chain(random) {
            self.vendor.fill_in(fault);
        }
        self
    }
}

/// What a provider makes of a request whose last message is a beginning of the answer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AssistantPrefill {
    /// It answers as if the message were any other.
    #[default]
    Ignored,
    /// It answers with the rest.
    Continued,
    /// It answers 400.
    Refused,
}

impl AssistantPrefill {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ignored, Self::Continued, Self::Refused];

    /// The words for them, likewise.
    pub const WORDS: [&str; 3] = ["ignored", "continued", "refused"];

    /// The one that is written as `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let place = Self::WORDS.iter().position(|known| *known == word)?;
        Some(Self::ALL[place])
    }
}

/// The limits of a provider. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ProviderLimits {
    /// Requests per minute.
    pub rpm: Option<ProviderRateLimit>,
    /// Tokens per minute, prompt and answer together.
    pub tpm: Option<ProviderRateLimit>,
    /// Tokens of prompts per minute.
    pub input_tpm: Option<ProviderRateLimit>,
    /// Tokens of answers per minute.
    pub output_tpm: Option<ProviderRateLimit>,
    /// Requests in a day of the wall clock (UTC).
    pub rpd: Option<u64>,
    /// How fast traffic may grow.
    pub ramp: Option<RampLimit>,
    /// When the tokens of an answer count.
    pub counted: TokenAccounting,
    /// Whether each key has limits of its own.
    pub per_key: bool,
    /// What a 429 of a limit says about when to come again.
    pub retry_after: RetryAfter,
}

impl ProviderLimits {
    /// No limits.
    pub const NONE: Self = Self {
        rpm: None,
        tpm: None,
        input_tpm: None,
        output_tpm: None,
        rpd: None,
        ramp: None,
        counted: TokenAccounting::AtArrival,
        per_key: false,
        retry_after: RetryAfter::Exact,
    };
}

/// So many per minute.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProviderRateLimit {
    /// How many per minute.
    pub per_minute: u64,
    /// How they are counted.
    pub window: ProviderWindow,
}

/// How a rate is counted. The router has the same words, implemented apart, so that the provider can
/// judge it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProviderWindow {
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
}

/// A limit on growth: in a window no more than a multiple of what was let in in the one before. OpenAI calls it `slow_down`, Anthropic a ramp limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RampLimit {
    /// How much more than in the window before: 50 % lets in 1.5 times as many.
    pub growth: Share,
    /// The length of a window.
    pub per: Duration,
    /// Requests in a window below which nothing is refused.
    pub free: u64,
}

/// When the tokens of an answer count against a limit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TokenAccounting {
    /// At arrival, by what the request says that it wants, as Azure estimates them.
    #[default]
    AtArrival,
    /// When they have been sent: a limit lets in until it is spent, and is then overdrawn.
    AsUsed,
}

/// How many answers are worked on at once, and who may wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Capacity {
    /// Answers at once.
    pub concurrent: u32,
    /// How many may wait; one more is shed. [`u32::MAX`] for as many as come.
    pub queue: u32,
    /// Who of them comes next.
    pub order: QueueOrder,
    /// How long one may wait before it is shed. `None` for as long as it takes.
    pub max_wait: Option<Duration>,
    /// How one is shed.
    pub shed: OverloadResponse,
    /// What happens to the work for a caller that hung up.
    pub on_disconnect: OnDisconnect,
    /// How work slows down as places fill. `None` if it does not.
    pub batch: Option<BatchSlowdown>,
}

impl Default for Capacity {
    /// One at a time, as [`of`](Self::of) has it otherwise.
    fn default() -> Self {
        Self::of(1)
    }
}

impl Capacity {
    /// So many at once and none that waits: one more is shed as overloaded, with the vendor's status. Work
    /// for a caller that hung up stops.
    #[must_use]
    pub const fn of(concurrent: u32) -> Self {
        Self {
            concurrent,
            queue: 0,
            order: QueueOrder::Fifo,
            max_wait: None,
            shed: OverloadResponse::Overloaded,
            on_disconnect: OnDisconnect::Cancelled,
            batch: None,
        }
    }
}

/// Who comes next.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum QueueOrder {
    /// Who has waited longest.
    #[default]
    Fifo,
    /// Who came last: under overload some are answered in time, where otherwise nobody is.
    Lifo,
}

/// How a request is refused for want of capacity.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OverloadResponse {
    /// As its vendor says that it is overloaded.
    #[default]
    Overloaded,
    /// 503, as OpenAI does.
    Overloaded503,
    /// 529, as Anthropic does.
    Overloaded529,
    /// 429, as Azure and Vertex AI do, without a word about when to come again.
    Throttled429,
}

/// What happens to the work for a caller that hung up.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnDisconnect {
    /// It stops, and its place is free.
    #[default]
    Cancelled,
    /// Who waits leaves the queue; work that has begun is done to its end, for nobody.
    Dequeued,
    /// It is done to its end, for nobody: what makes overload last after its cause has gone.
    Finished,
}

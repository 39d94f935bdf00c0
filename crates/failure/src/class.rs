//! The classes of failure and what each implies.

use crate::Sent;

/// What kind of failure.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum FailureClass {
    /// 429: a rate limit of the provider, or of the gateway.
    Throttled,
    /// 503 or 529 from a provider that says that it has too much to do.
    Overloaded,
    /// Another 5xx.
    Server,
    /// No first token, or no end, within the time allowed.
    Timeout,
    /// No connection: refused, reset before a byte was sent, or not made in time.
    Connect,
    /// Tokens stopped coming for longer than the time allowed between two.
    Stalled,
    /// The connection ended in the middle of an answer.
    Cut,
    /// 401 or 403: the key is wrong or lacks a right.
    Auth,
    /// 404: no such model or deployment.
    NotFound,
    /// The prompt does not fit the model's context window.
    ContextWindow,
    /// The provider's content policy refused the prompt.
    ContentPolicy,
    /// Another 4xx: the request itself is wrong, and would be wrong anywhere.
    BadRequest,
    /// The account's quota is spent: 429 that no wait of seconds mends.
    QuotaSpent,
    /// The request alone exceeds a limit of this deployment (429 or 413 with "Requested" over "Limit"): no
    /// wait mends that, and smaller requests are served.
    RequestTooLarge,
    /// The answer is larger than the gateway takes.
    AnswerTooLarge,
    /// The gateway itself lacked file descriptors or memory to make the call.
    Resources,
    /// An answer that cannot be understood: not JSON, or not of the format that the deployment speaks.
    Malformed,
}

impl FailureClass {
    /// Every class, in the order of their codes.
    pub const ALL: [Self; 17] = [
        Self::Throttled,
        Self::Overloaded,
        Self::Server,
        Self::Timeout,
        Self::Connect,
        Self::Stalled,
        Self::Cut,
        Self::Auth,
        Self::NotFound,
        Self::ContextWindow,
        Self::ContentPolicy,
        Self::BadRequest,
        Self::QuotaSpent,
        Self::RequestTooLarge,
        Self::AnswerTooLarge,
        Self::Resources,
        Self::Malformed,
    ];

    /// A small dense number for tables and journals; [`from_code`](Self::from_code) is its inverse.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The class with this code, or `None` for a number that no class has.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The word for it in files, logs and charts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Overloaded => "overloaded",
            Self::Server => "server",
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Stalled => "stalled",
            Self::Cut => "cut",
            Self::Auth => "auth",
            Self::NotFound => "not_found",
            Self::ContextWindow => "context_window",
            Self::ContentPolicy => "content_policy",
            Self::BadRequest => "bad_request",
            Self::QuotaSpent => "quota_spent",
            Self::RequestTooLarge => "request_too_large",
            Self::AnswerTooLarge => "answer_too_large",
            Self::Resources => "resources",
            Self::Malformed => "malformed",
        }
    }

    /// The class that [`as_str`](Self::as_str) writes as `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }

    /// Where another attempt could succeed.
    #[must_use]
    pub const fn retryable(self) -> Retryable {
        match self {
            Self::Throttled
            | Self::Overloaded
            | Self::Server
            | Self::Timeout
            | Self::Connect
            | Self::Stalled
            | Self::Cut
            | Self::Resources
            | Self::Malformed => Retryable::Anywhere,
            Self::Auth | Self::NotFound | Self::QuotaSpent | Self::RequestTooLarge => {
                Retryable::OtherDeployment
            }
            Self::ContextWindow | Self::ContentPolicy => Retryable::OtherGroup,
            Self::BadRequest | Self::AnswerTooLarge => Retryable::Nowhere,
        }
    }

    /// What it says about the deployment that failed, unless the answer says otherwise: see
    /// [`Failure::evidence`](crate::Failure::evidence).
    #[must_use]
    pub const fn evidence(self) -> Evidence {
        match self {
            Self::Throttled => Evidence::Throttled,
            Self::Overloaded
            | Self::Server
            | Self::Timeout
            | Self::Connect
            | Self::Stalled
            | Self::Cut
            | Self::Malformed => Evidence::Failed,
            Self::Auth | Self::NotFound | Self::QuotaSpent => Evidence::Misconfigured,
            Self::ContextWindow
            | Self::ContentPolicy
            | Self::BadRequest
            | Self::RequestTooLarge
            | Self::AnswerTooLarge
            | Self::Resources => Evidence::None,
        }
    }

    /// The HTTP status that a gateway answers with when it has no better one from the provider.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Throttled | Self::QuotaSpent => 429,
            Self::Overloaded | Self::Resources => 503,
            Self::Server => 500,
            Self::Timeout | Self::Stalled => 504,
            Self::Connect | Self::Cut | Self::AnswerTooLarge | Self::Malformed => 502,
            Self::RequestTooLarge => 413,
            Self::Auth => 401,
            Self::NotFound => 404,
            Self::ContextWindow | Self::ContentPolicy | Self::BadRequest => 400,
        }
    }

    /// The class that a status means where nothing else is known of the answer.
    #[must_use]
    pub const fn of_status(status: u16) -> Self {
        match status {
            429 => Self::Throttled,
            503 | 529 => Self::Overloaded,
            401 | 403 => Self::Auth,
            404 => Self::NotFound,
            400..=499 => Self::BadRequest,
            _ => Self::Server,
        }
    }

    /// Whose it is when a provider answers with it: a request that is wrong is the client's.
    #[must_use]
    pub const fn response_source(self) -> FailureSource {
        match self {
            Self::BadRequest
            | Self::ContextWindow
            | Self::ContentPolicy
            | Self::RequestTooLarge => FailureSource::Client,
            Self::AnswerTooLarge | Self::Resources => FailureSource::Gateway,
            Self::Throttled
            | Self::Overloaded
            | Self::Server
            | Self::Timeout
            | Self::Connect
            | Self::Stalled
            | Self::Cut
            | Self::Auth
            | Self::NotFound
            | Self::QuotaSpent
            | Self::Malformed => FailureSource::Provider,
        }
    }

    /// Whether such a failure comes after bytes of the request were sent.
    #[must_use]
    pub const fn sent(self) -> Sent {
        match self {
            Self::Connect | Self::Resources => Sent::Nothing,
            _ => Sent::Something,
        }
    }
}

/// Where another attempt could succeed after a failure.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Retryable {
    /// Nowhere: the request is wrong.
    Nowhere,
    /// Only in another model group (a larger window, another policy).
    OtherGroup,
    /// At another deployment, not at this one.
    OtherDeployment,
    /// Anywhere, the same deployment included.
    Anywhere,
}

/// What a failure says about the deployment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Evidence {
    /// Nothing: the request or the gateway was at fault.
    None,
    /// It is healthy and has had enough for now.
    Throttled,
    /// It may be ill.
    Failed,
    /// It will fail until a person mends it.
    Misconfigured,
    /// It may be misconfigured, or the request may be wrong: a 401, 402, 403 or 404 without a code that
    /// tells which. Only its repetition over several requests is evidence.
    Suspected,
}

impl Evidence {
    /// Every kind of evidence, in the order of their codes.
    pub const ALL: [Self; 5] =
        [Self::None, Self::Throttled, Self::Failed, Self::Misconfigured, Self::Suspected];
}

/// Who failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum FailureSource {
    /// The client: it gave up, or asked for something impossible.
    Client,
    /// The gateway: its own limits, its queue, its deadline.
    Gateway,
    /// The provider, or the way to it.
    Provider,
}

impl FailureSource {
    /// The word for it in files, logs and charts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Gateway => "gateway",
            Self::Provider => "provider",
        }
    }

    /// The source that [`as_str`](Self::as_str) writes as `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Client, Self::Gateway, Self::Provider]
            .into_iter()
            .find(|source| source.as_str() == word)
    }
}

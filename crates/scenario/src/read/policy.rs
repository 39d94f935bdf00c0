//! The policies of a group: written for the router as defaults, and for a group over these.

use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::shape::{Key, Section, Shape};
use core::time::Duration;
use squall_router::{
    Backoff, Cooldown, FailureCooldown, GroupConfig, RetryBudget, Strategy, ThrottledCooldown,
    Timeouts,
};

/// The keys of the policies.
pub(crate) const POLICIES: &[Key] = &[
    Key::optional(
        "strategy",
        Shape::Word(&["smooth_weighted"]),
        "smooth_weighted",
        "How a deployment is picked: `smooth_weighted` is smooth weighted round robin.",
    ),
    Key::optional(
        "retries",
        Shape::Count(0, 100),
        "2",
        "Retries in the group after the first attempt.",
    ),
    Key::optional(
        "backoff",
        Shape::Section(&BACKOFF),
        "as below",
        "How long a retry waits when no untried deployment is usable.",
    ),
    Key::optional(
        "cooldown",
        Shape::Section(&COOLDOWN),
        "as below",
        "When a deployment is skipped, and for how long.",
    ),
    Key::optional(
        "timeouts",
        Shape::Section(&TIMEOUTS),
        "as below",
        "How long an attempt may take.",
    ),
    Key::optional(
        "deadline",
        Shape::SPAN,
        "60s",
        "How long a request may take in all: queueing, retries and fallbacks included.",
    ),
    Key::optional(
        "max_queue_wait",
        Shape::DURATION,
        "0s with a fallback, else 10s",
        "How long a request may wait for a deployment to become usable before it falls back or fails.",
    ),
];

static BACKOFF: Section = Section {
    id: "backoff",
    phrase: "a backoff",
    about: "Exponential backoff with full jitter: a wait between zero and min(cap, base · 2ⁿ).",
    keys: &[&[
        Key::optional("base", Shape::SPAN, "500ms", "The ceiling of the first wait."),
        Key::optional("cap", Shape::SPAN, "8s", "The highest ceiling."),
    ]],
};

static COOLDOWN: Section = Section {
    id: "cooldown",
    phrase: "a cooldown",
    about: "When a deployment is skipped. A 429 and a failure are different evidence.",
    keys: &[&[
        Key::optional("throttled", Shape::Section(&THROTTLED), "as below", "After a 429."),
        Key::optional("failure", Shape::Section(&FAILURE), "as below", "After failures."),
    ]],
};

static THROTTLED: Section = Section {
    id: "throttled-cooldown",
    phrase: "a cooldown after a 429",
    about: "The wait after a 429: as long as Retry-After says.",
    keys: &[&[
        Key::optional("default", Shape::DURATION, "1s", "When the provider did not say."),
        Key::optional("max", Shape::SPAN, "10m", "At most this long, whatever the provider says."),
    ]],
};

static FAILURE: Section = Section {
    id: "failure-cooldown",
    phrase: "a cooldown after failures",
    about: "The breaker: two triggers, a break that doubles, and one probe to end it.",
    keys: &[&[
        Key::optional(
            "consecutive",
            Shape::Count(0, u32::MAX as u64),
            "5",
            "Trips after so many failures in a row; 0 for never.",
        ),
        Key::optional(
            "share",
            Shape::Percent,
            "50%",
            "Trips at this share of failed attempts in the window.",
        ),
        Key::optional(
            "min_attempts",
            Shape::COUNT,
            "10",
            "Only with at least so many attempts in the window.",
        ),
        Key::optional("window", Shape::SPAN, "10s", "The window that the share is taken over."),
        Key::optional("base", Shape::SPAN, "5s", "The first break."),
        Key::optional("cap", Shape::SPAN, "60s", "The longest: each failed probe doubles it."),
        Key::optional(
            "misconfigured",
            Shape::SPAN,
            "5m",
            "The break after wrong keys, unknown models and spent quotas.",
        ),
    ]],
};

/// The time-outs of an attempt.
pub(crate) static TIMEOUTS: Section = Section {
    id: "timeouts",
    phrase: "time-outs",
    about: "How long an attempt may take.",
    keys: &[&[
        Key::optional("connect", Shape::SPAN, "5s", "To be connected."),
        Key::optional(
            "first_token",
            Shape::SPAN,
            "30s",
            "From the start of a streamed attempt to its first content token.",
        ),
        Key::optional("between_tokens", Shape::SPAN, "10s", "Between two tokens."),
        Key::optional("total", Shape::SPAN, "60s", "From its start to its end."),
    ]],
};

/// The retry budget of a router.
pub(crate) static RETRY_BUDGET: Section = Section {
    id: "retry-budget",
    phrase: "a retry budget",
    about: "How many retries there may be in all, so that they never multiply an outage.",
    keys: &[&[
        Key::optional(
            "ratio",
            Shape::Percent,
            "20%",
            "Retries as a share of the requests in the window.",
        ),
        Key::optional(
            "min_per_second",
            Shape::Count(0, u32::MAX as u64),
            "10",
            "So many a second are always allowed.",
        ),
        Key::optional("window", Shape::SPAN, "10s", "The window."),
    ]],
};

/// What holds where a group says nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policies {
    strategy: Strategy,
    max_retries: u16,
    backoff: Backoff,
    cooldown: Cooldown,
    /// How long an attempt may take.
    pub(crate) timeouts: Timeouts,
    deadline: Duration,
    max_queue_wait: Option<Duration>,
}

impl Default for Policies {
    fn default() -> Self {
        let group = GroupConfig::new("");
        Self {
            strategy: group.strategy,
            max_retries: group.max_retries,
            backoff: group.backoff,
            cooldown: group.cooldown,
            timeouts: group.timeouts,
            deadline: group.deadline,
            max_queue_wait: None,
        }
    }
}

impl Policies {
    /// These, but for what `fields` say.
    pub(crate) fn with(self, fields: &Fields<'_>) -> Self {
        let retries = fields.count("retries").and_then(|retries| u16::try_from(retries).ok());
        let cooldown = fields.section("cooldown");
        Self {
            strategy: fields.word("strategy").map_or(self.strategy, |_| Strategy::SmoothWeighted),
            max_retries: retries.unwrap_or(self.max_retries),
            backoff: backoff(fields, self.backoff),
            cooldown: cooldown.map_or(self.cooldown, |fields| Cooldown {
                throttled: throttled(&fields, self.cooldown.throttled),
                failure: failure(&fields, self.cooldown.failure),
            }),
            timeouts: timeouts(fields, self.timeouts).unwrap_or(self.timeouts),
            deadline: fields.duration("deadline").unwrap_or(self.deadline),
            max_queue_wait: fields.duration("max_queue_wait").or(self.max_queue_wait),
        }
    }

    /// Gives them to a group whose deployments and fallbacks stand.
    pub(crate) fn apply(&self, group: &mut GroupConfig) {
        group.strategy = self.strategy;
        group.max_retries = self.max_retries;
        group.backoff = self.backoff;
        group.cooldown = self.cooldown;
        group.timeouts = self.timeouts;
        group.deadline = self.deadline;
        // With somewhere else to go, nobody waits.
        let wait = if group.fallback.is_empty() { group.max_queue_wait } else { Duration::ZERO };
        group.max_queue_wait = self.max_queue_wait.unwrap_or(wait);
    }
}

/// Time-outs under `timeouts` over these; `None` when there are none.
pub(crate) fn timeouts(fields: &Fields<'_>, over: Timeouts) -> Option<Timeouts> {
    let fields = fields.section("timeouts")?;
    Some(Timeouts {
        connect: fields.duration("connect").unwrap_or(over.connect),
        first_token: fields.duration("first_token").unwrap_or(over.first_token),
        between_tokens: fields.duration("between_tokens").unwrap_or(over.between_tokens),
        total: fields.duration("total").unwrap_or(over.total),
    })
}

/// The retry budget under `retry_budget`.
pub(crate) fn retry_budget(fields: &Fields<'_>) -> RetryBudget {
    let default = RetryBudget::default();
    let Some(fields) = fields.section("retry_budget") else { return default };
    RetryBudget {
        ratio: fields.share("ratio").unwrap_or(default.ratio),
        min_per_second: fields.small_count("min_per_second").unwrap_or(default.min_per_second),
        window: fields.duration("window").unwrap_or(default.window),
    }
}

fn backoff(fields: &Fields<'_>, over: Backoff) -> Backoff {
    let Some(fields) = fields.section("backoff") else { return over };
    let base = fields.duration("base").unwrap_or(over.base);
    let cap = fields.duration("cap").unwrap_or(over.cap);
    check_cap(&fields, base, cap);
    Backoff { base, cap }
}

fn throttled(fields: &Fields<'_>, over: ThrottledCooldown) -> ThrottledCooldown {
    let Some(fields) = fields.section("throttled") else { return over };
    ThrottledCooldown {
        default: fields.duration("default").unwrap_or(over.default),
        max: fields.duration("max").unwrap_or(over.max),
    }
}

fn failure(fields: &Fields<'_>, over: FailureCooldown) -> FailureCooldown {
    let Some(fields) = fields.section("failure") else { return over };
    let base = fields.duration("base").unwrap_or(over.base);
    let cap = fields.duration("cap").unwrap_or(over.cap);
    check_cap(&fields, base, cap);
    FailureCooldown {
        consecutive: fields.small_count("consecutive").unwrap_or(over.consecutive),
        share: fields.share("share").unwrap_or(over.share),
        min_attempts: fields.small_count("min_attempts").unwrap_or(over.min_attempts),
        window: fields.duration("window").unwrap_or(over.window),
        base,
        cap,
        misconfigured: fields.duration("misconfigured").unwrap_or(over.misconfigured),
    }
}

/// A cap below its base would silently be the base.
fn check_cap(fields: &Fields<'_>, base: Duration, cap: Duration) {
    if cap < base {
        let message = format!("`cap` ({}s) is below `base` ({}s)", secs(cap), secs(base));
        let at = if fields.get("cap").is_some() { "cap" } else { "base" };
        let problem = Problem::new(fields.span_of(at), message, "expected `cap` ≥ `base`");
        fields.problems.push(problem);
    }
}

fn secs(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

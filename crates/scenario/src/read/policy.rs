//! The policies of a group: written for the router as defaults, and for a group over these.

use super::cooldown::{self, COOLDOWN};
use super::retry::{self, BACKOFF, RETRIES};
use super::strategy::{self, STRATEGY};
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::shape::{Key, Section, Shape};
use core::time::Duration;
use squall_router::{
    AllOut, CooldownRule, GroupConfig, Retries, RetryRule, Strategy, TagMatch, Timeouts,
};

/// The keys of the policies.
pub(crate) const POLICIES: &[Key] = &[
    Key::optional(
        "strategy",
        STRATEGY,
        "smooth_weighted",
        "How a deployment is picked among the usable ones; see docs/ROUTER.md.",
    ),
    Key::optional("retries", RETRIES, "2", "Retries in the group after the first attempt."),
    Key::optional(
        "backoff",
        Shape::Section(&BACKOFF),
        "as below",
        "How long a retry waits when no untried deployment is usable.",
    ),
    Key::optional(
        "cooldown",
        COOLDOWN,
        "as below",
        "When a deployment is skipped, and for how long.",
    ),
    Key::optional(
        "when_all_out",
        Shape::Word(ALL_OUT),
        "wait",
        "When all deployments cool down: `wait` for the first to return, within `max_queue_wait`; `fail` \
         with the time of its return; or `use_all` the same.",
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
        "2h",
        "How long a request may take in all: queueing, retries and fallbacks included.",
    ),
    Key::optional(
        "max_queue_wait",
        Shape::DURATION,
        "0s with a fallback, else 10s",
        "How long a request may wait for a deployment to become usable before it falls back or fails.",
    ),
    Key::optional(
        "max_queued",
        Shape::COUNT,
        "10k",
        "How many requests may wait. One more pushes out the last of lower priority, or is refused.",
    ),
    Key::optional(
        "tag_match",
        Shape::Word(TAG_MATCH),
        "any",
        "How a request's tags choose among deployments: one in common is enough, all must be there, or \
         they choose nothing.",
    ),
    Key::optional(
        "session_affinity",
        Shape::SPAN,
        "none",
        "For how long a session keeps to the deployment that served it last.",
    ),
    Key::optional(
        "pre_call_checks",
        Shape::Flag,
        "true",
        "Whether requests are kept from deployments whose context window, region or features do not fit.",
    ),
];

const ALL_OUT: &[&str] = &["wait", "fail", "use_all"];
const TAG_MATCH: &[&str] = &["any", "all", "ignore"];

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
        Key::optional("between_tokens", Shape::SPAN, "10s", "Between two tokens of a stream."),
        Key::optional(
            "total",
            Shape::SPAN,
            "10m",
            "From the start to the end of an attempt whose answer comes in one piece.",
        ),
        Key::optional(
            "stream_total",
            Shape::SPAN,
            "none",
            "From the start to the end of a streamed attempt, however lively: a stream is bounded by its \
             silences.",
        ),
    ]],
};

/// What holds where a group says nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policies {
    strategy: Strategy,
    retries: Retries,
    retry_rule: RetryRule,
    /// When a deployment is skipped.
    pub(crate) cooldown: CooldownRule,
    when_all_out: AllOut,
    /// How long an attempt may take.
    pub(crate) timeouts: Timeouts,
    deadline: Duration,
    max_queue_wait: Option<Duration>,
    max_queued: u32,
    tags: TagMatch,
    session_affinity: Option<Duration>,
    pre_call_checks: bool,
}

impl Default for Policies {
    fn default() -> Self {
        let group = GroupConfig::new("");
        Self {
            strategy: group.strategy,
            retries: group.retries,
            retry_rule: group.retry_rule,
            cooldown: group.cooldown,
            when_all_out: group.when_all_out,
            timeouts: group.timeouts,
            deadline: group.deadline,
            max_queue_wait: None,
            max_queued: group.max_queued,
            tags: group.tags,
            session_affinity: group.session_affinity,
            pre_call_checks: group.pre_call_checks,
        }
    }
}

impl Policies {
    /// These, but for what `fields` say.
    pub(crate) fn with(self, fields: &Fields<'_>) -> Self {
        let when_all_out = fields.word("when_all_out").map(|word| match word {
            "fail" => AllOut::Fail,
            "use_all" => AllOut::UseAll,
            _ => AllOut::Wait,
        });
        let tags = fields.word("tag_match").map(|word| match word {
            "all" => TagMatch::All,
            "ignore" => TagMatch::Ignore,
            _ => TagMatch::Any,
        });
        Self {
            strategy: strategy::strategy(fields).unwrap_or(self.strategy),
            retries: retry::retries(fields, self.retries),
            retry_rule: retry::rule(fields, self.retry_rule),
            cooldown: cooldown::cooldown(fields, self.cooldown).unwrap_or(self.cooldown),
            when_all_out: when_all_out.unwrap_or(self.when_all_out),
            timeouts: timeouts(fields, self.timeouts).unwrap_or(self.timeouts),
            deadline: fields.duration("deadline").unwrap_or(self.deadline),
            max_queue_wait: fields.duration("max_queue_wait").or(self.max_queue_wait),
            max_queued: fields.small_count("max_queued").unwrap_or(self.max_queued),
            tags: tags.unwrap_or(self.tags),
            session_affinity: fields.duration("session_affinity").or(self.session_affinity),
            pre_call_checks: fields.flag("pre_call_checks").unwrap_or(self.pre_call_checks),
        }
    }

    /// Gives them to a group whose deployments and fallbacks stand.
    pub(crate) fn apply(&self, group: &mut GroupConfig) {
        group.strategy = self.strategy;
        group.retries = self.retries;
        group.retry_rule = self.retry_rule;
        group.cooldown = self.cooldown;
        group.when_all_out = self.when_all_out;
        group.timeouts = self.timeouts;
        group.deadline = self.deadline;
        // With somewhere else to go, nobody waits.
        let wait =
            if group.fallbacks.general.is_empty() { group.max_queue_wait } else { Duration::ZERO };
        group.max_queue_wait = self.max_queue_wait.unwrap_or(wait);
        group.max_queued = self.max_queued;
        group.tags = self.tags;
        group.session_affinity = self.session_affinity;
        group.pre_call_checks = self.pre_call_checks;
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
        stream_total: fields.duration("stream_total").or(over.stream_total),
    })
}

/// A cap below its base would silently be the base.
pub(crate) fn check_cap(fields: &Fields<'_>, base: Duration, cap: Duration) {
    if cap < base {
        let secs = |duration: Duration| duration.as_secs_f64();
        let message = format!("`cap` ({}s) is below `base` ({}s)", secs(cap), secs(base));
        let at = if fields.get("cap").is_some() { "cap" } else { "base" };
        let problem = Problem::new(fields.span_of(at), message, "expected `cap` ≥ `base`");
        fields.problems.push(problem);
    }
}

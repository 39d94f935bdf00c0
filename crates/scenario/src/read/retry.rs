//! How often a request is tried again, and how long it waits before.

use super::policy::check_cap;
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::node::Kind;
use crate::shape::{Key, Section, Shape};
use crate::value;
use squall_failure::FailureClass;
use squall_router::{Backoff, LitellmRetry, Retries, RetryBudget, RetryRule};

const MOST: u64 = 100;

/// Retries: a number, or numbers by class of failure.
pub(crate) const RETRIES: Shape =
    Shape::Either(&[Shape::Count(0, MOST), Shape::Section(&BY_CLASS)]);

const OF_CLASS: Shape = Shape::Count(0, MOST);
const AS_DEFAULT: &str = "as `default`";

static BY_CLASS: Section = Section {
    id: "retries",
    phrase: "retries by class of failure",
    about: "How many retries there may be if the latest failure is of a class.",
    keys: &[&[
        Key::optional("default", OF_CLASS, "2", "After every failure that is not named."),
        Key::optional("throttled", OF_CLASS, AS_DEFAULT, "After a 429."),
        Key::optional("overloaded", OF_CLASS, AS_DEFAULT, "After 503 and 529."),
        Key::optional("server", OF_CLASS, AS_DEFAULT, "After another 5xx."),
        Key::optional("timeout", OF_CLASS, AS_DEFAULT, "After a time-out."),
        Key::optional("connect", OF_CLASS, AS_DEFAULT, "After a connection that was not made."),
        Key::optional("stalled", OF_CLASS, AS_DEFAULT, "After tokens that stopped coming."),
        Key::optional("cut", OF_CLASS, AS_DEFAULT, "After a connection that broke."),
        Key::optional("auth", OF_CLASS, AS_DEFAULT, "After 401 and 403."),
        Key::optional("not_found", OF_CLASS, AS_DEFAULT, "After 404."),
        Key::optional("context_window", OF_CLASS, AS_DEFAULT, "After a prompt that is too long."),
        Key::optional(
            "content_policy",
            OF_CLASS,
            AS_DEFAULT,
            "After a refusal by a content policy.",
        ),
        Key::optional("bad_request", OF_CLASS, AS_DEFAULT, "After another 4xx."),
        Key::optional("quota_spent", OF_CLASS, AS_DEFAULT, "After a quota that is spent."),
        Key::optional(
            "request_too_large",
            OF_CLASS,
            AS_DEFAULT,
            "After a request over the deployment's own limit.",
        ),
        Key::optional(
            "answer_too_large",
            OF_CLASS,
            AS_DEFAULT,
            "After an answer over the gateway's limit.",
        ),
        Key::optional("resources", OF_CLASS, AS_DEFAULT, "After a shortage of the gateway's own."),
        Key::optional(
            "malformed",
            OF_CLASS,
            AS_DEFAULT,
            "After an answer that cannot be understood.",
        ),
    ]],
};

/// How long a retry waits.
pub(crate) static BACKOFF: Section = Section {
    id: "backoff",
    phrase: "a backoff",
    about: "Exponential backoff with full jitter: a wait between zero and min(cap, base · 2ⁿ).",
    keys: &[&[
        Key::optional("base", Shape::SPAN, "500ms", "The ceiling of the first wait."),
        Key::optional("cap", Shape::SPAN, "8s", "The highest ceiling."),
        Key::optional(
            "litellm",
            Shape::Section(&LITELLM),
            "none",
            "Instead of the other two: LiteLLM 1.80's retry loop, which may pick the deployment that failed.",
        ),
    ]],
};

static LITELLM: Section = Section {
    id: "litellm-backoff",
    phrase: "a backoff of LiteLLM's",
    about: "LiteLLM 1.80's retry loop.",
    keys: &[&[
        Key::optional(
            "least",
            Shape::DURATION,
            "0s",
            "`retry_after`: the least wait, if there is one.",
        ),
        Key::optional(
            "cut_is_success",
            Shape::Flag,
            "true",
            "Whether a connection that ends in the middle of an answer passes for its end.",
        ),
    ]],
};

/// The retry budget of a router.
pub(crate) const RETRY_BUDGET: Shape =
    Shape::Either(&[Shape::Word(UNLIMITED), Shape::Section(&BUDGET)]);

const UNLIMITED: &[&str] = &["unlimited"];

static BUDGET: Section = Section {
    id: "retry-budget",
    phrase: "a retry budget",
    about: "How many retries there may be in all, so that they never multiply an outage. `unlimited`: as \
            many as the groups allow.",
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

/// The retries under `retries`, over these.
pub(crate) fn retries(fields: &Fields<'_>, over: Retries) -> Retries {
    let Some(node) = fields.get("retries") else { return over };
    if !matches!(node.kind, Kind::Map(_)) {
        let count = value::count(node, 0, MOST, fields.problems);
        return Retries::new(count.and_then(|count| u16::try_from(count).ok()).unwrap_or(over.max));
    }
    let Some(fields) = Fields::open(node, &BY_CLASS, fields.problems) else { return over };
    let number = |name| fields.count(name).and_then(|count| u16::try_from(count).ok());
    let general = Retries { max: number("default").unwrap_or(over.max), ..over };
    FailureClass::ALL.into_iter().fold(general, |retries, class| match number(class.as_str()) {
        Some(max) => retries.with(class, max),
        None => retries,
    })
}

/// The rule under `backoff`, over this one.
pub(crate) fn rule(fields: &Fields<'_>, over: RetryRule) -> RetryRule {
    let Some(fields) = fields.section("backoff") else { return over };
    if let Some(own) = fields.section("litellm") {
        for other in ["base", "cap"] {
            if fields.get(other).is_some() {
                let message = format!("`{other}` has no effect beside `litellm`");
                let problem = Problem::new(fields.key_span(other), message, "of no effect here");
                fields
                    .problems
                    .push(problem.related(fields.key_span("litellm"), "its formula holds"));
            }
        }
        let usual = LitellmRetry::default();
        return RetryRule::Litellm(LitellmRetry {
            least: own.duration("least").unwrap_or(usual.least),
            cut_is_success: own.flag("cut_is_success").unwrap_or(usual.cut_is_success),
        });
    }
    let over = match over {
        RetryRule::Untried(backoff) => backoff,
        _ => Backoff::default(),
    };
    let base = fields.duration("base").unwrap_or(over.base);
    let cap = fields.duration("cap").unwrap_or(over.cap);
    check_cap(&fields, base, cap);
    RetryRule::Untried(Backoff { base, cap })
}

/// The retry budget under `retry_budget`.
pub(crate) fn budget(fields: &Fields<'_>) -> RetryBudget {
    let default = RetryBudget::default();
    let Some(node) = fields.get("retry_budget") else { return default };
    if !matches!(node.kind, Kind::Map(_)) {
        let unlimited = value::word(node, UNLIMITED, fields.problems);
        return unlimited.map_or(default, |_| RetryBudget::UNLIMITED);
    }
    let Some(fields) = Fields::open(node, &BUDGET, fields.problems) else { return default };
    RetryBudget {
        ratio: fields.share("ratio").unwrap_or(default.ratio),
        min_per_second: fields.small_count("min_per_second").unwrap_or(default.min_per_second),
        window: fields.duration("window").unwrap_or(default.window),
    }
}

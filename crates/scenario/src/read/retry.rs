//! How often a request is tried again, and how long it waits before.

use super::checks::{check_cap, of_no_effect};
use crate::diagnostic::Problems;
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::{Key, Schema, Section};
use crate::settings::{Count, Flag, In, Maybe, Percent, Span, Time, ValueKind, Written, settings};
use crate::value;
use squall_failure::FailureClass;
use squall_router::{Backoff, LitellmRetry, Retries, RetryBudget, RetryRule};

const MOST: u64 = 100;

/// Retries: a number, or numbers by class of failure.
pub(super) struct RetriesKind;

const OF_CLASS: Schema = Schema::Count(0, MOST);
const AS_DEFAULT: &str = "as `default`";

static BY_CLASS: Section = Section {
    id: "retries",
    phrase: "retries by class of failure",
    about: "Maximum number of retries, by the class of the last failure.",
    keys: &[&[
        Key::optional("default", OF_CLASS, "2", "After failures of all other classes."),
        Key::optional("throttled", OF_CLASS, AS_DEFAULT, "After a 429."),
        Key::optional("overloaded", OF_CLASS, AS_DEFAULT, "After 503 and 529."),
        Key::optional("server", OF_CLASS, AS_DEFAULT, "After another 5xx."),
        Key::optional("timeout", OF_CLASS, AS_DEFAULT, "After a time-out."),
        Key::optional(
            "connect",
            OF_CLASS,
            AS_DEFAULT,
            "After a connection that could not be \
             established.",
        ),
        Key::optional("stalled", OF_CLASS, AS_DEFAULT, "After a stream that stalled."),
        Key::optional(
            "cut",
            OF_CLASS,
            AS_DEFAULT,
            "After a connection that broke during an answer.",
        ),
        Key::optional("auth", OF_CLASS, AS_DEFAULT, "After 401 and 403."),
        Key::optional("not_found", OF_CLASS, AS_DEFAULT, "After 404."),
        Key::optional(
            "context_window",
            OF_CLASS,
            AS_DEFAULT,
            "After a prompt over the context \
             window.",
        ),
        Key::optional(
            "content_policy",
            OF_CLASS,
            AS_DEFAULT,
            "After a refusal by a content policy.",
        ),
        Key::optional("bad_request", OF_CLASS, AS_DEFAULT, "After another 4xx."),
        Key::optional("quota_spent", OF_CLASS, AS_DEFAULT, "After an exhausted quota."),
        Key::optional(
            "request_too_large",
            OF_CLASS,
            AS_DEFAULT,
            "After a request larger than the deployment's own limit.",
        ),
        Key::optional(
            "answer_too_large",
            OF_CLASS,
            AS_DEFAULT,
            "After an answer larger than the gateway's limit.",
        ),
        Key::optional(
            "resources",
            OF_CLASS,
            AS_DEFAULT,
            "After a resource shortage in the gateway.",
        ),
        Key::optional("malformed", OF_CLASS, AS_DEFAULT, "After an invalid answer."),
    ]],
};

impl ValueKind for RetriesKind {
    type Value = Retries;

    fn shape(&self) -> Schema {
        const FORMS: &[Schema] = &[OF_CLASS, Schema::Section(&BY_CLASS)];
        Schema::Either(FORMS)
    }

    fn read(&self, node: &Node, over: &Retries, problems: &Problems) -> Option<Retries> {
        if !matches!(node.kind, NodeKind::Map(_)) {
            let count = value::count(node, 0, MOST, problems)?;
            return u16::try_from(count).ok().map(Retries::new);
        }
        let fields = Fields::open(node, &BY_CLASS, problems)?;
        let number = |name| fields.count(name).and_then(|count| u16::try_from(count).ok());
        let general = Retries { max: number("default").unwrap_or(over.max), ..*over };
        let read = |retries: Retries, class: FailureClass| match number(class.as_str()) {
            Some(max) => retries.with(class, max),
            None => retries,
        };
        Some(FailureClass::ALL.into_iter().fold(general, read))
    }

    fn write(&self, retries: &Retries) -> Written {
        let max = Written::plain(retries.max.to_string());
        let own = FailureClass::ALL.into_iter().filter_map(|class| {
            let number = retries.by_class[usize::from(class.code())]?;
            Some((class.as_str().to_owned(), Written::plain(number.to_string())))
        });
        let own: Vec<_> = own.collect();
        if own.is_empty() {
            return max;
        }
        Written::Map(core::iter::once(("default".to_owned(), max)).chain(own).collect())
    }
}

settings! {
    /// How long a retry waits.
    static BACKOFF: Backoff = (
        "backoff",
        "a backoff",
        "Exponential backoff with full jitter: uniform between zero and min(cap, base · 2ⁿ).",
        |fields, backoff| check_cap(fields, backoff.base, backoff.cap)
    );
    /// Upper bound of the first wait.
    base: Span;
    /// Largest upper bound.
    cap: Span;
}

/// The section has another key, for the loop of LiteLLM's.
static BACKOFF_OR_LITELLM: Section = Section {
    keys: &[
        BACKOFF.keys(),
        &[Key::optional(
            "litellm",
            Schema::Section(&LITELLM.section),
            "none",
            "LiteLLM's retry loop, instead of the other keys. It may pick the deployment that \
             failed.",
        )],
    ],
    ..BACKOFF.section
};

settings! {
    static LITELLM: LitellmRetry =
        ("litellm-backoff", "a backoff of LiteLLM's", "LiteLLM's retry loop, of the version that `profile` names, else of the newest.");
    /// LiteLLM's `retry_after`: the minimum wait.
    least: Time;
    /// Whether a connection that breaks during an answer counts as success.
    cut_is_success: Maybe(Flag, "by the version");
}

/// What happens after a failed attempt: ours, or the loop of LiteLLM's.
pub(super) struct RetryRuleKind;

impl ValueKind for RetryRuleKind {
    type Value = RetryRule;

    fn shape(&self) -> Schema {
        Schema::Section(&BACKOFF_OR_LITELLM)
    }

    fn read(&self, node: &Node, over: &RetryRule, problems: &Problems) -> Option<RetryRule> {
        let fields = Fields::open(node, &BACKOFF_OR_LITELLM, problems)?;
        if let Some(own) = fields.section("litellm") {
            of_no_effect(&fields, &["base", "cap"]);
            return Some(RetryRule::Litellm(LITELLM.read(&own, &LitellmRetry::default())));
        }
        let over = match over {
            RetryRule::Untried(backoff) => *backoff,
            RetryRule::Litellm(_) => Backoff::default(),
        };
        Some(RetryRule::Untried(BACKOFF.read(&fields, &over)))
    }

    fn write(&self, rule: &RetryRule) -> Written {
        match rule {
            RetryRule::Untried(backoff) => BACKOFF.write(backoff),
            RetryRule::Litellm(own) => Written::entry("litellm", LITELLM.write(own)),
        }
    }

    fn default_text(&self, _: &RetryRule) -> String {
        "as below".to_owned()
    }
}

settings! {
    static BUDGET: RetryBudget = (
        "retry-budget",
        "a retry budget",
        "Limit on retries across all groups, so that retries do not amplify an outage. \
         `unlimited`: only the limits of the groups apply."
    );
    /// Retries as a share of the requests in the window.
    ratio: Percent;
    /// Retries per second that are always allowed.
    min_per_second: Count::<u32>::ANY;
    /// The window.
    window: Span;
}

/// The retry budget of a router: `unlimited`, or its settings.
pub(super) struct RetryBudgetKind;

const UNLIMITED: &[&str] = &["unlimited"];

impl ValueKind for RetryBudgetKind {
    type Value = RetryBudget;

    fn shape(&self) -> Schema {
        const FORMS: &[Schema] = &[Schema::Word(UNLIMITED), Schema::Section(&BUDGET.section)];
        Schema::Either(FORMS)
    }

    fn read(&self, node: &Node, over: &RetryBudget, problems: &Problems) -> Option<RetryBudget> {
        if matches!(node.kind, NodeKind::Map(_)) {
            return In(&BUDGET).read(node, over, problems);
        }
        value::word(node, UNLIMITED, problems).map(|_| RetryBudget::UNLIMITED)
    }

    fn write(&self, budget: &RetryBudget) -> Written {
        if *budget == RetryBudget::UNLIMITED {
            return Written::plain("unlimited");
        }
        BUDGET.write(budget)
    }

    fn default_text(&self, _: &RetryBudget) -> String {
        "as below".to_owned()
    }
}

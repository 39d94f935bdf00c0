//! The policies of a group: written for the router as defaults, and for a group over these.

use super::cooldown::CooldownKind;
use super::retry::{RetriesKind, RetryRuleKind};
use super::strategy::StrategyKind;
use crate::diagnostic::Problems;
use crate::node::Node;
use crate::schema::Schema;
use crate::settings::{
    Count, Flag, In, Maybe, Span, Time, Told, ValueKind, Word, Written, settings, vocabulary,
};
use crate::value;
use core::time::Duration;
use squall_router::{AllOut, AttemptTimeouts, GroupConfig, TagMatch};

settings! {
    /// The policies of a group.
    pub(crate) static POLICIES: GroupConfig;
    /// How a deployment is picked among the usable ones; see docs/ROUTER.md.
    strategy: StrategyKind;
    /// Retries in the group after the first attempt.
    retries: RetriesKind;
    /// How long a retry waits when no untried deployment is usable.
    backoff => retry_rule: RetryRuleKind;
    /// When a deployment is skipped, and for how long.
    cooldown: CooldownKind;
    /// When all deployments cool down: `wait` for the first to return, within `max_queue_wait`; `fail` with
    /// the time of its return; or use them all the same, `panic` (Envoy's panic mode).
    #[was("when_all_out")]
    when_unavailable => when_all_out: WhenUnavailable;
    /// How long an attempt may take.
    timeouts: In(&TIMEOUTS);
    /// How long a request may take in all: queueing, retries and fallbacks included.
    deadline: Span;
    /// How long a request may wait for a deployment to become usable before it falls back or fails.
    max_queue_wait: Told(Time, "0s with a fallback, else 10s");
    /// How many requests may wait. One more pushes out the last of lower priority, or is refused.
    max_queued: Count::<u32>::SOME;
    /// How a request's tags choose among deployments: one in common is enough, all must be there, or they
    /// choose nothing.
    tag_match => tags: Word(&TAG_MATCH);
    /// For how long a session keeps to the deployment that served it last.
    session_affinity: Maybe(Span, "none");
    /// Whether requests are kept from deployments whose context window, region or features do not fit.
    pre_call_checks: Flag;
}

vocabulary! {
    static TAG_MATCH: TagMatch =
        "any" => TagMatch::Any,
        "all" => TagMatch::All,
        "ignore" => TagMatch::Ignore,
    ;
}

settings! {
    /// The time-outs of an attempt.
    pub(crate) static TIMEOUTS: AttemptTimeouts = ("timeouts", "time-outs", "How long an attempt may take.");
    /// To be connected.
    connect: Span;
    /// From the start of a streamed attempt to its first content token.
    first_token: Span;
    /// Between two tokens of a stream.
    between_tokens: Span;
    /// From the start to the end of an attempt whose answer comes in one piece.
    total: Span;
    /// From the start to the end of a streamed attempt, however lively: a stream is bounded by its silences.
    stream_total: Maybe(Span, "none");
}

/// What happens when all deployments cool down. A profile of LiteLLM's has a value that no file can say:
/// it is written as what comes closest.
struct WhenUnavailable;

const WHEN_UNAVAILABLE: &[&str] = &["wait", "fail", "panic"];

impl ValueKind for WhenUnavailable {
    type Value = AllOut;

    fn shape(&self) -> Schema {
        Schema::Word(WHEN_UNAVAILABLE)
    }

    fn read(&self, node: &Node, _: &AllOut, problems: &Problems) -> Option<AllOut> {
        Some(match value::word(node, WHEN_UNAVAILABLE, problems)? {
            "fail" => AllOut::Fail,
            "panic" => AllOut::UseAll,
            _ => AllOut::Wait,
        })
    }

    fn write(&self, value: &AllOut) -> Written {
        Written::plain(match value {
            AllOut::Wait => "wait",
            AllOut::Fail | AllOut::Say(_) => "fail",
            AllOut::UseAll => "panic",
        })
    }

    fn word_now(&self, former: &str) -> Option<&'static str> {
        (former == "use_all").then_some("panic")
    }
}

/// With somewhere else to go, nobody waits, unless a file says so for the group or for the router.
pub(crate) fn usual_queue_wait(group: &GroupConfig) -> Duration {
    if group.fallbacks.general.is_empty() {
        GroupConfig::default().max_queue_wait
    } else {
        Duration::ZERO
    }
}

//! The policies of a group: written for the router as defaults, and for a group over these.

use super::cooldown::CooldownKind;
use super::retry::{RetriesKind, RetryRuleKind};
use super::strategy::StrategyKind;
use crate::diagnostic::Problems;
use crate::node::{Node, NodeKind};
use crate::schema::Schema;
use crate::settings::{
    Count, Flag, In, Maybe, NEVER, OrNever, Percent, Span, Time, Told, ValueKind, Word, Written,
    settings, vocabulary,
};
use crate::{unit, value};
use core::time::Duration;
use squall_determinism::Share;
use squall_router::{
    AfterTimeout, AttemptTimeouts, DeadlineSharing, GroupConfig, Hedge, HedgeAfter, MidStream,
    SlowStart, TagMatch, UnavailablePolicy,
};

settings! {
    /// The policies of a group.
    pub(crate) static POLICIES: GroupConfig;
    /// Load balancing among the available deployments; see docs/ROUTER.md.
    strategy: StrategyKind;
    /// Maximum number of retries within the group.
    retries: RetriesKind;
    /// Wait before a retry when no untried deployment is available.
    backoff => retry_rule: RetryRuleKind;
    /// Next choice after a time-out: `elsewhere`, other deployments of the group and then its fallbacks, or
    /// `retry` within the group as after other failures.
    after_timeout: Word(&AFTER_TIMEOUT);
    /// When a second attempt starts beside one that is slow to answer. The first answer wins and the other
    /// attempt is cancelled. `never`: no second attempt.
    hedge: HEDGE_KIND;
    /// What happens to a stream that fails after its first token: `error` ends it with an error event; `hold`
    /// buffers every stream until it is complete, so that the attempt can be retried; `continue` asks another
    /// deployment to go on from the text so far, and the client's stream goes on.
    mid_stream: Word(&MID_STREAM);
    /// When a deployment is ejected, and for how long.
    cooldown: CooldownKind;
    /// What happens when all deployments are ejected: `wait` for the first to return, for at most
    /// `max_queue_wait`; `fail` with a Retry-After; or ignore the cooldowns, `panic` (Envoy's panic mode).
    #[was("when_all_out")]
    when_unavailable => when_unavailable: WhenUnavailable;
    /// The part of the group's weight that is to be healthy. With less, what `when_unavailable` says happens as if
    /// all deployments were ejected: with `wait` and `fail` only probes are sent, with `panic` the health of all is
    /// ignored. 0% is when none is healthy.
    panic_threshold: Percent;
    /// How the share of a deployment grows that returns from an open circuit or from failed health checks, or that
    /// is added by a change. `never`: it has its whole share at once.
    slow_start: SlowStartKind;
    /// Time-outs of an attempt.
    timeouts: In(&TIMEOUTS);
    /// Maximum duration of a request, including queueing, retries and fallbacks.
    deadline: Span;
    /// How the deadline is divided among the deployments and groups still to be tried, so that a fallback gets
    /// its turn. `never`: the first attempt may use all of it.
    deadline_sharing: DEADLINE_SHARING_KIND;
    /// Longest Retry-After that a request waits for, once, rather than fall back to another group.
    short_retry_after: Time;
    /// Maximum time a request waits for an available deployment before it falls back or fails.
    max_queue_wait: Told(Time, "0s with a fallback, else 10s");
    /// Maximum queue length. When the queue is full, a new request replaces the last one of lower priority,
    /// or is refused.
    max_queued: Count::<u32>::SOME;
    /// Whether a request that would still wait when its time is up, at the pace at which the queue is served, is
    /// refused at once; those of lower priority first.
    queue_shedding: Flag;
    /// Part of a limit, in requests or tokens per minute, below which a deployment takes less: as much of its share
    /// as remains of this part. Requests that only it can serve are served longer.
    quota_headroom: Maybe(Percent, "none");
    /// How tags of a request select deployments: one match is enough, all must match, or tags are ignored.
    tag_match => tags: Word(&TAG_MATCH);
    /// How long a session stays on the deployment that served it last.
    session_affinity: Maybe(Span, "none");
    /// Whether deployments are excluded whose context window, region or features do not fit the request.
    pre_call_checks: Flag;
}

vocabulary! {
    static TAG_MATCH: TagMatch =
        "any" => TagMatch::Any,
        "all" => TagMatch::All,
        "ignore" => TagMatch::Ignore,
    ;
}

vocabulary! {
    static AFTER_TIMEOUT: AfterTimeout =
        "elsewhere" => AfterTimeout::Elsewhere,
        "retry" => AfterTimeout::Retry,
    ;
}

vocabulary! {
    static MID_STREAM: MidStream =
        "error" => MidStream::Error,
        "hold" => MidStream::Hold,
        "continue" => MidStream::Continue,
    ;
}

settings! {
    static HEDGE: Hedge = (
        "hedge",
        "a hedge",
        "A second attempt at another deployment of the group, or else at its fallback: one for each request, \
         within half of the retry budget."
    );
    /// When it starts: after a percentile of the group's own times to an answer, or after a fixed time.
    after: HedgeAfterKind;
    /// When it starts until the percentile is known; streams only.
    cold: Maybe(Span, "a third of `first_token`");
    /// Minimum delay.
    floor: Span;
    /// Answers needed for the percentile.
    min_samples: Count::<u32>::between(1, 500);
}

/// A hedge: `never`, or the settings.
const HEDGE_KIND: OrNever<Hedge> = OrNever(&HEDGE, HEDGE_FORMS);
const HEDGE_FORMS: &[Schema] = &[NEVER, Schema::Section(&HEDGE.section)];

/// When a second attempt starts: a percentile, or a time.
struct HedgeAfterKind;

impl ValueKind for HedgeAfterKind {
    type Value = HedgeAfter;

    fn shape(&self) -> Schema {
        const FORMS: &[Schema] = &[Schema::Percent, Schema::SPAN];
        Schema::Either(FORMS)
    }

    fn read(&self, node: &Node, _: &HedgeAfter, problems: &Problems) -> Option<HedgeAfter> {
        let is_share =
            matches!(&node.kind, NodeKind::Scalar(text) if text.trim_end().ends_with('%'));
        if is_share {
            return Percent.read(node, &Share::percent(99), problems).map(HedgeAfter::Quantile);
        }
        Span.read(node, &Duration::ZERO, problems).map(HedgeAfter::Time)
    }

    fn write(&self, after: &HedgeAfter) -> Written {
        match after {
            HedgeAfter::Quantile(quantile) => Percent.write(quantile),
            HedgeAfter::Time(time) => Span.write(time),
        }
    }

    fn default_text(&self, after: &HedgeAfter) -> String {
        self.write(after).to_string()
    }
}

settings! {
    static SLOW_START: SlowStart = (
        "slow-start",
        "a slow start",
        "The share of a deployment that returns: max(`least`, (t / `window`)^(1 / `aggression`)) of its share by \
         weight, with t counted from its return, under every strategy. The others take the rest, or else the fallback; \
         where there is no other, it takes all."
    );
    /// Time until it has its whole share.
    window: Span;
    /// How the share grows: 1 linearly, above 1 faster at first, below 1 slower.
    aggression: Aggression;
    /// The share at the start, as a part of the whole one.
    least: Percent;
}

const SLOW_START_FORMS: &[Schema] = &[NEVER, Schema::Section(&SLOW_START.section)];

/// A slow start: `never`, which is the default, or the settings.
struct SlowStartKind;

impl ValueKind for SlowStartKind {
    type Value = Option<SlowStart>;

    fn shape(&self) -> Schema {
        Schema::Either(SLOW_START_FORMS)
    }

    fn read(&self, node: &Node, over: &Self::Value, problems: &Problems) -> Option<Self::Value> {
        OrNever(&SLOW_START, SLOW_START_FORMS).read(node, over, problems)
    }

    fn write(&self, value: &Self::Value) -> Written {
        OrNever(&SLOW_START, SLOW_START_FORMS).write(value)
    }

    fn default_text(&self, _: &Self::Value) -> String {
        "never".to_owned()
    }
}

/// The exponent's inverse, in thousandths.
struct Aggression;

impl ValueKind for Aggression {
    type Value = u32;

    fn shape(&self) -> Schema {
        Schema::Number
    }

    fn read(&self, node: &Node, _: &u32, problems: &Problems) -> Option<u32> {
        let milli = |text: &str| {
            let number = unit::number(text)?;
            if (0.1..=10.0).contains(&number) {
                return Ok((number * 1_000.0).round() as u32);
            }
            let message = "an aggression is between `0.1` and `10`";
            Err(unit::Misfit::new(message, "out of range").help("1 grows linearly"))
        };
        value::parsed(node, &Schema::Number, problems, milli)
    }

    fn write(&self, value: &u32) -> Written {
        Written::plain((f64::from(*value) / 1_000.0).to_string())
    }
}

settings! {
    static DEADLINE_SHARING: DeadlineSharing = (
        "deadline-sharing",
        "deadline sharing",
        "A request's deadline is divided among the deployments and groups still to be tried. No attempt is cut \
         below the 99th percentile of its group's own times, once 20 answers are known."
    );
    /// Least time for a further attempt; nor is one begun with less than the group's median time to an answer.
    floor: Time;
}

/// How a deadline is shared: `never`, or the settings.
const DEADLINE_SHARING_KIND: OrNever<DeadlineSharing> = OrNever(&DEADLINE_SHARING, SHARING_FORMS);
const SHARING_FORMS: &[Schema] = &[NEVER, Schema::Section(&DEADLINE_SHARING.section)];

settings! {
    /// The time-outs of an attempt.
    pub(crate) static TIMEOUTS: AttemptTimeouts = ("timeouts", "time-outs", "Time-outs of an \
         attempt.");
    /// To establish a connection.
    connect: Span;
    /// From the start of a streamed attempt to the first content token.
    first_token: Span;
    /// Between two tokens of a stream.
    between_tokens: Span;
    /// From the start to the end of a non-streamed attempt.
    total: Span;
    /// From the start to the end of a streamed attempt, even while tokens arrive.
    stream_total: Maybe(Span, "none");
}

/// What happens when all deployments cool down. A profile of LiteLLM's has a value that no file can say:
/// it is written as what comes closest.
struct WhenUnavailable;

const WHEN_UNAVAILABLE: &[&str] = &["wait", "fail", "panic"];

impl ValueKind for WhenUnavailable {
    type Value = UnavailablePolicy;

    fn shape(&self) -> Schema {
        Schema::Word(WHEN_UNAVAILABLE)
    }

    fn read(
        &self,
        node: &Node,
        _: &UnavailablePolicy,
        problems: &Problems,
    ) -> Option<UnavailablePolicy> {
        Some(match value::word(node, WHEN_UNAVAILABLE, problems)? {
            "fail" => UnavailablePolicy::Fail,
            "panic" => UnavailablePolicy::Panic,
            _ => UnavailablePolicy::Wait,
        })
    }

    fn write(&self, value: &UnavailablePolicy) -> Written {
        Written::plain(match value {
            UnavailablePolicy::Wait => "wait",
            UnavailablePolicy::Fail | UnavailablePolicy::FailStating(_) => "fail",
            UnavailablePolicy::Panic => "panic",
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

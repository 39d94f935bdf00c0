//! When a deployment is skipped, and for how long.

use super::checks::{check_cap, of_no_effect};
use crate::diagnostic::Problems;
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::{Key, Schema, Section};
use crate::settings::{
    Count, In, Maybe, Percent, Span, Time, ValueKind, Word, Written, settings, vocabulary,
};
use crate::value;
use squall_router::{
    Cooldown, CooldownRule, FailureCooldown, LitellmAllowedFails, LitellmCooldown, LitellmCounts,
    MisconfiguredCooldown, SilenceCooldown, ThrottledCooldown,
};

const NEVER: &[&str] = &["never"];

settings! {
    static BREAKER: Cooldown = (
        "cooldown",
        "a cooldown",
        "When a deployment is skipped. A 429 and a failure are different evidence. `never`: nothing is \
         skipped."
    );
    /// After a 429.
    throttled: In(&THROTTLED);
    /// After failures.
    failure: In(&FAILURE);
    /// After wrong keys, unknown models and spent quotas.
    misconfigured: In(&MISCONFIGURED);
    /// After silences that a client or a deadline ended. `never`: they say nothing.
    silence: SilenceKind;
}

/// The section has another key, for the formula of LiteLLM's.
static BREAKER_OR_LITELLM: Section = Section {
    keys: &[
        BREAKER.keys(),
        &[Key::optional(
            "litellm",
            Schema::Section(&LITELLM.section),
            "none",
            "Instead of the others: LiteLLM 1.80's own formula.",
        )],
    ],
    ..BREAKER.section
};

settings! {
    static THROTTLED: ThrottledCooldown = (
        "throttled-cooldown",
        "a cooldown after a 429",
        "The wait after a 429: as long as Retry-After says."
    );
    /// When the provider did not say.
    default: Time;
    /// At most this long, whatever the provider says.
    max: Span;
}

settings! {
    static FAILURE: FailureCooldown = (
        "failure-cooldown",
        "a cooldown after failures",
        "The breaker: two triggers, a break that doubles, and one probe to end it.",
        |fields, failure| check_cap(fields, failure.base, failure.cap)
    );
    /// Trips after so many failures in a row; 0 for never.
    consecutive: Count::<u32>::ANY;
    /// Trips at this share of failed attempts in the window.
    share: Percent;
    /// Only with at least so many attempts in the window.
    min_attempts: Count::<u32>::SOME;
    /// The window that the share is taken over.
    window: Span;
    /// The first break.
    base: Span;
    /// The longest: each failed probe doubles it.
    cap: Span;
}

settings! {
    static MISCONFIGURED: MisconfiguredCooldown = (
        "misconfigured-cooldown",
        "a cooldown after what only a person mends",
        "Long breaks. A failure that says what is wrong begins one at once; a bare 401, 402, 403 or 404, \
         which the request itself may have caused, only when it repeats."
    );
    /// After a key that is wrong or lacks a right.
    auth: Span;
    /// After a model or deployment that is not there.
    not_found: Span;
    /// After an answer that says that the quota is spent.
    quota_spent: Span;
    /// So many different requests must meet a bare 401, 402, 403 or 404, none answered in between.
    suspicions: Count::<u32>::SOME;
}

settings! {
    static SILENCE: SilenceCooldown = (
        "silence-cooldown",
        "a cooldown after silences",
        "When an attempt whose answer has not begun is overdue: then it counts as failed however it ends, \
         and while its deployment answers nobody, that one is picked last."
    );
    /// Beyond this quantile of the times that the group's answers took to begin.
    quantile: Percent;
    /// Never before this, however quick the group.
    floor: Span;
    /// The quantile is believed once so many answers have come; until then an attempt is overdue after a
    /// sixth of its time-out.
    min_samples: Count::<u32>::between(1, 500);
}

/// What silences say: `never` anything, or the settings.
struct SilenceKind;

impl ValueKind for SilenceKind {
    type Value = Option<SilenceCooldown>;

    fn shape(&self) -> Schema {
        const FORMS: &[Schema] = &[Schema::Word(NEVER), Schema::Section(&SILENCE.section)];
        Schema::Either(FORMS)
    }

    fn read(&self, node: &Node, over: &Self::Value, problems: &Problems) -> Option<Self::Value> {
        if matches!(node.kind, NodeKind::Map(_)) {
            return In(&SILENCE).read(node, &over.unwrap_or_default(), problems).map(Some);
        }
        value::word(node, NEVER, problems).map(|_| None)
    }

    fn write(&self, silence: &Self::Value) -> Written {
        silence.as_ref().map_or_else(|| Written::plain("never"), |silence| SILENCE.write(silence))
    }

    fn default_text(&self, _: &Self::Value) -> String {
        "as below".to_owned()
    }
}

settings! {
    static LITELLM: LitellmCooldown = (
        "litellm-cooldown",
        "a cooldown of LiteLLM's",
        "LiteLLM 1.80's cooldown: the share of failures over a minute that begins with the first of them, or \
         a number of failures."
    );
    /// How long, when the answer does not say.
    cooldown_time: Span;
    /// The deployment's own `cooldown_time`: beats Retry-After; 0s for never.
    deployment_time: Maybe(Time, "none");
    /// Cooled down on the failure after so many; 3 passes for none.
    allowed_fails: FAILS;
    /// The same by class of failure.
    policy: PolicyKind;
    /// `once_per_request`: one failure of each request, as behind its proxy. `every_attempt`: as with its
    /// router as a library.
    counts: Word(&COUNTS);
}

vocabulary! {
    static COUNTS: LitellmCounts =
        "once_per_request" => LitellmCounts::OncePerRequest,
        "every_attempt" => LitellmCounts::EveryAttempt,
    ;
}

const FAILS: Maybe<Count<u32>> = Maybe(Count::ANY, "none");

settings! {
    static POLICY: LitellmAllowedFails = (
        "litellm-allowed-fails",
        "an `allowed_fails_policy`",
        "Failures allowed by class; 0 passes for none."
    );
    /// `BadRequestErrorAllowedFails`.
    bad_request: FAILS;
    /// `AuthenticationErrorAllowedFails`.
    authentication: FAILS;
    /// `TimeoutErrorAllowedFails`.
    timeout: FAILS;
    /// `RateLimitErrorAllowedFails`.
    rate_limit: FAILS;
    /// `ContentPolicyViolationErrorAllowedFails`.
    content_policy: FAILS;
}

/// Failures allowed by class, as a whole: what is written takes the place of what held.
struct PolicyKind;

impl ValueKind for PolicyKind {
    type Value = LitellmAllowedFails;

    fn shape(&self) -> Schema {
        Schema::Section(&POLICY.section)
    }

    fn read(&self, node: &Node, _: &Self::Value, problems: &Problems) -> Option<Self::Value> {
        In(&POLICY).read(node, &LitellmAllowedFails::default(), problems)
    }

    fn write(&self, policy: &Self::Value) -> Written {
        if policy.is_set() { POLICY.write(policy) } else { Written::Unset }
    }

    fn default_text(&self, _: &Self::Value) -> String {
        "none".to_owned()
    }
}

/// A cooldown: `never`, the breaker, or the formula of LiteLLM's.
pub(super) struct CooldownKind;

impl ValueKind for CooldownKind {
    type Value = CooldownRule;

    fn shape(&self) -> Schema {
        const FORMS: &[Schema] = &[Schema::Word(NEVER), Schema::Section(&BREAKER_OR_LITELLM)];
        Schema::Either(FORMS)
    }

    fn read(&self, node: &Node, over: &CooldownRule, problems: &Problems) -> Option<CooldownRule> {
        if !matches!(node.kind, NodeKind::Map(_)) {
            return value::word(node, NEVER, problems).map(|_| CooldownRule::Never);
        }
        let fields = Fields::open(node, &BREAKER_OR_LITELLM, problems)?;
        if let Some(own) = fields.section("litellm") {
            of_no_effect(&fields, &["throttled", "failure", "misconfigured", "silence"]);
            let over = match over {
                CooldownRule::Litellm(litellm) => *litellm,
                CooldownRule::Breaker(_) | CooldownRule::Never => LitellmCooldown::default(),
            };
            return Some(CooldownRule::Litellm(LITELLM.read(&own, &over)));
        }
        let over = match over {
            CooldownRule::Breaker(breaker) => *breaker,
            CooldownRule::Litellm(_) | CooldownRule::Never => Cooldown::default(),
        };
        Some(CooldownRule::Breaker(BREAKER.read(&fields, &over)))
    }

    fn write(&self, rule: &CooldownRule) -> Written {
        match rule {
            CooldownRule::Never => Written::plain("never"),
            CooldownRule::Breaker(breaker) => BREAKER.write(breaker),
            CooldownRule::Litellm(own) => Written::entry("litellm", LITELLM.write(own)),
        }
    }

    fn default_text(&self, _: &CooldownRule) -> String {
        "as below".to_owned()
    }
}

//! When a deployment is ejected, and for how long.

use super::checks::{check_cap, of_no_effect};
use crate::diagnostic::Problems;
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::{Key, Schema, Section};
use crate::settings::{
    Count, In, Maybe, NEVER, OrNever, Percent, Span, Time, ValueKind, Word, Written, settings,
    vocabulary,
};
use crate::value;
use squall_router::{
    Cooldown, CooldownRule, FailureCooldown, LitellmAllowedFails, LitellmCooldown, LitellmCounts,
    MisconfiguredCooldown, SilenceCooldown, ThrottledCooldown,
};

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
    /// After invalid keys, unknown models and exhausted quotas.
    misconfigured: In(&MISCONFIGURED);
    /// After attempts without a first token that the client or a deadline ended. `never`: such attempts do
    /// not count.
    silence: SILENCE_KIND;
}

/// The section has another key, for the formula of LiteLLM's.
static BREAKER_OR_LITELLM: Section = Section {
    keys: &[
        BREAKER.keys(),
        &[Key::optional(
            "litellm",
            Schema::Section(&LITELLM.section),
            "none",
            "LiteLLM's formula, instead of the other keys.",
        )],
    ],
    ..BREAKER.section
};

settings! {
    static THROTTLED: ThrottledCooldown = (
        "throttled-cooldown",
        "a cooldown after a 429",
        "The cooldown after a 429. It lasts as long as Retry-After says."
    );
    /// When the answer has no Retry-After.
    default: Time;
    /// Upper bound on Retry-After.
    max: Span;
}

settings! {
    static FAILURE: FailureCooldown = (
        "failure-cooldown",
        "a cooldown after failures",
        "The circuit breaker: two triggers, an open interval that doubles, and one probe to \
         close it.",
        |fields, failure| check_cap(fields, failure.base, failure.cap)
    );
    /// Opens after this many consecutive failures; 0 disables this trigger.
    consecutive: Count::<u32>::ANY;
    /// Opens at this share of failed attempts in the window.
    share: Percent;
    /// Minimum number of attempts in the window for `share`.
    min_attempts: Count::<u32>::SOME;
    /// The window for `share`.
    window: Span;
    /// The first open interval.
    base: Span;
    /// The longest open interval. Each failed probe doubles the interval, and so does a relapse within `window` after it closed, which also takes one more probe in a row to close it, up to five. Within `window` after it closed, half of `consecutive` and of `min_attempts` open it again.
    cap: Span;
    /// Each open interval is shortened by a random part, up to this.
    jitter: Percent;
}

settings! {
    static MISCONFIGURED: MisconfiguredCooldown = (
        "misconfigured-cooldown",
        "a cooldown after configuration errors",
        "Long cooldowns after configuration errors. A failure with a specific error code starts \
         one immediately; a bare 401, 402, 403 or 404, which the request itself may have caused, \
         only when it repeats."
    );
    /// After an invalid key or a missing permission.
    auth: Span;
    /// After an unknown model or deployment.
    not_found: Span;
    /// After an exhausted quota.
    quota_spent: Span;
    /// Number of different requests that must receive a bare 401, 402, 403 or 404, with no success in
    /// between.
    suspicions: Count::<u32>::SOME;
}

settings! {
    static SILENCE: SilenceCooldown = (
        "silence-cooldown",
        "a cooldown after silences",
        "When an attempt without a first token is overdue. An overdue attempt counts as failed \
         even if the client ends it, and until its deployment answers again, that deployment is \
         picked last, and gets one attempt at a time."
    );
    /// Overdue beyond this quantile of the group's times to first token.
    quantile: Percent;
    /// Minimum time until an attempt is overdue.
    floor: Span;
    /// Minimum number of answers for the quantile. Until then, an attempt is overdue after a sixth of its
    /// time-out.
    min_samples: Count::<u32>::between(1, 500);
    /// So many silent attempts at once are enough for their deployment to be picked last, well before `floor`:
    /// each beyond the quantile, and beyond the deployment's own slowest answers of late. 0 disables this.
    concurrent: Count::<u32>::between(0, 100);
    /// Minimum time until that.
    concurrent_floor: Span;
}

/// What silences say: `never` anything, or the settings.
const SILENCE_KIND: OrNever<SilenceCooldown> = OrNever(&SILENCE, SILENCE_FORMS);
const SILENCE_FORMS: &[Schema] = &[NEVER, Schema::Section(&SILENCE.section)];

settings! {
    static LITELLM: LitellmCooldown = (
        "litellm-cooldown",
        "a cooldown of LiteLLM's",
        "LiteLLM's cooldown, of the version that `profile` names, else of the newest: by the share of failures in a minute that starts with the \
         first failure, or by a number of failures."
    );
    /// Duration when the answer has no Retry-After.
    cooldown_time: Span;
    /// The deployment's `cooldown_time`. It overrides Retry-After; 0s disables the cooldown.
    deployment_time: Maybe(Time, "none");
    /// Cooldown starts with the failure after this many. 3 is treated as not set by 1.80.
    allowed_fails: FAILS;
    /// The same by class of failure. There being one, failures are counted, 3 allowed where nothing is said.
    policy: PolicyKind;
    /// `once_per_request`: one failure per request, as behind the proxy of LiteLLM 1.80. `every_attempt`: as
    /// behind that of 1.110, and in LiteLLM's router library.
    counts: Maybe(Word(&COUNTS), "by the version");
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
        "Allowed failures by class. LiteLLM 1.80 reads the first five, and treats 0 as not set."
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
    /// `InternalServerErrorAllowedFails`.
    internal_server: FAILS;
    /// `ServiceUnavailableErrorAllowedFails`.
    service_unavailable: FAILS;
    /// `BadGatewayErrorAllowedFails`.
    bad_gateway: FAILS;
    /// `NotFoundErrorAllowedFails`.
    not_found: FAILS;
}

/// Failures allowed by class, as a whole: what is written takes the place of what held.
struct PolicyKind;

impl ValueKind for PolicyKind {
    type Value = Option<LitellmAllowedFails>;

    fn shape(&self) -> Schema {
        Schema::Section(&POLICY.section)
    }

    fn read(&self, node: &Node, _: &Self::Value, problems: &Problems) -> Option<Self::Value> {
        In(&POLICY).read(node, &LitellmAllowedFails::default(), problems).map(Some)
    }

    fn write(&self, policy: &Self::Value) -> Written {
        policy.as_ref().map_or(Written::Unset, |policy| POLICY.write(policy))
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
        const FORMS: &[Schema] = &[NEVER, Schema::Section(&BREAKER_OR_LITELLM)];
        Schema::Either(FORMS)
    }

    fn read(&self, node: &Node, over: &CooldownRule, problems: &Problems) -> Option<CooldownRule> {
        if !matches!(node.kind, NodeKind::Map(_)) {
            return value::word(node, &["never"], problems).map(|_| CooldownRule::Never);
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

//! When a deployment is skipped, and for how long.

use super::policy::check_cap;
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::node::Kind;
use crate::shape::{Key, Section, Shape};
use crate::value;
use squall_router::{
    Cooldown, CooldownRule, FailureCooldown, LitellmAllowedFails, LitellmCooldown, LitellmCounts,
    MisconfiguredCooldown, SilenceCooldown, ThrottledCooldown,
};

/// A cooldown: `never`, or its settings.
pub(crate) const COOLDOWN: Shape = Shape::Either(&[Shape::Word(NEVER), Shape::Section(&SETTINGS)]);

const NEVER: &[&str] = &["never"];

static SETTINGS: Section = Section {
    id: "cooldown",
    phrase: "a cooldown",
    about: "When a deployment is skipped. A 429 and a failure are different evidence. `never`: nothing \
            is skipped.",
    keys: &[&[
        Key::optional("throttled", Shape::Section(&THROTTLED), "as below", "After a 429."),
        Key::optional("failure", Shape::Section(&FAILURE), "as below", "After failures."),
        Key::optional(
            "misconfigured",
            Shape::Section(&MISCONFIGURED),
            "as below",
            "After wrong keys, unknown models and spent quotas.",
        ),
        Key::optional(
            "silence",
            SILENCE,
            "as below",
            "After silences that a client or a deadline ended. `never`: they say nothing.",
        ),
        Key::optional(
            "litellm",
            Shape::Section(&LITELLM),
            "none",
            "Instead of the others: LiteLLM 1.80's own formula.",
        ),
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
    ]],
};

static MISCONFIGURED: Section = Section {
    id: "misconfigured-cooldown",
    phrase: "a cooldown after what only a person mends",
    about: "Long breaks. A failure that says what is wrong begins one at once; a bare 401, 402, 403 or \
            404, which the request itself may have caused, only when it repeats.",
    keys: &[&[
        Key::optional("auth", Shape::SPAN, "5m", "After a key that is wrong or lacks a right."),
        Key::optional(
            "not_found",
            Shape::SPAN,
            "5m",
            "After a model or deployment that is not there.",
        ),
        Key::optional(
            "quota_spent",
            Shape::SPAN,
            "30m",
            "After an answer that says that the quota is spent.",
        ),
        Key::optional(
            "suspicions",
            Shape::COUNT,
            "3",
            "So many different requests must meet a bare 401, 402, 403 or 404, none answered in between.",
        ),
    ]],
};

const SILENCE: Shape = Shape::Either(&[Shape::Word(NEVER), Shape::Section(&SILENCE_SETTINGS)]);

static SILENCE_SETTINGS: Section = Section {
    id: "silence-cooldown",
    phrase: "a cooldown after silences",
    about: "When an attempt whose answer has not begun is overdue: then it counts as failed however it \
            ends, and while its deployment answers nobody, that one is picked last.",
    keys: &[&[
        Key::optional(
            "quantile",
            Shape::Percent,
            "99%",
            "Beyond this quantile of the times that the group's answers took to begin.",
        ),
        Key::optional("floor", Shape::SPAN, "5s", "Never before this, however quick the group."),
        Key::optional(
            "min_samples",
            Shape::Count(1, 500),
            "20",
            "The quantile is believed once so many answers have come; until then an attempt is overdue \
             after a sixth of its time-out.",
        ),
    ]],
};

static LITELLM: Section = Section {
    id: "litellm-cooldown",
    phrase: "a cooldown of LiteLLM's",
    about: "LiteLLM 1.80's cooldown: the share of failures over a minute that begins with the first of \
            them, or a number of failures.",
    keys: &[&[
        Key::optional(
            "cooldown_time",
            Shape::SPAN,
            "5s",
            "How long, when the answer does not say.",
        ),
        Key::optional(
            "deployment_time",
            Shape::DURATION,
            "none",
            "The deployment's own `cooldown_time`: beats Retry-After; 0s for never.",
        ),
        Key::optional(
            "allowed_fails",
            Shape::Count(0, u32::MAX as u64),
            "none",
            "Cooled down on the failure after so many; 3 passes for none.",
        ),
        Key::optional("policy", Shape::Section(&POLICY), "none", "The same by class of failure."),
        Key::optional(
            "counts",
            Shape::Word(COUNTS),
            "once_per_request",
            "`once_per_request`: one failure of each request, as behind its proxy. `every_attempt`: as \
             with its router as a library.",
        ),
    ]],
};

const COUNTS: &[&str] = &["once_per_request", "every_attempt"];

static POLICY: Section = Section {
    id: "litellm-allowed-fails",
    phrase: "an `allowed_fails_policy`",
    about: "Failures allowed by class; 0 passes for none.",
    keys: &[&[
        Key::optional("bad_request", FAILS, "none", "`BadRequestErrorAllowedFails`."),
        Key::optional("authentication", FAILS, "none", "`AuthenticationErrorAllowedFails`."),
        Key::optional("timeout", FAILS, "none", "`TimeoutErrorAllowedFails`."),
        Key::optional("rate_limit", FAILS, "none", "`RateLimitErrorAllowedFails`."),
        Key::optional(
            "content_policy",
            FAILS,
            "none",
            "`ContentPolicyViolationErrorAllowedFails`.",
        ),
    ]],
};

const FAILS: Shape = Shape::Count(0, u32::MAX as u64);

/// The cooldown under `cooldown`, over this one; `None` where there is none.
pub(crate) fn cooldown(fields: &Fields<'_>, over: CooldownRule) -> Option<CooldownRule> {
    let node = fields.get("cooldown")?;
    if !matches!(node.kind, Kind::Map(_)) {
        value::word(node, NEVER, fields.problems)?;
        return Some(CooldownRule::Never);
    }
    let fields = Fields::open(node, &SETTINGS, fields.problems)?;
    if let Some(own) = fields.section("litellm") {
        for other in ["throttled", "failure", "misconfigured", "silence"] {
            if fields.get(other).is_some() {
                let message = format!("`{other}` has no effect beside `litellm`");
                let problem = Problem::new(fields.key_span(other), message, "of no effect here");
                fields
                    .problems
                    .push(problem.related(fields.key_span("litellm"), "its formula holds"));
            }
        }
        return Some(CooldownRule::Litellm(litellm(&own, over)));
    }
    let over = match over {
        CooldownRule::Breaker(breaker) => breaker,
        _ => Cooldown::default(),
    };
    Some(CooldownRule::Breaker(Cooldown {
        throttled: throttled(&fields, over.throttled),
        failure: failure(&fields, over.failure),
        misconfigured: misconfigured(&fields, over.misconfigured),
        silence: silence(&fields, over.silence),
    }))
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
    }
}

fn misconfigured(fields: &Fields<'_>, over: MisconfiguredCooldown) -> MisconfiguredCooldown {
    let Some(fields) = fields.section("misconfigured") else { return over };
    MisconfiguredCooldown {
        auth: fields.duration("auth").unwrap_or(over.auth),
        not_found: fields.duration("not_found").unwrap_or(over.not_found),
        quota_spent: fields.duration("quota_spent").unwrap_or(over.quota_spent),
        suspicions: fields.small_count("suspicions").unwrap_or(over.suspicions),
    }
}

fn silence(fields: &Fields<'_>, over: Option<SilenceCooldown>) -> Option<SilenceCooldown> {
    let Some(node) = fields.get("silence") else { return over };
    if !matches!(node.kind, Kind::Map(_)) {
        value::word(node, NEVER, fields.problems);
        return None;
    }
    let over = over.unwrap_or_default();
    let Some(fields) = Fields::open(node, &SILENCE_SETTINGS, fields.problems) else {
        return Some(over);
    };
    Some(SilenceCooldown {
        quantile: fields.share("quantile").unwrap_or(over.quantile),
        floor: fields.duration("floor").unwrap_or(over.floor),
        min_samples: fields.small_count("min_samples").unwrap_or(over.min_samples),
    })
}

fn litellm(fields: &Fields<'_>, over: CooldownRule) -> LitellmCooldown {
    let over = match over {
        CooldownRule::Litellm(litellm) => litellm,
        _ => LitellmCooldown::default(),
    };
    let policy = fields.section("policy").map_or(over.policy, |fields| LitellmAllowedFails {
        bad_request: fields.small_count("bad_request"),
        authentication: fields.small_count("authentication"),
        timeout: fields.small_count("timeout"),
        rate_limit: fields.small_count("rate_limit"),
        content_policy: fields.small_count("content_policy"),
    });
    let counts = fields.word("counts").map(|word| match word {
        "every_attempt" => LitellmCounts::EveryAttempt,
        _ => LitellmCounts::OncePerRequest,
    });
    LitellmCooldown {
        cooldown_time: fields.duration("cooldown_time").unwrap_or(over.cooldown_time),
        deployment_time: fields.duration("deployment_time").or(over.deployment_time),
        allowed_fails: fields.small_count("allowed_fails").or(over.allowed_fails),
        policy,
        counts: counts.unwrap_or(over.counts),
    }
}

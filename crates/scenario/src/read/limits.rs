//! Request and token limits, the same words for the provider that keeps them and the router that
//! stays below.

use crate::diagnostic::{Problem, Problems};
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::{Key, Schema, Section};
use crate::settings::{ValueKind, Written, duration};
use crate::{unit, value};
use core::time::Duration;
use squall_provider::RetryAfter;

/// The limits of a provider.
pub(crate) static PROVIDER_LIMITS: Section = Section {
    id: "provider-limits",
    phrase: "the limits of a provider",
    about: "Rate limits of a provider. Requests over a limit get a 429 with Retry-After.",
    keys: &[
        RATES,
        &[
            Key::optional("input_tpm", RATE, "no limit", "Prompt tokens per minute."),
            Key::optional("output_tpm", RATE, "no limit", "Output tokens per minute."),
            Key::optional("rpd", RATE, "no limit", "Requests per calendar day (UTC)."),
            Key::optional(
                "ramp",
                Schema::Section(&RAMP),
                "no limit",
                "Limit on traffic growth: OpenAI's `slow_down`, Anthropic's ramp limit.",
            ),
            Key::optional(
                "window",
                Schema::Either(&[Schema::Word(WINDOWS), Schema::SPAN]),
                "gcra",
                "The rate limiting algorithm: `gcra`, a token bucket; `fixed`, calendar minutes; \
                 `sliding`, the last 60 s; or a duration, fixed windows of this length, each \
                 with its proportional part of the limit.",
            ),
            Key::optional(
                "tokens",
                Schema::Word(&["at_arrival", "as_used"]),
                "at_arrival",
                "When output tokens count: `at_arrival`, reserved by the request's `max_tokens`, \
                 as Azure does; or `as_used`, when they are sent.",
            ),
            Key::optional(
                "per_key",
                Schema::Flag,
                "false",
                "Whether limits apply per key, as vendors apply them per account.",
            ),
            Key::optional(
                "retry_after",
                Schema::Either(&[Schema::Word(RETRY_AFTER), Schema::Factor]),
                "as the vendor does",
                "Form of Retry-After in a 429: `exact`, seconds and milliseconds, as OpenAI and \
                 Azure do, or nanoseconds in Gemini's `RetryInfo`; `seconds`, rounded up, as \
                 Anthropic does; `ms`, milliseconds only; `date`; `absent`; or a factor, `0.1x`, \
                 by which it is wrong.",
            ),
        ],
    ],
};

static RAMP: Section = Section {
    id: "ramp-limit",
    phrase: "a ramp limit",
    about: "A limit on traffic growth from one window to the next.",
    keys: &[&[
        Key::required("growth", Schema::Percent, "Allowed growth over the previous window."),
        Key::required("per", Schema::SPAN, "Window length. OpenAI's rule uses 15 minutes."),
        Key::required("free", RATE, "Requests per window that are always accepted."),
    ]],
};

const RETRY_AFTER: &[&str] = &["exact", "seconds", "ms", "date", "absent"];

/// The limits of a deployment.
pub(crate) static DEPLOYMENT_LIMITS: Section = Section {
    id: "deployment-limits",
    phrase: "the limits of a deployment",
    about: "Limits that the router applies to a deployment. They need not equal the limits that \
         the provider enforces.",
    keys: &[
        RATES,
        ROUTER_WINDOW,
        &[
            Key::optional("concurrency", Schema::COUNT, "no limit", "Concurrent attempts."),
            Key::optional(
                "adaptive_concurrency",
                Schema::Flag,
                "false",
                "Whether the number of concurrent attempts adapts to the time to first token of streams \
                 (Netflix's gradient): from 20 on, between 1 and `concurrency`, or 1,000 without it.",
            ),
            Key::optional(
                "from_headers",
                Schema::Flag,
                "false",
                "Whether the limits also apply that the provider states in the headers of its answers \
                 (`x-ratelimit-*`, `anthropic-ratelimit-*`).",
            ),
            Key::optional(
                "from_429s",
                Schema::Flag,
                "false",
                "Whether a request rate is learned from 429s, where no header states one: 0.7 times the \
                 rate at which requests passed, then upward until the next 429 (CUBIC, as in the AWS \
                 SDKs' adaptive retry mode).",
            ),
        ],
    ],
};

/// The limits of a group or tenant.
pub(crate) static REQUEST_LIMITS: Section = Section {
    id: "request-limits",
    phrase: "the limits of a group or tenant",
    about: "Limits of a group or tenant, in requests. Retries are not counted.",
    keys: &[
        RATES,
        ROUTER_WINDOW,
        &[Key::optional("concurrency", Schema::COUNT, "no limit", "Concurrent requests.")],
    ],
};

const RATE: Schema = Schema::Count(1, 1_000_000_000_000);

const RATES: &[Key] = &[
    Key::optional("rpm", RATE, "no limit", "Requests per minute."),
    Key::optional("tpm", RATE, "no limit", "Tokens per minute, prompt and output together."),
    Key::optional("burst", RATE, "as `rpm`", "Burst size in requests; only with `window: gcra`."),
];

const ROUTER_WINDOW: &[Key] = &[Key::optional(
    "window",
    Schema::Either(&[Schema::Word(ROUTER_WINDOWS), Schema::SPAN]),
    "gcra",
    "The rate limiting algorithm: as for a provider, or `from_first`, windows of a minute that \
     start with the first request after the previous window (LiteLLM's counters).",
)];

const ROUTER_WINDOWS: &[&str] = &["gcra", "fixed", "sliding", "from_first"];
const WINDOWS: &[&str] = &["gcra", "fixed", "sliding"];

/// How a rate is counted, before it becomes the router's or the provider's own type.
#[derive(Clone, Copy, Debug)]
enum WindowSpec {
    Gcra,
    Fixed,
    Sliding,
    FromFirst,
    Slice(Duration),
}

/// Limits as they stand in the file.
#[derive(Clone, Copy, Debug)]
struct Rates {
    rpm: Option<u64>,
    tpm: Option<u64>,
    burst: Option<u64>,
    window: WindowSpec,
}

/// The limits of a provider, under `limits`.
pub(crate) fn of_provider(
    fields: &Fields<'_>,
    vendor: RetryAfter,
) -> squall_provider::ProviderLimits {
    use squall_provider::{
        ProviderLimits, ProviderRateLimit, ProviderWindow as Counted, RampLimit,
        TokenAccounting as Tokens,
    };
    let Some(fields) = fields.section("limits") else {
        return ProviderLimits { retry_after: vendor, ..ProviderLimits::NONE };
    };
    let rates = rates(&fields, WINDOWS);
    let limit = |per_minute, burst| {
        let window = match rates.window {
            WindowSpec::Gcra => Counted::Gcra { burst },
            // No provider's table has the other word.
            WindowSpec::Fixed | WindowSpec::FromFirst => Counted::Fixed,
            WindowSpec::Sliding => Counted::Sliding,
            WindowSpec::Slice(length) => Counted::Slice(length),
        };
        ProviderRateLimit { per_minute, window }
    };
    let ramp = fields.section("ramp").and_then(|ramp| {
        let (growth, per, free) = (ramp.share("growth"), ramp.duration("per"), ramp.count("free"));
        Some(RampLimit { growth: growth?, per: per?, free: free? })
    });
    ProviderLimits {
        rpm: rates.rpm.map(|rpm| limit(rpm, rates.burst)),
        tpm: rates.tpm.map(|tpm| limit(tpm, None)),
        input_tpm: fields.count("input_tpm").map(|tpm| limit(tpm, None)),
        output_tpm: fields.count("output_tpm").map(|tpm| limit(tpm, None)),
        rpd: fields.count("rpd"),
        ramp,
        counted: match fields.word("tokens") {
            Some("as_used") => Tokens::AsUsed,
            _ => Tokens::AtArrival,
        },
        per_key: fields.flag("per_key").unwrap_or(false),
        retry_after: retry_after(&fields).unwrap_or(vendor),
    }
}

fn retry_after(fields: &Fields<'_>) -> Option<RetryAfter> {
    let node = fields.get("retry_after")?;
    let is_factor = matches!(&node.kind, NodeKind::Scalar(text)
        if text.starts_with(|c: char| c.is_ascii_digit()));
    if is_factor {
        let factor = value::parsed(node, &Schema::Factor, fields.problems, unit::factor_milli)?;
        return Some(RetryAfter::Wrong { factor_milli: factor });
    }
    Some(match value::word(node, RETRY_AFTER, fields.problems)? {
        "seconds" => RetryAfter::Seconds,
        "ms" => RetryAfter::Millis,
        "date" => RetryAfter::Date,
        "absent" => RetryAfter::Absent,
        _ => RetryAfter::Exact,
    })
}

/// The limits of a deployment: in attempts.
pub(super) struct DeploymentLimits;

/// The limits of a group or a tenant: in requests.
pub(super) struct RequestLimits;

impl ValueKind for DeploymentLimits {
    type Value = squall_router::RateLimits;

    fn shape(&self) -> Schema {
        Schema::Section(&DEPLOYMENT_LIMITS)
    }

    fn read(&self, node: &Node, _: &Self::Value, problems: &Problems) -> Option<Self::Value> {
        Fields::open(node, &DEPLOYMENT_LIMITS, problems).map(|fields| of_router(&fields))
    }

    fn write(&self, limits: &Self::Value) -> Written {
        write(limits)
    }

    fn default_text(&self, _: &Self::Value) -> String {
        "no limits".to_owned()
    }
}

impl ValueKind for RequestLimits {
    type Value = squall_router::RateLimits;

    fn shape(&self) -> Schema {
        Schema::Section(&REQUEST_LIMITS)
    }

    fn read(&self, node: &Node, _: &Self::Value, problems: &Problems) -> Option<Self::Value> {
        Fields::open(node, &REQUEST_LIMITS, problems).map(|fields| of_router(&fields))
    }

    fn write(&self, limits: &Self::Value) -> Written {
        write(limits)
    }

    fn default_text(&self, _: &Self::Value) -> String {
        "no limits".to_owned()
    }
}

/// Limits of the router, from a section that was opened.
fn of_router(fields: &Fields<'_>) -> squall_router::RateLimits {
    use squall_router::{RateLimit, RateLimits, RateWindow as Counted};
    let rates = rates(fields, ROUTER_WINDOWS);
    let limit = |per_minute, burst| {
        let window = match rates.window {
            WindowSpec::Gcra => Counted::Gcra { burst },
            WindowSpec::Fixed => Counted::Fixed,
            WindowSpec::Sliding => Counted::Sliding,
            WindowSpec::FromFirst => Counted::FromFirst,
            WindowSpec::Slice(length) => Counted::Slice(length),
        };
        RateLimit { per_minute, window }
    };
    RateLimits {
        rpm: rates.rpm.map(|rpm| limit(rpm, rates.burst)),
        tpm: rates.tpm.map(|tpm| limit(tpm, None)),
        concurrency: fields.small_count("concurrency"),
        from_headers: fields.has_key("from_headers")
            && fields.flag("from_headers").unwrap_or(false),
        from_429s: fields.has_key("from_429s") && fields.flag("from_429s").unwrap_or(false),
        adaptive_concurrency: fields.has_key("adaptive_concurrency")
            && fields.flag("adaptive_concurrency").unwrap_or(false),
        ..RateLimits::default()
    }
}

fn write(limits: &squall_router::RateLimits) -> Written {
    use squall_router::RateWindow as Counted;
    if limits.is_none() {
        return Written::Unset;
    }
    let (window, burst) = match limits.rpm.or(limits.tpm).map(|limit| limit.window) {
        None | Some(Counted::Gcra { burst: None }) => (None, None),
        Some(Counted::Gcra { burst }) => (None, burst),
        Some(Counted::Fixed) => (Some("fixed".to_owned()), None),
        Some(Counted::Sliding) => (Some("sliding".to_owned()), None),
        Some(Counted::FromFirst) => (Some("from_first".to_owned()), None),
        Some(Counted::Slice(length)) => (Some(duration(length)), None),
    };
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let rate =
        |limit: Option<squall_router::RateLimit>| number(limit.map(|limit| limit.per_minute));
    let settings = [
        ("rpm", rate(limits.rpm)),
        ("tpm", rate(limits.tpm)),
        ("burst", number(burst)),
        ("window", window),
        ("concurrency", number(limits.concurrency.map(u64::from))),
        ("adaptive_concurrency", limits.adaptive_concurrency.then(|| "true".to_owned())),
        ("from_headers", limits.from_headers.then(|| "true".to_owned())),
        ("from_429s", limits.from_429s.then(|| "true".to_owned())),
    ];
    let set = settings.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?)));
    Written::Map(set.map(|(key, text)| (key, Written::Plain(text))).collect())
}

fn rates(fields: &Fields<'_>, windows: &'static [&'static str]) -> Rates {
    let rpm = fields.count("rpm");
    let tpm = fields.count("tpm");
    let burst = fields.count("burst");
    let window = window(fields, windows).unwrap_or(WindowSpec::Gcra);
    if burst.is_some() {
        let problem = |message: &str, help: &str| {
            Problem::new(fields.key_span("burst"), message, "of no effect here").help(help)
        };
        if !matches!(window, WindowSpec::Gcra) {
            let help = "remove one of the two: the other windows have no burst";
            fields.problems.push(
                problem("`burst` belongs to `window: gcra`", help)
                    .related(fields.span_of("window"), "another window"),
            );
        } else if fields.get("rpm").is_none() {
            fields.problems.push(problem("`burst` without `rpm`", "add `rpm`, or remove `burst`"));
        }
    }
    Rates { rpm, tpm, burst, window }
}

fn window(fields: &Fields<'_>, windows: &'static [&'static str]) -> Option<WindowSpec> {
    let node = fields.get("window")?;
    let is_duration = matches!(&node.kind, NodeKind::Scalar(text)
        if text.starts_with(|c: char| c.is_ascii_digit() || c == '-'));
    if is_duration {
        let least = crate::schema::Least::AboveZero;
        return value::duration(node, least, fields.problems).map(WindowSpec::Slice);
    }
    match value::word(node, windows, fields.problems)? {
        "fixed" => Some(WindowSpec::Fixed),
        "sliding" => Some(WindowSpec::Sliding),
        "from_first" => Some(WindowSpec::FromFirst),
        _ => Some(WindowSpec::Gcra),
    }
}

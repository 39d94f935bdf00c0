//! How clients behave: how long they wait, and how the library that makes their calls tries again.

use super::checks::check_cap;
use crate::fields::Fields;
use crate::node::NodeKind;
use crate::schema::{Key, Schema, Section};
use crate::value;
use core::time::Duration;
use squall_workload::{ClientConfig, ClientJitter, ClientRetries, RetriedStatuses, Sdk};

/// A client.
pub(super) static CLIENT: Section = Section {
    id: "client",
    phrase: "a client",
    about: "Client behaviour. [CLIENTS.md](CLIENTS.md) has what each SDK does.",
    keys: &[&[
        Key::optional(
            "timeout",
            Schema::SPAN,
            "60s",
            "The client disconnects if the answer is not complete within this time, counted from the \
             intended send time, over all its calls.",
        ),
        Key::optional(
            "first_token",
            Schema::SPAN,
            "none",
            "The client disconnects if no token of the answer has arrived within this time, counted from the intended \
             send time, over all its calls. An answer that is not streamed arrives as a whole.",
        ),
        Key::optional(
            "call_timeout",
            Schema::SPAN,
            "that of the SDK, else none",
            "A call whose answer has not begun within this time has failed: the `timeout` of the official SDKs. The client \
             hangs up on it, and retries if it does.",
        ),
        Key::optional(
            "retries",
            RETRIES,
            "none",
            "How the client calls again by itself after a call that failed: the name of an official SDK, or settings.",
        ),
    ]],
};

/// Retries of a client.
const RETRIES: Schema = Schema::Either(&[Schema::Word(&NAMES), Schema::Section(&CLIENT_RETRIES)]);

static CLIENT_RETRIES: Section = Section {
    id: "client-retries",
    phrase: "retries of a client",
    about: "How a client calls again by itself. The settings replace those of the SDK.",
    keys: &[&[
        Key::optional(
            "sdk",
            Schema::Word(&NAMES),
            "openai-python",
            "The official SDK that it uses.",
        ),
        Key::optional(
            "max",
            Schema::Count(0, 100),
            "as the SDK: 2; google-genai 4",
            "Maximum number of calls after the first one of a request (`max_retries` of the SDKs).",
        ),
        Key::optional(
            "base",
            Schema::SPAN,
            "as the SDK: 500ms; google-genai 1s",
            "The first wait, without jitter. It doubles with each retry.",
        ),
        Key::optional(
            "cap",
            Schema::SPAN,
            "as the SDK: 8s; google-genai 60s",
            "The longest wait, without that of a Retry-After.",
        ),
        Key::optional(
            "jitter",
            Schema::Percent,
            "as the SDK: 25%; google-genai adds up to 1 s instead",
            "Up to this share of a wait is taken away at random.",
        ),
        Key::optional(
            "statuses",
            Schema::List(&Schema::Count(400, 599)),
            "as the SDK",
            "The HTTP statuses after which it calls again.",
        ),
        Key::optional(
            "honour_retry_after",
            Schema::Flag,
            "as the SDK: `true`; google-genai `false`",
            "Whether it waits as long as Retry-After asks for.",
        ),
    ]],
};

static NAMES: [&str; Sdk::ALL.len()] = {
    let mut names = [""; Sdk::ALL.len()];
    let mut place = 0;
    while place < names.len() {
        names[place] = Sdk::ALL[place].name;
        place += 1;
    }
    names
};

const TIMEOUT: Duration = Duration::from_secs(60);

/// Reads how the clients of a source behave.
pub(super) fn client(fields: &Fields<'_>) -> ClientConfig {
    let usual = ClientConfig::waiting(TIMEOUT);
    let Some(fields) = fields.section("client") else { return usual };
    let sdk_and_retries = retries(&fields);
    ClientConfig {
        timeout: fields.duration("timeout").unwrap_or(usual.timeout),
        first_token: fields.duration("first_token"),
        call_timeout: fields
            .duration("call_timeout")
            .or_else(|| sdk_and_retries.and_then(|(sdk, _)| sdk.call_timeout)),
        retries: sdk_and_retries.map(|(_, retries)| retries),
    }
}

/// The SDK, and its retries with what the file changes of them.
fn retries(fields: &Fields<'_>) -> Option<(&'static Sdk, ClientRetries)> {
    let node = fields.get("retries")?;
    if !matches!(node.kind, NodeKind::Map(_)) {
        let sdk = Sdk::named(value::word(node, &NAMES, fields.problems)?)?;
        return Some((sdk, sdk.retries));
    }
    let fields = Fields::open(node, &CLIENT_RETRIES, fields.problems)?;
    let sdk = Sdk::named(fields.word("sdk").unwrap_or(NAMES[0]))?;
    let mut retries = sdk.retries;
    let backoff = &mut retries.backoff;
    backoff.initial = fields.duration("base").unwrap_or(backoff.initial);
    let at_least = backoff.max.max(backoff.initial);
    backoff.max = fields.duration("cap").unwrap_or(at_least);
    check_cap(&fields, backoff.initial, backoff.max);
    if let Some(share) = fields.share("jitter") {
        backoff.jitter = ClientJitter::Less(share);
    }
    retries.max = fields.small_count("max").unwrap_or(retries.max);
    if fields.get("statuses").is_some() {
        let listed = fields.list("statuses").iter().filter_map(|node| {
            let status = value::count(node, 400, 599, fields.problems)?;
            u16::try_from(status).ok()
        });
        retries.statuses = RetriedStatuses::of(&listed.collect::<Vec<_>>());
    }
    match fields.flag("honour_retry_after") {
        Some(true) => {
            let usual = Sdk::ALL[0].retries.retry_after;
            retries.retry_after = retries.retry_after.or(usual);
        }
        Some(false) => retries.retry_after = None,
        None => {}
    }
    Some((sdk, retries))
}

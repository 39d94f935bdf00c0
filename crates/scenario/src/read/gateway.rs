//! Gateway files: `squall gateway --config FILE`.

use super::provider::{self, FORMAT};
use super::router::{self, Copies, Providers, ROUTER, Router};
use super::server::{self, SERVER};
use super::{Known, file};
use crate::diagnostic::{Diagnostics, Problem};
use crate::fields::Fields;
use crate::model::{ApiKey, GatewayFile, GatewayProvider, StreamUsage};
use crate::shape::{Key, Section, Shape};
use crate::unit::Misfit;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A gateway file.
pub(crate) static GATEWAY: Section = Section {
    id: "gateway",
    phrase: "a gateway file",
    about: "What `squall gateway` serves.",
    keys: &[&[
        Key::optional("listen", Shape::Address, "127.0.0.1:8080", "Where clients connect."),
        Key::optional(
            "server",
            Shape::Section(&SERVER),
            "its defaults",
            "Limits and time-outs towards clients.",
        ),
        Key::required(
            "providers",
            Shape::Named(&Shape::Section(&UPSTREAM)),
            "The providers, by name.",
        ),
        Key::required("router", Shape::Section(&ROUTER), "How requests are routed to them."),
        Key::optional(
            "max_answer_size",
            Shape::Bytes,
            "256MiB",
            "The largest answer: in one piece, as an error, of one event of a stream, and of all that comes \
             before its first token. A larger one fails at once, for good, and is not held against its \
             provider.",
        ),
    ]],
};

static UPSTREAM: Section = Section {
    id: "upstream",
    phrase: "an upstream provider",
    about: "A provider that the gateway calls.",
    keys: &[
        FORMAT,
        &[
            Key::required(
                "base_url",
                Shape::Url,
                "Its API up to the version: `https://api.openai.com/v1`, \
                 `https://NAME.openai.azure.com/openai`, `https://api.anthropic.com/v1`, \
                 `https://generativelanguage.googleapis.com/v1beta`. A query is said with every call.",
            ),
            Key::optional(
                "trusted",
                Shape::Text,
                "what the machine trusts",
                "For `https`: a file of certificates in PEM that are trusted instead, relative to this file.",
            ),
            Key::optional(
                "api_key",
                Shape::Secret,
                "none",
                "The key, or `$NAME` for the environment variable that holds it.",
            ),
            Key::optional(
                "stream_usage",
                Shape::Word(&STREAM_USAGES),
                "auto",
                "Whether its streams are asked to tell their usage, by `stream_options`: `auto` until it \
                 refuses, which costs nobody an attempt, `always`, or `never` unless the client asks.",
            ),
        ],
    ],
};

static STREAM_USAGES: [&str; 3] = ["auto", "always", "never"];

fn stream_usage(fields: &Fields<'_>) -> StreamUsage {
    match fields.word("stream_usage") {
        Some("always") => StreamUsage::Always,
        Some("never") => StreamUsage::Never,
        _ => StreamUsage::Auto,
    }
}

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

impl GatewayFile {
    /// Reads a gateway file from `text`; `path` is what diagnostics call it.
    ///
    /// # Errors
    /// All the problems of the file, each with its place.
    pub fn read(path: &str, text: &str) -> Result<Self, Diagnostics> {
        file(path, text, &GATEWAY, |fields| gateway(&fields))
    }
}

fn gateway(fields: &Fields<'_>) -> Option<GatewayFile> {
    let listen = address(fields, "listen").unwrap_or(LISTEN);
    let mut known = Providers { names: Known::new("provider"), copies: Vec::new() };
    let mut providers = Vec::new();
    for entry in fields.named("providers") {
        let first = u16::try_from(known.copies.len()).unwrap_or(u16::MAX);
        known.names.add(&entry.key, &entry.key_span, fields.problems);
        known.copies.push(Copies { first, count: 1 });
        let Some(upstream) = Fields::open(&entry.value, &UPSTREAM, fields.problems) else {
            continue;
        };
        let base_url = upstream.parsed("base_url", |shape| matches!(shape, Shape::Url), base_url);
        providers.push(GatewayProvider {
            name: entry.key.clone(),
            format: provider::format(&upstream),
            base_url: base_url.unwrap_or_default(),
            trusted: upstream.text("trusted").map(str::to_owned),
            api_key: upstream.parsed("api_key", |shape| matches!(shape, Shape::Secret), api_key),
            stream_usage: stream_usage(&upstream),
        });
    }
    let section = fields.section("router")?;
    let router = router::router(&section, &known);
    check(&section, &router);
    Some(GatewayFile {
        listen,
        server: server::server(fields),
        providers,
        router: router.in_force(),
        deployments: router.links,
        tenants: router.keys,
        tags: router.labels.tags,
        regions: router.labels.regions,
        max_answer_size: fields.bytes("max_answer_size"),
    })
}

/// What a gateway's router may not have.
fn check(fields: &Fields<'_>, router: &Router) {
    if fields.get("changes").is_some() {
        let message = "a gateway has no `changes`";
        let problem = Problem::new(fields.key_span("changes"), message, "of no effect here");
        let help = "change the file while the gateway runs: it is read again";
        fields.problems.push(problem.help(help));
    }
    let with = router.keys.iter().filter(|key| key.is_some()).count();
    if with > 0 && with < router.keys.len() {
        let message = "some tenants have a key and some have none";
        let problem = Problem::new(fields.key_span("tenants"), message, "all or none");
        let help =
            "with keys a tenant is known by its key, without them by what a request says of itself";
        fields.problems.push(problem.help(help));
    }
}

/// The address under `name`.
pub(crate) fn address(fields: &Fields<'_>, name: &str) -> Option<SocketAddr> {
    fields.parsed(
        name,
        |shape| matches!(shape, Shape::Address),
        |text| {
            text.parse().map_err(|_| {
                let message = format!("`{text}` is not an address");
                Misfit::new(message, "expected an address and a port such as `127.0.0.1:8080`")
            })
        },
    )
}

/// A URL without its last slash.
fn base_url(text: &str) -> Result<String, Misfit> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !rest.contains(' ') => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err(Misfit::new(
            format!("`{text}` is not a URL"),
            "expected a URL such as `http://127.0.0.1:8080/v1`",
        )),
    }
}

/// A key without the white space around it, which a file that holds it often ends with.
///
/// # Errors
/// Why it can be no key, as a sentence goes on after it; never with what it says.
pub fn check_key(text: &str) -> Result<&str, String> {
    let key = text.trim();
    if key.is_empty() {
        return Err("is empty".to_owned());
    }
    match key.chars().position(|c| !matches!(c, ' '..='~')) {
        None => Ok(key),
        Some(place) => Err(format!(
            "cannot be sent in a header: its character {} of {} is not one of ASCII's visible ones",
            place + 1,
            key.chars().count()
        )),
    }
}

pub(crate) fn api_key(text: &str) -> Result<ApiKey, Misfit> {
    let Some(name) = text.strip_prefix('$') else {
        let key =
            check_key(text).map_err(|why| Misfit::new(format!("this key {why}"), "no key"))?;
        return Ok(ApiKey::Literal(key.to_owned()));
    };
    let fits = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if fits {
        return Ok(ApiKey::Environment(name.to_owned()));
    }
    let message = format!("`{text}` is not the name of an environment variable");
    Err(Misfit::new(message, "expected `$` and a name such as `$OPENAI_API_KEY`"))
}

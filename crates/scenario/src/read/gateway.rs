//! Gateway files: `squall gateway --config FILE`.

use super::decision_log::DECISION_LOG;
use super::names::{Copies, Providers, RouterSection};
use super::provider::FORMATS;
use super::router::{self, ROUTER};
use super::secret::Secret;
use super::server::SERVER;
use super::shared_state::STORE_LINK;
use super::tls::TLS;
use super::{KnownNames, file};
use crate::diagnostic::{Diagnostics, Problem, Problems};
use crate::fields::Fields;
use crate::model::{GatewayFile, GatewayProvider, StoreLink};
use crate::node::Node;
use crate::schema::{Key, Schema, Section};
use crate::settings::{
    Address, Bytes, Count, In, Maybe, Required, Text, Told, ValueKind, Word, Written, settings,
    vocabulary,
};
use crate::unit::Misfit;
use crate::value;
use squall_router::RouterConfig;
use squall_wire::StreamUsage;

/// A gateway file.
pub(crate) static GATEWAY: Section = Section {
    id: "gateway",
    phrase: "a gateway file",
    about: "Configuration of `squall gateway`.",
    keys: &[
        SETTINGS.keys,
        &[
            Key::required(
                "providers",
                Schema::Named(&Schema::Section(&UPSTREAM.section)),
                "Providers by name.",
            ),
            Key::required("router", Schema::Section(&ROUTER), "How requests are routed."),
        ],
    ],
};

settings! {
    /// The settings of a gateway beside its providers and its router.
    pub(crate) static SETTINGS: GatewayFile;
    /// Listen address.
    listen: Address;
    /// Limits and time-outs for client connections.
    server: Told(In(&SERVER), "as below");
    /// TLS for client connections.
    tls: Maybe(In(&TLS), "none: plain HTTP");
    /// The store through which this gateway shares state with its replicas.
    shared_state: Maybe(In(&STORE_LINK), "none");
    /// How many requests that have ended the admin API can list and explain (`--admin`); 0 keeps none. At most 64 MiB are
    /// used, of which the oldest go first.
    recent_requests: Count::<usize>::between(0, 100_000);
    /// A line in JSON for each request of a sample, and for each that failed: what was decided about it, and why.
    decision_log: Maybe(In(&DECISION_LOG), "none");
    /// Maximum size of an answer: of a whole body, an error body, one event of a stream, and everything
    /// before its first token. A larger answer fails immediately without retry and does not count as a
    /// failure of its provider.
    max_answer_size: Bytes;
}

settings! {
    /// A provider of a gateway.
    pub(crate) static UPSTREAM: GatewayProvider =
        ("upstream", "an upstream provider", "An upstream provider.");
    /// Wire format.
    format: Word(&FORMATS);
    /// Base URL of the API, including the version: `https://api.openai.com/v1`,
    /// `https://NAME.openai.azure.com/openai`, `https://api.anthropic.com/v1`,
    /// `https://generativelanguage.googleapis.com/v1beta`. A query string is sent with every call. `$NAME` at
    /// its start stands for an environment variable: `$AZURE_API_BASE/openai`.
    base_url: Required(BaseUrl);
    /// For `https`: a PEM file of trusted root certificates, relative to this file.
    trusted: Maybe(Text, "the system's roots");
    /// The API key, or `$NAME` for the environment variable that holds it.
    api_key: Secret;
    /// Whether streams request usage by `stream_options`: `auto`, until the provider rejects the option,
    /// which costs no attempt; `always`; or `never`, unless the client asks.
    stream_usage: Word(&STREAM_USAGES);
}

vocabulary! {
    static STREAM_USAGES: StreamUsage =
        "auto" => StreamUsage::Auto,
        "always" => StreamUsage::Always,
        "never" => StreamUsage::Never,
    ;
}

/// A URL without its last slash.
struct BaseUrl;

impl ValueKind for BaseUrl {
    type Value = String;

    fn shape(&self) -> Schema {
        Schema::Url
    }

    fn read(&self, node: &Node, _: &String, problems: &Problems) -> Option<String> {
        value::parsed(node, &Schema::Url, problems, base_url)
    }

    fn write(&self, url: &String) -> Written {
        Written::text(url)
    }
}

impl GatewayFile {
    /// Reads a gateway file from `text`; `path` is what diagnostics call it.
    ///
    /// # Errors
    /// All the problems of the file, each with its place.
    pub fn read(path: &str, text: &str) -> Result<Self, Diagnostics> {
        file(path, text, &GATEWAY, |fields| gateway(&fields))
    }
}

pub(super) fn gateway(fields: &Fields<'_>) -> Option<GatewayFile> {
    let mut file = GatewayFile::default();
    SETTINGS.read(fields, &mut file);
    let mut known = Providers { names: KnownNames::new("provider"), copies: Vec::new() };
    let mut providers = Vec::new();
    for entry in fields.named("providers") {
        let first = u16::try_from(known.copies.len()).unwrap_or(u16::MAX);
        known.names.add(&entry.key, &entry.key_span, fields.problems);
        known.copies.push(Copies { first, count: 1 });
        let Some(upstream) = Fields::open(&entry.value, &UPSTREAM.section, fields.problems) else {
            continue;
        };
        let named = GatewayProvider { name: entry.key.clone(), ..GatewayProvider::default() };
        providers.push(UPSTREAM.read(&upstream, &named));
    }
    let section = fields.section("router")?;
    let router = router::router(&section, &known);
    check(&section, &router);
    let shared = file.shared_state.as_ref().map(StoreLink::replica);
    Some(GatewayFile {
        providers,
        router: RouterConfig { shared, ..router.in_force() },
        before_profile: router.before_profile(),
        deployments: router.links,
        tenants: router.keys,
        tags: router.labels.tags,
        regions: router.labels.regions,
        budgets: router.labels.budgets.iter().map(str::to_owned).collect(),
        ..file
    })
}

/// What a gateway's router may not have.
fn check(fields: &Fields<'_>, router: &RouterSection) {
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
        let help = "tenants are identified by key; without keys, by a header of the request";
        fields.problems.push(problem.help(help));
    }
}

/// A URL without its last slash, or what begins with a variable that holds one.
fn base_url(text: &str) -> Result<String, Misfit> {
    if let Some((name, path)) = variable_of_url(text) {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_variable = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if is_variable && name.chars().all(fits) && !path.contains(' ') {
            return Ok(text.trim_end_matches('/').to_owned());
        }
    }
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

/// The variable that a base URL begins with, and what follows it: `$AZURE_API_BASE/openai`.
#[must_use]
pub fn variable_of_url(base_url: &str) -> Option<(&str, &str)> {
    let rest = base_url.strip_prefix('$')?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    Some(rest.split_at(end))
}

//! Mock files: `squall mock --config FILE`.

use super::KnownNames;
use super::fault::{self, SHARED};
use super::file;
use super::latency::LATENCY;
use super::provider::{self, BEHAVIOUR, FORMAT};
use crate::diagnostic::{Diagnostics, Problem};
use crate::fields::Fields;
use crate::model::{MockFile, MockProviderConfig};
use crate::node::NodeKind;
use crate::schema::{Key, Schema, Section};
use crate::settings::{Address, ValueKind};
use crate::value;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use squall_determinism::Seed;

/// A mock file.
pub(crate) static MOCK: Section = Section {
    id: "mock",
    phrase: "a mock file",
    about: "Configuration of `squall mock`.",
    keys: &[&[
        Key::optional("seed", Schema::Count(0, u64::MAX), "1", "The seed of all random streams."),
        Key::required(
            "providers",
            Schema::Named(&Schema::Section(&LISTENER)),
            "Mock providers by name.",
        ),
        Key::optional(
            "faults",
            Schema::List(&SHARED_FAULT),
            "none",
            "Faults that affect several providers at once.",
        ),
    ]],
};

static SHARED_FAULT: Schema = Schema::Section(&SHARED);

static LISTENER: Section = Section {
    id: "listener",
    phrase: "a mock provider",
    about: "A mock provider with its own address. Fault times count from its start.",
    keys: &[
        FORMAT,
        LATENCY,
        BEHAVIOUR,
        &[
            Key::optional(
                "listen",
                Schema::Address,
                "127.0.0.1:0",
                "Listen address; port 0 selects a free port.",
            ),
            Key::optional(
                "models",
                Schema::List(&Schema::Text),
                "its own name; every model is served",
                "The models it lists. Requests for other models get the vendor's 404.",
            ),
            Key::optional(
                "max_output_tokens",
                Schema::COUNT,
                "no limit",
                "Upper bound for `max_tokens` in requests; a higher value gets the vendor's 400.",
            ),
            Key::optional(
                "strict",
                Schema::Flag,
                "false",
                "Whether unknown request fields get the vendor's 400.",
            ),
        ],
    ],
};

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

impl MockFile {
    /// Reads a mock file from `text`; `path` is what diagnostics call it.
    ///
    /// # Errors
    /// All the problems of the file, each with its place.
    pub fn read(path: &str, text: &str) -> Result<Self, Diagnostics> {
        file(path, text, &MOCK, |fields| mock(&fields))
    }
}

fn mock(fields: &Fields<'_>) -> Option<MockFile> {
    let seed = Seed::new(fields.count("seed").unwrap_or(1));
    let mut providers: Vec<MockProviderConfig> = Vec::new();
    let mut names = KnownNames::new("provider");
    for entry in fields.named("providers") {
        names.add(&entry.key, &entry.key_span, fields.problems);
    }
    let shared = fault::shared(fields, &names, None);
    for entry in fields.named("providers") {
        let Some(opened) = Fields::open(&entry.value, &LISTENER, fields.problems) else {
            continue;
        };
        let listen = opened
            .get("listen")
            .and_then(|node| Address.read(node, &LISTEN, opened.problems))
            .unwrap_or(LISTEN);
        let taken = providers.iter().find(|other| other.listen == listen && listen.port() != 0);
        if let Some(other) = taken {
            let message = format!("`{}` listens at {listen} already", other.name);
            let problem = Problem::new(opened.span_of("listen"), message, "taken");
            fields.problems.push(problem.help("give each provider a port of its own"));
        }
        providers.push(MockProviderConfig {
            name: entry.key.clone(),
            format: provider::format(&opened),
            config: provider::behaviour(&opened, None, &shared.of(&names, &entry.key))
                .drawn(seed, providers.len() as u64),
            listen,
            models: opened
                .list("models")
                .iter()
                .filter_map(|node| value::scalar(node, &Schema::Text, fields.problems))
                .map(str::to_owned)
                .collect(),
            max_output_tokens: opened.small_count("max_output_tokens"),
            strict: opened.flag("strict").unwrap_or(false),
        });
    }
    if providers.is_empty()
        && fields
            .get("providers")
            .is_some_and(|node| matches!(&node.kind, NodeKind::Map(entries) if entries.is_empty()))
    {
        let message = "a mock file needs at least one provider";
        let span = fields.span_of("providers");
        fields.problems.push(Problem::new(span, message, "no provider here"));
    }
    Some(MockFile { seed, providers })
}

//! Whole scenarios.

use super::fault::{self, SHARED};
use super::gateway_cost::{self, GATEWAY_COST};
use super::latency::LATENCY;
use super::litellm::{self, LoadFile};
use super::names::{Copies, Providers, RouterSection, copy_name};
use super::provider::{self, BEHAVIOUR, FORMAT};
use super::router::{self, ROUTER};
use super::sources::{self, SOURCES};
use super::target::{self, TARGET};
use super::{KnownNames, change, phases, replicas, start, warm_up};
use crate::compose;
use crate::diagnostic::Problem;
use crate::expectation::{self, EXPECTATION_ITEM, ScopeNames};
use crate::fields::Fields;
use crate::model::{Scenario, ScenarioProvider};
use crate::node::NodeKind;
use crate::schema::{Key, Schema, Section};
use crate::settings::{Address, ValueKind as _};
use core::time::Duration;
use squall_determinism::Seed;
use squall_router::RouterConfig;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

/// A scenario.
pub(crate) static SCENARIO: Section = Section {
    id: "scenario",
    phrase: "a scenario",
    about: "A test plan: traffic, providers, faults, the router, phases and expectations.",
    keys: &[
        &[
            Key::required(
                "name",
                Schema::FolderName,
                "Its name, also of the folder with its reports.",
            ),
            Key::optional(
                "description",
                Schema::Text,
                "none",
                "Its purpose, in a sentence or two.",
            ),
            Key::optional(
                "seed",
                Schema::Count(0, u64::MAX),
                "1",
                "The seed of all random streams.",
            ),
            Key::optional(
                "duration",
                Schema::SPAN,
                "the end of the last phase",
                "How long traffic lasts.",
            ),
            Key::optional(
                "phases",
                Schema::Named(&Schema::Stretch),
                "none",
                "Named time ranges of the run, for expectations and charts. They may have gaps but \
             not overlap.",
            ),
            Key::optional(
                "start",
                Schema::Moment,
                "2026-01-01T00:00Z",
                "The wall time at which the run begins, by RFC 3339 with its offset from UTC. Minutes, days and months of \
             limits and budgets are those of the calendar.",
            ),
            Key::optional(
                "warm_up",
                Schema::DURATION,
                "0s",
                "How much of the start of the run no metric counts: requests and attempts that begin in it. Everything \
             else keeps its times.",
            ),
            Key::required(
                "traffic",
                SOURCES,
                "The client traffic: of one source, or a list of sources.",
            ),
            Key::required(
                "providers",
                Schema::Named(&Schema::Section(&PROVIDER)),
                "Mock providers by name.",
            ),
            Key::optional(
                "faults",
                Schema::List(&SHARED_FAULT),
                "none",
                "Faults that affect several providers at once.",
            ),
            Key::required("router", Schema::Section(&ROUTER), "The router under test."),
            Key::optional(
                "gateway",
                Schema::Section(&GATEWAY_COST),
                "nothing",
                "Replicas of the gateway, and its CPU cost, in virtual time.",
            ),
            Key::optional(
                "target",
                Schema::Section(&TARGET.section),
                "the built-in gateway",
                "The gateway to test in live runs.",
            ),
            Key::optional(
                "expect",
                Schema::List(&EXPECTATION_ITEM),
                "none",
                "SLOs to meet: `[pN of] metric(argument) [over seeds] op value [during phase]`.",
            ),
            Key::optional(
                "abort_when",
                Schema::Text,
                "never",
                "Ends the traffic early: `error_rate > 20% for 10s`, if more than a fifth of the requests that end \
             fails in every one of ten seconds. Requests under way then end, and the verdict is inconclusive.",
            ),
        ],
        &compose::TABLE,
    ],
};

static SHARED_FAULT: Schema = Schema::Section(&SHARED);

static PROVIDER: Section = Section {
    id: "provider",
    phrase: "a provider",
    about: "A mock provider: its latency, limits and faults.",
    keys: &[
        FORMAT,
        LATENCY,
        BEHAVIOUR,
        &[Key::optional(
            "replicas",
            Schema::Count(1, 1000),
            "1",
            "Replicates the provider and every deployment that uses it: `eu` becomes `eu-1` to \
             `eu-N`, each with the full weight.",
        )],
        &[Key::optional(
            "listen",
            Schema::Address,
            "127.0.0.1 and a free port",
            "Listen address in live runs, for a target that is running already.",
        )],
    ],
};

/// Where a provider listens that has no place of its own.
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The seed of a scenario that names none.
const SEED: u64 = 1;

/// Reads a scenario. `load` gives the texts of the files that it names, and `folder` is where they are, if anywhere.
pub(super) fn scenario(
    fields: &Fields<'_>,
    text: &str,
    load: LoadFile<'_>,
    folder: Option<&Path>,
) -> Option<Scenario> {
    let (phases, run) = phases::phases(fields);
    let (providers, known) = providers(fields, run);
    let section = fields.section("router");
    let (mut router, text) = routed(section, &known, text, load);
    let first = router.in_force();
    let before_profile = router.before_profile();
    let changes = section
        .map(|fields| change::changes(&fields, run, &known, &mut router))
        .unwrap_or_default();
    if let Some(section) = section {
        check_keys(&section, &router);
    }
    check_targets(fields, &known, &router);
    let gateway_target = target::of_scenario(fields, &providers);
    let traffic = sources::sources(fields, run, folder, &router);
    let names = ScopeNames {
        groups: &router.groups,
        deployments: &router.deployments,
        kinds: &traffic.names(),
        phases: &phases,
        warm_up: warm_up::warm_up(fields, run),
    };
    let warm_up = names.warm_up;
    let expectations = fields
        .list("expect")
        .iter()
        .filter_map(|node| expectation::read_item(node, &names, fields.problems))
        .collect();
    let name = fields.name("name").map(str::to_owned);
    let description = fields.text("description").map(str::to_owned);
    let seed = Seed::new(fields.count("seed").unwrap_or(SEED));
    let gateway_cost = gateway_cost::gateway_cost(fields);
    let gateway_replicas = replicas::replicas(fields);
    let workload = traffic.workload(fields, run);
    let mut scenario = Scenario {
        name: name?,
        description,
        seed,
        start: start::start(fields, run),
        duration: run?,
        warm_up,
        phases,
        workload,
        target: traffic.target()?,
        providers,
        sources: traffic.sources,
        kinds: traffic.kinds,
        router: RouterConfig { spend_budgets: router.labels.spend_budgets, ..first },
        before_profile,
        budgets: router.labels.budgets.iter().map(str::to_owned).collect(),
        changes,
        deployments: router.links,
        tags: router.labels.tags,
        regions: router.labels.regions,
        gateway_cost,
        gateway_replicas,
        gateway_target,
        expectations,
        text,
    };
    scenario.set_seed(seed);
    scenario.share_state();
    Some(scenario)
}

/// The router, and the text that the scenario can be read from again.
fn routed(
    section: Option<Fields<'_>>,
    known: &Providers,
    text: &str,
    load: LoadFile<'_>,
) -> (RouterSection, String) {
    let Some(section) = section else { return (RouterSection::empty(), text.to_owned()) };
    if section.get("litellm").is_none() {
        return (router::router(&section, known), text.to_owned());
    }
    match litellm::router(&section, known, load) {
        Some(loaded) => (loaded.router, litellm::embed(text, &loaded.text)),
        None => (RouterSection::empty(), text.to_owned()),
    }
}

/// Keys of tenants are for gateways: here they would do nothing.
fn check_keys(fields: &Fields<'_>, router: &RouterSection) {
    if router.keys.iter().any(Option::is_some) {
        let message = "a tenant of a scenario has no `key`";
        let problem = Problem::new(fields.key_span("tenants"), message, "of no effect here");
        fields
            .problems
            .push(problem.help("requests name their tenant: `mix: { kind: { tenant: … } }`"));
    }
}

/// A fault that hits a model or a key that no deployment of its provider has would hit nobody.
fn check_targets(fields: &Fields<'_>, known: &Providers, router: &RouterSection) {
    for entry in fields.named("providers") {
        let Some(place) = known.names.position(&entry.key) else { continue };
        let Copies { first, count } = known.copies[place];
        let links =
            router.links.iter().filter(|link| (first..first + count).contains(&link.provider));
        let links: Vec<_> = links.collect();
        let Some(provider) = Fields::reopen(&entry.value, &PROVIDER, fields.problems) else {
            continue;
        };
        for fault in provider.sections("faults") {
            let hits = |key: &str, names: Vec<&str>| {
                let Some(wanted) = fault.text(key).filter(|wanted| !names.contains(wanted)) else {
                    return;
                };
                let message = format!("no deployment of `{}` has the {key} `{wanted}`", entry.key);
                let problem =
                    Problem::new(fault.span_of(key), message, "the fault would have no effect");
                let known = (!names.is_empty()).then(|| format!("it has {}", names.join(", ")));
                fields.problems.push(problem.maybe_help(known));
            };
            hits("model", links.iter().map(|link| link.model.as_str()).collect());
            hits("key", links.iter().filter_map(|link| link.key.as_deref()).collect());
        }
    }
}

/// Where a provider listens that has a place of its own.
fn listen(fields: &Fields<'_>, copies: u16, others: &[ScenarioProvider]) -> Option<SocketAddr> {
    let node = fields.get("listen")?;
    let listen = Address.read(node, &ANY_PORT, fields.problems)?;
    let refuse = |message: String, label: &str| {
        fields.problems.push(Problem::new(&node.span, message, label));
    };
    if copies > 1 {
        refuse(format!("{copies} replicas cannot listen at one address"), "one address for all");
    }
    let is_taken = |other: &&ScenarioProvider| other.listen == Some(listen) && listen.port() != 0;
    if let Some(other) = others.iter().find(is_taken) {
        refuse(format!("`{}` listens at {listen} already", other.name), "taken");
    }
    Some(listen)
}

/// The providers, copies written out, and what deployments may name.
fn providers(fields: &Fields<'_>, run: Option<Duration>) -> (Vec<ScenarioProvider>, Providers) {
    let mut providers: Vec<ScenarioProvider> = Vec::new();
    let mut names = KnownNames::new("provider");
    let mut copies = Vec::new();
    let mut taken = KnownNames::new("provider");
    for entry in fields.named("providers") {
        names.add(&entry.key, &entry.key_span, fields.problems);
    }
    let shared = fault::shared(fields, &names, run);
    for entry in fields.named("providers") {
        let opened = Fields::open(&entry.value, &PROVIDER, fields.problems);
        let count = opened.and_then(|fields| fields.count("replicas")).unwrap_or(1);
        let count = u16::try_from(count).unwrap_or(1);
        copies.push(Copies { first: u16::try_from(providers.len()).unwrap_or(u16::MAX), count });
        let Some(opened) = opened else { continue };
        let format = provider::format(&opened);
        let written = provider::behaviour(&opened, run, &shared.of(&names, &entry.key));
        let listen = listen(&opened, count, &providers);
        for copy in 0..count {
            let name = copy_name(&entry.key, count, copy);
            taken.add(&name, &entry.key_span, fields.problems);
            providers.push(ScenarioProvider {
                name,
                format,
                config: written.clone(),
                written: written.clone(),
                listen,
            });
        }
    }
    if copies.is_empty()
        && fields.get("providers").is_some_and(|node| matches!(node.kind, NodeKind::Map(_)))
    {
        let message = "a scenario needs at least one provider";
        let span = fields.span_of("providers");
        fields.problems.push(Problem::new(span, message, "no provider here"));
    }
    if providers.len() > usize::from(u16::MAX) {
        let message = "more than 65535 providers, replicas written out";
        fields.problems.push(Problem::new(fields.key_span("providers"), message, "too many"));
    }
    (providers, Providers { names, copies })
}

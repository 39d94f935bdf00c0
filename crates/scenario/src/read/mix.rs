//! The mix of traffic: kinds of requests, and what each asks for.

use super::deployment::features;
use super::distribution::{self, TOKEN_LAW};
use super::names::RouterSection;
use super::{KnownNames, fallback};
use crate::diagnostic::{Problem, suggestion};
use crate::fields::Fields;
use crate::model::RequestKind;
use crate::node::NodeKind;
use crate::schema::{Key, Schema, Section};
use crate::{unit, value};
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_router::{
    FallbackChoice, Features, GroupId, GroupList, Overrides, RegionId, Tags, TenantId,
};
use squall_workload::{KindConfig, Shift};

/// A kind of request.
pub(crate) static KIND: Section = Section {
    id: "request-kind",
    phrase: "a kind of request",
    about: "A kind of request: how many are of it, and what they ask for.",
    keys: &[
        &[
            Key::required(
                "share",
                Schema::Percent,
                "How many requests are of it; all together 100%.",
            ),
            Key::optional(
                "group",
                Schema::Reference("group"),
                "that of the traffic",
                "The model group that they ask for.",
            ),
            Key::optional(
                "priority",
                Schema::Count(0, 255),
                "0",
                "Their rank when requests wait: 0 before 1.",
            ),
            Key::optional("tenant", Schema::Reference("tenant"), "none", "Who asks."),
            Key::optional("tags", Schema::List(&Schema::Reference("tag")), "none", "Their tags."),
            Key::optional(
                "features",
                Schema::List(&Schema::Word(&Features::WORDS)),
                "none",
                "What they need of a model.",
            ),
            Key::optional(
                "region",
                Schema::Reference("region"),
                "any",
                "Where they must be served.",
            ),
            Key::optional(
                "sessions",
                Schema::Count(0, 1_000_000),
                "0",
                "How many sessions they belong to, one of which is drawn for each; 0 for none.",
            ),
        ],
        &[
            Key::optional(
                "retries",
                Schema::Count(0, 100),
                "as configured",
                "Retries that they ask for.",
            ),
            Key::optional(
                "timeout",
                Schema::SPAN,
                "as configured",
                "How long an attempt of theirs may take, a stream's first token included.",
            ),
            Key::optional(
                "fallback",
                Schema::Either(&[Schema::Word(NONE), Schema::List(&Schema::Reference("group"))]),
                "as configured",
                "Where they may fall back to: `none`, or these groups, at most six.",
            ),
        ],
        &[
            Key::optional("prompt_tokens", TOKEN_LAW, "as for all", "Tokens of their prompts."),
            Key::optional("output_tokens", TOKEN_LAW, "as for all", "Tokens of their answers."),
            Key::optional(
                "stream",
                Schema::Percent,
                "as for all",
                "How many of them ask for a stream.",
            ),
        ],
    ],
};

const NONE: &[&str] = &["none"];

/// Other shares of the mix from some time on.
pub(crate) static SHIFT: Section = Section {
    id: "shift",
    phrase: "a shift",
    about: "Other shares of the kinds of a mix from some time on: a rollout in steps, or its way back.",
    keys: &[&[
        Key::required("at", Schema::SPAN, "From when, by the time at which a user asks."),
        Key::required(
            "mix",
            Schema::Named(&Schema::Percent),
            "The share of each kind from then on; one that is left out has none.",
        ),
    ]],
};

/// The shifts of a mix of these kinds, each within the run and after the one before.
pub(crate) fn shifts(
    fields: &Fields<'_>,
    kinds: &[RequestKind],
    run: Option<Duration>,
) -> Vec<Shift> {
    let mut shifts: Vec<Shift> = Vec::new();
    for shift in fields.sections("shifts") {
        let Some(at) = shift.time("at") else { continue };
        let place = shift.span_of("at");
        if run.is_some_and(|run| at >= Timestamp::from(run)) {
            let problem =
                Problem::new(place, "the shift comes after the run has ended", "too late");
            fields.problems.push(problem);
        }
        if shifts.last().is_some_and(|before| at <= before.at) {
            let message = "shifts are in the order of time";
            fields.problems.push(Problem::new(place, message, "not later than the one before"));
        }
        let mut weights = vec![0; kinds.len()];
        for entry in shift.named("mix") {
            let Some(share) =
                value::parsed(&entry.value, &Schema::Percent, fields.problems, unit::share)
            else {
                continue;
            };
            match kinds.iter().position(|kind| kind.name == entry.key) {
                Some(kind) => weights[kind] = share.ppm(),
                None => {
                    let message = format!("the mix has no kind `{}`", entry.key);
                    let help = suggestion(&entry.key, kinds.iter().map(|kind| kind.name.as_str()));
                    let problem = Problem::new(&entry.key_span, message, "not defined");
                    fields.problems.push(problem.maybe_help(help));
                }
            }
        }
        let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        if sum != 1_000_000 && fields.problems.is_empty() {
            let message = format!("the shares of the shift add up to {}%", sum as f64 / 10_000.0);
            fields.problems.push(Problem::new(shift.key_span("mix"), message, "expected 100%"));
        }
        shifts.push(Shift { at, weights });
    }
    shifts
}

/// The kinds under `mix`, for traffic that asks for `target`: who they are, and how many. Without a mix
/// one that asks for nothing.
pub(crate) fn mix(
    fields: &Fields<'_>,
    target: GroupId,
    router: &RouterSection,
) -> (Vec<RequestKind>, Vec<KindConfig>) {
    let mut kinds = Vec::new();
    let mut configs = Vec::new();
    for entry in fields.named("mix") {
        let Some(kind) = Fields::open(&entry.value, &KIND, fields.problems) else { continue };
        kinds.push(read_kind(&kind, &entry.key, target, router));
        configs.push(KindConfig {
            weight: kind.share("share").unwrap_or_default().ppm(),
            prompt_tokens: distribution::tokens(&kind, "prompt_tokens"),
            output_tokens: distribution::tokens(&kind, "output_tokens"),
            stream: kind.share("stream"),
            sessions: kind.small_count("sessions").unwrap_or(0),
        });
    }
    if kinds.is_empty() {
        let name = router.groups.iter().nth(target.index()).unwrap_or_default();
        return (vec![plain(name, target)], Vec::new());
    }
    let sum: u64 = configs.iter().map(|config| u64::from(config.weight)).sum();
    if sum != 1_000_000 && fields.problems.is_empty() {
        let message = format!("the shares of the mix add up to {}%", sum as f64 / 10_000.0);
        fields.problems.push(Problem::new(fields.key_span("mix"), message, "expected 100%"));
    }
    (kinds, configs)
}

fn plain(name: &str, group: GroupId) -> RequestKind {
    RequestKind {
        name: name.to_owned(),
        group,
        priority: 0,
        tenant: None,
        tags: Tags::NONE,
        features: Features::NONE,
        region: None,
        overrides: Overrides::default(),
    }
}

fn read_kind(
    fields: &Fields<'_>,
    name: &str,
    target: GroupId,
    router: &RouterSection,
) -> RequestKind {
    let group = fields.get("group").and_then(|node| fallback::group(fields, node, &router.groups));
    let tenant = fields.text("tenant").and_then(|tenant| {
        if router.tenants.iter().next().is_none() {
            let message = format!("no tenant is called `{tenant}`");
            let problem = Problem::new(fields.span_of("tenant"), message, "not defined");
            fields.problems.push(problem.help("add `tenants` to the router"));
        }
        let place = router.tenants.find(tenant, fields.span_of("tenant"), fields.problems)?;
        u16::try_from(place).ok().map(TenantId)
    });
    let retries = fields.count("retries").and_then(|retries| u16::try_from(retries).ok());
    RequestKind {
        group: group.unwrap_or(target),
        priority: fields.count("priority").and_then(|rank| u8::try_from(rank).ok()).unwrap_or(0),
        tenant,
        tags: tags(fields, &router.labels.tags),
        features: features(fields).unwrap_or(Features::NONE),
        region: region(fields, &router.labels.regions),
        overrides: Overrides {
            retries,
            timeout: fields.duration("timeout"),
            fallbacks: fallback_choice(fields, &router.groups),
        },
        ..plain(name, target)
    }
}

fn fallback_choice(fields: &Fields<'_>, groups: &KnownNames) -> FallbackChoice {
    let Some(node) = fields.get("fallback") else { return FallbackChoice::Configured };
    let NodeKind::List(items) = &node.kind else {
        value::word(node, NONE, fields.problems);
        return FallbackChoice::None;
    };
    if items.len() > GroupList::MAX {
        let message = format!("a request may ask for {} fallbacks at most", GroupList::MAX);
        fields.problems.push(Problem::new(&node.span, message, "too many"));
    }
    let named = items.iter().filter_map(|item| fallback::group(fields, item, groups));
    FallbackChoice::These(GroupList::new(named))
}

/// Tags that some deployment has: another would silently choose nothing.
fn tags(fields: &Fields<'_>, known: &[String]) -> Tags {
    let mut tags = Tags::NONE;
    for node in fields.list("tags") {
        let Some(name) = value::scalar(node, &Schema::Reference("tag"), fields.problems) else {
            continue;
        };
        match known.iter().position(|tag| tag == name) {
            Some(place) => tags.0 |= 1 << place,
            None => {
                let message = format!("no deployment has the tag `{name}`");
                let help = suggestion(name, known.iter().map(String::as_str));
                let problem = Problem::new(&node.span, message, "not defined");
                fields.problems.push(problem.maybe_help(help));
            }
        }
    }
    tags
}

fn region(fields: &Fields<'_>, known: &[String]) -> Option<RegionId> {
    let name = fields.text("region")?;
    let place = known.iter().position(|region| region == name);
    if place.is_none() {
        let message = format!("no deployment is in region `{name}`");
        let help = suggestion(name, known.iter().map(String::as_str));
        let problem = Problem::new(fields.span_of("region"), message, "not defined");
        fields.problems.push(problem.maybe_help(help));
    }
    place.and_then(|place| u8::try_from(place).ok()).map(RegionId)
}

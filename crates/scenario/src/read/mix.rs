//! The mix of traffic: kinds of requests, and what each asks for.

use super::deployment::features;
use super::distribution::{self, TOKEN_DISTRIBUTION};
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
    about: "A kind of request.",
    keys: &[
        &[
            Key::required(
                "share",
                Schema::Percent,
                "Its share of the requests. The shares add up to 100%.",
            ),
            Key::optional(
                "group",
                Schema::Reference("group"),
                "the traffic's",
                "The model group that it requests.",
            ),
            Key::optional(
                "sessions",
                Schema::Count(0, 1_000_000),
                "0",
                "Number of sessions, one of which is drawn per request; 0 for none.",
            ),
        ],
        OWN_LABELS,
        &[
            Key::optional(
                "retries",
                Schema::Count(0, 100),
                "as configured",
                "Requested number of retries.",
            ),
            Key::optional(
                "timeout",
                Schema::SPAN,
                "as configured",
                "Requested time-out of an attempt, which also bounds the first token of a stream.",
            ),
            Key::optional(
                "fallback",
                Schema::Either(&[Schema::Word(NONE), Schema::List(&Schema::Reference("group"))]),
                "as configured",
                "Requested fallbacks: `none`, or up to six groups.",
            ),
        ],
        &[
            Key::optional("prompt_tokens", TOKEN_DISTRIBUTION, "as for all", "Prompt tokens."),
            Key::optional("output_tokens", TOKEN_DISTRIBUTION, "as for all", "Output tokens."),
            Key::optional("stream", Schema::Percent, "as for all", "Share that asks for a stream."),
        ],
    ],
};

/// What all requests of a source say of themselves, unless its mix says otherwise.
pub(crate) const LABELS: &[Key] = &labels(["0", "none", "none", "none", "any"]);
const OWN_LABELS: &[Key] = &labels(["the traffic's"; 5]);

const fn labels(defaults: [&'static str; 5]) -> [Key; 5] {
    let [priority, tenant, tags, features, region] = defaults;
    [
        Key::optional(
            "priority",
            Schema::Count(0, 255),
            priority,
            "Priority in the queue; 0 is served before 1.",
        ),
        Key::optional("tenant", Schema::Reference("tenant"), tenant, "Its tenant."),
        Key::optional("tags", Schema::List(&Schema::Reference("tag")), tags, "Its tags."),
        Key::optional(
            "features",
            Schema::List(&Schema::Word(&Features::WORDS)),
            features,
            "Required model features.",
        ),
        Key::optional("region", Schema::Reference("region"), region, "Required region."),
    ]
}

const NONE: &[&str] = &["none"];

/// Other shares of the mix from some time on.
pub(crate) static SHIFT: Section = Section {
    id: "shift",
    phrase: "a shift",
    about: "New shares of the mix from a point in time: a rollout step, or a rollback.",
    keys: &[&[
        Key::required("at", Schema::SPAN, "Start, by the intended send time of requests."),
        Key::required(
            "mix",
            Schema::Named(&Schema::Percent),
            "The new share of each kind; kinds that are left out get none.",
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
            let message = "shifts must be in chronological order";
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
/// one, called `name`.
pub(crate) fn mix(
    fields: &Fields<'_>,
    name: &str,
    target: GroupId,
    router: &RouterSection,
) -> (Vec<RequestKind>, Vec<KindConfig>) {
    let mut kinds = Vec::new();
    let mut configs = Vec::new();
    let all = labelled(fields, plain(name, target), router);
    for entry in fields.named("mix") {
        let Some(kind) = Fields::open(&entry.value, &KIND, fields.problems) else { continue };
        let usual = RequestKind { name: entry.key.clone(), ..all.clone() };
        kinds.push(read_kind(&kind, usual, router));
        configs.push(KindConfig {
            weight: kind.share("share").unwrap_or_default().ppm(),
            prompt_tokens: distribution::tokens(&kind, "prompt_tokens"),
            output_tokens: distribution::tokens(&kind, "output_tokens"),
            stream: kind.share("stream"),
            sessions: kind.small_count("sessions").unwrap_or(0),
        });
    }
    if kinds.is_empty() {
        return (vec![all], Vec::new());
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

/// A kind that is like `usual` where `fields` do not say otherwise.
fn read_kind(fields: &Fields<'_>, usual: RequestKind, router: &RouterSection) -> RequestKind {
    let group = fields.get("group").and_then(|node| fallback::group(fields, node, &router.groups));
    let retries = fields.count("retries").and_then(|retries| u16::try_from(retries).ok());
    let kind = labelled(fields, usual, router);
    RequestKind {
        group: group.unwrap_or(kind.group),
        overrides: Overrides {
            retries,
            timeout: fields.duration("timeout"),
            fallbacks: fallback_choice(fields, &router.groups),
        },
        ..kind
    }
}

/// A kind that says of itself what `fields` do, and else what `usual` does.
fn labelled(fields: &Fields<'_>, usual: RequestKind, router: &RouterSection) -> RequestKind {
    let tenant = fields.text("tenant").and_then(|tenant| {
        if router.tenants.iter().next().is_none() {
            let message = format!("no tenant is called `{tenant}`");
            let problem = Problem::new(fields.span_of("tenant"), message, "not defined");
            fields.problems.push(problem.help("add `tenants` to the router"));
        }
        let place = router.tenants.find(tenant, fields.span_of("tenant"), fields.problems)?;
        u16::try_from(place).ok().map(TenantId)
    });
    let priority = fields.count("priority").and_then(|rank| u8::try_from(rank).ok());
    let tags = fields.get("tags").map(|_| tags(fields, &router.labels.tags));
    RequestKind {
        priority: priority.unwrap_or(usual.priority),
        tenant: tenant.or(usual.tenant),
        tags: tags.unwrap_or(usual.tags),
        features: features(fields).unwrap_or(usual.features),
        region: region(fields, &router.labels.regions).or(usual.region),
        ..usual
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

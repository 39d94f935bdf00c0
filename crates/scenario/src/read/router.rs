//! The router: groups, their deployments, and policies.

use super::Known;
use super::limits::{self, DEPLOYMENT_LIMITS};
use super::policy::{self, POLICIES, Policies, RETRY_BUDGET, TIMEOUTS};
use crate::diagnostic::{Problem, suggestion};
use crate::fields::Fields;
use crate::model::DeploymentLink;
use crate::node::{Entry, Kind, Node};
use crate::shape::{Key, Section, Shape};
use crate::value;
use squall_router::{DeploymentConfig, GroupConfig, GroupId, RouterConfig};

/// A router.
pub(crate) static ROUTER: Section = Section {
    id: "router",
    phrase: "a router",
    about: "The router. Policies written here hold for every group that does not say otherwise.",
    keys: &[
        &[Key::required(
            "groups",
            Shape::Named(&Shape::Section(&GROUP)),
            "The model groups, by the name that clients ask for.",
        )],
        POLICIES,
        &[Key::optional(
            "retry_budget",
            Shape::Section(&RETRY_BUDGET),
            "as below",
            "How many retries there may be in all, over every group.",
        )],
    ],
};

static GROUP: Section = Section {
    id: "group",
    phrase: "a group",
    about: "A model group: deployments behind one public name.",
    keys: &[
        &[
            Key::required(
                "deployments",
                Shape::List(&Shape::Section(&DEPLOYMENT)),
                "What serves it.",
            ),
            Key::optional(
                "fallback",
                Shape::List(&Shape::Reference("group")),
                "none",
                "The groups to move to, in this order, when this one cannot serve a request.",
            ),
        ],
        POLICIES,
    ],
};

static DEPLOYMENT: Section = Section {
    id: "deployment",
    phrase: "a deployment",
    about: "One endpoint of one provider that serves one model under one key.",
    keys: &[&[
        Key::required("name", Shape::Name, "Its name, unique in the router."),
        Key::required("provider", Shape::Reference("provider"), "What serves it."),
        Key::optional(
            "weight",
            Shape::Count(0, 1_000_000),
            "1",
            "Its share of the group's requests, relative to the others'. 0 takes none.",
        ),
        Key::optional(
            "model",
            Shape::Text,
            "its name",
            "The model's name upstream: what tells two deployments of one provider apart.",
        ),
        Key::optional(
            "limits",
            Shape::Section(&DEPLOYMENT_LIMITS),
            "no limits",
            "How much it is given at most.",
        ),
        Key::optional(
            "timeouts",
            Shape::Section(&TIMEOUTS),
            "those of the group",
            "Its own time-outs, key by key.",
        ),
    ]],
};

/// A provider that deployments may name: it stands for so many from its first number on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copies {
    /// The number of the first.
    pub(crate) first: u16,
    /// How many; 1 for a provider that is not repeated.
    pub(crate) count: u16,
}

/// The providers that deployments may name.
#[derive(Debug)]
pub(crate) struct Providers {
    /// Their names as the file has them.
    pub(crate) names: Known,
    /// What each stands for.
    pub(crate) copies: Vec<Copies>,
}

/// A router that was read, and the names it defines.
#[derive(Debug)]
pub(crate) struct Router {
    /// The router.
    pub(crate) config: RouterConfig,
    /// What serves each deployment.
    pub(crate) links: Vec<DeploymentLink>,
    /// The groups by number.
    pub(crate) groups: Known,
    /// The deployments by number.
    pub(crate) deployments: Known,
}

impl Router {
    /// A router without groups: what stands in for one that cannot be read.
    pub(crate) const fn empty(budget: squall_router::RetryBudget) -> Self {
        Self {
            config: RouterConfig { groups: Vec::new(), retry_budget: budget },
            links: Vec::new(),
            groups: Known::new("group"),
            deployments: Known::new("deployment"),
        }
    }
}

/// Reads a router whose deployments run at `providers`.
pub(crate) fn router(fields: &Fields<'_>, providers: &Providers) -> Router {
    let mut router = Router::empty(policy::retry_budget(fields));
    let policies = Policies::default().with(fields);
    let entries = fields.named("groups");
    if entries.is_empty()
        && fields.get("groups").is_some_and(|node| matches!(node.kind, Kind::Map(_)))
    {
        let message = "a router needs at least one group";
        fields.problems.push(Problem::new(fields.span_of("groups"), message, "no group here"));
    }
    for entry in entries {
        router.groups.add(&entry.key, &entry.key_span, fields.problems);
    }
    for entry in entries {
        let group = Fields::open(&entry.value, &GROUP, fields.problems).map_or_else(
            || GroupConfig::new(&entry.key),
            |group| read_group(&group, entry, &policies, providers, &mut router),
        );
        router.config.groups.push(group);
    }
    check(fields, &router);
    router
}

/// What the readers of the parts cannot see. Their own checks come first, with better places.
fn check(fields: &Fields<'_>, router: &Router) {
    if !fields.problems.is_empty() {
        return;
    }
    if let Err(error) = router.config.validate() {
        let label = "no router can run with this";
        fields.problems.push(Problem::new(fields.key_span("groups"), error.to_string(), label));
    }
}

fn read_group(
    fields: &Fields<'_>,
    entry: &Entry,
    defaults: &Policies,
    providers: &Providers,
    router: &mut Router,
) -> GroupConfig {
    let policies = defaults.with(fields);
    let mut group = GroupConfig::new(&entry.key);
    for deployment in fields.sections("deployments") {
        read_deployment(&deployment, &policies, providers, router, &mut group);
    }
    check_weights(fields, &group);
    for node in fields.list("fallback") {
        group.fallback.extend(read_fallback(fields, node, entry, &router.groups));
    }
    policies.apply(&mut group);
    group
}

fn check_weights(fields: &Fields<'_>, group: &GroupConfig) {
    let span = fields.key_span("deployments");
    let listed = matches!(
        fields.get("deployments").map(|node| &node.kind),
        Some(Kind::List(items)) if items.is_empty()
    );
    if listed {
        let message = format!("group `{}` has no deployment", group.name);
        fields.problems.push(Problem::new(span, message, "the list is empty"));
    }
    let none = group.deployments.iter().all(|deployment| deployment.weight == 0);
    if none && !group.deployments.is_empty() {
        let message = format!("every deployment of group `{}` has weight 0", group.name);
        let problem = Problem::new(span, message, "nothing would be sent to any of them");
        fields.problems.push(problem.help("give one of them a weight of at least 1"));
    }
}

fn read_fallback(
    fields: &Fields<'_>,
    node: &Node,
    entry: &Entry,
    groups: &Known,
) -> Option<GroupId> {
    let name = value::scalar(node, &Shape::Reference("group"), fields.problems)?;
    if name == entry.key {
        let message = format!("group `{name}` falls back to itself");
        let help = suggestion(name, groups.iter().filter(|group| *group != name));
        let problem = Problem::new(&node.span, message, "expected another group");
        fields.problems.push(problem.maybe_help(help));
        return None;
    }
    let place = groups.find(name, &node.span, fields.problems)?;
    u16::try_from(place).ok().map(GroupId)
}

/// Adds a deployment to its group, once for each copy of its provider.
fn read_deployment(
    fields: &Fields<'_>,
    policies: &Policies,
    providers: &Providers,
    router: &mut Router,
    group: &mut GroupConfig,
) {
    let name = fields.name("name").unwrap_or_default();
    let provider = fields.text("provider");
    let place = provider.and_then(|provider| {
        providers.names.find(provider, fields.span_of("provider"), fields.problems)
    });
    let config = DeploymentConfig {
        name: name.to_owned(),
        weight: fields.small_count("weight").unwrap_or(1),
        limits: limits::of_deployment(fields),
        timeouts: policy::timeouts(fields, policies.timeouts),
    };
    let model = fields.text("model");
    let copies = place.and_then(|place| providers.copies.get(place).copied());
    let copies = copies.unwrap_or(Copies { first: 0, count: 1 });
    for copy in 0..copies.count {
        let name = copy_name(name, copies.count, copy);
        if !name.is_empty() {
            router.deployments.add(&name, fields.span_of("name"), fields.problems);
        }
        router.links.push(DeploymentLink {
            provider: copies.first.saturating_add(copy),
            model: model.unwrap_or(&name).to_owned(),
        });
        group.deployments.push(DeploymentConfig { name, ..config.clone() });
    }
}

/// The name of a copy: `eu-1`, `eu-2` where there are several, else as it stands.
pub(crate) fn copy_name(name: &str, count: u16, copy: u16) -> String {
    if count == 1 { name.to_owned() } else { format!("{name}-{}", u32::from(copy) + 1) }
}

//! The router: groups, their deployments, and policies.

use super::change::CHANGE;
use super::deployment::{self, DEPLOYMENT};
use super::fallback;
use super::limits::RequestLimits;
use super::money::{self, BUDGET};
use super::names::{Labels, Providers, RouterSection, check_weights};
use super::policy::{POLICIES, usual_queue_wait};
use super::retry::RetryBudgetKind;
use super::tenant::{self, TENANT};
use crate::diagnostic::{Problem, Problems};
use crate::fields::Fields;
use crate::node::{MapEntry, Node, NodeKind};
use crate::schema::{Key, Schema, Section};
use crate::settings::{Count, In, Maybe, Span, ValueKind, Written, settings};
use crate::value;
use core::time::Duration;
use squall_router::{
    FallbackRule, GroupConfig, HealthChecks, Money, Profile, RouterConfig, SpendLimit,
};

/// A router.
pub(crate) static ROUTER: Section = Section {
    id: "router",
    phrase: "a router",
    about: "The router. Policies written here hold for every group that does not say otherwise.",
    keys: &[
        &[
            Key::choice(
                "groups",
                Schema::NamedOrPattern(&Schema::Section(&GROUP)),
                "The model groups, by the name that clients ask for. A name may hold one `*`, which stands \
                 for any characters; the longest pattern that fits is taken.",
            ),
            Key::choice(
                "litellm",
                Schema::Text,
                "In scenarios: a LiteLLM configuration, relative to this file, instead of all else but \
                 `profile`. Its deployments run at the providers of the same names.",
            ),
            Key::optional(
                "profile",
                Schema::Word(PROFILES),
                "squall",
                "Whose formulas all groups use: ours, or LiteLLM 1.80's own, its faults included.",
            ),
        ],
        POLICIES.keys,
        OVER_ALL.keys,
        &[
            Key::optional(
                "default_fallback",
                Schema::List(&Schema::Reference("group")),
                "none",
                "Where groups fall back to that have no `fallback`, these groups themselves excepted.",
            ),
            Key::optional(
                "budgets",
                Schema::Named(&Schema::Section(&BUDGET)),
                "none",
                "Budgets in money that several deployments spend from.",
            ),
            Key::optional(
                "tenants",
                Schema::Named(&Schema::Section(&TENANT)),
                "none",
                "Who asks, as far as they have limits of their own.",
            ),
            Key::optional(
                "changes",
                Schema::List(&Schema::Section(&CHANGE)),
                "none",
                "In scenarios: what changes while the router runs, in the order of time.",
            ),
        ],
    ],
};

const PROFILES: &[&str] = &["squall", "litellm-1.80"];

static GROUP: Section = Section {
    id: "group",
    phrase: "a group",
    about: "A model group: deployments behind one public name.",
    keys: &[
        &[
            Key::required(
                "deployments",
                Schema::List(&Schema::Section(&DEPLOYMENT)),
                "What serves it.",
            ),
            Key::optional("aliases", Schema::List(&Schema::Pattern), "none", "Other names for it."),
            Key::optional(
                "fallback",
                Schema::List(&Schema::Reference("group")),
                "none",
                "The groups to move to, in this order, when this one cannot serve a request.",
            ),
            Key::optional(
                "context_window_fallback",
                Schema::List(&Schema::Reference("group")),
                "as `fallback`",
                "The same for prompts that do not fit the context window.",
            ),
            Key::optional(
                "content_policy_fallback",
                Schema::List(&Schema::Reference("group")),
                "as `fallback`",
                "The same for requests that a content policy refused.",
            ),
        ],
        GROUP_LIMITS.keys,
        POLICIES.keys,
    ],
};

settings! {
    /// What a group has that the router does not have for all.
    pub(crate) static GROUP_LIMITS: GroupConfig;
    /// How much the group is given at most.
    limits: RequestLimits;
}

settings! {
    /// What holds over all groups.
    pub(crate) static OVER_ALL: RouterConfig;
    /// How many retries there may be in all, over every group.
    retry_budget: RetryBudgetKind;
    /// How far a request moves from group to group.
    fallback_rule: FallbackRuleKind;
    /// Checks of deployments apart from traffic.
    health_checks: Maybe(In(&HEALTH_CHECKS), "none");
}

static FALLBACK_RULE: Section = Section {
    id: "fallback-rule",
    phrase: "a rule for fallbacks",
    about: "How far a request moves from group to group.",
    keys: &[&[
        Key::choice(
            "max_moves",
            Schema::Count(0, 15),
            "Depth first, into no group twice, and so many moves at most. Loops are refused.",
        ),
        Key::choice(
            "max_depth",
            Schema::Count(0, 8),
            "As LiteLLM: each group's list in turn, its groups with lists of their own, down to this depth.",
        ),
    ]],
};

/// How far a request moves: `max_moves` or `max_depth`.
struct FallbackRuleKind;

impl ValueKind for FallbackRuleKind {
    type Value = FallbackRule;

    fn shape(&self) -> Schema {
        Schema::Section(&FALLBACK_RULE)
    }

    fn read(&self, node: &Node, _: &FallbackRule, problems: &Problems) -> Option<FallbackRule> {
        let fields = Fields::open(node, &FALLBACK_RULE, problems)?;
        let small = |name| fields.count(name).and_then(|count| u8::try_from(count).ok());
        Some(match fields.choice()?.0 {
            "max_depth" => FallbackRule::Nested { max_depth: small("max_depth")? },
            _ => FallbackRule::Once { max_moves: small("max_moves")? },
        })
    }

    fn write(&self, rule: &FallbackRule) -> Written {
        let (key, number) = match *rule {
            FallbackRule::Once { max_moves } => ("max_moves", max_moves),
            FallbackRule::Nested { max_depth } => ("max_depth", max_depth),
        };
        Written::entry(key, Written::plain(number.to_string()))
    }

    fn default_text(&self, default: &FallbackRule) -> String {
        self.write(default).to_string().trim_matches(['{', '}', ' ']).to_owned()
    }
}

settings! {
    static HEALTH_CHECKS: HealthChecks = (
        "health-checks",
        "health checks",
        "A deployment that fails its checks is passed over until it passes them, unless every deployment of \
         its group fails them."
    );
    /// Between two checks of one deployment.
    every: Span;
    /// How long an answer may take.
    timeout: Span;
    /// Failed checks in a row that make it ill.
    unhealthy: Count::<u16>::between(1, 1000);
    /// Passed checks in a row that make it well.
    healthy: Count::<u16>::between(1, 1000);
}

/// Reads a router whose deployments run at `providers`.
pub(crate) fn router(fields: &Fields<'_>, providers: &Providers) -> RouterSection {
    let mut router = RouterSection::empty();
    OVER_ALL.read(fields, &mut router.config);
    router.profile = fields.word("profile").and_then(Profile::from_word);
    budgets(fields, &mut router.labels);
    tenant::tenants(fields, &mut router);
    let mut policies = GroupConfig::default();
    POLICIES.read(fields, &mut policies);
    if fields.get("litellm").is_some() {
        let message = "`litellm` is for scenarios";
        let problem = Problem::new(fields.key_span("litellm"), message, "not in a gateway file");
        fields.problems.push(problem.help("`squall import litellm` prints the gateway file"));
    }
    let entries = fields.named("groups");
    if entries.is_empty()
        && fields.get("groups").is_some_and(|node| matches!(node.kind, NodeKind::Map(_)))
    {
        let message = "a router needs at least one group";
        fields.problems.push(Problem::new(fields.span_of("groups"), message, "no group here"));
    }
    for entry in entries {
        router.groups.add(&entry.key, &entry.key_span, fields.problems);
    }
    let mut waits = Vec::with_capacity(entries.len());
    for entry in entries {
        let opened = Fields::open(&entry.value, &GROUP, fields.problems);
        let mut group = GroupConfig { name: entry.key.clone(), ..policies.clone() };
        if let Some(fields) = opened {
            read_group(&fields, entry, &mut group, providers, &mut router);
        }
        waits.push(opened.is_some_and(|group| group.get("max_queue_wait").is_some()));
        router.config.groups.push(group);
    }
    fallback::by_default(fields, &GROUP, &mut router);
    let says_wait = fields.get("max_queue_wait").is_some();
    for (group, says_so) in router.config.groups.iter_mut().zip(waits) {
        if !says_so && !says_wait {
            group.max_queue_wait = usual_queue_wait(group);
        }
    }
    router.config.spend_limits.clone_from(&router.labels.spend_limits);
    check(fields, &router);
    router
}

fn budgets(fields: &Fields<'_>, labels: &mut Labels) {
    for entry in fields.named("budgets") {
        let opened = Fields::open(&entry.value, &BUDGET, fields.problems);
        labels.budgets.add(&entry.key, &entry.key_span, fields.problems);
        // One that cannot be read keeps its name, so that nobody is told that it is not there.
        let nothing = SpendLimit { limit: Money::default(), period: Duration::ZERO };
        labels
            .spend_limits
            .push(opened.and_then(|fields| money::budget(&fields)).unwrap_or(nothing));
    }
}

/// What the readers of the parts cannot see. Their own checks come first, with better places.
fn check(fields: &Fields<'_>, router: &RouterSection) {
    fallback::check_loops(fields, &GROUP, router);
    if !fields.problems.is_empty() {
        return;
    }
    if let Err(error) = router.in_force().validate() {
        let label = "no router can run with this";
        fields.problems.push(Problem::new(fields.key_span("groups"), error.to_string(), label));
    }
}

fn read_group(
    fields: &Fields<'_>,
    entry: &MapEntry,
    group: &mut GroupConfig,
    providers: &Providers,
    router: &mut RouterSection,
) {
    POLICIES.read(fields, group);
    GROUP_LIMITS.read(fields, group);
    for node in fields.list("aliases") {
        let Some(alias) = value::scalar(node, &Schema::Pattern, fields.problems) else { continue };
        value::check_name(alias, &node.span, &Schema::Pattern, fields.problems);
        if router.groups.position(alias).is_some() {
            let message = format!("`{alias}` is the name of a group");
            fields.problems.push(Problem::new(&node.span, message, "no name for another group"));
        }
        group.aliases.push(alias.to_owned());
    }
    for deployment in fields.sections("deployments") {
        for read in deployment::deployments(&deployment, group, providers, &mut router.labels) {
            if !read.config.name.is_empty() {
                router.deployments.add(&read.config.name, read.span, fields.problems);
            }
            router.links.push(read.link);
            router.homes.push(router.config.groups.len());
            group.deployments.push(read.config);
        }
    }
    check_weights(fields, "deployments", group);
    group.fallbacks = fallback::fallbacks(fields, entry, &router.groups);
}

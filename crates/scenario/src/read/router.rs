//! The router: groups, their deployments, and policies.

use super::change::CHANGE;
use super::checks::of_no_effect;
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
    FallbackRule, GroupConfig, HealthChecks, Money, Profile, RouterConfig, SpendBudget,
};

/// A router.
pub(crate) static ROUTER: Section = Section {
    id: "router",
    phrase: "a router",
    about: "The router. Policies set here are the defaults for every group.",
    keys: &[
        &[
            Key::choice(
                "groups",
                Schema::NamedOrPattern(&Schema::Section(&GROUP)),
                "The model groups, by the model name in requests. A name may contain one `*` as \
                 a wildcard; the longest matching pattern applies.",
            ),
            Key::choice(
                "litellm",
                Schema::Text,
                "In scenarios: the path of a LiteLLM configuration, relative to this \
                 file. It replaces all other keys but `profile`. Each deployment uses the \
                 provider of the same name.",
            ),
            Key::optional(
                "profile",
                Schema::Word(&Profile::WORDS),
                "squall",
                "The set of formulas for all groups: Squall's own, or those of a version of LiteLLM, \
                 including its defects; `litellm` is the newest of them.",
            ),
        ],
        POLICIES.keys,
        OVER_ALL.keys,
        &[
            Key::optional(
                "default_fallback",
                Schema::List(&Schema::Reference("group")),
                "none",
                "Fallback groups for every group without a `fallback`, except for the listed \
                 groups themselves.",
            ),
            Key::optional(
                "budgets",
                Schema::Named(&Schema::Section(&BUDGET)),
                "none",
                "Spend budgets shared by several deployments.",
            ),
            Key::optional(
                "tenants",
                Schema::Named(&Schema::Section(&TENANT)),
                "none",
                "Tenants with their own limits.",
            ),
            Key::optional(
                "allow",
                Schema::List(&Schema::Name),
                "none",
                "Lints of `squall config check` that are meant to be: their ids.",
            ),
            Key::optional(
                "changes",
                Schema::List(&Schema::Section(&CHANGE)),
                "none",
                "In scenarios: configuration changes during the run, in chronological order.",
            ),
        ],
    ],
};

static GROUP: Section = Section {
    id: "group",
    phrase: "a group",
    about: "A model group: the deployments behind one public model name.",
    keys: &[
        &[
            Key::required(
                "deployments",
                Schema::List(&Schema::Section(&DEPLOYMENT)),
                "Its provider.",
            ),
            Key::optional("aliases", Schema::List(&Schema::Pattern), "none", "Alternative names."),
            Key::optional(
                "fallback",
                Schema::List(&Schema::Reference("group")),
                "none",
                "The groups to try, in this order, when this group cannot serve a request.",
            ),
            Key::optional(
                "context_window_fallback",
                Schema::List(&Schema::Reference("group")),
                "as `fallback`",
                "Fallback groups for prompts that exceed the context window.",
            ),
            Key::optional(
                "content_policy_fallback",
                Schema::List(&Schema::Reference("group")),
                "none",
                "Fallback groups for requests refused by a content policy.",
            ),
        ],
        GROUP_LIMITS.keys,
        POLICIES.keys,
    ],
};

settings! {
    /// What a group has that the router does not have for all.
    pub(crate) static GROUP_LIMITS: GroupConfig;
    /// Limits on the group's requests.
    limits: RequestLimits;
}

settings! {
    /// What holds over all groups.
    pub(crate) static OVER_ALL: RouterConfig;
    /// Limit on retries across all groups.
    retry_budget: RetryBudgetKind;
    /// How many fallbacks a request may take.
    fallback_rule: FallbackRuleKind;
    /// Active health checks.
    health_checks: Maybe(In(&HEALTH_CHECKS), "none");
}

static FALLBACK_RULE: Section = Section {
    id: "fallback-rule",
    phrase: "a rule for fallbacks",
    about: "How many fallbacks a request may take.",
    keys: &[&[
        Key::choice(
            "max_moves",
            Schema::Count(0, 15),
            "Maximum number of fallbacks, depth first, no group twice: lists may lead back to each other.",
        ),
        Key::choice(
            "max_depth",
            Schema::Count(0, 8),
            "As in LiteLLM: each group's list in turn, including the lists of those groups, down \
             to this depth.",
        ),
        Key::optional(
            "weighted_failover",
            Schema::Flag,
            "false",
            "With `max_depth`: LiteLLM's `enable_weighted_failover`, from 1.110 on. Before its \
             fallbacks, a request is tried at the deployments of its group that it was not at.",
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
            "max_depth" => FallbackRule::LitellmNested {
                max_depth: small("max_depth")?,
                weighted_failover: fields.flag("weighted_failover").unwrap_or(false),
            },
            _ => {
                of_no_effect(&fields, &["weighted_failover"]);
                FallbackRule::DepthFirst { max_moves: small("max_moves")? }
            }
        })
    }

    fn write(&self, rule: &FallbackRule) -> Written {
        let number = |number: u8| Written::plain(number.to_string());
        match *rule {
            FallbackRule::DepthFirst { max_moves } => {
                Written::entry("max_moves", number(max_moves))
            }
            FallbackRule::LitellmNested { max_depth, weighted_failover } => {
                let mut entries = vec![("max_depth".to_owned(), number(max_depth))];
                if weighted_failover {
                    entries.push(("weighted_failover".to_owned(), Written::plain("true")));
                }
                Written::Map(entries)
            }
        }
    }

    fn default_text(&self, default: &FallbackRule) -> String {
        self.write(default).to_string().trim_matches(['{', '}', ' ']).to_owned()
    }
}

settings! {
    static HEALTH_CHECKS: HealthChecks = (
        "health-checks",
        "health checks",
        "A deployment that fails its checks is skipped until it passes them, unless all \
         deployments of its group fail."
    );
    /// Interval between checks of a deployment.
    every: Span;
    /// Time-out of a check.
    timeout: Span;
    /// Consecutive failed checks until it is unhealthy.
    unhealthy: Count::<u16>::between(1, 1000);
    /// Consecutive passed checks until it is healthy.
    healthy: Count::<u16>::between(1, 1000);
}

/// Reads a router whose deployments run at `providers`.
pub(crate) fn router(fields: &Fields<'_>, providers: &Providers) -> RouterSection {
    let mut router = RouterSection::empty();
    OVER_ALL.read(fields, &mut router.config);
    router.profile = fields.word("profile").and_then(Profile::from_word);
    for node in fields.list("allow") {
        if let Some(id) = value::scalar(node, &Schema::Name, fields.problems) {
            value::check_name(id, &node.span, &Schema::Name, fields.problems);
        }
    }
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
    router.config.spend_budgets.clone_from(&router.labels.spend_budgets);
    check(fields, &router);
    router
}

fn budgets(fields: &Fields<'_>, labels: &mut Labels) {
    for entry in fields.named("budgets") {
        let opened = Fields::open(&entry.value, &BUDGET, fields.problems);
        labels.budgets.add(&entry.key, &entry.key_span, fields.problems);
        // One that cannot be read keeps its name, so that nobody is told that it is not there.
        let nothing = SpendBudget::rolling(Money::default(), Duration::ZERO);
        let budget = opened.and_then(|fields| money::budget(&fields)).unwrap_or(nothing);
        labels.spend_budgets.push(SpendBudget { name: entry.key.clone(), ..budget });
    }
}

/// What the readers of the parts cannot see. Their own checks come first, with better places.
fn check(fields: &Fields<'_>, router: &RouterSection) {
    if !fields.problems.is_empty() {
        return;
    }
    if let Err(error) = router.in_force().validate() {
        let label = "the router rejects this configuration";
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
            fields.problems.push(Problem::new(&node.span, message, "already the name of a group"));
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

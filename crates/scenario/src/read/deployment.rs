//! Deployments of a group.

use super::cooldown::{self, COOLDOWN};
use super::limits::{self, DEPLOYMENT_LIMITS};
use super::money::{self, BUDGET, PRICE};
use super::policy::{self, Policies, TIMEOUTS};
use super::router::{Copies, Labels, Providers, copy_name};
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::model::DeploymentLink;
use crate::shape::{Key, Section, Shape};
use crate::value;
use core::ops::Range;
use squall_router::{DeploymentConfig, Features, RegionId, SpendId, SpendLimit, Tags};

/// A deployment.
pub(crate) static DEPLOYMENT: Section = Section {
    id: "deployment",
    phrase: "a deployment",
    about: "One endpoint of one provider that serves one model under one key.",
    keys: &[
        &[
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
                "The model's name upstream: what tells two deployments of one provider apart. A `*` in \
                 it stands for what the `*` of the group's name stood for.",
            ),
            Key::optional(
                "key",
                Shape::Text,
                "none",
                "The name of the key that it is called with: limits may be per key, and a fault may hit one \
                 key alone. For scenarios; a gateway's keys stand with its providers.",
            ),
            Key::optional(
                "order",
                Shape::Count(0, 255),
                "0",
                "Its tier: while one of a lower order is usable, none of a higher one is picked.",
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
            Key::optional(
                "cooldown",
                COOLDOWN,
                "that of the group",
                "Its own cooldown, key by key.",
            ),
        ],
        MONEY,
        SKILLS,
    ],
};

const MONEY: &[Key] = &[
    Key::optional("price", Shape::Section(&PRICE), "nothing", "What its tokens cost."),
    Key::optional("budget", Shape::Section(&BUDGET), "none", "A budget of its own."),
    Key::optional(
        "budgets",
        Shape::List(&Shape::Reference("budget")),
        "none",
        "Budgets of the router that it spends from.",
    ),
];

const SKILLS: &[Key] = &[
    Key::optional("tags", Shape::List(&Shape::Name), "none", "Its tags."),
    Key::optional(
        "default_pool",
        Shape::Flag,
        "false",
        "Whether it serves requests without tags, and those whose tags no deployment has.",
    ),
    Key::optional("max_input_tokens", Shape::COUNT, "any length", "The longest prompt, in tokens."),
    Key::optional(
        "features",
        Shape::List(&Shape::Word(&Features::WORDS)),
        "all",
        "What it can do beyond chat.",
    ),
    Key::optional("region", Shape::Name, "none", "Where it is."),
];

/// A deployment that was read, with what serves it and where it stands.
pub(crate) struct Read<'n> {
    pub(crate) config: DeploymentConfig,
    pub(crate) link: DeploymentLink,
    pub(crate) span: &'n Range<usize>,
}

/// Reads a deployment: once for each copy of its provider.
pub(crate) fn deployments<'n>(
    fields: &Fields<'n>,
    policies: &Policies,
    providers: &Providers,
    labels: &mut Labels,
) -> Vec<Read<'n>> {
    let name = fields.name("name").unwrap_or_default();
    let provider = fields.text("provider");
    let place = provider.and_then(|provider| {
        providers.names.find(provider, fields.span_of("provider"), fields.problems)
    });
    let config = DeploymentConfig {
        name: name.to_owned(),
        weight: fields.small_count("weight").unwrap_or(1),
        order: fields.count("order").and_then(|order| u8::try_from(order).ok()).unwrap_or(0),
        limits: limits::of_router(fields),
        timeouts: policy::timeouts(fields, policies.timeouts),
        cooldown: cooldown::cooldown(fields, policies.cooldown),
        price: money::price(fields),
        spends_from: spends_from(fields, labels),
        tags: tags(fields, labels),
        default_pool: fields.flag("default_pool").unwrap_or(false),
        max_input_tokens: fields.small_count("max_input_tokens"),
        features: features(fields).unwrap_or(Features::ALL),
        region: fields.name("region").and_then(|region| labels.region(region, fields)),
        ..DeploymentConfig::new("")
    };
    let own = fields.section("budget").and_then(|fields| money::budget(&fields));
    let model = fields.text("model");
    let copies = place.and_then(|place| providers.copies.get(place).copied());
    let copies = copies.unwrap_or(Copies { first: 0, count: 1 });
    let copy = |copy| {
        let name = copy_name(name, copies.count, copy);
        let link = DeploymentLink {
            provider: copies.first.saturating_add(copy),
            model: model.unwrap_or(&name).to_owned(),
            key: fields.text("key").map(str::to_owned),
        };
        let mut config = DeploymentConfig { name, ..config.clone() };
        config.spends_from.extend(own.map(|own| labels.own_budget(own)));
        Read { config, link, span: fields.span_of("name") }
    };
    (0..copies.count).map(copy).collect()
}

fn spends_from(fields: &Fields<'_>, labels: &Labels) -> Vec<SpendId> {
    let named = fields.list("budgets").iter().filter_map(|node| {
        let name = value::scalar(node, &Shape::Reference("budget"), fields.problems)?;
        if labels.budgets.iter().next().is_none() {
            let message = format!("no budget is called `{name}`");
            let problem = Problem::new(&node.span, message, "not defined");
            let help =
                format!("add `budgets: {{ {name}: {{ limit: $5, period: 1d }} }}` to the router");
            fields.problems.push(problem.help(help));
        }
        let place = labels.budgets.find(name, &node.span, fields.problems)?;
        u16::try_from(place).ok().map(SpendId)
    });
    named.collect()
}

fn tags(fields: &Fields<'_>, labels: &mut Labels) -> Tags {
    let mut tags = Tags::NONE;
    for node in fields.list("tags") {
        let Some(name) = value::scalar(node, &Shape::Name, fields.problems) else { continue };
        value::check_name(name, &node.span, &Shape::Name, fields.problems);
        match labels.tag(name) {
            Some(tag) => tags.0 |= tag.0,
            None => {
                let problem = Problem::new(&node.span, "more than 64 tags", "one too many");
                fields.problems.push(problem);
            }
        }
    }
    tags
}

/// The features under `features`.
pub(crate) fn features(fields: &Fields<'_>) -> Option<Features> {
    fields.get("features")?;
    let words = fields.list("features").iter();
    let known = words.filter_map(|node| value::word(node, &Features::WORDS, fields.problems));
    Some(known.filter_map(Features::from_word).fold(Features::NONE, Features::and))
}

impl Labels {
    /// The tag with this name, which is new if it has not been seen; `None` for the 65th.
    fn tag(&mut self, name: &str) -> Option<Tags> {
        let place = self.tags.iter().position(|tag| tag == name).unwrap_or_else(|| {
            self.tags.push(name.to_owned());
            self.tags.len() - 1
        });
        u32::try_from(place).ok().and_then(|place| 1_u64.checked_shl(place)).map(Tags)
    }

    fn region(&mut self, name: &str, fields: &Fields<'_>) -> Option<RegionId> {
        let place = self.regions.iter().position(|region| region == name).unwrap_or_else(|| {
            self.regions.push(name.to_owned());
            self.regions.len() - 1
        });
        if place == 256 {
            let problem =
                Problem::new(fields.span_of("region"), "more than 256 regions", "too many");
            fields.problems.push(problem);
        }
        u8::try_from(place).ok().map(RegionId)
    }

    fn own_budget(&mut self, budget: SpendLimit) -> SpendId {
        self.spend_limits.push(budget);
        SpendId(u16::try_from(self.spend_limits.len() - 1).unwrap_or(u16::MAX))
    }
}

//! Deployments of a group.

use super::cooldown::CooldownKind;
use super::limits::DeploymentLimits;
use super::money::{self, BUDGET, PriceKind};
use super::names::{Copies, Labels, Providers, copy_name};
use super::policy::TIMEOUTS;
use crate::diagnostic::{Problem, Problems};
use crate::fields::Fields;
use crate::model::DeploymentLink;
use crate::node::{Node, NodeKind};
use crate::schema::{Key, Schema, Section};
use crate::settings::{Count, Flag, In, Maybe, ValueKind, Written, settings};
use crate::value;
use core::ops::Range;
use squall_router::{
    DeploymentConfig, Features, GroupConfig, RegionId, SpendBudget, SpendBudgetId, Tags,
};

/// A deployment.
pub(crate) static DEPLOYMENT: Section = Section {
    id: "deployment",
    phrase: "a deployment",
    about: "One model at one provider under one key.",
    keys: &[SERVED_BY, SETTINGS.keys, BUDGETS, PLACE],
};

/// What names it and what serves it: names, which are read by hand.
const SERVED_BY: &[Key] = &[
    Key::required("name", Schema::Name, "Its name, unique in the router."),
    Key::required("provider", Schema::Reference("provider"), "Its provider."),
    Key::optional(
        "model",
        Schema::Text,
        "its name",
        "The upstream model name, which distinguishes deployments of one provider. A `*` is \
         replaced by what matched the `*` of the group's name.",
    ),
    Key::optional(
        "key",
        Schema::Text,
        "none",
        "In scenarios: the name of its API key. Limits may be per key, and a fault may affect \
         one key. In gateway files, keys are set at the providers.",
    ),
];

settings! {
    /// The settings of a deployment that name nothing.
    pub(crate) static SETTINGS: DeploymentConfig;
    /// Its share of the group's requests, relative to the other weights. 0 takes no requests.
    weight: Count::<u32>::between(0, 1_000_000);
    /// Its priority tier: a higher order is used only when no deployment of a lower order is available.
    order: Count::<u8>::between(0, 255);
    /// Limits on its attempts.
    limits: DeploymentLimits;
    /// Overrides of the group's time-outs, key by key.
    timeouts: Maybe(In(&TIMEOUTS), "the group's");
    /// Overrides of the group's cooldown, key by key.
    cooldown: Maybe(CooldownKind, "the group's");
    /// Price of its tokens.
    price: PriceKind;
    /// Whether it serves requests without tags, and requests whose tags match no deployment.
    default_pool: Flag;
    /// Maximum prompt size in tokens.
    max_input_tokens: Maybe(Count::<u32>::SOME, "any length");
    /// Supported features beyond plain chat.
    features: FeaturesKind;
    /// Whether the model continues a last message with the role of the assistant (a prefill), as `mid_stream:
    /// continue` may send it. Without it the text so far is quoted in a message of the user's.
    assistant_prefill: Flag;
}

/// Budgets of its own and of others, which are numbered as they are read.
const BUDGETS: &[Key] = &[
    Key::optional(
        "budget",
        Schema::Section(&BUDGET),
        "none",
        "A spend budget for this \
         deployment alone.",
    ),
    Key::optional(
        "budgets",
        Schema::List(&Schema::Reference("budget")),
        "none",
        "Shared spend budgets of the router that it counts against.",
    ),
];

/// Names that become numbers.
const PLACE: &[Key] = &[
    Key::optional("tags", Schema::List(&Schema::Name), "none", "Its tags."),
    Key::optional("region", Schema::Name, "none", "Its region."),
];

/// A list of features.
struct FeaturesKind;

static A_FEATURE: Schema = Schema::Word(&Features::WORDS);

impl ValueKind for FeaturesKind {
    type Value = Features;

    fn shape(&self) -> Schema {
        Schema::List(&A_FEATURE)
    }

    fn read(&self, node: &Node, _: &Features, problems: &Problems) -> Option<Features> {
        let NodeKind::List(items) = &node.kind else {
            value::wrong_type(node, &self.shape(), problems);
            return None;
        };
        let known = items.iter().filter_map(|item| value::word(item, &Features::WORDS, problems));
        Some(known.filter_map(Features::from_word).fold(Features::NONE, Features::and))
    }

    fn write(&self, features: &Features) -> Written {
        if *features == Features::ALL {
            return Written::Unset;
        }
        let words = Features::WORDS.into_iter();
        let held =
            words.filter(|word| Features::from_word(word).is_some_and(|one| features.holds(one)));
        Written::List(held.map(Written::plain).collect())
    }

    fn default_text(&self, _: &Features) -> String {
        "all".to_owned()
    }
}

/// A deployment that was read, with what serves it and where it stands.
pub(crate) struct Read<'n> {
    pub(crate) config: DeploymentConfig,
    pub(crate) link: DeploymentLink,
    pub(crate) span: &'n Range<usize>,
}

/// Reads a deployment of `group`: once for each copy of its provider.
pub(crate) fn deployments<'n>(
    fields: &Fields<'n>,
    group: &GroupConfig,
    providers: &Providers,
    labels: &mut Labels,
) -> Vec<Read<'n>> {
    let name = fields.name("name").unwrap_or_default();
    let provider = fields.text("provider");
    let place = provider.and_then(|provider| {
        providers.names.find(provider, fields.span_of("provider"), fields.problems)
    });
    let mut config = DeploymentConfig {
        spends_from: spends_from(fields, labels),
        tags: tags(fields, labels),
        region: fields.name("region").and_then(|region| labels.region(region, fields)),
        // Its own are read over the group's, and are its own only if they are there.
        timeouts: Some(group.timeouts),
        cooldown: Some(group.cooldown),
        ..DeploymentConfig::default()
    };
    SETTINGS.read(fields, &mut config);
    config.timeouts = config.timeouts.filter(|_| fields.get("timeouts").is_some());
    config.cooldown = config.cooldown.filter(|_| fields.get("cooldown").is_some());
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
        if let Some(own) = &own {
            let name = format!("deployment {}", config.name);
            config.spends_from.push(labels.own_budget(SpendBudget { name, ..own.clone() }));
        }
        Read { config, link, span: fields.span_of("name") }
    };
    (0..copies.count).map(copy).collect()
}

fn spends_from(fields: &Fields<'_>, labels: &Labels) -> Vec<SpendBudgetId> {
    let named = fields.list("budgets").iter().filter_map(|node| {
        let name = value::scalar(node, &Schema::Reference("budget"), fields.problems)?;
        if labels.budgets.iter().next().is_none() {
            let message = format!("no budget is called `{name}`");
            let problem = Problem::new(&node.span, message, "not defined");
            let help =
                format!("add `budgets: {{ {name}: {{ limit: $5, period: 1d }} }}` to the router");
            fields.problems.push(problem.help(help));
        }
        let place = labels.budgets.find(name, &node.span, fields.problems)?;
        u16::try_from(place).ok().map(SpendBudgetId)
    });
    named.collect()
}

fn tags(fields: &Fields<'_>, labels: &mut Labels) -> Tags {
    let mut tags = Tags::NONE;
    for node in fields.list("tags") {
        let Some(name) = value::scalar(node, &Schema::Name, fields.problems) else { continue };
        value::check_name(name, &node.span, &Schema::Name, fields.problems);
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
    FeaturesKind.read(fields.get("features")?, &Features::NONE, fields.problems)
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

    fn own_budget(&mut self, budget: SpendBudget) -> SpendBudgetId {
        self.spend_budgets.push(budget);
        SpendBudgetId(u16::try_from(self.spend_budgets.len() - 1).unwrap_or(u16::MAX))
    }
}

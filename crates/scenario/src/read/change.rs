//! What changes while a router runs: each a whole configuration, made from the one before.

use super::KnownNames;
use super::deployment::{self, DEPLOYMENT};
use super::limits::{DEPLOYMENT_LIMITS, DeploymentLimits};
use super::names::{Providers, RouterSection, check_weights, in_force};
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::model::ConfigChange;
use crate::node::{MapEntry, NodeKind};
use crate::schema::{Key, Schema, Section};
use crate::settings::ValueKind;
use crate::value;
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_router::{DeploymentConfig, Profile, RateLimits, RouterConfig};

const WEIGHT: Schema = Schema::Count(0, 1_000_000);
static DEPLOYMENTS: Schema = Schema::List(&Schema::Section(&DEPLOYMENT));

/// A change.
pub(crate) static CHANGE: Section = Section {
    id: "change",
    phrase: "a change",
    about: "A configuration change at a point in time.",
    keys: &[&[
        Key::required("at", Schema::DURATION, "From when."),
        Key::choice("weights", Schema::Named(&WEIGHT), "New weights, by deployment."),
        Key::choice(
            "limits",
            Schema::Named(&Schema::Section(&DEPLOYMENT_LIMITS)),
            "New limits, by deployment. They replace all previous limits of that deployment.",
        ),
        Key::choice(
            "deployments",
            Schema::Named(&DEPLOYMENTS),
            "The complete new list of deployments of a group. A deployment that keeps its name \
             keeps its state.",
        ),
        Key::choice("profile", Schema::Word(&Profile::WORDS), "The profile that all groups use."),
    ]],
};

/// The changes under `changes`, for a run of this length, if that is known.
pub(crate) fn changes(
    fields: &Fields<'_>,
    run: Option<Duration>,
    providers: &Providers,
    router: &mut RouterSection,
) -> Vec<ConfigChange> {
    let mut config = router.config.clone();
    let mut profile = router.profile;
    let mut before: Option<Fields<'_>> = None;
    let mut changes = Vec::new();
    for fields in fields.sections("changes") {
        let at = fields.time("at").unwrap_or_default();
        check_time(&fields, at, before.as_ref(), run);
        before = Some(fields);
        let was = in_force(&config, profile);
        let what = match fields.choice() {
            Some(("weights", _)) => weights(&fields, &mut config),
            Some(("limits", _)) => limits(&fields, &mut config),
            Some(("deployments", _)) => deployments(&fields, providers, router, &mut config),
            Some((_, _)) => {
                let word = fields.word("profile");
                profile = word.and_then(Profile::from_word).or(profile);
                format!("profile {}", word.unwrap_or_default())
            }
            None => continue,
        };
        config.spend_budgets.clone_from(&router.labels.spend_budgets);
        let now = in_force(&config, profile);
        if was == now && fields.problems.is_empty() {
            let message = "the change has no effect";
            fields.problems.push(Problem::new(fields.span, message, "same as before"));
        }
        if fields.problems.is_empty()
            && let Err(error) = now.validate()
        {
            let label = "the router rejects this configuration";
            fields.problems.push(Problem::new(fields.span, error.to_string(), label));
        }
        changes.push(ConfigChange { at, what, router: now });
    }
    changes
}

fn check_time(
    fields: &Fields<'_>,
    at: Timestamp,
    before: Option<&Fields<'_>>,
    run: Option<Duration>,
) {
    let span = fields.span_of("at");
    if let Some(run) = run.filter(|&run| at >= Timestamp::from(run)) {
        let label = format!("the run ends at {}s", run.as_secs_f64());
        let message = "the change comes after the run has ended";
        fields.problems.push(Problem::new(span, message, label));
    }
    if let Some(before) = before.filter(|before| before.time("at").is_some_and(|time| at < time)) {
        let message = "changes must be in chronological order";
        let problem = Problem::new(span, message, "earlier");
        fields.problems.push(problem.related(before.span_of("at"), "than this one"));
    }
}

/// The deployment that a change names, as it stands.
fn named<'c>(
    fields: &Fields<'_>,
    entry: &MapEntry,
    config: &'c mut RouterConfig,
) -> Option<&'c mut DeploymentConfig> {
    let mut known = KnownNames::new("deployment");
    let all = config.groups.iter().flat_map(|group| &group.deployments);
    all.for_each(|deployment| known.add_quietly(&deployment.name));
    known.find(&entry.key, &entry.key_span, fields.problems)?;
    let mut all = config.groups.iter_mut().flat_map(|group| &mut group.deployments);
    all.find(|deployment| deployment.name == entry.key)
}

fn weights(fields: &Fields<'_>, config: &mut RouterConfig) -> String {
    let mut said = Vec::new();
    for entry in fields.named("weights") {
        let weight = value::count(&entry.value, 0, 1_000_000, fields.problems);
        let Some(deployment) = named(fields, entry, config) else { continue };
        let weight = weight.and_then(|weight| u32::try_from(weight).ok()).unwrap_or(1);
        deployment.weight = weight;
        said.push(format!("{} {weight}", entry.key));
    }
    config.groups.iter().for_each(|group| check_weights(fields, "weights", group));
    format!("weights {}", said.join(", "))
}

fn limits(fields: &Fields<'_>, config: &mut RouterConfig) -> String {
    let mut said = Vec::new();
    for entry in fields.named("limits") {
        let none = RateLimits::default();
        let limits = DeploymentLimits.read(&entry.value, &none, fields.problems);
        let Some(deployment) = named(fields, entry, config) else { continue };
        deployment.limits = limits.unwrap_or_default();
        said.push(entry.key.as_str());
    }
    format!("limits of {}", said.join(", "))
}

fn deployments(
    fields: &Fields<'_>,
    providers: &Providers,
    router: &mut RouterSection,
    config: &mut RouterConfig,
) -> String {
    let mut said = Vec::new();
    let mut read: Vec<Vec<deployment::Read<'_>>> = Vec::new();
    read.resize_with(config.groups.len(), Vec::new);
    for entry in fields.named("deployments") {
        let Some(place) = router.groups.find(&entry.key, &entry.key_span, fields.problems) else {
            continue;
        };
        let NodeKind::List(items) = &entry.value.kind else {
            value::wrong_type(&entry.value, &DEPLOYMENTS, fields.problems);
            continue;
        };
        let group = config.groups[place].clone();
        let items =
            items.iter().filter_map(|item| Fields::open(item, &DEPLOYMENT, fields.problems));
        read[place] = items
            .flat_map(|item| deployment::deployments(&item, &group, providers, &mut router.labels))
            .collect();
        let names: Vec<_> = read[place].iter().map(|each| each.config.name.as_str()).collect();
        said.push(format!("{}: {}", entry.key, names.join(", ")));
        config.groups[place].deployments =
            read[place].iter().map(|each| each.config.clone()).collect();
        check_weights(fields, "deployments", &config.groups[place]);
    }
    // Numbers are given in the order of the groups, however the change is written.
    for (place, read) in read.iter().enumerate() {
        let mut seen = KnownNames::new("deployment");
        for each in read {
            seen.add(&each.config.name, each.span, fields.problems);
            enrol(fields, each, place, router);
        }
    }
    format!("deployments of {}", said.join("; "))
}

/// Gives a deployment that was not there before its number; one that was there must be served as before.
fn enrol(
    fields: &Fields<'_>,
    read: &deployment::Read<'_>,
    group: usize,
    router: &mut RouterSection,
) {
    let name = &read.config.name;
    let Some(place) = router.deployments.position(name) else {
        router.deployments.add(name, read.span, fields.problems);
        router.links.push(read.link.clone());
        router.homes.push(group);
        return;
    };
    let home = router.homes.get(place).copied().unwrap_or(group);
    let elsewhere = router.links.get(place).is_some_and(|link| *link != read.link);
    if elsewhere || home != group {
        let message = match router.groups.iter().nth(home).filter(|_| home != group) {
            Some(group) => format!("deployment `{name}` is of group `{group}`"),
            None => format!("deployment `{name}` already exists with another provider or model"),
        };
        let problem = Problem::new(read.span, message, "expected another name");
        fields.problems.push(problem.help(
            "a deployment with another provider or model needs its \
             own name",
        ));
    }
}

//! What a scenario says by number, as the parts of a live run are told it: by name.

use squall_router::{FallbackChoice, Features, GroupId, RouterConfig};
use squall_scenario::{RequestKind, Scenario};
use squall_traffic::TrafficKind;

/// The configurations that hold later, in their order.
pub(crate) fn configs(scenario: &Scenario) -> impl Iterator<Item = &RouterConfig> {
    scenario.changes.iter().map(|change| &change.router)
}

/// The models that answers may name, each with its deployment.
pub(crate) fn models(scenario: &Scenario) -> Vec<(String, u16)> {
    (0_u16..).zip(&scenario.deployments).map(|(place, link)| (link.model.clone(), place)).collect()
}

/// The kinds of requests, as the driver sends them.
pub(crate) fn traffic_kinds(scenario: &Scenario) -> Vec<TrafficKind> {
    scenario.kinds.iter().map(|kind| traffic_kind(scenario, kind)).collect()
}

fn traffic_kind(scenario: &Scenario, kind: &RequestKind) -> TrafficKind {
    let group = |group: GroupId| scenario.router.groups[group.index()].name.clone();
    let tags = (0_u32..).zip(&scenario.tags).filter(|&(bit, _)| kind.tags.0 >> bit & 1 == 1);
    let features = Features::WORDS.into_iter().filter(|word| {
        Features::from_word(word).is_some_and(|feature| kind.features.holds(feature))
    });
    let tenant = kind.tenant.and_then(|tenant| scenario.router.tenants.get(tenant.0 as usize));
    let region = kind.region.and_then(|region| scenario.regions.get(usize::from(region.0)));
    TrafficKind {
        priority: kind.priority,
        tenant: tenant.map(|tenant| tenant.name.clone()),
        tags: tags.map(|(_, tag)| tag.clone()).collect(),
        features: features.map(str::to_owned).collect(),
        region: region.cloned(),
        retries: kind.overrides.retries,
        timeout: kind.overrides.timeout,
        fallbacks: match kind.overrides.fallbacks {
            FallbackChoice::Configured => None,
            FallbackChoice::None => Some(Vec::new()),
            FallbackChoice::These(groups) => Some(groups.iter().map(group).collect()),
        },
        ..TrafficKind::new(group(kind.group), kind.group.0)
    }
}

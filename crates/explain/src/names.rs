//! The names behind the numbers of a recording.

use squall_record::Recording;
use squall_router::{DeploymentId, Features, GroupId, RegionId, Tags, TenantId};
use squall_scenario::Scenario;

/// Names of groups, deployments, tenants, tags and regions.
#[derive(Clone, Debug)]
pub(crate) struct RunNames {
    groups: Vec<String>,
    /// With the provider of each.
    deployments: Vec<(String, String)>,
    tenants: Vec<String>,
    tags: Vec<String>,
    regions: Vec<String>,
}

impl RunNames {
    pub(crate) fn of(recording: &Recording, scenario: &Scenario) -> Self {
        let header = &recording.header;
        let provider = |place: u16| {
            let name = header.providers.get(usize::from(place));
            name.cloned().unwrap_or_else(|| format!("provider {place}"))
        };
        let deployments = header.deployments.iter();
        Self {
            groups: header.groups.clone(),
            deployments: deployments
                .map(|each| (each.name.clone(), provider(each.provider)))
                .collect(),
            tenants: scenario.router.tenants.iter().map(|each| each.name.clone()).collect(),
            tags: scenario.tags.clone(),
            regions: scenario.regions.clone(),
        }
    }

    pub(crate) fn group(&self, id: GroupId) -> String {
        named(&self.groups, id.index(), "group")
    }

    pub(crate) fn deployment(&self, id: DeploymentId) -> String {
        let known = self.deployments.get(id.index());
        known.map_or_else(|| format!("deployment {}", id.0), |(name, _)| name.clone())
    }

    /// The provider of a deployment.
    pub(crate) fn provider(&self, id: DeploymentId) -> Option<&str> {
        self.deployments.get(id.index()).map(|(_, provider)| provider.as_str())
    }

    pub(crate) fn tenant(&self, id: TenantId) -> String {
        named(&self.tenants, usize::from(id.0), "tenant")
    }

    pub(crate) fn region(&self, id: RegionId) -> String {
        named(&self.regions, usize::from(id.0), "region")
    }

    /// The words of these tags.
    pub(crate) fn tags(&self, tags: Tags) -> Vec<String> {
        let bits = (0_u32..64).filter(|bit| tags.0 >> bit & 1 == 1);
        bits.map(|bit| named(&self.tags, bit as usize, "tag")).collect()
    }
}

/// The words of these features.
pub(crate) fn features(features: Features) -> Vec<&'static str> {
    let holds = |word: &&str| Features::from_word(word).is_some_and(|one| features.holds(one));
    Features::WORDS.into_iter().filter(holds).collect()
}

fn named(names: &[String], place: usize, what: &str) -> String {
    names.get(place).cloned().unwrap_or_else(|| format!("{what} {place}"))
}

//! What a lint is, and what it looks at.

use super::places::Places;
use crate::demand::ExcessDemand;
use crate::diagnostic::{Diagnostics, Problem};
use crate::effective::{AsGateway, EffectiveKind};
use crate::model::{DeploymentLink, GatewayFile, GatewayProvider, Scenario};
use crate::node::Node;
use squall_litellm::LitellmFile;
use squall_router::{
    DeploymentConfig, GroupConfig, GroupId, Profile, RouterConfig, WorstCase, WorstCaseRequest,
};
use std::io;

/// Something that a configuration should not have, though a router can run with it.
#[derive(Clone, Copy, Debug)]
pub struct Lint {
    /// What it is called in files, on the command line and in the documentation.
    pub id: &'static str,
    /// What it finds, in a sentence.
    pub about: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// What to do about it.
    pub help: &'static str,
    pub(super) find: fn(&LintContext<'_>) -> Vec<Problem>,
}

/// How a configuration is checked.
#[derive(Clone, Copy)]
pub struct ConfigCheckOptions<'o> {
    /// Lints that are allowed, beside those of the file.
    pub allow: &'o [&'o str],
    /// How often clients try again by themselves; the OpenAI SDKs 2 times.
    pub client_retries: u32,
    /// More calls to providers than this for one request of a client are found.
    pub most_calls: u64,
    /// The request whose worst case is told.
    pub request: WorstCaseRequest,
    /// By whose formulas a LiteLLM file is routed.
    pub profile: Profile,
    /// Loads a file that a scenario names.
    pub load: &'o dyn Fn(&str) -> io::Result<String>,
}

impl core::fmt::Debug for ConfigCheckOptions<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ConfigCheckOptions").field("allow", &self.allow).finish_non_exhaustive()
    }
}

impl Lint {
    /// A problem with the words that all of this lint's have: its id, why it matters, what to do, how to allow it.
    pub(super) fn worded(&self, problem: Problem, places: &Places) -> Problem {
        let Self { id, why, help, .. } = self;
        let at_router = match places.are_litellms() {
            true => String::new(),
            false => format!("`allow: [{id}]` at the router or "),
        };
        let help = format!("{why}; {help}; if it is meant, {at_router}`--allow {id}`");
        let message = format!("{} [{id}]", problem.message);
        let mut problem = problem.help(help).warning();
        problem.message = message;
        problem
    }
}

/// What is checked, whichever kind of file it came from.
#[derive(Debug)]
pub(crate) struct CheckedSubject {
    pub(crate) router: RouterConfig,
    /// What serves each deployment, in the order of the groups.
    links: Vec<DeploymentLink>,
    providers: Vec<CheckedProvider>,
    /// Where a scenario's traffic asks for more than the limits of its providers pass.
    pub(super) excess_demand: Option<ExcessDemand>,
    pub(crate) places: Places,
}

/// A provider, as far as lints go by it.
#[derive(Debug)]
pub(crate) struct CheckedProvider {
    pub(crate) name: String,
    /// Where it is called; none in a scenario, whose providers are simulated.
    pub(crate) base_url: Option<String>,
    pub(crate) has_key: bool,
}

impl CheckedSubject {
    pub(super) fn read(
        path: &str,
        text: &str,
        node: &Node,
        kind: Option<EffectiveKind>,
        options: &ConfigCheckOptions<'_>,
    ) -> Result<Option<Self>, Diagnostics> {
        let places = Places::of(node);
        let called = |providers: Vec<GatewayProvider>| -> Vec<CheckedProvider> {
            let providers = providers.into_iter().map(|each| CheckedProvider {
                name: each.name,
                base_url: Some(each.base_url),
                has_key: each.api_key.is_some(),
            });
            providers.collect()
        };
        let mut excess_demand = None;
        let (router, links, providers) = match kind {
            Some(EffectiveKind::Gateway) => {
                let file = GatewayFile::read(path, text)?;
                (file.router, file.deployments, called(file.providers))
            }
            Some(EffectiveKind::Litellm) => {
                let file = LitellmFile::read_with(path, text, options.load)?;
                let router = file.router(options.profile);
                let as_gateway = AsGateway::new(&file, router.spend_budgets.len());
                (router, as_gateway.links, called(as_gateway.providers))
            }
            Some(EffectiveKind::Scenario) => {
                let scenario = Scenario::read_with(path, text, options.load)?;
                excess_demand = scenario.excess_demand();
                let providers = scenario.providers.into_iter().map(|each| CheckedProvider {
                    name: each.name,
                    base_url: None,
                    has_key: false,
                });
                (scenario.router, scenario.deployments, providers.collect())
            }
            Some(EffectiveKind::Mock) | None => return Ok(None),
        };
        Ok(Some(Self { router, links, providers, excess_demand, places }))
    }
}

/// What a lint looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LintContext<'c> {
    pub(super) subject: &'c CheckedSubject,
    /// The worst case of each group.
    pub(super) groups: &'c [(String, WorstCase)],
    pub(super) options: &'c ConfigCheckOptions<'c>,
}

/// A group with its number and the numbers of its deployments.
#[derive(Clone, Debug)]
pub(crate) struct CheckedGroup<'c> {
    pub(crate) id: GroupId,
    pub(crate) config: &'c GroupConfig,
    /// The number of its first deployment.
    first: usize,
}

impl<'c> LintContext<'c> {
    pub(crate) const fn router(&self) -> &'c RouterConfig {
        &self.subject.router
    }

    pub(crate) const fn places(&self) -> &'c Places {
        &self.subject.places
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = CheckedGroup<'c>> {
        let mut first = 0;
        let router = self.router();
        (0_u16..).zip(&router.groups).map(move |(place, config)| {
            let group = CheckedGroup { id: GroupId(place), config, first };
            first += config.deployments.len();
            group
        })
    }

    pub(crate) fn group(&self, id: GroupId) -> CheckedGroup<'c> {
        self.groups().nth(id.index()).expect("fallbacks are checked to be there")
    }

    /// Whether a group is where others fall back to, and has no further to go: it is the end of a way.
    pub(crate) fn ends_a_way(&self, id: GroupId) -> bool {
        let router = self.router();
        let falls = |group: &GroupConfig| group.fallbacks.all().any(|to| to == id);
        router.groups.iter().any(falls)
            && router.groups[id.index()].fallbacks.all().next().is_none()
    }

    pub(crate) fn worst(&self, id: GroupId) -> &'c WorstCase {
        &self.groups[id.index()].1
    }

    pub(crate) const fn options(&self) -> &'c ConfigCheckOptions<'c> {
        self.options
    }

    pub(crate) fn providers(&self) -> &'c [CheckedProvider] {
        &self.subject.providers
    }

    /// What may fail as one behind a group's deployments that take requests: host or provider, and region where all
    /// name one.
    pub(crate) fn domains(&self, group: &CheckedGroup<'_>) -> Vec<FailureDomain> {
        let used = group.config.deployments.iter().enumerate();
        let used = used.filter(|(_, deployment)| deployment.weight > 0);
        let domain = |(place, deployment): (usize, &DeploymentConfig)| {
            let link = self.subject.links.get(group.first + place);
            let provider = link.map(|link| usize::from(link.provider));
            let known = provider.and_then(|place| self.subject.providers.get(place));
            let url = known.and_then(|known| known.base_url.as_deref());
            let name = known.map_or("", |known| known.name.as_str());
            FailureDomain {
                place: url.map_or(name, host_of).to_owned(),
                region: deployment.region.map(|region| region.0),
            }
        };
        used.map(domain).collect()
    }
}

/// What fails as one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct FailureDomain {
    /// The host that is called, or the provider.
    pub(crate) place: String,
    pub(crate) region: Option<u8>,
}

impl FailureDomain {
    /// What all of them have in common, for a sentence; `None` if nothing.
    pub(crate) fn shared(domains: &[Self]) -> Option<String> {
        let (first, rest) = domains.split_first()?;
        if rest.iter().all(|each| each.place == first.place) {
            return Some(format!("`{}`", first.place));
        }
        let region = first.region?;
        rest.iter().all(|each| each.region == Some(region)).then(|| "one region".to_owned())
    }
}

/// `https://api.openai.com:443/v1` without scheme and path.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest)
}

//! A scenario's router as other gateways see it: groups of deployments at addresses, and where each falls back to.

use core::time::Duration;
use squall_router::{
    AttemptTimeouts, Backoff, CooldownRule, DeploymentConfig, FailureCooldown, FallbackRule,
    GroupConfig, RateLimit, RateWindow, RetryRule, RouterConfig,
};
use squall_scenario::{Scenario, ScenarioProvider};
use squall_wire::Format;
use std::collections::BTreeSet;

/// The groups of a scenario.
#[derive(Debug)]
pub(crate) struct RoutingView<'s> {
    pub(crate) scenario: &'s Scenario,
    pub(crate) router: &'s RouterConfig,
    served: Vec<ServedBy<'s>>,
}

/// What serves a deployment.
#[derive(Clone, Copy, Debug)]
struct ServedBy<'s> {
    provider: &'s ScenarioProvider,
    model: &'s str,
    key: Option<&'s str>,
}

/// A group with its deployments.
#[derive(Clone, Debug)]
pub(crate) struct GroupView<'v> {
    pub(crate) config: &'v GroupConfig,
    pub(crate) deployments: Vec<DeploymentView<'v>>,
}

/// A deployment and what serves it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeploymentView<'v> {
    pub(crate) config: &'v DeploymentConfig,
    pub(crate) group: &'v GroupConfig,
    pub(crate) provider: &'v ScenarioProvider,
    /// The model's name upstream.
    pub(crate) model: &'v str,
    /// The key that the scenario names.
    pub(crate) key: Option<&'v str>,
}

impl<'s> RoutingView<'s> {
    pub(crate) fn new(scenario: &'s Scenario) -> Self {
        // The first configuration's deployments come first in the table.
        let served = scenario.deployments.iter().filter_map(|link| {
            let provider = scenario.providers.get(usize::from(link.provider))?;
            Some(ServedBy { provider, model: &link.model, key: link.key.as_deref() })
        });
        Self { scenario, router: scenario.router_as_written(), served: served.collect() }
    }

    /// Every group, in the order of the file.
    pub(crate) fn groups(&self) -> Vec<GroupView<'_>> {
        let mut served = self.served.iter();
        let groups = self.router.groups.iter().map(|config| {
            let deployments = config.deployments.iter().zip(served.by_ref());
            let deployments = deployments.map(|(deployment, by)| DeploymentView {
                config: deployment,
                group: config,
                provider: by.provider,
                model: by.model,
                key: by.key,
            });
            GroupView { config, deployments: deployments.collect() }
        });
        groups.collect()
    }

    /// The group that traffic asks for.
    pub(crate) fn target(&self) -> GroupView<'_> {
        self.groups().swap_remove(self.scenario.target.index())
    }

    /// Whether clients ask for other groups than [`target`](Self::target) as well.
    pub(crate) fn asks_for_several(&self) -> bool {
        self.scenario.kinds.iter().any(|kind| kind.group != self.scenario.target)
    }

    /// The groups that a request goes through that `group` cannot serve: depth first, none twice.
    pub(crate) fn fallbacks(&self, group: &GroupConfig) -> Vec<GroupView<'_>> {
        let groups = self.groups();
        let most = match self.router.fallback_rule {
            FallbackRule::DepthFirst { max_moves } => usize::from(max_moves),
            FallbackRule::LitellmNested { .. } => groups.len(),
        };
        let mut order = Vec::new();
        let start = groups.iter().position(|each| each.config.name == group.name);
        self.walk(start.unwrap_or(0), &mut BTreeSet::new(), &mut order);
        order.into_iter().skip(1).take(most).map(|place| groups[place].clone()).collect()
    }

    fn walk(&self, place: usize, seen: &mut BTreeSet<usize>, order: &mut Vec<usize>) {
        if !seen.insert(place) {
            return;
        }
        order.push(place);
        for next in &self.router.groups[place].fallbacks.general {
            self.walk(next.index(), seen, order);
        }
    }

    /// Whether requests of the scenario are streamed, and whether some are not.
    pub(crate) fn streams(&self) -> StreamMix {
        let workload = &self.scenario.workload;
        let mut shares: Vec<u32> = Vec::new();
        for source in &workload.sources {
            let of_kinds = source.kinds.iter().map(|kind| kind.stream.unwrap_or(source.stream));
            shares.extend(of_kinds.map(|share| share.ppm()));
            if source.kinds.is_empty() {
                shares.push(source.stream.ppm());
            }
        }
        StreamMix {
            some: shares.iter().any(|share| *share > 0),
            all: shares.iter().all(|share| *share == 1_000_000),
        }
    }
}

/// Which requests are streamed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamMix {
    /// Some of them.
    pub(crate) some: bool,
    /// All of them.
    pub(crate) all: bool,
}

impl GroupView<'_> {
    /// How long a stream may be silent: before its first token or between two, whichever is longer.
    pub(crate) fn stream_silence(&self) -> Duration {
        let timeouts = &self.config.timeouts;
        timeouts.first_token.max(timeouts.between_tokens)
    }

    /// How long an answer may be silent where streams cannot be told from whole answers: no healthy answer of the
    /// scenario's traffic is cut by it.
    pub(crate) fn silence(&self, mix: StreamMix) -> Duration {
        if mix.all {
            self.stream_silence()
        } else {
            self.stream_silence().max(self.config.timeouts.total)
        }
    }

    /// The waits before retries at the same deployment: the first and the longest.
    pub(crate) fn backoff(&self) -> (Duration, Duration) {
        let backoff = match self.config.retry_rule {
            RetryRule::Untried(backoff) => backoff,
            RetryRule::Litellm(_) => Backoff::default(),
        };
        (backoff.base, backoff.cap)
    }

    /// The tiers of its deployments by order, the first first.
    pub(crate) fn tiers(&self) -> Vec<Vec<DeploymentView<'_>>> {
        let mut orders: Vec<u8> = self.deployments.iter().map(|each| each.config.order).collect();
        orders.sort_unstable();
        orders.dedup();
        let tier = |order: u8| -> Vec<_> {
            self.deployments.iter().copied().filter(|each| each.config.order == order).collect()
        };
        orders.into_iter().map(tier).collect()
    }

    /// The names that clients may ask for it by.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        core::iter::once(self.config.name.as_str())
            .chain(self.config.aliases.iter().map(String::as_str))
    }
}

impl DeploymentView<'_> {
    /// `${provider.NAME.PART}`.
    pub(crate) fn placeholder(&self, part: &str) -> String {
        format!("${{provider.{}.{part}}}", self.provider.name)
    }

    /// Host and port, as placeholders.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.placeholder("host"), self.placeholder("port"))
    }

    /// The key that it is called with: the scenario's, or one that the provider accepts.
    pub(crate) fn api_key(&self) -> String {
        self.key.map_or_else(|| self.placeholder("key"), str::to_owned)
    }

    /// Its time-outs.
    pub(crate) fn timeouts(&self) -> AttemptTimeouts {
        self.config.timeouts.unwrap_or(self.group.timeouts)
    }

    /// What failures do to it; `None` for nothing.
    pub(crate) fn failure_cooldown(&self) -> Option<FailureCooldown> {
        let usual = FailureCooldown::default();
        match self.config.cooldown.unwrap_or(self.group.cooldown) {
            CooldownRule::Breaker(cooldown) => Some(cooldown.failure),
            CooldownRule::Litellm(litellm) => Some(FailureCooldown {
                consecutive: litellm.allowed_fails.map_or(usual.consecutive, |fails| fails + 1),
                base: litellm.deployment_time.unwrap_or(litellm.cooldown_time),
                ..usual
            }),
            CooldownRule::Never => None,
        }
    }

    /// Whether it speaks OpenAI's format, which gateways that pass bodies on need.
    pub(crate) fn speaks_openai(&self) -> bool {
        self.provider.format == Format::OpenAi
    }
}

/// Failures in a row, or in a window, that put a deployment out: the first of the two triggers that is set.
pub(crate) fn failures_to_trip(cooldown: &FailureCooldown) -> u32 {
    match cooldown.consecutive {
        0 => u32::try_from(cooldown.share.of(cooldown.min_attempts.into()))
            .unwrap_or(u32::MAX)
            .max(1),
        consecutive => consecutive,
    }
}

/// A name with letters, digits, `_`, `-` and `.` alone, for configurations that take nothing else.
pub(crate) fn plain_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '_' };
    name.chars().map(plain).collect()
}

/// A name of a group as a regular expression: a `*` stands for any text.
pub(crate) fn name_pattern(name: &str) -> String {
    let escaped = |c: char| if "./".contains(c) { format!("[{c}]") } else { c.to_string() };
    name.chars().map(|c| if c == '*' { "[^\"]*".to_owned() } else { escaped(c) }).collect()
}

/// Whole seconds, rounded up, at least one.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_millis().div_ceil(1000).max(1) as u64
}

/// How many a limit lets through at once after a rest.
pub(crate) fn burst(limit: &RateLimit) -> u64 {
    match limit.window {
        RateWindow::Gcra { burst } => burst.unwrap_or(limit.per_minute),
        RateWindow::Fixed | RateWindow::Sliding | RateWindow::Slice(_) | RateWindow::FromFirst => {
            limit.per_minute
        }
    }
}

//! Whether the limits of the providers can ever pass the traffic that is asked for, known before a run.
//!
//! A limit of n a minute passes, in any stretch of time t, at most its burst and n·t together. So the traffic is too much
//! for all limits together where in some stretch more is asked than all bursts and rates of the providers that it can
//! reach: the largest surplus over all stretches is found in one pass (Kadane's algorithm).

use crate::model::{Scenario, ScenarioProvider};
use core::time::Duration;
use squall_determinism::{Distribution, Timestamp};
use squall_provider::{ProviderLimits, ProviderRateLimit, ProviderWindow};
use squall_router::{GroupId, RouterConfig};
use squall_workload::{KindConfig, SourceConfig, WorkloadConfig};
use std::collections::BTreeSet;

/// Traffic is looked at in so many steps at most.
const STEPS_MAX: u64 = 1_000_000;
/// A surplus below this is a matter of chance, and of steps.
const SURPLUS_MIN: f64 = 1.0;

/// A stretch of time in which more is asked for than all limits together can pass.
#[derive(Clone, Debug, PartialEq)]
pub struct ExcessDemand {
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// The requests that are expected in it.
    pub asked: f64,
    /// The requests that the limits pass in it at most.
    pub passed: f64,
    /// The providers with the limit of each that is the tightest: `eu (rpm 3000)`.
    pub limits: Vec<String>,
}

impl core::fmt::Display for ExcessDemand {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "from {} s to {} s traffic asks for about {:.0} requests, and the limits of {} pass {:.0} at most",
            self.from.as_nanos() as f64 / 1e9,
            self.to.as_nanos() as f64 / 1e9,
            self.asked,
            self.limits.join(", "),
            self.passed
        )
    }
}

impl Scenario {
    /// Where traffic asks for more than the limits of all providers that it can reach, fallbacks included, can pass.
    /// `None` where they may be enough, where a provider has no limit by the minute, and where all clients wait for their
    /// answers, so that these decide how much is asked for. Of several sources those that follow a rate count. Faults that cut limits are not considered, and neither are
    /// retries.
    #[must_use]
    pub fn excess_demand(&self) -> Option<ExcessDemand> {
        let rates = self.workload.sources.iter().filter_map(|source| source.arrivals.rate());
        let rates: Vec<_> = rates.collect();
        if rates.is_empty() {
            return None;
        }
        let expected =
            |from, to| -> f64 { rates.iter().map(|rate| rate.expected_between(from, to)).sum() };
        let tokens = SmallestRequest::of(&self.workload);
        let providers = self.reachable_providers();
        let tightest = providers.iter().map(|(provider, keys)| {
            let flow = Flow::tightest(&provider.config.limits, tokens)?;
            Some((provider, if provider.config.limits.per_key { flow.times(*keys) } else { flow }))
        });
        let tightest: Vec<_> = tightest.collect::<Option<_>>()?;
        let per_second: f64 = tightest.iter().map(|(_, flow)| flow.per_second).sum();
        let burst: f64 = tightest.iter().map(|(_, flow)| flow.burst).sum();

        let until = self.workload.until;
        let step = Duration::from_secs(1).max(Duration::from_nanos(until.as_nanos() / STEPS_MAX));
        let surplus = largest_surplus(until, step, per_second, expected)?;
        if surplus.most <= burst + SURPLUS_MIN {
            return None;
        }
        let (from, to) = (surplus.from, surplus.to);
        Some(ExcessDemand {
            from,
            to,
            asked: expected(from, to),
            passed: burst + per_second * to.since(from).as_secs_f64(),
            limits: tightest
                .iter()
                .map(|(provider, flow)| format!("`{}` ({})", provider.name, flow.limit))
                .collect(),
        })
    }

    /// The providers that serve a group which traffic asks for, or one that it may fall back to, in any configuration of
    /// the run, each with the number of deployments that call it.
    fn reachable_providers(&self) -> Vec<(&ScenarioProvider, u32)> {
        let mut calls = vec![0_u32; self.providers.len()];
        let groups = self.reachable_groups();
        for (id, group, _) in self.deployments() {
            if groups.contains(&group) {
                calls[usize::from(self.deployments[id.index()].provider)] += 1;
            }
        }
        let called = self.providers.iter().zip(calls).filter(|(_, calls)| *calls > 0);
        called.collect()
    }

    fn reachable_groups(&self) -> BTreeSet<GroupId> {
        let mut found: BTreeSet<GroupId> = self.kinds.iter().map(|kind| kind.group).collect();
        found.insert(self.target);
        let mut open: Vec<_> = found.iter().copied().collect();
        let routers =
            || core::iter::once(&self.router).chain(self.changes.iter().map(|c| &c.router));
        while let Some(group) = open.pop() {
            let falls = |router: &RouterConfig| {
                let config = router.groups.get(group.index());
                config.map(|config| config.fallbacks.all().collect::<Vec<_>>()).unwrap_or_default()
            };
            let next: Vec<_> = routers().flat_map(falls).filter(|to| found.insert(*to)).collect();
            open.extend(next);
        }
        found
    }
}

/// The tokens of the smallest kind of request: larger ones fit less often.
#[derive(Clone, Copy, Debug)]
struct SmallestRequest {
    input: f64,
    output: f64,
}

impl SmallestRequest {
    fn of(workload: &WorkloadConfig) -> Self {
        let least = |usual: fn(&SourceConfig) -> Distribution,
                     own: fn(&KindConfig) -> Option<Distribution>| {
            let of_source = |source: &SourceConfig| {
                let usual = usual(source);
                let kinds = source.kinds.iter().map(|kind| own(kind).unwrap_or(usual).mean());
                kinds.min().unwrap_or_else(|| usual.mean())
            };
            workload.sources.iter().map(of_source).min().unwrap_or_default() as f64
        };
        Self {
            input: least(|source| source.prompt_tokens, |kind| kind.prompt_tokens),
            output: least(|source| source.output_tokens, |kind| kind.output_tokens),
        }
    }
}

/// How many requests a limit passes.
#[derive(Clone, Debug)]
struct Flow {
    per_second: f64,
    /// And at once on top of that, in any stretch of time.
    burst: f64,
    /// Its key and number.
    limit: String,
}

impl Flow {
    /// The limit that passes the fewest in the long run; `None` without one by the minute.
    fn tightest(limits: &ProviderLimits, tokens: SmallestRequest) -> Option<Self> {
        let SmallestRequest { input, output } = tokens;
        let all = [
            ("rpm", limits.rpm, 1.0),
            ("tpm", limits.tpm, input + output),
            ("input_tpm", limits.input_tpm, input),
            ("output_tpm", limits.output_tpm, output),
        ];
        let flows = all.into_iter().filter_map(|(key, limit, weight)| {
            limit.filter(|_| weight > 0.0).map(|limit| Self::of(key, limit, weight))
        });
        flows.min_by(|one, other| one.per_second.total_cmp(&other.per_second))
    }

    fn of(key: &str, limit: ProviderRateLimit, weight: f64) -> Self {
        let per_minute = limit.per_minute as f64;
        // In windows, the last of one and the first of the next come together.
        let burst = match limit.window {
            ProviderWindow::Gcra { burst } => burst.map_or(per_minute, |burst| burst as f64),
            ProviderWindow::Sliding => per_minute,
            ProviderWindow::Fixed => 2.0 * per_minute,
            ProviderWindow::Slice(length) => 2.0 * per_minute * length.as_secs_f64() / 60.0,
        };
        Self {
            per_second: per_minute / 60.0 / weight,
            burst: burst / weight,
            limit: format!("{key} {}", limit.per_minute),
        }
    }

    fn times(self, keys: u32) -> Self {
        let keys = f64::from(keys);
        Self { per_second: self.per_second * keys, burst: self.burst * keys, ..self }
    }
}

/// The stretch in which most comes beyond a constant rate.
struct Surplus {
    from: Timestamp,
    to: Timestamp,
    most: f64,
}

fn largest_surplus(
    until: Timestamp,
    step: Duration,
    per_second: f64,
    expected: impl Fn(Timestamp, Timestamp) -> f64,
) -> Option<Surplus> {
    let mut best: Option<Surplus> = None;
    let (mut begin, mut sum) = (Timestamp::ZERO, 0.0);
    let mut from = Timestamp::ZERO;
    while from < until {
        let to = (from + step).min(until);
        if sum <= 0.0 {
            (begin, sum) = (from, 0.0);
        }
        sum += expected(from, to) - per_second * to.since(from).as_secs_f64();
        if sum > best.as_ref().map_or(0.0, |best| best.most) {
            best = Some(Surplus { from: begin, to, most: sum });
        }
        from = to;
    }
    best
}

#[cfg(test)]
mod tests;

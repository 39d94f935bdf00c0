//! Limits in every window, the router's and the providers' own, and the budget of retries.

use super::Run;
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_provider::ProviderWindow;
use squall_record::{AttemptOutcome, AttemptRow};
use squall_router::{RateWindow, RetryBudget};
use squall_scenario::EPOCH_NANOS;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn violations(run: &Run<'_>) -> Vec<String> {
    let mut all = Vec::new();
    router(run, &mut all);
    providers(run, &mut all);
    if let Some(told) = retry_budget(run) {
        all.push(told);
    }
    all
}

fn router(run: &Run<'_>, all: &mut Vec<String>) {
    // A change of limits begins a count anew: those deployments are left out.
    let changed = |name: &str| {
        run.scenario.changes.iter().any(|change| {
            let groups = change.router.groups.iter();
            let config = groups.flat_map(|group| &group.deployments).find(|each| each.name == name);
            let first = run.scenario.deployments().find(|(.., each)| each.name == name);
            config.map(|config| config.limits) != first.map(|(.., each)| each.limits)
        })
    };
    for (place, config, _) in run.deployments() {
        if changed(&config.name) {
            continue;
        }
        let rows = &run.by_deployment[place];
        if let Some(limit) = config.limits.rpm {
            // A refused connection gives its place back: as if it had never been.
            let counted = rows.iter().filter(|row| !is(row, FailureClass::Connect));
            let times: Vec<_> = counted.map(|row| row.started).collect();
            let most = match limit.window {
                RateWindow::Gcra { burst } => {
                    bucket(&times, limit.per_minute, burst.unwrap_or(limit.per_minute))
                }
                RateWindow::Fixed => slices(&times, MINUTE, limit.per_minute),
                RateWindow::Sliding => sliding(&times, limit.per_minute),
                RateWindow::Slice(length) => {
                    let part = limit.per_minute as f64 * length.as_secs_f64() / 60.0;
                    slices(&times, length, (part.floor() as u64).max(1))
                }
                RateWindow::FromFirst => None,
            };
            all.extend(most.map(|at| {
                format!("{}: over its limit {limit:?} at {} s", config.name, at.as_secs_f64())
            }));
        }
        if let Some(most) = config.limits.concurrency {
            let found = at_once(rows);
            if found > u64::from(most) {
                all.push(format!("{}: {found} at once, of {most}", config.name));
            }
        }
    }
}

/// What a provider answered well is within its own limit, counted here once more.
fn providers(run: &Run<'_>, all: &mut Vec<String>) {
    for (place, provider) in run.scenario.providers.iter().enumerate() {
        let here = |row: &&AttemptRow| {
            usize::from(run.recording.header.deployments[usize::from(row.deployment)].provider)
                == place
        };
        let rows: Vec<_> = run.recording.attempts.iter().filter(here).collect();
        let served: Vec<_> =
            rows.iter().copied().filter(|row| row.outcome == AttemptOutcome::Succeeded).collect();
        let times: Vec<_> = served.iter().map(|row| row.started).collect();
        if let Some(limit) = provider.config.limits.rpm {
            let n = limit.per_minute;
            let over = match limit.window {
                ProviderWindow::Gcra { burst } => bucket(&times, n, burst.unwrap_or(n)),
                ProviderWindow::Fixed => slices(&times, MINUTE, n),
                ProviderWindow::Sliding => sliding(&times, n),
                ProviderWindow::Slice(length) => {
                    let part = n as f64 * length.as_secs_f64() / 60.0;
                    slices(&times, length, (part.floor() as u64).max(1))
                }
            };
            all.extend(over.map(|at| {
                format!("{}: let in more than {limit:?} at {} s", provider.name, at.as_secs_f64())
            }));
        }
        // Answers at once, from the first token on: what waits in its queue holds no place.
        if let Some(capacity) = provider.config.capacity {
            let places = u64::from(capacity.concurrent);
            let spoken: Vec<_> = served.iter().copied().filter(|row| row.stream).collect();
            let speaking = spoken.iter().filter_map(|row| Some((row.first_token?, row.ended)));
            let found = most_at_once(speaking);
            if found > places {
                all.push(format!("{}: {found} answers at once, of {places}", provider.name));
            }
        }
    }
}

/// Retries are so much of the requests and so many a second, in any window.
fn retry_budget(run: &Run<'_>) -> Option<String> {
    let budget = run.scenario.router.retry_budget;
    if budget == RetryBudget::UNLIMITED {
        return None;
    }
    let group =
        |row: &AttemptRow| run.recording.header.deployments[usize::from(row.deployment)].group;
    let pairs = run.by_request.values().flat_map(|rows| rows.windows(2));
    // The first attempt in another group is a fallback and no retry.
    let mut retries: Vec<_> =
        pairs.filter(|pair| group(pair[0]) == group(pair[1])).map(|pair| pair[1].started).collect();
    retries.sort_unstable();
    let requests: Vec<_> = run.recording.requests.iter().map(|row| row.sent).collect();
    // A retry that waited was granted before: the longest wait is the longest backoff, or a Retry-After.
    let slack = Duration::from_secs(12);
    for (place, &at) in retries.iter().enumerate() {
        let from = at - budget.window;
        let first = retries.partition_point(|&each| each < from);
        let count = (place + 1 - first) as f64;
        let asked_from = requests.partition_point(|&each| each < from - budget.window - slack);
        let asked = requests.partition_point(|&each| each <= at) - asked_from;
        let seconds = (budget.window * 2 + slack).as_secs_f64();
        let most =
            budget.ratio.as_f64() * asked as f64 + f64::from(budget.min_per_second) * seconds;
        if count > most + 1.0 {
            return Some(format!(
                "{count} retries before {} s, and {most:.1} are granted",
                at.as_secs_f64()
            ));
        }
    }
    None
}

fn is(row: &AttemptRow, class: FailureClass) -> bool {
    row.outcome == AttemptOutcome::Failed { class }
}

/// Where a bucket of `burst` that fills at `per_minute` would have run dry.
fn bucket(times: &[Timestamp], per_minute: u64, burst: u64) -> Option<Timestamp> {
    let (mut left, mut last) = (burst as f64, Timestamp::ZERO);
    for &at in times {
        let filled = at.since(last).as_secs_f64() * per_minute as f64 / 60.0;
        left = (left + filled).min(burst as f64) - 1.0;
        last = at;
        if left < -1e-6 {
            return Some(at);
        }
    }
    None
}

/// Where a slice of the wall clock holds more than `most`.
fn slices(times: &[Timestamp], length: Duration, most: u64) -> Option<Timestamp> {
    let slice = |at: Timestamp| u128::from(EPOCH_NANOS + at.as_nanos()) / length.as_nanos();
    let over =
        times.chunk_by(|a, b| slice(*a) == slice(*b)).find(|slice| slice.len() as u64 > most)?;
    over.last().copied()
}

/// Where any sixty seconds hold more than `most`.
fn sliding(times: &[Timestamp], most: u64) -> Option<Timestamp> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let over = times.windows(most.saturating_add(1));
    let over = over.filter_map(|run| Some((*run.first()?, *run.last()?)));
    over.filter(|(first, last)| last.since(*first) < MINUTE).map(|(_, last)| last).next()
}

fn at_once(rows: &[&AttemptRow]) -> u64 {
    most_at_once(rows.iter().map(|row| (row.started, row.ended)))
}

fn most_at_once(spans: impl Iterator<Item = (Timestamp, Timestamp)>) -> u64 {
    let spans: Vec<_> = spans.collect();
    let ends = spans.iter().map(|&(_, end)| (end, -1_i64));
    let mut steps: Vec<_> = spans.iter().map(|&(start, _)| (start, 1_i64)).chain(ends).collect();
    // Who ends makes room for who begins at the same moment.
    steps.sort_unstable();
    let mut now = 0;
    let most = steps.into_iter().map(|(_, step)| {
        now += step;
        now
    });
    u64::try_from(most.max().unwrap_or(0)).unwrap_or(0)
}

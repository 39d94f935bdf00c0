//! What traffic asks of each provider: the limits that would let all of it in.
//!
//! The provider's limits are lifted, the router's own stay. A need is in the unit of the limit and counted as
//! the limit counts: by slices, by minutes of the clock, in the last 60 s, or as a steady flow with bursts.

use super::without;
use crate::CampaignError;
use crate::parallel::{self, IsInterrupted};
use squall_determinism::Timestamp;
use squall_provider::{ProviderLimits, ProviderRateLimit, ProviderWindow};
use squall_record::{AttemptRow, Recording};
use squall_scenario::Scenario;
use squall_sim::{RowRetention, SimOptions, simulate};
use std::num::NonZero;
use std::time::Duration;

/// What is asked of a provider at most, over all seeds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProviderNeed {
    /// The provider's name.
    pub provider: String,
    /// Requests per minute that its window must let in.
    pub rpm: u64,
    /// The limit that there is.
    pub rpm_limit: Option<u64>,
    /// Tokens per minute, prompts and answers together.
    pub tpm: u64,
    /// The limit that there is.
    pub tpm_limit: Option<u64>,
    /// Answers at once.
    pub concurrent: u64,
    /// How many there may be.
    pub concurrent_limit: Option<u64>,
}

/// What is asked of each provider, at most over the seeds, when none of them limits anything but those whose
/// limits are `kept`. Nothing if it was interrupted: of fewer seeds the most may be too little.
///
/// # Errors
/// When the router refuses the configuration.
pub fn needs(
    scenario: &Scenario,
    gone: Option<&str>,
    kept: &[String],
    seeds: usize,
    workers: NonZero<usize>,
    is_interrupted: &IsInterrupted<'_>,
) -> Result<Vec<ProviderNeed>, CampaignError> {
    let mut open = without(scenario.clone(), gone);
    for provider in open.providers.iter_mut().filter(|each| !kept.contains(&each.name)) {
        provider.written.limits = ProviderLimits::NONE;
        provider.written.capacity = None;
    }
    let seeds: Vec<_> = scenario.seed.following(seeds).collect();
    let runs = parallel::do_in_parallel(
        &seeds,
        workers,
        is_interrupted,
        |&seed| {
            let mut open = open.clone();
            open.set_seed(seed);
            let recording =
                simulate(&open, SimOptions { keep: RowRetention::Rows, journal: false })?;
            Ok::<_, CampaignError>(of_run(scenario, &recording))
        },
        |_| (),
    );
    if runs.len() < seeds.len() {
        return Ok(Vec::new());
    }
    let mut most: Vec<ProviderNeed> = Vec::new();
    for run in runs {
        let run = run?;
        if most.is_empty() {
            most = run;
            continue;
        }
        for (most, need) in most.iter_mut().zip(run) {
            most.rpm = most.rpm.max(need.rpm);
            most.tpm = most.tpm.max(need.tpm);
            most.concurrent = most.concurrent.max(need.concurrent);
        }
    }
    Ok(most)
}

fn of_run(scenario: &Scenario, recording: &Recording) -> Vec<ProviderNeed> {
    let providers = scenario.providers.iter().enumerate();
    let need = |(place, provider): (usize, &squall_scenario::ScenarioProvider)| {
        let deployments = &recording.header.deployments;
        let here = |row: &&AttemptRow| {
            let info = deployments.get(usize::from(row.deployment));
            info.is_some_and(|info| usize::from(info.provider) == place)
        };
        let rows: Vec<_> = recording.attempts.iter().filter(here).collect();
        let limits = &provider.config.limits;
        let window = |limit: Option<ProviderRateLimit>| {
            limit.map_or(ProviderWindow::Sliding, |limit| limit.window)
        };
        let requests: Vec<_> = rows.iter().map(|row| (row.started, 1)).collect();
        let tokens: Vec<_> = rows
            .iter()
            .map(|row| (row.started, u64::from(row.input_tokens) + u64::from(row.output_tokens)))
            .collect();
        ProviderNeed {
            provider: provider.name.clone(),
            rpm: per_minute(&requests, window(limits.rpm)),
            rpm_limit: limits.rpm.map(|limit| limit.per_minute),
            tpm: per_minute(&tokens, window(limits.tpm)),
            tpm_limit: limits.tpm.map(|limit| limit.per_minute),
            concurrent: at_once(&rows),
            concurrent_limit: provider.config.capacity.map(|capacity| capacity.concurrent.into()),
        }
    };
    providers.map(need).collect()
}

/// The number per minute that lets all of it in, counted as the window counts. Sorted by time.
fn per_minute(events: &[(Timestamp, u64)], window: ProviderWindow) -> u64 {
    const MINUTE: Duration = Duration::from_secs(60);
    match window {
        ProviderWindow::Fixed => most_in_slices(events, MINUTE),
        ProviderWindow::Slice(length) => {
            let most = most_in_slices(events, length) as f64;
            (most * MINUTE.as_secs_f64() / length.as_secs_f64()).ceil() as u64
        }
        ProviderWindow::Sliding => most_in_any(events, MINUTE),
        ProviderWindow::Gcra { burst } => flow(events, burst),
    }
}

/// The most in one slice of this length.
fn most_in_slices(events: &[(Timestamp, u64)], length: Duration) -> u64 {
    let slice = |at: Timestamp| u128::from(at.as_nanos()) / length.as_nanos().max(1);
    let slices = events.chunk_by(|(a, _), (b, _)| slice(*a) == slice(*b));
    slices.map(|slice| slice.iter().map(|(_, count)| count).sum()).max().unwrap_or(0)
}

/// The most within this length, wherever it begins.
fn most_in_any(events: &[(Timestamp, u64)], length: Duration) -> u64 {
    let (mut first, mut sum, mut most) = (0, 0, 0);
    for &(at, count) in events {
        sum += count;
        while at.since(events[first].0) >= length {
            sum -= events[first].1;
            first += 1;
        }
        most = most.max(sum);
    }
    most
}

/// The least flow per minute that a bucket of `burst`, or of a minute's worth, lets all of it through with.
fn flow(events: &[(Timestamp, u64)], burst: Option<u64>) -> u64 {
    let total: u64 = events.iter().map(|(_, count)| count).sum();
    let (mut too_little, mut enough) = (0, total.saturating_mul(600).max(1));
    while too_little + 1 < enough {
        let middle = too_little + (enough - too_little) / 2;
        if passes(events, middle, burst.unwrap_or(middle)) {
            enough = middle;
        } else {
            too_little = middle;
        }
    }
    if total == 0 { 0 } else { enough }
}

/// Whether a bucket that fills at this many per minute never runs dry.
fn passes(events: &[(Timestamp, u64)], per_minute: u64, burst: u64) -> bool {
    let (mut left, mut last) = (burst as f64, Timestamp::ZERO);
    events.iter().all(|&(at, count)| {
        let filled = at.since(last).as_secs_f64() * per_minute as f64 / 60.0;
        left = (left + filled).min(burst as f64) - count as f64;
        last = at;
        left >= -1e-9
    })
}

/// The most attempts that were under way at one moment.
fn at_once(rows: &[&AttemptRow]) -> u64 {
    let starts = rows.iter().map(|row| (row.started, 1_i64));
    let ends = rows.iter().map(|row| (row.ended, -1_i64));
    let mut steps: Vec<_> = starts.chain(ends).collect();
    // Who ends makes room for who starts at the same moment.
    steps.sort_unstable();
    let mut now = 0;
    let most = steps.into_iter().map(|(_, step)| {
        now += step;
        now
    });
    u64::try_from(most.max().unwrap_or(0)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(millis: u64, n: u64) -> Vec<(Timestamp, u64)> {
        (0..n).map(|place| (Timestamp::from_millis(place * millis), 1)).collect()
    }

    #[test]
    fn an_even_flow_needs_its_own_rate_however_it_is_counted() {
        // Ten a second for two minutes.
        let events = every(100, 1_200);
        assert_eq!(per_minute(&events, ProviderWindow::Fixed), 600);
        assert_eq!(per_minute(&events, ProviderWindow::Sliding), 600);
        assert_eq!(per_minute(&events, ProviderWindow::Slice(Duration::from_secs(1))), 600);
        assert_eq!(per_minute(&events, ProviderWindow::Gcra { burst: Some(1) }), 600);
    }

    #[test]
    fn a_burst_needs_more_the_finer_it_is_counted() {
        // Fifty at once and nothing else.
        let events = every(0, 50);
        assert_eq!(per_minute(&events, ProviderWindow::Sliding), 50);
        assert_eq!(per_minute(&events, ProviderWindow::Slice(Duration::from_millis(500))), 6_000);
        assert_eq!(per_minute(&events, ProviderWindow::Gcra { burst: None }), 50);
        assert!(passes(&events, 1, 50) && !passes(&events, 1_000, 49));
    }
}

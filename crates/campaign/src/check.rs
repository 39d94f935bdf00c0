//! Many fixed seeds of every scenario.

use crate::parallel::{self, BatchProgress, IsInterrupted};
use crate::{CampaignError, verify_determinism};
use squall_determinism::{Seed, Shard};
use squall_judge::Verdict;
use squall_record::Recording;
use squall_scenario::Scenario;
use squall_sim::{RowRetention, SimOptions, simulate};
use std::num::NonZero;

/// The part of all runs that a check speaks for: what fewer than 59 seeds say nothing of.
pub(crate) const RUNS: f64 = 0.95;

/// Which seeds to run, and how.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CheckOptions {
    /// How many seeds of each scenario. Default 59: the worst of 59 bounds 95 % of all runs with 95 %
    /// confidence.
    pub seeds: usize,
    /// The first seed, which the others follow; the scenario's own if none is given.
    pub first_seed: Option<u64>,
    /// How many of the seeds were run before, and are not run again. Default none.
    pub skip: usize,
    /// How many runs are made at once. Default: as many as there are cores.
    pub workers: NonZero<usize>,
    /// Whether every seed is run twice, and the two are compared. Default no.
    pub twice: bool,
    /// Which of the seeds are run, by their places from the first one. Default all.
    pub shard: Shard,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self {
            seeds: 59,
            first_seed: None,
            skip: 0,
            workers: parallel::workers(),
            twice: false,
            shard: Shard::WHOLE,
        }
    }
}

/// Runs every scenario with every seed, and judges each run: the verdicts of a scenario in the order of its
/// seeds. An interrupted check has fewer of the scenario that it came to, and none of those after it.
///
/// # Errors
/// When the router refuses a configuration, or two runs of one seed differ.
pub fn check(
    scenarios: &[&Scenario],
    options: &CheckOptions,
    is_interrupted: &IsInterrupted<'_>,
    told: impl FnMut(BatchProgress),
) -> Result<Vec<Vec<Verdict>>, CampaignError> {
    check_each(scenarios, options, is_interrupted, squall_judge::judge, told)
}

/// The same, with whatever is `read` from each recording in place of its verdict.
///
/// # Errors
/// As [`check`].
pub fn check_each<T: Send>(
    scenarios: &[&Scenario],
    options: &CheckOptions,
    is_interrupted: &IsInterrupted<'_>,
    read: impl Fn(&Scenario, &Recording) -> T + Sync,
    told: impl FnMut(BatchProgress),
) -> Result<Vec<Vec<T>>, CampaignError> {
    let seeds = |scenario: &Scenario| {
        let first = options.first_seed.map_or(scenario.seed, Seed::new);
        let seeds = first.following(options.skip + options.seeds).zip(0_u64..).skip(options.skip);
        seeds.filter(|(_, place)| options.shard.has(*place)).map(|(seed, _)| seed)
    };
    let runs: Vec<_> = scenarios
        .iter()
        .flat_map(|scenario| seeds(scenario).map(move |seed| (*scenario, seed)))
        .collect();
    let results = parallel::do_in_parallel(
        &runs,
        options.workers,
        is_interrupted,
        |(scenario, seed)| run_each(scenario, *seed, options.twice, &read),
        told,
    );
    let results = results.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut results = results.into_iter();
    let each = |scenario: &&Scenario| results.by_ref().take(seeds(scenario).count()).collect();
    Ok(scenarios.iter().map(each).collect())
}

/// A run with a seed. Cells are all that a verdict needs.
fn run_each<T>(
    scenario: &Scenario,
    seed: Seed,
    twice: bool,
    read: &impl Fn(&Scenario, &Recording) -> T,
) -> Result<T, CampaignError> {
    let mut scenario = scenario.clone();
    scenario.set_seed(seed);
    let recording = simulate(&scenario, SimOptions { keep: RowRetention::Cells, journal: false })?;
    if twice {
        verify_determinism(&scenario, &recording.header)?;
    }
    Ok(read(&scenario, &recording))
}

//! The shards of a check: what each leaves of its seeds, and the one verdict on all of them.

use super::check_runs::{CheckedRun, MadeRuns, conclude, started, tell};
use super::checked::Checked;
use crate::args::MergeArgs;
use crate::error::{CliError, Exit};
use crate::signals::{self, Hangup};
use crate::terminal;
use squall_campaign::{CheckOptions, workers};
use squall_determinism::{Seed, Shard};
use squall_judge::{
    Baseline, CHECK_SHARD_FILE, CheckShard, RunSet, RunVerdict, ShardScenario, read_stored_runs,
};
use squall_record::OutFolder;
use squall_scenario::Scenario;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Leaves what a shard has run, and tells whether that is all of it.
pub(super) fn leave(
    folder: &OutFolder,
    shard: Shard,
    made: &MadeRuns<'_>,
) -> Result<Exit, CliError> {
    let scenarios = made.checked.iter().zip(&made.runs).map(|(each, runs)| ShardScenario {
        origin: each.origin(),
        text: each.scenario.text.clone(),
        baseline: each.baseline.clone(),
        verdicts: runs.iter().map(|run| RunVerdict::of(&run.verdict)).collect(),
    });
    let left = CheckShard {
        shard,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seeds: made.options.seeds,
        first_seed: made.options.first_seed,
        scenarios: scenarios.collect(),
    };
    squall_judge::write_stored_runs(folder.path(), &made.sets(folder.path()))?;
    left.write(folder.path())?;
    let own = (0..made.options.seeds as u64).filter(|&place| shard.has(place)).count();
    let (done, of) = (made.done(), own * made.checked.len());
    let (number, shards) = (shard.number(), shard.of());
    terminal::data(format_args!("shard {number} of {shards}: {done} of {of} runs"));
    terminal::status("not judged: `squall merge` joins all shards, and judges the check");
    Ok(if done < of { Exit::Inconclusive } else { Exit::Met })
}

/// Whether a folder is that of a shard of a check.
pub(super) fn is_in(folder: &Path) -> bool {
    folder.join(CHECK_SHARD_FILE).is_file()
}

/// A shard that was read.
struct ReadShard {
    label: String,
    left: CheckShard,
    sets: Vec<RunSet>,
}

/// Judges the shards of a check together, as a check of one process does: where some seeds leave a scenario open, more of
/// them are run here.
pub(super) fn merge(args: &MergeArgs, folders: &[PathBuf]) -> Result<Exit, CliError> {
    let shards = folders.iter().map(|folder| read(folder)).collect::<Result<Vec<_>, _>>()?;
    let by_place = by_place(&shards, args.partial)?;
    let Some(first) = shards.first() else { return Ok(Exit::Inconclusive) };
    let folder = OutFolder::for_report(&args.out)?;
    let checked = first.left.scenarios.iter().map(checked);
    let checked = checked.collect::<Result<Vec<_>, CliError>>()?;
    let options = CheckOptions {
        seeds: first.left.seeds,
        first_seed: first.left.first_seed,
        skip: 0,
        workers: workers(),
        twice: false,
        shard: Shard::WHOLE,
    };
    let of = u64::from(first.left.shard.of());
    let runs = checked.iter().enumerate().map(|(number, each)| {
        let seeds = options.first_seed.map_or(each.scenario.seed, Seed::new);
        let seeds = seeds.following(options.seeds).zip(0_u64..);
        let run = |(seed, place): (Seed, u64)| {
            let shard = by_place.get(&(place % of))?;
            run_of(shard, number, (place / of) as usize, &each.scenario, seed)
        };
        seeds.filter_map(run).collect::<Result<Vec<_>, CliError>>()
    });
    let runs = runs.collect::<Result<Vec<_>, CliError>>()?;
    let signals = signals::take_over(1, Hangup::Stop);
    let begun = started();
    let mut made = MadeRuns { checked: &checked, runs, options, bless: false };
    let verdicts = made.judge(&|| signals.is_stopped())?;
    let exit = tell(&folder, &verdicts, &made.sets(&args.out))?;
    terminal::data(format_args!("joined from {} of {of} shards", shards.len()));
    conclude(&verdicts, made.done(), begun.elapsed().as_secs_f64());
    Ok(exit)
}

fn read(folder: &Path) -> Result<ReadShard, CliError> {
    let label = folder.display().to_string();
    if !is_in(folder) {
        let told = format!("`{label}` is not of a check, as the others are");
        return Err(CliError::Shard(told));
    }
    let left = CheckShard::read(folder)?;
    let sets = read_stored_runs(folder, &label);
    let sets = sets.map_err(|error| CliError::Shard(error.to_string()))?.unwrap_or_default();
    Ok(ReadShard { label, left, sets })
}

/// The shards by place from 0, each once and all of one check.
fn by_place(shards: &[ReadShard], is_partial: bool) -> Result<BTreeMap<u64, &ReadShard>, CliError> {
    let mut by_place = BTreeMap::new();
    for shard in shards {
        if let Some(what) = difference(&shards[0].left, &shard.left) {
            let (first, other) = (&shards[0].label, &shard.label);
            let told = format!("`{first}` and `{other}` are not shards of one check: {what}");
            return Err(CliError::Shard(told));
        }
        let number = shard.left.shard.number();
        if let Some(other) = by_place.insert(u64::from(number) - 1, shard) {
            let (label, other) = (shard.label.clone(), other.label.clone());
            return Err(squall_record::MergeError::Twice { number, label, other }.into());
        }
    }
    let of = shards.first().map_or(0, |shard| shard.left.shard.of());
    let missing = (1..=of).filter(|number| !by_place.contains_key(&(u64::from(*number) - 1)));
    let missing: Vec<_> = missing.collect();
    if !missing.is_empty() && !is_partial {
        return Err(squall_record::MergeError::Missing { missing, of }.into());
    }
    Ok(by_place)
}

/// In what two shards are of other checks.
fn difference(a: &CheckShard, b: &CheckShard) -> Option<String> {
    let differ = |what: &str, a: String, b: String| {
        (a != b).then(|| format!("one {what} {a}, and the other {b}"))
    };
    let first = |seed: Option<u64>| {
        seed.map_or_else(|| "the scenario's".to_owned(), |seed| seed.to_string())
    };
    differ("is of this many shards:", a.shard.of().to_string(), b.shard.of().to_string())
        .or_else(|| differ("was run by squall", a.version.clone(), b.version.clone()))
        .or_else(|| differ("has this many seeds:", a.seeds.to_string(), b.seeds.to_string()))
        .or_else(|| differ("has the first seed", first(a.first_seed), first(b.first_seed)))
        .or_else(|| {
            let scenarios = a.scenarios.iter().zip(&b.scenarios);
            let mut other = scenarios.filter(|(a, b)| a.text != b.text || a.baseline != b.baseline);
            let other = other.next().map(|(a, _)| format!("`{}` is another there", a.origin.path));
            let count = |of: &CheckShard| of.scenarios.len().to_string();
            other.or_else(|| differ("has this many scenarios:", count(a), count(b)))
        })
}

/// A scenario as the shards read it.
fn checked(left: &ShardScenario) -> Result<Checked, CliError> {
    let path = PathBuf::from(&left.origin.path);
    Ok(Checked {
        scenario: Scenario::read(&left.origin.path, &left.text)?,
        variables: left.origin.variables.clone(),
        settings: left.origin.settings.clone(),
        baseline_path: Baseline::path_of(&path),
        baseline: left.baseline.clone(),
        path,
    })
}

/// The run of a seed, as a shard left it; `None` where it did not come to it.
fn run_of(
    shard: &ReadShard,
    scenario_number: usize,
    place: usize,
    scenario: &Scenario,
    seed: Seed,
) -> Option<Result<CheckedRun, CliError>> {
    let left = shard.left.scenarios.get(scenario_number)?.verdicts.get(place)?.clone();
    let set = shard.sets.get(scenario_number)?;
    let measured = set.runs.get(place)?.clone();
    let run = left.into_verdict(scenario).filter(|verdict| verdict.seed == seed.value());
    let run = run.map(|verdict| CheckedRun { verdict, figures: set.figures.clone(), measured });
    let wrong = || {
        let (label, path) = (&shard.label, &shard.left.scenarios[scenario_number].origin.path);
        CliError::Shard(format!("`{label}`: a run of `{path}` is not as squall writes it"))
    };
    Some(run.ok_or_else(wrong))
}

//! `squall check`: every scenario with many seeds, judged together.

use crate::args::CheckArgs;
use crate::command::check_runs::{MadeRuns, conclude, run_each, started, tell};
use crate::command::checked::{Checked, read_all, worse};
use crate::command::run::part;
use crate::command::{check_live, check_shards, compare};
use crate::error::{CliError, Exit};
use crate::run_room::{self, SizedRuns};
use crate::signals::{self, Hangup};
use crate::{shard_choice, terminal};
use squall_campaign::{CheckOptions, workers};
use squall_determinism::Shard;
use squall_record::OutFolder;
use squall_sim::RowRetention;
use std::path::{Path, PathBuf};

pub(crate) fn check(args: &CheckArgs) -> Result<Exit, CliError> {
    let shard = shard_choice::chosen(&args.shards)?;
    require_sharable(args, shard)?;
    if let Some(target) = &args.target {
        return check_live::check(args, target);
    }
    // All are read before any is run: a mistake in the last file is told at once.
    let checked = read_all(args)?;
    let reference = args.against.as_deref().map(compare::reference_of).transpose()?;
    let jobs = args.runs.jobs.unwrap_or_else(workers);
    let sized: Vec<_> = checked
        .iter()
        .map(|each| SizedRuns {
            path: &each.path,
            scenario: &each.scenario,
            keep: RowRetention::Cells,
            runs: args.runs.seeds as usize,
            at_once: jobs.get(),
            are_written: false,
        })
        .collect();
    run_room::ensure(&sized, &args.out, args.runs.allow_large)?;
    let folder = OutFolder::for_report(&out(args, shard))?;
    let options = CheckOptions {
        seeds: args.runs.seeds as usize,
        first_seed: args.first_seed,
        skip: 0,
        workers: jobs,
        twice: args.twice,
        shard: shard.unwrap_or_default(),
    };
    let started = started();
    let signals = signals::take_over(1, Hangup::Stop);
    announce(&checked, options.seeds, shard);
    let is_interrupted = || signals.is_stopped();
    let scenarios: Vec<_> = checked.iter().map(|each| &each.scenario).collect();
    let runs = run_each(&scenarios, &options, &is_interrupted)?;
    let mut made = MadeRuns { checked: &checked, runs, options, bless: args.bless };
    if let Some(shard) = part(shard) {
        return check_shards::leave(&folder, shard, &made);
    }
    let verdicts = made.judge(&is_interrupted)?;
    let sets = made.sets(&args.out);
    let exit = tell(&folder, &verdicts, &sets)?;
    let exit = match &reference {
        Some(reference) => worse(exit, compare::against(reference, &sets, args, &folder)?),
        None => exit,
    };
    conclude(&verdicts, made.done(), started.elapsed().as_secs_f64());
    let is_whole =
        verdicts.iter().all(|verdict| verdict.interrupted().is_none() && !verdict.rows.is_empty());
    Ok(args.inconclusive.exit(exit, is_whole))
}

/// What a shard cannot do alone is refused.
fn require_sharable(args: &CheckArgs, shard: Option<Shard>) -> Result<(), CliError> {
    let Some(shard) = part(shard) else { return Ok(()) };
    let (flag, instead) = match args {
        CheckArgs { target: Some(_), .. } => {
            ("--target", "a live check has one run of each scenario")
        }
        CheckArgs { bless: true, .. } => ("--bless", "a baseline is of all seeds"),
        CheckArgs { against: Some(_), .. } => {
            ("--against", "compare the folder of `squall merge` with `squall compare`")
        }
        CheckArgs { .. } => return Ok(()),
    };
    Err(CliError::Shard(format!("--shard {shard} and {flag}: {instead}")))
}

/// The folder of a check; that of a shard lies in it where nobody names one.
fn out(args: &CheckArgs, shard: Option<Shard>) -> PathBuf {
    match part(shard) {
        Some(shard) if args.out == Path::new(DEFAULT_OUT) => {
            let (number, of) = (shard.number(), shard.of());
            args.out.with_file_name("check-shards").join(format!("shard-{number}-of-{of}"))
        }
        Some(_) | None => args.out.clone(),
    }
}

/// Where a check is written unless it is said.
const DEFAULT_OUT: &str = "reports/check";

/// Says what is about to be run.
fn announce(checked: &[Checked], seeds: usize, shard: Option<Shard>) {
    let scenarios = match checked.len() {
        1 => "1 scenario".to_owned(),
        count => format!("{count} scenarios"),
    };
    let of =
        part(shard).map_or_else(String::new, |shard| format!(", of which this is shard {shard}"));
    terminal::status(format_args!(
        "{scenarios}, {seeds} seeds each{of}, in virtual time; Ctrl-C stops and judges the completed runs"
    ));
}

//! `squall check`: every scenario with many seeds, judged together.

use crate::args::CheckArgs;
use crate::command::{self, check_live, github};
use crate::error::{CliError, Exit};
use crate::signals::{self, Hangup};
use crate::{progress, terminal};
use squall_campaign::{CheckOptions, check as run_all, workers};
use squall_judge::{Baseline, Judgement, Origin, SeedsVerdict, Verdict};
use squall_record::OutFolder;
use squall_scenario::{Override, Scenario};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A scenario and its file.
pub(crate) struct Checked {
    pub(crate) path: PathBuf,
    pub(crate) scenario: Scenario,
    baseline: Option<Baseline>,
}

pub(crate) fn check(args: &CheckArgs) -> Result<Exit, CliError> {
    if let Some(target) = &args.target {
        return check_live::check(args, target);
    }
    // All are read before any is run: a mistake in the last file is told at once.
    let checked = read_all(args)?;
    let folder = OutFolder::for_report(&args.out)?;
    let options = CheckOptions {
        seeds: args.runs.seeds as usize,
        first_seed: args.first_seed,
        workers: args.runs.jobs.unwrap_or_else(workers),
        twice: args.twice,
    };
    let started = started();
    let signals = signals::take_over(1, Hangup::Stop);
    announce(&checked, options.seeds);
    let scenarios: Vec<_> = checked.iter().map(|each| &each.scenario).collect();
    let bar = progress::Runs::new();
    let is_interrupted = || signals.is_stopped();
    let runs = run_all(&scenarios, &options, &is_interrupted, |progress| bar.show(progress));
    bar.clear();
    let runs = runs?;
    let done: usize = runs.iter().map(Vec::len).sum();
    let interrupted = done < checked.len() * options.seeds;
    if interrupted {
        terminal::status(format_args!("interrupted: judging the {done} completed runs"));
    }
    if args.bless && interrupted {
        terminal::status("no baseline was written: all seeds are required");
    } else if args.bless {
        bless(&checked, &runs)?;
    }
    let verdicts: Vec<_> = checked
        .iter()
        .zip(&runs)
        .map(|(each, runs)| {
            let baseline = each.baseline.as_ref().filter(|_| !args.bless);
            judge(each, &args.runs.settings, runs, baseline).of_asked(options.seeds)
        })
        .collect();
    verdicts.iter().flat_map(squall_judge::check_lines).for_each(terminal::data);
    github::tell(&verdicts)?;
    let paths = squall_judge::write_check(folder.path(), &verdicts)?;
    terminal::data(format_args!("junit: {}", paths.junit.display()));
    terminal::field("junit", || paths.junit.display().to_string().into());
    terminal::field_of_file("summary", &paths.summary)?;
    conclude(&verdicts, done, started.elapsed().as_secs_f64());
    Ok(verdicts.iter().map(|verdict| exit(verdict.overall)).fold(Exit::Met, worse))
}

/// Says what is about to be run.
fn announce(checked: &[Checked], seeds: usize) {
    let scenarios = match checked.len() {
        1 => "1 scenario".to_owned(),
        count => format!("{count} scenarios"),
    };
    terminal::status(format_args!(
        "{scenarios}, {seeds} seeds each, in virtual time; Ctrl-C stops and judges the completed \
         runs"
    ));
}

/// When the command began. How long it took is told, and decides nothing.
#[expect(clippy::disallowed_methods, reason = "a person wants to know how long it took")]
fn started() -> Instant {
    Instant::now()
}

fn judge(
    checked: &Checked,
    settings: &[Override],
    runs: &[Verdict],
    baseline: Option<&Baseline>,
) -> SeedsVerdict {
    let settings = settings.iter().map(Override::to_string).collect();
    let origin = Origin { path: checked.path.display().to_string(), settings };
    squall_judge::judge_seeds(&checked.scenario, origin, runs, baseline)
}

fn conclude(verdicts: &[SeedsVerdict], runs: usize, seconds: f64) {
    let met = verdicts.iter().filter(|verdict| verdict.overall == Judgement::Met).count();
    let of = verdicts.len();
    terminal::data(format_args!("{met} of {of} scenarios met their expectations"));
    terminal::status(format_args!("{runs} runs in {seconds:.1} s"));
}

/// Keeps how good the runs are beside each scenario.
fn bless(checked: &[Checked], runs: &[Vec<Verdict>]) -> Result<(), CliError> {
    for (each, runs) in checked.iter().zip(runs) {
        let Some(baseline) = Baseline::of(&each.scenario, runs) else {
            let least = squall_judge::least_seeds(0.95);
            let text =
                format!("a baseline requires at least {least} seeds, and there are {}", runs.len());
            return Err(CliError::TooFewSeeds(text));
        };
        let path = Baseline::path_of(&each.path);
        baseline.write(&path)?;
        terminal::status(format_args!("baseline: {}", path.display()));
    }
    Ok(())
}

/// The exit code of a judgement.
pub(crate) const fn exit(judgement: Judgement) -> Exit {
    match judgement {
        Judgement::Met => Exit::Met,
        Judgement::Missed => Exit::Missed,
        Judgement::Inconclusive => Exit::Inconclusive,
    }
}

/// A missed expectation outweighs an inconclusive one.
pub(crate) fn worse(left: Exit, right: Exit) -> Exit {
    match (left, right) {
        (Exit::Missed, _) | (_, Exit::Missed) => Exit::Missed,
        _ => left.max(right),
    }
}

/// Reads all scenarios; every mistake is told, and the first is the error.
pub(crate) fn read_all(args: &CheckArgs) -> Result<Vec<Checked>, CliError> {
    let mut paths = Vec::new();
    for path in &args.paths {
        collect(path, &mut paths)?;
    }
    if paths.is_empty() {
        let places: Vec<_> =
            args.paths.iter().map(|path| format!("`{}`", path.display())).collect();
        return Err(CliError::NoScenario(places.join(", ")));
    }
    let mut checked = Vec::with_capacity(paths.len());
    let mut first_error = None;
    for path in paths {
        let read = command::scenario(&path, &args.runs.settings).and_then(|scenario| {
            let baseline = Baseline::read(&Baseline::path_of(&path))?;
            Ok(Checked { path, scenario, baseline })
        });
        match (read, &first_error) {
            (Ok(each), _) => checked.push(each),
            (Err(error), None) => first_error = Some(error),
            (Err(error), Some(_)) => terminal::error(&error),
        }
    }
    first_error.map_or(Ok(checked), Err)
}

/// The scenario files at or below a path, in the order of their names. Checklists lie beside scenarios, and
/// are run by `rehearse`.
fn collect(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), CliError> {
    let unreadable = |source| CliError::Read { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(unreadable)?.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(path).map_err(unreadable)?;
    let mut entries = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    entries.sort();
    for entry in entries {
        let is_scenario = entry.extension().is_some_and(|ending| ending == "yaml");
        let is_folder = entry.is_dir() && entry.file_name() != Some("checklists".as_ref());
        if is_scenario || is_folder {
            collect(&entry, found)?;
        }
    }
    Ok(())
}

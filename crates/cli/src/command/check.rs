//! `squall check`: every scenario with many seeds, judged together.

use crate::args::CheckArgs;
use crate::command::checked::{Checked, exit, read_all, worse};
use crate::command::{check_live, compare, github};
use crate::error::{CliError, Exit};
use crate::run_room::{self, SizedRuns};
use crate::signals::{self, Hangup};
use crate::{progress, terminal};
use squall_campaign::{CheckOptions, IsInterrupted, check_each, workers};
use squall_judge::{
    Baseline, ComparedFigure, Judgement, MeasuredRun, RunSet, SeedsVerdict, Verdict,
};
use squall_record::{OutFolder, Recording};
use squall_scenario::Scenario;
use squall_sim::RowRetention;
use std::time::Instant;

/// A run: its verdict, and what is kept of it for comparisons.
struct CheckedRun {
    verdict: Verdict,
    figures: Vec<ComparedFigure>,
    measured: MeasuredRun,
}

/// How many times as many seeds are drawn of a scenario that a few seeds leave open.
const MORE_SEEDS: usize = 4;

pub(crate) fn check(args: &CheckArgs) -> Result<Exit, CliError> {
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
    let folder = OutFolder::for_report(&args.out)?;
    let options = CheckOptions {
        seeds: args.runs.seeds as usize,
        first_seed: args.first_seed,
        skip: 0,
        workers: jobs,
        twice: args.twice,
    };
    let started = started();
    let signals = signals::take_over(1, Hangup::Stop);
    announce(&checked, options.seeds);
    let is_interrupted = || signals.is_stopped();
    let mut runs = run(&checked, &options, &is_interrupted)?;
    let mut done: usize = runs.iter().map(Vec::len).sum();
    let interrupted = done < checked.len() * options.seeds;
    if interrupted {
        terminal::status(format_args!("interrupted: judging the {done} completed runs"));
    }
    if args.bless && interrupted {
        terminal::status("no baseline was written: all seeds are required");
    } else if args.bless {
        bless(&checked, &runs)?;
    }
    let mut verdicts = judge_all(args, &checked, &runs);
    if !interrupted {
        let more = run_more(&checked, &verdicts, &options, &is_interrupted)?;
        if !more.is_empty() {
            done += more.iter().map(|(_, runs)| runs.len()).sum::<usize>();
            more.into_iter().for_each(|(place, more)| runs[place].extend(more));
            verdicts = judge_all(args, &checked, &runs);
        }
    }
    let verdicts: Vec<_> =
        verdicts.into_iter().map(|verdict| verdict.of_asked(options.seeds)).collect();
    let sets = run_sets(args, &checked, &runs, options.seeds);
    let exit = tell(&folder, &verdicts, &sets)?;
    let exit = match &reference {
        Some(reference) => worse(exit, compare::against(reference, &sets, args, &folder)?),
        None => exit,
    };
    conclude(&verdicts, done, started.elapsed().as_secs_f64());
    let is_whole =
        verdicts.iter().all(|verdict| verdict.interrupted().is_none() && !verdict.rows.is_empty());
    Ok(args.inconclusive.exit(exit, is_whole))
}

/// Tells all verdicts everywhere, writes their files, and answers with their exit code.
fn tell(folder: &OutFolder, verdicts: &[SeedsVerdict], sets: &[RunSet]) -> Result<Exit, CliError> {
    verdicts.iter().flat_map(squall_judge::check_lines).for_each(terminal::data);
    github::tell(verdicts)?;
    let paths = squall_judge::write_check(folder.path(), verdicts)?;
    squall_judge::write_stored_runs(folder.path(), sets)?;
    terminal::data(format_args!("junit: {}", paths.junit.display()));
    terminal::field("junit", || paths.junit.display().to_string().into());
    terminal::field_of_file("summary", &paths.summary)?;
    Ok(verdicts.iter().map(|verdict| exit(verdict.overall)).fold(Exit::Met, worse))
}

/// What every run measured, for comparisons.
fn run_sets(
    args: &CheckArgs,
    checked: &[Checked],
    runs: &[Vec<CheckedRun>],
    asked: usize,
) -> Vec<RunSet> {
    let sets = checked.iter().zip(runs).map(|(each, runs)| {
        let figures = runs.first().map(|run| run.figures.clone()).unwrap_or_default();
        let label = args.out.display().to_string();
        RunSet {
            figures,
            runs: runs.iter().map(|run| run.measured.clone()).collect(),
            asked: asked.max(runs.len()),
            ..RunSet::simulated(label, &each.scenario, each.origin(args))
        }
    });
    sets.collect()
}

/// Runs scenarios, and shows how far that is.
fn run(
    checked: &[Checked],
    options: &CheckOptions,
    is_interrupted: &IsInterrupted<'_>,
) -> Result<Vec<Vec<CheckedRun>>, CliError> {
    let scenarios: Vec<_> = checked.iter().map(|each| &each.scenario).collect();
    run_each(&scenarios, options, is_interrupted)
}

fn run_each(
    scenarios: &[&Scenario],
    options: &CheckOptions,
    is_interrupted: &IsInterrupted<'_>,
) -> Result<Vec<Vec<CheckedRun>>, CliError> {
    let bar = progress::Runs::new();
    let read = |scenario: &Scenario, recording: &Recording| {
        let (figures, measured) = squall_judge::measure_run(scenario, recording);
        CheckedRun { verdict: squall_judge::judge(scenario, recording), figures, measured }
    };
    let runs = check_each(scenarios, options, is_interrupted, read, |progress| bar.show(progress));
    bar.clear();
    Ok(runs?)
}

/// More seeds of those scenarios that a few seeds leave open: by their places.
fn run_more(
    checked: &[Checked],
    verdicts: &[SeedsVerdict],
    options: &CheckOptions,
    is_interrupted: &IsInterrupted<'_>,
) -> Result<Vec<(usize, Vec<CheckedRun>)>, CliError> {
    let most = options.seeds * MORE_SEEDS;
    let open: Vec<_> = (0..verdicts.len())
        .filter(|&place| {
            options.seeds >= squall_judge::least_seeds(0.95)
                && verdicts[place].is_decidable_by(most)
        })
        .collect();
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<_> = open.iter().map(|&place| verdicts[place].scenario.as_str()).collect();
    terminal::status(format_args!(
        "a few seeds leave open {}: drawing up to seed {most} of each",
        names.join(", ")
    ));
    let scenarios: Vec<_> = open.iter().map(|&place| &checked[place].scenario).collect();
    let (seeds, skip) = (most - options.seeds, options.seeds);
    let runs = run_each(&scenarios, &CheckOptions { seeds, skip, ..*options }, is_interrupted)?;
    // What an interruption cut short decides nothing, and the first look stands.
    let runs = open.into_iter().zip(runs).filter(|(_, runs)| runs.len() == seeds);
    Ok(runs.collect())
}

/// Judges all scenarios, with false alarms controlled over all of them.
fn judge_all(args: &CheckArgs, checked: &[Checked], runs: &[Vec<CheckedRun>]) -> Vec<SeedsVerdict> {
    let each = checked.iter().zip(runs).map(|(each, runs)| {
        let baseline = each.baseline.as_ref().filter(|_| !args.bless);
        judge(each, args, runs, baseline)
    });
    let mut verdicts: Vec<_> = each.collect();
    squall_judge::control_false_alarms(&mut verdicts);
    verdicts
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
    args: &CheckArgs,
    runs: &[CheckedRun],
    baseline: Option<&Baseline>,
) -> SeedsVerdict {
    let verdicts = verdicts_of(runs);
    squall_judge::judge_seeds(&checked.scenario, checked.origin(args), &verdicts, baseline)
}

fn verdicts_of(runs: &[CheckedRun]) -> Vec<Verdict> {
    runs.iter().map(|run| run.verdict.clone()).collect()
}

fn conclude(verdicts: &[SeedsVerdict], runs: usize, seconds: f64) {
    let met = verdicts.iter().filter(|verdict| verdict.overall == Judgement::Met).count();
    let of = verdicts.len();
    terminal::data(format_args!("{met} of {of} scenarios met their expectations"));
    for judgement in [Judgement::Missed, Judgement::Inconclusive] {
        let named: Vec<_> = verdicts.iter().filter(|each| each.overall == judgement).collect();
        if !named.is_empty() {
            let named: Vec<_> = named.iter().map(|each| each.scenario.as_str()).collect();
            terminal::data(format_args!("{judgement}: {}", named.join(", ")));
        }
    }
    let warned = verdicts.iter().filter(|verdict| verdict.warned() > 0);
    let warned: Vec<_> = warned.map(|verdict| verdict.scenario.as_str()).collect();
    if !warned.is_empty() {
        terminal::data(format_args!("warned: {}", warned.join(", ")));
    }
    terminal::status(format_args!("{runs} runs in {seconds:.1} s"));
}

/// Keeps how good the runs are beside each scenario.
fn bless(checked: &[Checked], runs: &[Vec<CheckedRun>]) -> Result<(), CliError> {
    for (each, runs) in checked.iter().zip(runs) {
        let Some(baseline) = Baseline::of(&each.scenario, &verdicts_of(runs)) else {
            let least = squall_judge::least_seeds(0.95);
            let text =
                format!("a baseline requires at least {least} seeds, and there are {}", runs.len());
            return Err(CliError::TooFewSeeds(text));
        };
        let path = &each.baseline_path;
        baseline.write(path)?;
        terminal::status(format_args!("baseline: {}", path.display()));
    }
    Ok(())
}

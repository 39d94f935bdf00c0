//! The runs of a check, made here or by its shards: how they are judged, told and kept.

use crate::command::checked::{Checked, exit, worse};
use crate::command::github;
use crate::error::{CliError, Exit};
use crate::{progress, terminal};
use squall_campaign::{CheckOptions, IsInterrupted, check_each};
use squall_judge::{
    Baseline, ComparedFigure, Judgement, MeasuredRun, RunSet, SeedsVerdict, Verdict,
};
use squall_record::{OutFolder, Recording};
use squall_scenario::Scenario;
use std::path::Path;
use std::time::Instant;

/// A run: its verdict, and what is kept of it for comparisons.
pub(super) struct CheckedRun {
    pub(super) verdict: Verdict,
    pub(super) figures: Vec<ComparedFigure>,
    pub(super) measured: MeasuredRun,
}

/// How many times as many seeds are drawn of a scenario that a few seeds leave open.
const MORE_SEEDS: usize = 4;

/// The runs of a check, which are to be judged.
pub(super) struct MadeRuns<'a> {
    pub(super) checked: &'a [Checked],
    /// By scenario, in the order of seeds.
    pub(super) runs: Vec<Vec<CheckedRun>>,
    pub(super) options: CheckOptions,
    pub(super) bless: bool,
}

impl MadeRuns<'_> {
    /// How many there are.
    pub(super) fn done(&self) -> usize {
        self.runs.iter().map(Vec::len).sum()
    }

    /// Judges them; where a few seeds leave a scenario open, more of them are run.
    pub(super) fn judge(
        &mut self,
        is_interrupted: &IsInterrupted<'_>,
    ) -> Result<Vec<SeedsVerdict>, CliError> {
        let (checked, options, done) = (self.checked, self.options, self.done());
        let interrupted = done < checked.len() * options.seeds;
        if interrupted {
            terminal::status(format_args!("interrupted: judging the {done} completed runs"));
        }
        if self.bless && interrupted {
            terminal::status("no baseline was written: all seeds are required");
        } else if self.bless {
            bless(checked, &self.runs)?;
        }
        let mut verdicts = self.judge_all();
        if !interrupted {
            let more = run_more(checked, &verdicts, &options, is_interrupted)?;
            if !more.is_empty() {
                more.into_iter().for_each(|(place, more)| self.runs[place].extend(more));
                verdicts = self.judge_all();
            }
        }
        Ok(verdicts.into_iter().map(|verdict| verdict.of_asked(options.seeds)).collect())
    }

    /// Judges all scenarios, with false alarms controlled over all of them.
    fn judge_all(&self) -> Vec<SeedsVerdict> {
        let each = self.checked.iter().zip(&self.runs).map(|(each, runs)| {
            let baseline = each.baseline.as_ref().filter(|_| !self.bless);
            squall_judge::judge_seeds(&each.scenario, each.origin(), &verdicts_of(runs), baseline)
        });
        let mut verdicts: Vec<_> = each.collect();
        squall_judge::control_false_alarms(&mut verdicts);
        verdicts
    }

    /// What every run measured, for comparisons with the folder of this check.
    pub(super) fn sets(&self, out: &Path) -> Vec<RunSet> {
        let sets = self.checked.iter().zip(&self.runs).map(|(each, runs)| {
            let figures = runs.first().map(|run| run.figures.clone()).unwrap_or_default();
            RunSet {
                figures,
                runs: runs.iter().map(|run| run.measured.clone()).collect(),
                asked: self.options.seeds.max(runs.len()),
                ..RunSet::simulated(out.display().to_string(), &each.scenario, each.origin())
            }
        });
        sets.collect()
    }
}

/// Tells all verdicts everywhere, writes their files, and answers with their exit code.
pub(super) fn tell(
    folder: &OutFolder,
    verdicts: &[SeedsVerdict],
    sets: &[RunSet],
) -> Result<Exit, CliError> {
    verdicts.iter().flat_map(squall_judge::check_lines).for_each(terminal::data);
    github::tell(verdicts)?;
    let paths = squall_judge::write_check(folder.path(), verdicts)?;
    squall_judge::write_stored_runs(folder.path(), sets)?;
    terminal::data(format_args!("junit: {}", paths.junit.display()));
    terminal::field("junit", || paths.junit.display().to_string().into());
    terminal::field_of_file("summary", &paths.summary)?;
    Ok(verdicts.iter().map(|verdict| exit(verdict.overall)).fold(Exit::Met, worse))
}

/// Runs scenarios, and shows how far that is.
pub(super) fn run_each(
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

/// When the command began. How long it took is told, and decides nothing.
#[expect(clippy::disallowed_methods, reason = "a person wants to know how long it took")]
pub(super) fn started() -> Instant {
    Instant::now()
}

fn verdicts_of(runs: &[CheckedRun]) -> Vec<Verdict> {
    runs.iter().map(|run| run.verdict.clone()).collect()
}

pub(super) fn conclude(verdicts: &[SeedsVerdict], runs: usize, seconds: f64) {
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

//! The runs over real sockets: in a shuffled order, some side by side, each kept as it ends.

use super::{LiveSystem, digest};
use crate::args::ScorecardArgs;
use crate::error::CliError;
use crate::signals::Signals;
use crate::{target_choice, terminal};
use squall_campaign::{ScorecardScenario, do_in_parallel};
use squall_determinism::{Digest, Seed};
use squall_judge::{ScoreSample, Scorecard, store_sample, stored_sample};
use squall_live::{RunOptions, StopHandle};
use squall_scenario::Scenario;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How often a signal is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A run that is to be made.
#[derive(Clone, Copy)]
struct ScoreRun {
    system: usize,
    situation: usize,
    number: u32,
}

/// What is run, and where every run is kept.
pub(super) struct LiveRuns<'a> {
    pub(super) args: &'a ScorecardArgs,
    pub(super) live: &'a [LiveSystem],
    pub(super) situations: &'a [(ScorecardScenario, Scenario)],
    pub(super) folder: &'a Path,
    pub(super) signals: &'a Signals,
}

/// All that a run depends on, and where it is kept.
struct PreparedRun {
    what: String,
    scenario: Scenario,
    path: PathBuf,
    identity: String,
}

impl LiveRuns<'_> {
    /// Makes every run, in an order that the seed decides, so that no system has the quiet hour. Runs that were in doubt
    /// beside others are made once more, alone. False if it was interrupted.
    pub(super) fn run_all(&self, card: &mut Scorecard) -> Result<bool, CliError> {
        let titles: Vec<_> =
            self.live.iter().map(|system| card.systems[system.place].title()).collect();
        let runs = shuffled(self.args, self.live.len(), self.situations.len());
        let mut samples: Vec<Option<ScoreSample>> = vec![None; runs.len()];
        let all: Vec<_> = (0..runs.len()).collect();
        self.make(&runs, &all, self.args.at_once, &titles, &mut samples)?;
        if self.args.at_once.get() > 1 && !self.signals.is_stopped() {
            let in_doubt = |place: &usize| {
                samples[*place].as_ref().is_some_and(|sample| !sample.doubts.is_empty())
            };
            let again: Vec<_> = all.iter().copied().filter(in_doubt).collect();
            if !again.is_empty() {
                let count = again.len();
                terminal::status(format_args!("{count} runs in doubt are repeated, one at a time"));
            }
            self.make(&runs, &again, NonZero::<usize>::MIN, &titles, &mut samples)?;
        }
        let is_whole = samples.iter().all(Option::is_some);
        for (run, sample) in runs.iter().zip(samples) {
            if let Some(sample) = sample {
                card.add(self.live[run.system].place, run.situation, sample);
            }
        }
        Ok(is_whole && !self.signals.is_stopped())
    }

    /// Makes the runs at these places of the list, so many at once, until a signal ends it or one cannot be kept.
    fn make(
        &self,
        runs: &[ScoreRun],
        places: &[usize],
        at_once: NonZero<usize>,
        titles: &[String],
        samples: &mut [Option<ScoreSample>],
    ) -> Result<(), CliError> {
        let is_lost = AtomicBool::new(false);
        let is_over = || self.signals.is_stopped() || is_lost.load(Ordering::Relaxed);
        let make = |&place: &usize| {
            let run = runs[place];
            let prepared = self.prepare(run, &titles[run.system]);
            let counted = format!("[{}/{}]", place + 1, runs.len());
            let made = self.stored_or_made(run, &prepared, &counted);
            is_lost.fetch_or(made.is_err(), Ordering::Relaxed);
            made
        };
        let made = do_in_parallel(places, at_once, &is_over, make, |_| ());
        for (&place, sample) in places.iter().zip(made) {
            samples[place] = sample?.or_else(|| samples[place].take());
        }
        Ok(())
    }

    fn prepare(&self, run: ScoreRun, title: &str) -> PreparedRun {
        let mut scenario = self.situations[run.situation].1.clone();
        scenario.set_seed(Seed::new(self.args.seed.wrapping_add(run.number.into())));
        let identity = format!(
            "squall {}; {title} {}; {} {}; seed {}",
            env!("CARGO_PKG_VERSION"),
            self.live[run.system].config,
            scenario.name,
            digest(&scenario.text),
            scenario.seed.value()
        );
        let word = |c: char| if c.is_alphanumeric() || c == '.' { c } else { '-' };
        let name: String =
            format!("{title} {} {}", scenario.name, run.number).chars().map(word).collect();
        PreparedRun {
            what: format!("{title}: {}", scenario.name),
            path: self.folder.join("runs").join(format!("{name}.json")),
            scenario,
            identity,
        }
    }

    /// A run that was kept by an earlier scorecard, or one that is made now; nothing of a run that a signal cut.
    fn stored_or_made(
        &self,
        run: ScoreRun,
        prepared: &PreparedRun,
        counted: &str,
    ) -> Result<Option<ScoreSample>, CliError> {
        let PreparedRun { what, scenario, path, identity } = prepared;
        if let Some(sample) = self.args.resume.then(|| stored_sample(path, identity)).flatten() {
            terminal::status(format_args!("{counted} {what}: kept"));
            return Ok(Some(sample));
        }
        terminal::status(format_args!("{counted} {what}"));
        let sample = one_run(&self.live[run.system], scenario, self.signals);
        if self.signals.is_stopped() {
            return Ok(None);
        }
        if let Some(doubt) = sample.doubts.first() {
            terminal::status(format_args!("{counted} {what}: in doubt: {doubt}"));
        }
        store_sample(path, identity, &sample)?;
        Ok(Some(sample))
    }
}

fn shuffled(args: &ScorecardArgs, systems: usize, situations: usize) -> Vec<ScoreRun> {
    let all = (0..args.runs).flat_map(|number| {
        (0..systems).flat_map(move |system| {
            (0..situations).map(move |situation| ScoreRun { system, situation, number })
        })
    });
    let mut all: Vec<_> = all.collect();
    all.sort_by_cached_key(|run| {
        let mut digest = Digest::new();
        let words = [args.seed, run.system as u64, run.situation as u64, run.number.into()];
        words.into_iter().for_each(|word| digest.word(word));
        digest.short()
    });
    all
}

/// A run, ended early by a signal. One that cannot be made is a row of its own kind, not the end of all others.
fn one_run(system: &LiveSystem, scenario: &Scenario, signals: &Signals) -> ScoreSample {
    let target = match target_choice::target(&system.target, scenario, system.tuning) {
        Ok(target) => target,
        Err(error) => return ScoreSample::failed(&error.to_string()),
    };
    let stop = StopHandle::new();
    let options = RunOptions { target: Some(target), stop: stop.clone(), ..RunOptions::default() };
    let recording = thread::scope(|scope| {
        let run = scope.spawn(|| squall_live::run(scenario, &options, |_| ()));
        while !run.is_finished() {
            if signals.is_stopped() {
                stop.stop();
            }
            thread::sleep(LOOK_EVERY);
        }
        run.join()
    });
    match recording {
        Ok(Ok(recording)) => ScoreSample::of(scenario, &recording),
        Ok(Err(error)) => ScoreSample::failed(&error.to_string()),
        Err(_) => ScoreSample::failed("the run panicked: this is a defect, please report it"),
    }
}

//! `squall scorecard`: several gateways in the same situations, in one table.

use crate::args::{ScorecardArgs, ScorecardVariant};
use crate::command::crash;
use crate::error::{CliError, Exit};
use crate::signals::{self, Hangup, Signals};
use crate::{target_choice, terminal};
use clap::ValueEnum as _;
use squall_campaign::{SCORECARD_SCENARIOS, ScorecardScenario, simulated_sample};
use squall_determinism::{Digest, Seed};
use squall_judge::{
    CRASH_TESTS, CrashRow, ScoreCrash, ScoreSample, Scorecard, ScoredSituation, ScoredSystem,
    scorecard_json, scorecard_lines, store_sample, stored_sample,
};
use squall_live::{RunOptions, StopHandle};
use squall_record::OutFolder;
use squall_scenario::Scenario;
use squall_target::{Tuning, install, installed, ready_made};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

/// A gateway over real sockets, in one configuration.
struct LiveSystem {
    /// As it was named.
    target: String,
    tuning: Tuning,
    /// Its configuration for the first situation, as a digest.
    config: String,
    /// Its place in the scorecard.
    place: usize,
}

/// A run that is to be made.
#[derive(Clone, Copy)]
struct ScoreRun {
    system: usize,
    situation: usize,
    number: u32,
}

/// Simulated systems: the built-in router, and the profile of another.
const SIMULATED: [(&str, Option<&str>); 2] =
    [("squall's router", None), ("LiteLLM 1.80's formulas", Some("litellm-1.80"))];

pub(crate) fn scorecard(args: &ScorecardArgs) -> Result<Exit, CliError> {
    let folder = OutFolder::for_report(&args.out)?;
    let situations = situations(args)?;
    let signals = signals::take_over(1, Hangup::Stop);
    install_missing(args)?;
    let mut card = Scorecard { made: made(args), ..Scorecard::default() };
    card.situations = situations.iter().map(|(_, scenario)| about(scenario)).collect();
    let live = live_systems(args, &mut card, &situations)?;
    simulate(&mut card, &situations)?;
    let runs = ScoreRuns { args, live: &live, situations: &situations, folder: folder.path() };
    let is_whole = runs.run_all(&mut card, &signals)?;
    if is_whole && !args.no_crash {
        crash_tests(&mut card, &live, &signals);
    }
    conclude(&folder, &card, is_whole && !signals.is_stopped())
}

/// The situations that were asked for, read.
fn situations(args: &ScorecardArgs) -> Result<Vec<(ScorecardScenario, Scenario)>, CliError> {
    let wanted = |situation: &&ScorecardScenario| {
        let asked = &args.situations;
        asked.is_empty() || asked.iter().any(|name| name == situation.name)
    };
    let wanted = SCORECARD_SCENARIOS.iter().filter(wanted);
    wanted.map(|situation| Ok((*situation, situation.read()?))).collect()
}

fn about(scenario: &Scenario) -> ScoredSituation {
    ScoredSituation {
        name: scenario.name.clone(),
        description: scenario.description.clone().unwrap_or_default(),
    }
}

fn install_missing(args: &ScorecardArgs) -> Result<(), CliError> {
    for target in args.targets.iter().filter_map(|name| ready_made(name)) {
        if installed(target)?.is_none() {
            terminal::status(format_args!("installing {} {}", target.name(), target.version()));
            install(target)?;
        }
    }
    Ok(())
}

/// When, where and how it is made.
#[expect(clippy::disallowed_methods, reason = "a scorecard says when it was made")]
fn made(args: &ScorecardArgs) -> Vec<String> {
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let runs = match args.runs {
        1 => "1 run".to_owned(),
        runs => format!("{runs} runs"),
    };
    let variant = args.variant.to_possible_value();
    let variant = variant.as_ref().map_or("", |variant| variant.get_name());
    let only: String = args.situations.iter().map(|name| format!(" --situation {name}")).collect();
    let crash = if args.no_crash { " --no-crash" } else { "" };
    vec![
        format!("{}", httpdate::fmt_http_date(SystemTime::now())),
        format!(
            "squall {}, {} runs of each system in each situation",
            env!("CARGO_PKG_VERSION"),
            runs
        ),
        format!(
            "gateway, clients and providers on one machine: {} {}, {cores} cores",
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
        format!(
            "squall scorecard {} --runs {} --variant {variant} --seed {}{only}{crash}",
            args.targets.join(" "),
            args.runs,
            args.seed
        ),
    ]
}

/// The gateways that are run, each in its configurations; their files are those for the first situation.
fn live_systems(
    args: &ScorecardArgs,
    card: &mut Scorecard,
    situations: &[(ScorecardScenario, Scenario)],
) -> Result<Vec<LiveSystem>, CliError> {
    let variants: &[(Tuning, &'static str)] = match args.variant {
        ScorecardVariant::Defaults => &[(Tuning::Defaults, "defaults")],
        ScorecardVariant::Tuned => &[(Tuning::Tuned, "tuned")],
        ScorecardVariant::Both => &[(Tuning::Defaults, "defaults"), (Tuning::Tuned, "tuned")],
    };
    let mut live = Vec::new();
    let Some((_, example)) = situations.first() else { return Ok(live) };
    for target in &args.targets {
        let known = ready_made(target);
        let as_it_is = [(Tuning::Tuned, "as configured")];
        for &(tuning, variant) in if known.is_some() { variants } else { &as_it_is } {
            let options = target_choice::target(target, example, tuning)?;
            let files = options.config.start.iter().flat_map(|start| &start.files);
            let files = files.map(|(name, text)| (name.clone(), text.to_string())).collect();
            let notes = known.map(|known| known.export(example, tuning).notes).unwrap_or_default();
            live.push(LiveSystem {
                target: target.clone(),
                tuning,
                config: digest(&format!("{:?}", options.config)),
                place: card.systems.len(),
            });
            card.systems.push(ScoredSystem {
                name: options.name,
                version: options.version,
                variant,
                files,
                notes: notes
                    .iter()
                    .map(|note| format!("{}: {}", note.setting, note.what))
                    .collect(),
            });
        }
    }
    Ok(live)
}

/// The simulated systems, in every situation.
fn simulate(
    card: &mut Scorecard,
    situations: &[(ScorecardScenario, Scenario)],
) -> Result<(), CliError> {
    for (name, profile) in SIMULATED {
        let system = card.systems.len();
        card.systems.push(ScoredSystem {
            name: name.to_owned(),
            version: None,
            variant: "simulated",
            files: Vec::new(),
            notes: Vec::new(),
        });
        for (place, (situation, scenario)) in situations.iter().enumerate() {
            let other = profile.map(|profile| situation.read_with_profile(profile)).transpose()?;
            card.add(system, place, simulated_sample(other.as_ref().unwrap_or(scenario))?);
        }
    }
    Ok(())
}

/// The runs over real sockets.
struct ScoreRuns<'a> {
    args: &'a ScorecardArgs,
    live: &'a [LiveSystem],
    situations: &'a [(ScorecardScenario, Scenario)],
    folder: &'a Path,
}

impl ScoreRuns<'_> {
    /// Makes every run, in an order that the seed decides, so that no system has the quiet hour. False if it was
    /// interrupted.
    fn run_all(&self, card: &mut Scorecard, signals: &Signals) -> Result<bool, CliError> {
        let runs = shuffled(self.args, self.live.len(), self.situations.len());
        for (place, run) in runs.iter().enumerate() {
            let system = &self.live[run.system];
            let mut scenario = self.situations[run.situation].1.clone();
            scenario.set_seed(Seed::new(self.args.seed.wrapping_add(run.number.into())));
            let title = card.systems[system.place].title();
            let what = format!("[{}/{}] {title}: {}", place + 1, runs.len(), scenario.name);
            let (path, identity) = self.file(*run, system, &title, &scenario);
            let stored = self.args.resume.then(|| stored_sample(&path, &identity)).flatten();
            if let Some(sample) = stored {
                terminal::status(format_args!("{what}: kept"));
                card.add(system.place, run.situation, sample);
                continue;
            }
            terminal::status(what);
            let sample = one_run(system, &scenario, signals);
            if signals.is_stopped() {
                return Ok(false);
            }
            if let Some(doubt) = sample.doubts.first() {
                terminal::status(format_args!("  in doubt: {doubt}"));
            }
            store_sample(&path, &identity, &sample)?;
            card.add(system.place, run.situation, sample);
        }
        Ok(true)
    }

    /// Where a run is kept, and all that it depends on.
    fn file(
        &self,
        run: ScoreRun,
        system: &LiveSystem,
        title: &str,
        scenario: &Scenario,
    ) -> (PathBuf, String) {
        let identity = format!(
            "squall {}; {title} {}; {} {}; seed {}",
            env!("CARGO_PKG_VERSION"),
            system.config,
            scenario.name,
            digest(&scenario.text),
            scenario.seed.value()
        );
        let word = |c: char| if c.is_alphanumeric() || c == '.' { c } else { '-' };
        let name: String =
            format!("{title} {} {}", scenario.name, run.number).chars().map(word).collect();
        (self.folder.join("runs").join(format!("{name}.json")), identity)
    }
}

fn digest(text: &str) -> String {
    let mut digest = Digest::new();
    digest.bytes(text.as_bytes());
    digest.to_string()
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

/// How often a signal is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The crash test of every gateway.
fn crash_tests(card: &mut Scorecard, live: &[LiveSystem], signals: &Signals) {
    for system in live {
        if signals.is_stopped() {
            break;
        }
        let title = card.systems[system.place].title();
        terminal::status(format_args!("crash test: {title}"));
        let rows = crash::rows_of(&system.target, system.tuning, signals).unwrap_or_else(|error| {
            terminal::status(format_args!("warning: crash test of {title}: {error}"));
            CRASH_TESTS.iter().map(|test| CrashRow::not_tested(test, &error.to_string())).collect()
        });
        card.crashes.push(ScoreCrash { system: system.place, rows });
    }
}

fn conclude(folder: &OutFolder, card: &Scorecard, is_whole: bool) -> Result<Exit, CliError> {
    scorecard_lines(card).into_iter().for_each(terminal::data);
    let paths = squall_report::write_scorecard(folder.path(), card)?;
    terminal::data(format_args!("scorecard: {}", paths.html.display()));
    terminal::field("scorecard", || scorecard_json(card));
    let (doubted, _) = card.doubted();
    Ok(if is_whole && doubted == 0 { Exit::Met } else { Exit::Inconclusive })
}

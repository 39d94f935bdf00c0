//! `squall scorecard`: several gateways in the same situations, in one table.

mod live_runs;

use crate::args::{ScorecardArgs, ScorecardVariant};
use crate::command::crash;
use crate::error::{CliError, Exit};
use crate::signals::{self, Hangup, Signals};
use crate::{target_choice, terminal};
use clap::ValueEnum as _;
use live_runs::LiveRuns;
use squall_campaign::{SCORECARD_SCENARIOS, ScorecardScenario, do_in_parallel, simulated_sample};
use squall_determinism::Digest;
use squall_judge::{
    CRASH_TESTS, CrashRow, ScoreCrash, Scorecard, ScoredSituation, ScoredSystem, scorecard_json,
    scorecard_lines,
};
use squall_record::OutFolder;
use squall_scenario::Scenario;
use squall_target::{Tuning, install, installed, ready_made};
use std::num::NonZero;
use std::thread;
use std::time::SystemTime;

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
    let runs = LiveRuns {
        args,
        live: &live,
        situations: &situations,
        folder: folder.path(),
        signals: &signals,
    };
    let is_whole = runs.run_all(&mut card)?;
    if is_whole && !args.no_crash {
        crash_tests(&mut card, &live, args.at_once, &signals);
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
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let runs = match args.runs {
        1 => "1 run".to_owned(),
        runs => format!("{runs} runs"),
    };
    let variant = args.variant.to_possible_value();
    let variant = variant.as_ref().map_or("", |variant| variant.get_name());
    let only: String = args.situations.iter().map(|name| format!(" --situation {name}")).collect();
    let crash = if args.no_crash { " --no-crash" } else { "" };
    let beside = match args.at_once.get() {
        1 => String::new(),
        at_once => format!(" --at-once {at_once}"),
    };
    vec![
        format!("{}", httpdate::fmt_http_date(SystemTime::now())),
        format!("squall {}, {} of each system in each situation", env!("CARGO_PKG_VERSION"), runs),
        format!(
            "gateway, clients and providers on one machine: {} {}, {cores} cores",
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
        format!(
            "squall scorecard {} --runs {} --variant {variant} --seed {}{beside}{only}{crash}",
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

/// The crash test of every gateway, as many side by side as runs.
fn crash_tests(
    card: &mut Scorecard,
    live: &[LiveSystem],
    at_once: NonZero<usize>,
    signals: &Signals,
) {
    let titles = |system: &LiveSystem| card.systems[system.place].title();
    let test = |system: &LiveSystem| {
        let title = titles(system);
        terminal::status(format_args!("crash test: {title}"));
        let rows = crash::rows_of(&system.target, system.tuning, signals).unwrap_or_else(|error| {
            terminal::status(format_args!("warning: crash test of {title}: {error}"));
            CRASH_TESTS.iter().map(|test| CrashRow::not_tested(test, &error.to_string())).collect()
        });
        ScoreCrash { system: system.place, rows }
    };
    card.crashes = do_in_parallel(live, at_once, &|| signals.is_stopped(), test, |_| ());
}

fn conclude(folder: &OutFolder, card: &Scorecard, is_whole: bool) -> Result<Exit, CliError> {
    scorecard_lines(card).into_iter().for_each(terminal::data);
    let paths = squall_report::write_scorecard(folder.path(), card)?;
    terminal::data(format_args!("scorecard: {}", paths.html.display()));
    terminal::field("scorecard", || scorecard_json(card));
    let (doubted, _) = card.doubted();
    Ok(if is_whole && doubted == 0 { Exit::Met } else { Exit::Inconclusive })
}

fn digest(text: &str) -> String {
    let mut digest = Digest::new();
    digest.bytes(text.as_bytes());
    digest.to_string()
}

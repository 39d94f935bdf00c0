//! `squall crash`: sixteen single faults, each put to the gateway by itself, and how it came through.

use crate::args::CrashArgs;
use crate::command::{self, github};
use crate::error::{CliError, Exit};
use crate::signals::{self, Hangup, Signals};
use crate::{target_choice, terminal};
use squall_campaign::{CrashScenario, crash_scenarios};
use squall_judge::{CrashReport, CrashRow};
use squall_live::{LiveError, RunOptions, StopHandle};
use squall_record::{Mode, OutFolder};
use squall_scenario::Scenario;
use squall_target::{TargetError, Tuning};
use std::num::NonZero;
use std::thread;
use std::time::Duration;

/// A fault with its scenario.
type Prepared = (CrashScenario, Scenario);

pub(crate) fn crash(args: &CrashArgs) -> Result<Exit, CliError> {
    let prepared = prepare(args)?;
    let folder = OutFolder::for_report(&args.out)?;
    let is_live = args.live || args.target.is_some();
    let mode = if is_live { Mode::Live } else { Mode::Simulated };
    // A signal counts from when somebody was told that it does.
    let signals = (mode == Mode::Live).then(|| signals::take_over(1, Hangup::Stop));
    announce(prepared.len(), mode);
    let rows = match (&signals, mode) {
        (Some(signals), Mode::Live) => live(&prepared, args, signals)?,
        (None, _) | (_, Mode::Simulated) => prepared
            .iter()
            .map(|(crash, scenario)| crash.simulate(scenario))
            .collect::<Result<_, _>>()?,
    };
    let report = CrashReport { system: system(args), mode, rows };
    conclude(args, &folder, &report)
}

/// The scenarios that were asked for, with the settings that were given.
fn prepare(args: &CrashArgs) -> Result<Vec<Prepared>, CliError> {
    let router = args.router.as_deref().map(command::text).transpose()?.unwrap_or_default();
    let wanted = |crash: &CrashScenario| {
        let id = crash.test.id;
        args.scenarios.is_empty() || args.scenarios.iter().any(|one| one.eq_ignore_ascii_case(id))
    };
    let crashes = crash_scenarios(&router).into_iter().filter(wanted);
    let read = |crash: CrashScenario| {
        let mut scenario = crash.read().map_err(|problems| {
            let file = args.router.as_deref().map(|file| file.display().to_string());
            let own = file.and_then(|file| crash.in_settings(&file, &router, &problems));
            own.unwrap_or(problems)
        })?;
        for (name, listen) in [("primary", args.primary), ("fallback", args.fallback)] {
            let mut providers = scenario.providers.iter_mut();
            if let Some(provider) = providers.find(|provider| provider.name == name) {
                provider.listen = listen;
            }
        }
        Ok((crash, scenario))
    };
    crashes.map(read).collect()
}

fn announce(faults: usize, mode: Mode) {
    let faults = if faults == 1 { "1 fault".to_owned() } else { format!("{faults} faults") };
    let how = match mode {
        Mode::Live => {
            "over real sockets on loopback; Ctrl-C ends it, and what was cut off is inconclusive"
        }
        Mode::Simulated => "in virtual time",
    };
    terminal::status(format_args!("{faults}, {how}"));
}

/// What was tested.
fn system(args: &CrashArgs) -> String {
    if let Some(target) = &args.target {
        let known = squall_target::ready_made(target);
        let version = known.map(|known| format!(" {}", known.version())).unwrap_or_default();
        let how = match (known, args.tuned) {
            (None, _) => "as it is configured",
            (Some(_), false) => "at its vendor's defaults",
            (Some(_), true) => "tuned",
        };
        return format!("{target}{version} {how}");
    }
    let settings = match &args.router {
        None => "at its defaults".to_owned(),
        Some(file) => format!("with `{}`", file.display()),
    };
    format!("squall {} {settings}", env!("CARGO_PKG_VERSION"))
}

/// Why a fault was not tested.
const INTERRUPTED: &str = "interrupted before it began";

/// How many faults run side by side before another gateway: each has a process of its own.
const TARGETS_AT_ONCE: usize = 4;

/// Runs the faults side by side, each with servers of its own, and judges them.
fn live(
    prepared: &[Prepared],
    args: &CrashArgs,
    signals: &Signals,
) -> Result<Vec<CrashRow>, CliError> {
    let usual = if args.target.is_some() { TARGETS_AT_ONCE } else { prepared.len().max(1) };
    let has_one_address = args.primary.is_some() || args.fallback.is_some();
    let jobs = if has_one_address { 1 } else { args.jobs.map_or(usual, NonZero::get) };
    let tuning = if args.tuned { Tuning::Tuned } else { Tuning::Defaults };
    in_batches(prepared, jobs, args.target.as_deref().map(|target| (target, tuning)), signals)
}

/// The crash test of a target over real sockets.
pub(crate) fn rows_of(
    target: &str,
    tuning: Tuning,
    signals: &Signals,
) -> Result<Vec<CrashRow>, CliError> {
    let prepared = crash_scenarios("").into_iter().map(|crash| {
        let scenario = crash.read()?;
        Ok((crash, scenario))
    });
    let prepared = prepared.collect::<Result<Vec<_>, CliError>>()?;
    in_batches(&prepared, TARGETS_AT_ONCE, Some((target, tuning)), signals)
}

/// So many faults at once, one batch after the other; before the built-in gateway, or before a target.
fn in_batches(
    prepared: &[Prepared],
    jobs: usize,
    target: Option<(&str, Tuning)>,
    signals: &Signals,
) -> Result<Vec<CrashRow>, CliError> {
    let stop = StopHandle::new();
    let mut rows = Vec::new();
    for batch in prepared.chunks(jobs) {
        if signals.is_stopped() {
            let cut = batch.iter().map(|(crash, _)| CrashRow::not_tested(crash.test, INTERRUPTED));
            rows.extend(cut);
            continue;
        }
        let options = |scenario| {
            let target = target.map(|(name, tuning)| target_choice::target(name, scenario, tuning));
            let target = target.transpose()?;
            Ok::<_, CliError>(RunOptions { target, stop: stop.clone(), ..RunOptions::default() })
        };
        let options = batch.iter().map(|(_, scenario)| options(scenario));
        let options = options.collect::<Result<Vec<_>, _>>()?;
        rows.extend(side_by_side(batch, &options, signals, &stop)?);
    }
    Ok(rows)
}

/// Runs some faults at once. What a signal ended before it began is not tested.
fn side_by_side(
    batch: &[Prepared],
    options: &[RunOptions],
    signals: &Signals,
    stop: &StopHandle,
) -> Result<Vec<CrashRow>, CliError> {
    let rows = thread::scope(|scope| {
        let runs = batch.iter().zip(options).map(|((crash, scenario), options)| {
            scope.spawn(move || match squall_live::run(scenario, options, |_| ()) {
                Ok(recording) => Ok(crash.judge(&recording)),
                Err(LiveError::Foreign(TargetError::Interrupted)) => {
                    Ok(CrashRow::not_tested(crash.test, INTERRUPTED))
                }
                Err(error) => Err(error),
            })
        });
        let runs: Vec<_> = runs.collect();
        stop_on_signal(signals, stop, || runs.iter().all(thread::ScopedJoinHandle::is_finished));
        let died = || LiveError::Died { part: "run" };
        runs.into_iter()
            .map(|run| run.join().unwrap_or_else(|_| Err(died())))
            .collect::<Result<Vec<_>, _>>()
    });
    Ok(rows?)
}

/// How often a signal is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Waits until all is done, and ends it if a signal comes.
fn stop_on_signal(signals: &Signals, stop: &StopHandle, is_done: impl Fn() -> bool) {
    while !is_done() {
        if signals.is_stopped() {
            stop.stop();
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Tells how it went, and writes it down.
fn conclude(args: &CrashArgs, folder: &OutFolder, report: &CrashReport) -> Result<Exit, CliError> {
    let least = args.least.into();
    squall_judge::crash_lines(report).into_iter().for_each(terminal::data);
    let (summary, markdown) =
        (squall_judge::crash_json(report), squall_judge::crash_markdown(report));
    let path = |name: &str| folder.path().join(name);
    squall_judge::write_crash_junit(&path("junit.xml"), report, least)?;
    squall_judge::put_json(&path("summary.json"), &summary)?;
    squall_judge::put(&path("summary.md"), markdown.as_bytes())?;
    github::summary(&markdown)?;
    terminal::data("");
    terminal::data(format_args!("{}: {}", report.system, report.tally()));
    terminal::data(format_args!("summary: {}", path("summary.md").display()));
    terminal::field("summary", || summary);
    Ok(match report.is_at_least(least) {
        Some(true) => Exit::Met,
        Some(false) => Exit::Missed,
        None => Exit::Inconclusive,
    })
}

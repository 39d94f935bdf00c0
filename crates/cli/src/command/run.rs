//! `squall run`.

use super::checked;
use crate::args::RunArgs;
use crate::error::{CliError, Exit};
use crate::live_shells::LiveShells;
use crate::run_room::{self, SizedRuns};
use crate::signals::{self, Hangup};
use crate::{
    command, descriptors, progress, run_origin, shard_choice, start_time, target_choice, terminal,
};
use squall_determinism::Shard;
use squall_live::{Backends, RunOptions, TargetOptions};
use squall_live_view::RunEnding;
use squall_record::{Mode, OutFolder, RecordError, Recording};
use squall_report::RunOrigin;
use squall_scenario::Scenario;
use squall_target::Tuning;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub(crate) fn run(args: &RunArgs) -> Result<Exit, CliError> {
    let shard = shard_choice::chosen(&args.shards)?;
    let scenario = command::scenario_to_run(&args.scenario)?;
    let mode = if args.sim { Mode::Simulated } else { Mode::Live };
    let (scenario, target, backends) = match (mode, part(shard)) {
        (Mode::Live, Some(shard)) => system_of_shards(args, scenario, shard)?,
        (Mode::Live, None) | (Mode::Simulated, _) => system(args, scenario)?,
    };
    let out = args.out.clone();
    let out = out.unwrap_or_else(|| default_out(&scenario, mode, target.as_ref(), shard));
    let keep = run_room::retention(args.rows.which, &scenario);
    let sized = SizedRuns {
        path: &args.scenario.path,
        scenario: &scenario,
        keep,
        runs: 1,
        at_once: 1,
        are_written: true,
    };
    run_room::ensure(&[sized], &out, args.allow_large)?;
    run_room::tell_retention(args.rows.which, &scenario, keep);
    if let Some(excess) = scenario.excess_demand() {
        terminal::status(format_args!("warning: {excess}"));
    }
    let start = start(args, mode, shard)?;
    // A folder that cannot take the report is found before the run, not after it.
    let folder: OutFolder = run_origin::prepare(&out, args.keep)?;
    // A signal counts from when somebody was told that it does.
    signals::take_over(1, Hangup::Stop);
    let target_name = target.as_ref().map(|target| target.name.as_str());
    let shells = LiveShells::open(args.watched, &scenario, target_name)?;
    announce(&scenario, mode, target.as_ref());
    let origin = run_origin::of_run_that_begins(scenario.seed.value());
    let written = Some(folder.path().to_owned());
    let options = RunOptions { keep, folder: written, target, backends, ..RunOptions::default() };
    let options = RunOptions { shard, start, ..options };
    let recording = recorded(&scenario, mode, options, &shells)?;
    if args.twice && recording.header.ended.cut_at().is_none() {
        squall_campaign::verify_determinism(&scenario, &recording.header)?;
        terminal::status("determinism verified: second run identical");
    }
    // What was measured is safe before anything is made of it.
    let kept = recording.write(folder.path());
    let origin = run_origin::written_now(origin);
    let concluded = conclude_told(&scenario, &recording, &out, (kept, Some(&origin)))?;
    let exit = concluded.exit;
    shells.end(concluded.ending);
    let is_whole = recording.header.ended.cut_at().is_none();
    if let Some(shard) = part(shard) {
        return Ok(conclude_part(shard, &recording));
    }
    let expects = scenario.hard_expectations().any(|each| each.over_seeds.is_none());
    Ok(args.inconclusive.exit(exit, is_whole && expects))
}

/// Makes the run.
fn recorded(
    scenario: &Scenario,
    mode: Mode,
    options: RunOptions,
    shells: &LiveShells,
) -> Result<Recording, CliError> {
    match mode {
        Mode::Simulated => progress::run_simulated(scenario, options.keep, options.shard),
        Mode::Live => {
            descriptors::say_what_is_too_few(scenario)?;
            progress::run_live_with(scenario, options, shells)
        }
    }
}

/// What is tested: the built-in router, or another gateway, in front of the scenario's mock providers.
fn system(
    args: &RunArgs,
    scenario: Scenario,
) -> Result<(Scenario, Option<TargetOptions>, Backends), CliError> {
    let target = args.target.as_deref();
    let target = target.map(|text| target_choice::target(text, &scenario, Tuning::Tuned));
    let target = target.transpose()?;
    Ok((scenario, target, Backends::MockProviders))
}

/// A shard that is not the whole.
pub(crate) fn part(shard: Option<Shard>) -> Option<Shard> {
    shard.filter(|shard| !shard.is_whole())
}

/// The end of a shard: whether what was expected was met is told of the run, and not of a part of it.
pub(crate) fn conclude_part(shard: Shard, recording: &Recording) -> Exit {
    if recording.header.ended.cut_at().is_some() {
        return Exit::Inconclusive;
    }
    let (number, of) = (shard.number(), shard.of());
    terminal::status(format_args!(
        "shard {number} of {of} is recorded; `squall merge` joins all of them, and judges the run"
    ));
    Exit::Met
}

/// The one system that all shards of a live run send to, and the traffic alone.
fn system_of_shards(
    args: &RunArgs,
    scenario: Scenario,
    shard: Shard,
) -> Result<(Scenario, Option<TargetOptions>, Backends), CliError> {
    let scenario = scenario.without_providers();
    let target = args.target.as_deref().map(target_choice::system).transpose()?;
    if target.is_none() && scenario.gateway_target.is_none() {
        return Err(CliError::Shard(format!(
            "--shard {shard}: a live run has a router and mock providers of its own, which would see 1/{} of the traffic: \
             start the system once (`squall gateway`, `squall mock`), and send every shard to it with `--target URL`",
            shard.of()
        )));
    }
    // Another machine takes the care of `squall load`.
    Ok((scenario, target, Backends::Own { allowed_hosts: Vec::new() }))
}

/// When a run begins. What shards should know of it is said.
fn start(args: &RunArgs, mode: Mode, shard: Option<Shard>) -> Result<Option<SystemTime>, CliError> {
    match (mode, part(shard)) {
        (Mode::Simulated, _)
            if args.start.start_at.is_some() || args.start.start_file.is_some() =>
        {
            let told =
                "--start-at and --start-file: a run in virtual time begins at no time of day";
            Err(CliError::Start(told.to_owned()))
        }
        (Mode::Simulated, Some(shard)) => {
            terminal::status(format_args!(
                "warning: a simulated shard has a router and providers of its own, which see 1/{} of the traffic: there is \
                 no verdict on such shards",
                shard.of()
            ));
            Ok(None)
        }
        (Mode::Simulated, None) => Ok(None),
        (Mode::Live, part) => start_time::agreed(&args.start, part),
    }
}

/// Says what is about to be run.
fn announce(scenario: &Scenario, mode: Mode, target: Option<&TargetOptions>) {
    let how = match mode {
        Mode::Live => "over real sockets on loopback; Ctrl-C stops and keeps the results so far",
        Mode::Simulated => "in virtual time; Ctrl-C stops and keeps the results so far",
    };
    let (name, seed) = (&scenario.name, scenario.seed.value());
    let duration = scenario.duration.as_secs_f64();
    terminal::status(format_args!("{name}: seed {seed}, {duration} s, {how}"));
    if let Some(TargetOptions { name, version, .. }) = target {
        let version = version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        terminal::status(format_args!("target: {name}{version}; waiting until it is ready"));
    }
}

/// Judges a recording, writes the report, and says how it went, as [`conclude_told`] does.
pub(crate) fn conclude(
    scenario: &Scenario,
    recording: &Recording,
    out: &Path,
    kept: (Result<(), RecordError>, Option<&RunOrigin>),
) -> Result<Exit, CliError> {
    Ok(conclude_told(scenario, recording, out, kept)?.exit)
}

/// How a run was concluded.
pub(crate) struct Concluded {
    pub(crate) exit: Exit,
    /// The same, for what showed the run.
    pub(crate) ending: RunEnding,
}

/// Judges a recording, writes the report, and says how it went. Where the recording could not be `kept`, its
/// verdict is still told. Without an origin it is the one that lies in the folder.
pub(crate) fn conclude_told(
    scenario: &Scenario,
    recording: &Recording,
    out: &Path,
    (kept, origin): (Result<(), RecordError>, Option<&RunOrigin>),
) -> Result<Concluded, CliError> {
    let verdict = squall_judge::judge(scenario, recording);
    let table = squall_judge::terminal_table(&verdict);
    terminal::data(&table);
    tell_findings(scenario, recording);
    terminal::data(format_args!("digest: {}", recording.header.digest));
    kept?;
    let paths = squall_report::write(out, (scenario, recording), &verdict, origin)?;
    terminal::data(format_args!("report: {}", paths.html.display()));
    terminal::field("report", || paths.html.display().to_string().into());
    terminal::field_of_file("summary", &paths.summary)?;
    let ending = RunEnding {
        verdict: Some(verdict.overall.to_string()),
        text: table,
        report: Some(paths.html.display().to_string()),
    };
    Ok(Concluded { exit: checked::exit(verdict.overall), ending })
}

/// Tells what another gateway did wrong as a client of its providers.
fn tell_findings(scenario: &Scenario, recording: &Recording) {
    let target = recording.header.target.as_ref();
    if target.is_some() && !recording.has_rows() {
        terminal::data(
            "\nwhat the target did as a client of its providers is not known without rows (`--rows all`)",
        );
    }
    let report = target.and_then(|_| squall_judge::recorded_findings(scenario, recording));
    let Some(report) = report else { return };
    terminal::field("findings", || squall_judge::findings_json(&report));
    terminal::data("\nwhat the target did as a client of its providers:");
    squall_judge::findings_lines(&report).iter().for_each(terminal::data);
    terminal::data("");
}

fn default_out(
    scenario: &Scenario,
    mode: Mode,
    target: Option<&TargetOptions>,
    shard: Option<Shard>,
) -> PathBuf {
    let folder = match (mode, target) {
        (Mode::Live, Some(target)) if !target.name.contains('/') => &target.name,
        (Mode::Live, Some(_)) => "target",
        (Mode::Live, None) => "live",
        (Mode::Simulated, _) => "sim",
    };
    below_reports(scenario, folder, shard)
}

/// The folder of a run where nobody names one; that of a shard lies beside those of the others.
pub(crate) fn below_reports(scenario: &Scenario, folder: &str, shard: Option<Shard>) -> PathBuf {
    let reports = Path::new("reports").join(&scenario.name);
    match part(shard) {
        None => reports.join(folder),
        Some(shard) => {
            let (number, of) = (shard.number(), shard.of());
            reports.join(format!("{folder}-shards")).join(format!("shard-{number}-of-{of}"))
        }
    }
}

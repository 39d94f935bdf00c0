//! `squall report`: a recording is judged and drawn again, from what its folder holds.

use crate::args::ReportArgs;
use crate::command::replay::scenario_of;
use crate::command::run::conclude;
use crate::error::{CliError, Exit};
use crate::terminal;
use squall_record::{Mode, OutFolder, Recording};
use squall_report::{RunOrigin, SampleTimes};
use squall_scenario::Scenario;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

pub(crate) fn report(args: &ReportArgs) -> Result<Exit, CliError> {
    let recording = Recording::read(&args.recording)?;
    let scenario = scenario_of(&recording, &args.recording)?;
    if let Some(file) = &args.openmetrics {
        write_openmetrics(&scenario, &recording, args, file)?;
        if file == STANDARD_OUTPUT {
            return Ok(Exit::Met);
        }
    }
    let folder = args.out.as_deref().map(OutFolder::for_report).transpose()?;
    let out = folder.as_ref().map_or(&*args.recording, OutFolder::path);
    let origin = RunOrigin::read(&args.recording);
    conclude(&scenario, &recording, out, (Ok(()), origin.as_ref()))
}

/// What stands for standard output in place of a file.
const STANDARD_OUTPUT: &str = "-";

fn write_openmetrics(
    scenario: &Scenario,
    recording: &Recording,
    args: &ReportArgs,
    file: &Path,
) -> Result<(), CliError> {
    let start = since_1970(scenario, recording, &args.recording);
    let times = SampleTimes::of(recording, start, args.step);
    if file == STANDARD_OUTPUT {
        let mut text = Vec::new();
        // Memory takes all, and what is written is text.
        let _infallible = squall_report::write_openmetrics(scenario, recording, times, &mut text);
        terminal::product("openmetrics", &String::from_utf8_lossy(&text));
        return Ok(());
    }
    let write = |opened: File| {
        let mut out = BufWriter::new(opened);
        squall_report::write_openmetrics(scenario, recording, times, &mut out)?;
        out.flush()
    };
    let written = File::create(file).and_then(write);
    written.map_err(|source| squall_judge::FileError::Write { path: file.to_owned(), source })?;
    let step = times.step().as_secs();
    terminal::status(format_args!("OpenMetrics, a sample every {step} s: {}", file.display()));
    Ok(())
}

/// When a run began: of one in virtual time, by its own clock, so that it gives the same bytes whenever it is run.
fn since_1970(scenario: &Scenario, recording: &Recording, folder: &Path) -> Duration {
    let origin = match recording.header.mode {
        Mode::Simulated => None,
        Mode::Live => RunOrigin::read(folder),
    };
    let time = |text: &str| humantime::parse_rfc3339(text).ok()?.duration_since(UNIX_EPOCH).ok();
    let started = origin.and_then(|origin| time(&origin.started).or_else(|| time(&origin.written)));
    started.unwrap_or_else(|| Duration::from_nanos(scenario.epoch_nanos()))
}

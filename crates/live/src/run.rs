//! A run, from the first server up to the recording.

use crate::status::StatusWatch;
use crate::testbed::{Testbed, runtime};
use crate::topology::{models, traffic_kinds};
use crate::{LiveError, LiveStatus, StopHandle, recording};
use squall_clock::Clock;
use squall_record::{LiveWriter, Recording, RowRetention, RunEnd, RunHeader};
use squall_scenario::Scenario;
use squall_traffic::{DriveCounts, DriveProgress, DriverLog, TrafficSetup, drive};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How a scenario is run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Rows, or cells alone.
    pub keep: RowRetention,
    /// Ends the run early.
    pub stop: StopHandle,
    /// A folder to write rows into as they come, so that a run that is killed leaves what it has measured. It
    /// holds no recording yet; [`Recording::write`] completes it. Without it everything is in memory until
    /// the end.
    pub folder: Option<PathBuf>,
}

impl Default for RunOptions {
    /// Rows are kept, in memory, and the run goes on to its end.
    fn default() -> Self {
        Self { keep: RowRetention::Rows, stop: StopHandle::new(), folder: None }
    }
}

/// For the servers to be up before the clock leaves zero.
const LEAD: Duration = Duration::from_millis(300);

/// Between two looks at a run.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Runs a scenario over loopback sockets until its last request has ended, or until it is stopped, and
/// calls `observe` about once a second meanwhile. Blocks the calling thread.
///
/// # Errors
/// When the servers cannot be started.
///
/// # Panics
/// When called from within a tokio runtime.
pub fn run(
    scenario: &Scenario,
    options: &RunOptions,
    mut observe: impl FnMut(&LiveStatus),
) -> Result<Recording, LiveError> {
    // What cannot be raised is left: a run that then lacks files says so.
    let file_limit = squall_net::raise_file_limit();
    let before = squall_net::shortages();
    let clock = Clock::starting_at(Clock::start_now().start() + LEAD);
    let stage = Testbed::start(scenario, clock)?;
    let begin = |folder: &PathBuf| {
        let header = recording::header(scenario, RunEnd::Complete);
        LiveWriter::begin(folder, header, move || clock.now())
    };
    let writer = options.folder.as_ref().map(begin).transpose()?;
    if let Some(writer) = &writer {
        stage.stream_rows(&writer.rows());
    }
    let setup = TrafficSetup {
        workload: scenario.workload.clone(),
        seed: scenario.seed,
        clock,
        target: stage.base_url().parse()?,
        kinds: traffic_kinds(scenario),
        api_key: None,
        models: models(scenario),
        rows: writer.as_ref().map(LiveWriter::rows),
    };
    let progress = Arc::new(DriveProgress::default());
    let watch = StatusWatch {
        clock,
        duration: scenario.duration,
        progress: Arc::clone(&progress),
        gateway: stage.view(),
        before: (Duration::ZERO, DriveCounts::default()),
    };
    let runtime = runtime("driver")?;
    let observe = |status: LiveStatus| {
        let unwritten = writer.as_ref().and_then(LiveWriter::trouble).map(str::to_owned);
        observe(&LiveStatus { unwritten, ..status });
    };
    let log = play(&runtime, setup, progress, &options.stop, watch, observe)?;
    let ended = if options.stop.is_stopped() {
        RunEnd::Interrupted { at: clock.now() }
    } else {
        RunEnd::Complete
    };
    runtime.shutdown_background();
    let servers = stage.stop();
    if let Some(writer) = writer {
        writer.finish();
    }
    let lacked = recording::lacked(before, file_limit);
    let header = RunHeader { lacked, ..recording::header(scenario, ended) };
    Ok(recording::recording(header, options.keep, log, servers))
}

/// Drives the traffic on `runtime`, and looks at it from the calling thread.
fn play(
    runtime: &Runtime,
    setup: TrafficSetup,
    progress: Arc<DriveProgress>,
    stop: &StopHandle,
    mut watch: StatusWatch,
    mut observe: impl FnMut(LiveStatus),
) -> Result<DriverLog, LiveError> {
    let stop = stop.clone();
    let mut driver = runtime
        .spawn(async move { drive(setup, async move { stop.stopped().await }, progress).await });
    runtime.block_on(async {
        let mut next_look = watch.clock.start() + LOOK_EVERY;
        loop {
            tokio::select! {
                biased;
                log = &mut driver => return log.map_err(|_| LiveError::Died { part: "driver" }),
                () = tokio::time::sleep_until(next_look) => {
                    observe(watch.look());
                    next_look += LOOK_EVERY;
                }
            }
        }
    })
}

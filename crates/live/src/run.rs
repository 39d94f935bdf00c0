//! A run, from the first server up to the recording.

use crate::front::Front;
use crate::part_runtime::runtime;
use crate::status::StatusWatch;
use crate::testbed::Testbed;
use crate::topology::{models, traffic_kinds};
use crate::{LiveError, LiveStatus, RunOptions, StopHandle, recording, under_test};
use squall_clock::Clock;
use squall_determinism::{Shard, Timestamp};
use squall_record::{LiveWriter, Recording, RowSender, RunEnd, RunHeader, ShardSet, TargetInfo};
use squall_scenario::Scenario;
use squall_target::{MachineCpu, ProgramLines};
use squall_traffic::{
    ApiTarget, DriveCounts, DriveProgress, DriverLog, ProgramPipes, TrafficSetup, drive,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// For the servers to be up before the clock leaves zero.
const LEAD: Duration = Duration::from_millis(300);

/// The address of a program, which has none.
const NOWHERE: &str = "http://127.0.0.1:0/v1";

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
    let mut under_test = under_test::bring_up(scenario, options)?;
    let before = squall_net::shortages();
    let clock = clock(options)?;
    let lines = under_test.as_mut().and_then(|under_test| under_test.running.take_lines());
    let stage = Testbed::start(scenario, clock, under_test)?;
    let target = stage.front().target();
    let shards = options.shard.map(|shard| ShardSet::one(shard, Some(clock.start_since_1970())));
    let header = |ended| RunHeader {
        target: target.map(recording::target_info),
        shards: shards.clone(),
        ..recording::header(scenario, ended)
    };
    let begin =
        |folder: &PathBuf| LiveWriter::begin(folder, header(RunEnd::Complete), move || clock.now());
    let writer = options.folder.as_ref().map(begin).transpose()?;
    let rows = RowSender::to(writer.as_ref(), options.feed.as_ref());
    if let Some(rows) = &rows {
        stage.stream_rows(rows);
    }
    let program =
        lines.map(|ProgramLines { requests, answers }| ProgramPipes { requests, answers });
    let traffic = traffic_setup(scenario, options.shard, clock, stage.front())?;
    let setup = TrafficSetup { program, rows, ..traffic };
    let progress = Arc::new(DriveProgress::default());
    let watch = StatusWatch {
        clock,
        duration: scenario.duration,
        progress: Arc::clone(&progress),
        gateways: stage.front().views(),
        before: (Duration::ZERO, DriveCounts::default()),
    };
    let runtime = runtime("driver")?;
    // What it used until now was its start.
    target.map(|target| target.running.usage());
    let has_mocks = target.is_none_or(|target| target.ports.is_some());
    // A system with providers of its own is elsewhere, or not alone here.
    let machine = MachineCpu::now().filter(|_| has_mocks);
    // Without its gateway a run has nothing more to measure: it ends, and says why.
    let (abort, mut died) = (StopHandle::new(), None);
    let observe = |status: LiveStatus| {
        if let Some(how) = target.and_then(|target| target.running.ended()) {
            died.get_or_insert_with(|| (clock.now(), how));
            abort.stop();
        }
        let unwritten = writer.as_ref().and_then(LiveWriter::trouble).map(str::to_owned);
        observe(&LiveStatus { unwritten, ..status });
    };
    let log = play(&runtime, setup, progress, [&options.stop, &abort], watch, observe)?;
    let is_cut = options.stop.is_stopped() || died.is_some();
    let ended = run_end(is_cut.then(|| clock.now()), log.aborted);
    let machine = machine.and_then(|before| Some(MachineCpu::now()?.since(before)));
    let header = RunHeader {
        target: target.map(|target| TargetInfo {
            died,
            cpu_of_others: machine.map(|machine| machine.others),
            cpu_idle: machine.map(|machine| machine.idle),
            ..recording::target_info(target)
        }),
        ..header(ended)
    };
    runtime.shutdown_background();
    let servers = stage.stop();
    if let Some(writer) = writer {
        writer.finish();
    }
    let mut header = RunHeader { lacked: recording::lacked(before, file_limit), ..header };
    if let Some(fault) = log.broken_trace.as_ref().filter(|_| !is_cut) {
        header.broken_trace(fault.at, &fault.trace.name, &fault.why);
    }
    Ok(recording::recording(header, options.keep, log, servers))
}

/// How a run ended that was cut off then, or whose traffic its own rule ended then.
const fn run_end(cut: Option<Timestamp>, aborted: Option<Timestamp>) -> RunEnd {
    match (cut, aborted) {
        (Some(at), _) => RunEnd::Interrupted { at },
        (None, Some(at)) => RunEnd::Aborted { at },
        (None, None) => RunEnd::Complete,
    }
}

/// The time of the run: it begins when that was agreed, or else once the servers can be up.
fn clock(options: &RunOptions) -> Result<Clock, LiveError> {
    let Some(start) = options.start else {
        return Ok(Clock::starting_at(Clock::start_now().start() + LEAD));
    };
    Clock::starting_at_time(start).map_err(|late| LiveError::StartPassed { late })
}

/// What the driver is told.
fn traffic_setup(
    scenario: &Scenario,
    shard: Option<Shard>,
    clock: Clock,
    front: &Front,
) -> Result<TrafficSetup, LiveError> {
    let target = front.target();
    let mut kinds = traffic_kinds(scenario);
    if let Some(target) = target {
        for kind in &mut kinds {
            kind.model = target.running.model(&kind.model).to_owned();
        }
    }
    let urls = front.base_urls();
    Ok(TrafficSetup {
        workload: scenario.workload.clone(),
        seed: scenario.seed,
        shard: shard.unwrap_or_default(),
        clock,
        targets: match target {
            None => urls.iter().map(|url| url.parse()).collect::<Result<_, _>>()?,
            // It is never called.
            Some(target) if target.running.is_program() => vec![NOWHERE.parse()?],
            Some(target) => vec![ApiTarget::new(&urls[0], target.running.format())?],
        },
        program: None,
        kinds,
        headers: target.map(|target| target.running.headers().clone()).unwrap_or_default(),
        models: models(scenario),
        rows: None,
    })
}

/// Drives the traffic on `runtime`, and looks at it from the calling thread.
fn play(
    runtime: &Runtime,
    setup: TrafficSetup,
    progress: Arc<DriveProgress>,
    stops: [&StopHandle; 2],
    mut watch: StatusWatch,
    mut observe: impl FnMut(LiveStatus),
) -> Result<DriverLog, LiveError> {
    let [asked, aborted] = stops.map(StopHandle::clone);
    let stopped = async move {
        tokio::select! {
            () = asked.stopped() => {}
            () = aborted.stopped() => {}
        }
    };
    let mut driver = runtime.spawn(drive(setup, stopped, progress));
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

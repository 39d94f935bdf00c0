//! The run: everything started, driven, watched, and written down.

use crate::collect;
use crate::error::LiveError;
use crate::progress::LiveProgress;
use crate::servers::{Servers, runtime};
use squall_clock::Clock;
use squall_determinism::Timestamp;
use squall_gateway::GatewayView;
use squall_record::{Ended, Recording};
use squall_scenario::Scenario;
use squall_traffic::{DriverLog, Progress, Snapshot, TrafficSetup, drive};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long after the start of the servers the run begins.
const LEAD: Duration = Duration::from_millis(200);

/// Between two looks at how the run is doing.
const WATCH: Duration = Duration::from_secs(1);

/// Runs a scenario over real sockets, for as long as it takes, or until `stop` ends: then what was
/// measured is kept, and the recording says that it was interrupted. `observe` hears once a second how it
/// is going.
///
/// # Errors
/// When a server cannot be started, or stops before its time.
pub fn run(
    scenario: &Scenario,
    stop: impl Future<Output = ()> + Send + 'static,
    observe: impl FnMut(&LiveProgress),
) -> Result<Recording, LiveError> {
    // Every request takes up to four sockets. More than is allowed cannot be had; then it stays so.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let runtime = runtime("driver")?;
    let clock = {
        let _inside = runtime.enter();
        Clock::starting_at(Clock::start_now().start() + LEAD)
    };
    let servers = Servers::start(scenario, clock)?;
    let stopped_at = Arc::new(AtomicU64::new(NOT_STOPPED));
    let stop = note_stop(stop, clock, Arc::clone(&stopped_at));
    let progress = Arc::new(Progress::default());
    let setup = TrafficSetup {
        workload: scenario.workload.clone(),
        seed: scenario.seed,
        clock,
        target: servers.addr(),
        model: scenario.router.groups[scenario.target.index()].name.clone(),
        group: scenario.target.0,
        api_key: None,
    };
    let driver = runtime.spawn(drive(setup, Arc::clone(&progress), stop));
    let watch = Watch { clock, duration: scenario.duration, progress, gateway: servers.gateway() };
    let log = runtime.block_on(watch.until_done(driver, observe))?;
    let ended = match stopped_at.load(Ordering::Acquire) {
        NOT_STOPPED => Ended::Complete,
        at => Ended::Interrupted { at: Timestamp::from_nanos(at) },
    };
    Ok(collect::recording(scenario, log, servers.shutdown(), ended))
}

const NOT_STOPPED: u64 = u64::MAX;

/// Ends when `stop` does, and leaves behind when that was.
async fn note_stop(stop: impl Future<Output = ()>, clock: Clock, at: Arc<AtomicU64>) {
    stop.await;
    at.store(clock.now().as_nanos(), Ordering::Release);
}

/// Looks at a run while it goes on.
struct Watch {
    clock: Clock,
    duration: Duration,
    progress: Arc<Progress>,
    gateway: GatewayView,
}

impl Watch {
    async fn until_done(
        self,
        mut driver: JoinHandle<DriverLog>,
        mut observe: impl FnMut(&LiveProgress),
    ) -> Result<DriverLog, LiveError> {
        let mut last = Snapshot::default();
        let mut next = Timestamp::ZERO + WATCH;
        loop {
            tokio::select! {
                log = &mut driver => return log.map_err(|_| LiveError::Stopped("the driver")),
                () = self.clock.sleep_until(next) => {
                    let total = self.progress.snapshot();
                    observe(&LiveProgress {
                        elapsed: next.since(Timestamp::ZERO),
                        duration: self.duration,
                        total,
                        last: total.since(&last),
                        cooling: self.gateway.status().cooling,
                    });
                    last = total;
                    next += WATCH;
                }
            }
        }
    }
}

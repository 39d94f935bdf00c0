//! The CPU time and the memory of a target.

use crate::process_tree::ProcessTree;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What a target has used.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ResourceUsage {
    /// CPU time of all its processes together.
    pub cpu: Duration,
    /// The most memory that was resident at a time, in bytes, over all its processes. Pages that they share count
    /// for each.
    pub peak_memory: u64,
}

/// Looks at the processes of a target from time to time, until it is dropped.
#[derive(Debug)]
pub(crate) struct UsageSampler {
    state: Arc<Mutex<SampleState>>,
    tree: ProcessTree,
    /// Dropped to end the thread.
    end: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct SampleState {
    /// CPU time that was told already, in ticks.
    told: u64,
    /// The highest count seen: that of a child that ended unwaited for is lost to the system.
    ticks: u64,
    peak_memory: u64,
    is_known: bool,
}

/// How often memory is looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(250);

impl UsageSampler {
    pub(crate) fn start(tree: ProcessTree) -> Self {
        let state = Arc::new(Mutex::new(SampleState::default()));
        let (end, ended) = mpsc::channel::<()>();
        let (shared, sampled) = (Arc::clone(&state), tree.clone());
        let thread = thread::spawn(move || {
            while ended.recv_timeout(SAMPLE_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
                sample(&sampled, &shared);
            }
        });
        Self { state, tree, end: Some(end), thread: Some(thread) }
    }

    /// What was used since the last call; `None` where the system does not tell.
    pub(crate) fn take(&self) -> Option<ResourceUsage> {
        sample(&self.tree, &self.state);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let usage = ResourceUsage {
            cpu: of_ticks(state.ticks.saturating_sub(state.told)),
            peak_memory: state.peak_memory,
        };
        state.told = state.ticks;
        state.peak_memory = 0;
        state.is_known.then_some(usage)
    }
}

impl Drop for UsageSampler {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // It has nothing to tell.
            let _ = thread.join();
        }
    }
}

fn sample(tree: &ProcessTree, state: &Mutex<SampleState>) {
    let Some(usage) = tree.look() else { return };
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.is_known = true;
    state.ticks = state.ticks.max(usage.ticks);
    state.peak_memory = state.peak_memory.max(usage.resident);
}

#[cfg(target_os = "linux")]
fn of_ticks(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / procfs::ticks_per_second().max(1) as f64)
}

#[cfg(not(target_os = "linux"))]
fn of_ticks(_: u64) -> Duration {
    Duration::ZERO
}

/// CPU time of the machine since it started. The difference of two looks is what happened in between.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MachineCpu {
    /// What everything but this process used.
    pub others: Duration,
    /// What nobody used.
    pub idle: Duration,
}

impl MachineCpu {
    /// Until now; `None` where the system does not tell.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn now() -> Option<Self> {
        use procfs::CurrentSI as _;
        let total = procfs::KernelStats::current().ok()?.total;
        let busy = total.user + total.nice + total.system + total.irq.unwrap_or(0);
        let busy = busy + total.softirq.unwrap_or(0);
        let own = procfs::process::Process::myself().ok()?.stat().ok()?;
        Some(Self {
            others: of_ticks(busy.saturating_sub(own.utime + own.stime)),
            idle: of_ticks(total.idle + total.iowait.unwrap_or(0)),
        })
    }

    /// Elsewhere nobody tells.
    #[cfg(not(target_os = "linux"))]
    #[must_use]
    pub fn now() -> Option<Self> {
        None
    }

    /// What happened since an earlier look.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            others: self.others.saturating_sub(before.others),
            idle: self.idle.saturating_sub(before.idle),
        }
    }
}

//! The processes that a target consists of: the one that was started, those of its group, and their children.

use squall_scenario::TargetStop;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The processes of a target. Those that have been seen once are remembered, so that one that leaves the group
/// when its parent ends is found again.
#[derive(Clone, Debug)]
pub(crate) struct ProcessTree {
    leader: u32,
    seen: Arc<Mutex<Vec<SeenProcess>>>,
}

/// A process by its number and its start, which together name it for as long as the machine runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct SeenProcess {
    pid: i32,
    started: u64,
}

/// What the processes of a tree have used.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct TreeUsage {
    /// CPU time, children that have ended included, in ticks of the system's clock.
    pub(crate) ticks: u64,
    /// Resident memory now, in bytes.
    pub(crate) resident: u64,
}

impl ProcessTree {
    pub(crate) fn of(leader: u32) -> Self {
        Self { leader, seen: Arc::default() }
    }

    fn seen(&self) -> MutexGuard<'_, Vec<SeenProcess>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks which processes there are now, and what they have used; `None` where the system does not tell.
    #[cfg(target_os = "linux")]
    pub(crate) fn look(&self) -> Option<TreeUsage> {
        use procfs::WithCurrentSystemInfo as _;
        let leader = i32::try_from(self.leader).ok()?;
        let all = procfs::process::all_processes().ok()?;
        let stats = all.filter_map(|process| process.ok()?.stat().ok());
        // What has ended and only waits to be asked for its status is not there any more.
        let stats: Vec<_> =
            stats.filter(|stat| stat.pid == leader || stat.state != ZOMBIE).collect();
        let mut seen = self.seen();
        seen.retain(|known| {
            stats.iter().any(|stat| stat.pid == known.pid && stat.starttime == known.started)
        });
        loop {
            let belongs = |stat: &procfs::process::Stat| {
                stat.pid == leader
                    || stat.pgrp == leader
                    || seen.iter().any(|parent| parent.pid == stat.ppid)
            };
            let next = stats
                .iter()
                .find(|stat| belongs(stat) && !seen.iter().any(|known| known.pid == stat.pid));
            let Some(stat) = next else { break };
            seen.push(SeenProcess { pid: stat.pid, started: stat.starttime });
        }
        let own = stats.iter().filter(|stat| seen.iter().any(|known| known.pid == stat.pid));
        Some(own.fold(TreeUsage::default(), |usage, stat| TreeUsage {
            ticks: usage.ticks + ticks(stat),
            resident: usage.resident + stat.rss_bytes().get(),
        }))
    }

    /// Elsewhere the group is all that is known.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn look(&self) -> Option<TreeUsage> {
        None
    }

    /// Whether the last look found none of them but the one that its parent has still to ask for its status.
    pub(crate) fn is_gone(&self) -> bool {
        self.seen().iter().all(|process| u32::try_from(process.pid) == Ok(self.leader))
    }

    /// Sends a signal to the group, and to what has left it.
    #[cfg(unix)]
    pub(crate) fn signal(&self, stop: TargetStop) {
        use rustix::process::{Pid, Signal, kill_process, kill_process_group};
        let signal = match stop {
            TargetStop::Term => Signal::TERM,
            TargetStop::Interrupt => Signal::INT,
            TargetStop::Quit => Signal::QUIT,
            TargetStop::Kill => Signal::KILL,
        };
        let leader = i32::try_from(self.leader).ok().and_then(Pid::from_raw);
        // A process that is gone already is no failure: it is what is wanted.
        if let Some(leader) = leader {
            let _ = kill_process_group(leader, signal);
        }
        if stop == TargetStop::Kill {
            for pid in self.seen().iter().filter_map(|process| Pid::from_raw(process.pid)) {
                let _ = kill_process(pid, signal);
            }
        }
    }

    /// Elsewhere only the process itself can be ended, by whoever started it.
    #[cfg(not(unix))]
    pub(crate) fn signal(&self, _: TargetStop) {}
}

/// The letter of a process that has ended and that its parent has not asked for its status.
#[cfg(target_os = "linux")]
const ZOMBIE: char = 'Z';

#[cfg(target_os = "linux")]
fn ticks(stat: &procfs::process::Stat) -> u64 {
    let waited = u64::try_from(stat.cutime + stat.cstime).unwrap_or(0);
    stat.utime + stat.stime + waited
}

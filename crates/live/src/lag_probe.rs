//! How late a runtime is: a task on it sleeps for a few milliseconds over and over, and sees when it wakes.
//!
//! What is late for it is late for everything else on the same thread: reading an answer, ending a wait, writing a
//! token. A driver that sends on time does not show it, since it is another thread.

use hdrhistogram::Histogram;
use squall_clock::Clock;
use squall_record::{Lag, ServerLag, Stall};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Between two wake-ups: two runtimes with 200 wake-ups a second each cost less than a hundredth of a core.
const EVERY: Duration = Duration::from_millis(5);

/// A wake-up that is later than this is kept with its time.
const STALL_MIN: Duration = Duration::from_millis(10);

/// How many stalls are kept: a run with more of them is invalid by its 99th percentile, unless it lasts for hours.
const STALLS_MAX: usize = 10_000;

/// A wake-up that is even later counts as this late.
const LATEST: Duration = Duration::from_secs(3600);

/// A probe that runs until it is stopped.
#[derive(Debug)]
pub(crate) struct LagProbe {
    stop: oneshot::Sender<()>,
    task: JoinHandle<ServerLag>,
}

impl LagProbe {
    /// Starts a probe on the runtime of this part; it begins with the run.
    pub(crate) fn start(runtime: &Runtime, part: &'static str, clock: Clock) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self { stop, task: runtime.spawn(probe(part, clock, stopped)) }
    }

    /// What it has seen; `None` if its runtime has died.
    pub(crate) fn stop(self, runtime: &Runtime) -> Option<ServerLag> {
        // A probe whose task has died hears nothing, and its end is seen below.
        let _ = self.stop.send(());
        runtime.block_on(self.task).ok()
    }
}

async fn probe(part: &str, clock: Clock, mut stopped: oneshot::Receiver<()>) -> ServerLag {
    let mut late = Histogram::<u64>::new_with_bounds(1, LATEST.as_micros() as u64, 2)
        .expect("the bounds are in order and two digits are allowed");
    let mut stalls = Vec::new();
    let mut due = clock.now() + EVERY;
    loop {
        let last = tokio::select! {
            biased;
            _ = &mut stopped => true,
            () = clock.sleep_until(due) => false,
        };
        let now = clock.now();
        // A stall may end with the run: the last timer counts if it was due.
        if last && now <= due {
            break;
        }
        let by = now.since(due);
        late.saturating_record(u64::try_from(by.as_micros()).unwrap_or(u64::MAX));
        if by > STALL_MIN && stalls.len() < STALLS_MAX {
            stalls.push(Stall { from: due, until: now });
        }
        if last {
            break;
        }
        due = now + EVERY;
    }
    let at = |quantile| Duration::from_micros(late.value_at_quantile(quantile));
    let lag = Lag { p50: at(0.5), p99: at(0.99), max: at(1.0) };
    ServerLag { part: part.to_owned(), lag, stalls }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part_runtime::runtime;
    use std::thread;

    #[test]
    fn a_thread_that_is_held_up_is_seen_as_a_stall() {
        let runtime = runtime("a test").expect("threads are there");
        let probe = LagProbe::start(&runtime, "gateway", Clock::start_now());
        let held = Duration::from_millis(300);
        let clock = Clock::start_now();
        let blocker = runtime.spawn(async move {
            tokio::time::sleep(Duration::from_millis(30)).await;
            let from = clock.now();
            thread::sleep(held);
            clock.now().since(from)
        });
        let held = runtime.block_on(blocker).expect("it only sleeps");
        let server = probe.stop(&runtime).expect("it runs");
        let stalled = server.stalls.iter().map(|stall| stall.until.since(stall.from)).max();
        // The timer was due at most its interval after the thread was taken.
        assert!(stalled.expect("a stall") + EVERY * 2 >= held, "{stalled:?} of {held:?}");
        assert!(server.lag.max + EVERY * 2 >= held, "{:?}", server.lag);
        assert_eq!(server.part, "gateway");
    }
}

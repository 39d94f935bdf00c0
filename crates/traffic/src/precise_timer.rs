//! A timer that fires to a tenth of a millisecond. Tokio's counts in milliseconds: at 500 requests a second and more it
//! sends in clumps, whatever the arrival process. A thread that waits for the kernel's own timer wakes the driver instead.

use squall_clock::Clock;
use squall_determinism::Timestamp;
#[cfg(target_os = "linux")]
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::Notify;

/// A timer for one task, with a thread of its own.
#[derive(Debug)]
pub(crate) struct PreciseTimer {
    clock: Clock,
    shared: Arc<SharedTimer>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct SharedTimer {
    state: Mutex<TimerState>,
    changed: Condvar,
    fired: Notify,
}

#[derive(Debug)]
struct TimerState {
    /// What the thread waits for; without end where it is to wait for nothing.
    due: Timestamp,
    is_over: bool,
}

/// A wait of centuries is waited for in pieces.
const LONGEST_PIECE: Duration = Duration::from_secs(3_600);

impl PreciseTimer {
    pub(crate) fn start(clock: Clock) -> Self {
        let state = Mutex::new(TimerState { due: Timestamp::MAX, is_over: false });
        let shared = Arc::new(SharedTimer { state, changed: Condvar::new(), fired: Notify::new() });
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("arrivals".to_owned());
        // Without a thread the driver is as late as tokio's timer, and no less right.
        let thread = thread.spawn(move || own.run(clock)).ok();
        Self { clock, shared, thread }
    }

    /// Waits until a time: never less, and more only by what the machine takes to wake a thread and a task. It may be dropped
    /// and called again, for another time.
    pub(crate) async fn sleep_until(&self, due: Timestamp) {
        if self.thread.is_none() {
            return self.clock.sleep_until(due).await;
        }
        while self.clock.now() < due {
            self.shared.wait_for(due);
            self.shared.fired.notified().await;
        }
    }
}

impl Drop for PreciseTimer {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It does nothing that can panic.
            let _ = thread.join();
        }
    }
}

impl SharedTimer {
    fn lock(&self) -> MutexGuard<'_, TimerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for(&self, due: Timestamp) {
        let mut state = self.lock();
        if state.due != due {
            state.due = due;
            drop(state);
            self.changed.notify_one();
        }
    }

    /// What the thread does.
    fn run(&self, clock: Clock) {
        be_punctual();
        let mut state = self.lock();
        while !state.is_over {
            let left = state.due.since(clock.now());
            if left.is_zero() {
                state.due = Timestamp::MAX;
                self.fired.notify_one();
                continue;
            }
            let waited = self.changed.wait_timeout(state, left.min(LONGEST_PIECE));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Asks the kernel not to let this thread's timers be late together with others, which it does by up to 50 µs.
#[cfg(target_os = "linux")]
fn be_punctual() {
    // Where it may not be asked for, the timer is as late as others.
    let _ = rustix::thread::set_current_timer_slack(NonZero::new(1));
}

#[cfg(not(target_os = "linux"))]
const fn be_punctual() {}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[tokio::test]
    async fn it_fires_in_order_and_never_early() {
        let clock = Clock::start_now();
        let timer = PreciseTimer::start(clock);
        for due in [at(3), at(4), at(4), at(1), at(9)] {
            timer.sleep_until(due).await;
            assert!(clock.now() >= due);
        }
    }

    #[tokio::test]
    async fn a_wait_that_was_given_up_does_not_end_a_later_one() {
        let clock = Clock::start_now();
        let timer = PreciseTimer::start(clock);
        tokio::select! {
            biased;
            () = timer.sleep_until(at(600_000)) => panic!("ten minutes are not over"),
            () = clock.sleep_until(at(5)) => {}
        }
        timer.sleep_until(at(20)).await;
        assert!(clock.now() >= at(20));
        tokio::select! {
            biased;
            () = timer.sleep_until(at(21)) => {}
            () = clock.sleep_until(at(60_000)) => panic!("it was to fire long before"),
        }
        tokio::select! {
            biased;
            () = timer.sleep_until(at(25)) => {}
            () = std::future::ready(()) => {}
        }
        timer.sleep_until(at(40)).await;
        assert!(clock.now() >= at(40), "what fired for another time is passed over");
    }

    #[tokio::test]
    async fn it_ends_while_nothing_is_due() {
        let timer = PreciseTimer::start(Clock::start_now());
        drop(timer);
    }
}

//! A timer that is set and stopped for every request, and registers with the runtime only while it is waited for.

use squall_clock::Clock;
use squall_determinism::Timestamp;
use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

/// Elapses at the time that was set last. Setting a later time leaves the registered timer as it is: when that one
/// elapses, it is registered again.
pub(super) struct ResettableTimer {
    clock: Clock,
    due: Option<Timestamp>,
    timer: Option<(Timestamp, Timer)>,
}

type Timer = Pin<Box<dyn Future<Output = ()> + Send>>;

impl ResettableTimer {
    pub(super) const fn new(clock: Clock) -> Self {
        Self { clock, due: None, timer: None }
    }

    /// Another one with the same clock, not set.
    pub(super) const fn another(&self) -> Self {
        Self::new(self.clock)
    }

    pub(super) fn set(&mut self, after: Duration) {
        self.due = Some(self.clock.now() + after);
    }

    pub(super) fn stop(&mut self) {
        self.due = None;
    }

    pub(super) const fn is_set(&self) -> bool {
        self.due.is_some()
    }

    /// Whether it has elapsed; if it is set and has not, the task is woken when it might.
    pub(super) fn elapsed(&mut self, context: &mut Context<'_>) -> bool {
        loop {
            let Some(due) = self.due else { return false };
            if let Some((at, timer)) = &mut self.timer
                && *at <= due
            {
                if timer.as_mut().poll(context).is_pending() {
                    return false;
                }
                self.timer = None;
                if self.clock.now() >= due {
                    return true;
                }
            }
            let clock = self.clock;
            self.timer = Some((due, Box::pin(async move { clock.sleep_until(due).await })));
        }
    }
}

impl fmt::Debug for ResettableTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResettableTimer").field("due", &self.due).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::task::Poll;

    /// Ends when the timer elapses.
    async fn elapses(timer: &mut ResettableTimer) {
        poll_fn(|context| if timer.elapsed(context) { Poll::Ready(()) } else { Poll::Pending })
            .await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_elapses_at_the_time_that_was_set_last() {
        let clock = Clock::start_now();
        let mut timer = ResettableTimer::new(clock);
        timer.set(Duration::from_secs(1));
        let early = tokio::time::timeout(Duration::from_millis(900), elapses(&mut timer)).await;
        assert!(early.is_err());
        timer.set(Duration::from_secs(2));
        elapses(&mut timer).await;
        assert_eq!(clock.now(), Timestamp::from_millis(2_900));
        timer.set(Duration::from_secs(60));
        let _ = tokio::time::timeout(Duration::from_millis(1), elapses(&mut timer)).await;
        timer.set(Duration::from_secs(1));
        elapses(&mut timer).await;
        assert_eq!(clock.now(), Timestamp::from_millis(3_901), "an earlier time holds too");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_was_stopped_never_elapses() {
        let mut timer = ResettableTimer::new(Clock::start_now());
        timer.set(Duration::from_secs(1));
        timer.stop();
        assert!(!timer.is_set());
        let elapsed = tokio::time::timeout(Duration::from_secs(3_600), elapses(&mut timer)).await;
        assert!(elapsed.is_err());
    }
}

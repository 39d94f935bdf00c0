//! An alarm that is set and stopped for every request, and costs a timer only when it is waited for.

use squall_clock::Clock;
use squall_determinism::Timestamp;
use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

/// Rings when its time has come. Setting it to a later time leaves the timer that runs as it is: it is
/// looked at again when that has passed.
pub(super) struct Alarm {
    clock: Clock,
    due: Option<Timestamp>,
    timer: Option<(Timestamp, Timer)>,
}

type Timer = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Alarm {
    pub(super) const fn new(clock: Clock) -> Self {
        Self { clock, due: None, timer: None }
    }

    /// Another one by the same clock, not set.
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

    /// Whether it rings; if it is set and does not yet, the task is woken when it might.
    pub(super) fn rings(&mut self, context: &mut Context<'_>) -> bool {
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

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm").field("due", &self.due).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::task::Poll;

    /// Ends when it rings.
    async fn rung(alarm: &mut Alarm) {
        poll_fn(|context| if alarm.rings(context) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_rings_at_the_time_that_was_set_last() {
        let clock = Clock::start_now();
        let mut alarm = Alarm::new(clock);
        alarm.set(Duration::from_secs(1));
        let early = tokio::time::timeout(Duration::from_millis(900), rung(&mut alarm)).await;
        assert!(early.is_err());
        alarm.set(Duration::from_secs(2));
        rung(&mut alarm).await;
        assert_eq!(clock.now(), Timestamp::from_millis(2_900));
        alarm.set(Duration::from_secs(60));
        let _ = tokio::time::timeout(Duration::from_millis(1), rung(&mut alarm)).await;
        alarm.set(Duration::from_secs(1));
        rung(&mut alarm).await;
        assert_eq!(clock.now(), Timestamp::from_millis(3_901), "an earlier time holds too");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_was_stopped_never_rings() {
        let mut alarm = Alarm::new(Clock::start_now());
        alarm.set(Duration::from_secs(1));
        alarm.stop();
        assert!(!alarm.is_set());
        let rung = tokio::time::timeout(Duration::from_secs(3_600), rung(&mut alarm)).await;
        assert!(rung.is_err());
    }
}

//! The clock of the live drivers: the only place that reads one.
//!
//! The gateway, the mock providers and the driver of one run share one [`Clock`], so that their
//! timestamps can be compared. Cores never see it: they are handed a [`Timestamp`].

use squall_determinism::Timestamp;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// A run's time: a [`Timestamp`] is the distance of an instant from its start.
///
/// Waiting is tokio's: its timer has a grain of 1 ms and rounds up, so that a sleeper wakes up to a
/// millisecond late and never early.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A run that starts now.
    #[must_use]
    pub fn start_now() -> Self {
        Self::starting_at(read())
    }

    /// A run that starts, or started, at `start`.
    #[must_use]
    pub const fn starting_at(start: Instant) -> Self {
        Self { start }
    }

    /// A run that starts at a time of day, by the clock of this machine at this moment: a clock that is set later moves it
    /// no more.
    ///
    /// # Errors
    /// When that time has passed: how long ago.
    pub fn starting_at_time(time: SystemTime) -> Result<Self, Duration> {
        let wait = time.duration_since(wall_time()).map_err(|passed| passed.duration())?;
        // Beyond what the platform can express is never.
        let start = read().checked_add(wait).ok_or(Duration::ZERO)?;
        Ok(Self::starting_at(start))
    }

    /// The time of day at which the run starts, since 1970, by the clock of this machine at this moment.
    #[must_use]
    pub fn start_since_1970(&self) -> Duration {
        let (now, instant) = (wall_time(), read());
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        match self.start.checked_duration_since(instant) {
            Some(ahead) => now.saturating_add(ahead),
            None => now.saturating_sub(instant.saturating_duration_since(self.start)),
        }
    }

    /// When the run starts.
    #[must_use]
    pub const fn start(&self) -> Instant {
        self.start
    }

    /// Time since the start; zero before it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from(read().saturating_duration_since(self.start))
    }

    /// The instant of `at`, or `None` beyond what the platform's clock can express:
    /// [`Timestamp::MAX`] stands for "never".
    #[must_use]
    pub fn instant_at(&self, at: Timestamp) -> Option<Instant> {
        self.start.checked_add(at.since(Timestamp::ZERO)).filter(|_| at < Timestamp::MAX)
    }

    /// Waits until `at`; returns at once if it has passed, and never for [`Timestamp::MAX`].
    pub async fn sleep_until(&self, at: Timestamp) {
        match self.instant_at(at) {
            Some(instant) => tokio::time::sleep_until(instant).await,
            None => std::future::pending().await,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
fn read() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "runs of several machines agree on a time of day")]
fn wall_time() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_run_that_starts_at_a_time_of_day_stands_at_zero_until_then() {
        let time = wall_time() + Duration::from_secs(3_600);
        let clock = Clock::starting_at_time(time).expect("it is to come");
        assert_eq!(clock.now(), Timestamp::ZERO);
        let told = SystemTime::UNIX_EPOCH + clock.start_since_1970();
        let off = told.duration_since(time).unwrap_or_else(|before| before.duration());
        assert!(off < Duration::from_secs(60), "{off:?}: nobody sets the clock meanwhile");
    }

    #[tokio::test]
    async fn a_time_of_day_that_has_passed_is_refused_with_how_late_it_is() {
        let hour = Duration::from_secs(3_600);
        let late = Clock::starting_at_time(wall_time() - hour).expect_err("it has passed");
        assert!(late >= hour, "{late:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleeper_wakes_at_its_time_and_not_before() {
        let clock = Clock::start_now();
        assert_eq!(clock.now(), Timestamp::ZERO);
        clock.sleep_until(Timestamp::from_millis(250)).await;
        assert_eq!(clock.now(), Timestamp::from_millis(250));
        clock.sleep_until(Timestamp::from_millis(100)).await;
        assert_eq!(clock.now(), Timestamp::from_millis(250));
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_starts_later_stands_at_zero_until_then() {
        let clock = Clock::starting_at(Clock::start_now().start() + Duration::from_secs(1));
        tokio::time::advance(Duration::from_millis(400)).await;
        assert_eq!(clock.now(), Timestamp::ZERO);
        tokio::time::advance(Duration::from_millis(700)).await;
        assert_eq!(clock.now(), Timestamp::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn never_does_not_come() {
        let clock = Clock::start_now();
        assert_eq!(clock.instant_at(Timestamp::MAX), None);
        let hour = Duration::from_secs(3600);
        let waited = tokio::time::timeout(hour, clock.sleep_until(Timestamp::MAX)).await;
        assert!(waited.is_err(), "it came");
    }
}

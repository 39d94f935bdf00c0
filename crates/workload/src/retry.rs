//! What a client does when a call of its request has failed: the rules of the library that makes its calls.

use core::time::Duration;
use squall_determinism::{RandomStream, Share};
use squall_failure::CallFailureCause;

/// How a client tries again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientRetries {
    /// How many calls may follow the first of a request.
    pub max: u32,
    /// How long it waits where no answer says how long.
    pub backoff: ClientBackoff,
    /// The statuses that it tries again after.
    pub statuses: RetriedStatuses,
    /// Whether it tries again where no connection could be made.
    pub after_refused: bool,
    /// Whether it does where the connection was lost before the answer began.
    pub after_lost: bool,
    /// Whether it does where the call timed out.
    pub after_timeout: bool,
    /// Whether it does where an answer in one piece broke off. No library tries again once a stream has begun.
    pub after_cut: bool,
    /// How it takes `Retry-After`; `None` where it does not read it.
    pub retry_after: Option<RetryAfterRule>,
    /// Whether `x-should-retry` in an answer overrules the status.
    pub obeys_should_retry: bool,
}

/// How long a client waits by itself: the first wait doubles with every retry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientBackoff {
    /// The first wait.
    pub initial: Duration,
    /// The longest.
    pub max: Duration,
    /// What chance adds or takes away.
    pub jitter: ClientJitter,
}

/// What chance does to a wait, evenly.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientJitter {
    /// It takes away up to this share.
    Less(Share),
    /// It adds up to so much, and the longest wait still holds.
    More(Duration),
}

/// How a client takes the wait that an answer asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetryAfterRule {
    /// The longest that it waits.
    pub at_most: Duration,
    /// What it does if it is asked for longer.
    pub beyond: BeyondLongest,
    /// Whether a wait of nothing is one: else it waits by itself.
    pub takes_zero: bool,
}

/// What a client does that is asked for a longer wait than it takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BeyondLongest {
    /// It does not try again.
    GivesUp,
    /// It waits by itself.
    BacksOff,
    /// It waits for the longest that it takes.
    WaitsLongest,
    /// It tries again at once.
    RetriesAtOnce,
}

/// HTTP statuses from 400 to 655 after which a client tries again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetriedStatuses([u64; 4]);

const FIRST_STATUS: u16 = 400;

impl RetriedStatuses {
    /// Those of a list. Others than it can hold are left out.
    #[must_use]
    pub const fn of(statuses: &[u16]) -> Self {
        let (mut set, mut place) = (Self([0; 4]), 0);
        while place < statuses.len() {
            set = set.with(statuses[place]);
            place += 1;
        }
        set
    }

    /// These and all from 500 on.
    #[must_use]
    pub const fn and_server_errors(self) -> Self {
        let (mut set, mut status) = (self, 500);
        while status < FIRST_STATUS + 256 {
            set = set.with(status);
            status += 1;
        }
        set
    }

    const fn with(self, status: u16) -> Self {
        let mut bits = self.0;
        if status >= FIRST_STATUS && status < FIRST_STATUS + 256 {
            let place = (status - FIRST_STATUS) as usize;
            bits[place / 64] |= 1 << (place % 64);
        }
        Self(bits)
    }

    /// Whether a status is among them.
    #[must_use]
    pub fn contain(self, status: u16) -> bool {
        let place = usize::from(status.wrapping_sub(FIRST_STATUS));
        self.0.get(place / 64).is_some_and(|bits| bits >> (place % 64) & 1 == 1)
    }
}

/// How a call failed, as the library that made it sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CallFailure {
    /// What came.
    pub cause: CallFailureCause,
    /// What `Retry-After` said.
    pub retry_after: Option<Duration>,
    /// What `x-should-retry` said.
    pub should_retry: Option<bool>,
}

impl CallFailure {
    /// One without headers.
    #[must_use]
    pub const fn new(cause: CallFailureCause) -> Self {
        Self { cause, retry_after: None, should_retry: None }
    }
}

impl ClientRetries {
    /// How long the client waits before it calls again, after so many retries; `None` if it does not.
    pub(crate) fn wait(
        &self,
        failure: &CallFailure,
        retries: u32,
        draws: &mut RandomStream,
    ) -> Option<Duration> {
        if retries >= self.max {
            return None;
        }
        let asked = failure.retry_after.and_then(|asked| Some((self.retry_after?, asked)));
        let too_long = asked.is_some_and(|(rule, asked)| asked > rule.at_most);
        let gives_up = |(rule, _): (RetryAfterRule, _)| rule.beyond == BeyondLongest::GivesUp;
        if (too_long && asked.is_some_and(gives_up)) || !self.is_retried(failure) {
            return None;
        }
        let own = self.backoff.wait(retries, draws);
        Some(match asked {
            None => own,
            Some((rule, _)) if too_long => match rule.beyond {
                BeyondLongest::GivesUp | BeyondLongest::BacksOff => own,
                BeyondLongest::WaitsLongest => rule.at_most,
                BeyondLongest::RetriesAtOnce => Duration::ZERO,
            },
            Some((rule, asked)) if asked.is_zero() && !rule.takes_zero => own,
            Some((_, asked)) => asked,
        })
    }

    fn is_retried(&self, failure: &CallFailure) -> bool {
        match failure.cause {
            CallFailureCause::Refused => self.after_refused,
            CallFailureCause::Lost => self.after_lost,
            CallFailureCause::TimedOut => self.after_timeout,
            CallFailureCause::Cut => self.after_cut,
            CallFailureCause::Final => false,
            CallFailureCause::Status(status) => {
                let told = failure.should_retry.filter(|_| self.obeys_should_retry);
                told.unwrap_or_else(|| self.statuses.contain(status))
            }
        }
    }
}

impl ClientBackoff {
    /// The wait after so many retries. Always draws once.
    fn wait(&self, retries: u32, draws: &mut RandomStream) -> Duration {
        let doubled = 1_u32.checked_shl(retries).map_or(Duration::MAX, |times| {
            self.initial.checked_mul(times).unwrap_or(Duration::MAX)
        });
        match self.jitter {
            ClientJitter::Less(share) => {
                let wait = doubled.min(self.max);
                let most = nanos(wait) as u128 * u128::from(share.ppm()) / 1_000_000;
                wait - Duration::from_nanos(draws.below(most as u64 + 1))
            }
            ClientJitter::More(most) => {
                let more = Duration::from_nanos(draws.below(nanos(most).saturating_add(1)));
                doubled.saturating_add(more).min(self.max)
            }
        }
    }
}

fn nanos(of: Duration) -> u64 {
    u64::try_from(of.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;

//! The configuration of a fault.

use super::{CountScope, Effect, FaultKind, FirstAttempts};
use core::fmt;
use core::time::Duration;
use squall_determinism::{RandomStream, Share, Timestamp};

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaultConfig {
    /// From when.
    pub at: Timestamp,
    /// Maximum random delay of the start, drawn once by
    /// [`ProviderConfig::drawn`](crate::ProviderConfig::drawn).
    pub jitter: Duration,
    /// Duration, including onset and tail.
    pub lasts: Duration,
    /// Ramp-up time of its share, or of its size if it has one.
    pub onset: Duration,
    /// Ramp-down time at its end, likewise.
    pub tail: Duration,
    /// Share of its targets affected. A listener refuses all or none.
    pub share: Share,
    /// Its targets.
    pub target: FaultTarget,
    /// Its effect on health checks.
    pub health: ProbeHealth,
    /// What happens to affected attempts.
    pub kind: FaultKind,
}

/// The targets of a fault.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FaultTarget {
    /// Only attempts at this model, by the [`name_hash`](crate::name_hash) of its name.
    pub model: Option<u64>,
    /// Only attempts with this key, likewise.
    pub key: Option<u64>,
    /// Whether the share is drawn per session instead of per attempt. An attempt without a session is its own
    /// session.
    pub sticky: bool,
    /// How many attempts it hits at most, the first ones that arrive. Those in flight at its onset go on, and
    /// checks hear nothing of it. It means nothing to a fault that hits no attempt: one of the listener, of
    /// limits, of capacity or of the cache. `None` for as many as come.
    pub first: Option<FirstAttempts>,
}

/// The effect of a fault on health checks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ProbeHealth {
    /// As usual for its kind: refused and unanswered connections affect checks too, and nothing else affects
    /// a list of models.
    #[default]
    Usual,
    /// Healthy: a false-healthy check. A closed listener still fails its checks.
    Lies,
    /// Checks fail as traffic does.
    Honest,
}

impl FaultConfig {
    /// A fault that hits all, at once and until its end.
    #[must_use]
    pub fn new(at: Timestamp, lasts: Duration, kind: FaultKind) -> Self {
        Self {
            at,
            jitter: Duration::ZERO,
            lasts,
            onset: Duration::ZERO,
            tail: Duration::ZERO,
            share: Share::ALL,
            target: FaultTarget::default(),
            health: ProbeHealth::Usual,
            kind,
        }
    }

    /// When it ends.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.at + self.lasts
    }

    /// Its intensity at `now`: full between onset and tail, none before and after.
    #[must_use]
    pub fn progress(&self, now: Timestamp) -> Share {
        if now < self.at || now >= self.until() {
            return Share::NONE;
        }
        let part = |passed: Duration, of: Duration| match of.as_nanos() {
            0 => PPM,
            whole => (passed.as_nanos() * u128::from(PPM) / whole).min(PPM.into()) as u32,
        };
        let grown = part(now.since(self.at), self.onset);
        let left = part(self.until().since(now), self.tail);
        Share::from_ppm(grown.min(left)).unwrap_or(Share::ALL)
    }

    /// Share of its targets affected at `now`.
    #[must_use]
    pub fn share_at(&self, now: Timestamp) -> Share {
        if self.kind.behaviour().grows_in_severity {
            return self.share;
        }
        let ppm = self.progress(now).of(self.share.ppm().into());
        u32::try_from(ppm).ok().and_then(Share::from_ppm).unwrap_or(self.share)
    }

    /// Whether it makes attempts fail, so that traffic should leave; a slowdown or throttling alone does not.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.kind.behaviour().fails
    }

    /// What it does at `now` to an arrival that it hits. Takes a draw only where there is a choice.
    pub(crate) fn effect(&self, now: Timestamp, draws: impl FnOnce() -> RandomStream) -> Effect {
        match self.kind.behaviour().effect {
            Effect::AnswerOneOf(mix) => Effect::Answer(mix.draw(&mut draws())),
            Effect::Modify(modifier) => Effect::Modify(modifier.grown(self.progress(now))),
            effect @ (Effect::Answer(_) | Effect::None) => effect,
        }
    }
}

impl fmt::Display for FaultConfig {
    /// The kind, with the share and the count if it does not hit all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.share != Share::ALL {
            write!(f, "{} ", self.share)?;
        }
        self.kind.fmt(f)?;
        match self.target.first {
            None => Ok(()),
            Some(FirstAttempts { attempts, of: CountScope::Provider }) => {
                write!(f, ", first {attempts}")
            }
            Some(FirstAttempts { attempts, of }) => {
                write!(f, ", first {attempts} of each {}", of.as_str())
            }
        }
    }
}

const PPM: u32 = 1_000_000;

/// What is left of something that a fault cuts to a part of it, when so much of the fault is there.
pub(crate) fn left(to: Share, progress: Share) -> Share {
    let gone = progress.of(u64::from(PPM - to.ppm())) as u32;
    Share::from_ppm(PPM - gone).unwrap_or(Share::ALL)
}

//! Error answers of a fault: always the same one, or one of several.

use core::fmt;
use core::time::Duration;
use squall_determinism::{RandomStream, Share};
use squall_failure::{Evidence, FailureClass};

/// An error as it is answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ErrorAnswer {
    /// The HTTP status. It need not be that of the class: providers have answered 400 for faults of
    /// their own. `None` for the vendor's own, which a [`Provider`](crate::Provider) fills in.
    pub status: Option<u16>,
    /// What class of failure that is, which chooses the error code of the body.
    pub class: FailureClass,
    /// What Retry-After says, if anything.
    pub retry_after: Option<Duration>,
}

impl ErrorAnswer {
    /// The error of a class, with the vendor's own status.
    #[must_use]
    pub const fn of(class: FailureClass) -> Self {
        Self { status: None, class, retry_after: None }
    }

    /// Whether traffic should leave a provider with this fault.
    pub(super) fn breaks(&self) -> bool {
        matches!(self.class.evidence(), Evidence::Failed | Evidence::Misconfigured)
    }
}

impl fmt::Display for ErrorAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = matches!(
            self.class,
            FailureClass::ContextWindow | FailureClass::ContentPolicy | FailureClass::QuotaSpent
        );
        let status = self.status.unwrap_or_else(|| self.class.status());
        write!(f, "{status}")?;
        // A status that does not tell the class, or tells another.
        if told || status / 100 != self.class.status() / 100 {
            write!(f, " {}", self.class.as_str().replace('_', " "))?;
        }
        Ok(())
    }
}

/// Several errors, each with its weight among them. None says when to come again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ErrorMix {
    errors: [WeightedError; Self::MOST],
    len: u8,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct WeightedError {
    status: Option<u16>,
    class: FailureClass,
    weight: u32,
}

impl ErrorMix {
    /// The most errors in a mix.
    pub const MOST: usize = 6;

    /// A mix of errors, each a status and a class, with their shares, which are taken as weights; `None`
    /// for none, for too many, or where all shares are zero.
    #[must_use]
    pub fn new(errors: &[(Option<u16>, FailureClass, Share)]) -> Option<Self> {
        let len = u8::try_from(errors.len()).ok().filter(|&len| usize::from(len) <= Self::MOST)?;
        if errors.iter().all(|(.., share)| *share == Share::NONE) {
            return None;
        }
        let nothing = WeightedError { status: None, class: FailureClass::Server, weight: 0 };
        let mut all = [nothing; Self::MOST];
        for (place, &(status, class, share)) in all.iter_mut().zip(errors) {
            *place = WeightedError { status, class, weight: share.ppm() };
        }
        Some(Self { errors: all, len })
    }

    /// The errors with their weights.
    pub fn errors(&self) -> impl Iterator<Item = (ErrorAnswer, u32)> + '_ {
        self.errors[..usize::from(self.len)].iter().map(
            |&WeightedError { status, class, weight }| {
                (ErrorAnswer { status, class, retry_after: None }, weight)
            },
        )
    }

    /// Whether at least half of it breaks.
    pub(super) fn mostly_breaks(&self) -> bool {
        let weight = |wanted: bool| -> u64 {
            let errors = self.errors().filter(|(error, _)| error.breaks() == wanted);
            errors.map(|(_, weight)| u64::from(weight)).sum()
        };
        weight(true) >= weight(false)
    }

    /// Gives a status to each that has none.
    pub(super) fn fill_in(&mut self, status: impl Fn(FailureClass) -> u16) {
        for error in &mut self.errors[..usize::from(self.len)] {
            error.status.get_or_insert_with(|| status(error.class));
        }
    }

    /// One of them.
    pub(super) fn draw(&self, draws: &mut RandomStream) -> ErrorAnswer {
        let total: u64 = self.errors().map(|(_, weight)| u64::from(weight)).sum();
        let mut left = draws.below(total);
        let hit = self.errors().find(|&(_, weight)| match left.checked_sub(weight.into()) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        });
        hit.map_or(ErrorAnswer::of(FailureClass::Server), |(error, _)| error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_determinism::{Seed, StreamPurpose};

    #[test]
    fn a_mix_keeps_its_weights() {
        let of = |status, percent| (Some(status), FailureClass::Server, Share::percent(percent));
        let mix = ErrorMix::new(&[of(500, 75), of(503, 25)]).expect("two errors");
        let mut draws = Seed::new(7).stream(StreamPurpose::named("test"), 0, 0);
        let hit = (0..10_000).filter(|_| mix.draw(&mut draws).status == Some(503)).count();
        assert!((2_350..2_650).contains(&hit), "{hit} of 10,000 are 503");
        assert_eq!(ErrorMix::new(&[]), None);
        assert_eq!(ErrorMix::new(&[of(500, 0)]), None);
    }
}

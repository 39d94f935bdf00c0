//! What is counted in a tick. The same types hold the sums of a window.

use core::ops::AddAssign;
use squall_failure::FailureClass;

/// How many failures of each class.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FailureCounts([u32; FailureClass::ALL.len()]);

/// What is counted of a model group.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct GroupCounts {
    /// Requests whose user asked then.
    pub arrived: u32,
    /// Those of them that were answered whole.
    pub succeeded: u32,
    /// Those that failed.
    pub failed: FailureCounts,
    /// Those whose client lost patience first.
    pub gave_up: u32,
    /// Those that the end of the run cut off.
    pub unfinished: u32,
    /// Whole answers that arrived then.
    pub answered_ok: u32,
    /// Requests that failed, or were given up, then.
    pub answered_badly: u32,
}

/// What is counted of a deployment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DeploymentCounts {
    /// Attempts that started then.
    pub attempts: u32,
    /// Those of them that were the first of their request.
    pub first_attempts: u32,
    /// Those that were answered whole.
    pub succeeded: u32,
    /// Those that failed.
    pub failed: FailureCounts,
    /// Those that the caller hung up on.
    pub abandoned: u32,
    /// Those that the end of the run cut off.
    pub unfinished: u32,
    /// Tokens of their prompts.
    pub input_tokens: u64,
    /// Tokens of answers that were sent.
    pub output_tokens: u64,
    /// 429s with Retry-After that were sent then.
    pub retry_afters: u32,
    /// Those of them whose wait was broken by a later attempt.
    pub retry_afters_broken: u32,
}

impl FailureCounts {
    /// How many of this class.
    #[must_use]
    pub fn of(&self, class: FailureClass) -> u32 {
        self.0[usize::from(class.code())]
    }

    /// How many in all.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.0.iter().sum()
    }

    /// The classes that occurred, in the order of their codes.
    pub fn iter(&self) -> impl Iterator<Item = (FailureClass, u32)> + '_ {
        FailureClass::ALL.into_iter().zip(self.0).filter(|&(_, count)| count > 0)
    }

    /// Counts more of a class.
    #[inline]
    pub fn add(&mut self, class: FailureClass, count: u32) {
        self.0[usize::from(class.code())] += count;
    }
}

impl AddAssign for FailureCounts {
    fn add_assign(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, count)| *sum += count);
    }
}

impl AddAssign for GroupCounts {
    fn add_assign(&mut self, other: Self) {
        self.arrived += other.arrived;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.gave_up += other.gave_up;
        self.unfinished += other.unfinished;
        self.answered_ok += other.answered_ok;
        self.answered_badly += other.answered_badly;
    }
}

impl AddAssign for DeploymentCounts {
    fn add_assign(&mut self, other: Self) {
        self.attempts += other.attempts;
        self.first_attempts += other.first_attempts;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.abandoned += other.abandoned;
        self.unfinished += other.unfinished;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.retry_afters += other.retry_afters;
        self.retry_afters_broken += other.retry_afters_broken;
    }
}

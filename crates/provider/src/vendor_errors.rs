//! A vendor's error format: its status for each failure class, and its form of Retry-After.

use crate::{FaultConfig, RetryAfter};
use squall_failure::FailureClass;

const CLASSES: usize = FailureClass::ALL.len();

/// A vendor's statuses, and its form of Retry-After.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct VendorErrors {
    /// By the code of the class.
    statuses: [u16; CLASSES],
    /// Its form of Retry-After, unless the limits of a provider override it.
    pub retry_after: RetryAfter,
}

impl VendorErrors {
    /// The status that a class implies, and a Retry-After that is exact: what OpenAI does.
    pub const USUAL: Self = {
        let mut statuses = [0; CLASSES];
        let mut place = 0;
        while place < CLASSES {
            statuses[place] = FailureClass::ALL[place].status();
            place += 1;
        }
        Self { statuses, retry_after: RetryAfter::Exact }
    };

    /// A vendor with these statuses.
    #[must_use]
    pub fn new(status: impl Fn(FailureClass) -> u16, retry_after: RetryAfter) -> Self {
        Self { statuses: FailureClass::ALL.map(status), retry_after }
    }

    /// Its status for a class.
    #[must_use]
    pub fn status(&self, class: FailureClass) -> u16 {
        self.statuses.get(usize::from(class.code())).copied().unwrap_or_else(|| class.status())
    }

    /// The fault with a status wherever only a class is given: this vendor's.
    pub(crate) fn fill_in(&self, fault: &mut FaultConfig) {
        fault.kind.fill_in(|class| self.status(class));
    }
}

impl Default for VendorErrors {
    fn default() -> Self {
        Self::USUAL
    }
}

//! What can go wrong with an LLM call, as data with axes.
//!
//! A failure is never an `Err`: it is a fact that the router weighs, the provider causes and a
//! recording counts. Every room that speaks of one uses the words below, so that a class reads the
//! same in the code, in a scenario, in a log and on a chart.
//!
//! Throttled and failed are different evidence: see [`Evidence`].

#![no_std]

mod call;
mod class;
mod limit;

pub use call::CallFailureCause;
pub use class::{Evidence, FailureClass, FailureSource, Retryable};
pub use limit::ProviderLimitKind;

use core::time::Duration;

/// One failure of one attempt, or the failure a request ended with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Failure {
    /// What kind of failure.
    pub class: FailureClass,
    /// Who failed.
    pub source: FailureSource,
    /// Where another attempt could succeed. Defaults to [`FailureClass::retryable`].
    pub retryable: Retryable,
    /// What it says about the deployment. Defaults to [`FailureClass::evidence`].
    pub evidence: Evidence,
    /// How long the provider asked to be left alone, counted from the arrival of its answer.
    pub retry_after: Option<Duration>,
    /// The HTTP status that carried it; 0 where there was none (connection refused, time-outs).
    pub status: u16,
    /// Whether any byte of the request had left: an attempt that sent none is refunded whole.
    pub sent: Sent,
}

impl Failure {
    /// A failure of `class` at `source`, with the axes that the class implies.
    #[must_use]
    pub const fn new(class: FailureClass, source: FailureSource) -> Self {
        Self {
            class,
            source,
            retryable: class.retryable(),
            evidence: class.evidence(),
            retry_after: None,
            status: 0,
            sent: class.sent(),
        }
    }

    /// The same failure, carried by an HTTP status.
    #[must_use]
    pub const fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The status that a gateway tells its client: the provider's own, unless it has none, dresses a fault of
    /// its own as the caller's, or tells of a wrong key by 400 (as Gemini does); callers go by it.
    #[must_use]
    pub const fn client_status(&self) -> u16 {
        let alike = self.status >= 400 && self.status / 100 == self.class.status() / 100;
        let own = alike
            && (!matches!(self.class, FailureClass::Auth) || matches!(self.status, 401 | 403));
        if own { self.status } else { self.class.status() }
    }

    /// The same failure, when nothing in the answer tells a misconfigured deployment from a wrong request.
    #[must_use]
    pub const fn suspected(self) -> Self {
        Self { evidence: Evidence::Suspected, ..self }
    }

    /// The same failure, of a call whose model the client chose (behind a group such as `gpt-*`): a model
    /// that is not there, or a refusal that may be about the model, says nothing of the deployment.
    #[must_use]
    pub const fn of_a_chosen_model(self) -> Self {
        match (self.class, self.evidence) {
            (FailureClass::NotFound, _) | (_, Evidence::Suspected) => {
                Self { evidence: Evidence::None, ..self }
            }
            _ => self,
        }
    }

    /// Whether the gateway refused by itself to make the call, since the request cannot be expressed there:
    /// the provider was never called, so that this is no attempt, and another deployment is asked at once.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!((self.source, self.sent), (FailureSource::Client, Sent::Nothing))
    }

    /// The same failure, with the wait that the provider asked for.
    #[must_use]
    pub const fn with_retry_after(self, retry_after: Option<Duration>) -> Self {
        Self { retry_after, ..self }
    }
}

/// Whether a request's bytes left for the provider.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sent {
    /// No byte left: nothing can have been used.
    Nothing,
    /// Some did: the provider may have worked for it.
    Something,
}

/// The example of the README compiles and holds.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

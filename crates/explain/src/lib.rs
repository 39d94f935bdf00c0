//! Why a request of a recording fared as it did: its journal is replayed into the same router core, which
//! writes down the reasons of every decision about the request as it takes it. What is told is what was decided:
//! every output on the way is compared with the one recorded. Nothing here decides or guesses.
//!
//! [`Explainer`] finds the request and replays; [`Explanation`] holds its life, and tells it as
//! [text](Explanation::to_text) or as [JSON](Explanation::to_json).

mod client_view;
mod error;
mod explainer;
mod explanation;
mod selector;

pub use error::ExplainError;
pub use explainer::Explainer;
pub use explanation::{ClientRetry, Explanation};
pub use selector::RequestSelector;
pub use squall_decision_trail::{
    AttemptConclusion, AttemptSummary, TimelineEntry, WaitSummary, WaitedFor,
};

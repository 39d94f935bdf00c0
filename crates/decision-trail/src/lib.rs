//! What the router decided about one request and why: a [`RequestTrace`](squall_router::journal::RequestTrace) in words
//! and as JSON. Nothing here decides or guesses: a trace holds the inputs, the decisions with their reasons and the
//! outputs of the core, whether it was replayed from a journal or written down while the request was served.

mod attempts;
mod json;
mod names;
mod phrases;
mod timeline;
mod trail;
mod waits;

pub use attempts::{AttemptConclusion, AttemptSummary};
pub use names::{TrailClock, TrailNames};
pub use phrases::{lasted, outcome};
pub use timeline::{LimitReached, TimelineEntry};
pub use trail::{CausedCooldown, DecisionTrail};
pub use waits::{WaitSummary, WaitedFor};

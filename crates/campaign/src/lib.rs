//! Many runs instead of one: over seeds (`check`), over a value that is varied (`plan`), over the steps of a
//! rollout (`rehearse`). Which runs to make is decided here, each run is made by `sim`, and what they say is
//! judged by `judge`.

mod check;
mod difference;
mod error;
mod parallel;
mod plan;
mod rehearse;
mod twice;

pub use check::{CheckOptions, check};
pub use difference::Difference;
pub use error::CampaignError;
pub use parallel::{Progress, workers};
pub use plan::{
    Bracket, Case, Limits, Load, Need, PlanQuestion, Tried, needs, plan, rounded, sweep,
};
pub use rehearse::{
    ALPHA, Finding, POWER, Prepared, PreparedStage, Rehearsal, RehearseError, World, manual,
    not_reached, prepare, samples,
};
pub use twice::{again, first_difference};

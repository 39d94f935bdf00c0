//! Many runs instead of one: over seeds (`check`), over a value that is varied (`plan`), over the steps of a
//! rollout (`rehearse`). Which runs to make is decided here, each run is made by `sim`, and what they say is
//! judged by `judge`.

mod check;
mod crash;
mod difference;
mod error;
mod parallel;
mod plan;
mod rehearse;
mod run_size;
mod scorecard;
mod verify_determinism;

pub use check::{CheckOptions, check, check_each};
pub use crash::{CrashScenario, crash_scenarios};
pub use difference::Difference;
pub use error::CampaignError;
pub use parallel::{BatchProgress, IsInterrupted, do_in_parallel, workers};
pub use plan::{
    Bracket, Case, MetRange, PeakLoad, PlanQuestion, ProviderNeed, SearchBounds, TriedValue, needs,
    plan, rounded, sweep,
};
pub use rehearse::{
    ALPHA, POWER, PreparedItem, PreparedStage, Rehearsal, RehearseError, ScenarioSource,
    StaticFinding, manual, not_reached, prepare, samples,
};
pub use run_size::{MachineRoom, RoomLack, RunSize, bytes};
pub use scorecard::{SCORECARD_SCENARIOS, ScorecardScenario, simulated_sample};
pub use verify_determinism::{first_difference, verify_determinism};

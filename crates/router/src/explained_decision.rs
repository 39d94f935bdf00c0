//! Decisions with their reasons, as recorded for a request that
//! [`Router::explain_next_arrival`](crate::Router::explain_next_arrival) selects. Recording decides nothing, and costs
//! other requests a branch.

use crate::{
    CooldownCause, DeploymentId, Features, GroupId, LimitScope, PickProblem, RegionId, RequestKey,
    Tags,
};
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::{Share, Timestamp};
use squall_failure::{Evidence, Failure, FailureClass};

/// A decision about one request, with its reasons.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainedDecision {
    /// When the core took it.
    pub at: Timestamp,
    /// About which request.
    pub request: RequestKey,
    /// How many outputs of the same input came before it.
    pub after_outputs: usize,
    /// What was decided.
    pub decision: RouterDecision,
}

/// What was decided about a request.
#[derive(Clone, Debug, PartialEq)]
pub enum RouterDecision {
    /// A deployment was looked for.
    Picked(PickReasons),
    /// Others wait in its group, of the same or a better priority: nobody overtakes them.
    WaitsItsTurn {
        /// The group.
        group: GroupId,
        /// How many wait.
        waiting: usize,
    },
    /// A failure was held against its deployment, or was not.
    FailureWeighed(FailureWeight),
    /// What follows a failed attempt.
    AfterFailure(AfterFailure),
    /// The retry budget was asked.
    RetryBudgetAsked(RetryBudgetUse),
    /// No deployment of its group can take it as soon as it may wait.
    NoneInTime(NoneInTime),
    /// Whoever could take it in its group has returned of late and has had its share for now: its fallback serves it.
    SlowStart {
        /// The group.
        group: GroupId,
    },
    /// The request leaves its group.
    LeavesGroup {
        /// The group.
        from: GroupId,
        /// Where it goes; `None` to its end.
        to: Option<GroupId>,
    },
}

/// How a deployment was picked.
#[derive(Clone, Debug, PartialEq)]
pub struct PickReasons {
    /// The group.
    pub group: GroupId,
    /// The word for its strategy; `custom` for one of the user's own.
    pub strategy: &'static str,
    /// Where was looked.
    pub scope: PickScope,
    /// The one that was picked, and whether as its probe.
    pub picked: Option<(DeploymentId, bool)>,
    /// It is that of the request's session: no strategy was asked.
    pub by_session: bool,
    /// What the request needs of a deployment.
    pub needs: PickNeeds,
    /// The deployments of the group, in its order.
    pub candidates: Vec<CandidateView>,
    /// Deployments that are not among them, for want of room in a trace that is bounded.
    pub left_out: u32,
    /// What a custom strategy did wrong.
    pub problem: Option<PickProblem>,
}

/// Which deployments of a group are considered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PickScope {
    /// All of them.
    All,
    /// Those that the request was not tried at.
    Untried,
    /// All of them, as if none were ejected: the group's panic mode.
    IgnoringCircuits,
}

/// What a request needs of a deployment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PickNeeds {
    /// Estimated tokens of prompt and answer.
    pub tokens: u64,
    /// Estimated tokens of the prompt.
    pub input_tokens: u32,
    /// Its tags.
    pub tags: Tags,
    /// Required features.
    pub features: Features,
    /// Required region.
    pub region: Option<RegionId>,
}

/// A deployment as it stood when one was picked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CandidateView {
    /// Which.
    pub deployment: DeploymentId,
    /// Its weight as configured.
    pub weight: u32,
    /// Attempts in flight there.
    pub running: u32,
    /// Whether it could be picked.
    pub eligibility: Eligibility,
    /// What the strategy goes by.
    pub figure: Option<PickFigure>,
}

/// What a strategy goes by at one deployment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PickFigure {
    /// What it is, such as `credit` or `time to first token`.
    pub name: &'static str,
    /// The amount.
    pub value: FigureValue,
}

impl PickFigure {
    /// A number without a unit.
    #[must_use]
    pub const fn number(name: &'static str, value: f64) -> Self {
        Self { name, value: FigureValue::Number(value) }
    }
}

/// How much a figure is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FigureValue {
    /// A number without a unit.
    Number(f64),
    /// A time.
    Time(Duration),
    /// Nothing is known yet.
    Unknown,
}

/// Whether a deployment could be picked, and if not, why.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Eligibility {
    /// It could be.
    Candidate {
        /// Available for a single probe.
        probe: bool,
    },
    /// It could, but an attempt there has had no answer for longer than is usual: the others go first.
    Silent {
        /// Since when it is taken for silent.
        since: Timestamp,
    },
    /// It could, but it has returned of late and has had its share for now: the others go first.
    RampingUp,
    /// It could, but less of its group is well than is asked for: only probes go.
    Withheld,
    /// It could, but others match the request's tags better.
    LesserTags,
    /// It could, but others of a lower order go first.
    LaterOrder {
        /// Its order.
        order: u8,
    },
    /// Its weight is 0.
    NoWeight,
    /// The request was tried there.
    Tried,
    /// It refused this request, or its format cannot express it.
    RefusedIt,
    /// It has none of the tags that are asked for.
    MissingTags,
    /// Unhealthy by health checks.
    Unhealthy,
    /// Its circuit is open.
    CircuitOpen {
        /// Until when.
        until: Timestamp,
        /// The class of the failure that opened it, as far as that is kept.
        class: Option<FailureClass>,
    },
    /// Its circuit is half-open, and its probe is in flight.
    ProbeUnderWay {
        /// The class of the failure that opened it, as far as that is kept.
        class: Option<FailureClass>,
    },
    /// It answered that it has had enough until then.
    Throttled {
        /// Until when.
        until: Timestamp,
    },
    /// A limit of ours is reached.
    LimitReached {
        /// Which.
        limit: LimitScope,
        /// Until when.
        until: Timestamp,
    },
    /// As many attempts run there as may.
    Full,
    /// The prompt is longer than its context window.
    WindowTooSmall {
        /// The longest prompt that fits, in tokens.
        max_input_tokens: u32,
    },
    /// It lacks a feature that is needed, or is in another region.
    MissingFeature,
    /// The request is larger than a limit of ours ever lets through there.
    LargerThanLimit,
}

impl Eligibility {
    /// Whether it could be picked.
    #[must_use]
    pub const fn is_candidate(&self) -> bool {
        matches!(self, Self::Candidate { .. })
    }
}

/// What a failure says of its deployment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FailureWeight {
    /// The deployment.
    pub deployment: DeploymentId,
    /// The failure.
    pub failure: Failure,
    /// What it is evidence of.
    pub evidence: Evidence,
    /// The attempt was a probe.
    pub probe: bool,
    /// It ejected the deployment, or prolonged that: why, and until when.
    pub ejected: Option<(CooldownCause, Timestamp)>,
    /// What the circuit breaker counts after it; `None` where there is none.
    pub breaker: Option<BreakerFigures>,
}

/// What a circuit breaker goes by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BreakerFigures {
    /// Failures in a row.
    pub consecutive: u32,
    /// It opens at so many; 0 for never.
    pub opens_at_consecutive: u32,
    /// Attempts in the window.
    pub attempts: u32,
    /// Failures among them.
    pub failures: u32,
    /// It opens at this share of failures.
    pub opens_at_share: Share,
    /// And at so many attempts at least.
    pub min_attempts: u32,
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AfterFailure {
    /// The failure.
    pub failure: Failure,
    /// What the request does.
    pub next: NextStep,
    /// Retries begun in this group before.
    pub retries: u16,
    /// How many there may be after such a failure.
    pub max_retries: u16,
}

/// What a request does after a failed attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NextStep {
    /// It fails: no other attempt could succeed.
    Fails,
    /// It leaves its group: only another group could serve it.
    LeavesForAnotherModel,
    /// It leaves its group: its retries are used up.
    LeavesForWantOfRetries,
    /// It leaves its group after a wait.
    LeavesAfter(Duration),
    /// It is tried at a deployment that it was not tried at; at once, or when one can be used.
    RetriesElsewhere,
    /// It is tried at a deployment that it was not tried at and that is not silent; if there is none, it leaves its
    /// group: after a time-out the fallback comes before a silent deployment.
    RetriesElsewhereOrLeaves,
    /// It is tried anywhere after a wait.
    RetriesAfter(Duration),
}

/// What the retry budget said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetryBudgetUse {
    /// Whether one more retry fits.
    pub allowed: bool,
    /// Retries in the window.
    pub retries: u32,
    /// Requests in the window.
    pub requests: u32,
    /// How many retries there may be for so many requests.
    pub most: u64,
}

/// Why no deployment of a group can take a request in time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NoneInTime {
    /// The group.
    pub group: GroupId,
    /// When one would be usable at the earliest, as far as that is known.
    pub earliest: Option<Timestamp>,
    /// Whether one could become usable at all.
    pub possible: bool,
    /// Whether all that could serve it are ejected.
    pub all_ejected: bool,
    /// The longest that a request waits in this group.
    pub max_queue_wait: Duration,
}

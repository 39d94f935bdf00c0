//! What the core tells the driver.

use crate::{
    AttemptId, ConfigId, DeploymentId, GroupId, RequestKey, RequestTag, TenantId, TokenUsage,
};
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_failure::{Failure, FailureClass};

/// One thing to do or to know. Outputs about one request come in the order in which they must be
/// carried out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RouterOutput {
    /// The request is known by `request` from now on.
    Accepted {
        /// The driver's name for it.
        tag: RequestTag,
        /// The core's name for it.
        request: RequestKey,
    },
    /// Call this deployment.
    StartAttempt(StartAttempt),
    /// Stop this attempt: what it brings is no longer wanted, and nothing more is to be told of it.
    CancelAttempt {
        /// The driver's name for the request.
        tag: RequestTag,
        /// Which attempt.
        attempt: AttemptId,
        /// Why.
        reason: CancelReason,
    },
    /// This attempt's answer is the request's answer: bytes held back until now may go to the client.
    Commit {
        /// The driver's name for the request.
        tag: RequestTag,
        /// Which attempt.
        attempt: AttemptId,
    },
    /// The request has ended. Exactly one for each [`Accepted`](Self::Accepted).
    Done {
        /// The driver's name for it.
        tag: RequestTag,
        /// The core's name for it, not used again.
        request: RequestKey,
        /// How it ended.
        outcome: Outcome,
    },
    /// Check this deployment apart from traffic, and tell what came of it with
    /// [`Checked`](crate::RouterInput::Checked), after `timeout` at the latest.
    Check {
        /// Which.
        deployment: DeploymentId,
        /// How long an answer may take.
        timeout: Duration,
    },
    /// Something to do with the store of shared state.
    Shared(SharedOutput),
    /// A decision, for logs and charts: nothing to do.
    Note(RouterEvent),
}

/// Something to do with the store of shared state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SharedOutput {
    /// Send [`Router::sync_request`](crate::Router::sync_request), and tell what comes of it with
    /// [`RouterInput::Shared`](crate::RouterInput::Shared). An earlier request needs no answer any more.
    Sync {
        /// Its number.
        number: u64,
    },
}

/// A change of the state that replicas share.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SharedEvent {
    /// The store has not answered for as long as quota in hand is valid: from now on this replica uses its share.
    StoreAway,
    /// The store answers, for the first time or again.
    StoreBack {
        /// How many replicas there are.
        members: u64,
    },
}

/// One call upstream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StartAttempt {
    /// The driver's name for the request.
    pub tag: RequestTag,
    /// The core's name for the attempt: every input about it carries it.
    pub attempt: AttemptId,
    /// Whom to call.
    pub deployment: DeploymentId,
    /// How long the connection may take. The transport's to keep; comes back as a failure.
    pub connect_timeout: Duration,
    /// How long tokens may pause. The transport's to keep; comes back as a failure.
    pub between_tokens_timeout: Duration,
    /// Whether the limits are wanted that the answer states in its headers:
    /// [`RouterInput::LimitHeaders`](crate::RouterInput::LimitHeaders).
    pub wants_limits: bool,
    /// Whether its stream may go on elsewhere if it breaks off: what the client has of it is to be kept, and the break
    /// told as [`RouterInput::Interrupted`](crate::RouterInput::Interrupted) where only text has come.
    pub may_continue: bool,
    /// How it is to go on from what the client has of the answer; `None` for an answer from its beginning.
    pub continues: Option<ContinueBy>,
}

/// How a provider is asked to go on with an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ContinueBy {
    /// The answer so far is the beginning of the model's own message.
    Prefill,
    /// A message of the user's quotes the answer so far and asks to go on from its end.
    Instruction,
}

impl ContinueBy {
    /// The word for it in files, logs and charts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prefill => "prefill",
            Self::Instruction => "instruction",
        }
    }

    /// The one that [`as_str`](Self::as_str) writes as `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Prefill, Self::Instruction].into_iter().find(|by| by.as_str() == word)
    }
}

/// Why an attempt is stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CancelReason {
    /// The first token did not come in time.
    FirstTokenTimeout,
    /// The attempt did not end in time.
    TotalTimeout,
    /// The request's deadline passed.
    Deadline,
    /// The client went away.
    ClientGone,
    /// The answer of the request's other attempt began first.
    LostRace,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The client has its answer.
    Succeeded {
        /// The deployment that gave it.
        deployment: DeploymentId,
        /// What it used, if the provider said.
        usage: Option<TokenUsage>,
    },
    /// It failed for good.
    Failed {
        /// How, and what the client is told; `retry_after` is true: the earliest time at which the
        /// router itself would try again.
        failure: Failure,
        /// Whether bytes of an answer had gone out: the failure is then the end of a stream.
        committed: bool,
    },
    /// The client went away first.
    ClientGone,
}

/// A decision of the core. Notes annotate a chart and never decide a verdict.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RouterEvent {
    /// A deployment is skipped until `until`.
    CooldownStarted {
        /// Which.
        deployment: DeploymentId,
        /// On what evidence.
        cause: CooldownCause,
        /// Until when.
        until: Timestamp,
    },
    /// A deployment takes requests again: after throttling all it can take, after failures one probe.
    CooldownEnded {
        /// Which.
        deployment: DeploymentId,
    },
    /// A request was sent to a deployment to see whether it has recovered.
    Probe {
        /// Which.
        deployment: DeploymentId,
        /// With which attempt.
        attempt: AttemptId,
    },
    /// A deployment is trusted again: its probe was answered.
    Recovered {
        /// Which.
        deployment: DeploymentId,
    },
    /// A retry waits for its time.
    RetryScheduled {
        /// Whose.
        request: RequestKey,
        /// How the wait came about.
        wait: RetryWait,
    },
    /// A retry was refused: retries in the window would exceed their share of requests.
    RetryBudgetExhausted {
        /// Whose.
        request: RequestKey,
        /// The group it was in.
        group: GroupId,
    },
    /// A request moved to another group.
    FellBack {
        /// Which.
        request: RequestKey,
        /// From which group.
        from: GroupId,
        /// To which.
        to: GroupId,
    },
    /// A request waits because no deployment of its group is usable before `until`.
    Queued {
        /// Which.
        request: RequestKey,
        /// The group.
        group: GroupId,
        /// Until when.
        until: Timestamp,
    },
    /// A deployment was passed over because a limit of ours is reached.
    LimitReached {
        /// Which.
        deployment: DeploymentId,
        /// Which limit.
        limit: LimitScope,
    },
    /// An attempt was stopped by a timer of the core, which counts as its failure.
    TimedOut {
        /// Which attempt.
        attempt: AttemptId,
        /// Where it ran.
        deployment: DeploymentId,
        /// Which timer.
        reason: CancelReason,
    },
    /// Every deployment of a group that could serve a request cools down; the group's
    /// [`UnavailablePolicy`](crate::UnavailablePolicy) decides.
    GroupUnavailable {
        /// Which request.
        request: RequestKey,
        /// The group.
        group: GroupId,
    },
    /// A request was held back by a limit of its group or tenant.
    RateLimited {
        /// Which.
        request: RequestKey,
        /// The tenant whose limit it is; `None` for its group's.
        tenant: Option<TenantId>,
        /// Which limit.
        limit: LimitScope,
    },
    /// A request was pushed out of a full queue by one of higher priority, or refused because it is full.
    QueueFull {
        /// Which.
        request: RequestKey,
        /// The group.
        group: GroupId,
    },
    /// A request was refused rather than let it wait: at the pace at which its group's queue is served it would
    /// still have waited when its time was up.
    Shed {
        /// Which.
        request: RequestKey,
        /// The group.
        group: GroupId,
    },
    /// A deployment is passed over until its budget's period ends: the money is spent.
    SpendBudgetExceeded {
        /// Which.
        deployment: DeploymentId,
        /// When it may be used again.
        until: Timestamp,
    },
    /// Checks apart from traffic have come to another mind about a deployment.
    HealthChanged {
        /// Which.
        deployment: DeploymentId,
        /// Whether it is well now.
        healthy: bool,
    },
    /// Another configuration holds.
    Reconfigured {
        /// Which.
        config: ConfigId,
    },
    /// An attempt was ended from outside (its client left, its deadline passed) after a silence longer than
    /// is usual in its group: that counts as its deployment's failure.
    Silent {
        /// Which attempt.
        attempt: AttemptId,
        /// Where it ran.
        deployment: DeploymentId,
    },
    /// A second attempt began beside one that keeps its request waiting: the first answer that begins is the
    /// request's.
    Hedged {
        /// The second attempt.
        attempt: AttemptId,
        /// Where it runs.
        deployment: DeploymentId,
    },
    /// A stream that had broken off goes on with the answer of another attempt.
    Continued {
        /// The attempt that brings the rest.
        attempt: AttemptId,
        /// Where it runs.
        deployment: DeploymentId,
        /// How it was asked for.
        by: ContinueBy,
    },
    /// A request cannot be expressed at a deployment: no call was made, and this is no attempt.
    NotSent {
        /// Under which name it was begun.
        attempt: AttemptId,
        /// Where it would have run.
        deployment: DeploymentId,
    },
    /// Another attempt of a request was not begun: it could not have ended before the deadline.
    TooLate {
        /// Which request.
        request: RequestKey,
        /// The group it was in.
        group: GroupId,
    },
    /// A [custom strategy](crate::Strategy::custom) did not pick one of the deployments that it could have
    /// picked: the request goes on as if none were usable.
    PickRejected {
        /// Which request.
        request: RequestKey,
        /// Its group.
        group: GroupId,
        /// What was wrong with the pick.
        problem: PickProblem,
    },
    /// The store of shared state is away or back.
    Shared(SharedEvent),
    /// An attempt failed.
    AttemptFailed {
        /// Which attempt.
        attempt: AttemptId,
        /// Where it ran.
        deployment: DeploymentId,
        /// How.
        class: FailureClass,
    },
}

/// How long a retry waits, and why.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetryWait {
    /// Which retry of the request in this group, from 1.
    pub retry: u16,
    /// The most that the policy's jitter could have drawn.
    pub ceiling: Duration,
    /// What it drew, between zero and `ceiling`.
    pub jitter: Duration,
    /// What the provider asked for; the wait is never shorter.
    pub retry_after: Option<Duration>,
    /// The wait: `jitter`, on top of the time until a deployment is usable again.
    pub delay: Duration,
}

/// Why a deployment is skipped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CooldownCause {
    /// It answered that it has had enough for now.
    Throttled,
    /// It failed several times in a row.
    ConsecutiveFailures,
    /// It failed too large a share of its attempts.
    FailureShare,
    /// Its probe failed.
    ProbeFailed,
    /// Its key or its model is wrong, or its quota is spent.
    Misconfigured,
    /// It failed more often than is allowed (LiteLLM's `allowed_fails`).
    AllowedFails,
    /// Another replica has put it out.
    Peer,
}

impl CooldownCause {
    /// The word for it in files, logs and charts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::ConsecutiveFailures => "consecutive_failures",
            Self::FailureShare => "failure_share",
            Self::ProbeFailed => "probe_failed",
            Self::Misconfigured => "misconfigured",
            Self::AllowedFails => "allowed_fails",
            Self::Peer => "peer",
        }
    }

    /// The cause that [`as_str`](Self::as_str) writes as `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let all = [
            Self::Throttled,
            Self::ConsecutiveFailures,
            Self::FailureShare,
            Self::ProbeFailed,
            Self::Misconfigured,
            Self::AllowedFails,
            Self::Peer,
        ];
        all.into_iter().find(|cause| cause.as_str() == word)
    }
}

/// What was wrong with a pick.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PickProblem {
    /// It was nobody, though there were candidates.
    Nobody,
    /// It was a place that is no candidate, or that the group does not have.
    NoCandidate,
}

impl PickProblem {
    /// The word for it in files, logs and charts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::NoCandidate => "no_candidate",
        }
    }

    /// The problem that [`as_str`](Self::as_str) writes as `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Nobody, Self::NoCandidate].into_iter().find(|problem| problem.as_str() == word)
    }
}

impl LimitScope {
    /// The word for it in files, logs and charts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Concurrency => "concurrency",
            Self::Money => "money",
        }
    }

    /// The limit that [`as_str`](Self::as_str) writes as `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let all = [Self::Requests, Self::Tokens, Self::Concurrency, Self::Money];
        all.into_iter().find(|limit| limit.as_str() == word)
    }
}

impl CancelReason {
    /// The word for it in files, logs and charts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstTokenTimeout => "first_token_timeout",
            Self::TotalTimeout => "total_timeout",
            Self::Deadline => "deadline",
            Self::ClientGone => "client_gone",
            Self::LostRace => "lost_race",
        }
    }

    /// The reason that [`as_str`](Self::as_str) writes as `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let all = [
            Self::FirstTokenTimeout,
            Self::TotalTimeout,
            Self::Deadline,
            Self::ClientGone,
            Self::LostRace,
        ];
        all.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// A limit of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LimitScope {
    /// Requests per minute.
    Requests,
    /// Tokens per minute.
    Tokens,
    /// Attempts at once.
    Concurrency,
    /// Money in a budget's period.
    Money,
}

impl RouterEvent {
    /// The deployment that it is about and about no request, or that is probed.
    #[must_use]
    pub const fn of_deployment(&self) -> Option<DeploymentId> {
        match *self {
            Self::CooldownStarted { deployment, .. }
            | Self::CooldownEnded { deployment }
            | Self::Probe { deployment, .. }
            | Self::Recovered { deployment }
            | Self::LimitReached { deployment, .. }
            | Self::SpendBudgetExceeded { deployment, .. }
            | Self::HealthChanged { deployment, .. } => Some(deployment),
            Self::RetryScheduled { .. }
            | Self::RetryBudgetExhausted { .. }
            | Self::FellBack { .. }
            | Self::GroupUnavailable { .. }
            | Self::RateLimited { .. }
            | Self::QueueFull { .. }
            | Self::Shed { .. }
            | Self::Queued { .. }
            | Self::TimedOut { .. }
            | Self::NotSent { .. }
            | Self::Silent { .. }
            | Self::Hedged { .. }
            | Self::Continued { .. }
            | Self::TooLate { .. }
            | Self::PickRejected { .. }
            | Self::AttemptFailed { .. }
            | Self::Reconfigured { .. }
            | Self::Shared(_) => None,
        }
    }

    /// The request it is about, if it is about one.
    #[must_use]
    pub const fn request(&self) -> Option<RequestKey> {
        match *self {
            Self::RetryScheduled { request, .. }
            | Self::RetryBudgetExhausted { request, .. }
            | Self::FellBack { request, .. }
            | Self::GroupUnavailable { request, .. }
            | Self::RateLimited { request, .. }
            | Self::QueueFull { request, .. }
            | Self::Shed { request, .. }
            | Self::PickRejected { request, .. }
            | Self::TooLate { request, .. }
            | Self::Queued { request, .. } => Some(request),
            Self::Probe { attempt, .. }
            | Self::TimedOut { attempt, .. }
            | Self::NotSent { attempt, .. }
            | Self::Silent { attempt, .. }
            | Self::Hedged { attempt, .. }
            | Self::Continued { attempt, .. }
            | Self::AttemptFailed { attempt, .. } => Some(attempt.request),
            Self::CooldownStarted { .. }
            | Self::CooldownEnded { .. }
            | Self::Recovered { .. }
            | Self::SpendBudgetExceeded { .. }
            | Self::HealthChanged { .. }
            | Self::Reconfigured { .. }
            | Self::LimitReached { .. }
            | Self::Shared(_) => None,
        }
    }
}

//! What the driver tells the core.

use crate::{
    AttemptId, ConfigId, DeploymentId, Features, GroupId, Money, RegionId, RequestKey, RequestTag,
    SpendBudgetId, Tags, TenantId,
};
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_failure::Failure;
use squall_shared_state::SharedInput;

/// One thing that happened outside. Small and `Copy`: no strings, no bodies.
///
/// Input about a request or an attempt that has ended is ignored and counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RouterInput {
    /// A request came in.
    Arrived(RequestArrival),
    /// A provider's answer carried limit headers. Wanted where [`StartAttempt::wants_limits`](crate::StartAttempt) says so.
    LimitHeaders {
        /// Whose answer.
        attempt: AttemptId,
        /// What they said.
        headers: UpstreamLimits,
    },
    /// The first *content* token of an attempt arrived. A 200 or a stream's headers are not content.
    FirstToken {
        /// Of which attempt.
        attempt: AttemptId,
    },
    /// An attempt ended well.
    Finished {
        /// Which attempt.
        attempt: AttemptId,
        /// What it used, as the provider says; `None` settles at the estimate.
        usage: Option<TokenUsage>,
    },
    /// An attempt ended badly.
    Failed {
        /// Which attempt.
        attempt: AttemptId,
        /// How.
        failure: Failure,
    },
    /// A stream broke off, and its client has only text of it, which another attempt could go on from. Wanted where
    /// [`StartAttempt::may_continue`](crate::StartAttempt) says so; taken for [`Failed`](Self::Failed) where the
    /// stream is not to go on.
    Interrupted {
        /// Which attempt.
        attempt: AttemptId,
        /// How it broke off.
        failure: Failure,
        /// Tokens of the answer that this attempt brought, as far as its client has them; at least 1.
        output_tokens: u32,
    },
    /// The client has not taken what arrived for it, so that the provider is not read any further for now:
    /// how long the attempt lasts from here on is the client's doing.
    Unread {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// The client hung up or gave up.
    ClientGone {
        /// Which request.
        request: RequestKey,
    },
    /// A check of a deployment apart from traffic has ended.
    Checked {
        /// Which deployment.
        deployment: DeploymentId,
        /// Whether it passed.
        passed: bool,
    },
    /// What was spent from a budget before this router began, as a shell has saved it.
    SpendRestored {
        /// From which budget, of the configuration that holds.
        budget: SpendBudgetId,
        /// How much.
        spent: Money,
        /// When the period ends in which it was; one that is over is ignored.
        until: Timestamp,
    },
    /// From now on this configuration holds, which [`Router::prepare`](crate::Router::prepare) was given.
    /// Attempts that run end under the one they began with.
    Reconfigure {
        /// Which.
        config: ConfigId,
    },
    /// What the store of shared state answered, or that it did not.
    Shared(SharedInput),
    /// Time passed: fires the timers that are due, those due at this very moment included.
    Tick,
}

/// A request, as the core needs to know it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RequestArrival {
    /// The driver's name for it.
    pub tag: RequestTag,
    /// The model group asked for.
    pub group: GroupId,
    /// Estimated tokens of the prompt.
    pub input_tokens: u32,
    /// Estimated tokens of the answer.
    pub output_tokens: u32,
    /// Whether tokens are wanted as they come.
    pub stream: bool,
    /// How long the client is willing to wait in all; `None` for the group's own deadline. The
    /// shorter of the two holds.
    pub deadline: Option<Duration>,
    /// Its rank when requests wait: 0 before 1, and within one rank first come first served. Default 0.
    pub priority: u8,
    /// Who asks, if they have limits of their own.
    pub tenant: Option<TenantId>,
    /// Its tags, which choose among deployments.
    pub tags: Tags,
    /// The session it belongs to, hashed.
    pub session: Option<u64>,
    /// What it needs of a model.
    pub features: Features,
    /// Where it must be served.
    pub region: Option<RegionId>,
    /// What it asks for instead of what is configured.
    pub overrides: Overrides,
}

/// What one request asks for instead of what is configured. `None` asks for nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Overrides {
    /// Retries in each group, whatever the failure.
    pub retries: Option<u16>,
    /// How long an attempt may take: `total` of its time-outs, and `first_token` of a stream's.
    pub timeout: Option<Duration>,
    /// Where it may fall back to.
    pub fallbacks: FallbackChoice,
}

/// Where a request may fall back to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum FallbackChoice {
    /// Where its group may.
    #[default]
    Configured,
    /// Nowhere.
    None,
    /// To these groups, in this order, whatever the failure.
    These(GroupList),
}

/// A short list of groups.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct GroupList {
    groups: [u16; Self::MAX],
    len: u8,
}

impl GroupList {
    /// How many groups there is room for.
    pub const MAX: usize = 6;

    /// The first [`MAX`](Self::MAX) of these.
    #[must_use]
    pub fn new(groups: impl IntoIterator<Item = GroupId>) -> Self {
        let mut list = Self::default();
        for (place, group) in list.groups.iter_mut().zip(groups) {
            *place = group.0;
            list.len += 1;
        }
        list
    }

    /// The groups.
    pub fn iter(&self) -> impl Iterator<Item = GroupId> {
        self.groups[..usize::from(self.len)].iter().map(|&group| GroupId(group))
    }

    /// The group at this place.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<GroupId> {
        self.iter().nth(place)
    }
}

impl RequestArrival {
    /// A request for `group` that says nothing else: no tokens, not streamed.
    #[must_use]
    pub const fn new(tag: RequestTag, group: GroupId) -> Self {
        Self {
            tag,
            group,
            input_tokens: 0,
            output_tokens: 0,
            stream: false,
            deadline: None,
            priority: 0,
            tenant: None,
            tags: Tags::NONE,
            session: None,
            features: Features::NONE,
            region: None,
            overrides: Overrides {
                retries: None,
                timeout: None,
                fallbacks: FallbackChoice::Configured,
            },
        }
    }
}

/// Tokens that an attempt used.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TokenUsage {
    /// Tokens of the prompt.
    pub input_tokens: u32,
    /// Tokens of the answer.
    pub output_tokens: u32,
}

impl TokenUsage {
    /// Both together: what a TPM limit counts.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.input_tokens as u64 + self.output_tokens as u64
    }

    /// What this and another attempt used.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
        }
    }
}

/// What a provider's answer said about its limits; `None` where it said nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct UpstreamLimits {
    /// Requests allowed per minute.
    pub limit_requests: Option<u32>,
    /// Requests that remain of them.
    pub remaining_requests: Option<u32>,
    /// Tokens allowed per minute.
    pub limit_tokens: Option<u32>,
    /// Tokens that remain of them.
    pub remaining_tokens: Option<u32>,
}

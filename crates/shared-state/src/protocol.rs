//! The exchange between a replica and the store. A message states totals, not changes, so that one that is lost,
//! repeated or late does no harm.

use crate::{DeploymentKey, ResourceKey};
use alloc::vec::Vec;

/// The version of the protocol. It is part of the names of a store's keys, and of every request.
pub const PROTOCOL_VERSION: u32 = 2;

/// A limit whose quota is shared: at most `limit` units in any `window_ms`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Resource {
    /// Its name, with its limit and window.
    pub key: ResourceKey,
    /// Units in every window: requests, tokens, or millionths of a dollar. At most 2^50.
    pub limit: u64,
    /// The window, in milliseconds; at least 1.
    pub window_ms: u64,
}

/// What a replica sends every `sync_interval`, and earlier when it runs out of quota or has a notice.
///
/// A replica has one request under way at a time. It takes a reply only for its latest request: after a time-out it
/// sends another with the next `number`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SyncRequest {
    /// [`PROTOCOL_VERSION`] of the sender.
    pub version: u32,
    /// Names the replica's process: random, another after every start.
    pub replica: u64,
    /// Counts its requests from 1 on. The store ignores one that is not later than the latest it has seen.
    pub number: u64,
    /// Which life of the store it has last heard from; 0 for none.
    pub epoch: u64,
    /// How many replicas there are, as it was last told, or as it is configured.
    pub members: u64,
    /// The request tells all that it has used, in [`Draw::history`]. True for the first request, after an absence and when the
    /// store has asked for it.
    pub restate: bool,
    /// It stops: the store takes in what its draws say of its usage, and forgets it at once.
    pub leaving: bool,
    /// Its resources.
    pub draws: Vec<Draw>,
    /// What it has found of deployments.
    pub notices: Vec<Notice>,
    /// The deployments with an open circuit that it would probe now.
    pub probes: Vec<DeploymentKey>,
    /// The highest [`SyncReply::sequence`] it has received.
    pub seen: u64,
}

/// One resource in a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Draw {
    /// Which.
    pub resource: Resource,
    /// Units used since the replica's start.
    pub used: u64,
    /// Units of `used` that were not used after all, since the replica's start.
    pub refunded: u64,
    /// Units in hand that the replica keeps. What it had beyond that it has given up before it sent this.
    pub kept: u64,
    /// Units that it wants to have in hand, `kept` among them.
    pub want: u64,
    /// What it will use in any window if no reply arrives: [`Grant::alone`] of the last reply, or [`Grant::share`] if it
    /// has been alone for so long.
    pub alone: u64,
    /// [`Grant::share`] of the last reply; limit / members before the first.
    pub share: u64,
    /// With [`SyncRequest::restate`]: what it has used within the window, and how long ago. The store takes this in place
    /// of all it knows of the replica.
    pub history: Vec<UsedUnits>,
}

impl Draw {
    /// The first of one of `members` replicas that has used nothing and wants nothing.
    #[must_use]
    pub const fn first(resource: Resource, members: u64) -> Self {
        let members = if members == 0 { 1 } else { members };
        let share = resource.limit / members;
        Self {
            resource,
            used: 0,
            refunded: 0,
            kept: 0,
            want: 0,
            alone: share,
            share,
            history: Vec::new(),
        }
    }
}

/// Units used a while ago.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UsedUnits {
    /// How long ago at least, in milliseconds.
    pub age_ms: u64,
    /// How many.
    pub units: u64,
}

/// What a replica has found of a deployment, or is told of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Notice {
    /// Which.
    pub deployment: DeploymentKey,
    /// What.
    pub state: NoticeState,
}

/// The state of a deployment that replicas tell each other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoticeState {
    /// It is in cooldown, or its circuit is open.
    Out {
        /// For how long from now on, in milliseconds.
        remaining_ms: u64,
        /// Why, in the numbers of the replicas' own; the store passes it on.
        cause: u8,
    },
    /// It takes requests again.
    Recovered,
}

/// The answer to a request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SyncReply {
    /// The number of the request.
    pub number: u64,
    /// Which life of the store it is; never 0.
    pub epoch: u64,
    /// How many replicas there are, those among them that are away and not yet forgotten.
    pub members: u64,
    /// The store does not know what the replica has used: it is to send a request that restates, at once. Nothing is
    /// granted.
    pub restate: bool,
    /// How long the quota in hand is valid, in milliseconds from the *sending of the request*.
    pub lease_ms: u64,
    /// For every draw, in the order of the request.
    pub grants: Vec<Grant>,
    /// What other replicas have told since [`SyncRequest::seen`].
    pub notices: Vec<Notice>,
    /// The deployments that the replica may probe, alone of all replicas, for [`probe_ms`](Self::probe_ms).
    pub permits: Vec<DeploymentKey>,
    /// How long a permit holds, in milliseconds from the arrival of the reply.
    pub probe_ms: u64,
    /// The number of the latest notice.
    pub sequence: u64,
}

/// What the replica has of a resource.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Grant {
    /// Which resource.
    pub resource: ResourceKey,
    /// It may use until its `used` is this. `used` of the request + what it has in hand.
    pub allowed: u64,
    /// Without the store: what it may use in any window, with what it has used in it already.
    pub alone: u64,
    /// The same, once it has been without the store for so long that the others have made room for it: for a window and
    /// four leases.
    pub share: u64,
    /// Whether less was granted than wanted, for lack of quota.
    pub scarce: bool,
    /// What all replicas have used within the window, as far as they have told.
    pub used: u64,
    /// Whether quota was short for any replica within the last window, or the last minute of a longer one.
    pub short: bool,
}

/// Why a store does not take a request. A replica treats any other answer as that of a store that is away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SyncError {
    /// The request has another version of the protocol.
    Version {
        /// The store's.
        store: u32,
    },
    /// The store has seen a later request of this replica.
    Stale {
        /// The number of the latest.
        latest: u64,
    },
    /// The request has more resources, notices, probes or history than a store takes, or a number that is too large.
    TooLarge,
    /// There are as many replicas as a store takes.
    TooManyMembers,
}

impl core::fmt::Display for SyncError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Version { store } => {
                write!(
                    f,
                    "the store speaks version {store} of the protocol, not {PROTOCOL_VERSION}"
                )
            }
            Self::Stale { latest } => write!(f, "the store has seen request {latest} already"),
            Self::TooLarge => f.write_str("the request is larger than the store takes"),
            Self::TooManyMembers => f.write_str("the store knows as many replicas as it takes"),
        }
    }
}

impl core::error::Error for SyncError {}

impl SyncRequest {
    /// A request without content.
    #[must_use]
    pub fn new(replica: u64, number: u64) -> Self {
        Self { version: PROTOCOL_VERSION, replica, number, members: 1, ..Self::default() }
    }
}

//! A replica's half of the exchange: when to send a request, what of the answer is taken, and whether the store is away.

use crate::{DeploymentKey, DrawTerms, Grant, Notice, NoticeState, SyncReply, SyncRequest};
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::Timestamp;

/// How a replica talks to the store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReplicaConfig {
    /// How many replicas there are, until the store says: without it, each uses limit / replicas. Default 1.
    pub replicas: u64,
    /// Between requests. At most half of the store's lease. Default 250 ms.
    pub sync_interval: Duration,
    /// How long an answer may take; then another request is sent. Default 200 ms.
    pub store_timeout: Duration,
}

impl Default for ReplicaConfig {
    fn default() -> Self {
        Self {
            replicas: 1,
            sync_interval: Duration::from_millis(250),
            store_timeout: Duration::from_millis(200),
        }
    }
}

/// A part of what a driver tells of the store. A reply is told as the inputs of [`SyncReply::inputs`], in their order,
/// at one time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SharedInput {
    /// A reply begins.
    Replied(SyncReplyHead),
    /// What it grants.
    Granted(Grant),
    /// What other replicas have found.
    Told(Notice),
    /// This deployment may be probed.
    Permitted(DeploymentKey),
    /// The request has failed: the store cannot be reached, or answered with what is no reply.
    Failed {
        /// Which.
        number: u64,
    },
}

/// What a reply says beside its lists.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SyncReplyHead {
    /// [`SyncReply::number`].
    pub number: u64,
    /// [`SyncReply::epoch`].
    pub epoch: u64,
    /// [`SyncReply::members`].
    pub members: u64,
    /// [`SyncReply::restate`].
    pub restate: bool,
    /// [`SyncReply::lease_ms`].
    pub lease_ms: u64,
    /// [`SyncReply::sequence`].
    pub sequence: u64,
}

impl SyncReply {
    /// What the replica's core is told of it.
    pub fn inputs(&self) -> impl Iterator<Item = SharedInput> {
        let Self { number, epoch, members, restate, lease_ms, sequence, .. } = *self;
        let head = SyncReplyHead { number, epoch, members, restate, lease_ms, sequence };
        [SharedInput::Replied(head)]
            .into_iter()
            .chain(self.grants.iter().copied().map(SharedInput::Granted))
            .chain(self.notices.iter().copied().map(SharedInput::Told))
            .chain(self.permits.iter().copied().map(SharedInput::Permitted))
    }
}

/// A change of the store, as its replica sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StoreChange {
    /// It has not answered for as long as what is in hand is valid: the replica goes by what it may use alone.
    Away,
    /// It answers again, or for the first time.
    Back,
}

/// The exchange of one replica. Leases are the caller's: see [`Lease`](crate::Lease).
#[derive(Clone, Debug)]
pub struct Replica {
    config: ReplicaConfig,
    number: u64,
    in_flight: Option<Timestamp>,
    next_sync: Timestamp,
    last_sent: Option<Timestamp>,
    epoch: u64,
    members: u64,
    seen: u64,
    restate: bool,
    /// When the request was sent that the latest reply answers, and how long its grants are valid.
    confirmed: Option<(Timestamp, Duration)>,
    is_away: Option<bool>,
    notices: Vec<Pending>,
    probes: Vec<DeploymentKey>,
    permits: Vec<DeploymentKey>,
}

/// A notice that no reply has confirmed yet.
#[derive(Clone, Copy, Debug)]
struct Pending {
    deployment: DeploymentKey,
    /// Until when it is out, and why; `None` if it has recovered.
    out: Option<(Timestamp, u8)>,
    /// The first request that told of it.
    told_with: Option<u64>,
}

impl Replica {
    /// One that has not heard from the store.
    #[must_use]
    pub const fn new(config: ReplicaConfig) -> Self {
        Self {
            config,
            number: 0,
            in_flight: None,
            next_sync: Timestamp::ZERO,
            last_sent: None,
            epoch: 0,
            members: config.replicas,
            seen: 0,
            restate: true,
            confirmed: None,
            is_away: None,
            notices: Vec::new(),
            probes: Vec::new(),
            permits: Vec::new(),
        }
    }

    /// Its configuration.
    #[must_use]
    pub const fn config(&self) -> ReplicaConfig {
        self.config
    }

    /// Takes another configuration.
    pub const fn reconfigure(&mut self, config: ReplicaConfig) {
        self.config = config;
    }

    /// Whether the store is away, as far as is known.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.is_away.unwrap_or(false)
    }

    /// How many replicas there are, as it was last told.
    #[must_use]
    pub const fn members(&self) -> u64 {
        self.members
    }

    /// When [`tick`](Self::tick) or [`is_due`](Self::is_due) changes at the latest.
    #[must_use]
    pub fn next_timer(&self) -> Timestamp {
        let sync = match self.in_flight {
            Some(sent) => sent + self.config.store_timeout,
            None => self.next_sync,
        };
        self.away_from().map_or(sync, |at| at.min(sync))
    }

    /// When the store counts as away if it says nothing; `None` if it does already.
    fn away_from(&self) -> Option<Timestamp> {
        match (self.is_away, self.confirmed, self.last_sent) {
            (Some(true), _, _) => None,
            (_, Some((sent, lease)), _) => Some(sent + lease),
            (None, None, Some(sent)) => Some(sent + self.config.store_timeout),
            (_, None, _) => None,
        }
    }

    /// Time has passed: a request may have failed, and the store may count as away from now on.
    pub fn tick(&mut self, now: Timestamp) -> Option<StoreChange> {
        if let Some(sent) = self.in_flight
            && now >= sent + self.config.store_timeout
        {
            self.failed(now, self.number);
        }
        let is_gone = self.away_from().is_some_and(|at| now >= at);
        if !is_gone {
            return None;
        }
        self.is_away = Some(true);
        self.restate = true;
        self.permits.clear();
        Some(StoreChange::Away)
    }

    /// Whether a request is to be sent now.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.in_flight.is_none() && now >= self.next_sync
    }

    /// Whether a request could be sent at once, if there were a reason.
    #[inline]
    #[must_use]
    pub fn may_hurry(&self, now: Timestamp) -> bool {
        let last = self.last_sent.map_or(Timestamp::ZERO, |at| at + self.config.sync_interval / 5);
        self.in_flight.is_none() && now >= last
    }

    /// A request is to be sent earlier than usual: there is something to tell, or quota runs low.
    #[inline]
    pub fn hurry(&mut self) {
        let earliest =
            self.last_sent.map_or(Timestamp::ZERO, |at| at + self.config.sync_interval / 5);
        self.next_sync = self.next_sync.min(earliest);
    }

    /// Begins a request, without draws. The driver fills in [`SyncRequest::replica`].
    pub fn request(&mut self, now: Timestamp) -> SyncRequest {
        self.number += 1;
        self.in_flight = Some(now);
        self.last_sent = Some(now);
        self.next_sync = now + self.config.sync_interval;
        let number = self.number;
        let notices = self.notices.iter_mut().map(|pending| {
            pending.told_with.get_or_insert(number);
            pending.notice(now)
        });
        SyncRequest {
            epoch: self.epoch,
            members: self.members,
            restate: self.restate,
            notices: notices.collect(),
            probes: self.probes.clone(),
            seen: self.seen,
            ..SyncRequest::new(0, number)
        }
    }

    /// What the draws of a request go by.
    #[must_use]
    pub const fn terms(&self) -> DrawTerms {
        DrawTerms {
            restate: self.restate,
            interval: self.config.sync_interval,
            members: self.members,
            leaving: false,
        }
    }

    /// A request has failed.
    pub fn failed(&mut self, now: Timestamp, number: u64) {
        if number == self.number && self.in_flight.take().is_some() {
            // Not at once where the store refuses at once.
            let soon = now + self.config.sync_interval / 5;
            self.next_sync = self.next_sync.min(soon).max(now);
        }
    }

    /// A reply begins. Returns what its grants are to be taken with; `None` if it is not to be taken.
    pub fn replied(&mut self, now: Timestamp, head: &SyncReplyHead) -> Option<Accepted> {
        let sent = self.in_flight.filter(|_| head.number == self.number)?;
        self.in_flight = None;
        if head.restate {
            (self.restate, self.next_sync) = (true, now);
            return None;
        }
        let is_new = head.epoch != self.epoch;
        let lease = Duration::from_millis(head.lease_ms);
        self.epoch = head.epoch;
        self.members = head.members.max(1);
        self.seen = head.sequence;
        self.restate = false;
        self.confirmed = Some((sent, lease));
        let number = head.number;
        self.notices.retain(|pending| pending.told_with.is_none_or(|told| told > number));
        self.permits.clear();
        // A reply that took longer than its lease leaves the store away.
        let is_back = now < sent + lease && self.is_away != Some(false);
        if is_back {
            self.is_away = Some(false);
        }
        let change = is_back.then_some(StoreChange::Back);
        Some(Accepted { sent, lease, is_new, change })
    }

    /// A deployment may be probed, alone of all replicas.
    pub fn permitted(&mut self, deployment: DeploymentKey) {
        if self.probes.contains(&deployment) && !self.permits.contains(&deployment) {
            self.permits.push(deployment);
        }
    }

    /// Whether a deployment may be probed now. Asks for a permit if there is none.
    pub fn may_probe(&mut self, deployment: DeploymentKey) -> bool {
        if self.is_away() || self.permits.contains(&deployment) {
            return true;
        }
        if !self.probes.contains(&deployment) {
            self.probes.push(deployment);
            self.hurry();
        }
        false
    }

    /// A deployment has been found to be out until then, to be told to the others.
    pub fn found_out(&mut self, deployment: DeploymentKey, until: Timestamp, cause: u8) {
        self.post(deployment, Some((until, cause)));
    }

    /// A deployment has recovered, to be told to the others.
    pub fn found_recovered(&mut self, deployment: DeploymentKey) {
        self.post(deployment, None);
    }

    fn post(&mut self, deployment: DeploymentKey, out: Option<(Timestamp, u8)>) {
        self.settled(deployment);
        self.notices.retain(|pending| pending.deployment != deployment);
        self.notices.push(Pending { deployment, out, told_with: None });
        self.hurry();
    }

    /// A probe of a deployment is not wanted any longer, or has ended.
    pub fn settled(&mut self, deployment: DeploymentKey) {
        self.probes.retain(|&key| key != deployment);
        self.permits.retain(|&key| key != deployment);
    }
}

/// A reply that is taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Accepted {
    /// When its request was sent.
    pub sent: Timestamp,
    /// How long its grants are valid from then on.
    pub lease: Duration,
    /// Whether the store is not the one that was heard from before: it knows no notice.
    pub is_new: bool,
    /// What has changed.
    pub change: Option<StoreChange>,
}

impl Pending {
    fn notice(&self, now: Timestamp) -> Notice {
        let state = self.out.map_or(NoticeState::Recovered, |(until, cause)| {
            let remaining = until.since(now).as_millis();
            NoticeState::Out { remaining_ms: u64::try_from(remaining).unwrap_or(u64::MAX), cause }
        });
        Notice { deployment: self.deployment, state }
    }
}

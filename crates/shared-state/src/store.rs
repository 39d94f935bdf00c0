//! The store's half, as a state machine: what a script in Redis or Valkey does in one step.

mod noticeboard;
mod quota;
#[cfg(test)]
mod tests;

use crate::{Draw, PROTOCOL_VERSION, ResourceKey, SyncError, SyncReply, SyncRequest};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use noticeboard::Noticeboard;
use quota::{Quota, Terms};
use squall_determinism::Timestamp;

/// The most draws, notices, probes or parts of a history in one request.
const MAX_PARTS: usize = 4_096;
/// The largest number of units: sums of a few of them are whole numbers in a script's floating point too.
const MAX_UNITS: u64 = 1 << 50;
/// Holds the usage of replicas that have left.
const DEPARTED: u64 = 0;

/// How a store times what it gives. All replicas of one store have the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StoreConfig {
    /// How long quota in hand is valid without another request, in milliseconds. At least twice the interval of
    /// requests. Default 1,000.
    pub lease_ms: u64,
    /// After how long without a request a replica is forgotten, in milliseconds: its share is then given to the others.
    /// Default 600,000.
    pub forget_ms: u64,
    /// How long a permit to probe is kept for its replica, in milliseconds. Default 10,000.
    pub probe_ms: u64,
    /// The most replicas. Default 1,024.
    pub max_members: usize,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { lease_ms: 1_000, forget_ms: 600_000, probe_ms: 10_000, max_members: 1_024 }
    }
}

/// The shared store.
///
/// # The guarantee
///
/// In every rolling window of a resource's length, all replicas together use at most its limit: with messages that are
/// lost, late or repeated, while the store is away, while a replica is cut off from it, and after the store has lost
/// everything. What a replica uses beyond what it has (an answer with more tokens than estimated) is outside of it, and is
/// made up for by all. It ends for a replica that is cut off for longer than [`forget_ms`](StoreConfig::forget_ms), and
/// needs the number of replicas that each is configured with while it has never reached the store.
///
/// # How it is kept
///
/// - Of each replica `m` the store counts `max(a, A + O)`: `A` is what it has used within the window, `O` what it has in
///   hand, and `a` what it was told that it may use in a window without the store
///   ([`Grant::alone`](crate::Grant::alone)). It grants only while these sum to at most the limit.
/// - Units used are reported after they were used, and count from the grant until a window after the report.
/// - A replica whose lease ended is *absent*: what it had in hand counts as used when the lease ended, and its
///   *share* (limit / members) is counted in place of `a`. The others have made room for it after a window and four
///   leases, which is when it may use its share: a message is under way for less than a lease. While the sum is above the limit, quota in hand is reclaimed.
/// - A promise (`a`, share) holds until a request shows that its replica knows the next one. Shares sum to at most the limit.
/// - `a` costs nothing: where quota was short within the last window or minute, it is at most `A + O`. Otherwise it is as
///   much of the share as is free.
/// - A store that has lost everything is *unsettled* until as many replicas have told their usage as there were, or until
///   [`forget_ms`](StoreConfig::forget_ms) have passed: it grants no more than a replica would use alone.
///
/// Its own clock is the only one: it may be set, but not go back ([`sync`](Self::sync) takes the latest time seen).
#[derive(Clone, Debug)]
pub struct Store {
    config: StoreConfig,
    epoch: u64,
    created_ms: u64,
    latest_ms: u64,
    /// How many replicas there were, as they say themselves, while the store is unsettled.
    expected: u64,
    members: BTreeMap<u64, KnownReplica>,
    quotas: BTreeMap<ResourceKey, Quota>,
    noticeboard: Noticeboard,
}

/// A replica that the store knows.
#[derive(Clone, Copy, Debug)]
struct KnownReplica {
    number: u64,
    last_ms: u64,
}

impl Store {
    /// An empty store. `epoch` names this life of it and is not 0: after a loss of its state, another.
    #[must_use]
    pub const fn new(config: StoreConfig, epoch: u64) -> Self {
        Self {
            config,
            epoch,
            created_ms: 0,
            latest_ms: 0,
            expected: 1,
            members: BTreeMap::new(),
            quotas: BTreeMap::new(),
            noticeboard: Noticeboard::new(),
        }
    }

    /// Takes a request that arrives at `now`, and answers it.
    ///
    /// # Errors
    /// When the request is not one that this store takes; nothing has changed then.
    pub fn sync(&mut self, now: Timestamp, request: &SyncRequest) -> Result<SyncReply, SyncError> {
        let now_ms = self.latest_ms.max(now.as_nanos() / 1_000_000);
        self.check(request)?;
        if self.members.is_empty() && self.quotas.is_empty() {
            self.created_ms = now_ms;
        }
        self.latest_ms = now_ms;
        self.forget(now_ms);
        let known = self.members.get(&request.replica);
        let is_known = known.is_some_and(|member| !self.is_absent(member, now_ms))
            && request.epoch == self.epoch;
        if request.leaving {
            if is_known || (known.is_some() && request.restate) {
                self.settle(request, now_ms);
            }
            self.remove(request.replica, now_ms);
            return Ok(self.reply(request));
        }
        if !request.restate && !is_known {
            return Ok(SyncReply { restate: true, ..self.reply(request) });
        }
        if !self.is_settled() {
            self.expected = self.expected.max(request.members).min(self.config.max_members as u64);
        }
        let member = KnownReplica { number: request.number, last_ms: now_ms };
        self.members.insert(request.replica, member);
        let mut reply = self.reply(request);
        self.draw(request, now_ms, &mut reply);
        let lease = self.config.probe_ms;
        let seen = if request.epoch == self.epoch { request.seen } else { 0 };
        self.noticeboard.exchange(request, now_ms, lease, seen, &mut reply);
        Ok(reply)
    }

    /// How many replicas the store knows.
    #[must_use]
    pub fn members(&self) -> usize {
        self.members.len()
    }

    fn check(&self, request: &SyncRequest) -> Result<(), SyncError> {
        if request.version != PROTOCOL_VERSION {
            return Err(SyncError::Version { store: PROTOCOL_VERSION });
        }
        let parts = request.draws.iter().map(|draw| draw.history.len()).sum::<usize>()
            / (crate::BUCKETS as usize + 2);
        let parts = [parts, request.draws.len(), request.notices.len(), request.probes.len()];
        let units = request.draws.iter().flat_map(|draw| {
            let Draw { used, refunded, kept, want, .. } = *draw;
            let history = draw.history.iter().map(|usage| usage.units).max().unwrap_or(0);
            [
                used / 4,
                refunded / 4,
                kept,
                want,
                draw.resource.limit,
                draw.resource.window_ms,
                history,
            ]
        });
        let empty = |draw: &Draw| draw.resource.window_ms == 0;
        if parts.into_iter().any(|count| count > MAX_PARTS)
            || units.into_iter().any(|units| units > MAX_UNITS)
            || request.draws.iter().any(empty)
            || request.replica == DEPARTED
        {
            return Err(SyncError::TooLarge);
        }
        match self.members.get(&request.replica) {
            Some(member) if request.number <= member.number => {
                Err(SyncError::Stale { latest: member.number })
            }
            None if self.members.len() >= self.config.max_members => Err(SyncError::TooManyMembers),
            _ => Ok(()),
        }
    }

    fn reply(&self, request: &SyncRequest) -> SyncReply {
        SyncReply {
            number: request.number,
            epoch: self.epoch,
            members: self.member_count(),
            lease_ms: self.config.lease_ms,
            probe_ms: self.config.probe_ms,
            sequence: self.noticeboard.sequence(),
            ..SyncReply::default()
        }
    }

    const fn is_absent(&self, member: &KnownReplica, now_ms: u64) -> bool {
        now_ms > member.last_ms + self.config.lease_ms
    }

    /// Whether it knows what all replicas have used.
    fn is_settled(&self) -> bool {
        self.members.len() as u64 >= self.expected
            || self.latest_ms >= self.created_ms + self.config.forget_ms
    }

    fn member_count(&self) -> u64 {
        let known = (self.members.len() as u64).max(1);
        if self.is_settled() { known } else { known.max(self.expected) }
    }

    fn draw(&mut self, request: &SyncRequest, now_ms: u64, reply: &mut SyncReply) {
        let absent: Vec<(u64, u64)> = self
            .members
            .iter()
            .filter(|(_, member)| self.is_absent(member, now_ms))
            .map(|(&replica, member)| (replica, member.last_ms + self.config.lease_ms + 1))
            .collect();
        let terms = self.terms(request, now_ms, absent.len());
        for draw in &request.draws {
            let quota = self.quotas.entry(draw.resource.key);
            let quota = quota.or_insert_with(|| Quota::new(draw.resource));
            quota.expire_departed(now_ms);
            for &(replica, ended_ms) in &absent {
                quota.mark_absent(replica, ended_ms, now_ms);
            }
            reply.grants.push(quota.draw(request.replica, draw, &terms));
        }
    }

    /// Takes in what a replica has used that stops.
    fn settle(&mut self, request: &SyncRequest, now_ms: u64) {
        let terms = self.terms(request, now_ms, 0);
        for draw in &request.draws {
            let quota = self.quotas.entry(draw.resource.key);
            let quota = quota.or_insert_with(|| Quota::new(draw.resource));
            quota.settle(request.replica, draw, &terms);
        }
    }

    fn terms(&self, request: &SyncRequest, now_ms: u64, absent: usize) -> Terms {
        Terms {
            now_ms,
            members: self.member_count(),
            present: (self.members.len() - absent).max(1) as u64,
            settled: self.is_settled(),
            restate: request.restate,
        }
    }

    /// Forgets the replicas that have been silent for too long.
    fn forget(&mut self, now_ms: u64) {
        let forget_ms = self.config.forget_ms;
        let is_gone = |member: &KnownReplica| now_ms > member.last_ms + forget_ms;
        let gone: Vec<u64> =
            self.members.iter().filter(|(_, member)| is_gone(member)).map(|(&id, _)| id).collect();
        for replica in gone {
            self.remove(replica, now_ms);
        }
    }

    fn remove(&mut self, replica: u64, now_ms: u64) {
        if self.members.remove(&replica).is_none() {
            return;
        }
        self.expected = self.expected.saturating_sub(1).max(1);
        for quota in self.quotas.values_mut() {
            quota.remove(replica, now_ms);
        }
        self.noticeboard.remove(replica);
    }
}

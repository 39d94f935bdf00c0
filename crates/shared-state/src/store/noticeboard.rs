//! What replicas tell each other of deployments, and who may probe which.

use crate::{DeploymentKey, Notice, NoticeState, SyncReply, SyncRequest};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// By how much a cooldown must be longer than the one that is known to be told again: a repeated notice differs by its
/// way.
const LONGER_MS: u64 = 100;

#[derive(Clone, Debug)]
pub(super) struct Noticeboard {
    sequence: u64,
    notices: BTreeMap<DeploymentKey, Posted>,
    probes: BTreeMap<DeploymentKey, Probing>,
}

/// The latest of a deployment.
#[derive(Clone, Copy, Debug)]
struct Posted {
    sequence: u64,
    by: u64,
    /// Until when it is out, and why; `None` if it has recovered.
    out: Option<(u64, u8)>,
}

/// A permit to probe.
#[derive(Clone, Copy, Debug)]
struct Probing {
    by: u64,
    until_ms: u64,
}

impl Noticeboard {
    pub(super) const fn new() -> Self {
        Self { sequence: 0, notices: BTreeMap::new(), probes: BTreeMap::new() }
    }

    pub(super) const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Takes in what the replica tells and wants, and adds what others have told after `seen`.
    pub(super) fn exchange(
        &mut self,
        request: &SyncRequest,
        now_ms: u64,
        probe_ms: u64,
        seen: u64,
        reply: &mut SyncReply,
    ) {
        let me = request.replica;
        for notice in &request.notices {
            self.post(me, notice, now_ms);
        }
        let told = |notice: &Notice, key: DeploymentKey| notice.deployment == key;
        self.probes.retain(|&key, probing| {
            let listed = request.probes.contains(&key);
            let ended = !listed || request.notices.iter().any(|notice| told(notice, key));
            probing.until_ms > now_ms && (probing.by != me || !ended)
        });
        for &key in &request.probes {
            if request.notices.iter().any(|notice| told(notice, key)) {
                continue;
            }
            let permit = Probing { by: me, until_ms: now_ms + probe_ms };
            if self.probes.entry(key).or_insert(permit).by == me {
                reply.permits.push(key);
            }
        }
        self.tell(me, now_ms, seen, reply);
        reply.sequence = self.sequence;
    }

    fn post(&mut self, by: u64, notice: &Notice, now_ms: u64) {
        let known = self.notices.get(&notice.deployment);
        let known_out = known.and_then(|posted| posted.out);
        let out = match notice.state {
            NoticeState::Out { remaining_ms, cause } => {
                let until_ms = now_ms.saturating_add(remaining_ms);
                if known_out.is_some_and(|(known_ms, _)| until_ms < known_ms + LONGER_MS) {
                    return;
                }
                Some((until_ms, cause))
            }
            NoticeState::Recovered if known_out.is_none() => return,
            NoticeState::Recovered => None,
        };
        self.sequence += 1;
        self.notices.insert(notice.deployment, Posted { sequence: self.sequence, by, out });
    }

    /// What others have told after `seen`, in the order in which they did.
    fn tell(&self, me: u64, now_ms: u64, seen: u64, reply: &mut SyncReply) {
        let news = self.notices.iter().filter(|(_, it)| it.sequence > seen && it.by != me);
        let mut news: Vec<_> = news
            .filter(|(_, posted)| posted.out.is_none_or(|(until_ms, _)| until_ms > now_ms))
            .collect();
        news.sort_unstable_by_key(|(_, posted)| posted.sequence);
        reply.notices.extend(news.into_iter().map(|(&deployment, posted)| {
            let state = posted.out.map_or(NoticeState::Recovered, |(until_ms, cause)| {
                NoticeState::Out { remaining_ms: until_ms - now_ms, cause }
            });
            Notice { deployment, state }
        }));
    }

    /// A replica is no longer known: another may probe in its place.
    pub(super) fn remove(&mut self, replica: u64) {
        self.probes.retain(|_, probing| probing.by != replica);
    }
}

//! Session affinity: which deployment served a session last.

use crate::{DeploymentId, GroupId};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::Timestamp;

/// Number of remembered sessions. A newer one replaces another with the same low bits. A forgotten session is
/// treated as new.
const SESSIONS: usize = 1 << 14;

#[derive(Clone, Debug, Default)]
pub(crate) struct Affinity {
    /// Empty until a session is remembered.
    pins: Vec<Option<PinnedSession>>,
}

#[derive(Clone, Copy, Debug)]
struct PinnedSession {
    session: u64,
    group: GroupId,
    deployment: DeploymentId,
    /// When the session came there.
    since: Timestamp,
    until: Timestamp,
}

impl Affinity {
    pub(crate) fn of(&self, now: Timestamp, group: GroupId, session: u64) -> Option<DeploymentId> {
        let pin = self.pins.get(place(group, session))?.as_ref()?;
        let holds = pin.session == session && pin.group == group && now < pin.until;
        holds.then_some(pin.deployment)
    }

    /// A deployment has served a session with an attempt that began then. Where the session is elsewhere since, it stays
    /// there: of requests side by side, the first that is answered decides, and not each of them in turn.
    pub(crate) fn pin(
        &mut self,
        now: Timestamp,
        (group, session): (GroupId, u64),
        (deployment, began): (DeploymentId, Timestamp),
        lasts: Duration,
    ) {
        if self.pins.is_empty() {
            self.pins = vec![None; SESSIONS];
        }
        let pin = &mut self.pins[place(group, session)];
        let held =
            pin.filter(|pin| pin.session == session && pin.group == group && now < pin.until);
        let since = match held {
            Some(held) if held.deployment == deployment => held.since,
            Some(held) if began < held.since => return,
            Some(_) | None => now,
        };
        *pin = Some(PinnedSession { session, group, deployment, since, until: now + lasts });
    }
}

/// The slot of a session, hashed so that all bits of the number count.
fn place(group: GroupId, session: u64) -> usize {
    let key = session ^ u64::from(group.0).rotate_left(48);
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 50) as usize % SESSIONS
}

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
    until: Timestamp,
}

impl Affinity {
    pub(crate) fn of(&self, now: Timestamp, group: GroupId, session: u64) -> Option<DeploymentId> {
        let pin = self.pins.get(place(group, session))?.as_ref()?;
        let holds = pin.session == session && pin.group == group && now < pin.until;
        holds.then_some(pin.deployment)
    }

    pub(crate) fn pin(
        &mut self,
        now: Timestamp,
        group: GroupId,
        session: u64,
        deployment: DeploymentId,
        lasts: Duration,
    ) {
        if self.pins.is_empty() {
            self.pins = vec![None; SESSIONS];
        }
        let until = now + lasts;
        self.pins[place(group, session)] =
            Some(PinnedSession { session, group, deployment, until });
    }
}

/// The slot of a session, hashed so that all bits of the number count.
fn place(group: GroupId, session: u64) -> usize {
    let key = session ^ u64::from(group.0).rotate_left(48);
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 50) as usize % SESSIONS
}

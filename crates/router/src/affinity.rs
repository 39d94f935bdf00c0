//! Which deployment a session was served by last.

use crate::{DeploymentId, GroupId};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::Timestamp;

/// How many sessions are remembered: a newer one takes the place of another with the same last bits. A
/// session that is forgotten is served as if it were new.
const SESSIONS: usize = 1 << 14;

#[derive(Clone, Debug, Default)]
pub(crate) struct Affinity {
    /// Empty until a session is remembered.
    pins: Vec<Option<Pin>>,
}

#[derive(Clone, Copy, Debug)]
struct Pin {
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
        self.pins[place(group, session)] = Some(Pin { session, group, deployment, until });
    }
}

/// Where a session is remembered: numbers that differ anywhere differ in the bits that count.
fn place(group: GroupId, session: u64) -> usize {
    let key = session ^ u64::from(group.0).rotate_left(48);
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 50) as usize % SESSIONS
}

//! The store that replicas share, as a part of the world: its latency, what is lost on the way, and its faults.

use super::World;
use crate::event::EventKind;
use squall_determinism::{RandomStream, Seed, StreamPurpose, Timestamp};
use squall_router::RouterInput;
use squall_router::shared_state::{Store, SyncReply, SyncRequest};
use squall_scenario::{Scenario, SharedStateSettings, StoreFault, StoreFaultKind};
use std::time::Duration;

/// By how much the store's clock is ahead of the run's: no replica knows.
const CLOCK_SKEW: Duration = Duration::from_secs(1_000_003);

/// The store, and the messages on their way.
#[derive(Debug)]
pub(super) struct SharedStore {
    settings: SharedStateSettings,
    seed: Seed,
    /// `None` while it is down.
    store: Option<Store>,
    epoch: u64,
    messages: Vec<Option<StoreMessage>>,
    free: Vec<u32>,
    /// Counts the messages: each draws its own fate.
    sent: u64,
}

/// A message on its way.
#[derive(Clone, Debug)]
enum StoreMessage {
    ToStore(u16, SyncRequest),
    ToReplica(u16, SyncReply),
}

impl SharedStore {
    pub(super) fn of(scenario: &Scenario) -> Option<Self> {
        let settings = scenario.shared_state()?.clone();
        Some(Self {
            seed: scenario.seed,
            store: Some(Store::new(settings.store, 1)),
            epoch: 1,
            messages: Vec::new(),
            free: Vec::new(),
            sent: 0,
            settings,
        })
    }

    /// The faults that a replica's messages meet now.
    fn faults(&self, now: Timestamp, replica: u16) -> impl Iterator<Item = &StoreFault> {
        self.settings.faults.iter().filter(move |fault| fault.hits(now, replica))
    }

    /// A store that was down comes back empty.
    fn follow_faults(&mut self, now: Timestamp) {
        let is_down = self.settings.faults.iter().any(|fault| {
            fault.kind == StoreFaultKind::Down && fault.at <= now && now < fault.at + fault.lasts
        });
        if is_down {
            self.store = None;
        } else if self.store.is_none() {
            self.epoch += 1;
            self.store = Some(Store::new(self.settings.store, self.epoch));
        }
    }

    /// How long the way of a message takes; `None` if it is lost.
    fn way(&mut self, now: Timestamp, replica: u16) -> Option<Duration> {
        const STORE: StreamPurpose = StreamPurpose::named("sim.shared-store");
        self.sent += 1;
        let mut stream = self.seed.stream(STORE, replica.into(), self.sent);
        let mut way = self.settings.latency.sample(&mut stream) / 2;
        let mut is_lost = chance(&mut stream, self.settings.loss.ppm());
        for fault in self.faults(now, replica) {
            match fault.kind {
                StoreFaultKind::Down | StoreFaultKind::Unreachable => is_lost = true,
                StoreFaultKind::Slow(more) => way += nanos(more) / 2,
                StoreFaultKind::Loss(share) => is_lost |= chance(&mut stream, share.ppm()),
            }
        }
        (!is_lost).then(|| Duration::from_nanos(way))
    }
}

impl World<'_> {
    /// A replica sends its request to the store.
    pub(super) fn send_sync(&mut self, replica: u16) {
        let Some(request) = self.routers[usize::from(replica)].sync_request() else { return };
        let request = SyncRequest { replica: u64::from(replica) + 1, ..request.clone() };
        self.send_store_message(StoreMessage::ToStore(replica, request));
    }

    fn send_store_message(&mut self, message: StoreMessage) {
        let Some(shared) = &mut self.store else { return };
        let (StoreMessage::ToStore(replica, _) | StoreMessage::ToReplica(replica, _)) = message;
        let Some(way) = shared.way(self.now, replica) else { return };
        let place = shared.free.pop().unwrap_or_else(|| {
            shared.messages.push(None);
            shared.messages.len() as u32 - 1
        });
        shared.messages[place as usize] = Some(message);
        self.events.push(self.now + way, EventKind::StoreMessage(place));
    }

    /// A message arrives.
    pub(super) fn store_message(&mut self, place: u32) {
        let Some(shared) = &mut self.store else { return };
        shared.free.push(place);
        match shared.messages[place as usize].take() {
            Some(StoreMessage::ToStore(replica, request)) => {
                shared.follow_faults(self.now);
                let reply = shared.store.as_mut();
                let reply = reply.and_then(|it| it.sync(self.now + CLOCK_SKEW, &request).ok());
                if let Some(reply) = reply {
                    self.send_store_message(StoreMessage::ToReplica(replica, reply));
                }
            }
            Some(StoreMessage::ToReplica(replica, reply)) => {
                for input in reply.inputs() {
                    self.tell_router(replica, RouterInput::Shared(input));
                }
            }
            None => {}
        }
    }
}

fn chance(stream: &mut RandomStream, ppm: u32) -> bool {
    ppm > 0 && stream.below(1_000_000) < u64::from(ppm)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

//! A fixed number of clients, each of which asks again when it was answered and has thought.

use super::NextArrival;
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;
use squall_determinism::{Distribution, Seed, Shard, StreamPurpose, Timestamp};

const THINK: StreamPurpose = StreamPurpose::named("workload.think");

#[derive(Clone, Debug)]
pub(crate) struct ClosedLoop {
    think: Distribution,
    until: Timestamp,
    seed: Seed,
    source: u32,
    /// Who asks next, and when.
    waiting: BTreeSet<(Timestamp, u32)>,
    /// How often each client has thought.
    thoughts: Vec<u64>,
}

impl ClosedLoop {
    /// Clients start evenly over the first second, so that they do not march in step. A shard has those whose numbers are
    /// its own, and each of them starts and thinks as it does among all.
    pub(super) fn new(
        (clients, shard): (u32, Shard),
        think: Distribution,
        until: Timestamp,
        seed: Seed,
        source: u32,
    ) -> Self {
        let start = |client| {
            Timestamp::from_nanos(1_000_000_000 * u64::from(client) / u64::from(clients.max(1)))
        };
        let own = (0..clients).filter(|client| shard.has(u64::from(*client)));
        let waiting = own.map(|client| (start(client), client));
        Self {
            think,
            until,
            seed,
            source,
            waiting: waiting.filter(|&(at, _)| at < until).collect(),
            thoughts: vec![0; clients as usize],
        }
    }

    pub(super) fn peek(&self) -> Option<NextArrival> {
        self.waiting.first().map(|&(at, client)| NextArrival { at, client })
    }

    pub(super) fn pop(&mut self) -> Option<NextArrival> {
        self.waiting.pop_first().map(|(at, client)| NextArrival { at, client })
    }

    pub(super) fn released(&mut self, client: u32, now: Timestamp) {
        let Some(thoughts) = self.thoughts.get_mut(client as usize) else { return };
        let entity = u64::from(self.source) << 32 | u64::from(client);
        let mut draws = self.seed.stream(THINK, entity, *thoughts);
        *thoughts += 1;
        let at =
            Timestamp::from_nanos(now.as_nanos().saturating_add(self.think.sample(&mut draws)));
        if at < self.until {
            self.waiting.insert((at, client));
        }
    }
}

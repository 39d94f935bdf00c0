//! What traffic will send, known before it is sent.

use crate::{
    Arrivals, ClientConfig, SourceConfig, Workload, WorkloadConfig, WorkloadInput, WorkloadOutput,
};
use squall_determinism::{Seed, Shard};

/// What open traffic sends, to the request: its times and sizes do not depend on the answers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PlannedTraffic {
    /// Requests in all.
    pub requests: u64,
    /// The most requests of one second, counted from whole second to whole second.
    pub busiest_second: u64,
    /// Tokens of all prompts.
    pub input_tokens: u64,
    /// Tokens that all answers may have at most.
    pub output_tokens: u64,
}

impl PlannedTraffic {
    /// The plan of this traffic; `None` with a closed loop, whose answers decide when the next request comes, and with a
    /// trace that cannot be read on.
    #[must_use]
    pub fn of(config: &WorkloadConfig, seed: Seed) -> Option<Self> {
        Self::of_shard(config, seed, Shard::WHOLE)
    }

    /// The part of it that a shard sends, likewise.
    #[must_use]
    pub fn of_shard(config: &WorkloadConfig, seed: Seed, shard: Shard) -> Option<Self> {
        let is_closed = |source: &SourceConfig| matches!(source.arrivals, Arrivals::Closed { .. });
        if config.sources.iter().any(is_closed) {
            return None;
        }
        // Nobody is answered here, which is no failure of the target's.
        let mut config = WorkloadConfig { abort: None, ..config.clone() };
        for source in &mut config.sources {
            source.client = ClientConfig::waiting(source.client.timeout);
        }
        let mut workload = Workload::of_shard(config, seed, shard);
        let mut planned = Self::default();
        let (mut second, mut in_second) = (0, 0);
        while let Some(now) = workload.next_timer() {
            workload.handle(now, WorkloadInput::Tick);
            while let Some(output) = workload.poll() {
                let WorkloadOutput::Send(client) = output else { continue };
                let of = client.intended.as_nanos() / 1_000_000_000;
                in_second = if of == second { in_second + 1 } else { 1 };
                second = of;
                planned.busiest_second = planned.busiest_second.max(in_second);
                planned.requests += 1;
                planned.input_tokens += u64::from(client.input_tokens);
                planned.output_tokens += u64::from(client.output_tokens);
            }
        }
        workload.fault().is_none().then_some(planned)
    }
}

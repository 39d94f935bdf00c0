//! The intended times of a run, as a driver sees them.

use squall_determinism::{Distribution, Seed, Share, Timestamp};
use squall_workload::{
    Arrivals, ClientConfig, SourceConfig, Workload, WorkloadConfig, WorkloadInput, WorkloadOutput,
};
use std::time::Duration;

/// A workload of small requests.
pub(crate) fn config(arrivals: &Arrivals, until: f64) -> WorkloadConfig {
    let source = SourceConfig {
        key: 0,
        arrivals: arrivals.clone(),
        prompt_tokens: Distribution::Fixed { value: 1 },
        output_tokens: Distribution::Fixed { value: 1 },
        stream: Share::NONE,
        client: ClientConfig::waiting(Duration::from_secs(60)),
        kinds: Vec::new(),
        shifts: Vec::new(),
    };
    WorkloadConfig::of(source, Timestamp::from_nanos((until * 1e9) as u64))
}

/// When requests are intended, in seconds.
pub(crate) fn times(arrivals: &Arrivals, until: f64, seed: u64) -> Vec<f64> {
    let mut workload = Workload::new(config(arrivals, until), Seed::new(seed));
    workload.handle(Timestamp::from_nanos((until * 1e9) as u64), WorkloadInput::Tick);
    let outputs = std::iter::from_fn(|| workload.poll());
    outputs
        .filter_map(|output| match output {
            WorkloadOutput::Send(client) => Some(client.intended.as_nanos() as f64 / 1e9),
            WorkloadOutput::GiveUp { .. } | WorkloadOutput::Retry(_) => None,
        })
        .collect()
}

//! A system as an ordinary scenario file, its run in virtual time, and what is read from its rows.

use crate::row::Row;
use squall_determinism::Timestamp;
use squall_record::{Recording, RequestOutcome, RequestRow, RowRetention};
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate};

/// Mean service, in seconds: times come out in units of it.
pub(crate) const SERVICE: f64 = 0.1;

/// A provider, or several, what the group says beside its deployments, and arrivals at this rate a second
/// until so many have come.
pub(crate) struct System<'a> {
    pub(crate) providers: &'a str,
    pub(crate) group: &'a str,
    pub(crate) deployments: &'a str,
    pub(crate) rps: f64,
    pub(crate) arrivals: f64,
}

impl<'a> System<'a> {
    /// A provider, or its replicas, with nothing said of the group.
    pub(crate) const fn of(providers: &'a str, rps: f64, arrivals: f64) -> Self {
        Self { providers, group: "", deployments: "{ name: one, provider: one }", rps, arrivals }
    }

    pub(crate) fn run(&self) -> Recording {
        let Self { providers, group, deployments, rps, arrivals } = self;
        let duration = (arrivals / rps).ceil();
        let text = format!(
            "name: truth\nseed: 7\nduration: {duration}s\ntraffic:\n  group: all\n  arrivals: poisson\n  \
             rate: {rps}\n  prompt_tokens: 1\n  output_tokens: 1\n  stream: 0%\n  client: {{ timeout: 1000h }}\n\
             providers:\n  one: {{ itl: 0s, {providers} }}\n\
             router:\n  retries: 0\n  retry_budget: unlimited\n  cooldown: never\n  deadline: 1000h\n\
             \x20 timeouts: {{ first_token: 1000h, between_tokens: 1000h, total: 1000h, stream_total: 1000h }}\n\
             \x20 groups:\n    all:\n{group}      deployments: [ {deployments} ]\n"
        );
        let scenario = Scenario::read("truth.yaml", &text);
        let scenario = scenario.unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
        simulate(&scenario, SimOptions { keep: RowRetention::Rows, journal: false })
            .expect("it runs")
    }
}

/// One server of exponential times, or more, with so many places to wait.
pub(crate) fn servers(places: u32, queue: &str) -> String {
    format!(
        "ttft: {{ exponential: {{ mean: 100ms }} }}, capacity: {{ concurrent: {places}, queue: {queue} }}"
    )
}

/// The mean time in the system of those that were served, in units of a service.
pub(crate) fn sojourn(recording: &Recording) -> f64 {
    let served = times(recording);
    served.iter().sum::<f64>() / served.len() as f64
}

/// The quantiles of the same.
pub(crate) fn quantiles<const N: usize>(recording: &Recording, shares: [f64; N]) -> [f64; N] {
    let mut served = times(recording);
    served.sort_by(f64::total_cmp);
    shares.map(|share| served[(share * served.len() as f64) as usize])
}

fn times(recording: &Recording) -> Vec<f64> {
    let served = recording.requests.iter().filter(|row| row.outcome == RequestOutcome::Succeeded);
    served.map(|row| row.ended.since(row.intended).as_secs_f64() / SERVICE).collect()
}

/// The share of those who were not served.
pub(crate) fn refused<'a>(requests: impl IntoIterator<Item = &'a RequestRow>) -> f64 {
    let (mut refused, mut all) = (0.0, 0.0);
    for row in requests {
        all += 1.0;
        refused += f64::from(u8::from(row.outcome != RequestOutcome::Succeeded));
    }
    refused / all
}

/// The requests that came from this second on.
pub(crate) fn from_second(recording: &Recording, second: u64) -> &[RequestRow] {
    let from = Timestamp::from_secs(second);
    let first = recording.requests.partition_point(|row| row.intended < from);
    &recording.requests[first..]
}

/// A case of the table: it runs its systems.
pub(crate) type Case = fn() -> Vec<Row>;

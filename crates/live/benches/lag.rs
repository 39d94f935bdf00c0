//! How late the driver sends, with everything in one process: 300 requests per second, 70 % streamed, 60
//! tokens at 20 ms, for 20 s; beside it the same schedule of sleeps with nothing to send.
//! `cargo bench -p squall-live --bench lag`.

#![expect(clippy::print_stdout, reason = "a benchmark tells its figures")]

use squall_clock::Clock;
use squall_scenario::Scenario;
use squall_workload::{Input, Output, Workload};
use std::time::Duration;

fn main() {
    let scenario = match Scenario::read("lag.yaml", SCENARIO) {
        Ok(scenario) => scenario,
        Err(diagnostics) => panic!("{diagnostics}"),
    };
    println!("            requests  lag p50  lag p99  lag max");
    let bare = bare(&scenario);
    line("bare sleeps", bare.len(), percentiles(bare));
    let recording = squall_live::run(&scenario, std::future::pending(), |_| {});
    let recording = recording.expect("loopback can be had");
    let lags = recording.requests.iter().map(|row| row.sent.since(row.intended));
    line("live", recording.requests.len(), percentiles(lags.collect()));
}

/// The same schedule, with nothing sent: what the timer and the machine alone make of it.
fn bare(scenario: &Scenario) -> Vec<Duration> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime can be had");
    let config = scenario.workload.clone();
    let seed = scenario.seed;
    let task = runtime.spawn(async move {
        let clock = Clock::start_now();
        let mut workload = Workload::new(config, seed);
        let mut lags = Vec::new();
        while let Some(due) = workload.next_timer() {
            clock.sleep_until(due).await;
            workload.handle(clock.now(), Input::Tick);
            let mut sent = Vec::new();
            while let Some(output) = workload.poll() {
                if let Output::Send(client) = output {
                    lags.push(clock.now().since(client.intended));
                    sent.push(client.request);
                }
            }
            for request in sent {
                let answer = squall_workload::Answer::Succeeded;
                workload.handle(clock.now(), Input::Answered { request, answer });
                while workload.poll().is_some() {}
            }
        }
        lags
    });
    runtime.block_on(task).expect("the task ends")
}

fn percentiles(mut lags: Vec<Duration>) -> [Duration; 3] {
    lags.sort_unstable();
    [50, 99, 100].map(|percent| lags[(lags.len() * percent).div_ceil(100).saturating_sub(1)])
}

fn line(name: &str, requests: usize, lags: [Duration; 3]) {
    let [p50, p99, max] = lags.map(|lag| format!("{:.2}ms", lag.as_secs_f64() * 1e3));
    println!("{name:<11} {requests:>8}  {p50:>7}  {p99:>7}  {max:>7}");
}

const SCENARIO: &str = "
name: lag
seed: 7
phases: { all: 0s..20s }
traffic:
  group: chat
  arrivals: poisson
  rate: 300
  prompt_tokens: 400
  output_tokens: 60
  stream: 70%
  client: { timeout: 20s }
providers:
  one: { format: openai, ttft: 350ms, itl: 20ms }
router:
  groups: { chat: { deployments: [ { name: one, provider: one } ] } }
expect:
  - success_rate >= 99%
";

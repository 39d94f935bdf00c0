//! An hour at 1,000 requests per second through four deployments, with the whole router, provider and
//! workload logic, digest and cells on, rows off. `cargo bench -p squall-sim --bench hour`.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use squall_scenario::Scenario;
use squall_sim::{RowRetention, SimOptions, simulate};
use std::time::Instant;

fn main() {
    let scenario = match Scenario::read("hour.yaml", HOUR) {
        Ok(scenario) => scenario,
        Err(diagnostics) => panic!("{diagnostics}"),
    };
    let options = SimOptions { keep: RowRetention::Cells, journal: false };
    println!("   requests  attempts  seconds  requests/s  peak MB  digest");
    for _ in 0..3 {
        let started = Instant::now();
        let recording = simulate(&scenario, options).expect("the router takes the configuration");
        let seconds = started.elapsed().as_secs_f64();
        let (requests, attempts) = recording.cells.counts();
        let rate = requests as f64 / seconds;
        let peak = peak_megabytes().map_or_else(|| "-".to_owned(), |peak| peak.to_string());
        let digest = &recording.header.digest[..8];
        println!(
            "{requests:>11}  {attempts:>8}  {seconds:>7.2}  {rate:>10.0}  {peak:>7}  {digest}"
        );
    }
}

/// The most memory the process has held, as Linux tells it.
fn peak_megabytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1_024)
}

const HOUR: &str = "
name: hour
seed: 7
phases: { all: 0s..1h }
traffic:
  group: chat
  arrivals: poisson
  rate: 1000
  prompt_tokens: { lognormal: { median: 420, p95: 1900 } }
  output_tokens: { lognormal: { median: 60, p95: 200 } }
  stream: 70%
  client: { timeout: 20s }
providers:
  a: { format: openai, ttft: { lognormal: { median: 350ms, p95: 700ms } }, itl: 20ms, limits: { rpm: 30000 } }
  b: { format: openai, ttft: { lognormal: { median: 350ms, p95: 700ms } }, itl: 20ms, limits: { rpm: 30000 } }
  c: { format: openai, ttft: { lognormal: { median: 350ms, p95: 700ms } }, itl: 20ms, limits: { rpm: 30000 } }
  d: { format: openai, ttft: { lognormal: { median: 350ms, p95: 700ms } }, itl: 20ms, limits: { rpm: 30000 } }
router:
  groups:
    chat:
      deployments:
        - { name: a, provider: a, weight: 4 }
        - { name: b, provider: b, weight: 3 }
        - { name: c, provider: c, weight: 2 }
        - { name: d, provider: d, weight: 1 }
expect:
  - success_rate >= 99%
";

//! How late the driver sends: 300 requests a second, 70 % streamed, 60 tokens at 20 ms, for 20 s, with
//! mock provider, gateway and driver in one process; beside it the same schedule of sleeps with nothing
//! else to do, which is what the machine's timers give.
//!
//! `cargo bench -p squall-live --bench lag`

use squall_clock::Clock;
use squall_determinism::Timestamp;
use squall_live::{RunOptions, run};
use squall_record::Lag;
use squall_scenario::Scenario;
use std::io::Write as _;
use std::time::Duration;

const SCENARIO: &str = "
name: lag
seed: 7
phases: { all: 0s..20s }
traffic:
  group: chat
  arrivals: even
  rate: [ { at: 0s, rps: 300 } ]
  prompt_tokens: 420
  output_tokens: 60
  stream: 70%
  client: { timeout: 20s }
providers:
  mock: { format: openai, ttft: 200ms, itl: 20ms }
router:
  groups: { chat: { deployments: [ { name: only, provider: mock } ] } }
expect: [ success_rate >= 99% ]
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let scenario = Scenario::read("lag", SCENARIO)?;
    let recording = run(&scenario, &RunOptions::default(), |_| {})?;
    let sent = recording.requests.len();
    let mut out = std::io::stdout();
    writeln!(out, "{:<18}{:>10}{:>12}{:>12}{:>12}", "", "requests", "p50 ms", "p99 ms", "max ms")?;
    let line = |name: &str, lag: Lag| {
        let [p50, p99, max] = [lag.p50, lag.p99, lag.max].map(|lag| lag.as_secs_f64() * 1e3);
        format!("{name:<18}{sent:>10}{p50:>12.3}{p99:>12.3}{max:>12.3}")
    };
    if let Some(lag) = recording.header.lag {
        writeln!(out, "{}", line("driver", lag))?;
    }
    let intended = recording.requests.iter().map(|row| row.intended).collect();
    writeln!(out, "{}", line("sleeps alone", sleeps(intended)?))?;
    Ok(())
}

/// The lag of a task that only sleeps until each of these times.
fn sleeps(intended: Vec<Timestamp>) -> std::io::Result<Lag> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let clock = Clock::start_now();
        let mut late = Vec::with_capacity(intended.len());
        for at in intended {
            clock.sleep_until(at).await;
            late.push(clock.now().since(at));
        }
        late.sort_unstable();
        let at = |percent: usize| {
            let rank = (late.len() * percent).div_ceil(100).max(1) - 1;
            late.get(rank).copied().unwrap_or(Duration::ZERO)
        };
        Ok(Lag { p50: at(50), p99: at(99), max: at(100) })
    })
}

//! What the driver costs: requests per CPU-second of this process, which sends open-loop traffic to nginx with canned answers,
//! and how late it sends them.
//! `cargo bench -p squall --bench driver`; nginx from Debian.

#[path = "../support/canned.rs"]
mod canned;
#[path = "../support/options.rs"]
mod options;
#[expect(dead_code, reason = "each benchmark uses a part of it")]
#[path = "../support/process.rs"]
mod process;

use options::{BenchOptions, figure, left_out};
use process::Server;
use squall_live::{Backends, RunOptions};
use squall_record::{RequestOutcome, RequestRow};
use squall_scenario::Scenario;
use std::error::Error;
use std::io::Write as _;

/// How often each row has its turn, and for how long.
const TURNS: usize = 3;
const SECONDS: u64 = 8;

/// A row: what is asked for, and how often.
struct Row {
    name: &'static str,
    answer: &'static str,
    rps: u32,
    unit: RowUnit,
}

/// What is measured of the driver.
#[derive(Clone, Copy)]
enum RowUnit {
    /// Requests for each second of its CPU time.
    PerCpuSecond,
    /// The 99th percentile of how late it sends, in ms.
    LagMillis,
}

const ROWS: [Row; 4] = [
    Row { name: "driver-500", answer: "whole", rps: 500, unit: RowUnit::PerCpuSecond },
    Row { name: "driver-6000", answer: "whole", rps: 6_000, unit: RowUnit::PerCpuSecond },
    Row { name: "driver-streams", answer: "stream", rps: 1_000, unit: RowUnit::PerCpuSecond },
    Row { name: "send-lag", answer: "whole", rps: 500, unit: RowUnit::LagMillis },
];

/// What one turn was like.
struct DriverTurn {
    per_cpu_second: f64,
    p99_lag_millis: f64,
    failed: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    let options = BenchOptions::read(TURNS, SECONDS)?;
    if canned::nginx_program().is_none() {
        writeln!(
            out,
            "{}",
            left_out("all", "squall", "nginx is not installed (apt-get install nginx)")
        )?;
        return Ok(());
    }
    let upstream = canned::upstream()?;
    let rows = || ROWS.iter().filter(|row| options.measures(row.name));
    let mut turns: Vec<_> = rows().map(|_| Vec::new()).collect();
    for _ in 0..options.turns {
        for (row, turns) in rows().zip(&mut turns) {
            turns.push(turn(row, &upstream, options.seconds)?);
        }
    }
    if !options.figures {
        writeln!(out, "{:<16}{:>20}{:>14}", "", "per CPU-second", "p99 lag ms")?;
    }
    for (row, mut turns) in rows().zip(turns) {
        let failed = turns.iter().map(|turn| turn.failed).sum::<usize>();
        if failed > 0 {
            writeln!(
                out,
                "{}",
                left_out(row.name, "squall", &format!("{failed} requests failed"))
            )?;
        } else if options.figures {
            for turn in &turns {
                let value = match row.unit {
                    RowUnit::PerCpuSecond => turn.per_cpu_second,
                    RowUnit::LagMillis => turn.p99_lag_millis,
                };
                writeln!(out, "{}", figure(row.name, "squall", value))?;
            }
        } else {
            turns.sort_by(|a, b| a.per_cpu_second.total_cmp(&b.per_cpu_second));
            let DriverTurn { per_cpu_second, p99_lag_millis, .. } = turns[turns.len() / 2];
            writeln!(out, "{:<16}{per_cpu_second:>20.0}{p99_lag_millis:>14.2}", row.name)?;
        }
    }
    Ok(())
}

fn turn(row: &Row, upstream: &Server, seconds: u64) -> Result<DriverTurn, Box<dyn Error>> {
    let Row { name, answer, rps, .. } = row;
    let stream = if *answer == "stream" { "100%" } else { "0%" };
    let addr = upstream.addrs[0];
    let text = format!(
        "name: {name}\nseed: 7\nduration: {seconds}s\ntraffic:\n  group: chat\n  arrivals: poisson\n  rate: {rps}\n  \
         prompt_tokens: 200\n  output_tokens: 48\n  stream: {stream}\n  client: {{ timeout: 20s }}\ntarget: {{ url: \
         \"http://{addr}/{answer}/v1\" }}\nproviders:\n  mock: {{ ttft: 1ms, itl: 1ms }}\nrouter:\n  groups: {{ chat: {{ \
         deployments: [ {{ name: only, provider: mock }} ] }} }}\nexpect: [ success_rate >= 99% ]\n"
    );
    let scenario = Scenario::read(name, &text)?.without_providers();
    let backends = Backends::Own { allowed_hosts: Vec::new() };
    let before = process::own_cpu_secs()?;
    let recording =
        squall_live::run(&scenario, &RunOptions { backends, ..RunOptions::default() }, |_| {})?;
    let used = process::own_cpu_secs()? - before;
    let is_well = |row: &&RequestRow| row.outcome == RequestOutcome::Succeeded;
    let well = recording.requests.iter().filter(is_well).count();
    Ok(DriverTurn {
        per_cpu_second: well as f64 / used.max(0.01),
        p99_lag_millis: recording.header.lag.map_or(0.0, |lag| lag.p99.as_secs_f64() * 1e3),
        failed: recording.requests.len() - well,
    })
}

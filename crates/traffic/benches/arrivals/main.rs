//! Whether what leaves the machine follows the law that was asked for: traffic of every arrival process over loopback
//! sockets, timed where it arrives. `cargo xtask arrivals`, or with `-- --rps 500 --seconds 10` for less.
//!
//! Times are taken by a receiver of its own (`receiver.rs`) when the first bytes of a request have been read, and compared
//! with the times that were intended, which `crates/workload/tests/theory` holds against theory, and with the law itself.
//! Nothing is held here: on a busy machine lag shows, and is told.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]

mod receiver;
mod statistics;

use receiver::Receiver;
use squall_clock::Clock;
use squall_determinism::{Distribution, Seed, Shard, Share, Timestamp};
use squall_record::RequestRow;
use squall_traffic::{DriveProgress, TrafficKind, TrafficSetup, drive};
use squall_workload::{Arrivals, ClientConfig, Rate, RateSegment, SourceConfig, WorkloadConfig};
use statistics::{ArrivalStatistics, GapLaw, kolmogorov_smirnov};
use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

const RATES: [f64; 3] = [50.0, 500.0, 2_000.0];
const SECONDS: u64 = 15;
/// Before the traffic begins everything is warm.
const HEAD_START: Duration = Duration::from_millis(300);

/// An arrival process, and the law of its gaps where it has one in closed form.
struct Law {
    name: &'static str,
    of: fn(Rate) -> Arrivals,
    gaps: Option<GapLaw>,
}

const LAWS: [Law; 6] = [
    Law { name: "even", of: |rate| Arrivals::Even { rate }, gaps: None },
    Law { name: "poisson", of: |rate| Arrivals::Poisson { rate }, gaps: Some(GapLaw::Exponential) },
    Law {
        name: "gamma, CV 2",
        of: |rate| Arrivals::gamma(rate, 2.0),
        gaps: Some(GapLaw::Gamma { shape: 0.25 }),
    },
    Law {
        name: "weibull, shape 1/2",
        of: |rate| Arrivals::Weibull { rate, shape: 0.5 },
        gaps: Some(GapLaw::Weibull { shape: 0.5 }),
    },
    Law {
        name: "on_off, 1 s and 2 s",
        of: |rate| Arrivals::OnOff {
            rate,
            on: Duration::from_secs(1),
            off: Duration::from_secs(2),
        },
        gaps: None,
    },
    Law {
        name: "hawkes, 0.5, 100 ms",
        of: |rate| Arrivals::Hawkes { rate, branching: 0.5, decay: Duration::from_millis(100) },
        gaps: None,
    },
];

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            println!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    println!(
        "| arrivals | rps | answers | requests | rate | CV intended | CV arrived | dispersion intended | dispersion arrived | KS to \
         the law (5 % at) | lag p50 | lag p99 | lag max |\n\
         | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    let before = listen_overflows();
    for law in &LAWS {
        for &rps in &options.rates {
            for stream in [false, true] {
                println!("{}", cell(law, rps, stream, options.seconds));
            }
        }
    }
    match (before, listen_overflows()) {
        (Some(before), Some(after)) => println!(
            "\nConnections that the machine refused for want of room in an accept queue: {}.",
            after.saturating_sub(before)
        ),
        _ => println!("\nThe machine does not tell overflows of accept queues."),
    }
    ExitCode::SUCCESS
}

struct Options {
    rates: Vec<f64>,
    seconds: u64,
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { rates: Vec::new(), seconds: SECONDS };
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let value = arguments.next().unwrap_or_default();
                let number = value.parse::<u32>().ok().filter(|number| *number > 0);
                number
                    .ok_or_else(|| format!("`{argument}` takes a number above zero, not `{value}`"))
            };
            match argument.as_str() {
                "--rps" => options.rates.push(number()?.into()),
                "--seconds" => options.seconds = number()?.into(),
                // Cargo says so.
                "--bench" => {}
                _ => return Err(format!("`{argument}` is neither --rps N nor --seconds N")),
            }
        }
        if options.rates.is_empty() {
            options.rates.extend(RATES);
        }
        Ok(options)
    }
}

/// A row of the table: one law at one rate.
fn cell(law: &Law, rps: f64, stream: bool, seconds: u64) -> String {
    let (rows, arrived) = sent(law, rps, stream, seconds);
    let mut intended: Vec<_> = rows.iter().map(|row| row.intended.as_secs_f64()).collect();
    intended.sort_by(f64::total_cmp);
    let until = seconds as f64;
    let [asked, came] = [&intended, &arrived].map(|times| ArrivalStatistics::of(times, until));
    let ks = law.gaps.map(|gaps| {
        let (distance, critical) = kolmogorov_smirnov(&arrived, gaps, rps);
        format!("{distance:.4} ({critical:.4})")
    });
    let mut lags: Vec<_> = rows.iter().map(|row| row.sent.since(row.intended)).collect();
    lags.sort_unstable();
    let lag = |share: f64| {
        let place = (share * lags.len() as f64) as usize;
        let lag = lags.get(place.min(lags.len().saturating_sub(1))).copied().unwrap_or_default();
        format!("{:.2} ms", lag.as_secs_f64() * 1e3)
    };
    format!(
        "| {} | {rps} | {} | {} | {:.1} | {:.3} | {:.3} | {:.2} | {:.2} | {} | {} | {} | {} |",
        law.name,
        if stream { "streams" } else { "whole" },
        arrived.len(),
        arrived.len() as f64 / until,
        asked.cv,
        came.cv,
        asked.dispersion,
        came.dispersion,
        ks.as_deref().unwrap_or(""),
        lag(0.5),
        lag(0.99),
        lag(1.0),
    )
}

/// Sends traffic; the driver's rows, and when requests arrived, in seconds since the start of the traffic.
fn sent(law: &Law, rps: f64, stream: bool, seconds: u64) -> (Vec<RequestRow>, Vec<f64>) {
    let clock = Clock::start_now();
    let receiver = Receiver::start(clock);
    let segment = RateSegment::Constant { at: Timestamp::ZERO + HEAD_START, rps };
    let source = SourceConfig {
        key: 0,
        arrivals: (law.of)(Rate { segments: vec![segment] }),
        prompt_tokens: Distribution::Fixed { value: 20 },
        output_tokens: Distribution::Fixed { value: 4 },
        stream: if stream { Share::ALL } else { Share::NONE },
        client: ClientConfig::waiting(Duration::from_secs(20)),
        kinds: Vec::new(),
        shifts: Vec::new(),
    };
    let until = Timestamp::from_secs(seconds) + HEAD_START;
    let setup = TrafficSetup {
        workload: WorkloadConfig::of(source, until),
        seed: Seed::new(7),
        shard: Shard::WHOLE,
        clock,
        targets: vec![receiver.url().parse().expect("a base URL")],
        kinds: vec![TrafficKind::new("chat", 0)],
        program: None,
        headers: http::HeaderMap::new(),
        models: Vec::new(),
        rows: None,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let progress = Arc::<DriveProgress>::default();
    let driven = drive(setup, std::future::pending(), progress);
    let log = runtime.expect("threads can be started").block_on(driven);
    let shift = HEAD_START.as_secs_f64();
    let rows = log.requests.into_iter().map(|row| RequestRow {
        intended: row.intended - HEAD_START,
        sent: row.sent - HEAD_START,
        ..row
    });
    let arrived = receiver.arrived().into_iter().map(|at| at.as_secs_f64() - shift);
    (rows.collect(), arrived.collect())
}

/// How many connections the accept queues of this machine had no room for, since it started.
fn listen_overflows() -> Option<u64> {
    let text = fs::read_to_string("/proc/net/netstat").ok()?;
    let mut lines = text.lines().filter(|line| line.starts_with("TcpExt:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let mut all = names.split_whitespace().zip(values.split_whitespace());
    all.find(|(name, _)| *name == "ListenOverflows")?.1.parse().ok()
}

//! `cargo xtask soak`: a real gateway in front of real mocks, one of which is dead, under load for minutes, with a reload
//! every second and clients that hardly read. Afterwards no request is lost, memory and descriptors are flat, the log says
//! what happened, and the gateway ends well.
//!
//! ```text
//! cargo bench -p squall --bench soak -- --seconds 600 --rps 300
//! ```

#![expect(clippy::print_stdout, reason = "a benchmark tells its figures")]

#[expect(dead_code, reason = "each benchmark uses a part of it")]
#[path = "../support/process.rs"]
mod process;
mod readers;
mod usage;
mod verdict;
mod world;

use squall_clock::Clock;
use squall_determinism::{Distribution, Seed, Shard, Share, Timestamp};
use squall_traffic::{DriveProgress, DriverLog, TrafficKind, TrafficSetup, drive};
use squall_workload::{Arrivals, ClientConfig, Rate, RateSegment, SourceConfig, WorkloadConfig};
use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use usage::Usage;
use world::World;

/// The soak of the release.
const SECONDS: u64 = 600;
const RPS: u32 = 300;
/// Both have a bound: a soak ends by itself.
const SECONDS_MAX: u64 = 7_200;
const RPS_MAX: u32 = 5_000;

/// A client that had no whole answer by then lost its request.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(60);
const RELOAD_EVERY: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let soaked = options().and_then(|(seconds, rps)| soak(Duration::from_secs(seconds), rps));
    match soaked {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How long, and how many requests a second.
fn options() -> Result<(u64, u32), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let value = |name: &str, default: u64, most: u64| {
        let Some(place) = arguments.iter().position(|argument| argument == name) else {
            return Ok(default);
        };
        let text = arguments.get(place + 1).map_or("", String::as_str);
        match text.parse() {
            Ok(number) if (1..=most).contains(&number) => Ok(number),
            _ => Err(format!("{name} takes a number from 1 to {most}, not `{text}`")),
        }
    };
    let seconds = value("--seconds", SECONDS, SECONDS_MAX)?;
    let rps = value("--rps", u64::from(RPS), u64::from(RPS_MAX))?;
    Ok((seconds, u32::try_from(rps)?))
}

fn soak(lasts: Duration, rps: u32) -> Result<bool, Box<dyn Error>> {
    println!("{} s at {rps} requests a second, a reload every second", lasts.as_secs());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut world = World::start()?;
        let readers = readers::start(world.addr);
        let sampling = tokio::spawn(usage::sample(world.process(), lasts));
        let load = tokio::spawn(load(world.addr, lasts, rps));
        let mut ticks = tokio::time::interval(RELOAD_EVERY);
        while !load.is_finished() {
            ticks.tick().await;
            world.reload()?;
        }
        let log = load.await?;
        let samples = sampling.await?;
        let read = readers.stop().await;
        let metrics = world.metrics().await?;
        let end = world.end().await?;
        Ok(verdict::told(&log, &samples, &read, &metrics, &end))
    })
}

/// The requests of one group, each of which must be answered whole.
async fn load(addr: SocketAddr, lasts: Duration, rps: u32) -> DriverLog {
    let rate = RateSegment::Constant { at: Timestamp::ZERO, rps: f64::from(rps) };
    let setup = TrafficSetup {
        workload: WorkloadConfig::of(
            SourceConfig {
                key: 0,
                arrivals: Arrivals::Poisson { rate: Rate { segments: vec![rate] } },
                prompt_tokens: Distribution::Fixed { value: 200 },
                output_tokens: Distribution::Fixed { value: 20 },
                stream: Share::percent(50),
                client: ClientConfig::waiting(CLIENT_TIMEOUT),
                kinds: Vec::new(),
                shifts: Vec::new(),
            },
            Timestamp::ZERO + lasts,
        ),
        seed: Seed::new(7),
        shard: Shard::WHOLE,
        clock: Clock::start_now(),
        targets: vec![format!("http://{addr}/v1").parse().expect("a base URL")],
        kinds: vec![TrafficKind::new("chat", 0)],
        program: None,
        headers: http::HeaderMap::new(),
        models: Vec::new(),
        rows: None,
    };
    drive(setup, std::future::pending(), Arc::new(DriveProgress::default())).await
}

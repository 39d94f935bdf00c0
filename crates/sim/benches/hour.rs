//! How many requests the simulator takes in a second, with the whole router, provider and workload logic, digest
//! and cells on, rows off. `cargo bench -p squall-sim --bench hour` runs an hour at 1,000 requests per second;
//! `-- SCENARIO [--turns N] [PATH=VALUE]...` another of `benches/scenarios`, or with other values, which take turns.
//! `--figures ROW` prints every turn as a line for `cargo xtask perf`.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use squall_scenario::{Override, Scenario};
use squall_sim::{RowRetention, SimOptions, simulate};
use std::error::Error;
use std::time::Instant;

/// What is simulated, and what it is called.
struct Variant {
    name: String,
    scenario: Scenario,
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut name, mut turns, mut figures) = ("hour".to_owned(), 3_u32, None);
    let mut overrides = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // Cargo says so to every benchmark.
            "--bench" => {}
            "--turns" => turns = arguments.next().ok_or("--turns takes a number")?.parse()?,
            "--figures" => figures = Some(arguments.next().ok_or("--figures takes a row")?),
            setting if setting.contains('=') => overrides.push(setting.parse::<Override>()?),
            scenario => scenario.clone_into(&mut name),
        }
    }
    let variants = variants(&name, &overrides)?;
    if figures.is_none() {
        println!("   requests  attempts  seconds  requests/s  peak MB  digest");
    }
    for _ in 0..turns {
        for variant in &variants {
            run(variant, figures.as_deref())?;
        }
    }
    Ok(())
}

/// The scenario of the file, or one for each value that it is run with.
fn variants(name: &str, overrides: &[Override]) -> Result<Vec<Variant>, Box<dyn Error>> {
    let path = format!("{}/benches/scenarios/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    if overrides.is_empty() {
        let scenario = Scenario::read(&path, &text)?;
        return Ok(vec![Variant { name: "squall".to_owned(), scenario }]);
    }
    let variant = |setting: &Override| -> Result<Variant, Box<dyn Error>> {
        let scenario = Scenario::read(&path, &setting.apply(&text)?)?;
        Ok(Variant { name: setting.to_string(), scenario })
    };
    overrides.iter().map(variant).collect()
}

fn run(Variant { name, scenario }: &Variant, figures: Option<&str>) -> Result<(), Box<dyn Error>> {
    let options = SimOptions { keep: RowRetention::Cells, journal: false };
    let started = Instant::now();
    let recording = simulate(scenario, options)?;
    let seconds = started.elapsed().as_secs_f64();
    let (requests, attempts) = recording.cells.counts();
    let rate = requests as f64 / seconds;
    if let Some(row) = figures {
        println!("figure\t{row}\t{name}\t{rate}");
        return Ok(());
    }
    let peak = peak_megabytes().map_or_else(|| "-".to_owned(), |peak| peak.to_string());
    let digest = &recording.header.digest[..8];
    println!("{requests:>11}  {attempts:>8}  {seconds:>7.2}  {rate:>10.0}  {peak:>7}  {digest}");
    Ok(())
}

/// The most memory the process has held, as Linux tells it.
fn peak_megabytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1_024)
}

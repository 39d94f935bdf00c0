//! Simulates a scenario, and prints the digest of its run and the number of its requests:
//! `cargo run -p squall-sim --example digest -- FILE [--cells] [PATH=VALUE]...`.
//!
//! `--cells` keeps no rows and no journal, as a run of millions of requests does; `PATH=VALUE` overrides a value of the
//! file. `cargo xtask test` compares the digest of both build profiles, and `cargo xtask perf` counts instructions.

use squall_scenario::{Override, Scenario};
use squall_sim::{RowRetention, SimOptions};
use std::error::Error;
use std::path::Path;

#[expect(clippy::print_stdout, reason = "this is a program")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("name a scenario")?;
    let mut text = std::fs::read_to_string(&path)?;
    let mut options = SimOptions::default();
    for argument in arguments {
        if argument == "--cells" {
            options = SimOptions { keep: RowRetention::Cells, journal: false };
        } else {
            text = argument.parse::<Override>()?.apply(&text)?;
        }
    }
    let folder = Path::new(&path).parent().unwrap_or_else(|| Path::new(""));
    let load = |other: &str| std::fs::read_to_string(folder.join(other));
    let scenario = Scenario::read_with(&path, &text, &load)?;
    let recording = squall_sim::simulate(&scenario, options)?;
    let (requests, _) = recording.cells.counts();
    println!("digest: {}", recording.header.digest);
    println!("requests: {requests}");
    Ok(())
}

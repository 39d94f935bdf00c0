//! How fast the mock provider is, and how true to its schedule.
//!
//! Speed: one client (wrk, one thread, 32 connections) against each server in turn, several times, in requests per
//! CPU-second of the server; beside nginx with a canned answer, and beside other mocks where they are installed
//! (`cargo install llmsim vidaimock`). Fidelity: what was asked of streams against what came, at 10 to 5,000
//! at once, and what an open stream costs in memory.
//!
//! `cargo bench -p squall --bench provider`; it takes four minutes, and wrk and nginx from Debian.

#[path = "../support/canned.rs"]
mod canned;
mod fidelity;
mod mock;
#[path = "../support/options.rs"]
mod options;
#[expect(dead_code, reason = "each benchmark uses a part of it")]
#[path = "../support/process.rs"]
mod process;
mod speed;

use options::BenchOptions;
use std::io::Write as _;

/// How often each server has its turn, and for how long.
const TURNS: usize = 3;
const SECONDS: u64 = 4;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout();
    let options = BenchOptions::read(TURNS, SECONDS)?;
    speed::run(&mut out, &options)?;
    if options.figures || !options.only.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    fidelity::run(&mut out)
}

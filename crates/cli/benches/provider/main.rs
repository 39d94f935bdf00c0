//! How fast the mock provider is, and how true to its schedule.
//!
//! Speed: one client (wrk, one thread, 32 connections) against each server in turn, in requests per CPU-second
//! of the server; beside nginx with a canned answer, and beside other mocks where they are installed
//! (`cargo install llmsim vidaimock`). Fidelity: what was asked of streams against what came, at 10 to 5,000
//! at once, and what an open stream costs in memory.
//!
//! `cargo bench -p squall --bench provider`; it takes two minutes, and wrk and nginx from Debian.

mod fidelity;
mod mock;
#[path = "../support/process.rs"]
mod process;
mod speed;

use std::io::Write as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout();
    speed::run(&mut out)?;
    writeln!(out)?;
    fidelity::run(&mut out)
}

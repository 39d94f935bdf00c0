//! `cargo xtask perf --profile WHAT`: instructions by function, the top twenty, of the simulator, of a whole answer and of a
//! stream through the gateway; printed, and written to docs/PERFORMANCE.md.

mod functions;
mod gateway;

use super::page::{self, Block};
use super::{callgrind, counted, scratch};
use crate::machine;
use functions::Profile;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

/// How many functions are told.
const TOLD: usize = 20;

/// What a profile may have without names: a binary without symbols has none at all.
const UNNAMED_MAX: f64 = 0.2;

/// What was profiled: its functions, and how many units of work were done.
struct ProfiledWork {
    profile: Profile,
    what: String,
    unit: &'static str,
    units: u64,
}

/// `sim`, `whole` or `stream`; false once it is said what failed.
pub(super) fn run(what: &str) -> bool {
    let (block, work) = match what {
        "sim" => (Block::SimProfile, simulator()),
        "whole" => (Block::WholeProfile, gateway::answers("whole", false)),
        "stream" => (Block::StreamProfile, gateway::answers("stream", true)),
        _ => {
            eprintln!("error: `--profile` takes sim, whole or stream, not `{what}`");
            return false;
        }
    };
    let table = work.and_then(|work| work.table());
    let written = table.and_then(|table| {
        println!("{table}");
        page::write(block, &table)
    });
    if let Err(problem) = &written {
        eprintln!("error: {problem}");
    }
    written.is_ok()
}

/// 30 s of the scenario of an hour.
fn simulator() -> Result<ProfiledWork, String> {
    if !machine::has_valgrind() || !counted::build() {
        return Err("there is nothing to profile".to_owned());
    }
    let out = scratch()?.join("profile-sim.out");
    let mut command = Command::new(machine::target().join("release/examples/digest"));
    command.args(["crates/sim/benches/scenarios/hour.yaml", "--cells", "duration=30s"]);
    command.current_dir(machine::root().ok_or("there is no workspace")?);
    let counted = callgrind::count(&command, &out)?;
    let units = counted.printed.lines().find_map(|line| line.strip_prefix("requests: "));
    let units =
        units.and_then(|units| units.parse().ok()).ok_or("it says no number of requests")?;
    let text = fs::read_to_string(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    let what = "30 s of the scenario `hour`, with its start".to_owned();
    Ok(ProfiledWork { profile: Profile::parse(&text), what, unit: "request", units })
}

impl ProfiledWork {
    /// For the page.
    ///
    /// # Errors
    /// When the program had no symbols: then there are no functions.
    fn table(&self) -> Result<String, String> {
        let all = self.profile.total();
        let unnamed = self.profile.unnamed();
        if all == 0 || unnamed as f64 > UNNAMED_MAX * all as f64 {
            return Err(format!(
                "{unnamed} of {all} instructions are in functions without a name, so the profile is left out: build with \
                 symbols (CARGO_PROFILE_RELEASE_STRIP=none)"
            ));
        }
        let Self { what, unit, units, .. } = self;
        let each =
            |instructions: u64| page::thousands(instructions as f64 / (*units).max(1) as f64);
        let mut out = format!(
            "{what}: {} instructions a {unit} in user space, {units} of them.\n\n| instructions a {unit} | share | function |\n\
             | ---: | ---: | --- |\n",
            each(all)
        );
        for (name, instructions) in self.profile.top(TOLD) {
            let share = instructions as f64 / all as f64 * 100.0;
            // Writing to a string cannot fail.
            let _ = writeln!(out, "| {} | {share:.1} % | `{name}` |", each(instructions));
        }
        Ok(out)
    }
}

//! `cargo xtask perf --profile WHAT`: instructions by function, the top twenty, of the simulator, of a whole answer and of a
//! stream through the gateway; printed, and written to docs/PERFORMANCE.md.

mod functions;
mod gateway;
mod work;

use super::page::{self, Block};
use super::{callgrind, counted};
use crate::machine;
use functions::FunctionProfile;
use std::fs;
use std::process::Command;
use work::ProfiledWork;

/// What is built: the code of a release, with symbols.
const PROFILE: &str = "profiling";

/// `sim`, `whole` or `stream`; false once it is said what failed.
pub(super) fn run(what: &str) -> bool {
    let (block, work) = match what {
        "sim" => (Block::SimProfile, simulator()),
        "whole" => (Block::WholeProfile, gateway::answers(PROFILE, "whole", false)),
        "stream" => (Block::StreamProfile, gateway::answers(PROFILE, "stream", true)),
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
    if !machine::has_valgrind() || !counted::build(PROFILE) {
        return Err("there is nothing to profile".to_owned());
    }
    let out = machine::perf_folder()?.join("profile-sim.out");
    let mut command = Command::new(machine::target().join(PROFILE).join("examples/digest"));
    command.args(["crates/sim/benches/scenarios/hour.yaml", "--cells", "duration=30s"]);
    command.current_dir(machine::root().ok_or("there is no workspace")?);
    let counted = callgrind::count(&command, &out)?;
    let units = counted.printed.lines().find_map(|line| line.strip_prefix("requests: "));
    let units =
        units.and_then(|units| units.parse().ok()).ok_or("it says no number of requests")?;
    let text = fs::read_to_string(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    let what = "30 s of the scenario `hour`, with its start".to_owned();
    Ok(ProfiledWork { profile: FunctionProfile::parse(&text), what, unit: "request", units })
}

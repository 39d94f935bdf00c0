//! `squall run`.

use super::check;
use crate::args::RunArgs;
use crate::error::{Error, Exit};
use crate::{command, progress, terminal};
use squall_determinism::Seed;
use squall_record::{Mode, Recording};
use squall_scenario::Scenario;
use squall_sim::SimOptions;
use std::path::{Path, PathBuf};

pub(crate) fn run(args: &RunArgs) -> Result<Exit, Error> {
    let mut scenario = command::scenario(&args.scenario, &args.settings)?;
    if let Some(seed) = args.seed {
        scenario.set_seed(Seed::new(seed));
    }
    let mode = if args.sim { Mode::Simulated } else { Mode::Live };
    let out = args.out.clone().unwrap_or_else(|| default_out(&scenario, mode));
    announce(&scenario, mode);
    let recording = match mode {
        Mode::Simulated => squall_sim::simulate(&scenario, SimOptions::default())?,
        Mode::Live => progress::run_live(&scenario)?,
    };
    if args.twice {
        squall_campaign::again(&scenario, &recording.header.digest)?;
        terminal::status("the second run was the same");
    }
    conclude(&scenario, &recording, &out)
}

/// Says what is about to be run.
fn announce(scenario: &Scenario, mode: Mode) {
    let how = match mode {
        Mode::Live => {
            "over real sockets on loopback; Ctrl-C ends it early and keeps what was measured"
        }
        Mode::Simulated => "in virtual time",
    };
    let (name, seed) = (&scenario.name, scenario.seed.value());
    let duration = scenario.duration.as_secs_f64();
    terminal::status(format_args!("{name}: seed {seed}, {duration} s, {how}"));
}

/// Judges a recording, writes everything down, and says how it went.
pub(crate) fn conclude(
    scenario: &Scenario,
    recording: &Recording,
    out: &Path,
) -> Result<Exit, Error> {
    // What was measured is safe before anything is made of it.
    recording.write(out)?;
    let verdict = squall_report::judge(scenario, recording);
    let paths = squall_report::write(out, scenario, recording, &verdict)?;
    terminal::data(squall_report::terminal_table(&verdict));
    terminal::data(format_args!("digest: {}", recording.header.digest));
    terminal::data(format_args!("report: {}", paths.html.display()));
    Ok(check::exit(verdict.overall))
}

fn default_out(scenario: &Scenario, mode: Mode) -> PathBuf {
    let mode = match mode {
        Mode::Live => "live",
        Mode::Simulated => "sim",
    };
    Path::new("reports").join(&scenario.name).join(mode)
}

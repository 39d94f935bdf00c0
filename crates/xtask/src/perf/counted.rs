//! What instructions are counted of: each is a program with two lengths, so that the difference leaves its start out.

use super::callgrind::{self, CountedRun};
use crate::{machine, step};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The programs: examples of one package, built from what the gate builds for the digest in release.
const PROGRAMS: [&str; 3] = ["digest", "decision", "stream"];

/// Scenarios of the simulator, which its benchmark runs too.
const SCENARIOS: &str = "crates/sim/benches/scenarios";

/// Work whose instructions are counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct CountedWork {
    /// Its name in the file of counts.
    pub(super) name: &'static str,
    /// What it is, for the page.
    pub(super) what: &'static str,
    /// What a count is divided by.
    pub(super) unit: &'static str,
    program: &'static str,
    /// With `@` for the folder of scenarios.
    arguments: &'static [&'static str],
    /// The last argument of the short and of the long run.
    lengths: [&'static str; 2],
}

/// A run of the simulator as long runs are: counts and distributions alone.
const fn simulated(
    name: &'static str,
    what: &'static str,
    arguments: &'static [&'static str],
    lengths: [&'static str; 2],
) -> CountedWork {
    CountedWork { name, what, unit: "request", program: "digest", arguments, lengths }
}

/// All of them, in the order of the page.
pub(super) const ALL: [CountedWork; 8] = [
    simulated(
        "sim-hour",
        "simulator, 1,000 requests per second, answers of a second",
        &["@hour.yaml", "--cells"],
        ["duration=5s", "duration=20s"],
    ),
    simulated(
        "sim-rows",
        "the same, with every row and the journal kept",
        &["@hour.yaml"],
        ["duration=5s", "duration=15s"],
    ),
    simulated(
        "sim-long-answers",
        "simulator, answers of a minute",
        &["@long-answers.yaml", "--cells"],
        ["duration=10s", "duration=25s"],
    ),
    simulated(
        "sim-many-deployments",
        "simulator, 64 deployments",
        &["@many-deployments.yaml", "--cells"],
        ["duration=5s", "duration=15s"],
    ),
    CountedWork {
        name: "decision-10",
        what: "router, all decisions for a request, 10 deployments, smooth_weighted",
        unit: "request",
        program: "decision",
        arguments: &["count", "10", "smooth_weighted", "limits"],
        lengths: ["2000", "7000"],
    },
    CountedWork {
        name: "decision-1000",
        what: "the same, 1,000 deployments, smooth_weighted",
        unit: "request",
        program: "decision",
        arguments: &["count", "1000", "smooth_weighted", "limits"],
        lengths: ["2000", "7000"],
    },
    CountedWork {
        name: "decision-1000-least-busy",
        what: "the same, 1,000 deployments, least_busy",
        unit: "request",
        program: "decision",
        arguments: &["count", "1000", "least_busy", "limits"],
        lengths: ["2000", "7000"],
    },
    CountedWork {
        name: "stream-reader",
        what: "gateway's reader, a stream of 48 events",
        unit: "stream",
        program: "stream",
        arguments: &["plain"],
        lengths: ["50", "550"],
    },
];

/// Builds the programs with a profile of cargo's; false if cargo could not, which it has said.
pub(super) fn build(profile: &str) -> bool {
    let mut build =
        vec!["build", "--quiet", "--locked", "--profile", profile, "--package", "squall-sim"];
    build.extend(PROGRAMS.iter().flat_map(|program| ["--example", program]));
    step::cargo(&build, &[])
}

impl CountedWork {
    /// Instructions for each unit.
    ///
    /// # Errors
    /// When the program fails, or says nothing of how much it did.
    pub(super) fn count(&self) -> Result<f64, String> {
        let [short, long] = self.lengths;
        let (short, long) = (self.run(short)?, self.run(long)?);
        if long.units <= short.units {
            return Err(format!("{}: the long run did no more than the short one", self.name));
        }
        let instructions = long.counted.instructions.saturating_sub(short.counted.instructions);
        Ok(instructions as f64 / (long.units - short.units) as f64)
    }

    fn run(&self, length: &str) -> Result<WorkRun, String> {
        let root = machine::root().ok_or("there is no workspace")?;
        let program = machine::target().join("release/examples").join(self.program);
        let mut command = Command::new(program);
        for argument in self.arguments {
            match argument.strip_prefix('@') {
                Some(file) => command.arg(Path::new(SCENARIOS).join(file)),
                None => command.arg(argument),
            };
        }
        command.arg(length).current_dir(root);
        let out = machine::perf_folder()?.join(format!("{}-{length}.out", self.name));
        let counted = callgrind::count(&command, &out)?;
        // It is read, and of no further use.
        let _ = fs::remove_file(&out);
        let told = counted.printed.lines().find_map(|line| line.strip_prefix("requests: "));
        let units = told.unwrap_or(length).parse();
        let units = units.map_err(|_| format!("{}: {}", self.name, counted.printed))?;
        Ok(WorkRun { counted, units })
    }
}

struct WorkRun {
    counted: CountedRun,
    units: u64,
}

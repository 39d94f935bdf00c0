//! The tasks of this workspace, run as `cargo xtask TASK`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task tells what it does")]

mod additions;
mod bench;
mod defects;
mod digest;
mod dist;
mod fuzz;
mod live;
mod machine;
mod publish;
mod soak;
mod step;
mod suites;
mod swarm;
mod test;
mod timing;
mod truth;
mod unjudged;
mod vendors;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask TASK

  test    everything that must pass: what the machine needs, format, clippy, documentation, all tests,
          and that a debug and a release build give the same digest; live suites one at a time
          [--fast]: format, clippy and the quick suites, for every commit
  publish [--verify]: whether the crates that stand alone can be published; nothing is
  dist    [--target TRIPLE]: the archive of a release in target/dist, with its SHA-256 checksum
  live    [--times N] [--suite NAME]...: the live suites again and again, and how often each was green
  bench   the benchmarks, one after the other, in release
  swarm   [--seeds N] [--first-seed S]: drawn scenarios held to invariants, in release
  fuzz    [--seconds N] [--target NAME]...: each fuzzer for a minute, over the corpus in the tree
  soak    [--minutes N] [--seconds N] [--rps N] [--dev]: a gateway under load with reloads, slow readers and a
          dead provider: ten minutes at 300 requests a second, in release
  defects plants one defect after the other, and says which suite catches it
  additions  adds a strategy, a kind of fault, a setting, an arrival process, a metric and a format to a copy
          of the tree, each in the files that CONTRIBUTING.md counts, and holds that everything knows them
  truth   what theory expects of the simulator beside what came out, in release, and whether
          docs/SIMULATION.md has the same; with UPDATE_REFERENCE=1 it is written there
  vendors installs LiteLLM and LangChain, and holds that each raises for our errors what it raises for the
          vendors' own
  help    this text";

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let passed = match task.as_deref() {
        Some("test") => test::run(&arguments()),
        Some("publish") => publish::run(&arguments()),
        Some("dist") => dist::run(&arguments()),
        Some("bench") => bench::run(),
        Some("swarm") => swarm::run(&arguments()),
        Some("live") => live::run(&arguments()),
        Some("fuzz") => fuzz::run(&arguments()),
        Some("soak") => soak::run(&arguments()),
        Some("defects") => defects::run(),
        Some("additions") => additions::run(),
        Some("truth") => truth::run(),
        Some("vendors") => vendors::run(),
        Some("help" | "--help" | "-h") | None => {
            println!("{HELP}");
            true
        }
        Some(other) => {
            eprintln!("error: there is no task `{other}`\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What stands behind the task's name.
fn arguments() -> Vec<String> {
    std::env::args().skip(2).collect()
}

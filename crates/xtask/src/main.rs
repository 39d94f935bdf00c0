//! The tasks of this workspace, run as `cargo xtask TASK`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task tells what it does")]

mod bench;
mod defects;
mod digest;
mod machine;
mod step;
mod swarm;
mod test;
mod truth;
mod vendors;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask TASK

  test    everything that must pass: what the machine needs, format, clippy, documentation, all tests,
          and that a debug and a release build give the same digest
  bench   the benchmarks, one after the other, in release
  swarm   [--seeds N] [--first-seed S]: drawn scenarios held to invariants, in release
  defects plants one defect after the other, and says which suite catches it
  truth   what theory expects of the simulator beside what came out, in release, and whether
          docs/SIMULATION.md has the same; with UPDATE_REFERENCE=1 it is written there
  vendors installs LiteLLM and LangChain, and holds that each raises for our errors what it raises for the
          vendors' own
  help    this text";

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let passed = match task.as_deref() {
        Some("test") => test::run(),
        Some("bench") => bench::run(),
        Some("swarm") => swarm::run(&std::env::args().skip(2).collect::<Vec<_>>()),
        Some("defects") => defects::run(),
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

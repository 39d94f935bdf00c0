//! The tasks of this workspace, run as `cargo xtask TASK`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task tells what it does")]

mod bench;
mod digest;
mod machine;
mod step;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask TASK

  test    everything that must pass: what the machine needs, format, clippy, documentation, all tests,
          and that a debug and a release build give the same digest
  bench   the benchmarks, one after the other, in release
  help    this text";

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let passed = match task.as_deref() {
        Some("test") => test::run(),
        Some("bench") => bench::run(),
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

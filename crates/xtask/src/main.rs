//! The tasks of this workspace, run as `cargo xtask TASK`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task tells what it does")]

mod additions;
mod bench;
mod defects;
mod digest;
mod dist;
mod fleet;
mod fuzz;
mod litellm;
mod litellm_files;
mod live;
mod long_runs;
mod machine;
mod monitoring;
mod perf;
mod publish;
mod soak;
mod step;
mod suites;
mod swarm;
mod targets;
mod test;
mod timing;
mod truth;
mod unjudged;
mod vendors;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask TASK

  test    the full test suite: required tools, format, clippy, documentation, all tests, and that debug and
          release builds give the same digest; live suites run one at a time
          [--fast]: format, clippy and the quick suites, for every commit
  publish [--verify]: checks that the stand-alone crates can be published; publishes nothing
  dist    [--target TRIPLE]: builds a release archive in target/dist, with its SHA-256 checksum
  live    [--times N] [--suite NAME]...: repeats the live suites, and prints how often each passed
  bench   runs the benchmarks sequentially, in release mode
  perf    [--only ROW]... [--quick] [--turns N] [--cold]: measures Squall beside nginx, HAProxy and Envoy, in release mode, and
          writes docs/PERFORMANCE.md
          --profile sim|whole|stream: instructions by function, the top twenty
          --check: counts the instructions of the simulator, the router and the reader of streams by valgrind, and
          compares them with the committed counts, within 3 %; [--bless] commits those of this build
  arrivals [--rps N]... [--seconds N]: sends traffic of every arrival process at 50, 500 and 2,000 requests per second over
          loopback sockets, in release mode, and tells how far what arrives is from the law: ten minutes
  swarm   [--seeds N] [--first-seed S]: random scenarios, checked for invariants, in release mode
  fuzz    [--seconds N] [--target NAME]...: runs each fuzzer for a minute, starting from the corpus
  soak    [--minutes N] [--seconds N] [--rps N] [--dev]: a gateway under load with reloads, slow readers and a
          dead provider: ten minutes at 300 requests per second, in release mode
  long-runs  ten million requests, a day, a month and a year in virtual time, in release mode: memory and sizes of
          each must be within their limits, and times are printed
  fleet   [--dev] [--squall FILE] [--big]: simulates up to 100 replicas of the gateway that share a store, and writes the tables and the
          chart of docs/SCALE.md; --big runs 100,000 requests per second too
  defects activates one planted defect after the other, and prints which suite catches it
  additions  adds a strategy, a kind of fault, a setting, an arrival process, a metric and a format to a copy
          of the tree, each in the files listed in CONTRIBUTING.md, and verifies that all of them work
  monitoring [--dev]: installs Prometheus and Alertmanager, takes a gateway through outages under the rules of
          deploy/monitoring, and verifies that each alert fires and clears: seven minutes
  truth   compares the simulator with queueing theory, in release mode, and checks the tables in
          docs/SIMULATION.md; UPDATE_REFERENCE=1 rewrites them
  vendors installs LiteLLM and LangChain, and verifies that each raises the same exceptions for our errors
          as for the vendors' errors, and that their adapters (clients/python) work
  targets [NAME...] [--dev]: installs the ready-made targets, lets each check every export of the bundled
          scenarios, and runs a short scenario through each
  litellm [--dev] [--update] [--seeds N] [--only NAME]...: installs LiteLLM 1.110 and 1.80, and compares three outages through
          them with their simulation; --update rewrites the figures that the gate holds
  litellm-files [--bless]: installs LiteLLM, lets it read every configuration of its corpus
          (crates/litellm/tests/corpus), and compares what it makes of each with what we make of it
  help    this text";

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let passed = match task.as_deref() {
        Some("test") => test::run(&arguments()),
        Some("publish") => publish::run(&arguments()),
        Some("dist") => dist::run(&arguments()),
        Some("bench") => bench::run(),
        Some("arrivals") => bench::arrivals(&arguments()),
        Some("swarm") => swarm::run(&arguments()),
        Some("live") => live::run(&arguments()),
        Some("fleet") => fleet::run(&arguments()),
        Some("fuzz") => fuzz::run(&arguments()),
        Some("soak") => soak::run(&arguments()),
        Some("long-runs") => long_runs::run(),
        Some("defects") => defects::run(),
        Some("additions") => additions::run(),
        Some("monitoring") => monitoring::run(&arguments()),
        Some("perf") => perf::run(&arguments()),
        Some("truth") => truth::run(),
        Some("vendors") => vendors::run(),
        Some("litellm-files") => litellm_files::run(&arguments()),
        Some("targets") => targets::run(&arguments()),
        Some("litellm") => litellm::run(&arguments()),
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

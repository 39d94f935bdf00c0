//! `cargo xtask targets`: the ready-made targets, installed, with every export checked by the gateway that it is for, and
//! one short live run through each. They are large, so that the gate has nginx and HAProxy alone.

use crate::machine;
use crate::step::Steps;
use std::path::Path;
use std::process::{Command, Stdio};

/// Those that install from registries, in the order in which they run.
const TARGETS: [&str; 7] =
    ["nginx", "haproxy", "envoy", "squall", "litellm", "portkey", "tensorzero"];

/// The scenario of the short runs.
const SHORT: &str = "crates/target/tests/short.yaml";

/// Installs the targets named, or all, and tries them; with `--dev` by a debug build.
pub(crate) fn run(arguments: &[String]) -> bool {
    let (dev, arguments): (Vec<_>, Vec<_>) = arguments.iter().partition(|word| *word == "--dev");
    let unknown = arguments.iter().find(|name| !TARGETS.contains(&name.as_str()));
    if let Some(name) = unknown {
        eprintln!("error: there is no target `{name}` here: {}", TARGETS.join(", "));
        return false;
    }
    let named: Vec<&str> = arguments.iter().map(|name| name.as_str()).collect();
    let targets = if named.is_empty() { TARGETS.to_vec() } else { named };
    if !machine::prepare_to_build() {
        return false;
    }
    let Ok(root) = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize() else {
        eprintln!("error: the workspace is no longer where this task was built");
        return false;
    };
    let folder = root.join("target/targets").display().to_string();
    let variables = [("SQUALL_TARGETS", folder.as_str())];
    let mut steps = Steps::default();
    let profile = if dev.is_empty() { "release" } else { "dev" };
    let squall = ["run", "--quiet", "--locked", "--profile", profile, "-p", "squall", "--"];
    let install = [&squall[..], &["target", "install"], &targets].concat();
    let passed = steps.cargo(&install, &variables)
        && checks(&mut steps, &targets, &variables)
        && targets.iter().all(|target| {
            let out = format!("{folder}/runs/{target}");
            let run = [&squall[..], &["run", SHORT, "--target", target, "--out", &out]].concat();
            steps.step(&format!("a short run through {target}"), || short_run(&run, &variables))
        });
    steps.tell();
    passed
}

/// Runs a scenario; a machine that was too busy for a verdict is no fault of the target's.
fn short_run(arguments: &[&str], variables: &[(&str, &str)]) -> bool {
    const INCONCLUSIVE: i32 = 3;
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).envs(variables.iter().copied()).stdin(Stdio::null());
    command.status().is_ok_and(|status| matches!(status.code(), Some(0 | INCONCLUSIVE)))
}

/// The gateways that have a check, each with the suite that runs it over every export.
const CHECKS: [(&str, &str); 4] = [
    ("nginx", "validators"),
    ("haproxy", "validators"),
    ("envoy", "large_validators"),
    ("litellm", "large_validators"),
];

/// Every export, checked by the gateways that have a check.
fn checks(steps: &mut Steps, targets: &[&str], variables: &[(&str, &str)]) -> bool {
    CHECKS.iter().filter(|(name, _)| targets.contains(name)).all(|(name, suite)| {
        let test = format!("{name}_takes_every_export");
        steps.cargo(&["test", "--workspace", "--locked", "--test", suite, &test], variables)
    })
}

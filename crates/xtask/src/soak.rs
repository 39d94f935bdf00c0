//! `cargo xtask soak`: a gateway under load for minutes, in release; `crates/cli/benches/soak` says what it holds.

use crate::step::{self, Steps};

const MINUTES: u32 = 10;
const RPS: u32 = 300;

/// False if anything did not hold.
pub(crate) fn run(arguments: &[String]) -> bool {
    let (Some(minutes), Some(rps)) =
        (step::number(arguments, "--minutes", MINUTES), step::number(arguments, "--rps", RPS))
    else {
        return false;
    };
    let Some(seconds) = step::number(arguments, "--seconds", minutes.saturating_mul(60)) else {
        return false;
    };
    let (seconds, rps) = (seconds.to_string(), rps.to_string());
    let profile =
        if arguments.iter().any(|argument| argument == "--dev") { "dev" } else { "bench" };
    let bench =
        ["bench", "--locked", "--profile", profile, "--package", "squall", "--bench", "soak"];
    let mut steps = Steps::default();
    let passed =
        steps.cargo(&[&bench[..], &["--", "--seconds", &seconds, "--rps", &rps]].concat(), &[]);
    steps.tell();
    passed
}

//! `cargo xtask bench`: every benchmark in the tree, but those that take a task of their own.

use crate::step::Steps;

pub(crate) fn run() -> bool {
    let mut steps = Steps::default();
    let benches = [
        ("squall-router", "decision"),
        ("squall-sim", "hour"),
        ("squall-live", "lag"),
        ("squall", "provider"),
        ("squall", "gateway"),
        ("squall", "driver"),
    ];
    let passed = benches.iter().all(|(package, bench)| {
        steps.cargo(&["bench", "--quiet", "--package", package, "--bench", bench], &[])
    });
    steps.tell();
    passed
}

/// `cargo xtask arrivals`: whether what leaves the machine follows the law that was asked for.
pub(crate) fn arrivals(options: &[String]) -> bool {
    let bench = ["bench", "--locked", "--package", "squall-traffic", "--bench", "arrivals", "--"];
    let mut steps = Steps::default();
    let options = options.iter().map(String::as_str);
    let passed = steps.cargo(&bench.into_iter().chain(options).collect::<Vec<_>>(), &[]);
    steps.tell();
    passed
}

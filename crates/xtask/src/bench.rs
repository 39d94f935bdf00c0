//! `cargo xtask bench`: every benchmark in the tree.

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

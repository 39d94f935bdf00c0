//! `cargo xtask long-runs`: what long runs take, in release; `crates/cli/benches/long_runs` says what it holds.

use crate::step::Steps;

/// False if a run took more memory or disk than it may.
pub(crate) fn run() -> bool {
    let mut steps = Steps::default();
    let passed =
        steps.cargo(&["bench", "--locked", "--package", "squall", "--bench", "long_runs"], &[]);
    steps.tell();
    passed
}

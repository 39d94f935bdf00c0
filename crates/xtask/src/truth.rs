//! `cargo xtask truth`: the tables by which the simulator is judged, printed, and held against their page.

use crate::step::Steps;

const SUITES: [&str; 2] = ["ground_truth", "metastability"];

pub(crate) fn run() -> bool {
    let mut steps = Steps::default();
    let package = ["test", "--release", "--quiet", "--locked", "--package", "squall-tests"];
    let passed = SUITES.iter().all(|suite| {
        steps.cargo(&[&package[..], &["--test", suite, "--", "--nocapture"]].concat(), &[])
    });
    steps.tell();
    passed
}

//! `cargo xtask test`: the whole gate. `.ci/run` calls this and nothing else.

use crate::step::Steps;
use crate::{digest, machine};

/// Stops at the first step that fails.
pub(crate) fn run() -> bool {
    if !machine::prepare() {
        return false;
    }
    let mut steps = Steps::default();
    let passed = steps.cargo(&["fmt", "--all", "--check"], &[])
        && steps.cargo(
            &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
            &[],
        )
        && steps.cargo(
            &["doc", "--workspace", "--no-deps", "--locked", "--quiet"],
            &[("RUSTDOCFLAGS", "-D warnings")],
        )
        && steps.step("a debug and a release build give the same digest", digest::agree)
        && steps.cargo(&["test", "--workspace", "--locked"], &[]);
    steps.tell();
    passed
}

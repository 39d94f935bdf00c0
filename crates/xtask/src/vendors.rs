//! `cargo xtask vendors`: LiteLLM and LangChain beside the vendors' own clients, each of which must take our errors
//! for what it takes the vendors' for. They are large, so that the gate has the vendors' own clients alone.

use crate::machine;
use crate::step::Steps;

const TEST: &str = "our_errors_raise_in_every_client_what_the_vendors_own_bytes_raise";

/// Installs the judges if need be, and runs the test with all of them.
pub(crate) fn run() -> bool {
    let Some(python) = machine::environment("judges", "judges.txt") else { return false };
    let python = python.display().to_string();
    let mut steps = Steps::default();
    steps.cargo(
        &["test", "--locked", "-p", "squall", "--test", "clients", TEST],
        &[("SQUALL_JUDGES", &python)],
    )
}

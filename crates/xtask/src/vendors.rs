//! `cargo xtask vendors`: LiteLLM and LangChain beside the vendors' own clients, each of which must take our errors
//! for what it takes the vendors' for. They are large, so that the gate has the vendors' own clients alone.

use crate::machine;
use crate::step::Steps;

/// The second also runs the adapters of LangChain and LiteLLM, which the gate leaves out for the same reason.
const TESTS: [&str; 2] = [
    "our_errors_raise_in_every_client_what_the_vendors_own_bytes_raise",
    "the_pytest_fixture_finds_what_clients_do_wrong_and_nothing_else",
];

/// Installs the judges if need be, and runs the tests with all of them.
pub(crate) fn run() -> bool {
    let Some(python) = machine::environment("judges", "judges.txt") else { return false };
    let python = python.display().to_string();
    let mut steps = Steps::default();
    let test = ["test", "--locked", "-p", "squall", "--test", "clients", "--"];
    steps.cargo(&[&test[..], &TESTS].concat(), &[("SQUALL_JUDGES", &python)])
}

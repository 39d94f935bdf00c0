//! `cargo xtask swarm`: many drawn worlds, in release.

use crate::step::Steps;

/// How many seeds, if nobody says: ten times as many as the gate takes.
const SEEDS: &str = "3000";

pub(crate) fn run(arguments: &[String]) -> bool {
    let value = |name: &str, default: &str| {
        let place = arguments.iter().position(|argument| argument == name);
        let value = place.and_then(|place| arguments.get(place + 1));
        value.map_or_else(|| default.to_owned(), Clone::clone)
    };
    let (seeds, first) = (value("--seeds", SEEDS), value("--first-seed", "1"));
    let mut steps = Steps::default();
    let variables = [("SQUALL_SWARM_SEEDS", &*seeds), ("SQUALL_SWARM_FIRST", &*first)];
    let test = ["test", "--release", "--locked", "--package", "squall-tests", "--test", "swarm"];
    let passed = steps.cargo(&[&test[..], &["--", "--nocapture"]].concat(), &variables);
    steps.tell();
    passed
}

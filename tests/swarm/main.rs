//! Swarm runs: scenarios and configurations drawn at random, chaos, healing, and invariants from outside.
//!
//! `cargo xtask swarm --seeds 10000` runs many. A seed that fails is made smaller, printed with the line that
//! runs it again, and written into `target/swarm`; once it is mended, its file goes into `corpus/`, which runs
//! for ever.

#![expect(clippy::print_stdout, reason = "what was reached is to be read")]

mod draw;
mod invariants;
mod shrink;
mod states;

use squall_record::{JournalReader, Recording};
use squall_router::{Strategy, journal};
use squall_scenario::{Scenario, arrival_words, fault_samples};
use squall_sim::{SimOptions, simulate};
use states::States;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// How many seeds the gate takes.
const SEEDS: u64 = 300;
/// Fewer than so many need not have reached every state.
const ENOUGH: u64 = 300;

/// What a run came to.
struct Outcome {
    violations: Vec<String>,
    states: States,
    requests: u64,
}

#[expect(clippy::disallowed_methods, reason = "slow sweeps take their size from the environment")]
fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Runs a file, and looks at it from outside.
fn run(name: &str, text: &str) -> Outcome {
    let nothing = |violation: String| Outcome {
        violations: vec![violation],
        states: States::default(),
        requests: 0,
    };
    let scenario = match Scenario::read(name, text) {
        Ok(scenario) => scenario,
        Err(problems) => return nothing(format!("what was drawn cannot be read:\n{problems}")),
    };
    let simulated = catch_unwind(AssertUnwindSafe(|| simulate(&scenario, SimOptions::default())));
    let recording = match simulated {
        Ok(Ok(recording)) => recording,
        Ok(Err(error)) => return nothing(format!("the router refuses it: {error}")),
        Err(_) => return nothing("the simulator panicked".to_owned()),
    };
    let mut violations = invariants::violations(&scenario, &recording);
    violations.extend(replayed(&scenario, &recording));
    let mut states = States::default();
    states.count(&recording);
    Outcome { violations, states, requests: recording.requests.len() as u64 }
}

/// A fresh router, told the same, answers the same.
fn replayed(scenario: &Scenario, recording: &Recording) -> Option<String> {
    let bytes = recording.journal.as_deref().unwrap_or_default();
    let frames =
        JournalReader::new(bytes).and_then(JournalReader::frames).expect("it was just written");
    let changes = scenario.changes.iter().map(|change| change.router.clone());
    let replay = journal::replay(
        scenario.router.clone(),
        changes,
        scenario.seed,
        scenario.epoch_nanos(),
        frames,
    );
    replay.err().map(|error| format!("the replay differs: {error}"))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("swarm/corpus")
}

/// A seed that failed: made smaller, written down, told.
fn told(seed: u64, violations: &[String]) -> String {
    let world = draw::draw(seed);
    // Smaller worlds have to fail in the same way, and not in any.
    let wanted = violations.first().map(|violation| kind(violation));
    let smallest = shrink::shrink(world, |world| {
        let found = run("smaller.yaml", &world.write()).violations;
        found.iter().any(|violation| Some(kind(violation)) == wanted)
    });
    let text = smallest.write();
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("swarm");
    let path = out.join(format!("seed-{seed}.yaml"));
    let written = fs::create_dir_all(&out).and_then(|()| fs::write(&path, &text));
    let left = run("smallest.yaml", &text).violations;
    format!(
        "seed {seed}:\n  {}\nmade smaller ({}): squall run {} --sim\n  {}\nagain: cargo xtask swarm --first-seed \
         {seed} --seeds 1",
        violations.join("\n  "),
        if written.is_ok() { "written down" } else { "not written" },
        path.display(),
        left.join("\n  ")
    )
}

/// What a violation is about, whatever the numbers in it.
fn kind(violation: &str) -> String {
    violation.chars().filter(|c| !c.is_ascii_digit() && *c != '.').take(60).collect()
}

#[test]
fn whatever_is_drawn_keeps_every_invariant_and_every_state_is_reached() {
    let seeds = from_environment("SQUALL_SWARM_SEEDS", SEEDS);
    let first = from_environment("SQUALL_SWARM_FIRST", 1);
    let next = AtomicU64::new(first);
    let workers = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let work = || {
        let (mut states, mut failed, mut requests) = (States::default(), Vec::new(), 0);
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + seeds {
                return (states, failed, requests);
            }
            let outcome = run(&format!("seed-{seed}.yaml"), &draw::draw(seed).write());
            states.merge(outcome.states);
            requests += outcome.requests;
            if !outcome.violations.is_empty() {
                failed.push((seed, outcome.violations));
            }
        }
    };
    let (mut states, mut failed, mut requests) = (States::default(), Vec::new(), 0);
    thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        for worker in running {
            let (reached, seeds, count) = worker.join().expect("a worker panicked");
            states.merge(reached);
            failed.extend(seeds);
            requests += count;
        }
    });
    failed.sort_unstable();
    println!("{seeds} seeds, {requests} requests, {} failed", failed.len());
    states.lines().iter().for_each(|line| println!("{line}"));
    let told: Vec<_> = failed.iter().take(3).map(|(seed, why)| told(*seed, why)).collect();
    assert!(failed.is_empty(), "{} seeds failed\n\n{}", failed.len(), told.join("\n\n"));
    if seeds >= ENOUGH {
        let missing = states.missing();
        assert!(missing.is_empty(), "never reached: {}", missing.join(", "));
    }
}

#[test]
fn every_strategy_arrival_process_and_kind_of_fault_is_drawn() {
    let drawn: Vec<_> = (1..=SEEDS).map(|seed| draw::draw(seed).write()).collect();
    let strategies = Strategy::WORDS.iter().map(|word| format!("strategy: {word}\n"));
    let arrivals = arrival_words().iter().map(|word| format!("arrivals: {word}\n"));
    let faults = fault_samples().map(|sample| format!(", {}: {} }}", sample.kind, sample.value));
    let missing: Vec<_> = strategies
        .chain(arrivals)
        .chain(faults)
        .filter(|line| !drawn.iter().any(|file| file.contains(line)))
        .collect();
    assert!(missing.is_empty(), "{SEEDS} seeds never draw: {}", missing.join("; "));
}

#[test]
fn what_once_failed_holds_for_ever() {
    for entry in fs::read_dir(folder()).expect("the corpus is there").flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            let text = fs::read_to_string(&path).expect("it can be read");
            let violations = run(&path.display().to_string(), &text).violations;
            assert!(violations.is_empty(), "{}: {}", path.display(), violations.join("\n"));
        }
    }
}

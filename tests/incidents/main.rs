//! The library of incidents: each comes out as it says, at several seeds, and a router without retries, cooldowns
//! and fallbacks comes to grief in each. Two of them run over sockets, in `incidents_live`.

use squall_determinism::Seed;
use squall_judge::judge;
use squall_record::{Recording, RowRetention};
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate};
use std::fs;
use std::path::Path;

/// The page that lists them.
const PAGE: &str = include_str!("../../docs/INCIDENTS.md");

/// Every incident: its name and its text.
fn incidents() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/incidents");
    let mut found: Vec<_> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").path())
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("it can be read"))
        })
        .collect();
    found.sort();
    found
}

fn read(name: &str, text: &str) -> Scenario {
    Scenario::read(name, text).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn simulated(scenario: &Scenario) -> Recording {
    simulate(scenario, SimOptions { keep: RowRetention::Cells, journal: false }).expect("it runs")
}

/// What did not come out as expected.
fn missed(scenario: &Scenario, recording: &Recording) -> Vec<String> {
    let verdict = judge(scenario, recording);
    let rows = verdict.rows.iter().filter(|row| !row.is_met());
    rows.map(|row| format!("{}: {}", row.text, row.reason)).collect()
}

/// How many seeds each is run with; `SQUALL_INCIDENT_SEEDS` says more.
#[expect(
    clippy::disallowed_methods,
    reason = "a slow sweep takes its seed count from the environment"
)]
fn seeds() -> u64 {
    let seeds = std::env::var("SQUALL_INCIDENT_SEEDS").ok();
    seeds.and_then(|seeds| seeds.parse().ok()).unwrap_or(5)
}

#[test]
fn each_comes_out_as_it_says_at_every_seed() {
    let mut all = Vec::new();
    for (name, text) in incidents() {
        let mut scenario = read(&name, &text);
        for seed in 7..7 + seeds() {
            scenario.set_seed(Seed::new(seed));
            let missed = missed(&scenario, &simulated(&scenario));
            all.extend(missed.into_iter().map(|row| format!("{name}, seed {seed}: {row}")));
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// The same with a router that asks once, and asks whoever the weights say.
fn unprotected(text: &str) -> String {
    let kept = text.lines().filter(|line| {
        let line = line.trim_start();
        !["cooldown:", "fallback:", "health_checks:", "when_unavailable:"]
            .iter()
            .any(|key| line.starts_with(key))
    });
    let text = kept.collect::<Vec<_>>().join("\n");
    text.replacen("\nrouter:\n", "\nrouter:\n  retries: 0\n  cooldown: never\n", 1)
}

#[test]
fn none_is_survived_by_a_router_without_protection() {
    for (name, text) in incidents() {
        let scenario = read(&name, &unprotected(&text));
        let missed = missed(&scenario, &simulated(&scenario));
        assert!(!missed.is_empty(), "{name} comes out as it says without any protection");
    }
}

#[test]
fn there_are_at_least_ten_and_each_has_its_source_and_its_lesson() {
    let all = incidents();
    assert!(all.len() >= 10, "{} incidents", all.len());
    for (name, text) in all {
        let comment: String =
            text.lines().take_while(|line| line.starts_with('#')).collect::<Vec<_>>().join(" ");
        assert!(comment.contains("Source: "), "{name} has no source");
        assert!(comment.contains("ere "), "{name} does not say how its time is scaled");
        let scenario = read(&name, &text);
        assert_eq!(scenario.name, name);
        let description = scenario.description.unwrap_or_default();
        assert!(description.starts_with("Lesson: "), "{name}: {description}");
        assert!(scenario.expectations.len() >= 2, "{name} expects too little");
        let lesson = description.trim_start_matches("Lesson: ");
        let row = PAGE.lines().find(|line| line.contains(&format!("[{name}]")));
        let row = row.unwrap_or_else(|| panic!("{name} is not in docs/INCIDENTS.md"));
        assert!(row.contains(lesson), "docs/INCIDENTS.md has another lesson for {name}");
    }
}

//! Three outages, at a constant rate and with clients that ask again, beside an installed LiteLLM of each version:
//! `measured.json` is what `cargo xtask litellm --update` measured last, and the scenarios are those that it ran.

use crate::figures::Figures;
use serde_json::Value;

const FACTS: &str = include_str!("measured.json");
const SCENARIOS: [(&str, &str); 6] = [
    ("errors-open", include_str!("errors-open.yaml")),
    ("errors-closed", include_str!("errors-closed.yaml")),
    ("hang-open", include_str!("hang-open.yaml")),
    ("hang-closed", include_str!("hang-closed.yaml")),
    ("throttled-open", include_str!("throttled-open.yaml")),
    ("throttled-closed", include_str!("throttled-closed.yaml")),
];

/// A figure: its key, what it is of a run, and how far from the simulation it may be: of the nearest seed, and by
/// itself.
type Compared = (&'static str, fn(&Figures) -> f64, f64, f64);

/// The bands that the task states.
const COMPARED: [Compared; 3] = [
    ("failed_percent", |run| run.failed, 0.15, 5.0),
    ("attempts_per_request", |run| run.attempts, 0.15, 0.0),
    // One cooldown, which begins anew with each failed call.
    ("back_after_seconds", |run| run.back, 0.15, 5.0),
];

fn rows() -> Vec<Value> {
    let facts: Value = serde_json::from_str(FACTS).expect("JSON");
    facts["rows"].as_array().expect("rows").clone()
}

#[test]
fn every_outage_is_measured_of_both_versions() {
    let rows = rows();
    for profile in ["litellm-1.80", "litellm-1.110"] {
        for (name, _) in SCENARIOS {
            let is_it = |row: &&Value| row["outage"] == name && row["profile"] == profile;
            assert_eq!(rows.iter().filter(is_it).count(), 1, "{name}, {profile}");
        }
    }
}

#[test]
fn the_real_one_is_within_the_stated_bands_of_its_simulation() {
    let mut outside = Vec::new();
    for row in rows() {
        let (name, profile) = (row["outage"].as_str(), row["profile"].as_str().unwrap_or_default());
        let found = SCENARIOS.iter().find(|(scenario, _)| Some(*scenario) == name);
        let (name, text) = found.expect("a scenario");
        let runs: Vec<Figures> = (1..=20)
            .map(|seed| {
                let text = text
                    .replace("seed: 1\n", &format!("seed: {seed}\n"))
                    .replace("profile: litellm-1.110", &format!("profile: {profile}"));
                Figures::simulated(&text, 10, 24)
            })
            .collect();
        for (key, of, relative, absolute) in COMPARED {
            let measured = row[key].as_f64().expect("a number");
            let low = runs.iter().map(of).fold(f64::INFINITY, f64::min);
            let high = runs.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
            let room = |edge: f64| (edge.abs() * relative).max(absolute);
            if measured < low - room(low) || measured > high + room(high) {
                outside.push(format!(
                    "{name}, {profile}: {key} {measured} beside {low:.2}..{high:.2}"
                ));
            }
        }
    }
    assert!(outside.is_empty(), "{}", outside.join("\n"));
}

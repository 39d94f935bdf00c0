//! Whether two sets of runs met the same conditions: the same traffic, phases and providers. What the router does is what
//! is compared, and may differ.

use super::RunSet;
use squall_scenario::{Effective, SettingDifference};

/// What differs between the conditions and the configurations of two sets of runs.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RunConditions {
    /// What makes them incomparable, a line each; empty where they can be compared.
    pub barred: Vec<String>,
    /// What is compared: path, reference, candidate.
    pub changed: Vec<[String; 3]>,
    /// What differs and matters to no figure.
    pub notes: Vec<String>,
}

/// The settings that make the conditions of a run, by the first part of their path.
const CONDITIONS: [&str; 5] = ["phases", "start", "warm_up", "traffic", "providers"];
/// Those that say nothing of either.
const NAMES: [&str; 3] = ["name", "description", "seed"];

/// What differs between two sets of runs.
#[must_use]
pub fn conditions_differ(reference: &RunSet, candidate: &RunSet) -> RunConditions {
    let mut found = RunConditions::default();
    if reference.duration != candidate.duration {
        let seconds = |set: &RunSet| set.duration.as_secs_f64();
        let (before, after) = (seconds(reference), seconds(candidate));
        found.barred.push(format!(
            "duration: {before} s in the reference, {after} s in `{}`",
            candidate.label
        ));
    }
    if reference.mode != candidate.mode {
        let (before, after) = (reference.mode.as_str(), candidate.mode.as_str());
        found.notes.push(format!(
            "the reference is {before} and `{}` {after}: latency of network and gateway is in live runs alone",
            candidate.label
        ));
    }
    let of = |set: &RunSet| set.text.as_deref().map(|text| effective(&set.scenario, text));
    match (of(reference), of(candidate)) {
        (Some(Ok(before)), Some(Ok(after))) => {
            before.differences(&after).into_iter().for_each(|each| found.sort_in(each));
        }
        (Some(Err(problem)), _) | (_, Some(Err(problem))) => found.barred.push(problem),
        (None, _) | (_, None) => {
            let note = "the text of a scenario was not kept: whether traffic, phases and providers are the same is not known";
            found.notes.push(note.to_owned());
        }
    }
    found
}

fn effective(name: &str, text: &str) -> Result<Effective, String> {
    Effective::of_recorded_scenario(name, text).map_err(|error| {
        format!("the scenario `{name}` of one of them cannot be read by this version: {error}")
    })
}

impl RunConditions {
    fn sort_in(&mut self, difference: SettingDifference) {
        let SettingDifference { path, before, after } = difference;
        let first = path.split('.').next().unwrap_or(&path);
        let is_there = before.is_some() && after.is_some();
        let told = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
        let (before, after) = (told(&before), told(&after));
        // A provider that only one has is a part of its configuration; one that both have must behave alike.
        let is_provider = first == "providers" && path.matches('.').count() == 1 && !is_there;
        if NAMES.contains(&first) || path.ends_with(".listen") {
        } else if first == "expect" {
            let note =
                "they have other expectations; figures that one of them lacks are not compared";
            if !self.notes.iter().any(|other| other == note) {
                self.notes.push(note.to_owned());
            }
        } else if CONDITIONS.contains(&first) && !is_provider {
            self.barred
                .push(format!("{path}: {before} in the reference, {after} in the candidate"));
        } else {
            self.changed.push([path, before, after]);
        }
    }
}

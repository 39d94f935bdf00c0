//! What a run came to during its outage, from its recording.

use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The outage of every scenario, in seconds.
const BEGINS: f64 = 10.0;
const ENDS: f64 = 24.0;

/// What of a run is compared.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    /// Requests of the outage, and the failed ones in percent.
    pub(super) requests: usize,
    pub(super) failed: f64,
    /// Attempts for each request.
    pub(super) attempts: f64,
    /// When the deployment was called again, in seconds after the end of its outage.
    pub(super) back: f64,
    /// Why the run is not to be relied on, if so.
    pub(super) doubts: Option<String>,
}

/// A figure that is compared, and how far from the simulation it may be.
pub(super) struct Compared {
    pub(super) name: &'static str,
    pub(super) of: fn(&Figures) -> f64,
    /// Of the nearest simulated one, in percent, and by itself.
    relative: f64,
    absolute: f64,
}

/// The bands in words.
pub(super) const BANDS: &str = "within the range of the seeds, or 15 % of it; the share that failed within 5 points; the return \
     within one cooldown of 5 s, which begins anew with each failed call, so that it may end at any moment";

pub(super) const COMPARED: [Compared; 3] = [
    Compared { name: "failed", of: |run| run.failed, relative: 0.15, absolute: 5.0 },
    Compared { name: "calls", of: |run| run.attempts, relative: 0.15, absolute: 0.0 },
    Compared { name: "back", of: |run| run.back, relative: 0.15, absolute: 5.0 },
];

impl Compared {
    /// Whether a measured figure is near enough to simulated ones.
    pub(super) fn holds(&self, measured: f64, simulated: &[f64]) -> bool {
        let (low, _, high) = spread(simulated);
        let room = |edge: f64| (edge.abs() * self.relative).max(self.absolute);
        measured >= low - room(low) && measured <= high + room(high)
    }
}

/// The least, the median and the greatest.
pub(super) fn spread(figures: &[f64]) -> (f64, f64, f64) {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |place: usize| sorted.get(place).copied().unwrap_or_default();
    (at(0), at(sorted.len() / 2), at(sorted.len().saturating_sub(1)))
}

impl Figures {
    /// Those of the recording in a folder; `None`, once that is said, if it cannot be read.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let requests = rows(&folder.join("requests.csv"), ["outcome", "intended_ns"])?;
        let attempts = rows(&folder.join("attempts.csv"), ["deployment", "started_ns"])?;
        let during = |(_, at): &&(String, f64)| (BEGINS..ENDS).contains(at);
        let of_outage: Vec<_> = requests.iter().filter(during).collect();
        let failed = of_outage.iter().filter(|(outcome, _)| outcome != "succeeded").count();
        let mut back: Vec<f64> = attempts
            .iter()
            .filter(|(deployment, at)| deployment == "large" && *at >= ENDS)
            .map(|(_, at)| at - ENDS)
            .collect();
        back.sort_by(f64::total_cmp);
        let number = of_outage.len();
        Some(Self {
            requests: number,
            failed: failed as f64 * 100.0 / number.max(1) as f64,
            attempts: attempts.iter().filter(during).count() as f64 / number.max(1) as f64,
            back: back.first().copied().unwrap_or(f64::INFINITY),
            doubts: doubts(&folder.join("summary.json")),
        })
    }

    pub(super) fn to_json(&self) -> Value {
        let rounded = |figure: f64| (figure * 100.0).round() / 100.0;
        json!({
            "requests": self.requests,
            "failed_percent": rounded(self.failed),
            "attempts_per_request": rounded(self.attempts),
            "back_after_seconds": rounded(self.back),
            "in_doubt": self.doubts,
        })
    }
}

/// A text and a time in seconds of every row of a table.
fn rows(path: &Path, columns: [&str; 2]) -> Option<Vec<(String, f64)>> {
    let Ok(text) = fs::read_to_string(path) else {
        eprintln!("error: {} cannot be read", path.display());
        return None;
    };
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next()?.split(',').collect();
    let places = columns.map(|name| head.iter().position(|column| *column == name));
    let [Some(what), Some(when)] = places else { return None };
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let nanos: f64 = cells.get(when)?.parse().ok()?;
        Some(((*cells.get(what)?).to_owned(), nanos / 1e9))
    };
    lines.map(row).collect()
}

/// The first reason for which a run is no evidence.
fn doubts(summary: &Path) -> Option<String> {
    let summary: Value = serde_json::from_str(&fs::read_to_string(summary).ok()?).ok()?;
    let problems = summary["validity_problems"].as_array()?;
    let first = problems.first()?;
    Some(first.as_str().map_or_else(|| first.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_is_the_range_of_the_seeds_and_some_room() {
        let [failed, calls, _] = COMPARED;
        assert!(failed.holds(22.0, &[10.0, 17.0]) && !failed.holds(22.5, &[10.0, 17.0]));
        assert!(calls.holds(1.7, &[1.2, 1.5]) && !calls.holds(1.8, &[1.2, 1.5]));
        assert!(!calls.holds(1.0, &[1.2, 1.5]));
    }
}

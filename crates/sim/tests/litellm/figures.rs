//! What a run came to during an outage of its first deployment.

use squall_determinism::Timestamp;
use squall_record::{AttemptRow, Recording, RequestOutcome, RequestRow};
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate};

#[derive(Debug)]
pub(crate) struct Figures {
    /// Requests, of those the failed ones in percent, and attempts for each.
    pub(crate) requests: usize,
    pub(crate) failed: f64,
    pub(crate) attempts: f64,
    /// Attempts at the deployment that is down.
    pub(crate) at_the_dead: usize,
    /// When the last request failed, in seconds after the beginning; 0 for none.
    pub(crate) until: f64,
    /// When the deployment was called again, in seconds after the end.
    pub(crate) back: f64,
}

impl Figures {
    /// Those of a scenario whose outage is from one second to another.
    pub(crate) fn simulated(text: &str, began: u64, over: u64) -> Self {
        let scenario = Scenario::read("outage.yaml", text)
            .unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
        let recording = simulate(&scenario, SimOptions::default()).expect("it runs");
        Self::of(&recording, began, over)
    }

    fn of(recording: &Recording, began: u64, over: u64) -> Self {
        let outage = Timestamp::from_secs(began)..Timestamp::from_secs(over);
        let requests: Vec<&RequestRow> =
            recording.requests.iter().filter(|row| outage.contains(&row.intended)).collect();
        let attempts: Vec<&AttemptRow> =
            recording.attempts.iter().filter(|row| outage.contains(&row.started)).collect();
        let failed: Vec<_> = requests
            .iter()
            .filter(|row| matches!(row.outcome, RequestOutcome::Failed { .. }))
            .collect();
        let until = failed.iter().map(|row| row.ended.as_secs_f64()).fold(0.0, f64::max);
        let mut later = recording.attempts.iter().filter(|row| row.started >= outage.end);
        let back = later.find(|row| row.deployment == 0);
        Self {
            requests: requests.len(),
            failed: failed.len() as f64 * 100.0 / requests.len() as f64,
            attempts: attempts.len() as f64 / requests.len() as f64,
            at_the_dead: attempts.iter().filter(|row| row.deployment == 0).count(),
            until: (until - began as f64).max(0.0),
            back: back.map_or(f64::INFINITY, |row| row.started.as_secs_f64()) - over as f64,
        }
    }
}

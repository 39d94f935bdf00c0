//! What the script of the page works on: the numbers of the charts, and each request with its attempts as far as they
//! have room.

use crate::charts::{ChartData, chart_data};
use serde::Serialize;
use squall_determinism::Timestamp;
use squall_record::{AttemptOutcome, AttemptRow, Recording, RequestOutcome, RequestRow};
use squall_scenario::Scenario;
use std::time::Duration;

/// How many requests and attempts a page holds: about half a megabyte. Of a longer run it tells where its rows are.
const ROWS: usize = 14_000;

/// The data of a page.
#[derive(Debug, Serialize)]
struct PageData<'a> {
    #[serde(flatten)]
    charts: ChartData,
    /// The second of the day at which the run begins, where the scenario says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<f64>,
    groups: &'a [String],
    deployments: Vec<&'a str>,
    /// By intended send time; none where there are too many.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<PageRequest>>,
}

/// A request: its number, its group, when it was to be sent and how long it took in milliseconds, how it ended, the
/// status, and its attempts.
type PageRequest = (u64, u16, f64, f64, &'static str, u16, Vec<PageAttempt>);

/// An attempt: its deployment, its start and its duration in milliseconds, how it ended, and the status.
type PageAttempt = (u16, f64, f64, &'static str, u16);

/// The data of a page as JSON that may stand within a page.
pub(crate) fn page_data(scenario: &Scenario, recording: &Recording) -> String {
    let header = &recording.header;
    let data = PageData {
        charts: chart_data(scenario, recording),
        clock: scenario.start.map(|start| {
            let second = start.clock_after(Duration::ZERO).second_of_day;
            f64::from(second) + (start.nanos % 1_000_000_000) as f64 / 1e9
        }),
        groups: &header.groups,
        deployments: header.deployments.iter().map(|info| info.name.as_str()).collect(),
        rows: rows(recording),
    };
    // `</script>` in a name would end the data.
    serde_json::to_string(&data).unwrap_or_default().replace('<', "\\u003c")
}

fn rows(recording: &Recording) -> Option<Vec<PageRequest>> {
    let (requests, attempts) = (&recording.requests, &recording.attempts);
    if requests.is_empty() || requests.len() + attempts.len() > ROWS {
        return None;
    }
    let mut attempts: Vec<_> = attempts.iter().filter(|row| row.request.is_some()).collect();
    attempts.sort_by_key(|row| (row.request, row.ordinal));
    let mut rows: Vec<_> = requests.iter().map(|row| request(row, &attempts)).collect();
    rows.sort_by(|one, other| one.2.total_cmp(&other.2));
    Some(rows)
}

fn request(row: &RequestRow, attempts: &[&AttemptRow]) -> PageRequest {
    let from = attempts.partition_point(|attempt| attempt.request < Some(row.request));
    let own = attempts[from..].iter().take_while(|attempt| attempt.request == Some(row.request));
    let outcome = match row.outcome {
        RequestOutcome::Succeeded => "succeeded",
        RequestOutcome::Failed { class, .. } => class.as_str(),
        RequestOutcome::GaveUp => "abandoned",
        RequestOutcome::Unfinished => "unfinished",
    };
    let (at, lasted) = (millis(row.intended), millis(row.ended) - millis(row.intended));
    let own = own.map(|row| attempt(row)).collect();
    (row.request, row.group, at, tenths(lasted), outcome, row.status, own)
}

fn attempt(row: &AttemptRow) -> PageAttempt {
    let outcome = match row.outcome {
        AttemptOutcome::Succeeded => "succeeded",
        AttemptOutcome::Failed { class } => class.as_str(),
        AttemptOutcome::Abandoned => "abandoned",
        AttemptOutcome::Unfinished => "unfinished",
    };
    let (at, lasted) = (millis(row.started), millis(row.ended) - millis(row.started));
    (row.deployment, at, tenths(lasted), outcome, row.status)
}

/// Milliseconds to a tenth.
fn millis(time: Timestamp) -> f64 {
    tenths(time.as_nanos() as f64 / 1e6)
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_testkit::by_hand::{Fixture, answered, at};

    #[test]
    fn each_request_has_its_attempts_and_no_name_ends_the_data() {
        let mut run = Fixture::new();
        run.header.deployments[0].name = "</script>".to_owned();
        run.requests(0..10_000, 3, RequestOutcome::Succeeded);
        for request in 0..3 {
            run.attempt(AttemptRow { request: Some(request), ..answered(0, at(request * 3_000)) });
        }
        let recording = run.recording();
        assert!(!page_data(&run.scenario, &recording).contains('<'));
        let rows = rows(&recording).unwrap();
        assert_eq!(rows.len(), 3);
        assert!(rows.iter().all(|row| row.6.len() == 1), "{rows:?}");
    }
}

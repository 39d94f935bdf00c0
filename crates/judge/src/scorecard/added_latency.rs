//! What a gateway adds to an answer: of each request that took one attempt, its time as the client saw it less the time
//! that its attempt took at the provider. Both are of the same clock, and of the same request, so that no second run
//! without the gateway is needed, whose answers would be others.
//!
//! Taken in the first phase of the traffic, in which all is well: whatever is added then is the way there and back.

use super::score_value::ScoreValue;
use squall_record::{AttemptOutcome, Recording, RequestOutcome, RequestRow};
use squall_scenario::Scenario;
use std::collections::BTreeMap;
use std::time::Duration;

/// With fewer requests a percentile is chance.
const MINIMUM: usize = 100;

/// A percentile of it in seconds, as a part of one.
pub(super) fn added_latency(
    scenario: &Scenario,
    recording: &Recording,
    percentile: f64,
) -> ScoreValue {
    let Some(phase) = scenario.phases.first() else {
        return ScoreValue::Unknown("no phase in which all is well".to_owned());
    };
    let at_provider = times_at_provider(recording);
    let is_meant = |row: &&RequestRow| {
        row.outcome == RequestOutcome::Succeeded && phase.start <= row.sent && row.ended < phase.end
    };
    let added = |row: &RequestRow| {
        let at_provider = (*at_provider.get(&row.request)?)?;
        Some(row.ended.since(row.sent).saturating_sub(at_provider).as_secs_f64())
    };
    let mut added: Vec<_> = recording.requests.iter().filter(is_meant).filter_map(added).collect();
    if added.len() < MINIMUM {
        let seen = added.len();
        return ScoreValue::Unknown(format!(
            "{seen} requests of one known attempt in the first phase, but at least {MINIMUM} are required"
        ));
    }
    added.sort_by(f64::total_cmp);
    let place = (added.len() as f64 * percentile) as usize;
    ScoreValue::Value(added[place.min(added.len() - 1)])
}

/// How long the attempt of each request took at its provider; `None` if it had several, or did not succeed.
fn times_at_provider(recording: &Recording) -> BTreeMap<u64, Option<Duration>> {
    let mut times = BTreeMap::new();
    for row in &recording.attempts {
        let Some(request) = row.request else { continue };
        let succeeded = row.outcome == AttemptOutcome::Succeeded;
        let time = succeeded.then(|| row.ended.since(row.started));
        times.entry(request).and_modify(|time| *time = None).or_insert(time);
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_record::AttemptRow;
    use squall_testkit::by_hand::{Fixture, answered, at};

    /// A request each 100 ms whose attempt takes 400 ms; what comes before and after it is drawn from `added`.
    fn run(requests: u64, attempts: usize, added: impl Fn(u64) -> u64) -> Recording {
        let mut run = Fixture::new();
        run.requests(0..requests * 100, requests, RequestOutcome::Succeeded);
        let mut recording = run.recording();
        recording.attempts.clear();
        for (number, row) in (0..).zip(&mut recording.requests) {
            let sent = at(number * 100);
            (row.request, row.sent, row.intended) = (number, sent, sent);
            row.ended = at(number * 100 + 400 + added(number));
            for ordinal in 0..attempts {
                let attempt = answered(0, sent);
                let ordinal = u16::try_from(ordinal).expect("few");
                recording.attempts.push(AttemptRow { request: Some(number), ordinal, ..attempt });
            }
        }
        recording
    }

    fn value(recording: &Recording, percentile: f64) -> ScoreValue {
        added_latency(&Fixture::new().scenario, recording, percentile)
    }

    #[test]
    fn it_is_what_the_client_waited_beyond_the_provider() {
        // 1 ms for all but every twentieth, which has 30.
        let recording = run(150, 1, |number| if number % 20 == 0 { 30 } else { 1 });
        let near = |value: ScoreValue, millis: f64| match value {
            ScoreValue::Value(seconds) => {
                assert!((seconds * 1e3 - millis).abs() < 1e-6, "{seconds}")
            }
            other => panic!("{other:?}"),
        };
        near(value(&recording, 0.5), 1.0);
        near(value(&recording, 0.99), 30.0);
    }

    #[test]
    fn requests_of_several_attempts_and_few_requests_tell_nothing() {
        let told = |recording| match value(&recording, 0.5) {
            ScoreValue::Unknown(why) => why,
            other => panic!("{other:?}"),
        };
        assert!(told(run(150, 2, |_| 1)).starts_with("0 requests of one known attempt"));
        assert!(told(run(20, 1, |_| 1)).starts_with("20 requests"));
    }
}

//! Cells count what rows say, each in its own tick.

use super::*;
use crate::SeenBy;
use squall_failure::{FailureClass, FailureSource};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn request(intended: u64, ended: u64, outcome: RequestOutcome) -> RequestRow {
    RequestRow {
        request: 0,
        group: 0,
        kind: 0,
        intended: at(intended),
        sent: at(intended),
        first_token: Some(at(intended + 100)),
        ended: at(ended),
        stream: true,
        input_tokens: 10,
        output_tokens: 10,
        received_tokens: 10,
        outcome,
        status: 200,
        answer: crate::AnswerSeen::WHOLE,
        calls: 1,
    }
}

fn attempt(started: u64, ended: u64, retry_after: Option<u64>) -> AttemptRow {
    let throttled = AttemptOutcome::Failed { class: FailureClass::Throttled };
    AttemptRow {
        request: Some(0),
        ordinal: 0,
        deployment: 0,
        seen_by: SeenBy::Provider,
        started: at(started),
        first_token: None,
        ended: at(ended),
        outcome: if retry_after.is_some() { throttled } else { AttemptOutcome::Succeeded },
        status: if retry_after.is_some() { 429 } else { 200 },
        retry_after: retry_after.map(Duration::from_millis),
        fault: None,
        limit: None,
        stream: false,
        input_tokens: 10,
        output_tokens: 20,
    }
}

fn cells() -> TimeSeries {
    TimeSeries::new(SeriesLayout { groups: 1, deployments: 1, kinds: 2 })
}

#[test]
fn a_request_counts_where_it_was_intended_and_is_answered_where_it_ended() {
    let mut cells = cells();
    cells.request(&request(150, 2_250, RequestOutcome::Succeeded));
    cells.close();
    let ticks: Vec<_> = cells.groups[0].ticks().collect();
    let [(1, intended), (22, ended)] = ticks[..] else { panic!("{ticks:?}") };
    assert_eq!((intended.arrived, intended.succeeded, intended.answered), (1, 1, 0));
    assert_eq!((ended.arrived, ended.answered), (0, 1));
    assert_eq!(cells.groups[0].end(), at(2_300));
}

#[test]
fn what_the_run_cut_off_is_not_lost() {
    let mut cells = cells();
    cells.request(&request(0, 500, RequestOutcome::Unfinished));
    let failed =
        RequestOutcome::Failed { class: FailureClass::Server, source: FailureSource::Provider };
    cells.request(&request(0, 500, failed));
    cells.close();
    let sum = cells.groups[0].sum(Timestamp::ZERO..Timestamp::MAX);
    assert_eq!((sum.arrived, sum.unfinished, sum.lost), (2, 1, 1));
    assert_eq!(sum.failed[usize::from(FailureClass::Server.code())], 1);
}

#[test]
fn a_window_takes_the_ticks_that_begin_in_it() {
    let mut cells = cells();
    for intended in [900, 1_000, 1_950, 2_000] {
        cells.request(&request(intended, intended + 10, RequestOutcome::Succeeded));
    }
    cells.close();
    assert_eq!(cells.groups[0].sum(at(1_000)..at(2_000)).arrived, 2);
    assert_eq!(
        cells.groups[0].sum(at(9_000)..at(1_000)).arrived,
        0,
        "nothing is in an empty window"
    );
}

#[test]
fn latencies_survive_the_closing_of_their_second() {
    let mut cells = cells();
    for second in 0..200 {
        for extra in [100, 200, 300] {
            let intended = second * 1_000;
            cells.request(&request(intended, intended + extra, RequestOutcome::Succeeded));
        }
    }
    cells.request(&request(0, 5_000, RequestOutcome::Succeeded));
    cells.close();
    let first = cells.groups[0].latency.window(at(0)..at(1_000));
    assert_eq!(first.len(), 4);
    assert!((4_900_000..5_100_000).contains(&first.max()), "{}", first.max());
    let median = cells.groups[0].latency.window(at(0)..at(200_000)).value_at_quantile(0.5);
    assert!((198_000..202_000).contains(&median), "{median}");
}

#[test]
fn an_attempt_within_retry_after_breaks_it_once() {
    let mut cells = cells();
    cells.attempt(&attempt(0, 10, Some(1_000)), Duration::ZERO);
    cells.attempt(&attempt(500, 600, None), Duration::ZERO);
    cells.attempt(&attempt(600, 700, None), Duration::ZERO);
    cells.close();
    let sum = cells.deployments[0].sum(Timestamp::ZERO..Timestamp::MAX);
    assert_eq!((sum.asked_to_wait, sum.did_not_wait), (1, 1));
}

#[test]
fn an_attempt_begun_before_the_429_arrived_is_exempt() {
    let mut cells = cells();
    cells.attempt(&attempt(0, 10, Some(1_000)), Duration::ZERO);
    cells.attempt(&attempt(5, 600, None), Duration::ZERO);
    cells.attempt(&attempt(30, 700, None), Duration::ZERO);
    cells.attempt(&attempt(1_010, 1_700, None), Duration::ZERO);
    cells.close();
    assert_eq!(cells.deployments[0].sum(Timestamp::ZERO..Timestamp::MAX).did_not_wait, 0);
}

#[test]
fn an_attempt_begun_while_the_servers_stalled_is_exempt() {
    let stalled = Duration::from_millis(40);
    let broken = |next: u64| {
        let mut cells = cells();
        cells.attempt(&attempt(0, 10, Some(1_000)), stalled);
        cells.attempt(&attempt(next, 700, None), stalled);
        cells.close();
        cells.deployments[0].sum(Timestamp::ZERO..Timestamp::MAX).did_not_wait
    };
    assert_eq!((broken(75), broken(76)), (0, 1));
}

#[test]
fn a_long_wait_outlives_a_short_one_that_came_later() {
    let mut cells = cells();
    cells.attempt(&attempt(999, 1_000, Some(60_000)), Duration::ZERO);
    cells.attempt(&attempt(1_010, 2_000, Some(100)), Duration::ZERO);
    cells.attempt(&attempt(30_000, 30_001, None), Duration::ZERO);
    cells.close();
    assert_eq!(cells.deployments[0].sum(Timestamp::ZERO..Timestamp::MAX).did_not_wait, 1);
}

#[test]
fn waits_that_overlap_are_one_stretch() {
    let mut cells = cells();
    for (ended, wait) in [(1_000, 500), (1_200, 500), (5_000, 100)] {
        cells.attempt(&attempt(ended - 1, ended, Some(wait)), Duration::ZERO);
    }
    let stretches: Vec<_> = cells.deployments[0].embargoed().collect();
    assert_eq!(stretches, [at(1_000)..at(1_700), at(5_000)..at(5_100)]);
}

#[test]
fn a_request_counts_for_its_group_and_for_its_kind() {
    let mut cells = cells();
    for kind in [1, 0, 1] {
        cells.request(&RequestRow { kind, ..request(0, 500, RequestOutcome::Succeeded) });
    }
    cells.close();
    let whole = || Timestamp::ZERO..Timestamp::MAX;
    let arrived: Vec<_> = cells.kinds.iter().map(|kind| kind.sum(whole()).arrived).collect();
    assert_eq!((&arrived[..], cells.groups[0].sum(whole()).arrived), (&[1, 2][..], 3));
    assert_eq!(cells.counts().0, 3, "none is counted twice");
    assert_eq!(TimeSeries::new(SeriesLayout { groups: 1, deployments: 1, kinds: 1 }).kinds, []);
}

#[test]
fn what_comes_before_a_moment_within_a_tick_is_known_exactly() {
    let mut cells = cells();
    let cut = at(12_540);
    cells.mark(&CellMarks { cuts: vec![cut], within: vec![Duration::from_millis(500)] });
    // In one tick and one second, on both sides of the moment.
    for (intended, took) in
        [(12_100, 100), (12_510, 500), (12_539, 501), (12_540, 300), (12_590, 9_000)]
    {
        cells.request(&request(intended, intended + took, RequestOutcome::Succeeded));
        cells.attempt(&attempt(intended, intended + took, None), Duration::ZERO);
    }
    cells.close();
    let (before, after) = (Timestamp::ZERO..cut, cut..Timestamp::MAX);
    let (group, deployment) = (&cells.groups[0], &cells.deployments[0]);
    let arrived = |window: &Range<Timestamp>| group.sum(window.clone()).arrived;
    assert_eq!((arrived(&before), arrived(&after)), (3, 2));
    let started = |window: &Range<Timestamp>| deployment.sum(window.clone()).started;
    assert_eq!((started(&before), started(&after)), (3, 2));
    let longest = |window: &Range<Timestamp>| group.latency.window(window.clone()).max() / 1_000;
    assert_eq!((longest(&before), longest(&after)), (501, 9_043), "within 0.8 %");
    assert_eq!(group.latency.window(before.clone()).len(), 3);
    let within =
        |window: &Range<Timestamp>| group.within(Duration::from_millis(500), window.clone());
    assert_eq!((within(&before), within(&after)), (Some(2), Some(1)), "500 ms are within 500 ms");
    assert_eq!(group.within(Duration::from_millis(501), before), None, "it was not marked");
}

#[test]
fn a_latency_of_hours_is_as_long_as_it_was() {
    let mut cells = cells();
    let hours = |hours: u64| hours * 3_600_000;
    for took in [1, 2, 90, 500] {
        cells.request(&request(0, hours(took), RequestOutcome::Succeeded));
    }
    cells.close();
    let latencies = cells.groups[0].latency.window(Timestamp::ZERO..Timestamp::MAX);
    for (quantile, took) in [(0.5, 2), (0.75, 90), (1.0, 500)] {
        let told = latencies.value_at_quantile(quantile) as f64 / 3.6e9;
        assert!((1.0..1.008).contains(&(told / took as f64)), "{told} h, not {took}");
    }
}

#[test]
fn a_fault_is_seen_when_the_first_that_it_hit_tells_of_it() {
    let mut cells = cells();
    let hit = |started, first, ended, fault| AttemptRow {
        first_token: Some(at(first)),
        stream: true,
        fault: Some(fault),
        ..attempt(started, ended, None)
    };
    // The later one tells first.
    cells.attempt(&hit(1_200, 2_500, 4_000, 1), Duration::ZERO);
    cells.attempt(&hit(1_000, 3_000, 9_000, 1), Duration::ZERO);
    let failed = AttemptOutcome::Failed { class: FailureClass::Server };
    let broken = AttemptRow { outcome: failed, ..hit(1_000, 1_100, 1_900, 0) };
    cells.attempt(&broken, Duration::ZERO);
    let seen = [0, 1, 2].map(|fault| cells.deployments[0].seen(fault));
    assert_eq!(seen, [Some(at(1_900)), Some(at(2_500)), None]);
}

/// Half a year of a request every ten minutes, some of which take hours: counted as a plain list of them is.
#[test]
fn every_window_of_a_long_run_holds_what_was_counted_in_it() {
    let mut cells = cells();
    cells.mark(&CellMarks { cuts: vec![at(86_400_050)], within: vec![Duration::from_secs(1)] });
    let minutes = |count: u64| count * 60_000;
    let mut rows: Vec<_> = (0..26_000_u64)
        .map(|each| {
            let intended = minutes(10 * each) + each * 37 % 1_000;
            let took = if each % 50 == 0 { minutes(each % 700) } else { 200 + each % 1_500 };
            request(intended, intended + took, RequestOutcome::Succeeded)
        })
        .collect();
    rows.sort_by_key(|row| row.ended);
    rows.iter().for_each(|row| cells.request(row));
    cells.close();
    let group = &cells.groups[0];
    for (from, until) in
        [(0, u64::MAX), (0, 86_400_050), (86_400_050, 99_999_900), (700, 123_456_800)]
    {
        let window = at(from)..Timestamp::from_nanos(until.saturating_mul(1_000_000));
        let there: Vec<_> = rows.iter().filter(|row| window.contains(&row.intended)).collect();
        let ended = rows.iter().filter(|row| window.contains(&row.ended)).count();
        let sum = group.sum(window.clone());
        assert_eq!((sum.arrived as usize, sum.succeeded as usize), (there.len(), there.len()));
        assert_eq!(sum.answered as usize, ended, "{window:?}");
        assert_eq!(sum.received_tokens, 10 * there.len() as u64);
        let quick = |row: &&&RequestRow| row.ended.since(row.intended) <= Duration::from_secs(1);
        let within = group.within(Duration::from_secs(1), window.clone());
        assert_eq!(within, Some(there.iter().filter(quick).count() as u64));
        let seconds = at(from / 1_000 * 1_000)..window.end;
        if from % 1_000 == 0 {
            assert_eq!(group.latency.window(seconds).len() as usize, there.len());
        }
    }
    let ticks = group.ticks().count();
    assert!(ticks <= 2 * rows.len(), "{ticks} ticks of {} requests", rows.len());
    assert!(group.ticks().map(|(tick, _)| tick).is_sorted());
}

/// Memory is counted and not measured: what cells allocate at most, and keep.
#[test]
fn cells_take_room_for_what_happened_and_not_for_how_long_it_was() {
    let kept = |requests: u64, every: Duration| {
        let mut cells = cells();
        for number in 0..requests {
            let intended = number * every.as_millis() as u64;
            cells.request(&request(intended, intended + 1_500, RequestOutcome::Succeeded));
            cells.attempt(&attempt(intended, intended + 1_500, None), Duration::ZERO);
        }
        cells.close();
        cells.packed_bytes()
    };
    let (minute, year) =
        (kept(1_000, Duration::from_mins(1)), kept(1_000, Duration::from_hours(9)));
    assert!(year < minute + minute / 3, "{year} bytes for a year, {minute} for a day");
    assert!(year < 100_000, "{year} bytes for a thousand requests");
    let busy = kept(100_000, Duration::from_millis(1));
    assert!(busy < 60_000, "{busy} bytes for 100 s of 1,000 requests per second");
}

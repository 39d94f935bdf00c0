//! Every chart draws, whatever the run, and the same way twice.

use super::picture::DrawnShape;
use super::theme::VEIL;
use super::*;
use proptest::prelude::*;
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_record::{
    AttemptOutcome, AttemptRow, Collector, NoteRow, RecordedEvent, RequestOutcome, RequestRow,
    RowRetention, RunHeader, SeriesLayout,
};
use squall_router::{CooldownCause, DeploymentId, RouterEvent as Decision};
use squall_testkit::by_hand::{FAILED, Fixture, answered, at, throttled};
use std::time::Duration;

/// Two minutes with traffic by the weights, a throttle, an outage with a cooldown and its probe, and
/// retries at once and after a wait.
fn eventful() -> (Scenario, Recording) {
    let mut run = Fixture::new();
    run.requests(0..100_000, 2_000, RequestOutcome::Succeeded);
    run.requests(20_000..40_000, 20, FAILED);
    run.weighted(0..20_000).weighted(45_000..100_000);
    run.first(1, 20_000..45_000, 300).first(2, 20_000..45_000, 100);
    for second in 0..5 {
        let asked = at(15_000 + second * 1_000);
        run.attempt(throttled(0, asked, Duration::from_millis(500)));
        let retry = |deployment, after| AttemptRow {
            ordinal: 1,
            request: Some(second),
            ..answered(deployment, asked + Duration::from_millis(after))
        };
        run.attempt(AttemptRow { request: Some(second), ..throttled(0, asked, Duration::ZERO) });
        run.attempt(retry(1, if second < 3 { 1 } else { 200 * second }));
    }
    let mut recording = run.recording();
    let deployment = DeploymentId(0);
    let cause = CooldownCause::FailureShare;
    let decisions = [
        (21_000, Decision::CooldownStarted { deployment, cause, until: at(41_000) }),
        (41_000, Decision::CooldownEnded { deployment }),
        (43_000, Decision::Recovered { deployment }),
    ];
    recording.notes = decisions.map(|(millis, note)| note_row(millis, note)).into();
    (run.scenario, recording)
}

fn note_row(millis: u64, note: Decision) -> NoteRow {
    NoteRow { at: at(millis), request: None, note: RecordedEvent::Router(note) }
}

/// A recording of rows and notes that may be anything.
fn recording_of(
    header: RunHeader,
    keep: RowRetention,
    requests: &[RequestRow],
    attempts: &[AttemptRow],
    notes: &[NoteRow],
) -> Recording {
    let shape = SeriesLayout {
        groups: header.groups.len(),
        deployments: header.deployments.len(),
        kinds: header.kinds.len(),
    };
    let mut collector = Collector::new(shape, keep);
    requests.iter().for_each(|row| collector.request(row));
    attempts.iter().for_each(|row| collector.attempt(row));
    notes.iter().for_each(|row| collector.note(*row));
    collector.finish(header)
}

/// Every chart's id and its SVG: PNGs take their time without optimisation.
fn svgs(scenario: &Scenario, recording: &Recording) -> Vec<(&'static str, String)> {
    let context = ChartContext::new(scenario, recording, Layout::Wide);
    let charts = CHARTS.iter().filter(|chart| (chart.applies)(&context));
    charts.map(|chart| (chart.id, render::svg(&(chart.draw)(&context)).unwrap())).collect()
}

#[test]
fn the_charts_of_a_report_and_their_order() {
    let ids = CHARTS.map(|chart| chart.id);
    let order = [
        "traffic",
        "client-calls",
        "load",
        "shares",
        "states",
        "attempts",
        "retries",
        "amplification",
        "limits",
        "latency",
        "latency-map",
        "ttft",
        "errors",
        "providers",
        "cost",
    ];
    assert_eq!(ids, order);
}

#[test]
fn every_chart_draws_an_eventful_run_the_same_way_twice() {
    let (scenario, recording) = eventful();
    let once = draw_charts(&scenario, &recording).unwrap();
    let twice = draw_charts(&scenario, &recording).unwrap();
    for (once, twice) in once.iter().zip(&twice) {
        assert_eq!(once.svg, twice.svg, "{}", once.id);
        assert_eq!(once.png, twice.png, "{}", once.id);
        assert!(once.svg.starts_with("<svg") && !once.title.is_empty());
        assert!(once.png.starts_with(b"\x89PNG"));
        assert!(!once.svg.contains("in this run"), "{} has nothing to draw", once.id);
        assert!(once.svg.contains("n = "), "{} does not say of how many", once.id);
    }
}

#[test]
fn every_colour_of_a_page_has_its_counterpart_on_dark_paper() {
    let (scenario, recording) = eventful();
    let charts = draw_charts(&scenario, &recording).unwrap();
    let rules = dark_rules(&charts);
    for chart in &charts {
        let narrow = chart.narrow_svg.as_deref().unwrap();
        for svg in [&chart.page_svg[..], narrow] {
            assert!(
                !svg.contains("#FFFFFF\" stroke=\"none\"/>"),
                "{} has paper of its own",
                chart.id
            );
            for kind in ["fill", "stroke"] {
                let opening = format!("{kind}=\"#");
                for colour in svg.split(&opening).skip(1).map(|rest| &rest[..6]) {
                    assert!(rules.contains(&format!("[{kind}=\"#{colour}\"]")), "{colour}");
                }
            }
        }
    }
}

#[test]
fn a_run_in_which_nothing_happened_draws_too_and_says_so() {
    let run = Fixture::new();
    let recording = recording_of(run.header, RowRetention::Rows, &[], &[], &[]);
    for (id, svg) in svgs(&run.scenario, &recording) {
        assert!(svg.contains("in this run"), "{id} says nothing");
    }
}

#[test]
fn a_run_without_rows_says_what_it_cannot_draw() {
    let (scenario, full) = eventful();
    let bare =
        recording_of(full.header, RowRetention::Cells, &full.requests, &full.attempts, &full.notes);
    for (id, svg) in svgs(&scenario, &bare) {
        let missing = svg.contains("this chart needs the rows of attempts");
        assert_eq!(missing, id == "retries", "{id}");
    }
}

#[test]
fn the_moments_at_which_traffic_left_and_was_back_stand_on_the_chart() {
    let (scenario, recording) = eventful();
    let charts = svgs(&scenario, &recording);
    let (_, shares) = charts.iter().find(|(id, _)| *id == "shares").unwrap();
    assert!(shares.contains("left after 0 ms"));
    // Its first attempt after the fault comes 5 s after its end, and a recovery begins with an attempt.
    assert!(shares.contains("back after 5 s"));
}

#[test]
fn of_another_gateway_neither_cooldowns_nor_bounds_of_its_backoff_are_drawn() {
    let (scenario, mut recording) = eventful();
    let ours = svgs(&scenario, &recording);
    recording.notes.clear();
    recording.header.target = Some(squall_record::TargetInfo::default());
    let theirs = svgs(&scenario, &recording);
    let chart = |all: &[(&'static str, String)], wanted: &str| {
        all.iter().find(|(id, _)| *id == wanted).map(|(_, svg)| svg.clone()).unwrap()
    };
    let known = [("attempts", "waiting for a probe"), ("retries", "upper bound of the backoff")];
    for (id, words) in known {
        assert!(chart(&ours, id).contains(words), "{id} of the built-in gateway");
        assert!(!chart(&theirs, id).contains(words), "{id} of another one");
    }
    assert!(!chart(&theirs, "retries").contains(">retry 1<"), "a bound without its name");
    assert!(chart(&theirs, "attempts").contains("unknown: the target does not tell"));
}

#[test]
fn an_attempt_begun_beside_another_is_a_hedge_and_no_retry() {
    let of = |request, ordinal: u16, started: u64, ended: u64| AttemptRow {
        request: Some(request),
        ordinal,
        ended: at(ended),
        outcome: AttemptOutcome::Abandoned,
        ..answered(ordinal % 3, at(started))
    };
    let mut run = Fixture::new();
    run.attempt(of(8, 0, 10_000, 10_500)).attempt(of(8, 1, 12_000, 13_000));
    let title = |run: &Fixture| {
        let recording = run.recording();
        let context = ChartContext::new(&run.scenario, &recording, Layout::Wide);
        let retries = CHARTS.iter().find(|chart| chart.id == "retries").unwrap();
        (retries.draw)(&context).title
    };
    assert_eq!(title(&run), "1 retry, all after a wait");
    // The first attempt lasts 6 s; another begins after 5 s, and a third at once when both are over.
    run.attempt(of(9, 0, 50_000, 56_000)).attempt(of(9, 1, 55_000, 56_500));
    run.attempt(of(9, 2, 56_501, 57_000));
    assert_eq!(title(&run), "1 immediate retry, 1 after a wait, and 1 hedge");
}

#[test]
fn a_strip_tells_the_states_of_a_deployment_by_its_notes() {
    let (mut scenario, mut recording) = eventful();
    scenario.router.groups[0].slow_start = Some(squall_router::SlowStart::default());
    let deployment = DeploymentId(1);
    let throttled = CooldownCause::Throttled;
    let more = [
        (50_000, Decision::CooldownStarted { deployment, cause: throttled, until: at(52_000) }),
        (52_000, Decision::CooldownEnded { deployment }),
        (60_000, Decision::HealthChanged { deployment, healthy: false }),
        (65_000, Decision::HealthChanged { deployment, healthy: true }),
    ];
    recording.notes.extend(more.map(|(millis, note)| note_row(millis, note)));
    let context = ChartContext::new(&scenario, &recording, Layout::Wide);
    let picture = (CHARTS.iter().find(|chart| chart.id == "states").unwrap().draw)(&context);
    assert_eq!(
        picture.words,
        [
            "a: ejected from 21 s to 41 s, waiting for a probe from 41 s to 43 s, slow start from \
             43 s to 73 s",
            "b: throttled from 50 s to 52 s, health checks fail from 60 s to 65 s, slow start \
             from 65 s to 95 s",
        ]
    );
    let svg = render::page_svg(&picture, "states").unwrap();
    assert!(svg.contains("aria-describedby=\"states-words\"") && svg.contains("<desc id="));
    for name in ["healthy 49%", "always healthy: c, d"] {
        assert!(svg.contains(name), "{name}");
    }
}

#[test]
fn many_short_stretches_of_a_strip_end_where_the_last_one_does() {
    let (scenario, mut recording) = eventful();
    let (deployment, cause) = (DeploymentId(0), CooldownCause::Throttled);
    let cooldowns = (1_000..4_000_u64).flat_map(|place| {
        let (from, until) = (place * 10, place * 10 + 5);
        let started = Decision::CooldownStarted { deployment, cause, until: at(until) };
        [note_row(from, started), note_row(until, Decision::CooldownEnded { deployment })]
    });
    recording.notes = cooldowns.collect();
    let context = ChartContext::new(&scenario, &recording, Layout::Wide);
    let picture = (CHARTS.iter().find(|chart| chart.id == "states").unwrap().draw)(&context);
    let span = picture.span.unwrap();
    let end = span.left + (span.right - span.left) * 40.0 / span.seconds;
    let drawn = picture.shapes.iter().zip(&picture.tags).filter_map(|(shape, tag)| match shape {
        DrawnShape::Rect { to, .. } if tag.role == picture::ShapeRole::Data => {
            (tag.series.as_deref() == Some("throttled")).then_some(to.0)
        }
        _ => None,
    });
    let last = drawn.fold(0.0, f64::max);
    assert!((end - 2.0..=end + 1.5).contains(&last), "{last} of {end}");
}

#[test]
fn a_change_is_marked_and_named_where_the_shares_are() {
    let mut run = Fixture::new();
    run.changed(50, "weights a 1, b 9", [1, 9, 1, 1]).weighted(0..100_000);
    let charts = svgs(&run.scenario, &run.recording());
    let (_, shares) = charts.iter().find(|(id, _)| *id == "shares").unwrap();
    assert_eq!(shares.matches("weights a 1, b 9").count(), 1, "on the first panel alone");
    assert!(shares.contains("weight 6") && shares.contains("then 1"));
}

#[test]
fn names_of_phases_and_faults_are_written_so_that_a_page_can_hold_them() {
    let (mut scenario, recording) = eventful();
    scenario.phases[0].name = "<b>&".to_owned();
    let charts = svgs(&scenario, &recording);
    assert!(charts.iter().all(|(_, svg)| !svg.contains("<b>")));
    assert!(charts[0].1.contains("&lt;b&gt;&amp;"));
}

fn times() -> impl Strategy<Value = (Timestamp, Duration)> {
    (0_u64..130_000, 0_u64..40_000)
        .prop_map(|(start, span)| (at(start), Duration::from_millis(span)))
}

fn any_class() -> impl Strategy<Value = FailureClass> {
    (0..FailureClass::ALL.len()).prop_map(|code| FailureClass::ALL[code])
}

prop_compose! {
    fn any_attempt()(
        (started, span) in times(),
        deployment in 0_u16..4,
        request in proptest::option::of(0_u64..20),
        ordinal in 0_u16..4,
        class in any_class(),
        outcome in 0_u8..4,
    ) -> AttemptRow {
        let outcome = match outcome {
            0 => AttemptOutcome::Succeeded,
            1 => AttemptOutcome::Failed { class },
            2 => AttemptOutcome::Abandoned,
            _ => AttemptOutcome::Unfinished,
        };
        let retry_after = (ordinal == 3).then_some(span);
        let status = if retry_after.is_some() { 429 } else { 200 };
        AttemptRow {
            request,
            ordinal,
            ended: started + span,
            outcome,
            status,
            retry_after,
            ..answered(deployment, started)
        }
    }
}

prop_compose! {
    fn any_request()((intended, span) in times(), group in 0_u16..2, outcome in 0_u8..4) -> RequestRow {
        RequestRow {
            request: 0,
            group,
            kind: 0,
            intended,
            sent: intended,
            first_token: Some(intended),
            ended: intended + span,
            stream: outcome < 2,
            input_tokens: 1,
            output_tokens: 1,
            received_tokens: 1,
            outcome: match outcome {
                0 | 1 => RequestOutcome::Succeeded,
                2 => FAILED,
                _ => RequestOutcome::GaveUp,
            },
            status: 200,
            answer: squall_record::AnswerSeen::WHOLE, calls: 1 }
    }
}

prop_compose! {
    fn any_note()(millis in 0_u64..130_000, deployment in 0_u16..6, kind in 0_u8..3) -> NoteRow {
        let deployment = DeploymentId(deployment);
        let cause = CooldownCause::ProbeFailed;
        note_row(millis, match kind {
            0 => Decision::CooldownStarted { deployment, cause, until: at(millis) },
            1 => Decision::CooldownEnded { deployment },
            _ => Decision::Recovered { deployment },
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_recording_draws(
        requests in prop::collection::vec(any_request(), 0..40),
        attempts in prop::collection::vec(any_attempt(), 0..40),
        notes in prop::collection::vec(any_note(), 0..20),
    ) {
        let run = Fixture::new();
        let recording = recording_of(run.header, RowRetention::Rows, &requests, &attempts, &notes);
        for (id, svg) in svgs(&run.scenario, &recording) {
            prop_assert!(svg.ends_with("</svg>\n"), "{}", id);
        }
    }
}

#[test]
fn a_warm_up_is_greyed_over_the_data_and_named_once_a_chart() {
    let (mut scenario, recording) = eventful();
    assert!(svgs(&scenario, &recording).iter().all(|(_, svg)| !svg.contains("not counted")));
    scenario.warm_up = Timestamp::from_secs(10);
    let context = ChartContext::new(&scenario, &recording, Layout::Wide);
    let charts = CHARTS.iter().filter(|chart| (chart.applies)(&context));
    let pictures = charts.map(|chart| (chart, (chart.draw)(&context)));
    for (chart, picture) in pictures.filter(|(_, picture)| picture.span.is_some()) {
        let greys =
            |shape: &DrawnShape| matches!(shape, DrawnShape::Rect { ink, .. } if *ink == VEIL);
        let veils: Vec<_> = (0..).zip(&picture.shapes).filter(|(_, shape)| greys(shape)).collect();
        let names = |shape: &&DrawnShape| matches!(shape, DrawnShape::Text { text, .. } if text == "warm-up: not counted");
        assert_eq!(picture.shapes.iter().filter(names).count(), 1, "{}", chart.id);
        let is_over = |&(place, _): &(usize, &DrawnShape)| {
            let after = &picture.shapes[place..];
            after.iter().all(|shape| {
                greys(shape) || matches!(shape, DrawnShape::Text { .. } | DrawnShape::Rect { .. })
            })
        };
        assert!(
            !veils.is_empty() && veils.iter().all(is_over),
            "{}: nothing but names is over it",
            chart.id
        );
        // Ten of a hundred seconds.
        for (_, shape) in veils {
            let DrawnShape::Rect { from, to, .. } = shape else { continue };
            let whole = context.seconds as f64 / 10.0 * (to.0 - from.0);
            assert!((800.0..1_000.0).contains(&whole), "{}: {whole} px", chart.id);
        }
    }
}

//! What stands in the cells of terminals of several sizes, through an outage.

use super::*;
use crate::model::{
    ActiveFault, Course, DeploymentPanel, EventView, RecentFigures, RunTotals, StateView,
};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

/// A run of three deployments, of which the first is ejected.
fn outage() -> Snapshot {
    let deployment = |name: &str, state, share, weight_share, failed| DeploymentPanel {
        name: name.to_owned(),
        group: "chat".to_owned(),
        state,
        state_for_s: (state == StateView::Ejected).then_some(2.4),
        share: Some(share),
        weight_share: Some(weight_share),
        attempts_rps: share * 100.0,
        failed,
        throttled: failed / 2,
        ..DeploymentPanel::default()
    };
    let event = |at_s: f64, text: &str, tone| EventView {
        at_s,
        at: format!("{at_s} s"),
        text: text.to_owned(),
        tone,
    };
    Snapshot {
        scenario: "viral-spike".to_owned(),
        seed: 7,
        elapsed_s: 42.0,
        duration_s: 90.0,
        phase: Some("outage".to_owned()),
        faults: vec![ActiveFault {
            provider: "eu (openai-eu)".to_owned(),
            what: "error 503".to_owned(),
            since_s: 38.0,
        }],
        in_flight: 17,
        now: RecentFigures {
            offered_rps: 101.25,
            succeeded_rps: 98.0,
            failed_rps: 0.4,
            success: Some(0.9959),
            p50_ms: Some(840),
            p95_ms: Some(12_345),
            amplification: Some(1.25),
            failures: vec![("server".to_owned(), 2)],
        },
        so_far: RunTotals {
            offered: 4_000,
            success: Some(0.999),
            amplification: Some(1.02),
            ..RunTotals::default()
        },
        deployments: vec![
            deployment("eu", StateView::Ejected, 0.02, 0.6, 21),
            deployment("us", StateView::Healthy, 0.74, 0.3, 0),
            deployment("ap", StateView::SlowStart, 0.24, 0.1, 0),
        ],
        course: Course {
            step_s: 1,
            points: 90,
            offered_rps: (0..42).map(|second| f64::from(20 + second)).collect(),
            succeeded_rps: vec![20.0; 42],
            failed_rps: vec![0.0; 42],
            p50_ms: vec![Some(800); 42],
            p95_ms: vec![None; 42],
        },
        events: vec![
            event(38.0, "fault begins at eu (openai-eu): error 503", "bad"),
            event(38.4, "eu ejected after 21 failed attempts: too many in a row", "neutral"),
        ],
        ..Snapshot::default()
    }
}

fn drawn(snapshot: &Snapshot, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| draw(frame, snapshot, Theme::Coloured, snapshot.missed_rows > 0))
        .unwrap();
    let buffer = terminal.backend().buffer().clone();
    let lines = (0..height).map(|y| {
        (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn holds(screen: &str, parts: &[&str]) {
    for part in parts {
        assert!(screen.contains(part), "`{part}` is not on:\n{screen}");
    }
}

#[test]
fn an_outage_is_told_on_the_smallest_usual_terminal() {
    let screen = drawn(&outage(), 80, 24);
    holds(
        &screen,
        &[
            "viral-spike  seed 7",
            "0:42 of 1:30",
            "phase outage",
            "fault at eu (openai-eu): error 503 since 38 s",
            "success  99.5%, 99.9% so far",
            "101 sent, 98.0 answered",
            "p50 840 ms, p95 12.3 s",
            "1.25/request",
            "2 server",
            "ejected 3 s",
            "slow start",
            "eu ejected after 21 failed attempts",
            "q or Ctrl-C: stop",
        ],
    );
    let row = screen.lines().find(|line| line.contains("ejected 3 s")).unwrap();
    let cells: Vec<_> = row.split_whitespace().collect();
    assert_eq!(cells, ["│eu", "ejected", "3", "s", "2%", "60%", "2.0", "21", "10", "│"]);
}

#[test]
fn a_large_terminal_has_room_for_the_chart_and_all_events() {
    let screen = drawn(&outage(), 120, 40);
    holds(&screen, &["requests/s: sent", "answered", "1:30", "fault begins at eu", "61.0"]);
    assert!(screen.contains('⣀') || screen.contains('⠉') || screen.contains('⡠'), "{screen}");
}

#[test]
fn a_line_that_is_too_long_goes_on_below_and_the_latest_stays_in_sight() {
    let mut snapshot = outage();
    let text = "eu ejected after 21 failed attempts: too large a share of its attempts; until 61.3 s at least";
    snapshot.events[1].text = text.to_owned();
    let screen = drawn(&snapshot, 80, 24);
    holds(&screen, &["38.4 s  eu ejected after 21", "            attempts; until 61.3 s"]);
    snapshot.events.extend(vec![snapshot.events[1].clone(); 9]);
    let screen = drawn(&snapshot, 80, 24);
    assert!(!screen.contains("fault begins"), "{screen}");
    holds(&screen, &["            attempts; until 61.3 s"]);
}

#[test]
fn deployments_that_have_no_room_are_counted() {
    let mut snapshot = outage();
    for number in 0..30 {
        let more = DeploymentPanel { name: format!("more-{number}"), ..DeploymentPanel::default() };
        snapshot.deployments.push(more);
    }
    holds(&drawn(&snapshot, 80, 24), &["more below)", "what happened", "ejected 3 s"]);
}

#[test]
fn no_size_of_a_terminal_is_too_small() {
    let empty = Snapshot::default();
    for (width, height) in [(20, 5), (1, 1), (3, 40), (200, 2), (44, 16), (45, 17), (500, 200)] {
        drawn(&outage(), width, height);
        drawn(&empty, width, height);
    }
    let screen = drawn(&outage(), 20, 5);
    holds(&screen, &["0:42 of 1:30", "fault at eu", "success 99.5%"]);
}

#[test]
fn what_follows_the_traffic_and_what_was_asked_for_is_told() {
    let ending = Snapshot { elapsed_s: 91.0, missed_rows: 5, ..outage() };
    holds(
        &drawn(&ending, 80, 24),
        &["waiting for 17 requests", "stopping: results so far are kept", "5 rows not shown"],
    );
}

#[test]
fn without_colours_nothing_is_coloured() {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| draw(frame, &outage(), Theme::Plain, false)).unwrap();
    let cells = &terminal.backend().buffer().content;
    assert!(cells.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
}

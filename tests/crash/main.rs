//! The crash test in virtual time, at the router's defaults: every verdict is the one that `docs/CRASH.md` tells.
//! A verdict that gets better is written there and here; one that gets worse is a regression.

use squall_campaign::crash_scenarios;
use squall_judge::{CrashRow, CrashVerdict};

use CrashVerdict::{Partial, Pass, Safe};

/// The verdicts of today.
const VERDICTS: [(&str, CrashVerdict); 16] = [
    ("S01", Pass),
    ("S02", Pass),
    ("S03", Pass),
    ("S04", Pass),
    ("S05", Pass),
    ("S06", Pass),
    ("S07", Pass),
    ("S08", Safe),
    ("S09", Safe),
    ("S10", Pass),
    ("S11", Pass),
    ("S12", Pass),
    ("S13", Pass),
    ("S14", Safe),
    ("S15", Pass),
    ("S16", Pass),
];

fn rows(router: &str) -> Vec<CrashRow> {
    let run = |crash: &squall_campaign::CrashScenario| {
        let scenario = crash.read().unwrap_or_else(|problems| panic!("{problems}"));
        crash.simulate(&scenario).unwrap_or_else(|error| panic!("{}: {error}", crash.path))
    };
    crash_scenarios(router).iter().map(run).collect()
}

#[test]
fn every_verdict_at_our_defaults_is_the_one_that_is_written() {
    let rows = rows("");
    let verdicts: Vec<_> = rows.iter().map(|row| (row.id, row.verdict)).collect();
    let told: Vec<_> =
        rows.iter().map(|row| format!("{} {}: {}", row.id, row.verdict, row.why)).collect();
    assert_eq!(verdicts, VERDICTS, "\n{}", told.join("\n"));
}

#[test]
fn the_page_tells_the_same_verdicts() {
    let page = include_str!("../../docs/CRASH.md");
    for (id, verdict) in VERDICTS {
        let line = page.lines().find(|line| line.starts_with(&format!("| {id} |")));
        let line = line.unwrap_or_else(|| panic!("docs/CRASH.md has no line for {id}"));
        assert!(line.contains(&format!("| {verdict} |")), "{id} is {verdict}: {line}");
    }
}

/// The judge tells one router from another: with these settings other faults are rescued.
#[test]
fn settings_of_the_router_change_what_is_rescued() {
    let verdict = |rows: &[CrashRow], id: &str| {
        rows.iter().find(|row| row.id == id).map(|row| row.verdict).expect("a row")
    };
    let unhedged = rows("hedge: never");
    assert_eq!(verdict(&unhedged, "S07"), Partial, "the late first token is waited for");
    let none = rows("retries: 0");
    assert_eq!(verdict(&none, "S03"), Partial, "it falls back at once");
}

#[test]
fn with_streams_that_go_on_elsewhere_all_sixteen_pass() {
    for row in rows("mid_stream: continue") {
        assert_eq!(row.verdict, Pass, "{}: {}", row.id, row.why);
    }
}

#[test]
fn with_streams_held_back_all_sixteen_pass() {
    for row in rows("mid_stream: hold") {
        assert_eq!(row.verdict, Pass, "{}: {}", row.id, row.why);
    }
}

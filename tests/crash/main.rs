//! The crash test in virtual time, at the router's defaults: every verdict is the one that `docs/CRASH.md` tells.
//! A verdict that gets better is written there and here; one that gets worse is a regression.

use squall_campaign::crash_scenarios;
use squall_judge::{CrashRow, CrashVerdict};

use CrashVerdict::{Fail, Partial, Pass, Safe};

/// The verdicts of today.
const VERDICTS: [(&str, CrashVerdict); 16] = [
    ("S01", Partial),
    ("S02", Pass),
    ("S03", Pass),
    ("S04", Pass),
    ("S05", Pass),
    ("S06", Pass),
    ("S07", Partial),
    ("S08", Safe),
    ("S09", Safe),
    ("S10", Pass),
    ("S11", Pass),
    ("S12", Pass),
    ("S13", Partial),
    ("S14", Safe),
    ("S15", Fail),
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
    let settings = "timeouts: { first_token: 5s }\ncooldown: { failure: { base: 2s, cap: 8s } }";
    let verdict = |rows: &[CrashRow], id: &str| {
        rows.iter().find(|row| row.id == id).map(|row| row.verdict).expect("a row")
    };
    let rows = rows(settings);
    assert_eq!(verdict(&rows, "S07"), Pass, "the late first token is not waited for");
    let none = self::rows("retries: 0");
    assert_eq!(verdict(&none, "S03"), Partial, "it falls back at once");
}

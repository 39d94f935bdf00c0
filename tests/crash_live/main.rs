//! The crash test over real sockets, those of its faults that are over within seconds, side by side: each comes out as
//! in virtual time. `squall crash --live` runs all of them.

use squall_campaign::{CrashScenario, crash_scenarios};
use squall_judge::{CrashRow, CrashVerdict};
use squall_live::RunOptions;
use squall_tests::valid_run::{Run, valid_run};
use std::thread;

/// The faults that take long.
const LONG: [&str; 4] = ["S06", "S07", "S09", "S15"];

fn live(crash: &CrashScenario) -> CrashRow {
    let scenario = crash.read().unwrap_or_else(|problems| panic!("{problems}"));
    let recording = squall_live::run(&scenario, &RunOptions::default(), |_| ());
    crash.judge(&recording.unwrap_or_else(|error| panic!("{}: {error}", crash.path)))
}

fn simulated(crash: &CrashScenario) -> CrashRow {
    let scenario = crash.read().unwrap_or_else(|problems| panic!("{problems}"));
    crash.simulate(&scenario).unwrap_or_else(|error| panic!("{}: {error}", crash.path))
}

#[test]
fn faults_over_sockets_come_out_as_in_virtual_time() {
    let crashes: Vec<_> =
        crash_scenarios("").into_iter().filter(|crash| !LONG.contains(&crash.test.id)).collect();
    let rows = valid_run("the crash test", || {
        let rows: Vec<_> = thread::scope(|scope| {
            let runs: Vec<_> = crashes.iter().map(|crash| scope.spawn(|| live(crash))).collect();
            runs.into_iter().map(|run| run.join().expect("a run that ended")).collect()
        });
        // On any machine: nobody hangs, and nobody gets half an answer for a whole one.
        let failed: Vec<_> = rows.iter().filter(|row| row.verdict == CrashVerdict::Fail).collect();
        assert!(failed.is_empty(), "{failed:#?}");
        let in_doubt = rows.iter().filter(|row| row.verdict == CrashVerdict::Inconclusive);
        let problems = in_doubt.map(|row| format!("{}: {}", row.id, row.why)).collect();
        Run { result: rows, problems }
    });
    for (crash, live) in crashes.iter().zip(rows.into_iter().flatten()) {
        let simulated = simulated(crash);
        let seen = |row: &CrashRow| (row.verdict, row.primary, row.fallback);
        assert_eq!(seen(&live), seen(&simulated), "{}: {}", live.id, live.why);
    }
}

//! Queueing theory judges the simulator: ordinary scenarios of which the answer is known in closed form. The
//! formulas stand here in full and share nothing with what they judge.

mod formulas;
mod queues;
mod routing;
mod row;
mod system;

use row::{Row, markdown};
use squall_judge::judge;
use squall_record::RowRetention;
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use system::Case;

/// The rows of all cases, in order. They run on all cores.
fn rows() -> Vec<Row> {
    let cases: Vec<Case> = queues::CASES.iter().chain(routing::CASES).copied().collect();
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some((nth, case)) = take(&next, &cases) {
                    let rows = case();
                    done.lock().expect("no case fails while it holds this").push((nth, rows));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no case fails while it holds this");
    done.sort_by_key(|(nth, _)| *nth);
    done.into_iter().flat_map(|(_, rows)| rows).collect()
}

fn take(next: &AtomicUsize, cases: &[Case]) -> Option<(usize, Case)> {
    let nth = next.fetch_add(1, Ordering::Relaxed);
    cases.get(nth).map(|&case| (nth, case))
}

/// The same seed gives the same digits, so that the page holds what this prints.
#[test]
fn the_simulator_comes_to_what_queueing_theory_says() {
    let rows = rows();
    squall_tests::page::holds("docs/SIMULATION.md", "ground truth", &markdown(&rows));
    let off: Vec<_> = rows.iter().filter(|row| !row.agrees()).collect();
    assert!(off.is_empty(), "{off:#?}");
}

#[test]
fn the_system_to_write_down_is_a_scenario_and_comes_out_as_it_says() {
    let text = include_str!("../../scenarios/theory/mm4.yaml");
    let without_comment = text.find("name:").map_or(text, |start| &text[start..]);
    let page = include_str!("../../docs/SIMULATION.md");
    assert!(page.contains(without_comment), "docs/SIMULATION.md has another one");
    let scenario = Scenario::read("mm4.yaml", text).unwrap_or_else(|problems| panic!("{problems}"));
    let recording = simulate(&scenario, SimOptions { keep: RowRetention::Cells, journal: false });
    let verdict = judge(&scenario, &recording.expect("it runs"));
    let missed: Vec<_> = verdict.rows.iter().filter(|row| !row.is_met()).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

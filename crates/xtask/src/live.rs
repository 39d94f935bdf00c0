//! `cargo xtask live`: the live suites again and again, and how often each was green.

use crate::test::suite;
use crate::timing::SuiteTimes;
use crate::unjudged::Unjudged;
use crate::{machine, step, suites};
use std::time::{Duration, Instant};

/// How often, if nobody says.
const TIMES: u32 = 10;

/// How the runs of a suite came out.
#[derive(Debug, Default)]
struct SuiteRow {
    green: u32,
    not_judged: u32,
    red: u32,
    took: Vec<Duration>,
}

/// False if any run of any suite failed, or if there is no such suite.
pub(crate) fn run(arguments: &[String]) -> bool {
    let Some(times) = step::number(arguments, "--times", TIMES) else { return false };
    let all = suites::live();
    let asked = step::values(arguments, "--suite");
    if let Some(unknown) = asked.iter().find(|name| !all.contains(&name.as_str())) {
        eprintln!("error: no live suite is called `{unknown}`; there are {}", all.join(", "));
        return false;
    }
    let names: Vec<_> = all
        .into_iter()
        .filter(|name| asked.is_empty() || asked.iter().any(|each| each == name))
        .collect();
    if !machine::prepare()
        || !step::cargo(&["test", "--workspace", "--locked", "--no-run", "--quiet"], &[])
    {
        return false;
    }
    let unjudged = Unjudged::new();
    let mut said = Vec::new();
    let mut rows: Vec<_> = names.iter().map(|_| SuiteRow::default()).collect();
    for time in 1..=times {
        for (name, row) in names.iter().zip(&mut rows) {
            println!("\n== {name}, {time} of {times}");
            let (passed, took) = timed(|| suite(name, &mut SuiteTimes::default(), &unjudged));
            row.took.push(took);
            let lines = unjudged.take();
            match (passed, lines.is_empty()) {
                (false, _) => row.red += 1,
                (true, true) => row.green += 1,
                (true, false) => row.not_judged += 1,
            }
            said.extend(lines);
        }
    }
    tell(&names, &rows, &said);
    rows.iter().all(|row| row.red == 0)
}

#[expect(clippy::disallowed_methods, reason = "a task tells how long its steps took")]
fn timed(run: impl FnOnce() -> bool) -> (bool, Duration) {
    let started = Instant::now();
    (run(), started.elapsed())
}

fn tell(names: &[&str], rows: &[SuiteRow], said: &[String]) {
    println!("\n| suite | green | with something not judged | red | seconds |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    for (name, row) in names.iter().zip(rows) {
        let seconds = |took: Option<&Duration>| took.map_or(0, Duration::as_secs);
        let (least, most) = (seconds(row.took.iter().min()), seconds(row.took.iter().max()));
        let SuiteRow { green, not_judged, red, .. } = row;
        println!("| {name} | {green} | {not_judged} | {red} | {least} to {most} |");
    }
    println!();
    said.iter().for_each(|line| println!("{line}"));
}

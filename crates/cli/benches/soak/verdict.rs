//! What came of it, as a table: each row is held to something.

use crate::Usage;
use crate::usage::sixth;
use crate::world::End;
use squall_record::RequestOutcome;
use squall_traffic::DriverLog;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};

/// By how much the median of the last sixth may be over that of the second: a share, and what allocators and pools
/// of connections keep of a burst.
const GROWTH: f64 = 0.10;
const MEMORY_SLACK: u64 = 8 << 20;
const DESCRIPTORS_SLACK: u64 = 32;

/// Prints the table; whether all is as it must be.
pub(crate) fn told(
    log: &DriverLog,
    samples: &[Usage],
    readers: &u64,
    metrics: &str,
    end: &End,
) -> bool {
    let mut table = Table { broken: 0 };
    println!("\n| what | figure | must be | |\n| --- | ---: | ---: | --- |");
    requests(&mut table, log);
    let dead = attempts_at(metrics, "dead");
    table.row("attempts at the dead provider", dead, "at least 1", dead >= 1.0);
    table.row("slow readers that came", readers, "at least 1", *readers >= 1);
    let resident = |usage: &Usage| usage.resident;
    let descriptors = |usage: &Usage| usage.descriptors;
    table.flat(samples, "memory, MiB", 1 << 20, MEMORY_SLACK, resident);
    table.flat(samples, "descriptors", 1, DESCRIPTORS_SLACK, descriptors);
    let Said { lines, reloaded, dead, panics } = said(end);
    table.row("reloads asked for", end.reloads, "", true);
    // Two signals that come while one is being served are one.
    table.row("reloads told", reloaded, "9 of 10", reloaded * 10 >= end.reloads * 9);
    table.row("lines of the log that name the dead provider", dead, "at least 1", dead >= 1);
    table.row("panics", panics, "0", panics == 0);
    table.row("lines of the log", lines, "", true);
    let code = end.code.map_or_else(|| "killed".to_owned(), |code| code.to_string());
    table.row("exit code after SIGTERM", code, "0", end.code == Some(0));
    match table.broken {
        0 => println!("\nsoak: all holds"),
        broken => println!("\nsoak: {broken} rows do not hold; the log is {}", end.log.display()),
    }
    table.broken == 0
}

fn requests(table: &mut Table, log: &DriverLog) {
    let mut ordinals: Vec<_> = log.requests.iter().map(|row| row.request).collect();
    ordinals.sort_unstable();
    let each_once = ordinals.iter().zip(0..).all(|(ordinal, expected)| *ordinal == expected);
    table.row("requests", ordinals.len(), "each ends once", each_once && !ordinals.is_empty());
    let mut outcomes = BTreeMap::<String, u64>::new();
    for row in &log.requests {
        let whole =
            row.outcome == RequestOutcome::Succeeded && row.received_tokens == row.output_tokens;
        let outcome = match (row.outcome, whole) {
            (RequestOutcome::Succeeded, true) => "answered whole".to_owned(),
            (RequestOutcome::Succeeded, false) => "answered with too few tokens".to_owned(),
            (outcome, _) => format!("{outcome:?} ({})", row.status),
        };
        *outcomes.entry(outcome).or_default() += 1;
    }
    for (outcome, count) in &outcomes {
        let whole = outcome == "answered whole";
        table.row(outcome, count, if whole { "all" } else { "0" }, whole);
    }
    if let Some(lag) = squall_record::Lag::of(&log.requests) {
        table.row("the driver's lag, p99, ms", lag.p99.as_millis(), "", true);
    }
}

/// Attempts at a deployment, all outcomes together.
fn attempts_at(metrics: &str, deployment: &str) -> f64 {
    let label = format!("deployment=\"{deployment}\"");
    let lines = metrics.lines().filter(|line| line.starts_with("squall_attempts_total{"));
    let lines = lines.filter(|line| line.contains(&label));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

#[derive(Default)]
struct Said {
    lines: u64,
    reloaded: u64,
    dead: u64,
    panics: u64,
}

fn said(end: &End) -> Said {
    let mut said = Said::default();
    let Ok(file) = File::open(&end.log) else { return said };
    for line in BufReader::new(file).lines().map_while(Result::ok) {
        said.lines += 1;
        said.reloaded += u64::from(line.contains("reloaded"));
        said.dead += u64::from(line.contains("dead"));
        said.panics += u64::from(line.contains("panicked at"));
    }
    said
}

struct Table {
    broken: u32,
}

impl Table {
    fn row(&mut self, what: &str, figure: impl std::fmt::Display, must: &str, holds: bool) {
        self.broken += u32::from(!holds);
        println!("| {what} | {figure} | {must} | {} |", if holds { "" } else { "BROKEN" });
    }

    /// A row for what may not grow.
    fn flat(
        &mut self,
        samples: &[Usage],
        what: &str,
        unit: u64,
        slack: u64,
        of: impl Fn(&Usage) -> u64,
    ) {
        let (early, late) = (sixth(samples, 1, &of), sixth(samples, 5, &of));
        let most = early + (early as f64 * GROWTH) as u64 + slack;
        let peak = samples.iter().map(&of).max().unwrap_or_default();
        let figure = format!("{} → {} (peak {})", early / unit, late / unit, peak / unit);
        let holds = samples.len() >= 12 && late <= most;
        self.row(what, figure, &format!("at most {}", most / unit), holds);
    }
}

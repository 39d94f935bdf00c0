//! What is told of a run, a family at a time.

use super::text::{Exposition, FamilyKind, MetricFamily, metric_labels};
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_record::{AttemptCell, GroupCells, Latencies, Mode, Recording, RequestCell};
use squall_scenario::Scenario;
use std::io::{self, Write};
use std::time::Duration;

/// The bounds of the buckets of durations, in seconds.
const BOUNDS: [f64; 14] =
    [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 60.0, 120.0];
/// Durations are recorded in microseconds.
const MICROS: f64 = 1e6;

pub(super) fn write_all<W: Write>(
    scenario: &Scenario,
    recording: &Recording,
    page: &mut Exposition<'_, W>,
) -> io::Result<()> {
    info(recording, page)?;
    requests(recording, page)?;
    durations(recording, page)?;
    if recording.header.knows_attempts() {
        attempts(recording, page)?;
    }
    weights(recording, page)?;
    faults(scenario, page)
}

fn info<W: Write>(recording: &Recording, page: &mut Exposition<'_, W>) -> io::Result<()> {
    page.family(MetricFamily {
        name: "squall_run",
        kind: FamilyKind::Info,
        unit: None,
        help: "The run: 1.",
    })?;
    let mode = match recording.header.mode {
        Mode::Live => "live",
        Mode::Simulated => "simulated",
    };
    let header = &recording.header;
    let about =
        metric_labels(&[("version", &header.version), ("mode", mode), ("digest", &header.digest)]);
    let times = page.times();
    times.ends().try_for_each(|at| page.sample("_info", &about, 1.0, at))
}

/// A count of a cell.
type CellCounter<Cell> = fn(&Cell) -> u64;

fn requests<W: Write>(recording: &Recording, page: &mut Exposition<'_, W>) -> io::Result<()> {
    let groups = || recording.header.groups.iter().zip(&recording.cells.groups);
    let counters: [(&'static str, CellCounter<RequestCell>, &'static str); 4] = [
        (
            "squall_run_requests_intended",
            |cell| cell.arrived.into(),
            "Requests, by the time at which they were to be sent.",
        ),
        (
            "squall_run_requests_succeeded",
            |cell| cell.answered.into(),
            "Requests that succeeded, by the time at which they ended.",
        ),
        (
            "squall_run_requests_lost",
            |cell| cell.lost.into(),
            "Requests that failed or whose client gave up, by the time at which they ended.",
        ),
        (
            "squall_run_received_tokens",
            |cell| cell.received_tokens,
            "Tokens of successful answers, by the time at which their requests were to be sent.",
        ),
    ];
    for (name, count, help) in counters {
        page.family(MetricFamily { name, kind: FamilyKind::Counter, unit: None, help })?;
        for (group, cells) in groups() {
            counter(page, &metric_labels(&[("group", group)]), cells.ticks(), count)?;
        }
    }
    page.family(MetricFamily {
        name: "squall_run_requests",
        kind: FamilyKind::Counter,
        unit: None,
        help: "Requests by what became of them, by the time at which they were to be sent.",
    })?;
    for (group, cells) in groups() {
        let outcomes: [(&str, CellCounter<RequestCell>); 3] = [
            ("succeeded", |cell| cell.succeeded.into()),
            ("gave_up", |cell| cell.gave_up.into()),
            ("unfinished", |cell| cell.unfinished.into()),
        ];
        by_outcome(page, &[("group", group)], || cells.ticks(), &outcomes, |cell| &cell.failed)?;
    }
    Ok(())
}

fn attempts<W: Write>(recording: &Recording, page: &mut Exposition<'_, W>) -> io::Result<()> {
    let header = &recording.header;
    let deployments = || {
        header.deployments.iter().zip(&recording.cells.deployments).map(|(info, cells)| {
            let group = header.groups.get(usize::from(info.group)).map_or("", String::as_str);
            let provider =
                header.providers.get(usize::from(info.provider)).map_or("", String::as_str);
            ([("group", group), ("deployment", info.name.as_str()), ("provider", provider)], cells)
        })
    };
    let counters: [(&'static str, CellCounter<AttemptCell>, &'static str); 5] = [
        ("squall_run_attempts_started", |cell| cell.started.into(), "Attempts, by their start."),
        (
            "squall_run_first_attempts",
            |cell| cell.first.into(),
            "Attempts that were the first of their request, by their start.",
        ),
        (
            "squall_run_attempts_asked_to_wait",
            |cell| cell.asked_to_wait.into(),
            "Attempts answered 429 with Retry-After, by the time of the answer.",
        ),
        (
            "squall_run_input_tokens",
            |cell| cell.input_tokens,
            "Tokens of the prompts of attempts, by their start.",
        ),
        (
            "squall_run_output_tokens",
            |cell| cell.output_tokens,
            "Tokens that attempts sent, by their start.",
        ),
    ];
    for (name, count, help) in counters {
        page.family(MetricFamily { name, kind: FamilyKind::Counter, unit: None, help })?;
        for (whose, cells) in deployments() {
            counter(page, &metric_labels(&whose), cells.ticks(), count)?;
        }
    }
    page.family(MetricFamily {
        name: "squall_run_attempts",
        kind: FamilyKind::Counter,
        unit: None,
        help: "Attempts by what became of them, by their start; those under way at the end have no outcome.",
    })?;
    for (whose, cells) in deployments() {
        let outcomes: [(&str, CellCounter<AttemptCell>); 2] = [
            ("succeeded", |cell| cell.succeeded.into()),
            ("abandoned", |cell| cell.abandoned.into()),
        ];
        by_outcome(page, &whose, || cells.ticks(), &outcomes, |cell| &cell.failed)?;
    }
    Ok(())
}

/// What became of requests or attempts: a series for each outcome, and one for each class of failure that occurred.
fn by_outcome<Cell, Cells: Iterator<Item = (u64, Cell)>, W: Write>(
    page: &mut Exposition<'_, W>,
    whose: &[(&str, &str)],
    cells: impl Fn() -> Cells,
    outcomes: &[(&str, CellCounter<Cell>)],
    failed: fn(&Cell) -> &[u32],
) -> io::Result<()> {
    let named = |outcome, class| {
        metric_labels(&[whose, &[("outcome", outcome), ("class", class)]].concat())
    };
    for (outcome, count) in outcomes {
        counter(page, &named(outcome, ""), cells(), count)?;
    }
    for class in FailureClass::ALL {
        let code = usize::from(class.code());
        if cells().any(|(_, cell)| failed(&cell)[code] > 0) {
            let count = |cell: &Cell| failed(cell)[code].into();
            counter(page, &named("failed", class.as_str()), cells(), count)?;
        }
    }
    Ok(())
}

/// The samples of a counter: the sum of all cells before each.
fn counter<Cell, W: Write>(
    page: &mut Exposition<'_, W>,
    labels: &str,
    cells: impl Iterator<Item = (u64, Cell)>,
    count: impl Fn(&Cell) -> u64,
) -> io::Result<()> {
    let times = page.times();
    let mut cells = cells.peekable();
    let mut sum = 0;
    for (step, at) in (0_u64..).zip(times.ends()) {
        let end = step * times.ticks();
        while let Some((_, cell)) = cells.next_if(|&(tick, _)| tick < end) {
            sum += count(&cell);
        }
        page.sample("_total", labels, sum as f64, at)?;
    }
    Ok(())
}

/// Whose distribution, and which it is.
type GroupDurations = fn(&GroupCells) -> &Latencies;

fn durations<W: Write>(recording: &Recording, page: &mut Exposition<'_, W>) -> io::Result<()> {
    let histograms: [(&'static str, GroupDurations, &'static str); 2] = [
        (
            "squall_run_latency_seconds",
            |cells| &cells.latency,
            "From the intended time of a request to its last byte, of those that succeeded, by the intended time; known to 1 %.",
        ),
        (
            "squall_run_ttft_seconds",
            |cells| &cells.ttft,
            "From the intended time of a stream to its first token, of those that succeeded, by the intended time; known to 1 %.",
        ),
    ];
    for (name, distribution, help) in histograms {
        let unit = Some("seconds");
        page.family(MetricFamily { name, kind: FamilyKind::Histogram, unit, help })?;
        for (group, cells) in recording.header.groups.iter().zip(&recording.cells.groups) {
            histogram(page, group, distribution(cells))?;
        }
    }
    Ok(())
}

/// The samples of a histogram.
fn histogram<W: Write>(
    page: &mut Exposition<'_, W>,
    group: &str,
    values: &Latencies,
) -> io::Result<()> {
    let group = metric_labels(&[("group", group)]);
    let bound = |bound: &str| format!("{group},le=\"{bound}\"");
    let bounds = BOUNDS.map(|seconds| (seconds, bound(&format!("{seconds:?}"))));
    let all = bound("+Inf");
    let (mut within, mut count, mut sum) = ([0; BOUNDS.len()], 0, 0.0);
    let times = page.times();
    let mut before = Timestamp::ZERO;
    for at in times.ends() {
        let until = Timestamp::ZERO + at;
        let added = values.window(before..until);
        before = until;
        count += added.len();
        for value in added.iter_recorded() {
            let seconds = value.value_iterated_to() as f64 / MICROS;
            sum += seconds * value.count_at_value() as f64;
            let places = within.iter_mut().zip(BOUNDS).filter(|(_, bound)| seconds <= *bound);
            places.for_each(|(within, _)| *within += value.count_at_value());
        }
        for ((_, labels), within) in bounds.iter().zip(within) {
            page.sample("_bucket", labels, within as f64, at)?;
        }
        page.sample("_bucket", &all, count as f64, at)?;
        page.sample("_count", &group, count as f64, at)?;
        page.sample("_sum", &group, sum, at)?;
    }
    Ok(())
}

fn weights<W: Write>(recording: &Recording, page: &mut Exposition<'_, W>) -> io::Result<()> {
    page.family(MetricFamily {
        name: "squall_run_weight",
        kind: FamilyKind::Gauge,
        unit: None,
        help: "The weight of a deployment in the configuration of the time.",
    })?;
    let header = &recording.header;
    let times = page.times();
    for (place, info) in header.deployments.iter().enumerate() {
        let group = header.groups.get(usize::from(info.group)).map_or("", String::as_str);
        let labels = metric_labels(&[("group", group), ("deployment", &info.name)]);
        for at in times.ends() {
            let weight = header.weight_at(place, Timestamp::ZERO + at);
            page.sample("", &labels, weight.into(), at)?;
        }
    }
    Ok(())
}

fn faults<W: Write>(scenario: &Scenario, page: &mut Exposition<'_, W>) -> io::Result<()> {
    page.family(MetricFamily {
        name: "squall_run_fault",
        kind: FamilyKind::Gauge,
        unit: None,
        help: "Whether a fault of the scenario is there: 1, else 0.",
    })?;
    let times = page.times();
    let is_there = |from: Timestamp, until: Timestamp, at: Duration| {
        let at = Timestamp::ZERO + at;
        if from <= at && at < until { 1.0 } else { 0.0 }
    };
    for provider in &scenario.providers {
        for (number, fault) in provider.config.faults.iter().enumerate() {
            let labels = metric_labels(&[
                ("provider", &provider.name),
                ("number", &(number + 1).to_string()),
                ("fault", &fault.to_string()),
            ]);
            for at in times.ends() {
                page.sample("", &labels, is_there(fault.at, fault.until(), at), at)?;
            }
        }
    }
    Ok(())
}

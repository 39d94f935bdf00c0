//! Errors by class: what clients saw, and what each deployment's provider answered.

use super::chart_context::ChartContext;
use super::chart_data::{ChartData, SeriesKind};
use super::fault_labels::FaultNaming;
use super::legend::{self, LegendMark};
use super::panel::{AxisUnit, Panel, PanelPosition, STRIP, ceiling, plain};
use super::picture::Picture;
use super::theme::{Ink, TOTAL, class as ink_of_class, deployment as ink_of};
use squall_failure::FailureClass;
use squall_judge::text::count;
use squall_record::AttemptCell;
use std::ops::Range;

const PANEL: f64 = 92.0;
/// From the end of a panel to the next.
const GAP: f64 = 5.0;

/// The place of those that clients gave up, or callers hung up on, behind the classes.
const GIVEN_UP: usize = FailureClass::ALL.len();
/// How many classes a caption names.
const NAMED: usize = 3;

/// Failures by class.
type ErrorCounts = [u32; GIVEN_UP + 1];

/// A panel's worth of errors.
struct ErrorPanel {
    name: String,
    ink: Ink,
    /// Whose faults are shaded; of the clients, everyone's.
    provider: Option<u16>,
    /// By bin.
    counts: Vec<ErrorCounts>,
}

pub(super) fn draw(context: &ChartContext<'_>) -> Picture {
    let width = context.bin_width(1);
    let clients = clients(context, width);
    let below = |each: usize| total(&of_attempts(&context.attempts(each, 0..context.seconds)));
    let seen_by_clients: u32 = clients.counts.iter().map(total).sum();
    let failed: u32 = (0..context.deployments())
        .map(|each| context.attempts(each, 0..context.seconds).failed.iter().sum::<u32>())
        .sum();
    let all: u32 = seen_by_clients + (0..context.deployments()).map(below).sum::<u32>();
    let title = match seen_by_clients {
        0 if !context.knows_attempts() => "No client errors".to_owned(),
        1 if !context.knows_attempts() => "1 client error".to_owned(),
        n if !context.knows_attempts() => format!("{} client errors", count(n.into())),
        0 => format!("No client errors; {} failed attempts at providers", count(failed.into())),
        1 => format!("1 client error; {} failed attempts at providers", count(failed.into())),
        n => format!(
            "{} client errors; {} failed attempts at providers",
            count(n.into()),
            count(failed.into())
        ),
    };
    let told_width = context.bin_width_told(1);
    let subtitle = format!(
        "errors per second by class, in bins of {told_width}: clients' by intended send time{}; n = {}",
        if context.knows_attempts() { ", providers' by start of the attempt" } else { "" },
        count(all.into())
    );
    let known = if context.knows_attempts() { context.deployments() } else { 0 };
    let (shown, others) = context.panels(0..known, below, "no errors");
    let mut picture = Picture::new(context.layout, title, &subtitle);
    if all == 0 {
        picture.nothing("no errors in this run");
        return picture;
    }
    let mut rows = vec![clients];
    rows.extend(shown.into_iter().map(|deployment| deployment_row(context, deployment, width)));
    let seen: Vec<_> = (0..=GIVEN_UP)
        .filter(|&code| rows.iter().flat_map(|row| &row.counts).any(|counts| counts[code] > 0))
        .collect();
    let names: Vec<_> = seen.iter().map(|&code| name(code)).collect();
    let marks = seen.iter().zip(&names);
    let entries: Vec<_> =
        marks.map(|(&code, name)| (name.as_str(), ink_of_class(code), LegendMark::Block)).collect();
    let mut top = legend::draw(&mut picture, &entries) + STRIP + 8.0;
    let mut bottom = top;
    for (number, row) in rows.iter().enumerate() {
        bottom = draw_row(&mut picture, context, row, top, PanelPosition::of(number, rows.len()));
        top = bottom + GAP;
    }
    picture.close(bottom, others);
    picture
}

/// Draws a row, and tells how far down it reaches.
fn draw_row(
    picture: &mut Picture,
    context: &ChartContext<'_>,
    row: &ErrorPanel,
    top: f64,
    place: PanelPosition,
) -> f64 {
    let width = context.bin_width(1);
    let rate = |count: u32, bin: &Range<usize>| f64::from(count) / bin.len() as f64;
    let rates = context.bins(width).zip(&row.counts).map(|(bin, counts)| rate(total(counts), &bin));
    let most = rates.fold(0.0, f64::max);
    let faults = context.faults_of(row.provider);
    let named =
        if row.provider.is_some() { FaultNaming::Alone } else { FaultNaming::WithDeployment };
    let lines = told(row);
    let panel = Panel::new(context, top, PANEL, ceiling(most.max(1.0)))
        .below_caption(&lines)
        .below_names(&faults, named);
    panel.faults(picture, &faults);
    panel.frame(picture, context, &AxisUnit { name: "per s", write: plain, lines: 2.0 }, place);
    let seen = (0..=GIVEN_UP).filter(|&code| row.counts.iter().any(|counts| counts[code] > 0));
    for code in seen {
        picture.series(&name(code), |picture| {
            for (bin, counts) in context.bins(width).zip(&row.counts) {
                let base = rate(counts[..code].iter().sum(), &bin);
                let top = base + rate(counts[code], &bin);
                if counts[code] > 0 {
                    panel.bar(picture, &bin, (base, top), ink_of_class(code));
                }
            }
        });
    }
    panel.fault_names(picture, &faults, named);
    panel.caption(picture, (&row.name, row.ink), &lines, place);
    panel.end()
}

/// The classes of a row with their counts, the most frequent first.
fn told(row: &ErrorPanel) -> Vec<String> {
    let sum = |code: usize| row.counts.iter().map(|counts| counts[code]).sum::<u32>();
    let mut sums: Vec<_> =
        (0..=GIVEN_UP).map(|code| (sum(code), code)).filter(|&(sum, _)| sum > 0).collect();
    sums.sort_by_key(|&(sum, code)| (std::cmp::Reverse(sum), code));
    // A single class beyond those is named too: "others" would take as much room.
    let named = if sums.len() == NAMED + 1 { NAMED + 1 } else { NAMED.min(sums.len()) };
    let line = |&(sum, code): &(u32, usize)| format!("{} {}", count(sum.into()), name(code));
    let mut lines: Vec<_> = sums[..named].iter().map(line).collect();
    if named < sums.len() {
        let more: u32 = sums[named..].iter().map(|&(sum, _)| sum).sum();
        lines.push(format!("{} others", count(more.into())));
    }
    if lines.is_empty() {
        lines.push("no errors".to_owned());
    }
    lines
}

/// The numbers of the chart: errors by class, of clients and of each deployment.
pub(super) fn series(context: &ChartContext<'_>, data: &mut ChartData) {
    let clients = data.request_cells();
    let of_clients = clients.iter().map(|cell| with_given_up(&cell.failed, cell.gave_up));
    add_classes(data, "clients", &of_clients.collect::<Vec<_>>());
    for (deployment, cells) in data.attempt_cells().iter().enumerate() {
        let counts: Vec<_> = cells.iter().map(of_attempts).collect();
        add_classes(data, context.name(deployment), &counts);
    }
}

fn add_classes(data: &mut ChartData, whose: &str, counts: &[ErrorCounts]) {
    for code in 0..=GIVEN_UP {
        let told = (format!("{whose}: {}", name(code)), SeriesKind::Count, ink_of_class(code));
        data.counts("errors", told, counts.iter().map(|counts| counts[code].into()));
    }
}

/// What a class of errors is called, by its code.
fn name(code: usize) -> String {
    FailureClass::ALL
        .get(code)
        .map_or_else(|| "abandoned".to_owned(), |class| class.as_str().replace('_', " "))
}

fn clients(context: &ChartContext<'_>, width: usize) -> ErrorPanel {
    let counts = context.bins(width).map(|bin| {
        let cell = context.requests(bin);
        with_given_up(&cell.failed, cell.gave_up)
    });
    ErrorPanel { name: "clients".to_owned(), ink: TOTAL, provider: None, counts: counts.collect() }
}

fn deployment_row(context: &ChartContext<'_>, deployment: usize, width: usize) -> ErrorPanel {
    let counts = context.bins(width).map(|bin| of_attempts(&context.attempts(deployment, bin)));
    ErrorPanel {
        name: context.short_name(deployment).to_owned(),
        ink: ink_of(deployment),
        provider: Some(context.provider(deployment)),
        counts: counts.collect(),
    }
}

fn of_attempts(cell: &AttemptCell) -> ErrorCounts {
    with_given_up(&cell.failed, cell.abandoned)
}

fn with_given_up(failed: &[u32; GIVEN_UP], given_up: u32) -> ErrorCounts {
    std::array::from_fn(|code| failed.get(code).copied().unwrap_or(given_up))
}

fn total(counts: &ErrorCounts) -> u32 {
    counts.iter().sum()
}

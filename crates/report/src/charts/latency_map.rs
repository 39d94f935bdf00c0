//! Latency as a map: how many requests took how long, over time. The rows are half powers of two, at whose edges the
//! recorded distributions are exact.

use super::chart_context::ChartContext;
use super::chart_data::{ChartData, SeriesKind};
use super::fault_labels::FaultNaming;
use super::latency::merged;
use super::legend::{self, LegendMark};
use super::panel::{Panel, PanelPosition, STRIP, percent, seconds};
use super::picture::{Anchor, Picture, ShapeRole, label};
use super::theme::{GRID, HEAT, QUIET};
use super::walked_rows::LatencyCells;
use squall_judge::text::count;
use std::ops::Range;

/// How many columns there are at most: a cell is seen on a phone.
const COLUMNS: usize = 120;
/// How high the map is, and a row of it, at most.
const HEIGHT: f64 = 240.0;
const ROW: f64 = 48.0;
/// How far apart times on the axis are at least.
const APART: f64 = 24.0;

fn latency_cells<'c>(context: &'c ChartContext<'_>) -> &'c LatencyCells {
    context.walked.latencies.get_or_init(|| LatencyCells::new(context))
}

impl LatencyCells {
    fn new(context: &ChartContext<'_>) -> Self {
        let width = context.width_of(COLUMNS, 1);
        let mut columns: Vec<Vec<(usize, u64)>> = Vec::new();
        for bin in context.bins(width) {
            let mut rows: Vec<(usize, u64)> = Vec::new();
            for value in merged(context, |group| &group.latency, bin).iter_recorded() {
                let (row, n) = (row(value.value_iterated_to()), value.count_at_value());
                match rows.last_mut() {
                    Some((last, sum)) if *last == row => *sum += n,
                    _ => rows.push((row, n)),
                }
            }
            columns.push(rows);
        }
        let seen = || columns.iter().flatten().map(|&(row, _)| row);
        let (Some(lowest), Some(highest)) = (seen().min(), seen().max()) else {
            return Self::default();
        };
        let full = |rows: Vec<(usize, u64)>| {
            let mut counts = vec![0; highest - lowest + 1];
            rows.into_iter().for_each(|(row, n)| counts[row - lowest] += n);
            counts
        };
        Self { width, lowest, columns: columns.into_iter().map(full).collect() }
    }

    fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    fn most(&self) -> u64 {
        self.columns.iter().flatten().copied().max().unwrap_or(0)
    }

    /// From which latency to which a row reaches, in seconds.
    fn edges(&self, row: usize) -> Range<f64> {
        let edge = |row: usize| (2 + row % 2) as f64 / 2.0 * 2_f64.powi((row / 2) as i32);
        edge(self.lowest + row) / 1e6..edge(self.lowest + row + 1) / 1e6
    }
}

/// The row of a latency in microseconds: two for each power of two, of which the second begins at one and a half.
const fn row(micros: u64) -> usize {
    let micros = if micros < 2 { 2 } else { micros };
    let power = micros.ilog2();
    2 * power as usize + ((micros >> (power - 1)) & 1) as usize
}

/// Where a latency in seconds stands among the rows.
fn place(seconds: f64) -> f64 {
    let micros = seconds * 1e6;
    let power = micros.log2().floor();
    2.0 * (power + micros / 2_f64.powf(power) - 1.0)
}

/// Whether any request succeeded.
pub(super) fn applies(context: &ChartContext<'_>) -> bool {
    latency_cells(context).most() > 0
}

pub(super) fn draw(context: &ChartContext<'_>) -> Picture {
    let cells = latency_cells(context);
    let n: u64 = cells.columns.iter().flatten().sum();
    let told = squall_judge::text::duration(std::time::Duration::from_secs(cells.width as u64));
    let subtitle = format!(
        "successful requests by latency, from the intended send time to the last byte; by intended \
         send time, in columns of {told}; n = {}",
        count(n)
    );
    let mut picture = Picture::new(context.layout, title(cells, n), &subtitle);
    if n == 0 {
        picture.nothing("no successful requests in this run");
        return picture;
    }
    let levels = levels(cells.most());
    let mut names: Vec<_> =
        levels.windows(2).map(|edges| told_range(edges[0], edges[1] - 1)).collect();
    names.last_mut().into_iter().for_each(|last| last.push_str(" requests"));
    let inks = HEAT.iter().skip(HEAT.len() - names.len());
    let entries = names.iter().zip(inks);
    let entries: Vec<_> =
        entries.map(|(name, &ink)| (name.as_str(), ink, LegendMark::Block)).collect();
    let top = legend::draw(&mut picture, &entries) + STRIP + 8.0;
    let faults = context.faults_of(None);
    let rows = cells.rows() as f64;
    let panel = Panel::new(context, top, HEIGHT.min(ROW * rows), rows)
        .wide()
        .below_names(&faults, FaultNaming::WithDeployment);
    panel.faults(&mut picture, &faults);
    let marks = |picture: &mut Picture| draw_marks(picture, &panel, cells);
    panel.framed(&mut picture, context, ("", marks), PanelPosition::Alone);
    picture.within(ShapeRole::Data, |picture| draw_cells(picture, &panel, cells, &levels));
    panel.fault_names(&mut picture, &faults, FaultNaming::WithDeployment);
    picture.close(panel.end(), None);
    picture
}

/// In which row most requests are.
fn title(cells: &LatencyCells, n: u64) -> String {
    let sum = |row: usize| cells.columns.iter().map(|column| column[row]).sum::<u64>();
    let fullest = (0..cells.rows()).map(|row| (sum(row), row)).max();
    fullest.map_or_else(
        || "Latencies".to_owned(),
        |(most, row)| {
            let (part, edges) = (percent(most as f64 / n.max(1) as f64), cells.edges(row));
            format!("Latencies: {part} between {} and {}", seconds(edges.start), seconds(edges.end))
        },
    )
}

/// The counts at which each level begins, and one above the most: their steps are equal on a scale of logarithms.
fn levels(most: u64) -> Vec<u64> {
    let steps = HEAT.len() as i32;
    let top = (most + 1) as f64;
    let mut levels: Vec<_> =
        (0..steps).map(|step| top.powf(f64::from(step) / f64::from(steps)).ceil() as u64).collect();
    levels.push(most + 1);
    levels.dedup();
    levels
}

fn told_range(from: u64, to: u64) -> String {
    if from == to { count(from) } else { format!("{} to {}", count(from), count(to)) }
}

/// Draws the cells: those of one level beside each other as one.
fn draw_cells(picture: &mut Picture, panel: &Panel, cells: &LatencyCells, levels: &[u64]) {
    let missing = HEAT.len() + 1 - levels.len();
    let level = |n: u64| (n > 0).then(|| missing + levels.partition_point(|&from| from <= n) - 1);
    for row in 0..cells.rows() {
        let of_row: Vec<_> = cells.columns.iter().map(|column| level(column[row])).collect();
        let mut first = 0;
        for same in of_row.chunk_by(|one, other| one == other) {
            let (from, to) = (first * cells.width, (first + same.len()) * cells.width);
            first += same.len();
            let Some(ink) = same[0].and_then(|level| HEAT.get(level)) else { continue };
            let (low, high) = (panel.y(row as f64), panel.y(row as f64 + 1.0));
            picture.rect((panel.x(from as f64), high), (panel.x(to as f64), low), *ink);
        }
    }
}

/// Marks the round times of the axis of latencies, as far as they have room.
fn draw_marks(picture: &mut Picture, panel: &Panel, cells: &LatencyCells) {
    let decades = (-6..5).map(|power| 10_f64.powi(power));
    let round = decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|times| times * decade));
    let mut last = f64::INFINITY;
    for value in round {
        let at = place(value) - cells.lowest as f64;
        let y = panel.y(at);
        if at < 0.0 || at > cells.rows() as f64 || last - y < APART {
            continue;
        }
        last = y;
        picture.path(vec![(panel.left, y), (panel.right, y)], GRID, 1.0);
        picture.text((panel.left - 8.0, y), seconds(value), label(QUIET, Anchor::Right));
    }
}

/// The numbers of the chart: the requests of each cell, the slowest first.
pub(super) fn series(context: &ChartContext<'_>, data: &mut ChartData) {
    let cells = latency_cells(context);
    for row in (0..cells.rows()).rev() {
        let edges = cells.edges(row);
        let name = format!("{} to {}", seconds(edges.start), seconds(edges.end));
        let counts = cells.columns.iter().map(|column| column[row]);
        let told = (name, SeriesKind::Count, HEAT[HEAT.len() / 2]);
        data.binned("latency-map", told, cells.width, counts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_meet_at_powers_of_two_and_half_way_between_them() {
        for (micros, expected) in
            [(1, 2), (2, 2), (3, 3), (4, 4), (5, 4), (6, 5), (1_023, 19), (1_024, 20)]
        {
            assert_eq!(row(micros), expected, "{micros}");
        }
        let cells = LatencyCells { lowest: 40, ..LatencyCells::default() };
        assert_eq!(cells.edges(0), 1.048_576..1.572_864);
        assert_eq!(cells.edges(1), 1.572_864..2.097_152);
        assert!((place(1.572_864) - 41.0).abs() < 1e-9 && (place(1.048_576) - 40.0).abs() < 1e-9);
    }

    #[test]
    fn levels_begin_at_one_and_reach_to_the_most() {
        assert_eq!(levels(1), [1, 2]);
        for most in [3, 10, 1_000, 12_345] {
            let levels = levels(most);
            assert!(levels[0] == 1 && levels.is_sorted() && levels.len() <= HEAT.len() + 1);
            assert_eq!(levels.last(), Some(&(most + 1)));
        }
    }
}

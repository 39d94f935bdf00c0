//! Each deployment's share of first attempts, against the weights that applied and what chance allows.

use super::chart_context::ChartContext;
use super::chart_data::{ChartData, SeriesKind};
use super::fault_labels::FaultNaming;
use super::font_metrics;
use super::legend::{self, LegendMark};
use super::panel::{AxisUnit, LineStroke, Panel, PanelPosition, STRIP, percent};
use super::picture::{Picture, ShapeRole};
use super::theme::{AXIS, FAILED, Ink, SMALL, TEXT, deployment as ink_of};
use crate::moves::traffic_moved;
use squall_determinism::Timestamp;
use squall_judge::fault_windows;
use squall_judge::text;
use squall_record::TICK;
use squall_scenario::MetricId;
use std::ops::Range;
use std::time::Duration;

/// A share is taken over at least so many seconds.
const BIN: usize = 2;
/// The normal quantile of a two-sided band of 99.9 %.
const BAND: f64 = 3.29;

/// How many lines of weights stand beside a panel.
const CAPTION_LINES: usize = 5;

const PANEL: f64 = 132.0;
/// From the end of a panel to the next.
const GAP: f64 = 11.0;

pub(super) fn draw(context: &ChartContext<'_>) -> Picture {
    let header = &context.recording.header;
    let group = context.scenario.target.0;
    let name = header.groups.get(usize::from(group)).map_or("", String::as_str);
    let members: Vec<_> = (0..context.deployments())
        .filter(|&each| header.deployments[each].group == group)
        .collect();
    let first = |each: usize| context.attempts(each, 0..context.seconds).first;
    let total: u32 = members.iter().map(|&each| first(each)).sum();
    let width = context.bin_width(BIN);
    let told = context.bin_width_told(BIN);
    let subtitle = format!(
        "share of first attempts in group {name}, in bins of {told}, from the providers' \
         logs; n = {}",
        text::count(total.into())
    );
    let (shown, others) = context.panels(members.iter().copied(), first, "no first attempts");
    let title = format!("Traffic split of {name}, against the weights");
    let mut picture = Picture::new(context.layout, title, &subtitle);
    if total == 0 {
        picture.nothing("no first attempts in this run");
        return picture;
    }
    let entries = [
        (SHARE, TEXT, LegendMark::Line(2.5)),
        (WEIGHT, TEXT, LegendMark::Dashes(1.5)),
        (CHANCE, BEHIND, LegendMark::Block),
    ];
    let mut top = legend::draw(&mut picture, &entries) + STRIP + 8.0;
    let odds = Odds::new(context, &members);
    let mut bottom = top;
    for (number, &deployment) in shown.iter().enumerate() {
        let faults = context.faults_of(Some(context.provider(deployment)));
        let panel = Panel::new(context, top, PANEL, 1.0)
            .below_caption(&weight_lines(context, deployment))
            .below_names(&faults, FaultNaming::Alone);
        let place = PanelPosition::of(number, shown.len());
        let bins: Vec<_> =
            context.bins(width).filter_map(|bin| odds.bin(deployment, bin)).collect();
        draw_deployment(&mut picture, context, &panel, (deployment, place), &bins);
        bottom = panel.end();
        top = bottom + GAP;
    }
    picture.close(bottom, others);
    picture
}

const SHARE: &str = "share (in the deployment's colour)";
const WEIGHT: &str = "effective weight";
const CHANCE: &str = "99.9% band of random draws with that weight";

const BEHIND: Ink = AXIS.faded(0.3);

fn draw_deployment(
    picture: &mut Picture,
    context: &ChartContext<'_>,
    panel: &Panel,
    (deployment, place): (usize, PanelPosition),
    bins: &[Bin],
) {
    let provider = context.provider(deployment);
    let faults = context.faults_of(Some(provider));
    panel.faults(picture, &faults);
    panel.frame(picture, context, &AxisUnit { name: "share", write: percent, lines: 4.0 }, place);
    draw_due(picture, panel, bins);
    let ink = ink_of(deployment);
    let line: Vec<_> =
        bins.iter().map(|bin| (f64::midpoint(bin.from, bin.to), Some(bin.share))).collect();
    picture.series(SHARE, |picture| panel.line(picture, &line, ink, LineStroke::solid(2.5)));
    let lines = weight_lines(context, deployment);
    panel.caption(picture, (context.short_name(deployment), ink), &lines, place);
    panel.changes(picture, context, place);
    panel.fault_names(picture, &faults, FaultNaming::Alone);
    for fault in fault_windows(context.scenario, deployment) {
        let moved = |metric, since| {
            traffic_moved(context.scenario, context.recording, deployment, metric, since)
        };
        let time = moved(MetricId::FailoverTime, fault.start);
        mark(picture, panel, time, fault.start, (0.0, "left", "traffic did not leave", FAILED));
        let time = moved(MetricId::RecoveryTime, fault.end);
        mark(picture, panel, time, fault.end, (18.0, "back", "traffic did not return", TEXT));
    }
}

/// The numbers of the chart: first attempts by deployment.
pub(super) fn series(context: &ChartContext<'_>, data: &mut ChartData) {
    for (deployment, cells) in data.attempt_cells().iter().enumerate() {
        let told = (context.name(deployment).to_owned(), SeriesKind::Share, ink_of(deployment));
        data.counts("shares", told, cells.iter().map(|cell| cell.first.into()));
    }
}

/// The weights of a deployment, a line each, as far as they have room beside a panel.
fn weight_lines(context: &ChartContext<'_>, deployment: usize) -> Vec<String> {
    let weights = text::weights(&context.recording.header, deployment);
    let mut lines: Vec<_> = weights.split(", ").map(str::to_owned).collect();
    if lines.len() > CAPTION_LINES {
        lines.truncate(CAPTION_LINES - 1);
        lines.push("and so on".to_owned());
    }
    lines
}

/// The weight that applied and the band of chance around it, in steps.
fn draw_due(picture: &mut Picture, panel: &Panel, bins: &[Bin]) {
    let due = |bin: &Bin| bin.due.map(|due| (bin.from, bin.to, due));
    let due: Vec<_> = bins.iter().filter_map(due).collect();
    for piece in due.chunk_by(|one, next| one.1 >= next.0) {
        let edge = |sign: f64| {
            piece.iter().flat_map(move |&(from, to, due)| {
                let value = (due.share + sign * due.chance).clamp(0.0, 1.0);
                [(from, value), (to, value)]
            })
        };
        let lower: Vec<_> = edge(-1.0).collect();
        let band = edge(1.0).chain(lower.into_iter().rev());
        let band: Vec<_> = band.map(|point| panel.at(point)).collect();
        picture.series(CHANCE, |picture| {
            picture.within(ShapeRole::Data, |picture| picture.area(band, BEHIND));
        });
        for step in piece.chunk_by(|one, next| (one.2.share - next.2.share).abs() < 0.005) {
            let share = step[0].2.share;
            let ends = [(step[0].0, share), (step[step.len() - 1].1, share)];
            picture.series(WEIGHT, |picture| {
                let ends = ends.map(|point| panel.at(point));
                picture.within(ShapeRole::Data, |picture| picture.dashes(&ends, TEXT, 1.5));
            });
        }
    }
}

/// Marks the moment at which traffic had left a deployment, or was back, or says that it never did.
fn mark(
    picture: &mut Picture,
    panel: &Panel,
    time: Option<Duration>,
    since: Timestamp,
    (below, moved, stayed, ink): (f64, &str, &str, Ink),
) {
    let Some(time) = time else { return };
    let (at, text) = match time {
        Duration::MAX => (since, stayed.to_owned()),
        _ => (since + time, format!("{moved} after {}", text::duration(time))),
    };
    let x = panel.x(at.as_secs_f64());
    if time < Duration::MAX {
        picture.within(ShapeRole::Data, |picture| {
            picture.path(vec![(x, panel.top + 4.0 + below), (x, panel.bottom)], ink, 1.5);
        });
    }
    let left = (x + 6.0).min(panel.right - font_metrics::width(&text, SMALL, true) - 4.0);
    let at = (left, panel.top + 12.0 + below);
    picture.within(ShapeRole::Label(x), |picture| {
        picture.label_where_free(at, (16.0, panel.bottom - 8.0), &text, ink);
    });
}

/// The share of one bin, with what it is held against.
#[derive(Clone, Copy, Debug)]
struct Bin {
    /// From when to when, in seconds.
    from: f64,
    to: f64,
    share: f64,
    /// None while nobody could be chosen.
    due: Option<Due>,
}

/// What a share is held against.
#[derive(Clone, Copy, Debug)]
struct Due {
    /// The share by the weights that applied.
    share: f64,
    /// Half the width of the band of chance around it.
    chance: f64,
}

/// The weights that applied, tick by tick: a deployment whose provider fails, or has asked to be left
/// alone, has none, and the others share what is its.
struct Odds {
    /// By member.
    members: Vec<Member>,
    /// The ticks in which the group had first attempts.
    ticks: Vec<u64>,
    /// How many each member had in each of them, one tick after the other.
    firsts: Vec<u32>,
}

struct Member {
    deployment: usize,
    /// By the time from which it holds.
    weights: Vec<(Timestamp, f64)>,
    /// When its provider fails.
    faults: Vec<Range<Timestamp>>,
    /// When it had asked to be left alone.
    waits: Vec<Range<Timestamp>>,
}

impl Member {
    fn weight(&self, time: Timestamp) -> f64 {
        let begun = self.weights.partition_point(|&(from, _)| from <= time);
        self.weights[..begun].last().map_or(0.0, |&(_, weight)| weight)
    }

    fn is_out(&self, time: Timestamp) -> bool {
        // Ranges of one kind are in order and do not overlap: only the last begun can hold the time.
        [&self.faults, &self.waits].into_iter().any(|ranges| {
            let begun = ranges.partition_point(|range| range.start <= time);
            begun > 0 && ranges[begun - 1].contains(&time)
        })
    }
}

impl Odds {
    fn new(context: &ChartContext<'_>, members: &[usize]) -> Self {
        let members_of = members.iter().map(|&deployment| {
            let faults = fault_windows(context.scenario, deployment);
            let cells = &context.recording.cells.deployments[deployment];
            Member {
                deployment,
                weights: context.weights(deployment),
                faults: faults.iter().map(|fault| fault.start..fault.end).collect(),
                waits: cells.embargoed().collect(),
            }
        });
        let mut this =
            Self { members: members_of.collect(), ticks: Vec::new(), firsts: Vec::new() };
        context.recording.cells.first_attempts(members, |tick, counts| {
            this.ticks.push(tick);
            this.firsts.extend_from_slice(counts);
        });
        this
    }

    /// A bin of a deployment; `None` if the group had no first attempts in it.
    ///
    /// Each first attempt has its odds by its tick. The share due is their mean, and chance spreads it
    /// as a sum of independent draws. Those made while nobody could be chosen are due to nobody; where
    /// they are the most, nothing is due.
    fn bin(&self, deployment: usize, bin: Range<usize>) -> Option<Bin> {
        let (mut all, mut there) = (0.0, 0.0);
        let (mut drawn, mut expected, mut variance) = (0.0, 0.0, 0.0);
        let place = self.members.iter().position(|member| member.deployment == deployment)?;
        let per_second = (1_000 / TICK.as_millis()) as u64;
        let [start, end] = [bin.start, bin.end]
            .map(|second| self.ticks.partition_point(|&tick| tick < second as u64 * per_second));
        let firsts = self.firsts.chunks(self.members.len()).skip(start);
        for (&tick, firsts) in self.ticks[start..end].iter().zip(firsts) {
            let start = Timestamp::from_nanos(tick * TICK.as_nanos() as u64);
            let n: f64 = firsts.iter().map(|&first| f64::from(first)).sum();
            all += n;
            there += f64::from(firsts[place]);
            if let Some(odds) = self.at(deployment, start + TICK / 2) {
                drawn += n;
                expected += n * odds;
                variance += n * odds * (1.0 - odds);
            }
        }
        (all > 0.0).then(|| Bin {
            from: bin.start as f64,
            to: bin.end as f64,
            share: there / all,
            due: (drawn > all / 2.0)
                .then(|| Due { share: expected / drawn, chance: BAND * variance.sqrt() / drawn }),
        })
    }

    /// The odds of a deployment at a time; `None` if nobody could be chosen then.
    fn at(&self, deployment: usize, time: Timestamp) -> Option<f64> {
        let (mut own, mut all) = (0.0, 0.0);
        for member in &self.members {
            if member.is_out(time) {
                continue;
            }
            let weight = member.weight(time);
            all += weight;
            if member.deployment == deployment {
                own = weight;
            }
        }
        (all > 0.0).then(|| own / all)
    }
}

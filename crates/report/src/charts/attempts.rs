//! What each deployment was asked and answered, and when the router skipped it.

use super::chart_context::ChartContext;
use super::chart_data::{ChartData, CountedField, SeriesKind};
use super::deployment_states::states;
use super::fault_labels::FaultNaming;
use super::legend::{self, LegendMark};
use super::panel::{AxisUnit, Panel, PanelPosition, STRIP, ceiling, plain};
use super::picture::{Anchor, Picture, ShapeRole, label};
use super::theme::{FAILED, Ink, PALE, QUIET, THROTTLED, deployment as ink_of};
use super::walked_rows::StripState;
use squall_failure::FailureClass;
use squall_judge::text::count;
use squall_record::AttemptCell;

const PANEL: f64 = 100.0;
/// From the end of a panel to the next.
const GAP: f64 = 6.0;
/// How far below the axis the lane of the cooldowns is, and how high.
const LANE: f64 = 8.0;
const LANE_HEIGHT: f64 = 12.0;
/// From the end of a break to the answer of its probe.
const AWAITING: Ink = FAILED.faded(0.35);

pub(super) fn draw(context: &ChartContext<'_>) -> Picture {
    let all = |each: usize| context.attempts(each, 0..context.seconds);
    let total: u32 = (0..context.deployments()).map(|each| all(each).started).sum();
    let (width, told_width) = (context.bin_width(1), context.bin_width_told(1));
    let (title, beside) = if context.is_built_in() {
        (
            "Attempts at each deployment, and its cooldowns",
            "lane below: when the router had ejected it",
        )
    } else {
        ("Attempts at each deployment", "without connections that were refused")
    };
    let subtitle = format!(
        "attempts per second by start time, in bins of {told_width}, from the providers' logs; \
         {beside}; n = {}",
        count(total.into())
    );
    let (shown, others) =
        context.panels(0..context.deployments(), |each| all(each).started, "no attempts");
    let mut picture = Picture::new(context.layout, title, &subtitle);
    if total == 0 {
        picture.nothing("no attempts in this run");
        return picture;
    }
    let mut top = legend::draw(&mut picture, entries(context)) + STRIP + 8.0;
    let most = shown.iter().flat_map(|&each| {
        context.bins(width).map(move |bin| {
            let seconds = bin.len() as f64;
            f64::from(context.attempts(each, bin).started) / seconds
        })
    });
    let most = ceiling(most.fold(0.0, f64::max));
    let mut bottom = top;
    for (number, &deployment) in shown.iter().enumerate() {
        let faults = context.faults_of(Some(context.provider(deployment)));
        let mut panel = Panel::new(context, top, PANEL, most)
            .below_caption(&told(context, deployment))
            .below_names(&faults, FaultNaming::Alone);
        panel.times_below += LANE + LANE_HEIGHT;
        let place = PanelPosition::of(number, shown.len());
        draw_deployment(&mut picture, context, &panel, deployment, place);
        bottom = panel.end();
        top = bottom + GAP;
    }
    picture.close(bottom, others);
    picture
}

/// What the colours mean: without the cooldowns of a gateway that does not tell them.
const fn entries(context: &ChartContext<'_>) -> &'static [(&'static str, Ink, LegendMark)] {
    const BUILT_IN: [(&str, Ink, LegendMark); 4] = [
        ("succeeded (in the deployment's colour)", PALE, LegendMark::Block),
        ("throttled, or in cooldown after it", THROTTLED, LegendMark::Block),
        ("failed or abandoned, or in cooldown after it", FAILED, LegendMark::Block),
        ("waiting for a probe", AWAITING, LegendMark::Block),
    ];
    const TARGET: [(&str, Ink, LegendMark); 3] = [
        ("succeeded (in the deployment's colour)", PALE, LegendMark::Block),
        ("throttled", THROTTLED, LegendMark::Block),
        ("failed or abandoned", FAILED, LegendMark::Block),
    ];
    if context.is_built_in() { &BUILT_IN } else { &TARGET }
}

fn draw_deployment(
    picture: &mut Picture,
    context: &ChartContext<'_>,
    panel: &Panel,
    deployment: usize,
    place: PanelPosition,
) {
    let faults = context.faults_of(Some(context.provider(deployment)));
    panel.faults(picture, &faults);
    panel.frame(picture, context, &AxisUnit { name: "per s", write: plain, lines: 3.0 }, place);
    let ink = ink_of(deployment);
    let width = context.bin_width(1);
    let [good, throttled, failed, ..] = entries(context) else { return };
    let series = [(throttled.0, THROTTLED), (failed.0, FAILED), (good.0, ink)];
    for (place, (name, ink)) in series.into_iter().enumerate() {
        picture.series(name, |picture| {
            for bin in context.bins(width) {
                let cell = context.attempts(deployment, bin.clone());
                let (throttled, failed) = losses(&cell);
                let counts = [throttled, failed, cell.started - throttled - failed];
                let rate = |count: u32| f64::from(count) / bin.len() as f64;
                let base = rate(counts[..place].iter().sum());
                if counts[place] > 0 {
                    panel.bar(picture, &bin, (base, base + rate(counts[place])), ink);
                }
            }
        });
    }
    panel.fault_names(picture, &faults, FaultNaming::Alone);
    let lines = told(context, deployment);
    panel.caption(picture, (context.short_name(deployment), ink), &lines, place);
    lane(picture, context, panel, deployment);
}

/// What stands beside a panel.
fn told(context: &ChartContext<'_>, deployment: usize) -> Vec<String> {
    let sum = context.attempts(deployment, 0..context.seconds);
    let (throttled, failed) = losses(&sum);
    let mut lines = vec![format!("{} attempts", count(sum.started.into()))];
    let losses = [
        (throttled, "throttled"),
        (failed - sum.abandoned, "failed"),
        (sum.abandoned, "abandoned"),
    ];
    for (number, what) in losses.into_iter().filter(|&(number, _)| number > 0) {
        lines.push(format!("{} {what}", count(number.into())));
    }
    lines
}

/// Throttled, and failed in any other way.
fn losses(cell: &AttemptCell) -> (u32, u32) {
    let throttled = cell.failed[usize::from(FailureClass::Throttled.code())];
    let all: u32 = cell.failed.iter().sum::<u32>() + cell.abandoned;
    (throttled, all - throttled)
}

/// The lane below a panel: in cooldown, in the colour of the reason; pale from the end of the break to
/// the probe's answer.
fn lane(picture: &mut Picture, context: &ChartContext<'_>, panel: &Panel, deployment: usize) {
    let (top, bottom) = (panel.bottom + LANE, panel.bottom + LANE + LANE_HEIGHT);
    let middle = f64::midpoint(top, bottom);
    picture.text((panel.left - 8.0, middle), "cooldown", label(QUIET, Anchor::Right));
    picture.rect((panel.left, top), (panel.right, bottom), PALE.faded(0.15));
    if !context.is_built_in() {
        let unknown = "unknown: the target does not tell when it skips a deployment";
        picture.text((panel.left + 6.0, middle), unknown, label(QUIET, Anchor::Left));
        return;
    }
    let mut drawn_to = panel.left;
    picture.within(ShapeRole::Data, |picture| {
        for stretch in &states(context)[deployment] {
            let ink = match stretch.state {
                StripState::Throttled => THROTTLED,
                StripState::Ejected => FAILED,
                StripState::Probing => AWAITING,
                _ => continue,
            };
            let (from, to) = (panel.x(stretch.from), panel.x(stretch.to));
            // A run of hours has more cooldowns than pixels: what would be hidden is not drawn.
            if to.max(from + 1.0) > drawn_to + 0.25 {
                drawn_to = to.max(from + 1.0);
                picture.rect((from, top), (drawn_to, bottom), ink);
            }
        }
    });
}

/// The numbers of the chart: attempts, and those that failed, by deployment.
pub(super) fn series(context: &ChartContext<'_>, data: &mut ChartData) {
    for (deployment, cells) in data.attempt_cells().iter().enumerate() {
        let counts: [CountedField<AttemptCell>; 3] = [
            ("attempts", ink_of(deployment), |cell| cell.started),
            ("throttled", THROTTLED, |cell| losses(cell).0),
            ("failed or abandoned", FAILED, |cell| losses(cell).1),
        ];
        for (what, ink, of) in counts {
            let told = (format!("{}: {what}", context.name(deployment)), SeriesKind::Count, ink);
            data.counts("attempts", told, cells.iter().map(|cell| of(cell).into()));
        }
    }
}

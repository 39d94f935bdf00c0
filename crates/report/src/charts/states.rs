//! In which state the router held each deployment, as a strip. The height and the form of a stretch tell its state as its
//! colour does.

use super::chart_context::ChartContext;
use super::chart_data::{ChartData, SeriesKind};
use super::deployment_states::states;
use super::legend::{self, LegendMark};
use super::panel::{Panel, PanelPosition, STRIP, percent};
use super::picture::{Picture, ShapeRole};
use super::theme::{FAILED, Ink, PALE, QUIET, THROTTLED, deployment as ink_of};
use super::walked_rows::{StateStretch, StripState};
use squall_determinism::Timestamp;
use squall_judge::text;
use std::time::Duration;

/// How high a strip is, and a stretch in which all is well.
const STRIP_HEIGHT: f64 = 24.0;
const LOW: f64 = 5.0;
/// From the end of a strip to the next.
const GAP: f64 = 8.0;
/// How many stretches of a deployment are told in words.
const TOLD: usize = 12;

/// Whether any deployment was ever in another state than healthy. Another gateway does not tell.
pub(super) fn applies(context: &ChartContext<'_>) -> bool {
    let is_out = |stretch: &StateStretch| stretch.state != StripState::Healthy;
    context.knows_attempts()
        && context.is_built_in()
        && states(context).iter().flatten().any(is_out)
}

pub(super) fn draw(context: &ChartContext<'_>) -> Picture {
    let all = states(context).iter().flatten();
    let out = all.filter(|stretch| stretch.state != StripState::Healthy).count();
    let subtitle = format!(
        "by the notes of the router; n = {} stretches in another state than healthy",
        text::count(out as u64)
    );
    let mut picture = Picture::new(context.layout, "State of each deployment", &subtitle);
    let (shown, others) = context.panels(
        0..context.deployments(),
        |each| milliseconds_out(&states(context)[each]),
        "always healthy",
    );
    if shown.is_empty() {
        picture.nothing("every deployment was healthy in this run");
        return picture;
    }
    let seen = |state: StripState| {
        let mut all = shown.iter().flat_map(|&each| &states(context)[each]);
        all.any(|stretch| stretch.state == state)
    };
    let looks = StripState::ALL.into_iter().filter(|&state| seen(state)).filter_map(look);
    let entries: Vec<_> = looks.map(|look| (look.name, look.ink, look.mark)).collect();
    let mut top = legend::draw(&mut picture, &entries) + STRIP + 8.0;
    let mut bottom = top;
    for (number, &deployment) in shown.iter().enumerate() {
        let place = PanelPosition::of(number, shown.len());
        let lines = [told_share(context, deployment)];
        let mut panel = Panel::new(context, top, STRIP_HEIGHT, 1.0).below_caption(&lines);
        if !matches!(place, PanelPosition::Last | PanelPosition::Alone) {
            panel.times_below = 4.0;
        }
        panel.faults(&mut picture, &context.faults_of(Some(context.provider(deployment))));
        panel.framed(&mut picture, context, ("", |_| {}), place);
        draw_strip(&mut picture, &panel, &states(context)[deployment], ink_of(deployment));
        let name = (context.short_name(deployment), ink_of(deployment));
        panel.caption(&mut picture, name, &lines, place);
        picture.words.push(in_words(context, deployment));
        bottom = panel.end();
        top = bottom + GAP;
    }
    picture.close(bottom, others);
    picture
}

/// How a state looks.
struct StateLook {
    name: &'static str,
    /// Its ink in the legend, and on the strip of a deployment unless it is that of the deployment.
    ink: Ink,
    mark: LegendMark,
    is_own: bool,
}

/// The look of a state; what is not there is not drawn.
fn look(state: StripState) -> Option<StateLook> {
    let (ink, mark) = match state {
        StripState::Healthy => (PALE, LegendMark::Low(LOW / STRIP_HEIGHT)),
        StripState::SlowStart => (PALE, LegendMark::Wedge),
        StripState::Throttled => (THROTTLED, LegendMark::Low(0.5)),
        StripState::Probing => (FAILED, LegendMark::Hollow),
        StripState::Unhealthy => (QUIET, LegendMark::Hollow),
        StripState::OutOfBudget => (QUIET, LegendMark::Low(0.5)),
        StripState::Ejected => (FAILED, LegendMark::Block),
        StripState::Absent => return None,
    };
    let is_own = matches!(state, StripState::Healthy | StripState::SlowStart);
    let name = match state {
        StripState::Healthy => "healthy (in the deployment's colour)",
        _ => state.as_str(),
    };
    Some(StateLook { name, ink, mark, is_own })
}

/// The stretches as they can be seen: those narrower than a pixel that follow each other are one, in the state that
/// lasted longest of those that are not healthy.
fn visible(panel: &Panel, stretches: &[StateStretch]) -> Vec<StateStretch> {
    let pixel = panel.seconds / (panel.right - panel.left);
    let (mut visible, mut narrow): (Vec<StateStretch>, Vec<StateStretch>) =
        (Vec::new(), Vec::new());
    for &stretch in stretches {
        let is_wide = stretch.to - stretch.from >= pixel;
        if is_wide {
            visible.extend(joined(&std::mem::take(&mut narrow)));
            visible.push(stretch);
        } else {
            narrow.push(stretch);
            if stretch.to - narrow[0].from >= pixel {
                visible.extend(joined(&std::mem::take(&mut narrow)));
            }
        }
    }
    visible.extend(joined(&narrow));
    visible
}

fn joined(narrow: &[StateStretch]) -> Option<StateStretch> {
    let (first, last) = (narrow.first()?, narrow.last()?);
    let lasted = |state: StripState| -> f64 {
        let of_it = narrow.iter().filter(|stretch| stretch.state == state);
        of_it.map(|stretch| stretch.to - stretch.from).sum()
    };
    let out = StripState::ALL.into_iter().skip(1).filter(|&state| lasted(state) > 0.0);
    let longest = out.max_by(|&one, &other| lasted(one).total_cmp(&lasted(other)));
    let state = longest.unwrap_or(StripState::Healthy);
    Some(StateStretch { from: first.from, to: last.to, state })
}

/// A strip. What is narrower than a pixel is drawn as wide as one, unless it would hide another stretch.
fn draw_strip(picture: &mut Picture, panel: &Panel, stretches: &[StateStretch], own: Ink) {
    let mut drawn_to = panel.left;
    for stretch in visible(panel, stretches) {
        let Some(look) = look(stretch.state) else { continue };
        let least = if stretch.state == StripState::Healthy { 0.0 } else { 1.0 };
        let start = panel.x(stretch.from);
        // Where it ends by itself: many that are narrow must not push each other on.
        let to = panel.x(stretch.to).max(start + least).min(panel.right);
        let from = start.max(drawn_to);
        if to < from + 0.5 {
            continue;
        }
        drawn_to = to;
        let ink = if look.is_own { own } else { look.ink };
        picture.series(look.name, |picture| {
            picture.within(ShapeRole::Data, |picture| {
                draw_look(picture, ((from, panel.top), (to, panel.bottom)), look.mark, ink);
            });
        });
    }
}

fn draw_look(
    picture: &mut Picture,
    ((left, top), (right, bottom)): ((f64, f64), (f64, f64)),
    mark: LegendMark,
    ink: Ink,
) {
    match mark {
        LegendMark::Low(part) => {
            let up = (bottom - top) * part;
            picture.rect((left, bottom - up), (right, bottom), ink);
        }
        LegendMark::Wedge => {
            let low = bottom - LOW;
            picture.area(vec![(left, bottom), (left, low), (right, top), (right, bottom)], ink);
        }
        LegendMark::Hollow => {
            picture.rect((left, top), (right, bottom), ink.faded(0.18));
            picture.rect((left, top), (right, top + 2.5), ink);
            picture.rect((left, bottom - 2.5), (right, bottom), ink);
        }
        _ => picture.rect((left, top), (right, bottom), ink),
    }
}

fn milliseconds_out(stretches: &[StateStretch]) -> u32 {
    (seconds_out(stretches) * 1_000.0).ceil() as u32
}

fn seconds_out(stretches: &[StateStretch]) -> f64 {
    let out = stretches.iter().filter(|stretch| stretch.state != StripState::Healthy);
    out.map(|stretch| stretch.to - stretch.from).sum()
}

/// How much of the run a deployment was healthy.
fn told_share(context: &ChartContext<'_>, deployment: usize) -> String {
    let out = seconds_out(&states(context)[deployment]);
    format!("healthy {}", percent((1.0 - out / context.seconds as f64).max(0.0)))
}

/// The strip of a deployment in words: its stretches, or of many how often it was in which state.
fn in_words(context: &ChartContext<'_>, deployment: usize) -> String {
    let (name, all) = (context.name(deployment), &states(context)[deployment]);
    let is_out = |stretch: &&StateStretch| stretch.state != StripState::Healthy;
    let out: Vec<_> = all.iter().filter(is_out).collect();
    let moment = |seconds: f64| text::moment(Timestamp::from_nanos((seconds * 1e9) as u64));
    if out.len() <= TOLD {
        let told = out.iter().map(|stretch| {
            let (from, to) = (moment(stretch.from), moment(stretch.to));
            format!("{} from {from} to {to}", stretch.state.as_str())
        });
        return format!("{name}: {}", told.collect::<Vec<_>>().join(", "));
    }
    let told = StripState::ALL.into_iter().skip(1).filter_map(|state| {
        let of_it = out.iter().filter(|stretch| stretch.state == state);
        let (times, seconds) = of_it.fold((0_u64, 0.0), |(times, seconds), stretch| {
            (times + 1, seconds + stretch.to - stretch.from)
        });
        let lasting = text::duration(Duration::from_millis((seconds * 1_000.0) as u64));
        let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
        (seconds > 0.0).then(|| format!("{} {times}, for {lasting} in all", state.as_str()))
    });
    format!("{name}: {}", told.collect::<Vec<_>>().join("; "))
}

/// The numbers of the chart: the most severe state of each step, by deployment.
pub(super) fn series(context: &ChartContext<'_>, data: &mut ChartData) {
    for (deployment, stretches) in states(context).iter().enumerate() {
        let mut worst = vec![0_u64; context.bins(data.step).count()];
        for stretch in stretches {
            let first = stretch.from as usize / data.step;
            let end = (stretch.to.ceil() as usize).div_ceil(data.step).min(worst.len());
            for state in worst.iter_mut().take(end).skip(first) {
                *state = (*state).max(stretch.state as u64);
            }
        }
        let told = (context.name(deployment).to_owned(), SeriesKind::State, ink_of(deployment));
        data.counts("states", told, worst.into_iter());
    }
}

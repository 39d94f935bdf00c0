//! How retries went: at once to a sibling, or after a wait, which is held against the policy's ceilings. Hedges, which
//! begin while an attempt of their request is under way, are no retries and are only counted. What follows a call that a
//! client made again is not the router's, and is on the chart of calls.

use super::chart_context::ChartContext;
use super::chart_data::{ChartData, SeriesKind};
use super::fault_labels::FaultNaming;
use super::following_attempts::{AT_ONCE, following};
use super::legend::{self, LegendMark};
use super::panel::{AxisUnit, Panel, PanelPosition, STRIP, ceiling, plain, seconds};
use super::picture::{Anchor, Picture, ShapeRole, TextStyle, label};
use super::theme::{BODY, Layout, QUIET, TEXT, deployment as ink_of};
use super::walked_rows::{FollowingAttempt, FollowingCause};
use squall_judge::text::count;
use squall_record::RecordedEvent;
use squall_router::RouterEvent as Decision;
use std::ops::Range;

/// How many dots are drawn at most: more would be one blot.
const DOTS: usize = 2_000;

const WAITS: f64 = 190.0;
const SWITCHES: f64 = 96.0;

pub(super) fn draw(context: &ChartContext<'_>) -> Picture {
    let retries: Vec<_> = retries(context).copied().collect();
    let is_hedge = |attempt: &&FollowingAttempt| attempt.cause == FollowingCause::Hedge;
    let hedges = following(context).iter().filter(is_hedge).count() as u64;
    let (at_once, waited): (Vec<_>, Vec<_>) =
        retries.iter().copied().partition(|retry| retry.delay < AT_ONCE);
    let all = count(retries.len() as u64);
    let retries_of = |number: usize, kind: &str| match number {
        1 => format!("1 {kind}retry"),
        _ => format!("{} {kind}retries", count(number as u64)),
    };
    let retried = match (at_once.len(), waited.len()) {
        (0, 0) => "No retries".to_owned(),
        (switches, 0) => format!("{}, all immediate", retries_of(switches, "")),
        (0, waits) => format!("{}, all after a wait", retries_of(waits, "")),
        (switches, waits) => {
            format!("{}, {} after a wait", retries_of(switches, "immediate "), count(waits as u64))
        }
    };
    let title = match hedges {
        0 => retried,
        1 => format!("{retried}, and 1 hedge"),
        _ => format!("{retried}, and {} hedges", count(hedges)),
    };
    let told = context.bin_width_told(1);
    let subtitle = format!(
        "wait from the end of an attempt to the start of the next one of the same request, from \
         the providers' logs; below: immediate retries in bins of {told}; n = {all}"
    );
    let mut picture = Picture::new(context.layout, title, &subtitle);
    if retries.is_empty() {
        picture.nothing(if context.has_rows() {
            "no retries in this run"
        } else {
            "this chart needs the rows of attempts, which this run did not keep (--rows all)"
        });
        return picture;
    }
    let targets: Vec<_> = (0..context.deployments())
        .filter(|&each| retries.iter().any(|retry| retry.deployment == each))
        .collect();
    let names: Vec<_> = targets.iter().map(|&each| series_of(context, each)).collect();
    let colours = names.iter().zip(&targets);
    let mut entries: Vec<_> =
        colours.map(|(name, &each)| (name.as_str(), ink_of(each), LegendMark::Dot)).collect();
    if context.is_built_in() {
        entries.push((BOUND, TEXT, LegendMark::Dashes(1.5)));
    }
    let asked = asked_waits(context);
    if !asked.is_empty() {
        entries.push((ASKED, TEXT, LegendMark::Ring));
    }
    let top = legend::draw(&mut picture, &entries) + STRIP + 8.0;
    let end = draw_waits(&mut picture, context, top, (&waited, &asked));
    draw_switches(&mut picture, context, end + 21.0, &at_once);
    picture
}

const BOUND: &str = "upper bound of the backoff";
const ASKED: &str = "wait required by Retry-After";

fn series_of(context: &ChartContext<'_>, deployment: usize) -> String {
    format!("to {}", context.name(deployment))
}

/// Draws the waits, and tells how far down they reach.
fn draw_waits(
    picture: &mut Picture,
    context: &ChartContext<'_>,
    top: f64,
    (waited, asked): (&[FollowingAttempt], &[(f64, f64)]),
) -> f64 {
    let group = &context.scenario.router.groups[context.scenario.target.index()];
    let backoff = group.retry_rule;
    let delays = waited.iter().map(|retry| retry.delay).chain(asked.iter().map(|&(_, wait)| wait));
    // How another gateway backs off is not what the scenario says.
    let bounds = if context.is_built_in() { group.retries.max } else { 0 };
    let longest = delays.fold(backoff.ceiling(1).as_secs_f64(), f64::max);
    let faults = context.faults_of(None);
    let panel = Panel::new(context, top, WAITS, ceiling(longest))
        .below_names(&faults, FaultNaming::WithDeployment);
    panel.faults(picture, &faults);
    panel.frame(
        picture,
        context,
        &AxisUnit { name: "delay", write: seconds, lines: 4.0 },
        PanelPosition::First,
    );
    let mut free_below = f64::INFINITY;
    for retry in 1..=bounds {
        let most = backoff.ceiling(retry).as_secs_f64();
        let repeated = retry > 1 && backoff.ceiling(retry - 1) == backoff.ceiling(retry);
        let y = panel.y(most);
        if most > panel.most || repeated {
            break;
        }
        picture.series(BOUND, |picture| {
            picture.dashes(&[(panel.left, y), (panel.right, y)], TEXT, 1.5);
            if y <= free_below {
                free_below = y - 14.0;
                let (x, anchor) = match context.layout {
                    Layout::Wide => ((panel.right + 12.0, y), Anchor::Left),
                    Layout::Narrow => ((panel.right - 2.0, y - 8.0), Anchor::Right),
                };
                picture.text(x, format!("retry {retry}"), label(QUIET, anchor));
            }
        });
    }
    let step = waited.len().div_ceil(DOTS).max(1);
    for deployment in 0..context.deployments() {
        let dots = waited.iter().step_by(step).filter(|retry| retry.deployment == deployment);
        let dots: Vec<_> = dots.collect();
        if dots.is_empty() {
            continue;
        }
        picture.series(&series_of(context, deployment), |picture| {
            picture.within(ShapeRole::Data, |picture| {
                for retry in dots {
                    picture.dot(panel.at((retry.at, retry.delay)), 3.5, ink_of(deployment), true);
                }
            });
        });
    }
    picture.series(ASKED, |picture| {
        picture.within(ShapeRole::Data, |picture| {
            for &(at, wait) in asked.iter().step_by(asked.len().div_ceil(DOTS).max(1)) {
                picture.dot(panel.at((at, wait)), 5.0, TEXT, false);
            }
        });
    });
    panel.fault_names(picture, &faults, FaultNaming::WithDeployment);
    if waited.is_empty() {
        let at = (panel.left + 14.0, panel.bottom - 22.0);
        let style = TextStyle { size: BODY, bold: false, ink: QUIET, anchor: Anchor::Left };
        picture.text(at, "no retry waited", style);
    }
    panel.end()
}

fn draw_switches(
    picture: &mut Picture,
    context: &ChartContext<'_>,
    top: f64,
    at_once: &[FollowingAttempt],
) {
    let width = context.bin_width(1);
    let bins: Vec<_> = context.bins(width).collect();
    let mut counts = vec![vec![0_u32; context.deployments()]; bins.len()];
    for retry in at_once {
        // A retry after the last bin belongs to it.
        let bin = (retry.at as usize / width).min(bins.len() - 1);
        counts[bin][retry.deployment] += 1;
    }
    let rate = |count: u32, bin: &Range<usize>| f64::from(count) / bin.len() as f64;
    let rates = bins.iter().zip(&counts).map(|(bin, counts)| rate(counts.iter().sum(), bin));
    let most = rates.fold(0.0, f64::max);
    let panel = Panel::new(context, top, SWITCHES, ceiling(most));
    panel.faults(picture, &context.faults_of(None));
    panel.frame(
        picture,
        context,
        &AxisUnit { name: "", write: plain, lines: 2.0 },
        PanelPosition::Last,
    );
    let over = (panel.left, panel.top - 12.0);
    picture.text(over, "immediate retries per second", label(QUIET, Anchor::Left));
    for deployment in 0..context.deployments() {
        picture.series(&series_of(context, deployment), |picture| {
            for (bin, counts) in bins.iter().zip(&counts) {
                let base = rate(counts[..deployment].iter().sum(), bin);
                let top = base + rate(counts[deployment], bin);
                if counts[deployment] > 0 {
                    panel.bar(picture, bin, (base, top), ink_of(deployment));
                }
            }
        });
    }
    picture.close(panel.end(), None);
}

/// The numbers of the chart: retries by the deployment that they went to.
pub(super) fn series(context: &ChartContext<'_>, data: &mut ChartData) {
    for deployment in 0..context.deployments() {
        let own = retries(context).filter(|retry| retry.deployment == deployment);
        let counts = data.counted(context, own.map(|retry| retry.at));
        let name = format!("retries to {}", context.name(deployment));
        let told = (name, SeriesKind::Count, ink_of(deployment));
        data.counts("retries", told, counts.into_iter());
    }
}

/// The attempts of one call that began when those before them had ended.
fn retries<'c>(context: &'c ChartContext<'_>) -> impl Iterator<Item = &'c FollowingAttempt> {
    let is_retry = |attempt: &&FollowingAttempt| {
        matches!(attempt.cause, FollowingCause::Retry | FollowingCause::Fallback)
    };
    following(context).iter().filter(is_retry)
}

/// What Retry-After asked of retries that waited, at the times they began to, by the router's notes.
fn asked_waits(context: &ChartContext<'_>) -> Vec<(f64, f64)> {
    let notes = context.recording.notes.iter();
    let waits = notes.filter_map(|row| match row.note {
        RecordedEvent::Router(Decision::RetryScheduled { wait, .. }) => {
            Some((row.at.as_secs_f64(), wait.retry_after?.as_secs_f64()))
        }
        _ => None,
    });
    waits.collect()
}

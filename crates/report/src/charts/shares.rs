//! Each deployment's share of first attempts, against the weights that applied and what chance allows.

use super::panel::{Named, Panel, Unit, percent};
use super::picture::{Anchor, Picture, TextStyle, label};
use super::story::{Story, window};
use super::theme::{AXIS, FAILED, QUIET, SMALL, TEXT, WIDTH, deployment as ink_of};
use crate::metrics::fault_windows;
use squall_determinism::Timestamp;

/// How many seconds a share is taken over.
const BIN: usize = 2;
/// The normal quantile of a two-sided band of 99.9 %.
const BAND: f64 = 3.29;

const PANEL: f64 = 150.0;
const STEP: f64 = 210.0;

/// The share of one bin, with what it is held against.
#[derive(Clone, Copy, Debug)]
struct Bin {
    /// Its middle, in seconds.
    at: f64,
    share: Option<f64>,
    target: f64,
    /// Half the width of the band.
    chance: f64,
}

pub(super) fn draw(story: &Story<'_>) -> Picture {
    let group = story.scenario.target.0;
    let header = &story.recording.header;
    let members: Vec<_> =
        (0..story.deployments()).filter(|&each| header.deployments[each].group == group).collect();
    let name = header.groups.get(usize::from(group)).map_or("", String::as_str);
    let first: u32 = members.iter().map(|&each| story.attempts(each, 0..story.seconds).first).sum();
    let subtitle = format!(
        "share of first attempts in group {name}, {BIN} s bins; dashed: the weight that applied; grey: \
         99.9 % of what chance alone would give; n = {}",
        crate::text::count(first.into())
    );
    let height = 96.0 + STEP * members.len().max(1) as f64;
    let title = format!("Who served {name}, against the weights");
    let mut picture = Picture::new(WIDTH, height, title, &subtitle);
    if first == 0 {
        picture.nothing("no attempts in this run");
        return picture;
    }
    for (row, &deployment) in members.iter().enumerate() {
        let top = 112.0 + STEP * row as f64;
        draw_deployment(&mut picture, story, &members, deployment, top);
    }
    picture
}

fn draw_deployment(
    picture: &mut Picture,
    story: &Story<'_>,
    members: &[usize],
    deployment: usize,
    top: f64,
) {
    let panel = Panel {
        left: 76.0,
        right: WIDTH - 118.0,
        top,
        bottom: top + PANEL,
        seconds: story.seconds as f64,
        most: 1.0,
    };
    let bins = bins(story, members, deployment);
    let provider = story.provider(deployment);
    let faults = story.faults.iter().filter(|fault| fault.provider == provider);
    panel.faults(picture, faults, Named::Alone);
    panel.frame(picture, story, &Unit { name: "share", write: percent, lines: 4.0 });
    let edge = |sign: f64| {
        bins.iter().map(move |bin| (bin.at, (bin.target + sign * bin.chance).clamp(0.0, 1.0)))
    };
    let band: Vec<_> = edge(1.0).chain(edge(-1.0).collect::<Vec<_>>().into_iter().rev()).collect();
    picture.area(band.into_iter().map(|point| panel.at(point)).collect(), AXIS.faded(0.25));
    let target: Vec<_> = bins.iter().map(|bin| panel.at((bin.at, bin.target))).collect();
    picture.dashes(&target, TEXT, 1.5);
    let ink = ink_of(deployment);
    let line: Vec<_> = bins.iter().map(|bin| (bin.at, bin.share)).collect();
    panel.line(picture, &line, ink, 2.5);
    let weight = story.recording.header.deployments[deployment].weight;
    let middle = top + PANEL / 2.0;
    panel.name_at(picture, middle - 9.0, story.name(deployment), ink);
    let style = label(QUIET, Anchor::Left);
    picture.text((panel.right + 8.0, middle + 9.0), format!("weight {weight}"), style);
    mark_leaving(picture, story, &panel, &bins, provider);
}

/// Marks the moment after which the share stayed below its band while a fault lasted.
fn mark_leaving(
    picture: &mut Picture,
    story: &Story<'_>,
    panel: &Panel,
    bins: &[Bin],
    provider: u16,
) {
    for fault in fault_windows(story.scenario, provider) {
        let (from, to) = (fault.start.as_secs_f64(), fault.end.as_secs_f64());
        let during = |bin: &&Bin| bin.at > from && bin.at < to;
        let last_inside = bins
            .iter()
            .filter(during)
            .rfind(|bin| bin.share.is_some_and(|share| share > bin.target + 0.05 + bin.chance));
        let left = last_inside.map_or(from, |bin| bin.at + BIN as f64 / 2.0);
        if left >= to {
            continue;
        }
        let x = panel.x(left);
        picture.path(vec![(x, panel.top + 20.0), (x, panel.bottom)], FAILED, 2.0);
        let style = TextStyle { size: SMALL, bold: false, ink: FAILED, anchor: Anchor::Left };
        let text = format!("gone within {:.0} s", (left - from).max(BIN as f64));
        picture.text((x + 5.0, panel.bottom - 12.0), text, style);
    }
}

fn bins(story: &Story<'_>, members: &[usize], deployment: usize) -> Vec<Bin> {
    let first = |each: usize, at: usize| story.attempts(each, at..at + BIN).first;
    let starts = (0..story.seconds).step_by(BIN);
    let bins = starts.map(|start| {
        let all: u32 = members.iter().map(|&each| first(each, start)).sum();
        let target = target(story, members, deployment, start);
        let n = f64::from(all);
        Bin {
            at: start as f64 + BIN as f64 / 2.0,
            share: (all > 0).then(|| f64::from(first(deployment, start)) / n),
            target,
            chance: if all > 0 { BAND * (target * (1.0 - target) / n).sqrt() } else { 0.0 },
        }
    });
    bins.collect()
}

/// The weight that applied: those whose provider fails have none, and the others share what is theirs.
fn target(story: &Story<'_>, members: &[usize], deployment: usize, start: usize) -> f64 {
    let middle = window(&(start..start + BIN));
    let at = Timestamp::from_nanos(u64::midpoint(middle.start.as_nanos(), middle.end.as_nanos()));
    let weight = |each: usize| {
        let fails = fault_windows(story.scenario, story.provider(each));
        let out = fails.iter().any(|fault| fault.start <= at && at < fault.end);
        if out { 0.0 } else { f64::from(story.recording.header.deployments[each].weight) }
    };
    let all: f64 = members.iter().map(|&each| weight(each)).sum();
    if all > 0.0 { weight(deployment) / all } else { 0.0 }
}

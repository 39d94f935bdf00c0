//! What each deployment was asked and answered, and when the router skipped it.

use super::legend::{self, Mark};
use super::panel::{Named, Panel, Unit, ceiling, plain};
use super::picture::{Anchor, Picture, label};
use super::story::Story;
use super::theme::{FAILED, QUIET, THROTTLED, TOTAL, WIDTH, deployment as ink_of};
use squall_failure::FailureClass;
use squall_record::{AttemptCell, Note};
use squall_router::{DeploymentId, Note as Decision};

const PANEL: f64 = 112.0;
const STEP: f64 = 196.0;

pub(super) fn draw(story: &Story<'_>) -> Picture {
    let deployments = story.deployments();
    let totals: Vec<_> =
        (0..deployments).map(|each| story.attempts(each, 0..story.seconds).started).collect();
    let total: u32 = totals.iter().sum();
    let subtitle = format!(
        "attempts per second by start, from the providers' logs; lane: skipped by the router (light \
         while it waits for a probe); n = {}",
        crate::text::count(total.into())
    );
    let height = 128.0 + STEP * deployments.max(1) as f64;
    let title = "Attempts at each deployment, and its cooldowns";
    let mut picture = Picture::new(WIDTH, height, title, &subtitle);
    if total == 0 {
        picture.nothing("no attempts in this run");
        return picture;
    }
    let entries = [
        ("answered (colour of the deployment)", TOTAL.faded(0.45), Mark::Block),
        ("throttled", THROTTLED, Mark::Block),
        ("failed or abandoned", FAILED, Mark::Block),
        ("skipped", TOTAL, Mark::Block),
    ];
    legend::draw(&mut picture, 76.0, 84.0, &entries);
    let rate = |each: usize| {
        (0..story.seconds).map(move |at| story.attempts(each, at..at + 1).started).max()
    };
    let most = (0..deployments).filter_map(rate).max().unwrap_or(1);
    for (deployment, total) in totals.into_iter().enumerate() {
        let top = 144.0 + STEP * deployment as f64;
        let panel = Panel {
            left: 76.0,
            right: WIDTH - 118.0,
            top,
            bottom: top + PANEL,
            seconds: story.seconds as f64,
            most: ceiling(most.into()),
        };
        draw_deployment(&mut picture, story, &panel, deployment, total);
    }
    picture
}

fn draw_deployment(
    picture: &mut Picture,
    story: &Story<'_>,
    panel: &Panel,
    deployment: usize,
    total: u32,
) {
    let provider = story.provider(deployment);
    let faults = story.faults.iter().filter(|fault| fault.provider == provider);
    panel.faults(picture, faults, Named::Alone);
    panel.frame(picture, story, &Unit { name: "per s", write: plain, lines: 3.0 });
    let ink = ink_of(deployment);
    for second in 0..story.seconds {
        let cell = story.attempts(deployment, second..second + 1);
        let (throttled, failed) = losses(&cell);
        let good = f64::from(cell.started) - throttled - failed;
        let mut base = 0.0;
        for (count, ink) in [(good, ink), (throttled, THROTTLED), (failed, FAILED)] {
            if count > 0.0 {
                let (from, to) = (second as f64 + 0.08, second as f64 + 0.92);
                picture.rect(panel.at((from, base + count)), panel.at((to, base)), ink);
                base += count;
            }
        }
    }
    let middle = panel.top + PANEL / 2.0;
    panel.name_at(picture, middle - 9.0, story.name(deployment), ink);
    let text = format!("{} attempts", crate::text::count(total.into()));
    picture.text((panel.right + 8.0, middle + 9.0), text, label(QUIET, Anchor::Left));
    lane(picture, story, panel, deployment);
}

/// Throttled, and failed in any other way.
fn losses(cell: &AttemptCell) -> (f64, f64) {
    let throttled = cell.failed[usize::from(FailureClass::Throttled.code())];
    let all: u32 = cell.failed.iter().sum::<u32>() + cell.abandoned;
    (f64::from(throttled), f64::from(all - throttled))
}

/// The lane below the time axis: dark while skipped, light from the end of the break to the probe's
/// answer.
fn lane(picture: &mut Picture, story: &Story<'_>, panel: &Panel, deployment: usize) {
    let (top, bottom) = (panel.bottom + 26.0, panel.bottom + 36.0);
    picture.text((panel.left - 8.0, top + 5.0), "cooldown", label(QUIET, Anchor::Right));
    picture.rect((panel.left, top), (panel.right, bottom), TOTAL.faded(0.06));
    let id = DeploymentId(deployment as u16);
    let mut skipped_from = None;
    let mut probing_from = None;
    for row in &story.recording.notes {
        let Note::Router(decision) = row.note else { continue };
        let at = row.at.as_secs_f64();
        match decision {
            Decision::CooldownStarted { deployment, .. } if deployment == id => {
                if let Some(from) = probing_from.take() {
                    block(picture, panel, (from, at), (top, bottom), 0.3);
                }
                skipped_from.get_or_insert(at);
            }
            Decision::CooldownEnded { deployment } if deployment == id => {
                if let Some(from) = skipped_from.take() {
                    block(picture, panel, (from, at), (top, bottom), 1.0);
                }
                probing_from = None;
            }
            Decision::Probe { deployment, .. } if deployment == id => probing_from = Some(at),
            Decision::Recovered { deployment } if deployment == id => {
                if let Some(from) = probing_from.take() {
                    block(picture, panel, (from, at), (top, bottom), 0.3);
                }
            }
            _ => {}
        }
    }
    if let Some(from) = skipped_from {
        block(picture, panel, (from, story.seconds as f64), (top, bottom), 1.0);
    }
}

fn block(
    picture: &mut Picture,
    panel: &Panel,
    (from, to): (f64, f64),
    (top, bottom): (f64, f64),
    alpha: f64,
) {
    let right = panel.x(to).max(panel.x(from) + 1.0);
    picture.rect((panel.x(from), top), (right, bottom), TOTAL.faded(alpha));
}

//! How long retries waited, against the policy's ceilings.

use super::legend::{self, Mark};
use super::panel::{Named, Panel, Unit, ceiling, seconds};
use super::picture::{Anchor, Picture, label};
use super::story::Story;
use super::theme::{QUIET, TEXT, TOTAL, WIDTH, deployment as ink_of};
use squall_record::Note;
use squall_router::{Note as Decision, RetryWait};

/// A retry, as the rows tell it.
struct Retry {
    at: f64,
    delay: f64,
    deployment: usize,
}

/// A retry counts as immediate below this.
const AT_ONCE: f64 = 0.02;

pub(super) fn draw(story: &Story<'_>) -> Picture {
    let retries = retries(story);
    let waits = waits(story);
    let at_once = retries.iter().filter(|retry| retry.delay < AT_ONCE).count();
    let waited = retries.len() - at_once;
    let title = match (at_once, waited) {
        (0, 0) => "No retries".to_owned(),
        (_, 0) => format!("{at_once} retries, all at a sibling at once: none had to wait"),
        _ => format!("{at_once} retries at a sibling at once, {waited} after a wait"),
    };
    let subtitle = format!(
        "from the end of an attempt to the start of the next of the same request, by the providers' \
         logs; n = {}",
        retries.len()
    );
    let mut picture = Picture::new(WIDTH, 430.0, title, &subtitle);
    if retries.is_empty() {
        picture.nothing("no request was tried twice in this run");
        return picture;
    }
    let backoff = story.scenario.router.groups[story.scenario.target.index()].backoff;
    let longest = retries.iter().map(|retry| retry.delay).fold(0.0, f64::max);
    let panel = Panel {
        left: 76.0,
        right: WIDTH - 150.0,
        top: 128.0,
        bottom: 386.0,
        seconds: story.seconds as f64,
        most: ceiling(longest.max(backoff.ceiling(1).as_secs_f64())),
    };
    panel.faults(&mut picture, story.faults.iter(), Named::WithDeployment);
    panel.frame(&mut picture, story, &Unit { name: "delay", write: seconds, lines: 5.0 });
    for retry in 1..=4_u16 {
        let most = backoff.ceiling(retry).as_secs_f64();
        if most <= panel.most {
            let y = panel.y(most);
            picture.dashes(&[(panel.left, y), (panel.right, y)], TEXT, 1.5);
            let text = format!("ceiling of retry {retry}");
            picture.text((panel.right + 8.0, y), text, label(QUIET, Anchor::Left));
        }
    }
    for retry in &retries {
        picture.dot(panel.at((retry.at, retry.delay)), 3.5, ink_of(retry.deployment), true);
    }
    for (at, wait) in waits {
        if let Some(asked) = wait.retry_after {
            picture.dot(panel.at((at, asked.as_secs_f64())), 5.0, TOTAL, false);
        }
    }
    let names: Vec<_> =
        (0..story.deployments()).map(|each| format!("to {}", story.name(each))).collect();
    let entries = names.iter().enumerate();
    let mut entries: Vec<_> =
        entries.map(|(each, name)| (name.as_str(), ink_of(each), Mark::Dot)).collect();
    entries.push(("ceiling of the jitter", TEXT, Mark::Dashes));
    legend::draw(&mut picture, 76.0, 84.0, &entries);
    picture
}

/// Every attempt that followed another of its request.
fn retries(story: &Story<'_>) -> Vec<Retry> {
    let mut rows: Vec<_> = story.recording.attempts.iter().collect();
    rows.sort_by_key(|row| (row.request, row.ordinal));
    let pairs = rows
        .windows(2)
        .filter(|pair| pair[0].request.is_some() && pair[0].request == pair[1].request);
    let retries = pairs.map(|pair| Retry {
        at: pair[1].started.as_secs_f64(),
        delay: pair[1].started.since(pair[0].ended).as_secs_f64(),
        deployment: usize::from(pair[1].deployment),
    });
    retries.collect()
}

/// The waits that the router told of, at the times they began.
fn waits(story: &Story<'_>) -> Vec<(f64, RetryWait)> {
    let notes = story.recording.notes.iter();
    let waits = notes.filter_map(|row| match row.note {
        Note::Router(Decision::RetryScheduled { wait, .. }) => Some((row.at.as_secs_f64(), wait)),
        _ => None,
    });
    waits.collect()
}

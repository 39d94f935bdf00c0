//! Errors by class: what clients saw, and what each deployment's provider answered.

use super::legend::{self, Mark};
use super::panel::{Named, Panel, Unit, ceiling, plain};
use super::picture::{Anchor, Picture, label};
use super::story::Story;
use super::theme::{Ink, QUIET, TOTAL, WIDTH, class as ink_of_class, deployment as ink_of};
use squall_failure::FailureClass;

const PANEL: f64 = 92.0;
const STEP: f64 = 152.0;

/// Counts of failures by class, second by second; the last is for clients who gave up, or callers who
/// hung up.
type Counts = Vec<[u32; FailureClass::ALL.len() + 1]>;

/// A panel's worth of errors.
struct Row {
    name: String,
    ink: Ink,
    provider: Option<u16>,
    counts: Counts,
}

pub(super) fn draw(story: &Story<'_>) -> Picture {
    let rows = rows(story);
    let sums: Vec<u32> = (0..=FailureClass::ALL.len())
        .map(|code| rows.iter().flat_map(|row| &row.counts).map(|counts| counts[code]).sum())
        .collect();
    let seen: Vec<usize> = (0..sums.len()).filter(|&code| sums[code] > 0).collect();
    let clients: u32 = rows[0].counts.iter().flatten().sum();
    let below: u32 = rows[1..].iter().flat_map(|row| &row.counts).flatten().sum();
    let title = format!("{clients} errors reached clients, of {below} that providers gave");
    let subtitle = format!(
        "errors per second by class; clients by intended time, providers by start of the attempt; n = {}",
        clients + below
    );
    let height = 128.0 + STEP * rows.len() as f64;
    let mut picture = Picture::new(WIDTH, height, title, &subtitle);
    if seen.is_empty() {
        picture.nothing("no errors in this run");
        return picture;
    }
    let name = |code: usize| FailureClass::ALL.get(code).map_or("gave up", |class| class.as_str());
    let entries: Vec<_> = seen
        .iter()
        .enumerate()
        .map(|(n, &code)| (name(code), ink_of_class(n), Mark::Block))
        .collect();
    legend::draw(&mut picture, 76.0, 84.0, &entries);
    for (place, row) in rows.iter().enumerate() {
        let top = 132.0 + STEP * place as f64;
        draw_row(&mut picture, story, row, &seen, top);
    }
    picture
}

fn draw_row(picture: &mut Picture, story: &Story<'_>, row: &Row, seen: &[usize], top: f64) {
    let most = row.counts.iter().map(|counts| counts.iter().sum::<u32>()).max().unwrap_or(0);
    let panel = Panel {
        left: 76.0,
        right: WIDTH - 118.0,
        top,
        bottom: top + PANEL,
        seconds: story.seconds as f64,
        most: ceiling(f64::from(most).max(4.0)),
    };
    let hit = |fault: &&super::story::Fault| row.provider.is_none_or(|each| each == fault.provider);
    let named = if row.provider.is_some() { Named::Alone } else { Named::WithDeployment };
    panel.faults(picture, story.faults.iter().filter(hit), named);
    panel.frame(picture, story, &Unit { name: "per s", write: plain, lines: 2.0 });
    for (second, counts) in row.counts.iter().enumerate() {
        let mut base = 0.0;
        for (n, &code) in seen.iter().enumerate() {
            let count = f64::from(counts[code]);
            if count > 0.0 {
                let (from, to) = (second as f64 + 0.08, second as f64 + 0.92);
                let ink = ink_of_class(n);
                picture.rect(panel.at((from, base + count)), panel.at((to, base)), ink);
                base += count;
            }
        }
    }
    let middle = top + PANEL / 2.0;
    panel.name_at(picture, middle - 9.0, &row.name, row.ink);
    let total: u32 = row.counts.iter().flatten().sum();
    let style = label(QUIET, Anchor::Left);
    picture.text(
        (panel.right + 8.0, middle + 9.0),
        format!("{} errors", crate::text::count(total.into())),
        style,
    );
}

fn rows(story: &Story<'_>) -> Vec<Row> {
    let seconds = 0..story.seconds;
    let clients = seconds.clone().map(|at| {
        let cell = story.requests(at..at + 1);
        counts(&cell.failed, cell.gave_up)
    });
    let mut rows = vec![Row {
        name: "clients".to_owned(),
        ink: TOTAL,
        provider: None,
        counts: clients.collect(),
    }];
    rows.extend((0..story.deployments()).map(|deployment| {
        let seen = seconds.clone().map(|at| {
            let cell = story.attempts(deployment, at..at + 1);
            counts(&cell.failed, cell.abandoned)
        });
        Row {
            name: story.name(deployment).to_owned(),
            ink: ink_of(deployment),
            provider: Some(story.provider(deployment)),
            counts: seen.collect(),
        }
    }));
    rows
}

fn counts(
    failed: &[u32; FailureClass::ALL.len()],
    gave_up: u32,
) -> [u32; FailureClass::ALL.len() + 1] {
    std::array::from_fn(|code| failed.get(code).copied().unwrap_or(gave_up))
}

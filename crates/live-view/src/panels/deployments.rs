//! The deployments: what the router makes of each, and what share it has.

use super::theme::{Theme, Tone};
use super::words;
use crate::model::{DeploymentPanel, Snapshot, StateView};
use crate::recent::WINDOW;
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Rect};
use ratatui::text::Text;
use ratatui::widgets::{Block, Cell, Row, Table};

/// The names of the columns, and their widths after that of the name.
const COLUMNS: [(&str, u16); 6] =
    [("state", 16), ("share", 5), ("weight", 6), ("attempts/s", 10), ("failed", 6), ("429", 6)];

/// What a name takes at most.
const NAME: u16 = 24;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, theme: Theme) {
    let room = usize::from(area.height.saturating_sub(3));
    let hidden = snapshot.deployments.len().saturating_sub(room);
    let title = match hidden {
        0 => format!("deployments, last {WINDOW} s"),
        _ => format!("deployments, last {WINDOW} s ({hidden} more below)"),
    };
    let rows = snapshot.deployments.iter().take(room).map(|each| row(each, theme));
    let names = snapshot.deployments.iter().map(|each| each.name.chars().count());
    let name = u16::try_from(names.max().unwrap_or(0)).unwrap_or(NAME).clamp(4, NAME);
    let widths = std::iter::once(Constraint::Length(name))
        .chain(COLUMNS.iter().map(|&(_, width)| Constraint::Length(width)));
    let titles = std::iter::once(Cell::from("name")).chain(COLUMNS.iter().enumerate().map(
        |(place, &(title, _))| if place == 0 { Cell::from(title) } else { right(title.to_owned()) },
    ));
    let header = Row::new(titles).style(theme.style(Tone::Soft));
    let table = Table::new(rows, widths).header(header).column_spacing(2);
    frame.render_widget(table.block(Block::bordered().title(title)), area);
}

fn row(each: &DeploymentPanel, theme: Theme) -> Row<'static> {
    let state = Cell::from(words::state(each.state, each.state_for_s));
    let state = tone(each.state)
        .map_or_else(|| state.clone(), |tone| state.clone().style(theme.style(tone)));
    let failed = right(each.failed.to_string());
    let failed = if each.failed > 0 { failed.style(theme.style(Tone::Bad)) } else { failed };
    let throttled = right(each.throttled.to_string());
    let throttled =
        if each.throttled > 0 { throttled.style(theme.style(Tone::Waiting)) } else { throttled };
    Row::new([
        Cell::from(each.name.clone()),
        state,
        right(words::share(each.share)),
        right(words::share(each.weight_share)),
        right(words::rate(each.attempts_rps)),
        failed,
        throttled,
    ])
}

const fn tone(state: StateView) -> Option<Tone> {
    match state {
        StateView::Healthy => Some(Tone::Good),
        StateView::Ejected | StateView::Unhealthy => Some(Tone::Bad),
        StateView::Throttled
        | StateView::HalfOpen
        | StateView::SlowStart
        | StateView::BudgetSpent => Some(Tone::Waiting),
        StateView::Unknown => None,
    }
}

fn right(text: String) -> Cell<'static> {
    Cell::from(Text::from(text).alignment(Alignment::Right))
}

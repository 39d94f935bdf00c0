//! A snapshot in the cells of a terminal, of any size.

mod deployments;
mod events;
mod head;
mod requests;
mod theme;
mod words;

use crate::model::Snapshot;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
pub use theme::Theme;

/// Lines of the head: the scenario, its progress, its faults.
const HEAD: u16 = 3;

/// Lines that the latest events get at least, with their frame.
const EVENTS_MIN: u16 = 4;

/// Lines that the figures of requests take, with their frame.
const REQUESTS_MIN: u16 = 8;

/// Below this height there are figures in place of panels.
const HEIGHT_MIN: u16 = 16;

/// Below this width as well.
const WIDTH_MIN: u16 = 44;

/// Draws a snapshot on all of a terminal, of a run that was asked to end or was not.
pub fn draw(frame: &mut Frame<'_>, snapshot: &Snapshot, theme: Theme, is_stopping: bool) {
    let area = frame.area();
    if area.height < HEIGHT_MIN || area.width < WIDTH_MIN {
        return head::draw_small(frame, area, snapshot, theme);
    }
    let members = u16::try_from(snapshot.deployments.len()).unwrap_or(u16::MAX);
    let room = area.height - HEAD - 1;
    let requests = (room / 3).clamp(REQUESTS_MIN, 12).min(room - EVENTS_MIN);
    // A frame and the names of the columns.
    let table = members.saturating_add(3).min(room - requests - EVENTS_MIN);
    let parts = Layout::vertical([
        Constraint::Length(HEAD),
        Constraint::Length(requests),
        Constraint::Length(table),
        Constraint::Min(EVENTS_MIN),
        Constraint::Length(1),
    ]);
    let [head, requests, table, events, foot] = parts.areas(area);
    head::draw(frame, head, snapshot, theme);
    requests::draw(frame, requests, snapshot, theme);
    deployments::draw(frame, table, snapshot, theme);
    events::draw(frame, events, snapshot, theme);
    head::draw_foot(frame, foot, snapshot, (theme, is_stopping));
}

#[cfg(test)]
mod tests;

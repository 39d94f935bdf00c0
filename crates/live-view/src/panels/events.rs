//! What happened, in words, the latest last.

use super::theme::{Theme, Tone};
use crate::model::{EventView, Snapshot};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};

/// What the time takes, before the text.
const TIME: usize = 8;
const GAP: usize = 2;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, theme: Theme) {
    let room = usize::from(area.height.saturating_sub(2));
    let width = usize::from(area.width.saturating_sub(2)).saturating_sub(TIME + GAP).max(1);
    // Each takes a line at least.
    let latest = snapshot.events.iter().rev().take(room).rev();
    let mut lines: Vec<_> = latest.flat_map(|event| lines(event, width, theme)).collect();
    lines.drain(..lines.len().saturating_sub(room));
    if lines.is_empty() {
        lines.push(Line::styled("nothing yet", theme.style(Tone::Soft)));
    }
    let block = Block::bordered().title("what happened");
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn lines(event: &EventView, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let style = match event.tone {
        "bad" => theme.style(Tone::Bad),
        "good" => theme.style(Tone::Good),
        _ => Style::new(),
    };
    let mut time = event.at.clone();
    let parts = wrapped(&event.text, width).into_iter().map(|part| {
        let time = Span::styled(
            format!("{:>TIME$}{:GAP$}", std::mem::take(&mut time), ""),
            theme.style(Tone::Soft),
        );
        Line::from(vec![time, Span::styled(part, style)])
    });
    parts.collect()
}

/// A text in lines of at most so many characters, broken between words where that is possible; what follows the first is
/// set in.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        let length = line.chars().count();
        if length > 0 && length + 1 + word.chars().count() > width {
            lines.push(format!("  {word}"));
        } else {
            if length > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

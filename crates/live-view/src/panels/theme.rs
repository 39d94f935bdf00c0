//! What colours say.

use ratatui::style::{Color, Modifier, Style};

/// Whether colours are used. What they say stands in words as well.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Theme {
    /// The terminal's own sixteen, which its user has chosen.
    Coloured,
    /// None.
    Plain,
}

/// What a colour says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tone {
    Good,
    Bad,
    Waiting,
    Soft,
    Strong,
}

impl Theme {
    pub(super) const fn style(self, tone: Tone) -> Style {
        let style = Style::new();
        match (self, tone) {
            (_, Tone::Strong) => style.add_modifier(Modifier::BOLD),
            (Self::Plain, _) => style,
            (Self::Coloured, Tone::Good) => style.fg(Color::Green),
            (Self::Coloured, Tone::Bad) => style.fg(Color::Red),
            (Self::Coloured, Tone::Waiting) => style.fg(Color::Yellow),
            (Self::Coloured, Tone::Soft) => style.fg(Color::DarkGray),
        }
    }
}

//! What is run, how far it is, and what is broken; and the same with the figures, where there is no room for panels.

use super::theme::{Theme, Tone};
use super::words;
use crate::model::Snapshot;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{LineGauge, Paragraph};

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, theme: Theme) {
    let [title, progress, faults] = Layout::vertical([Constraint::Length(1); 3]).areas(area);
    let what = vec![
        Span::styled(snapshot.scenario.clone(), theme.style(Tone::Strong)),
        Span::raw(format!("  seed {}", snapshot.seed)),
        Span::styled(gateway(snapshot), theme.style(Tone::Soft)),
    ];
    frame.render_widget(Line::from(what), title);
    let time = Line::from(time(snapshot)).right_aligned();
    frame.render_widget(time, title);
    frame.render_widget(gauge(snapshot, theme), progress);
    frame.render_widget(fault_line(snapshot, theme), faults);
}

pub(super) fn draw_foot(
    frame: &mut Frame<'_>,
    area: Rect,
    snapshot: &Snapshot,
    (theme, is_stopping): (Theme, bool),
) {
    let keys = if is_stopping {
        Span::styled("stopping: results so far are kept", theme.style(Tone::Waiting))
    } else {
        Span::styled("q or Ctrl-C: stop, and keep the results so far", theme.style(Tone::Soft))
    };
    frame.render_widget(Line::from(keys), area);
    if snapshot.missed_rows > 0 {
        let missed = format!("{} rows not shown", snapshot.missed_rows);
        let missed = Line::styled(missed, theme.style(Tone::Waiting)).right_aligned();
        frame.render_widget(missed, area);
    }
}

/// The most important first: as many lines as there is room.
pub(super) fn draw_small(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, theme: Theme) {
    let now = &snapshot.now;
    let mut lines = vec![
        Line::from(time(snapshot)),
        Line::from(format!("success {}", words::percent(now.success))),
        Line::from(format!("{} rps", words::rate(now.offered_rps))),
        Line::from(format!("p95 {}", words::millis(now.p95_ms))),
    ];
    lines.extend(snapshot.deployments.iter().map(|each| {
        let state = words::state(each.state, each.state_for_s);
        Line::from(format!("{}: {state}", each.name))
    }));
    lines.insert(1, fault_line(snapshot, theme));
    frame.render_widget(Paragraph::new(lines), area);
}

fn gateway(snapshot: &Snapshot) -> String {
    snapshot.target.as_ref().map_or_else(String::new, |target| format!("  target {target}"))
}

fn time(snapshot: &Snapshot) -> String {
    let Snapshot { elapsed_s, duration_s, in_flight, .. } = snapshot;
    if elapsed_s > duration_s {
        return format!("waiting for {in_flight} requests");
    }
    format!("{} of {}", words::clock(*elapsed_s), words::clock(*duration_s))
}

fn gauge(snapshot: &Snapshot, theme: Theme) -> LineGauge<'static> {
    let phase = snapshot
        .phase
        .as_ref()
        .map_or_else(|| "no phase ".to_owned(), |phase| format!("phase {phase} "));
    let done = snapshot.elapsed_s / snapshot.duration_s.max(1e-9);
    LineGauge::default()
        .label(phase)
        .ratio(done.clamp(0.0, 1.0))
        .filled_symbol("━")
        .unfilled_symbol("─")
        .filled_style(theme.style(Tone::Strong))
        .unfilled_style(theme.style(Tone::Soft))
}

fn fault_line(snapshot: &Snapshot, theme: Theme) -> Line<'static> {
    let faults = snapshot
        .faults
        .iter()
        .map(|fault| format!("{}: {} since {:.0} s", fault.provider, fault.what, fault.since_s));
    let faults: Vec<_> = faults.collect();
    if faults.is_empty() {
        return Line::styled("no fault", theme.style(Tone::Soft));
    }
    Line::styled(format!("fault at {}", faults.join("; ")), theme.style(Tone::Bad))
}

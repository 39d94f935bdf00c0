//! Requests: the figures of the last seconds, and the course of the run.

use super::theme::{Theme, Tone};
use super::words;
use crate::model::{Course, Snapshot};
use crate::recent::WINDOW;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType, Paragraph};

/// What the figures take.
const FIGURES: u16 = 36;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, theme: Theme) {
    let [figures, chart] =
        Layout::horizontal([Constraint::Length(FIGURES), Constraint::Min(0)]).areas(area);
    let block = Block::bordered().title(format!("requests, last {WINDOW} s"));
    frame.render_widget(Paragraph::new(lines(snapshot, theme)).block(block), figures);
    draw_chart(frame, chart, &snapshot.course, theme);
}

fn lines(snapshot: &Snapshot, theme: Theme) -> Vec<Line<'static>> {
    let (now, so_far) = (&snapshot.now, &snapshot.so_far);
    let failures = now.failures.iter().map(|(words, number)| format!("{number} {words}"));
    let failures = failures.collect::<Vec<_>>().join(", ");
    let tone = if now.failed_rps > 0.0 { Tone::Bad } else { Tone::Good };
    let (success, all) = (words::percent(now.success), words::percent(so_far.success));
    let (p50, p95) = (words::millis(now.p50_ms), words::millis(now.p95_ms));
    let (attempts, of_run) =
        (words::factor(now.amplification), words::factor(so_far.amplification));
    let mut lines = vec![
        Line::styled(format!("success  {success}, {all} so far"), theme.style(tone)),
        Line::from(format!(
            "rps      {} sent, {} answered",
            words::rate(now.offered_rps),
            words::rate(now.succeeded_rps)
        )),
        Line::from(format!("latency  p50 {p50}, p95 {p95}")),
        Line::from(format!("attempts {attempts}/request, {of_run} so far")),
    ];
    if failures.is_empty() {
        lines.push(Line::from(format!("open     {}", snapshot.in_flight)));
    } else {
        lines.push(Line::styled(format!("failed   {failures}"), theme.style(Tone::Bad)));
        lines.push(Line::from(format!("open     {}", snapshot.in_flight)));
    }
    lines
}

fn draw_chart(frame: &mut Frame<'_>, area: Rect, course: &Course, theme: Theme) {
    let points = |rates: &[f64]| -> Vec<(f64, f64)> {
        let step = course.step_s as f64;
        (0..).map(|place: u32| f64::from(place) * step).zip(rates.iter().copied()).collect()
    };
    let (sent, answered, failed) =
        (points(&course.offered_rps), points(&course.succeeded_rps), points(&course.failed_rps));
    let line = |name, data, style: Style| {
        let dataset = Dataset::default().name(name).marker(Marker::Braille);
        dataset.graph_type(GraphType::Line).style(style).data(data)
    };
    let colour = |colour| match theme {
        Theme::Coloured => Style::new().fg(colour),
        Theme::Plain => Style::new(),
    };
    // A legend inside would cover the data.
    let title = Line::from(vec![
        Span::raw("requests/s: "),
        Span::styled("sent ", colour(Color::Blue)),
        Span::styled("answered ", colour(Color::Green)),
        Span::styled("failed", colour(Color::Red)),
    ]);
    let datasets = vec![
        line("sent", &sent, colour(Color::Blue)),
        line("answered", &answered, colour(Color::Green)),
        line("failed", &failed, colour(Color::Red)),
    ];
    let most = course.offered_rps.iter().chain(&course.succeeded_rps).chain(&course.failed_rps);
    let most = most.copied().fold(1.0, f64::max).ceil();
    let end = (course.points as f64 * course.step_s as f64).max(1.0);
    let soft = theme.style(Tone::Soft);
    let chart = Chart::new(datasets)
        .block(Block::bordered().title(title))
        .legend_position(None)
        .x_axis(
            Axis::default()
                .bounds([0.0, end])
                .labels(["0".to_owned(), words::clock(end)])
                .style(soft),
        )
        .y_axis(
            Axis::default()
                .bounds([0.0, most])
                .labels(["0".to_owned(), words::rate(most)])
                .style(soft),
        );
    frame.render_widget(chart, area);
}

//! Problems of a file, each with its place, and the annotated excerpts that show them.

use crate::source_texts::SourceTexts;
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use core::fmt;
use core::ops::Range;
use std::cell::RefCell;

/// The problems of a file that are shown, and helped with; the rest are counted.
const SHOWN_MAX: usize = 100;

/// As much of what stands in a file as a sentence quotes of it, and the longest sentence, in characters.
const QUOTE_MAX: usize = 60;
const SENTENCE_MAX: usize = 2_000;

/// The longest line of a file that an excerpt shows as it is, in bytes.
const LINE_MAX: usize = 1_000;

/// All the problems of a file and of those that it includes, in the order of their places.
///
/// `Display` shows each as an excerpt of the file, without colour; [`styled`](Self::styled) does so
/// with ANSI colours.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Diagnostics {
    sources: SourceTexts,
    problems: Vec<Problem>,
}

/// One problem of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Problem {
    /// Whether the file can be used in spite of it.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Where, in bytes of the file. Never longer than a line.
    pub span: Range<usize>,
    /// What was expected there, or what is wrong with it, in a few words.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Another place that has to do with it.
    pub related: Option<Related>,
}

/// What a problem means for the file it is in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file is read, and should be changed.
    Warning,
}

/// Another place that has to do with a problem.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Related {
    /// Where, in bytes of the file.
    pub span: Range<usize>,
    /// What it has to do with it.
    pub label: String,
}

impl Diagnostics {
    /// The problems of `text`, which `path` names.
    #[must_use]
    pub fn new(path: &str, text: &str, problems: Vec<Problem>) -> Self {
        Self::of(SourceTexts::new(path, text), problems)
    }

    /// The problems of a file and those that it includes.
    #[must_use]
    pub fn of(sources: SourceTexts, mut problems: Vec<Problem>) -> Self {
        let text = sources.text();
        for problem in &mut problems {
            problem.shorten();
            problem.span = within_a_line(text, &problem.span);
            if let Some(related) = &mut problem.related {
                related.span = within_a_line(text, &related.span);
            }
        }
        problems.sort_by(|a, b| {
            (a.span.start, a.span.end, &a.message).cmp(&(b.span.start, b.span.end, &b.message))
        });
        // An alias repeats its anchor's nodes, and with them their problems.
        problems.dedup();
        Self { sources, problems }
    }

    /// The file, as its reader was told.
    #[must_use]
    pub fn path(&self) -> &str {
        self.sources.path()
    }

    /// The file that a problem is in: the same, or one that it includes.
    #[must_use]
    pub fn path_of(&self, problem: &Problem) -> &str {
        self.sources.path_at(problem.span.start)
    }

    /// The problems, at least one, in the order of their places.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Line and column of a problem in its file, both from 1; columns count characters.
    #[must_use]
    pub fn position(&self, problem: &Problem) -> (usize, usize) {
        let at = problem.span.start;
        let file = self.sources.range_at(at);
        let before = self.sources.text().get(file.start..at).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    /// The excerpts with ANSI colours.
    #[must_use]
    pub fn styled(&self) -> String {
        self.render(&Renderer::styled())
    }

    fn render(&self, renderer: &Renderer) -> String {
        let renderer = renderer.clone().decor_style(DecorStyle::Ascii);
        let mut out = String::new();
        for problem in self.problems.iter().take(SHOWN_MAX) {
            if !out.is_empty() {
                out.push_str("\n\n");
            }
            out.push_str(&self.render_one(&renderer, problem));
        }
        let has_errors = self.problems.iter().any(|each| each.severity == Severity::Error);
        if self.problems.len() > 1 && has_errors {
            let mut summary = format!("{} problems in `{}`", self.problems.len(), self.path());
            if self.problems.len() > SHOWN_MAX {
                summary.push_str(&format!("; these are the first {SHOWN_MAX}"));
            }
            let summary = Level::ERROR.primary_title(summary);
            out.push_str("\n\n");
            out.push_str(&renderer.render(&[annotate_snippets::Group::with_title(summary)]));
        }
        out
    }

    fn render_one(&self, renderer: &Renderer, problem: &Problem) -> String {
        let level = match problem.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(&problem.message);
        let (text, at) = (self.sources.text(), problem.span.start);
        let file = self.sources.range_at(at);
        let is_beside = |related: &&Related| file.contains(&related.span.start);
        let beside = problem.related.as_ref().filter(is_beside);
        let spans = [Some(&problem.span), beside.map(|related| &related.span)];
        let lines = spans.map(|span| span.map(|span| lines_of(text, span)));
        let mut group = if lines.iter().flatten().any(|line| line.len() > LINE_MAX) {
            title.element(Level::NOTE.message(self.beside_its_line(problem)))
        } else {
            let from = lines.iter().flatten().map(|line| line.start).min().unwrap_or(0);
            let to = lines.iter().flatten().map(|line| line.end).max().unwrap_or(from);
            let within = |span: &Range<usize>| span.start - from..span.end - from;
            let primary = AnnotationKind::Primary.span(within(&problem.span)).label(&problem.label);
            let related = beside.map(|related| {
                AnnotationKind::Context.span(within(&related.span)).label(&related.label)
            });
            let before = text[file.start..from].bytes().filter(|byte| *byte == b'\n').count();
            let excerpt = Snippet::source(&text[from..to]).line_start(before + 1);
            let path = self.path_of(problem);
            title.element(excerpt.path(path).annotation(primary).annotations(related))
        };
        if let Some(elsewhere) = problem.related.as_ref().filter(|related| !is_beside(related)) {
            let at = Problem::new(&elsewhere.span, "", "");
            let ((line, column), path) = (self.position(&at), self.path_of(&at));
            let told = format!("{path}:{line}:{column}: {}", elsewhere.label);
            group = group.element(Level::NOTE.message(told));
        }
        if let Some(help) = &problem.help {
            group = group.element(Level::HELP.message(help));
        }
        renderer.render(&[group])
    }
}

impl Diagnostics {
    /// Where a problem is, and what stands there, when its line is too long to be shown.
    fn beside_its_line(&self, problem: &Problem) -> String {
        let (line, column) = self.position(problem);
        let quote = cut(&self.sources.text()[problem.span.clone()], QUOTE_MAX);
        format!("{}:{line}:{column}: {}: `{quote}`", self.path_of(problem), problem.label)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&Renderer::plain()))
    }
}

impl core::error::Error for Diagnostics {}

impl Problem {
    /// A problem at `span`: what is wrong, and in a few words what was expected there.
    pub fn new(span: &Range<usize>, message: impl Into<String>, label: impl Into<String>) -> Self {
        let (message, label) = (message.into(), label.into());
        let severity = Severity::Error;
        Self { severity, message, span: span.clone(), label, help: None, related: None }
    }

    /// The same, of a file that is read in spite of it.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// With what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Quotes no more of the file than tells which part of it is meant.
    fn shorten(&mut self) {
        self.message = shortened(&self.message);
        self.label = shortened(&self.label);
        self.help = self.help.as_deref().map(shortened);
        if let Some(related) = &mut self.related {
            related.label = shortened(&related.label);
        }
    }

    /// With what to do about it, if that is known.
    #[must_use]
    pub fn maybe_help(self, help: Option<String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    /// With another place that has to do with it.
    #[must_use]
    pub fn related(mut self, span: &Range<usize>, label: impl Into<String>) -> Self {
        self.related = Some(Related { span: span.clone(), label: label.into() });
        self
    }
}

/// Where readers put what they find. Shared, so that any number of readers can be under way.
#[derive(Debug, Default)]
pub struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// Adds one.
    pub fn push(&self, problem: Problem) {
        self.0.borrow_mut().push(problem);
    }

    /// Whether there are more than are shown.
    #[must_use]
    pub fn are_many(&self) -> bool {
        self.0.borrow().len() > SHOWN_MAX
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Whether the file is refused: a warning refuses none.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.borrow().iter().any(|problem| problem.severity == Severity::Error)
    }

    /// All of them, in the order in which they were found.
    #[must_use]
    pub fn into_vec(self) -> Vec<Problem> {
        self.0.into_inner()
    }
}

/// A sentence with its quotes, and itself, cut to a length that can be read.
fn shortened(sentence: &str) -> String {
    let parts = sentence.split('`').enumerate().map(|(place, part)| {
        // What stands between two backticks is a quote.
        if place % 2 == 1 { cut(part, QUOTE_MAX) } else { part.to_owned() }
    });
    cut(&parts.collect::<Vec<_>>().join("`"), SENTENCE_MAX)
}

fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max - 1).chain(['…']).collect(),
    }
}

/// The candidate that was probably meant by `word`, if one is near: at most a third of it mistyped.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nothing that is meant is as long as this, and comparing costs the product of both lengths.
    if word.len() > 4 * QUOTE_MAX {
        return None;
    }
    let lower = word.to_lowercase();
    let distance = |candidate: &str| strsim::osa_distance(&lower, &candidate.to_lowercase());
    let (near, candidate) = candidates
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .min_by_key(|(distance, _)| *distance)?;
    let allowed = (word.chars().count().max(candidate.chars().count()) / 3).max(1);
    (near <= allowed && near < candidate.chars().count()).then_some(candidate)
}

/// ``did you mean `x`?`` where one is near, and else all that there is.
pub fn suggestion<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(near) = nearest(word, candidates.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let all: Vec<_> = candidates.into_iter().map(|name| format!("`{name}`")).collect();
    (!all.is_empty()).then(|| format!("known: {}", all.join(", ")))
}

/// The whole lines that a span lies on.
fn lines_of(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[span.end..].find('\n').map_or(text.len(), |newline| span.end + newline);
    start..end
}

/// The part of `span` on its first line, on character boundaries, within the text.
fn within_a_line(text: &str, span: &Range<usize>) -> Range<usize> {
    let boundary = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    let start = boundary(span.start).unwrap_or(0);
    let end = boundary(span.end).unwrap_or(0).max(start);
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    start..end.min(line_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        assert_eq!(nearest("wieght", ["name", "weight"]), Some("weight"));
        assert_eq!(nearest("Chat", ["chat", "chat-small"]), Some("chat"));
        assert_eq!(nearest("banana", ["name", "weight"]), None);
        assert_eq!(nearest("b", ["a"]), None);
    }

    #[test]
    fn a_quote_is_cut_and_the_rest_of_its_sentence_stays() {
        let sentence = format!("unknown key `{}`: did you mean `weight`?", "ü".repeat(100_000));
        let cut = shortened(&sentence);
        assert_eq!(cut, format!("unknown key `{}…`: did you mean `weight`?", "ü".repeat(59)));
        assert_eq!(shortened("`a` and `b`"), "`a` and `b`");
        assert_eq!(shortened(&"x".repeat(5_000)).chars().count(), SENTENCE_MAX);
    }

    #[test]
    fn spans_stay_within_their_first_line_and_the_text() {
        assert_eq!(within_a_line("ab\ncd", &(1..5)), 1..2);
        assert_eq!(within_a_line("ab", &(7..9)), 2..2);
        assert_eq!(within_a_line("aä", &(2..3)), 1..3);
    }
}

//! The text format of OpenMetrics 1.0: of a run that is over, with a time at each sample, and of the present moment.

use super::SampleTimes;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

/// The kind of a family of metrics.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FamilyKind {
    /// A number that only grows; its samples end in `_total`.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// A distribution in buckets.
    Histogram,
    /// Words, with the value 1; its samples end in `_info`.
    Info,
}

/// What a family of metrics is called and about.
#[derive(Clone, Copy, Debug)]
pub struct MetricFamily {
    /// Its name, without the endings of samples.
    pub name: &'static str,
    /// Its kind.
    pub kind: FamilyKind,
    /// Its unit, which its name ends in.
    pub unit: Option<&'static str>,
    /// What it is, for people.
    pub help: &'static str,
}

impl MetricFamily {
    /// The lines before its samples.
    fn head(&self) -> String {
        let Self { name, kind, unit, help } = self;
        let kind = match kind {
            FamilyKind::Counter => "counter",
            FamilyKind::Gauge => "gauge",
            FamilyKind::Histogram => "histogram",
            FamilyKind::Info => "info",
        };
        let unit = unit.map(|unit| format!("# UNIT {name} {unit}\n")).unwrap_or_default();
        format!("# TYPE {name} {kind}\n{unit}# HELP {name} {help}\n")
    }
}

/// A text of a run that is over, which is being written.
pub(super) struct Exposition<'a, W> {
    out: &'a mut W,
    times: SampleTimes,
    /// The labels of every series.
    run: String,
    name: &'static str,
    line: String,
}

impl<'a, W: Write> Exposition<'a, W> {
    pub(super) const fn new(out: &'a mut W, times: SampleTimes, run: String) -> Self {
        Self { out, times, run, name: "", line: String::new() }
    }

    pub(super) const fn times(&self) -> SampleTimes {
        self.times
    }

    /// Begins a family.
    pub(super) fn family(&mut self, family: MetricFamily) -> io::Result<()> {
        self.name = family.name;
        self.out.write_all(family.head().as_bytes())
    }

    /// A sample of the family, so long after the start of the run.
    pub(super) fn sample(
        &mut self,
        suffix: &str,
        labels: &str,
        value: f64,
        at: Duration,
    ) -> io::Result<()> {
        let at = self.times.start + at;
        self.line.clear();
        push_sample(&mut self.line, (self.name, suffix), (&self.run, labels), value);
        // Writing to a `String` cannot fail.
        let _infallible = writeln!(self.line, " {}.{:03}", at.as_secs(), at.subsec_millis());
        self.out.write_all(self.line.as_bytes())
    }

    pub(super) fn end(self) -> io::Result<()> {
        self.out.write_all(END.as_bytes())
    }
}

/// A text of the present moment, whose samples have no time, as a scrape gets it.
#[derive(Debug)]
pub struct MetricsText {
    text: String,
    /// The labels of every series.
    run: String,
    name: &'static str,
}

impl MetricsText {
    /// A text whose series all have these labels, as [`metric_labels`] writes them.
    #[must_use]
    pub const fn new(run: String) -> Self {
        Self { text: String::new(), run, name: "" }
    }

    /// Begins a family.
    pub fn family(&mut self, family: MetricFamily) {
        self.name = family.name;
        self.text.push_str(&family.head());
    }

    /// A sample of the family: its name with this ending, and its further labels.
    pub fn sample(&mut self, suffix: &str, labels: &str, value: f64) {
        push_sample(&mut self.text, (self.name, suffix), (&self.run, labels), value);
        self.text.push('\n');
    }

    /// The whole text.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.text.push_str(END);
        self.text
    }
}

/// What a text ends with.
const END: &str = "# EOF\n";

fn push_sample(
    out: &mut String,
    (name, suffix): (&str, &str),
    (run, labels): (&str, &str),
    value: f64,
) {
    let comma = if labels.is_empty() { "" } else { "," };
    // Writing to a `String` cannot fail.
    let _infallible = write!(out, "{name}{suffix}{{{run}{comma}{labels}}} {value}");
}

/// Labels as they stand between braces.
#[must_use]
pub fn metric_labels(labels: &[(&str, &str)]) -> String {
    let labels = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value)));
    labels.collect::<Vec<_>>().join(",")
}

/// A label's value: backslashes, quotes and line ends are escaped.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

//! The text format of OpenMetrics 1.0, with a time at each sample.

use super::SampleTimes;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

/// The kind of a family.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FamilyKind {
    Counter,
    Gauge,
    Histogram,
    Info,
}

/// What a family is called and about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) kind: FamilyKind,
    /// The unit, which its name ends in.
    pub(super) unit: Option<&'static str>,
    pub(super) help: &'static str,
}

/// A text that is being written.
pub(super) struct Exposition<'a, W> {
    out: &'a mut W,
    times: SampleTimes,
    /// The labels of every series.
    run: String,
    name: &'static str,
    line: String,
}

impl<'a, W: Write> Exposition<'a, W> {
    pub(super) fn new(out: &'a mut W, times: SampleTimes, run: &[(&str, &str)]) -> Self {
        Self { out, times, run: labels(run), name: "", line: String::new() }
    }

    pub(super) const fn times(&self) -> SampleTimes {
        self.times
    }

    /// Begins a family.
    pub(super) fn family(&mut self, family: Family) -> io::Result<()> {
        let Family { name, kind, unit, help } = family;
        self.name = name;
        let kind = match kind {
            FamilyKind::Counter => "counter",
            FamilyKind::Gauge => "gauge",
            FamilyKind::Histogram => "histogram",
            FamilyKind::Info => "info",
        };
        writeln!(self.out, "# TYPE {name} {kind}")?;
        if let Some(unit) = unit {
            writeln!(self.out, "# UNIT {name} {unit}")?;
        }
        writeln!(self.out, "# HELP {name} {help}")
    }

    /// A sample of the family, so long after the start of the run.
    pub(super) fn sample(
        &mut self,
        suffix: &str,
        labels: &str,
        value: f64,
        at: Duration,
    ) -> io::Result<()> {
        let Self { name, run, line, .. } = self;
        let at = self.times.start + at;
        let comma = if labels.is_empty() { "" } else { "," };
        line.clear();
        // Writing to a `String` cannot fail.
        let _infallible = writeln!(
            line,
            "{name}{suffix}{{{run}{comma}{labels}}} {value} {}.{:03}",
            at.as_secs(),
            at.subsec_millis()
        );
        self.out.write_all(line.as_bytes())
    }

    pub(super) fn end(self) -> io::Result<()> {
        writeln!(self.out, "# EOF")
    }
}

/// Labels as they stand between braces.
pub(super) fn labels(labels: &[(&str, &str)]) -> String {
    let labels = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value)));
    labels.collect::<Vec<_>>().join(",")
}

/// A label's value: backslashes, quotes and line ends are escaped.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

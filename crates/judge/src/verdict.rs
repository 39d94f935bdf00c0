//! Whether a run met what its scenario expects. Three answers: met, missed, and inconclusive, which is
//! never counted as met.

mod hidden;
mod outcome;
mod validity;

use crate::metrics::{Measured, Measurement, MetricQuery, MetricValue, measure};
use crate::shards::shards_line;
use crate::target::target_lines;
use crate::text;
use crate::throttling::throttling_lines;
use hidden::{HiddenAttempts, hidden_attempts};
pub(crate) use hidden::{refusing_providers, unknown_attempts};
pub use outcome::RowOutcome;
use squall_determinism::Timestamp;
use squall_record::{Mode, Recording};
use squall_scenario::{Comparison, Expectation, Limit, Scenario};
use std::fmt;
use std::ops::Range;
use std::time::Duration;
pub(crate) use validity::LAG_MAX;
use validity::ValidityProblem;

/// What came of an expectation, or of a whole run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Judgement {
    /// It is so.
    Met,
    /// It is not.
    Missed,
    /// It cannot be said: too few samples, a driver that lagged, a run that was interrupted.
    Inconclusive,
}

/// A run, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The scenario's name.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// Live or simulated.
    pub mode: Mode,
    /// How long it ran: the scenario's length, or less if it was interrupted.
    pub duration: Duration,
    /// Until when nothing was counted.
    pub warm_up: Timestamp,
    /// One row for each expectation of a single run, in the order of the file.
    pub rows: Vec<VerdictRow>,
    /// The same for each soft one, which decides nothing.
    pub soft: Vec<VerdictRow>,
    /// What this run adds to each expectation about many seeds: it is judged over all of them, and here it
    /// decides nothing.
    pub over_seeds: Vec<VerdictRow>,
    /// Missed if any is missed; else inconclusive if any is, if there are validity problems, or if nothing is
    /// expected; else met.
    pub overall: Judgement,
    /// Why the run as a whole is inconclusive, if it is.
    pub validity_problems: Vec<String>,
    /// What a reader should know and what decides nothing.
    pub warnings: Vec<String>,
    /// When another configuration began to hold, and what changed, a line each.
    pub changes: Vec<String>,
    /// Which gateway was tested in place of the built-in one, and what is known of it, a line each; empty for the
    /// built-in one.
    pub target: Vec<String>,
    /// Which shards of a run it is of; `None` for a run that was not divided.
    pub shards: Option<String>,
    /// Which limits and faults throttled attempts, a line for each deployment and cause.
    pub throttled: Vec<String>,
}

/// An expectation, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct VerdictRow {
    /// As it stands in the scenario.
    pub text: String,
    /// Its line there, from 1.
    pub line: u32,
    /// The phase it is about, if not the whole run.
    pub phase: Option<String>,
    /// From when to when.
    pub window: Range<Timestamp>,
    /// What was measured, or why nothing was.
    pub measurement: Measurement,
    /// The value as people read it; a dash if there is none.
    pub measured: String,
    /// The limit as people read it, with its comparison.
    pub limit: String,
    /// What came of it.
    pub judgement: Judgement,
    /// Whether missing it is a warning.
    pub soft: bool,
    /// One sentence that says why.
    pub reason: String,
}

/// Judges a recording by what its scenario expects.
#[must_use]
pub fn judge(scenario: &Scenario, recording: &Recording) -> Verdict {
    let validity_problems = validity::validity_problems(recording);
    let row =
        |expectation: &&Expectation| row(scenario, recording, &validity_problems, expectation);
    let (over_seeds, single): (Vec<_>, Vec<_>) =
        scenario.expectations.iter().partition(|expectation| expectation.over_seeds.is_some());
    let (soft, rows): (Vec<_>, Vec<_>) = single.iter().map(row).partition(|row| row.soft);
    let over_seeds: Vec<_> = over_seeds.iter().map(row).collect();
    let any = |judgement| rows.iter().any(|row| row.judgement == judgement);
    let overall = if any(Judgement::Missed) {
        Judgement::Missed
    } else if rows.is_empty() || any(Judgement::Inconclusive) || !validity_problems.is_empty() {
        Judgement::Inconclusive
    } else {
        Judgement::Met
    };
    Verdict {
        scenario: scenario.name.clone(),
        seed: recording.header.seed,
        mode: recording.header.mode,
        duration: match recording.header.ended.cut_at() {
            None => recording.header.duration,
            Some(at) => at.since(Timestamp::ZERO),
        },
        warm_up: scenario.warm_up,
        warnings: validity::warnings(recording)
            .into_iter()
            .chain(rows.is_empty().then(|| nothing_to_meet(scenario)))
            .chain(over_seeds.iter().map(open))
            .collect(),
        rows,
        soft,
        over_seeds,
        overall,
        validity_problems: validity_problems.into_iter().map(|problem| problem.text).collect(),
        changes: text::changes(&recording.header),
        target: target_lines(recording),
        shards: shards_line(recording),
        throttled: throttling_lines(scenario, recording),
    }
}

/// Why a recording is invalid for a judgement that a lag of the driver or of a server over `lag_max` could change, and
/// no smaller one; empty if it is valid.
pub(crate) fn problems_over_lag(recording: &Recording, lag_max: Duration) -> Vec<String> {
    let lag = recording.header.lag.filter(|lag| lag.max > lag_max).map(validity::lagged);
    let servers = recording.header.server_lag.iter();
    let servers = servers.filter(|server| server.lag.max > lag_max).map(validity::server_lagged);
    let others = validity::whatever_the_lag(recording).into_iter();
    others.map(|problem| problem.text).chain(lag).chain(servers).collect()
}

/// Why a recording as a whole is in doubt; empty if it is not.
pub(crate) fn validity_of(recording: &Recording) -> Vec<String> {
    let problems = validity::validity_problems(recording).into_iter();
    problems.map(|problem| problem.text).collect()
}

impl Verdict {
    /// 0 met, 1 missed, 3 inconclusive.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self.overall {
            Judgement::Met => 0,
            Judgement::Missed => 1,
            Judgement::Inconclusive => 3,
        }
    }

    /// How many expectations came out so.
    #[must_use]
    pub fn count(&self, judgement: Judgement) -> usize {
        self.rows.iter().filter(|row| row.judgement == judgement).count()
    }

    /// Every row as it is shown: first those that decide, then the soft ones.
    pub fn shown(&self) -> impl Iterator<Item = &VerdictRow> {
        self.rows.iter().chain(&self.soft)
    }

    /// `6 of 7 expectations met, 1 missed, 1 warned`.
    #[must_use]
    pub fn tally(&self) -> String {
        let met = self.count(Judgement::Met);
        let mut tally = match self.rows.len() {
            0 => "no expectations".to_owned(),
            of => format!("{met} of {of} expectations met"),
        };
        for judgement in [Judgement::Missed, Judgement::Inconclusive] {
            if let count @ 1.. = self.count(judgement) {
                tally += &format!(", {count} {judgement}");
            }
        }
        if let warned @ 1.. = self.soft.iter().filter(|row| !row.is_met()).count() {
            tally += &format!(", {warned} {}", RowOutcome::Warned);
        }
        tally
    }
}

impl VerdictRow {
    /// Whether it was met.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.judgement == Judgement::Met
    }

    /// The expectation as it stands in the file: a soft one is marked in tables even where it is met.
    #[must_use]
    pub fn written(&self) -> String {
        if self.soft { format!("warn: {}", self.text) } else { self.text.clone() }
    }

    /// What it is told as.
    #[must_use]
    pub const fn outcome(&self) -> RowOutcome {
        RowOutcome::of(self.judgement, self.soft)
    }

    /// How many samples it rests on; `None` if nothing was measured.
    #[must_use]
    pub fn n(&self) -> Option<u64> {
        match &self.measurement {
            Measurement::Measured(measured) => Some(measured.n),
            Measurement::Inconclusive { .. } => None,
        }
    }

    /// What else is to be known, a line each.
    #[must_use]
    pub fn detail(&self) -> &[String] {
        match &self.measurement {
            Measurement::Measured(measured) => &measured.detail,
            Measurement::Inconclusive { .. } => &[],
        }
    }
}

impl Judgement {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a run that nothing is expected of met nothing.
pub(crate) fn nothing_to_meet(scenario: &Scenario) -> String {
    match (scenario.hard_expectations().next(), scenario.expectations.first()) {
        (Some(_), _) => "no expectation is about a single run: there is nothing that it could meet",
        (None, Some(_)) => {
            "every expectation is soft: there is nothing to meet; add one without `warn:`"
        }
        (None, None) => "the scenario expects nothing: there is nothing to meet; add an `expect:`",
    }
    .to_owned()
}

/// What a single run can say of an expectation about many.
fn open(row: &VerdictRow) -> String {
    format!(
        "`{}` is judged by `squall check` only; the value of this run is {}",
        row.text, row.measured
    )
}

fn row(
    scenario: &Scenario,
    recording: &Recording,
    validity_problems: &[ValidityProblem],
    expectation: &Expectation,
) -> VerdictRow {
    let phase = expectation.during.and_then(|place| scenario.phases.get(place));
    let window = phase.map_or_else(|| scenario.measured(), |phase| scenario.measured_of(phase));
    let limit = Some(expectation.limit);
    let ask = MetricQuery {
        scenario,
        recording,
        argument: expectation.argument,
        within: expectation.within,
        window: window.clone(),
        limit,
    };
    let measurement = match unknown_attempts(recording, expectation.metric) {
        Some(reason) => Measurement::inconclusive(reason),
        None => measure(expectation.metric, &ask),
    };
    let (judgement, reason) = match &measurement {
        Measurement::Measured(measured) => {
            let problem = validity_problems.iter().find_map(|problem| problem.touches(&window));
            let hidden = hidden_attempts(scenario, recording, expectation, &window);
            weigh(expectation, measured, &window, problem, hidden.as_ref())
        }
        Measurement::Inconclusive { reason } => (Judgement::Inconclusive, reason.clone()),
    };
    VerdictRow {
        text: expectation.text.clone(),
        line: expectation.line,
        phase: phase.map(|phase| phase.name.clone()),
        measured: match &measurement {
            Measurement::Measured(measured) => measured.value.display(),
            Measurement::Inconclusive { .. } => "-".to_owned(),
        },
        limit: format!(
            "{} {}",
            sign(expectation.comparison),
            value_of(expectation.limit).display()
        ),
        window,
        measurement,
        judgement,
        soft: expectation.soft,
        reason,
    }
}

/// Holds a value against its limit. In an invalid window, what was met might have been missed, and what
/// was missed may be the fault of the run itself, or have been made good in the part that is missing.
fn weigh(
    expectation: &Expectation,
    measured: &Measured,
    window: &Range<Timestamp>,
    problem: Option<&str>,
    hidden: Option<&HiddenAttempts>,
) -> (Judgement, String) {
    let side = side(expectation.comparison, measured.value, value_of(expectation.limit));
    let mut reason = format!(
        "{} {} {} {}, from {} {}",
        measured.value.display(),
        side.words,
        value_of(expectation.limit).display(),
        text::window(window),
        text::count(measured.n),
        measured.of
    );
    // Which fault, which deployment: what a reader asks next.
    if !side.holds
        && let Some(first) = measured.detail.first()
    {
        reason += &format!("; {first}");
    }
    if let Some(hidden) = hidden {
        reason += &format!("; {}", hidden.told());
    }
    let decides = hidden.is_none_or(|hidden| hidden.decides(expectation.comparison, side.holds));
    match (side.holds, problem) {
        (_, None) if !decides => (Judgement::Inconclusive, reason),
        (_, Some(problem)) => (Judgement::Inconclusive, format!("{reason}; {problem}")),
        (true, None) => (Judgement::Met, reason),
        (false, None) => (Judgement::Missed, reason),
    }
}

/// On which side of the limit a value is.
pub(crate) struct LimitSide {
    pub(crate) holds: bool,
    words: &'static str,
}

pub(crate) fn side(comparison: Comparison, value: MetricValue, limit: MetricValue) -> LimitSide {
    let difference = number(value) - number(limit);
    let tolerance = 1e-9 * number(limit).abs().max(1e-3);
    let (above, below) = (difference > tolerance, difference < -tolerance);
    let holds = match comparison {
        Comparison::AtMost => !above,
        Comparison::AtLeast => !below,
        Comparison::Below => below,
        Comparison::Above => above,
        Comparison::Equal => !above && !below,
    };
    let words = match (above, below, holds) {
        (true, _, true) => "above",
        (true, _, false) => "over limit",
        (_, true, true) => "below",
        (_, true, false) => "under limit",
        _ => "at limit",
    };
    LimitSide { holds, words }
}

/// For comparison alone: seconds for a time.
pub(crate) fn number(value: MetricValue) -> f64 {
    match value {
        MetricValue::Fraction(number)
        | MetricValue::Ratio(number)
        | MetricValue::Dollars(number) => number,
        MetricValue::Duration(duration) => duration.as_secs_f64(),
        MetricValue::Count(count) => count as f64,
    }
}

pub(crate) fn value_of(limit: Limit) -> MetricValue {
    match limit {
        Limit::Fraction(fraction) => MetricValue::Fraction(fraction),
        Limit::Duration(duration) => MetricValue::Duration(duration),
        Limit::Count(count) => MetricValue::Count(count),
        Limit::Ratio(ratio) => MetricValue::Ratio(ratio),
        Limit::Dollars(dollars) => MetricValue::Dollars(dollars),
    }
}

pub(crate) const fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::AtMost => "<=",
        Comparison::AtLeast => ">=",
        Comparison::Below => "<",
        Comparison::Above => ">",
        Comparison::Equal => "==",
    }
}

#[cfg(test)]
mod soft_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod warm_up_tests;

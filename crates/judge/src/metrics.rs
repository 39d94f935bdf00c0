//! What can be measured: one file per metric, one line each in [`MEASURES`]. Formulas, units and minimum
//! samples are in `docs/METRICS.md`.
//!
//! A metric is a function of the cells of a recording and of the scenario's faults, never of what the
//! router said of itself. It gives a value, or says why none can be given.

mod answer_time;
mod answered_within;
mod answers;
mod attempt_share;
mod attempts;
mod client_amplification;
mod cost;
mod error_budget_spent;
mod failover_time;
mod faults;
mod first_attempts;
mod flaps;
mod gray_failover_time;
mod latency;
mod recovery_time;
mod retry_after_honoured;
mod retry_amplification;
mod success_rate;
mod throttled;
mod users_lost;
mod wasted_tokens;
mod weight_adherence;
mod weight_chance;

pub use faults::{FaultWindow, fault_windows};

use crate::text;
use squall_determinism::Timestamp;
use squall_record::{DeploymentInfo, GroupCells, Recording, TimeSeries};
use squall_scenario::{Argument, Limit, MetricId, Scenario};
use std::ops::Range;
use std::time::Duration;

/// What is to be measured, of what, and when.
#[derive(Clone, Debug)]
pub struct MetricQuery<'a> {
    /// The scenario, for its faults.
    pub scenario: &'a Scenario,
    /// The recording.
    pub recording: &'a Recording,
    /// Of what; `None` for everything.
    pub argument: Option<Argument>,
    /// Within which latency, for a metric that has one.
    pub within: Option<Duration>,
    /// When; for a whole run, all of it.
    pub window: Range<Timestamp>,
    /// What it will be compared with, on which some minimum samples depend.
    pub limit: Option<Limit>,
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub enum Measurement {
    /// A value.
    Measured(Measured),
    /// No value that means anything.
    Inconclusive {
        /// Why.
        reason: String,
    },
}

/// A value, and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The value.
    pub value: MetricValue,
    /// How many it was taken from.
    pub n: u64,
    /// How many of what.
    pub of: &'static str,
    /// What else is to be known, a line each.
    pub detail: Vec<String>,
}

/// A value in the unit of its metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricValue {
    /// A part of a whole, from 0 to 1.
    Fraction(f64),
    /// A time; [`Duration::MAX`] for one that did not come within the run.
    Duration(Duration),
    /// A number of things.
    Count(u64),
    /// A plain number.
    Ratio(f64),
    /// An amount of money.
    Dollars(f64),
}

type Measure = fn(&MetricQuery<'_>) -> Measurement;

/// What becomes of a value where attempts are in no log, as those that a provider refused to connect are for a gateway
/// that is not ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum MissingAttempts {
    /// It does not rest on them.
    NoEffect,
    /// The true value may be higher.
    LowerBound,
    /// The true value may be anything.
    Unknown,
}

/// Which values of a metric are better, for a comparison of runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BetterSide {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// Neither: a difference is told, and is no regression.
    Neither,
}

use BetterSide::{Higher, Lower, Neither};
use MissingAttempts::{LowerBound, NoEffect, Unknown};

/// Every metric, what measures it, what becomes of it where attempts are missing, and which values are better.
const MEASURES: &[(MetricId, Measure, MissingAttempts, BetterSide)] = &[
    (MetricId::SuccessRate, success_rate::measure, NoEffect, Higher),
    (MetricId::AnsweredWithin, answered_within::measure, NoEffect, Higher),
    (MetricId::FailoverTime, failover_time::measure, LowerBound, Lower),
    (MetricId::GrayFailoverTime, gray_failover_time::measure, LowerBound, Lower),
    (MetricId::RecoveryTime, recovery_time::measure, NoEffect, Lower),
    (MetricId::WeightAdherence, weight_adherence::measure, Unknown, Higher),
    (MetricId::WeightChance, weight_chance::measure, Unknown, Neither),
    (MetricId::Flaps, flaps::measure, Unknown, Lower),
    (MetricId::UsersLost, users_lost::measure, NoEffect, Lower),
    (MetricId::ErrorBudgetSpent, error_budget_spent::measure, NoEffect, Lower),
    (MetricId::RetryAmplification, retry_amplification::measure, LowerBound, Lower),
    (MetricId::ClientAmplification, client_amplification::measure, NoEffect, Lower),
    (MetricId::RetryAfterHonoured, retry_after_honoured::measure, NoEffect, Higher),
    (MetricId::Throttled, throttled::measure, NoEffect, Lower),
    (MetricId::AttemptShare, attempt_share::measure, Unknown, Neither),
    (
        MetricId::LatencyP50,
        |ask| latency::measure(ask, latency::LatencyKind::Latency, 0.5),
        NoEffect,
        Lower,
    ),
    (
        MetricId::LatencyP95,
        |ask| latency::measure(ask, latency::LatencyKind::Latency, 0.95),
        NoEffect,
        Lower,
    ),
    (
        MetricId::LatencyP99,
        |ask| latency::measure(ask, latency::LatencyKind::Latency, 0.99),
        NoEffect,
        Lower,
    ),
    (MetricId::LatencyMean, latency::mean, NoEffect, Lower),
    (MetricId::AnswerTimeP50, |ask| answer_time::measure(ask, 0.5), NoEffect, Lower),
    (MetricId::AnswerTimeP95, |ask| answer_time::measure(ask, 0.95), NoEffect, Lower),
    (MetricId::AnswerTimeP99, |ask| answer_time::measure(ask, 0.99), NoEffect, Lower),
    (
        MetricId::TtftP50,
        |ask| latency::measure(ask, latency::LatencyKind::Ttft, 0.5),
        NoEffect,
        Lower,
    ),
    (
        MetricId::TtftP95,
        |ask| latency::measure(ask, latency::LatencyKind::Ttft, 0.95),
        NoEffect,
        Lower,
    ),
    (
        MetricId::TtftP99,
        |ask| latency::measure(ask, latency::LatencyKind::Ttft, 0.99),
        NoEffect,
        Lower,
    ),
    (MetricId::LatencyMax, latency::longest, NoEffect, Lower),
    (MetricId::Answered, answers::answered, NoEffect, Higher),
    (MetricId::GaveUp, answers::gave_up, NoEffect, Lower),
    (MetricId::TruncatedAnswers, answers::truncated, NoEffect, Lower),
    (MetricId::UsageTold, answers::usage_told, NoEffect, Higher),
    (MetricId::Attempts, attempts::measure, LowerBound, Neither),
    (MetricId::Cost, cost::measure, NoEffect, Lower),
    (MetricId::CostPerThousand, cost::per_thousand, NoEffect, Lower),
    (MetricId::WastedTokens, wasted_tokens::measure, NoEffect, Lower),
];

/// Measures a metric.
#[must_use]
pub fn measure(metric: MetricId, ask: &MetricQuery<'_>) -> Measurement {
    match MEASURES.iter().find(|(id, ..)| *id == metric) {
        Some((_, measure, ..)) => measure(ask),
        None => Measurement::inconclusive("this version of squall cannot measure it"),
    }
}

/// What becomes of a metric where attempts are missing.
pub(crate) fn without_attempts(metric: MetricId) -> MissingAttempts {
    MEASURES.iter().find(|(id, ..)| *id == metric).map_or(Unknown, |(_, _, effect, _)| *effect)
}

/// Which values of a metric are better.
#[must_use]
pub fn better_side(metric: MetricId) -> BetterSide {
    MEASURES.iter().find(|(id, ..)| *id == metric).map_or(Neither, |(.., better)| *better)
}

impl Measurement {
    pub(crate) fn inconclusive(reason: impl Into<String>) -> Self {
        Self::Inconclusive { reason: reason.into() }
    }

    pub(crate) fn of(value: MetricValue, n: u64, of: &'static str) -> Self {
        Self::Measured(Measured { value, n, of, detail: Vec::new() })
    }

    /// Too few to say anything.
    pub(crate) fn too_few(n: u64, of: &str, minimum: u64) -> Self {
        let (n, minimum) = (text::count(n), text::count(minimum));
        Self::inconclusive(format!("{n} {of}, but at least {minimum} are required"))
    }
}

impl MetricValue {
    /// As people read it.
    #[must_use]
    pub fn display(self) -> String {
        match self {
            Self::Fraction(fraction) => text::percent(fraction),
            Self::Duration(duration) => text::duration(duration),
            Self::Count(count) => text::count(count),
            Self::Ratio(ratio) => text::ratio(ratio),
            Self::Dollars(dollars) => text::dollars(dollars),
        }
    }
}

impl<'a> MetricQuery<'a> {
    /// The requests asked for: those of a group, of a kind, or all by group.
    fn requests(&self) -> &'a [GroupCells] {
        let TimeSeries { groups, kinds, .. } = &self.recording.cells;
        match self.argument {
            Some(Argument::Group(group)) => groups.get(group.index()..=group.index()),
            // One kind alone has no cells of its own: all requests are of it.
            Some(of @ (Argument::Kind(_) | Argument::Kinds { .. })) if !kinds.is_empty() => {
                of.kinds().and_then(|of| kinds.get(usize::from(of.start)..usize::from(of.end)))
            }
            _ => return groups,
        }
        .unwrap_or(&[])
    }

    /// The deployment asked for.
    fn deployment(&self) -> Option<usize> {
        match self.argument {
            Some(Argument::Deployment(deployment)) => Some(deployment.index()),
            _ => None,
        }
    }

    /// The deployments asked for: one, those of a group, or all.
    fn deployments(&self) -> Vec<usize> {
        match self.argument {
            Some(Argument::Deployment(deployment)) => vec![deployment.index()],
            Some(Argument::Group(group)) => self.members(group.0),
            None | Some(Argument::Kind(_) | Argument::Kinds { .. }) => {
                (0..self.recording.header.deployments.len()).collect()
            }
        }
    }

    /// The deployments of a group.
    fn members(&self, group: u16) -> Vec<usize> {
        let all = self.recording.header.deployments.iter().enumerate();
        all.filter(|(_, info)| info.group == group).map(|(place, _)| place).collect()
    }

    fn info(&self, deployment: usize) -> &'a DeploymentInfo {
        &self.recording.header.deployments[deployment]
    }

    /// A deployment's part of the weights of its group at a time; 0 while it is not there.
    fn weight_share(&self, deployment: usize, time: Timestamp) -> f64 {
        let weight = |each| f64::from(self.recording.header.weight_at(each, time));
        let members = self.members(self.info(deployment).group);
        let sum: f64 = members.iter().map(|&other| weight(other)).sum();
        if sum > 0.0 { weight(deployment) / sum } else { 0.0 }
    }

    /// Until when there was traffic to measure.
    fn traffic_end(&self) -> Timestamp {
        let end = Timestamp::from(self.recording.header.duration);
        self.recording.header.ended.cut_at().map_or(end, |at| at.min(end))
    }
}

#[cfg(test)]
mod answer_tests;
#[cfg(test)]
mod by_hand;
#[cfg(test)]
mod outcome_tests;
#[cfg(test)]
mod tests;

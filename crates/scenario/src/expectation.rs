//! Expectations: `[pN of] metric(argument) [over seeds] op value [during phase]`.

mod metrics;
mod parse;
mod resolve;
mod soft;

pub use metrics::{METRICS, MetricId};
pub(crate) use resolve::ScopeNames;
use resolve::read;
pub(crate) use soft::{EXPECTATION_ITEM, read_item};

use crate::diagnostic::suggestion;
use core::time::Duration;
use squall_router::{DeploymentId, GroupId};

/// One expectation, checked: its metric exists, its argument names something, its unit fits.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// As it stands in the file.
    pub text: String,
    /// Line in the file, from 1.
    pub line: u32,
    /// What is measured.
    pub metric: MetricId,
    /// Of what.
    pub argument: Option<Argument>,
    /// The latency within which answers count, where the metric has one.
    pub within: Option<Duration>,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub limit: Limit,
    /// Which quantile over many seeds is meant, between 0 and 1; `None` for every single run.
    pub over_seeds: Option<f64>,
    /// In which phase, by its place in the scenario; `None` for the whole run.
    pub during: Option<usize>,
    /// Whether missing it is a warning, which no verdict and no exit code counts.
    pub soft: bool,
}

/// What a metric is of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Argument {
    /// A model group.
    Group(GroupId),
    /// A deployment.
    Deployment(DeploymentId),
    /// A kind of request, by its place in [`Scenario::kinds`](crate::Scenario::kinds).
    Kind(u16),
    /// The kinds of a source of traffic that has a mix, likewise.
    Kinds {
        /// The first.
        first: u16,
        /// How many.
        count: u16,
    },
}

impl Argument {
    /// The kinds of requests that it stands for, as places in [`Scenario::kinds`](crate::Scenario::kinds); `None` for a
    /// group or a deployment.
    #[must_use]
    pub const fn kinds(self) -> Option<core::ops::Range<u16>> {
        match self {
            Self::Kind(kind) => Some(kind..kind + 1),
            Self::Kinds { first, count } => Some(first..first + count),
            Self::Group(_) | Self::Deployment(_) => None,
        }
    }
}

/// How a value is compared with its limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Comparison {
    /// `<=`
    AtMost,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `>`
    Above,
    /// `==`
    Equal,
}

/// A limit, in the unit of its metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// `99%`, `99.5%`: kept as a fraction.
    Fraction(f64),
    /// `2s`, `350ms`.
    Duration(Duration),
    /// `20`.
    Count(u64),
    /// `1.2`: a plain ratio.
    Ratio(f64),
    /// `$0.15`.
    Dollars(f64),
}

/// The unit of a metric's value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MetricUnit {
    /// A part of a whole, written with `%`.
    Percent,
    /// A duration, written with `ms`, `s`, `m`, `h`.
    Duration,
    /// A whole number.
    Count,
    /// A plain number.
    Ratio,
    /// An amount of money, written with `$` or without.
    Dollars,
}

/// What a metric's call may look like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MetricSpec {
    /// Which metric.
    pub id: MetricId,
    /// How it is written.
    pub name: &'static str,
    /// What it may be of.
    pub of: Scope,
    /// The unit of its value.
    pub unit: MetricUnit,
    /// One sentence.
    pub meaning: &'static str,
}

impl MetricSpec {
    /// The metric that is written so.
    ///
    /// # Errors
    /// That there is none, with the one that was probably meant, or else all.
    pub fn named(name: &str) -> Result<&'static Self, String> {
        let spec = METRICS.iter().find(|spec| spec.name == name);
        spec.ok_or_else(|| {
            let known = suggestion(name, METRICS.iter().map(|spec| spec.name));
            format!("no metric is called `{name}`: {}", known.unwrap_or_default())
        })
    }
}

/// What a metric may be of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Everything.
    All,
    /// Everything, or one group.
    AllOrGroup,
    /// A latency, and everything or one group: `(2s)`, `(2s, chat)`.
    WithinAllOrGroup,
    /// One group.
    Group,
    /// One deployment.
    Deployment,
    /// Everything, or one deployment.
    AllOrDeployment,
}

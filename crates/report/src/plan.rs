//! A plan: how far a value can go, what would have to be bought, and the curve behind it.

mod output;
mod page;
mod rows;

pub use output::{PlanPaths, plan_lines, plan_markdown, write_plan};

use squall_judge::{Origin, text};

/// What a plan found.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanReport {
    /// The scenario's name.
    pub scenario: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What was varied.
    pub varied: Varied,
    /// What had to hold.
    pub until: Vec<String>,
    /// How many seeds spoke for each value of an answer.
    pub seeds: usize,
    /// The world as it is, then without each provider.
    pub answers: Vec<PlanAnswer>,
    /// Likewise, along a range of values.
    pub curves: Vec<PlanCurve>,
    /// For which value limits are looked at.
    pub target: f64,
    /// What it asks of each provider's limits.
    pub needs: Vec<PlanNeed>,
    /// Whether it was interrupted: worlds, values and limits that it did not come to are left out.
    pub interrupted: bool,
}

/// What was varied.
#[derive(Clone, Debug, PartialEq)]
pub struct Varied {
    /// The whole path of the value in the file.
    pub path: String,
    /// What stands there.
    pub written: f64,
    /// The unit behind it, if there is one: `s`, `%`.
    pub unit: String,
}

/// How far the value goes in one world.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanAnswer {
    /// The provider that is gone; `None` for the world as it is.
    pub gone: Option<String>,
    /// The hardest value at which every seed met what had to hold; `None` if there was none.
    pub met: Option<f64>,
    /// The easiest at which more than 5 % of all runs surely miss it; `None` if there was none.
    pub missed: Option<f64>,
    /// The expectation that gives way first.
    pub gave: Option<String>,
    /// The ranges that are met, where the value is not monotone; else none.
    pub ranges: Vec<PlanRange>,
    /// Whether the search was interrupted: the two ends are then as near as it had brought them.
    pub interrupted: bool,
}

/// A range of values that are met, and the nearest ones beside it that are not; `None` where none was tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanRange {
    /// Below it.
    pub below: Option<f64>,
    /// Its least value.
    pub from: f64,
    /// Its greatest.
    pub to: f64,
    /// Above it.
    pub above: Option<f64>,
}

impl PlanRange {
    /// Whether a value lies in it.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        (self.from..=self.to).contains(&value)
    }
}

/// What came of values along a range.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanCurve {
    /// The provider that is gone; `None` for the world as it is.
    pub gone: Option<String>,
    /// The values, in their order.
    pub points: Vec<CurvePoint>,
}

/// Requests per second in the busiest five seconds of the runs of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// The value.
    pub value: f64,
    /// How many users asked: the median of the runs.
    pub offered: f64,
    /// How many of them got a whole answer: the least, the median, the most of the runs.
    pub goodput: [f64; 3],
    /// Whether the runs met what had to hold.
    pub met: bool,
}

/// What traffic asks of one limit of a provider, at most over the seeds and counted as the limit counts.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanNeed {
    /// The provider.
    pub provider: String,
    /// `rpm`, `tpm` or `concurrent`.
    pub limit: &'static str,
    /// The limit that there is; `None` for none.
    pub now: Option<u64>,
    /// Whether it stays as it is: it cannot be bought.
    pub kept: bool,
    /// What is asked of it with every provider there.
    pub healthy: u64,
    /// What is asked of it at most, whichever other provider is gone.
    pub without_any: u64,
}

impl PlanNeed {
    /// How much of the limit is left when every provider is there, as a part of it; negative when more is
    /// asked than it lets in.
    #[must_use]
    pub fn headroom(&self) -> Option<f64> {
        self.now.map(|now| 1.0 - self.healthy as f64 / now.max(1) as f64)
    }

    /// What would have to be bought, if anything.
    #[must_use]
    pub fn to_buy(&self) -> Option<u64> {
        self.now.filter(|&now| self.without_any > now && !self.kept).map(|_| self.without_any)
    }
}

impl Varied {
    /// A value with its unit.
    #[must_use]
    pub fn write(&self, value: f64) -> String {
        let digits =
            if value.fract() == 0.0 { text::count(value as u64) } else { text::ratio(value) };
        format!("{digits}{}", self.unit)
    }
}

/// The name of a world.
pub(crate) fn world(gone: Option<&str>) -> String {
    gone.map_or_else(|| "all providers".to_owned(), |gone| format!("without {gone}"))
}

//! Laws that a trace follows, with how well they fit: a rate over time, the gaps between requests, and sizes.

mod arrivals;
mod gamma_gaps;
mod lognormal;
mod section;
mod special;

pub use arrivals::{ArrivalFit, FittedRate};
pub use gamma_gaps::GapFit;
pub use lognormal::{LognormalFit, SizeFit};
pub use section::traffic_section;

use crate::describe::{SizeCounts, TraceSummary, describe};
use crate::{TraceError, TraceFormat, TraceInput, TraceOptions, TraceReader};
use serde::Serialize;
use std::time::Duration;

/// The laws of a trace.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TraceFit {
    /// Requests.
    pub requests: u64,
    /// From the first to the last, in seconds.
    pub span_s: f64,
    /// The format of the file.
    #[serde(skip)]
    pub format: TraceFormat,
    /// When requests come.
    pub arrivals: ArrivalFit,
    /// Tokens of prompts, where the file has them.
    pub input_tokens: Option<SizeFit>,
    /// Tokens of answers, where the file has them.
    pub output_tokens: Option<SizeFit>,
}

/// An estimate, and the interval that holds the truth in 95 of 100 cases if the law is right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FitEstimate {
    /// The estimate.
    pub value: f64,
    /// Where the interval begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
}

/// The quantile of the normal distribution that two-sided 95 % intervals reach to.
pub(crate) const Z95: f64 = 1.959_963_984_540_054;

impl FitEstimate {
    /// An estimate with this standard error.
    pub(crate) fn normal(value: f64, error: f64) -> Self {
        Self { value, low: value - Z95 * error, high: value + Z95 * error }
    }

    /// The same of something that is positive: the logarithm is taken to be normal.
    pub(crate) fn positive(value: f64, error: f64) -> Self {
        let factor = (Z95 * error / value).exp();
        Self { value, low: value / factor, high: value * factor }
    }

    /// Whether a value lies in the interval.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// A scenario with more segments of a rate would say nothing to anybody.
const WINDOWS_MAX: f64 = 2_000.0;

/// Reads a trace twice, and fits laws to it. Rates are fitted to windows of this length; without one, to about fifty that
/// have a hundred requests each on average.
///
/// # Errors
/// At the first row that cannot be read, and where there are fewer than three requests at different times.
pub fn fit(
    input: &TraceInput,
    options: &TraceOptions,
    window: Option<Duration>,
) -> Result<TraceFit, TraceError> {
    let reader = TraceReader::open(input, options)?;
    let format = reader.format();
    let summary = describe(reader)?.summary;
    let few = |what: &str| TraceError {
        file: input.name().to_owned(),
        line: None,
        what: what.to_owned(),
    };
    if summary.rows < 3 || summary.span_s <= 0.0 {
        return Err(few("expected three requests or more, at different times, to fit anything"));
    }
    let window = window.map_or_else(|| window_of(&summary), |window| window.as_nanos() as u64);
    if summary.span_s * 1e9 / window.max(1) as f64 > WINDOWS_MAX {
        return Err(few(&format!(
            "the windows are too short: expected {WINDOWS_MAX} of them at most"
        )));
    }
    let (mut prompts, mut answers) = (SizeCounts::default(), SizeCounts::default());
    let mut failed = None;
    let rows = TraceReader::open(input, options)?.map_while(|row| match row {
        Ok(row) => {
            row.input_tokens.into_iter().for_each(|tokens| prompts.add(tokens));
            row.output_tokens.into_iter().for_each(|tokens| answers.add(tokens));
            Some(row.at)
        }
        // It was read before, and is another one now.
        Err(error) => {
            failed = Some(error);
            None
        }
    });
    let arrivals = ArrivalFit::of(rows, window);
    if let Some(error) = failed {
        return Err(error);
    }
    Ok(TraceFit {
        requests: summary.rows,
        span_s: summary.span_s,
        format,
        arrivals: arrivals.ok_or_else(|| few("all requests are at one time"))?,
        input_tokens: SizeFit::of(&prompts),
        output_tokens: SizeFit::of(&answers),
    })
}

/// Windows of a round length, of which there are about fifty at most, with a hundred requests on average.
fn window_of(summary: &TraceSummary) -> u64 {
    const ROUND: [u64; 18] = [
        1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200,
        86_400,
    ];
    let least = (summary.span_s / 50.0).max(100.0 / summary.mean_rps);
    let seconds = ROUND.into_iter().find(|seconds| *seconds as f64 >= least);
    let days = || (least / 86_400.0).ceil() as u64 * 86_400;
    seconds.unwrap_or_else(days) * 1_000_000_000
}

#[cfg(test)]
mod tests;

//! A trace in figures: how many requests, how bursty, how large. One pass, in memory that does not grow with the file.

mod bins;
mod sizes;
mod windows;

pub use bins::ChartBins;
pub use sizes::{SizeCounts, SizeSummary};
pub use windows::{BusyWindow, WindowSummary};

use crate::{TraceError, TraceFormat, TraceReader, TraceRow};
use serde::Serialize;
use windows::WindowCounts;

/// The windows in which requests are counted, in seconds.
const WINDOWS: [u64; 4] = [1, 10, 60, 300];
/// Gaps are looked at within so many nanoseconds too, since a rate that changes makes gaps uneven: ten minutes.
const GAP_WINDOW: u64 = 600_000_000_000;
/// So many of these windows are remembered: some twenty years.
const GAP_WINDOWS_MAX: usize = 1 << 20;
const MINUTE: u64 = 60_000_000_000;

/// A trace in figures.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceDescription {
    /// The format of the file.
    pub format: TraceFormat,
    /// Its figures.
    pub summary: TraceSummary,
    /// Requests over time.
    pub bins: ChartBins,
}

/// The figures of a trace. Windows begin with the first request; one that the trace does not fill is not counted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TraceSummary {
    /// Requests.
    pub rows: u64,
    /// From the first request to the last, in seconds.
    pub span_s: f64,
    /// Requests per second: of all but the first, by the time from the first to the last. 0 of a single one.
    pub mean_rps: f64,
    /// What is counted in windows of 1, 10, 60 and 300 s, of those that the trace fills at least once.
    pub windows: Vec<WindowSummary>,
    /// The coefficient of variation of the times between requests: 1 of independent requests at one rate.
    pub gap_cv: Option<f64>,
    /// The median of the same within each ten minutes.
    pub gap_cv_10min: Option<f64>,
    /// The share of requests at the very time of the one before: of times that were rounded.
    pub same_time_share: f64,
    /// Tokens of prompts, where the file has them.
    pub input_tokens: Option<SizeSummary>,
    /// Tokens of answers, where the file has them.
    pub output_tokens: Option<SizeSummary>,
    /// How the two go together: Pearson's correlation coefficient.
    pub size_correlation: Option<f64>,
    /// Tokens of prompts and answers together in a minute, where the file has them: the mean.
    pub tokens_per_minute: Option<f64>,
    /// The same of the busiest minute, from the first request on.
    pub tokens_busiest_minute: Option<u64>,
}

/// Reads a trace to its end, and tells it in figures.
///
/// # Errors
/// At the first row that cannot be read.
pub fn describe(mut rows: TraceReader) -> Result<TraceDescription, TraceError> {
    let mut tally = TraceTally::new();
    for row in rows.by_ref() {
        tally.add(&row?);
    }
    Ok(TraceDescription { format: rows.format(), summary: tally.summary(), bins: tally.bins })
}

/// The figures as they grow.
#[derive(Debug)]
struct TraceTally {
    rows: u64,
    last: u64,
    windows: Vec<WindowCounts>,
    gaps: Moments,
    same_time: u64,
    /// The gaps of the ten minutes that are counted, and what came of those before.
    window_gaps: (u64, Moments),
    gap_cvs: Vec<f64>,
    input: SizeCounts,
    output: SizeCounts,
    together: Together,
    minute: (u64, u64),
    busiest_minute: u64,
    bins: ChartBins,
}

impl TraceTally {
    fn new() -> Self {
        Self {
            rows: 0,
            last: 0,
            windows: WINDOWS.iter().map(|seconds| WindowCounts::new(*seconds)).collect(),
            gaps: Moments::default(),
            same_time: 0,
            window_gaps: (0, Moments::default()),
            gap_cvs: Vec::new(),
            input: SizeCounts::default(),
            output: SizeCounts::default(),
            together: Together::default(),
            minute: (0, 0),
            busiest_minute: 0,
            bins: ChartBins::default(),
        }
    }

    fn add(&mut self, row: &TraceRow) {
        if self.rows > 0 {
            let gap = row.at - self.last;
            self.same_time += u64::from(gap == 0);
            self.gaps.add(gap as f64);
            let window = row.at / GAP_WINDOW;
            if window != self.window_gaps.0 {
                self.end_gap_window(window);
            }
            self.window_gaps.1.add(gap as f64);
        }
        (self.rows, self.last) = (self.rows + 1, row.at);
        self.windows.iter_mut().for_each(|window| window.add(row.at));
        self.bins.add(row.at);
        if let Some(tokens) = row.input_tokens {
            self.input.add(tokens);
        }
        if let Some(tokens) = row.output_tokens {
            self.output.add(tokens);
        }
        let tokens = |tokens: Option<u32>| u64::from(tokens.unwrap_or(0));
        let minute = row.at / MINUTE;
        if minute != self.minute.0 {
            self.minute = (minute, 0);
        }
        self.minute.1 += tokens(row.input_tokens) + tokens(row.output_tokens);
        self.busiest_minute = self.busiest_minute.max(self.minute.1);
        if let (Some(input), Some(output)) = (row.input_tokens, row.output_tokens) {
            self.together.add(f64::from(input), f64::from(output));
        }
    }

    fn end_gap_window(&mut self, next: u64) {
        let gaps = std::mem::take(&mut self.window_gaps.1);
        if let Some(cv) = gaps.cv().filter(|_| self.gap_cvs.len() < GAP_WINDOWS_MAX) {
            self.gap_cvs.push(cv);
        }
        self.window_gaps.0 = next;
    }

    fn summary(&mut self) -> TraceSummary {
        self.end_gap_window(0);
        self.gap_cvs.sort_by(f64::total_cmp);
        let span_s = self.last as f64 / 1e9;
        let tokens = self.input.sum() + self.output.sum();
        let minutes = self.last as f64 / MINUTE as f64;
        TraceSummary {
            rows: self.rows,
            span_s,
            mean_rps: if self.last > 0 { (self.rows - 1) as f64 / span_s } else { 0.0 },
            windows: self.windows.iter().filter_map(|window| window.summary(self.last)).collect(),
            gap_cv: self.gaps.cv(),
            gap_cv_10min: median(&self.gap_cvs),
            same_time_share: self.same_time as f64 / self.rows.max(1) as f64,
            input_tokens: self.input.summary(),
            output_tokens: self.output.summary(),
            size_correlation: self.together.correlation(),
            tokens_per_minute: (tokens > 0.0 && minutes > 0.0).then_some(tokens / minutes),
            tokens_busiest_minute: (tokens > 0.0).then_some(self.busiest_minute),
        }
    }
}

/// The median of sorted values.
fn median(sorted: &[f64]) -> Option<f64> {
    let (low, high) =
        (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted.get(sorted.len() / 2)?);
    Some(f64::midpoint(*low, *high))
}

/// Mean and variance of values one after the other, by Welford's updates.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1;
        let off = value - self.mean;
        self.mean += off / self.count as f64;
        self.squares += off * (value - self.mean);
    }

    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    pub(crate) const fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard deviation of the values themselves.
    pub(crate) fn deviation(&self) -> f64 {
        (self.squares / self.count.max(1) as f64).sqrt()
    }

    /// The coefficient of variation, of two values and more that are not all zero.
    pub(crate) fn cv(&self) -> Option<f64> {
        (self.count > 1 && self.mean > 0.0).then(|| self.deviation() / self.mean)
    }
}

/// Two values that come together.
#[derive(Clone, Copy, Debug, Default)]
struct Together {
    one: Moments,
    other: Moments,
    products: f64,
}

impl Together {
    fn add(&mut self, one: f64, other: f64) {
        let off = one - self.one.mean;
        self.one.add(one);
        self.other.add(other);
        self.products += off * (other - self.other.mean);
    }

    fn correlation(&self) -> Option<f64> {
        let both = self.one.deviation() * self.other.deviation();
        (both > 0.0).then(|| self.products / self.one.count as f64 / both)
    }
}

#[cfg(test)]
mod tests;

//! When requests come: a rate in windows, and the gaps in operational time, which passes as fast as requests are to be
//! expected by that rate. A scenario's arrivals are drawn along a rate in the same way, so that what is fitted here is
//! what they are told.

use super::{FitEstimate, GapFit};
use crate::describe::Moments;
use serde::Serialize;
use squall_determinism::{RandomStream, Seed, StreamPurpose};

/// Gaps that are remembered, for distances: a sample of so many.
const SAMPLE: usize = 50_000;
/// The shortest gap that is told from none, in operational time.
const SHORTEST: f64 = 1e-9;

const DRAWS: StreamPurpose = StreamPurpose::named("trace.fit");

/// When requests come.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArrivalFit {
    /// The length of the windows, in seconds.
    pub window_s: f64,
    /// The rate of each, in their order.
    pub rates: Vec<FittedRate>,
    /// The gaps, in the time in which the rate is one.
    pub gaps: GapFit,
    /// The share of requests that were at the time of the one before. They were spread evenly over `resolution_s`, since a
    /// gap of nothing is of no gamma distribution.
    pub spread_share: f64,
    /// The shortest time between two that differ, in seconds.
    pub resolution_s: f64,
}

/// The rate of a window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FittedRate {
    /// Where the window begins, in seconds from the first request.
    pub at_s: f64,
    /// Requests per second. Its interval is that of a renewal process of the fitted gaps.
    pub rps: FitEstimate,
}

impl ArrivalFit {
    /// Of requests at these times, in nanoseconds and in their order, with windows of this length. `None` where all are at
    /// one time.
    pub(super) fn of(times: impl Iterator<Item = u64>, window: u64) -> Option<Self> {
        let mut gatherer = GapGatherer::new(window.max(1));
        times.for_each(|at| gatherer.add(at));
        gatherer.finish()
    }
}

/// Gathers gaps, one window at a time.
#[derive(Debug)]
struct GapGatherer {
    window: u64,
    draws: RandomStream,
    /// The number of the window that is gathered, and its times.
    place: u64,
    times: Vec<u64>,
    /// Of the windows before: how many requests each had.
    counts: Vec<u64>,
    /// The operational time that has passed before this window, and that of the last request.
    passed: f64,
    last: Option<f64>,
    /// The shortest time between two requests that differ.
    resolution: u64,
    before: Option<u64>,
    same: u64,
    requests: u64,
    log_sum: f64,
    sample: Vec<f64>,
    gaps: Moments,
}

impl GapGatherer {
    fn new(window: u64) -> Self {
        Self {
            window,
            draws: Seed::new(1).stream(DRAWS, 0, 0),
            place: 0,
            times: Vec::new(),
            counts: Vec::new(),
            passed: 0.0,
            last: None,
            resolution: u64::MAX,
            before: None,
            same: 0,
            requests: 0,
            log_sum: 0.0,
            sample: Vec::new(),
            gaps: Moments::default(),
        }
    }

    fn add(&mut self, at: u64) {
        while at / self.window > self.place {
            self.end_window(self.window);
        }
        if let Some(before) = self.before {
            match at - before {
                0 => self.same += 1,
                gap => self.resolution = self.resolution.min(gap),
            }
        }
        self.before = Some(at);
        self.requests += 1;
        self.times.push(at);
    }

    /// Ends a window of which so much belongs to the trace.
    fn end_window(&mut self, length: u64) {
        let times = std::mem::take(&mut self.times);
        let start = self.place * self.window;
        self.place += 1;
        self.counts.push(times.len() as u64);
        let by = times.len() as f64 / length as f64;
        let resolution = if self.resolution == u64::MAX { 0 } else { self.resolution };
        let mut spread: Vec<f64> = Vec::with_capacity(times.len());
        for (place, at) in times.iter().enumerate() {
            let is_tied = place > 0 && times[place - 1] == *at || times.get(place + 1) == Some(at);
            let later = if is_tied { self.draws.unit() * resolution as f64 } else { 0.0 };
            spread.push((at - start) as f64 + later);
        }
        spread.sort_by(f64::total_cmp);
        for at in spread {
            let now = self.passed + at * by;
            if let Some(last) = self.last {
                self.take(now - last);
            }
            self.last = Some(now);
        }
        self.passed += times.len() as f64;
    }

    /// Takes a gap, and remembers it with a chance that is the same for all (Vitter's algorithm R).
    fn take(&mut self, gap: f64) {
        let gap = gap.max(SHORTEST);
        self.log_sum += gap.ln();
        self.gaps.add(gap);
        if self.sample.len() < SAMPLE {
            self.sample.push(gap);
        } else if let Some(place) =
            self.sample.get_mut(self.draws.below(self.gaps.count()) as usize)
        {
            *place = gap;
        }
    }

    fn finish(mut self) -> Option<ArrivalFit> {
        let last = self.before?;
        let rest = last - self.place * self.window;
        // A window of which little is there says little of a rate: it is joined to the one before.
        let joined = rest < self.window / 2 && self.place > 0;
        self.end_window(rest.max(1));
        if self.gaps.count() < 2 || self.resolution == u64::MAX {
            return None;
        }
        self.sample.sort_by(f64::total_cmp);
        let windows: Vec<u64> = self.counts.iter().copied().filter(|count| *count > 0).collect();
        let gaps =
            GapFit::of(&self.gaps, self.log_sum / self.gaps.count() as f64, &windows, &self.sample);
        Some(ArrivalFit {
            window_s: self.window as f64 / 1e9,
            rates: self.rates(rest, joined, gaps.cv.value),
            gaps,
            spread_share: self.same as f64 / self.requests as f64,
            resolution_s: self.resolution as f64 / 1e9,
        })
    }

    /// The rates of the windows, of which the last one is `rest` long. The count of a renewal process has the variance of
    /// its mean times the square of the CV.
    fn rates(&self, rest: u64, joined: bool, cv: f64) -> Vec<FittedRate> {
        let mut spans: Vec<(u64, u64)> =
            self.counts.iter().map(|count| (*count, self.window)).collect();
        if let Some(last) = spans.last_mut() {
            last.1 = rest.max(1);
        }
        if joined && let (Some((count, length)), Some(before)) = (spans.pop(), spans.last_mut()) {
            *before = (before.0 + count, before.1 + length);
        }
        let rate = |(place, (count, length)): (u64, (u64, u64))| {
            let (count, seconds) = (count as f64, length as f64 / 1e9);
            let error = cv * count.sqrt() / seconds;
            let rps = FitEstimate::normal(count / seconds, error);
            let at_s = (place * self.window) as f64 / 1e9;
            FittedRate { at_s, rps: FitEstimate { low: rps.low.max(0.0), ..rps } }
        };
        (0..).zip(spans).map(rate).collect()
    }
}

//! Requests in windows of one length, one after the other from the first request on.

use serde::Serialize;

/// So many of the busiest windows are told.
const BUSIEST: usize = 3;

/// A window, and its requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct BusyWindow {
    /// Where it begins, in seconds from the first request.
    pub start_s: u64,
    /// Its requests.
    pub requests: u64,
}

/// What was counted in the windows of one length that the trace fills.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WindowSummary {
    /// How long each is, in seconds.
    pub seconds: u64,
    /// How many there are.
    pub count: u64,
    /// The requests of the busiest one.
    pub peak_requests: u64,
    /// The same per second.
    pub peak_rps: f64,
    /// The same by the mean of all windows.
    pub peak_to_mean: f64,
    /// The busiest ones, the busiest first.
    pub busiest: Vec<BusyWindow>,
    /// The index of dispersion: variance of the counts by their mean; 1 of independent requests at one rate.
    pub dispersion: f64,
    /// The share of windows without a request.
    pub empty_share: f64,
}

/// Counts that grow.
#[derive(Debug)]
pub(super) struct WindowCounts {
    /// In seconds.
    seconds: u64,
    /// The window that is counted, and its requests.
    window: u64,
    requests: u64,
    /// Of the windows before: those with requests, the sums of the counts and of their squares, and the busiest.
    with_requests: u64,
    sum: u64,
    squares: u128,
    busiest: Vec<BusyWindow>,
}

impl WindowCounts {
    pub(super) const fn new(seconds: u64) -> Self {
        let busiest = Vec::new();
        Self { seconds, window: 0, requests: 0, with_requests: 0, sum: 0, squares: 0, busiest }
    }

    pub(super) fn add(&mut self, at: u64) {
        let window = at / (self.seconds * 1_000_000_000);
        if window != self.window {
            self.end();
            self.window = window;
        }
        self.requests += 1;
    }

    fn end(&mut self) {
        let requests = std::mem::take(&mut self.requests);
        self.with_requests += 1;
        self.sum += requests;
        self.squares += u128::from(requests) * u128::from(requests);
        self.busiest.push(BusyWindow { start_s: self.window * self.seconds, requests });
        self.busiest.sort_by_key(|window| (std::cmp::Reverse(window.requests), window.start_s));
        self.busiest.truncate(BUSIEST);
    }

    /// What was counted up to the end of the trace; `None` where it fills no window.
    pub(super) fn summary(&self, last: u64) -> Option<WindowSummary> {
        let count = last / (self.seconds * 1_000_000_000);
        let peak_requests = self.busiest.first()?.requests;
        if count == 0 {
            return None;
        }
        let mean = self.sum as f64 / count as f64;
        let variance = self.squares as f64 / count as f64 - mean * mean;
        Some(WindowSummary {
            seconds: self.seconds,
            count,
            peak_requests,
            peak_rps: peak_requests as f64 / self.seconds as f64,
            peak_to_mean: peak_requests as f64 / mean,
            busiest: self.busiest.clone(),
            dispersion: variance / mean,
            empty_share: 1.0 - self.with_requests as f64 / count as f64,
        })
    }
}

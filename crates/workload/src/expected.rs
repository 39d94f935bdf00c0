//! How many requests a run is to have, before any of them is drawn.

use crate::{Arrivals, SourceConfig, WorkloadConfig};
use core::time::Duration;
use squall_determinism::{Distribution, Timestamp};

/// How many requests are to be expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ExpectedRequests {
    /// So many on average.
    Mean(f64),
    /// At most so many on average: answers decide how many.
    AtMost(f64),
}

impl ExpectedRequests {
    /// The number.
    #[must_use]
    pub const fn count(self) -> f64 {
        match self {
            Self::Mean(count) | Self::AtMost(count) => count,
        }
    }
}

impl WorkloadConfig {
    /// How many requests all the traffic is to have, on average over seeds. Of an open loop exactly: the integral of its
    /// rate. Of a closed loop at most: no client asks again before it has thought, so that the requests of one are a
    /// renewal process, of which Lorden (1970) bounds the mean by t ÷ μ + E\[X²\] ÷ μ². Clients that do not think wait for
    /// their answer alone, which takes `answer` at least.
    #[must_use]
    pub fn expected_requests(&self, answer: Duration) -> ExpectedRequests {
        let each = self.sources.iter().map(|source| source.expected_requests(self.until, answer));
        each.fold(ExpectedRequests::Mean(0.0), ExpectedRequests::plus)
    }
}

impl ExpectedRequests {
    /// Both together.
    fn plus(self, other: Self) -> Self {
        let sum = self.count() + other.count();
        match (self, other) {
            (Self::Mean(_), Self::Mean(_)) => Self::Mean(sum),
            (Self::AtMost(_), _) | (_, Self::AtMost(_)) => Self::AtMost(sum),
        }
    }
}

impl SourceConfig {
    fn expected_requests(&self, until: Timestamp, answer: Duration) -> ExpectedRequests {
        if let Arrivals::Closed { clients, think } = &self.arrivals {
            let of_client = of_client(until, think, answer);
            return ExpectedRequests::AtMost(f64::from(*clients) * of_client);
        }
        if let Arrivals::At { times } = &self.arrivals {
            let counted = times.iter().filter(|time| **time < until);
            return ExpectedRequests::Mean(counted.count() as f64);
        }
        if let Arrivals::Trace { replay } = &self.arrivals {
            // What was not counted may be anything.
            let anything = ExpectedRequests::AtMost(f64::INFINITY);
            return replay
                .counted
                .map_or(anything, |counted| ExpectedRequests::Mean(counted.requests));
        }
        let rate = self.arrivals.rate();
        ExpectedRequests::Mean(rate.map_or(0.0, |rate| rate.expected(until)))
    }
}

/// At most so many requests of one client of a closed loop.
fn of_client(until: Timestamp, think: &Distribution, answer: Duration) -> f64 {
    let until = until.as_nanos() as f64;
    let (mean, square) = match moments(think) {
        (mean, _) if mean < 1.0 => {
            let answer = answer.as_nanos().max(1) as f64;
            (answer, answer * answer)
        }
        moments => moments,
    };
    until / mean + square / (mean * mean)
}

/// The means of a distribution and of its square, from its quantiles.
fn moments(distribution: &Distribution) -> (f64, f64) {
    const POINTS: u32 = 10_000;
    let points = (0..POINTS).map(|place| (f64::from(place) + 0.5) / f64::from(POINTS));
    let values = points.map(|p| distribution.at(p) as f64);
    let (sum, squares) =
        values.fold((0.0, 0.0), |(sum, squares), value| (sum + value, squares + value * value));
    (sum / f64::from(POINTS), squares / f64::from(POINTS))
}

//! Rates over time, and the walk along them that turns a mean number of arrivals into a time.

mod constant;
mod curve;
mod decay;
mod ramp;
mod segment;
mod spike;

pub use curve::{Diurnal, DoubleHump, Plateau, Polyline, Surge};
pub use decay::Decay;
pub use segment::{Rate, RateCurve, RateSegment, Shifted};

use core::time::Duration;
use curve::Curve;
use curve::product::Product;
use curve::sum::Sum;
use squall_determinism::Timestamp;

/// A stretch over which a rate is a straight line, as exactly as it matters. Times in nanoseconds, rates
/// per nanosecond.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RatePiece {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) from: f64,
    pub(crate) to: f64,
}

/// Curves are taken as straight over so many nanoseconds: 10 ms, in which no spike bends visibly.
const STEP: u64 = 10_000_000;

impl Rate {
    /// Requests per second at a time.
    #[must_use]
    pub fn at(&self, at: Timestamp) -> f64 {
        self.segment_at(at).map_or(0.0, |segment| segment.rps(at))
    }

    /// How many arrivals are to be expected before a time: the integral of the rate.
    #[must_use]
    pub fn expected(&self, until: Timestamp) -> f64 {
        self.expected_between(Timestamp::ZERO, until)
    }

    /// How many arrivals are to be expected from a time to another one.
    #[must_use]
    pub fn expected_between(&self, from: Timestamp, to: Timestamp) -> f64 {
        let ends = self.segments.iter().skip(1).map(RateSegment::at).chain([Timestamp::MAX]);
        let each = self.segments.iter().zip(ends).map(|(segment, end)| {
            let (from, to) = (from.max(segment.at()), to.min(end));
            if from < to { segment.expected(from, to) } else { 0.0 }
        });
        each.sum()
    }

    fn segment_at(&self, at: Timestamp) -> Option<&RateSegment> {
        let next = self.segments.partition_point(|segment| segment.at() <= at);
        self.segments.get(next.checked_sub(1)?)
    }

    /// The piece that begins at `start`.
    fn piece(&self, start: u64) -> RatePiece {
        let end = self.straight_until(start);
        let Some(segment) = self.segment_at(Timestamp::from_nanos(start)) else {
            return RatePiece { start, end, from: 0.0, to: 0.0 };
        };
        let (at, end_at) = (Timestamp::from_nanos(start), Timestamp::from_nanos(end));
        RatePiece { start, end, from: segment.rps(at) / 1e9, to: segment.rps_before(end_at) / 1e9 }
    }
}

/// As shapes of shapes ask: in nanoseconds, and with what is just before a jump.
impl Rate {
    fn rps(&self, at: u64) -> f64 {
        self.at(Timestamp::from_nanos(at))
    }

    fn rps_before(&self, at: u64) -> f64 {
        // Before the start there is what the first segment comes from.
        let segment = self.segment_at(Timestamp::from_nanos(at.saturating_sub(1)));
        segment.map_or(0.0, |segment| segment.rps_before(Timestamp::from_nanos(at)))
    }

    fn straight_until(&self, start: u64) -> u64 {
        let at = Timestamp::from_nanos(start);
        let next = self.segments.partition_point(|segment| segment.at() <= at);
        let end = self.segments.get(next).map_or(u64::MAX, |segment| segment.at().as_nanos());
        let current = next.checked_sub(1).and_then(|place| self.segments.get(place));
        current.map_or(end, |segment| end.min(segment.straight_until(start)))
    }

    fn expected_nanos(&self, from: u64, to: u64) -> f64 {
        self.expected_between(Timestamp::from_nanos(from), Timestamp::from_nanos(to))
    }
}

impl RateSegment {
    /// Requests per second at a time at or after the start of the segment.
    fn rps(&self, at: Timestamp) -> f64 {
        let since = at.since(self.at());
        match self {
            Self::Constant { rps, .. } => constant::rps(*rps),
            Self::Ramp { from, to, over, .. } => ramp::rps(*from, *to, *over, since),
            Self::Spike { base, peak, rise, decay, .. } => {
                spike::rps(*base, *peak, *rise, *decay, since)
            }
            Self::Curve { curve, .. } => curve.with(|curve| curve.rps(since.as_nanos() as u64)),
        }
    }

    /// The same just before a time, which is another rate where a shape jumps.
    fn rps_before(&self, at: Timestamp) -> f64 {
        match self {
            Self::Constant { .. } | Self::Ramp { .. } | Self::Spike { .. } => self.rps(at),
            Self::Curve { at: start, curve } => {
                curve.with(|curve| curve.rps_before(at.since(*start).as_nanos() as u64))
            }
        }
    }

    /// How many arrivals are to be expected between two times that are not before its start.
    fn expected(&self, from: Timestamp, to: Timestamp) -> f64 {
        let (from, to) = (from.since(self.at()), to.since(self.at()));
        let between = |area: &dyn Fn(Duration) -> f64| {
            if from.is_zero() { area(to) } else { area(to) - area(from) }
        };
        match self {
            Self::Constant { rps, .. } => rps * (to - from).as_secs_f64(),
            Self::Ramp { from, to, over, .. } => {
                between(&|span| ramp::expected(*from, *to, *over, span))
            }
            Self::Spike { base, peak, rise, decay, .. } => {
                between(&|span| spike::expected(*base, *peak, *rise, *decay, span))
            }
            Self::Curve { curve, .. } => {
                let (from, to) = (from.as_nanos() as u64, to.as_nanos() as u64);
                curve.with(|curve| curve.expected(from, to))
            }
        }
    }

    /// Until when the rate is a straight line, from `start` on.
    fn straight_until(&self, start: u64) -> u64 {
        let at = self.at().as_nanos();
        match self {
            Self::Constant { .. } => u64::MAX,
            Self::Ramp { over, .. } => ramp::straight_until(at, *over, start),
            Self::Spike { rise, .. } => spike::straight_until(at, *rise, start),
            Self::Curve { curve, .. } => {
                curve.with(|curve| curve.straight_until(start - at)).saturating_add(at)
            }
        }
    }
}

impl RateCurve {
    /// Does something with the shape.
    fn with<T>(&self, look: impl FnOnce(&dyn Curve) -> T) -> T {
        match self {
            Self::Polyline(shape) => look(shape),
            Self::Diurnal(shape) => look(shape),
            Self::Surge(shape) => look(shape),
            Self::Sum(rates) => look(&Sum(rates)),
            Self::Product(rates) => look(&Product(rates)),
            Self::Shifted(shape) => look(shape),
        }
    }
}

/// Goes along a rate: from where it stands to where so many arrivals more are to be expected.
#[derive(Clone, Debug)]
pub(crate) struct RateWalk {
    rate: Rate,
    piece: RatePiece,
    at: u64,
    until: u64,
}

impl RateWalk {
    pub(crate) fn new(rate: Rate, until: Timestamp) -> Self {
        let piece = rate.piece(0);
        Self { rate, piece, at: 0, until: until.as_nanos() }
    }

    /// Goes on until `arrivals` more are to be expected; `None` if the end comes first.
    pub(crate) fn advance(&mut self, arrivals: f64) -> Option<Timestamp> {
        let end = Timestamp::from_nanos(self.until);
        self.advance_to(arrivals, end).ok().filter(|at| *at < end)
    }

    /// Goes on until `arrivals` more are to be expected, or to `cut`, or to the end.
    ///
    /// # Errors
    /// How many are still to be expected, where `cut` or the end comes first.
    pub(crate) fn advance_to(
        &mut self,
        mut arrivals: f64,
        cut: Timestamp,
    ) -> Result<Timestamp, f64> {
        let cut = cut.as_nanos().min(self.until);
        while self.at < cut {
            let left = self.piece.area(self.at, self.piece.end.min(cut));
            if arrivals < left {
                self.at = self.piece.find(self.at, arrivals).min(cut);
                return Ok(Timestamp::from_nanos(self.at));
            }
            arrivals -= left;
            self.skip_to(Timestamp::from_nanos(self.piece.end.min(cut)));
        }
        Err(arrivals)
    }

    /// Goes on to a time, whatever is to be expected before it.
    pub(crate) fn skip_to(&mut self, at: Timestamp) {
        self.at = self.at.max(at.as_nanos());
        if self.at >= self.piece.end {
            self.piece = self.rate.piece(self.at);
        }
    }
}

impl RatePiece {
    fn slope(&self) -> f64 {
        if self.end == u64::MAX {
            0.0
        } else {
            (self.to - self.from) / (self.end - self.start) as f64
        }
    }

    fn rate(&self, at: u64) -> f64 {
        self.from + self.slope() * (at - self.start) as f64
    }

    /// Arrivals to be expected between two times of the piece.
    fn area(&self, from: u64, to: u64) -> f64 {
        (self.rate(from) + self.rate(to)) / 2.0 * (to - from) as f64
    }

    /// When `arrivals` are to be expected since `from`: the root of a quadratic, written so that it
    /// holds for a slope of zero. Near a rate of zero the root loses its digits: the end bounds it.
    fn find(&self, from: u64, arrivals: f64) -> u64 {
        let rate = self.rate(from);
        let root = libm::sqrt((rate * rate + 2.0 * self.slope() * arrivals).max(0.0));
        let after = 2.0 * arrivals / (rate + root);
        from.saturating_add(libm::floor(after + 0.5) as u64).min(self.end)
    }
}

#[cfg(test)]
mod tests;

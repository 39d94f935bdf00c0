//! Bursts and silences in turn, whose lengths are exponential: an interrupted Poisson process (Kuczura 1973), which is a
//! Markov-modulated one with a second rate of zero. While a burst lasts users come so much more often than asked for that
//! the mean rate is kept. Lengths are in time, whatever the rate.

use super::NextArrival;
use super::time_changed::ARRIVALS;
use crate::Rate;
use crate::rate::RateWalk;
use core::time::Duration;
use squall_determinism::{RandomStream, Seed, StreamPurpose, Timestamp};

/// The lengths of a silence and of the burst behind it, in this order.
const BURSTS: StreamPurpose = StreamPurpose::named("workload.bursts");

/// The share of time that bursts have.
pub(super) fn share(on: Duration, off: Duration) -> f64 {
    on.as_secs_f64() / (on + off).as_secs_f64()
}

/// The index of dispersion of counts over long windows (Fischer and Meier-Hellstern, *The MMPP cookbook*, 1993).
pub(super) fn dispersion(on: Duration, off: Duration, rps: f64) -> f64 {
    1.0 + 2.0 * rps * off.as_secs_f64() * (1.0 - share(on, off))
}

fn exponential(mean: Duration, draws: &mut RandomStream) -> Duration {
    let mean = mean.as_nanos() as f64;
    Duration::from_nanos((-libm::log(draws.unit()) * mean) as u64)
}

#[derive(Clone, Debug)]
pub(crate) struct OnOff {
    walk: RateWalk,
    seed: Seed,
    source: u32,
    ordinal: u64,
    on: Duration,
    off: Duration,
    /// How many bursts have begun.
    bursts: u64,
    burst_end: Timestamp,
    until: Timestamp,
    pub(super) next: Option<NextArrival>,
}

impl OnOff {
    /// At the start a burst is on with the probability that it is on at any time; what is left of it, or of the silence,
    /// is as long as a whole one, since exponential lengths have no memory.
    pub(super) fn new(
        (on, off): (Duration, Duration),
        rate: Rate,
        until: Timestamp,
        (seed, source): (Seed, u32),
    ) -> Self {
        let mut process = Self {
            walk: RateWalk::new(rate, until),
            seed,
            source,
            ordinal: 0,
            on,
            off,
            bursts: 0,
            burst_end: Timestamp::ZERO,
            until,
            next: None,
        };
        let mut draws = process.next_lengths();
        if draws.unit() < share(on, off) {
            process.burst_end = Timestamp::ZERO + exponential(on, &mut draws);
        } else {
            process.begin_burst(&mut draws);
        }
        process.draw();
        process
    }

    pub(super) fn pop(&mut self) -> Option<NextArrival> {
        let next = self.next;
        self.draw();
        next
    }

    fn next_lengths(&mut self) -> RandomStream {
        let draws = self.seed.stream(BURSTS, self.source.into(), self.bursts);
        self.bursts += 1;
        draws
    }

    /// After a silence.
    fn begin_burst(&mut self, draws: &mut RandomStream) {
        let start = self.burst_end + exponential(self.off, draws);
        self.walk.skip_to(start);
        self.burst_end = start + exponential(self.on, draws);
    }

    fn draw(&mut self) {
        let mut draws = self.seed.stream(ARRIVALS, self.source.into(), self.ordinal);
        self.ordinal += 1;
        // In a burst they come 1 ÷ share times as often as asked for.
        let mut missing = -libm::log(draws.unit()) * share(self.on, self.off);
        self.next = loop {
            match self.walk.advance_to(missing, self.burst_end) {
                Ok(at) => break Some(NextArrival { at, client: 0 }),
                Err(_) if self.burst_end >= self.until => break None,
                Err(left) => missing = left,
            }
            let mut lengths = self.next_lengths();
            self.begin_burst(&mut lengths);
        };
    }
}

//! Faults at random times: outages over months, and schedules with jitter.

use crate::FaultConfig;
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::{Distribution, Seed, StreamPurpose, Timestamp};

/// Gaps and durations of random faults.
const OUTAGE: StreamPurpose = StreamPurpose::named("provider.outage");
/// The delay of a scheduled fault.
const JITTER: StreamPurpose = StreamPurpose::named("provider.jitter");

/// A fault that comes again and again at random times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomFault {
    /// From the end of one, or from the start, to the next, in nanoseconds.
    pub gap: Distribution,
    /// How long each lasts, in nanoseconds.
    pub lasts: Distribution,
    /// From when.
    pub from: Timestamp,
    /// Until when: one that would last longer ends there.
    pub until: Timestamp,
    /// What comes. Its own times do not matter.
    pub fault: FaultConfig,
}

impl RandomFault {
    /// The most that come.
    pub const MOST: u64 = 1_000;
}

/// Makes each fault late by a draw within its jitter. `entity` is the provider's number.
pub(crate) fn draw_jitter(faults: &mut [FaultConfig], seed: Seed, entity: u64) {
    for (place, fault) in (0_u64..).zip(faults) {
        if !fault.jitter.is_zero() {
            let mut draws = seed.stream(JITTER, entity, place);
            let late = draws.below((fault.jitter.as_nanos() as u64).saturating_add(1));
            fault.at += Duration::from_nanos(late);
            fault.jitter = Duration::ZERO;
        }
    }
}

/// The faults that come of random ones, by a draw for each.
pub(crate) fn draw_faults(random: &[RandomFault], seed: Seed, entity: u64) -> Vec<FaultConfig> {
    let mut faults = Vec::new();
    for (place, random) in (0_u64..).zip(random) {
        let mut at = random.from;
        for number in 0..RandomFault::MOST {
            let mut draws = seed.stream(OUTAGE, entity << 16 | place, number);
            at += Duration::from_nanos(random.gap.sample(&mut draws));
            if at >= random.until {
                break;
            }
            let lasts = Duration::from_nanos(random.lasts.sample(&mut draws).max(1));
            let lasts = lasts.min(random.until.since(at));
            faults.push(FaultConfig { at, lasts, ..random.fault });
            at += lasts;
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FaultKind, ProviderConfig};
    use alloc::vec;

    fn config() -> ProviderConfig {
        let fault = FaultConfig::new(Timestamp::ZERO, Duration::ZERO, FaultKind::Refuse);
        let day = Duration::from_secs(86_400);
        let random = RandomFault {
            gap: Distribution::Exponential { mean: day.as_nanos() as f64 },
            lasts: Distribution::lognormal(3_600_000_000_000, 7_200_000_000_000)
                .expect("a distribution"),
            from: Timestamp::ZERO,
            until: Timestamp::from(day * 100),
            fault,
        };
        let nothing = Distribution::Fixed { value: 0 };
        ProviderConfig { random: vec![random], ..ProviderConfig::new(nothing, nothing) }
    }

    #[test]
    fn random_faults_follow_their_laws_and_their_seed() {
        let faults = config().drawn(Seed::new(7), 0).faults;
        assert!((70..130).contains(&faults.len()), "{} in 100 days", faults.len());
        assert!(faults.is_sorted_by(|one, next| one.until() <= next.at), "one after the other");
        assert_eq!(faults, config().drawn(Seed::new(7), 0).faults);
        assert_ne!(faults, config().drawn(Seed::new(8), 0).faults);
        assert_ne!(faults, config().drawn(Seed::new(7), 1).faults);
    }

    #[test]
    fn jitter_makes_a_fault_late_by_no_more_than_it_says() {
        let jitter = Duration::from_secs(5);
        let at = Timestamp::from_secs(20);
        let fault = FaultConfig::new(at, Duration::from_secs(1), FaultKind::Refuse);
        let config = ProviderConfig { faults: vec![FaultConfig { jitter, ..fault }], ..config() };
        let drawn: Vec<_> =
            (0..20).map(|seed| config.drawn(Seed::new(seed), 0).faults[0].at).collect();
        assert!(drawn.iter().all(|&late| late >= at && late <= at + jitter));
        assert!(drawn.iter().any(|late| *late != drawn[0]));
    }
}

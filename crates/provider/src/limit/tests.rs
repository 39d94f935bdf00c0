//! No window ever holds more than it may, and a wait is exact.

use super::*;
use alloc::vec::Vec;
use proptest::prelude::*;

const EPOCH: u64 = 1_767_225_600_000_000_000;
const SECOND: u64 = 1_000_000_000;

fn windows() -> impl Strategy<Value = ProviderWindow> {
    prop_oneof![
        Just(ProviderWindow::Gcra { burst: None }),
        (1_u64..20).prop_map(|burst| ProviderWindow::Gcra { burst: Some(burst) }),
        Just(ProviderWindow::Fixed),
        Just(ProviderWindow::Sliding),
        (1_u64..30).prop_map(|secs| ProviderWindow::Slice(Duration::from_secs(secs))),
    ]
}

/// What a window may let through between two passes, both counted; `None` if it makes no promise for
/// that pair.
fn allowed(window: ProviderWindow, n: u64, from: Timestamp, to: Timestamp) -> Option<u64> {
    let width = to.since(from).as_nanos() as u64;
    let same_slot =
        |length: u64| (EPOCH + from.as_nanos()) / length == (EPOCH + to.as_nanos()) / length;
    match window {
        ProviderWindow::Gcra { burst } => Some(burst.unwrap_or(n) + width * n / (60 * SECOND)),
        ProviderWindow::Fixed => same_slot(60 * SECOND).then_some(n),
        ProviderWindow::Sliding => (width < 60 * SECOND).then_some(n),
        ProviderWindow::Slice(length) => {
            let length = length.as_nanos() as u64;
            same_slot(length).then_some((n * length / (60 * SECOND)).max(1))
        }
    }
}

/// Arrivals: how long after the one before, and how much each asks for.
fn arrivals() -> impl Strategy<Value = Vec<(u64, u64)>> {
    prop::collection::vec((0_u64..3 * SECOND, prop_oneof![Just(1_u64), 0..12_u64]), 1..200)
}

proptest! {
    #[test]
    fn no_window_holds_more_than_it_may(
        window in windows(),
        n in 1_u64..120,
        arrivals in arrivals(),
    ) {
        let mut limit = ProviderLimiter::new(ProviderRateLimit { per_minute: n, window }, EPOCH);
        let mut now = Timestamp::ZERO;
        let mut passed = Vec::new();
        for (gap, amount) in arrivals {
            now += Duration::from_nanos(gap);
            if limit.check(now, amount) == LimitDecision::Pass {
                limit.charge(now, amount);
                passed.push((now, amount));
            }
        }
        for (i, &(from, _)) in passed.iter().enumerate() {
            let mut held = 0;
            for &(to, amount) in &passed[i..] {
                held += amount;
                if let Some(allowed) = allowed(window, n, from, to) {
                    prop_assert!(held <= allowed, "{held} of {allowed}");
                }
            }
        }
    }

    #[test]
    fn a_wait_is_exact(
        window in windows(),
        n in 1_u64..120,
        arrivals in arrivals(),
    ) {
        let mut limit = ProviderLimiter::new(ProviderRateLimit { per_minute: n, window }, EPOCH);
        let mut now = Timestamp::ZERO;
        for (gap, amount) in arrivals {
            now += Duration::from_nanos(gap);
            match limit.check(now, amount) {
                LimitDecision::Pass => limit.charge(now, amount),
                LimitDecision::Wait(wait) => {
                    let just_before = now + wait - Duration::from_nanos(1);
                    prop_assert_ne!(limit.clone().check(just_before, amount), LimitDecision::Pass);
                    prop_assert_eq!(limit.clone().check(now + wait, amount), LimitDecision::Pass);
                }
                LimitDecision::Never => prop_assert!(amount > 1, "one request always fits"),
            }
        }
    }
}

#[test]
fn more_than_a_limit_holds_never_passes() {
    for window in
        [ProviderWindow::Gcra { burst: None }, ProviderWindow::Fixed, ProviderWindow::Sliding]
    {
        let mut limit = ProviderLimiter::new(ProviderRateLimit { per_minute: 30, window }, EPOCH);
        assert_eq!(limit.check(Timestamp::ZERO, 31), LimitDecision::Never, "{window:?}");
        assert_eq!(limit.check(Timestamp::ZERO, 30), LimitDecision::Pass, "{window:?}");
    }
}

#[test]
fn headers_tell_what_remains() {
    let window = ProviderWindow::Slice(Duration::from_secs(1));
    let mut limit = ProviderLimiter::new(ProviderRateLimit { per_minute: 3_000, window }, EPOCH);
    let now = Timestamp::from_millis(250);
    (0..20).for_each(|_| limit.charge(now, 1));
    let gauge = limit.gauge(now);
    assert_eq!((gauge.limit, gauge.remaining), (3_000, 30));
    assert_eq!(gauge.reset, Duration::from_millis(750));
}

#[test]
fn what_asks_for_nothing_leaves_no_trace() {
    for window in
        [ProviderWindow::Gcra { burst: None }, ProviderWindow::Fixed, ProviderWindow::Sliding]
    {
        let mut limit = ProviderLimiter::new(ProviderRateLimit { per_minute: 30, window }, EPOCH);
        limit.charge(Timestamp::from_secs(1), 0);
        let gauge = limit.gauge(Timestamp::from_secs(1));
        assert_eq!((gauge.remaining, gauge.reset), (30, Duration::ZERO), "{window:?}");
    }
}

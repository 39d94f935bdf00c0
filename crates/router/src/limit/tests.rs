//! What holds for every algorithm, and what each promises beyond.

use super::*;
use alloc::vec::Vec;

const EPOCH: u64 = 1_767_225_600_000_000_000;

fn limiter(per_minute: u64, window: RateWindow) -> RateLimiter {
    RateLimiter::new(RateLimit { per_minute, window }, EPOCH)
}

fn every_window() -> [RateWindow; 6] {
    [
        RateWindow::Gcra { burst: None },
        RateWindow::Gcra { burst: Some(5) },
        RateWindow::Fixed,
        RateWindow::Sliding,
        RateWindow::Slice(Duration::from_secs(10)),
        RateWindow::FromFirst,
    ]
}

/// Takes one at a time as early as the limiter lets it, and returns when.
fn greedy(limit: &mut RateLimiter, until: Timestamp) -> Vec<Timestamp> {
    let mut now = Timestamp::ZERO;
    let mut taken = Vec::new();
    while let Some(at) = limit.earliest(now, 1) {
        if at >= until {
            break;
        }
        now = at;
        assert_eq!(limit.earliest(now, 1), Some(now), "the promised time is not late enough");
        limit.reserve(now, 1);
        taken.push(now);
    }
    taken
}

#[test]
fn the_earliest_time_is_exact() {
    for window in every_window() {
        let mut limit = limiter(30, window);
        let mut now = Timestamp::ZERO;
        for _ in 0..90 {
            let at = limit.earliest(now, 1).unwrap();
            if at > now {
                let just_before = at - Duration::from_nanos(1);
                assert!(
                    limit.clone().earliest(just_before, 1).unwrap() > just_before,
                    "{window:?}"
                );
            }
            now = at;
            limit.reserve(now, 1);
        }
    }
}

#[test]
fn gcra_lets_through_its_burst_and_then_its_rate_in_any_window() {
    let mut limit = limiter(30, RateWindow::Gcra { burst: Some(5) });
    let taken = greedy(&mut limit, Timestamp::from_secs(300));
    for (i, &start) in taken.iter().enumerate() {
        for (j, &end) in taken.iter().enumerate().skip(i) {
            let window = end.since(start).as_nanos() as u64;
            let allowed = 5 + window * 30 / 60_000_000_000;
            assert!((j - i + 1) as u64 <= allowed, "{} in {window} ns", j - i + 1);
        }
    }
    assert_eq!(taken.len(), 5 + 149, "and not one fewer");
}

#[test]
fn a_sliding_minute_never_holds_more_than_its_number() {
    let taken = greedy(&mut limiter(30, RateWindow::Sliding), Timestamp::from_secs(300));
    assert!(taken.windows(31).all(|w| w[30].since(w[0]) >= MINUTE));
    assert_eq!(taken.len(), 150);
}

#[test]
fn slices_follow_the_wall_clock() {
    let taken = greedy(&mut limiter(60, RateWindow::Slice(MINUTE / 60)), Timestamp::from_secs(10));
    assert_eq!(taken.len(), 10, "one a second");
    assert!(taken.iter().all(|at| at.as_nanos() % 1_000_000_000 == 0));
}

#[test]
fn more_than_the_limit_ever_holds_never_passes() {
    for window in every_window() {
        assert_eq!(limiter(30, window).earliest(Timestamp::ZERO, 31), None, "{window:?}");
    }
}

#[test]
fn what_is_given_back_can_be_taken_again() {
    for window in every_window() {
        let mut limit = limiter(5, RateWindow::Gcra { burst: None });
        if !matches!(window, RateWindow::Slice(_)) {
            limit = limiter(5, window);
        }
        let now = Timestamp::ZERO;
        let receipts: Vec<_> = (0..5).map(|_| limit.reserve(now, 1)).collect();
        assert!(limit.earliest(now, 1).unwrap() > now, "{window:?} is full");
        limit.settle(now, receipts[2], 0);
        assert_eq!(limit.earliest(now, 1), Some(now), "{window:?}");
    }
}

#[test]
fn what_has_leaked_away_is_not_given_back_as_well() {
    let mut limit = limiter(60, RateWindow::Gcra { burst: Some(5) });
    let unused = limit.reserve(Timestamp::ZERO, 5);
    let later = Timestamp::from_secs(10);
    for _ in 0..5 {
        limit.reserve(later, 1);
    }
    limit.settle(later, unused, 0);
    assert!(limit.earliest(later, 1).unwrap() > later, "the five of `later` still count");
}

#[test]
fn a_refund_counts_as_if_the_reservation_had_never_been() {
    let mut with = limiter(60, RateWindow::Gcra { burst: Some(10) });
    let mut without = limiter(60, RateWindow::Gcra { burst: Some(10) });
    let unused = with.reserve(Timestamp::ZERO, 4);
    for limit in [&mut with, &mut without] {
        limit.reserve(Timestamp::from_secs(1), 3);
        limit.reserve(Timestamp::from_millis(1_500), 2);
    }
    let now = Timestamp::from_secs(3);
    with.settle(now, unused, 0);
    for amount in 1..=10 {
        assert_eq!(with.earliest(now, amount), without.earliest(now, amount), "{amount}");
    }
}

#[test]
fn refunds_in_any_order_never_give_back_more_than_is_there() {
    let mut limit = limiter(60, RateWindow::Gcra { burst: Some(100) });
    let at = Timestamp::from_secs;
    let early = limit.reserve(at(0), 5);
    limit.reserve(at(1), 1);
    let late = limit.reserve(at(1), 9);
    limit.reserve(at(2), 1);
    limit.settle(at(2), late, 0);
    limit.settle(at(2), early, 0);
    assert_eq!(limit.gauge(at(2)).0, 1, "the first of the two that stay has leaked away");
}

#[test]
fn using_more_than_was_reserved_is_charged_afterwards() {
    for window in every_window() {
        let mut limit = limiter(10, window);
        let now = Timestamp::ZERO;
        let reservation = limit.reserve(now, 1);
        limit.settle(now, reservation, 10);
        assert!(limit.earliest(now, 1).is_none_or(|at| at > now), "{window:?}");
    }
}

#[test]
fn a_window_from_the_first_begins_when_somebody_comes() {
    let mut limit = limiter(2, RateWindow::FromFirst);
    let at = Timestamp::from_secs(50);
    limit.reserve(at, 1);
    limit.reserve(Timestamp::from_secs(70), 1);
    assert_eq!(limit.earliest(Timestamp::from_secs(80), 1), Some(Timestamp::from_secs(110)));
    assert_eq!(limit.earliest(Timestamp::from_secs(110), 1), Some(Timestamp::from_secs(110)));
}

#[test]
fn a_new_limit_is_no_new_burst() {
    for window in every_window() {
        let mut limit = limiter(60, RateWindow::Fixed);
        let now = Timestamp::from_secs(1);
        limit.reserve(now, 50);
        limit.inherit(now, RateLimit { per_minute: 40, window }, EPOCH);
        assert!(
            limit.earliest(now, 1).is_none_or(|at| at > now),
            "{window:?}: 50 were let through"
        );
        let gauge = limit.gauge(now);
        assert_eq!(gauge, (40, 40), "{window:?}");
    }
}

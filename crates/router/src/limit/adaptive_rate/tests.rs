//! The rate that is learned from 429s.

use super::*;
use alloc::vec::Vec;
use proptest::prelude::*;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Attempts every 100 ms from the first second on, and a 429 to the last of them: ten a second pass.
fn found() -> (AdaptiveRate, Timestamp) {
    let mut rate = AdaptiveRate::default();
    for nth in 0..40 {
        rate.take(at(1_000 + 100 * nth));
    }
    let last = at(4_900);
    rate.throttled(last, last, false);
    (rate, last)
}

/// Takes one at a time as early as the cap lets it.
fn greedy(rate: &mut AdaptiveRate, from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    let mut taken = Vec::new();
    let mut now = rate.earliest(from);
    while now < until {
        rate.take(now);
        taken.push(now);
        now = rate.earliest(now);
    }
    taken
}

#[test]
fn nothing_is_held_up_before_the_first_429() {
    let mut rate = AdaptiveRate::default();
    for _ in 0..1_000 {
        rate.take(at(0));
    }
    assert_eq!(rate.earliest(at(0)), at(0));
    assert_eq!(rate.gauge(at(0)), None);
}

#[test]
fn a_429_caps_at_seven_tenths_of_what_passed() {
    let (mut rate, now) = found();
    // The sample is twenty: ten a second, give or take the one that did not pass.
    let (_, cap) = rate.gauge(now).expect("a cap");
    assert!((380..=425).contains(&cap), "{cap}");
}

#[test]
fn the_rest_of_a_burst_lowers_nothing_further() {
    let mut rate = AdaptiveRate::default();
    for nth in 0..40 {
        rate.take(at(1_000 + 100 * nth));
    }
    rate.throttled(at(4_950), at(4_700), false);
    let cap = rate.per_minute();
    for started in [4_800, 4_900] {
        rate.throttled(at(4_960), at(started), false);
    }
    assert_eq!(rate.per_minute(), cap);
}

#[test]
fn attempts_at_one_moment_show_no_rate() {
    let mut rate = AdaptiveRate::default();
    (0..50).for_each(|_| rate.take(at(1_000)));
    (0..45).for_each(|_| rate.throttled(at(1_050), at(1_000), false));
    let cap = rate.per_minute().expect("five of them passed, in a second at the most");
    assert!(cap >= 5 * 42, "{cap} is less than what may have passed");
}

#[test]
fn in_use_it_is_back_within_a_minute_and_then_beyond() {
    let (mut rate, now) = found();
    let ceiling = rate.ceiling / 1_000;
    greedy(&mut rate, now, now + Duration::from_secs(61));
    let back = rate.per_minute().expect("a cap");
    assert!(back.abs_diff(ceiling) <= ceiling / 100, "{back}, not {ceiling}");
    greedy(&mut rate, now + Duration::from_secs(61), now + Duration::from_secs(181));
    assert!(rate.per_minute().expect("a cap") > 3 * ceiling);
}

#[test]
fn unused_it_stays_where_it_is() {
    let (mut rate, now) = found();
    let cap = rate.per_minute();
    // One in five seconds, of seven a second.
    for nth in 1..200 {
        rate.take(now + Duration::from_secs(5 * nth));
    }
    let after = rate.per_minute();
    assert!(after <= cap.map(|cap| cap + cap / 20), "{cap:?} became {after:?}");
}

#[test]
fn a_pause_that_was_too_short_doubles_and_one_that_was_told_is_not_touched() {
    let (mut rate, now) = found();
    let second = now + Duration::from_secs(1);
    rate.take(second);
    rate.throttled(second, second, false);
    assert_eq!(rate.earliest(second), second + Duration::from_secs(2));
    let fourth = second + Duration::from_secs(2);
    rate.take(fourth);
    rate.throttled(fourth, fourth, false);
    assert_eq!(rate.earliest(fourth), fourth + Duration::from_secs(4));
    let eighth = fourth + Duration::from_secs(4);
    rate.take(eighth);
    rate.throttled(eighth, eighth, true);
    assert!(rate.earliest(eighth) < eighth + Duration::from_secs(1), "its Retry-After says when");
}

#[test]
fn a_window_that_is_used_up_caps_at_what_passed_in_it() {
    // Sixty at ten a second from the first second on, and no more of this minute.
    let mut rate = AdaptiveRate::default();
    (0..60).for_each(|nth| rate.take(at(60_000 + 100 * nth)));
    let first = at(66_000);
    rate.take(first);
    rate.throttled(first, first, false);
    rate.began = Some(at(0));
    let later = first + Duration::from_secs(1);
    rate.take(later);
    rate.throttled(later, later, false);
    assert_eq!(rate.per_minute(), Some(42), "0.7 of sixty");
}

#[test]
fn what_was_not_sent_leaves_no_trace() {
    let (mut rate, now) = found();
    let later = now + Duration::from_secs(1);
    let before = rate.earliest(later);
    rate.take(later);
    rate.give_back(later, later);
    assert_eq!(rate.earliest(later), before);
}

#[test]
fn the_lowest_cap_recovers_once_everything_passes() {
    let mut rate = AdaptiveRate::default();
    let mut now = at(0);
    // One of two attempts meets a 429, for an hour.
    for nth in 0..3_600_u64 {
        now = now.max(rate.earliest(now)) + Duration::from_secs(1);
        rate.take(now);
        if nth % 3 != 0 {
            rate.throttled(now, now, false);
        }
    }
    let taken = greedy(&mut rate, now, now + Duration::from_secs(1_800));
    let last = taken.iter().filter(|&&at| at > now + Duration::from_secs(1_740)).count();
    assert!(last >= 300, "{last} in the last minute of half an hour");
}

/// What happens: an attempt as soon as one may begin, after a pause in ms; and whether it meets a 429, so many
/// ms later, with a Retry-After or without.
fn events() -> impl Strategy<Value = Vec<(u64, Option<u64>, bool)>> {
    let event = (
        prop_oneof![6 => 0..50_u64, 2 => 50..2_000_u64, 1 => 2_000..90_000_u64],
        prop::option::weighted(0.15, 0..300_u64),
        any::<bool>(),
    );
    prop::collection::vec(event, 1..400)
}

proptest! {
    /// In every window: no more than the burst and the highest cap that held in it let through.
    #[test]
    fn no_window_holds_more_than_the_cap_says(events in events()) {
        let mut rate = AdaptiveRate::default();
        let mut now = at(1_000);
        // When each attempt began, and the cap, in thousandths a minute, and the burst that held then.
        let mut taken: Vec<(Timestamp, f64, f64)> = Vec::new();
        let mut due: Vec<(Timestamp, Timestamp, bool)> = Vec::new();
        for (pause, refused, told) in events {
            now = rate.earliest(now + Duration::from_millis(pause));
            due.sort();
            for (at, started, told) in due.extract_if(.., |(at, ..)| *at <= now) {
                rate.throttled(at, started, told);
                // What began before was under another cap.
                taken.clear();
            }
            now = rate.earliest(now);
            if rate.ceiling > 0 {
                let cap = rate.cap();
                prop_assert!(cap >= LEAST);
                prop_assert!(rate.earliest(now).since(now) <= Duration::from_secs(60));
            }
            rate.take(now);
            due.extend(refused.map(|after| (now + Duration::from_millis(after), now, told)));
            if rate.ceiling > 0 {
                taken.push((now, rate.cap() as f64, rate.burst() as f64 / UNIT as f64));
            }
        }
        for (first, &(from, ..)) in taken.iter().enumerate() {
            let (mut cap, mut burst) = (0.0_f64, 0.0_f64);
            for (nth, &(at, held, most)) in taken[first..].iter().enumerate() {
                (cap, burst) = (cap.max(held), burst.max(most));
                let allowed = burst + at.since(from).as_secs_f64() * cap / 60_000.0;
                prop_assert!(nth as f64 + 1.0 <= allowed + 1e-6, "{} of {allowed} at {at}", nth + 1);
            }
        }
    }
}

//! Rates have the shape that is written, and the walk covers their area.

use super::*;
use crate::Decay;
use alloc::vec;
use core::time::Duration;

fn viral() -> Rate {
    Rate {
        segments: vec![
            RateSegment::Constant { at: Timestamp::ZERO, rps: 20.0 },
            RateSegment::Spike {
                at: Timestamp::from_secs(20),
                base: 20.0,
                peak: 200.0,
                rise: Duration::from_secs(4),
                decay: Decay { exponent: 1.4, scale: Duration::from_secs(12) },
            },
        ],
    }
}

fn near(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-6 * right.abs().max(1.0)
}

#[test]
fn a_spike_rises_to_its_peak_and_falls_as_a_power() {
    let rate = viral();
    let rps = |secs| rate.at(Timestamp::from_secs(secs));
    assert!(near(rps(0), 20.0) && near(rps(19), 20.0));
    assert!(near(rps(22), 110.0), "half way up");
    assert!(near(rps(24), 200.0), "the top");
    assert!(near(rps(36), 20.0 + 180.0 * 0.378_929_141_627_599_5), "2^-1.4 at its scale");
}

#[test]
fn a_ramp_is_straight_and_then_level() {
    let ramp = RateSegment::Ramp {
        at: Timestamp::ZERO,
        from: 10.0,
        to: 30.0,
        over: Duration::from_secs(10),
    };
    let rate = Rate { segments: vec![ramp] };
    let rps = [0, 5, 10, 60].map(|secs| rate.at(Timestamp::from_secs(secs)));
    assert_eq!(rps, [10.0, 20.0, 30.0, 30.0]);
}

#[test]
fn walking_by_one_arrival_at_a_time_counts_the_area() {
    let mut walk = RateWalk::new(viral(), Timestamp::from_secs(90));
    let mut count = 0;
    let mut last = Timestamp::ZERO;
    while let Some(at) = walk.advance(1.0) {
        assert!(at > last);
        last = at;
        count += 1;
    }
    // 90 s at 20, a triangle of 4 s by 180, and the integral of the power law over the 66 s after it.
    let tail = 180.0 * 12.0 / 0.4 * (1.0 - libm::pow(1.0 + 66.0 / 12.0, -0.4));
    let area = 90.0 * 20.0 + 360.0 + tail;
    assert!((f64::from(count) - area).abs() <= 1.5, "{count} of {area}");
}

#[test]
fn a_rate_of_zero_has_no_arrivals_and_is_walked_through() {
    let segments = vec![
        RateSegment::Constant { at: Timestamp::ZERO, rps: 0.0 },
        RateSegment::Constant { at: Timestamp::from_secs(10), rps: 1.0 },
    ];
    let mut walk = RateWalk::new(Rate { segments }, Timestamp::from_secs(12));
    assert_eq!(walk.advance(0.5), Some(Timestamp::from_millis(10_500)));
    assert_eq!(walk.advance(2.0), None);
}

#[test]
fn a_ramp_to_almost_nothing_is_left_at_its_end() {
    // Near the end the root of the quadratic has lost all its digits.
    for to in [0.0, 1e-9, 1e-6, 2e-6, 1e-5, 1e-3] {
        for from in [3.0, 70.0, 200.0, 997.0] {
            let over = Duration::from_secs(3_600);
            let ramp = RateSegment::Ramp { at: Timestamp::ZERO, from, to, over };
            let end = Timestamp::from(over);
            let until = Timestamp::from_secs(7_200);
            let area = RateWalk::new(Rate { segments: vec![ramp.clone()] }, until)
                .piece
                .area(0, end.as_nanos());
            let mut arrivals = area;
            for _ in 0..40 {
                arrivals = arrivals.next_down();
                let mut walk = RateWalk::new(Rate { segments: vec![ramp.clone()] }, until);
                if let Some(at) = walk.advance(arrivals) {
                    assert!(at <= end, "{from} to {to}: {at:?}");
                }
                // What stands past its piece cannot go on.
                let _ = walk.advance(1e-9);
            }
        }
    }
}

//! Rates: every shape and preset that the reference names, and what is said of shapes that cannot be.

use super::bad::spoiled;
use super::good::with_traffic;
use crate::Diagnostics;
use insta::assert_snapshot;
use squall_determinism::Timestamp;
use squall_workload::Rate;

fn rate(text: &str) -> Rate {
    let scenario = with_traffic(&format!("rate: {text}"));
    scenario.workload.sources[0].arrivals.rate().expect("it follows a rate").clone()
}

/// Requests per second after so many seconds, to half a hundredth.
#[track_caller]
fn has(text: &str, points: &[(f64, f64)]) {
    let rate = rate(text);
    for &(seconds, rps) in points {
        let is = rate.at(Timestamp::from_nanos((seconds * 1e9) as u64));
        assert!((is - rps).abs() < 5e-3, "{text} after {seconds} s: {is}, not {rps}");
    }
}

#[test]
fn every_shape_is_read() {
    has(
        "{ stairs: { levels: [5, 40, 10], every: 10s } }",
        &[(9.0, 5.0), (10.0, 40.0), (55.0, 10.0)],
    );
    has(
        "{ plateau: { base: 4, peak: 44, rise: 4s, hold: 10s } }",
        &[(1.0, 14.0), (13.0, 44.0), (14.0, 4.0)],
    );
    has(
        "{ double_hump: { base: 10, first: 50, valley: 20, hold: 5s, gap: 5s, rise: 2s } }",
        &[(1.0, 30.0), (6.0, 50.0), (10.0, 20.0), (17.0, 50.0), (30.0, 10.0)],
    );
    has(
        "{ needles: { base: 2, peak: 90, width: 1s, every: 10s, count: 2 } }",
        &[(0.5, 90.0), (1.0, 2.0), (10.0, 90.0), (20.0, 2.0)],
    );
    // From 8 to 32, and back; the trough is at the start unless said otherwise.
    has(
        "{ diurnal: { mean: 20, peak_to_trough: 4x, period: 40s } }",
        &[(0.0, 8.0), (10.0, 20.0), (20.0, 32.0), (40.0, 8.0)],
    );
    let hours =
        "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]";
    has(
        &format!("{{ diurnal: {{ mean: 23, hours: {hours}, period: 24s }} }}"),
        &[(0.5, 0.0), (12.5, 24.0), (23.5, 46.0), (24.5, 0.0), (36.0, 24.0)],
    );
    has(
        "{ surge: { base: 10, peak: 110, rise: 10s, tau: 5s, decay: { exponent: 1, scale: 5s } } }",
        &[(0.0, 10.0), (5.0, 10.0 + 100.0 / (1_f64.exp() + 1.0)), (10.0, 110.0), (15.0, 60.0)],
    );
    has("{ ramp: { from: 10, to: 20, over: 10s } }", &[(0.0, 10.0), (5.0, 15.0), (20.0, 20.0)]);
    has(
        "{ spike: { base: 10, peak: 30, rise: 2s, decay: { exponent: 1, scale: 5s } } }",
        &[(0.0, 10.0), (2.0, 30.0), (7.0, 20.0)],
    );
    has(
        "{ at: 10s, plateau: { base: 4, peak: 44, hold: 10s } }",
        &[(9.0, 4.0), (10.0, 44.0), (20.0, 4.0)],
    );
}

#[test]
fn rates_are_added_multiplied_and_shifted() {
    has("{ sum: [20, { at: 5s, plateau: { peak: 30, hold: 5s } }] }", &[(4.0, 20.0), (6.0, 50.0)]);
    has(
        "{ product: [ [ { at: 0s, rps: 10 }, { at: 5s, rps: 20 } ], { rps: 0.5 } ] }",
        &[(1.0, 5.0), (5.0, 10.0)],
    );
    let stairs = "{ stairs: { levels: [1, 2, 3], every: 10s } }";
    has(&format!("{{ shift: {{ later: 5s, rate: {stairs} }} }}"), &[(12.0, 1.0), (16.0, 2.0)]);
    has(&format!("{{ shift: {{ earlier: 5s, rate: {stairs} }} }}"), &[(4.0, 1.0), (5.0, 2.0)]);
}

#[test]
fn a_shape_of_a_list_begins_at_the_rate_just_before() {
    let list = "[ { at: 0s, rps: 10 }, { at: 10s, plateau: { peak: 40, hold: 5s } }, \
        { at: 20s, surge: { peak: 90, rise: 5s, decay: { exponent: 1, scale: 10s } } } ]";
    has(list, &[(9.0, 10.0), (12.0, 40.0), (16.0, 10.0), (20.0, 10.0), (25.0, 90.0), (35.0, 50.0)]);
}

/// Half of what is more, an hour after the front of `front-page`; a tenth of the time on `launch-day` is as much.
#[test]
fn a_preset_is_what_its_source_says_as_fast_as_asked() {
    has(
        "{ preset: front-page, base: 10, at: 10s, speed: 360x }",
        &[(9.0, 10.0), (10.25, 250.0), (20.25, 130.0)],
    );
    has(
        "{ preset: launch-day, base: 10, peak: 5x, speed: 60x }",
        &[(0.0, 10.0), (1.0, 50.0), (30.0, 50.0), (31.0 + 60.0, 10.0 + 40.0 / 2_f64.powf(0.6))],
    );
    has("{ preset: one-tenant-stampede, base: 2, speed: 60x }", &[(15.0, 80.0), (40.0, 2.0)]);
    has("{ preset: stairs, base: 5, speed: 60x }", &[(15.0, 58.0), (25.0, 978.0), (35.0, 1_495.0)]);
    has("{ preset: needle-train, base: 1, speed: 60x }", &[(0.0, 70.0), (6.0, 1.0), (60.0, 70.0)]);
    has("{ preset: double-hump, base: 156, speed: 60x }", &[(20.0, 503.88), (55.0, 244.969)]);
    has("{ preset: calm-diurnal, base: 50, speed: 1000x }", &[(0.0, 40.0), (43.2, 60.0)]);
}

#[test]
fn every_preset_stands_in_the_guide_with_its_source() {
    let guide = include_str!("../../../../../docs/SCENARIOS.md");
    for name in super::super::rate::preset_names() {
        assert!(guide.contains(&format!("| `{name}` | ")), "{name} is not in the guide");
    }
}

fn said(rate: &str) -> Diagnostics {
    spoiled(&[("[ { at: 0s, rps: 20 }, { at: 20s, ramp: { to: 100, over: 4s } } ]", rate)])
}

#[test]
fn shapes_that_cannot_be_are_told_with_their_places() {
    let diurnal = |text: &str| said(&format!("{{ diurnal: {{ {text} }} }}"));
    assert_snapshot!(diurnal("mean: -1, peak_to_trough: 4x, period: 0s"));
    assert_snapshot!(diurnal("mean: 20, peak_to_trough: 0.5x"));
    assert_snapshot!(diurnal("mean: 20, hours: [1, 2, 3]"));
    assert_snapshot!(diurnal("mean: 20"));
    assert_snapshot!(said("{ needles: { peak: 50, width: 2s, every: 1s } }"));
    assert_snapshot!(said("{ plateau: { base: 20, peak: 10, hold: 1s } }"));
    assert_snapshot!(said("{ stairs: { levels: [], every: 1s } }"));
    assert_snapshot!(said("{ sum: [] }"));
    assert_snapshot!(said("{ sum: [ { rps: -1 }, { spik: {} } ] }"));
    assert_snapshot!(said("{ at: 40s, rps: 20 }"));
}

#[test]
fn a_preset_is_of_a_known_name_and_has_a_base() {
    assert_snapshot!(said("{ preset: launchday, base: 20 }"));
    assert_snapshot!(said("{ preset: launch-day }"));
    assert_snapshot!(said("{ rps: 20, speed: 60x }"));
}

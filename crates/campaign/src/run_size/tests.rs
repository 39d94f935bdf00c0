//! Estimates against runs.

use super::*;
use squall_sim::{SimOptions, simulate};

/// A scenario with this traffic, of 200 s.
fn scenario(traffic: &str) -> Scenario {
    let text = format!(
        "
name: sized
duration: 200s
traffic: {{ group: all, {traffic}, prompt_tokens: 10, output_tokens: 11 }}
providers: {{ one: {{ ttft: 100ms, itl: 10ms }} }}
router: {{ groups: {{ all: {{ deployments: [ {{ name: one, provider: one }} ] }} }} }}
expect: [ success_rate >= 1% ]
"
    );
    Scenario::read("sized.yaml", &text).unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn counted(scenario: &Scenario) -> f64 {
    let recording = simulate(scenario, SimOptions::default()).expect("it runs");
    recording.requests.len() as f64
}

const SHAPES: [(&str, f64); 5] = [
    ("rate: 10", 2_000.0),
    // 100 s at 5; 50 s from 5 to 25, 15 on average; 50 s at 25.
    ("rate: [ { at: 0s, rps: 5 }, { at: 100s, ramp: { to: 25, over: 50s } } ]", 2_500.0),
    // A ramp that the end cuts off half way: 200 s from 0 to 20.
    ("rate: [ { at: 0s, ramp: { to: 40, over: 400s } } ]", 2_000.0),
    // 20 s at 10, 10 s from 10 to 60, and over the base of 10 another 50 · 34 · ln(1 + 170 ÷ 34).
    (
        "rate: [ { at: 0s, rps: 10 }, { at: 20s, spike: { peak: 60, rise: 10s, decay: { exponent: 1, scale: 34s } } } ]",
        200.0 + 350.0 + 1_700.0 + 3_045.991,
    ),
    // The same with an exponent of 2: 50 · 34 · (1 − 1 ÷ 6).
    (
        "rate: [ { at: 0s, rps: 10 }, { at: 20s, spike: { peak: 60, rise: 10s, decay: { exponent: 2, scale: 34s } } } ]",
        200.0 + 350.0 + 1_700.0 + 1_416.667,
    ),
];

#[test]
fn the_requests_of_an_open_loop_are_those_that_come() {
    for (shape, by_hand) in SHAPES {
        let even = scenario(&format!("{shape}, arrivals: even"));
        let size = RunSize::of(&even, RowRetention::Rows);
        assert!(
            (size.requests - by_hand).abs() < 0.01,
            "{shape}: {} by hand {by_hand}",
            size.requests
        );
        assert!(!size.is_bound);
        let counted_even = counted(&even);
        assert!((counted_even - by_hand).abs() <= 1.5, "{shape}: {counted_even} came");
        // Of independent users, within five standard deviations.
        let poisson = counted(&scenario(shape));
        assert!((poisson - by_hand).abs() < 5.0 * by_hand.sqrt(), "{shape}: {poisson} came");
    }
}

#[test]
fn given_times_count_each() {
    let given = scenario("arrivals: { at: [0s, 500ms, 199s] }");
    assert_eq!(RunSize::of(&given, RowRetention::Rows).requests, 3.0);
    assert_eq!(counted(&given), 3.0);
}

#[test]
fn the_requests_of_a_closed_loop_have_a_bound_that_fast_answers_come_near_to() {
    // Fixed: 200 ÷ 2 + 1 for each. Exponential: 200 ÷ 2 + 2.
    for (think, by_hand) in [("2s", 50.0 * 101.0), ("{ exponential: { mean: 2s } }", 50.0 * 102.0)]
    {
        let closed = |ttft: &str| {
            let mut closed =
                scenario(&format!("arrivals: {{ closed: {{ clients: 50, think: {think} }} }}"));
            let read = closed.text.replace("ttft: 100ms, itl: 10ms", ttft);
            closed = Scenario::read("sized.yaml", &read).expect("it reads");
            let size = RunSize::of(&closed, RowRetention::Rows);
            assert!(size.is_bound && (size.requests / by_hand - 1.0).abs() < 0.002, "{size:?}");
            counted(&closed) / size.requests
        };
        let (fast, slow) = (closed("ttft: 1ms, itl: 0ms"), closed("ttft: 2s, itl: 0ms"));
        assert!((0.96..=1.0).contains(&fast), "{think}: {fast}");
        assert!((0.45..0.55).contains(&slow), "{think}: {slow}: every other second is an answer's");
    }
    // Clients that do not think ask as fast as they are answered: 200 ms, a thousand times each.
    let restless = scenario("arrivals: { closed: { clients: 10, think: 0s } }");
    let size = RunSize::of(&restless, RowRetention::Rows);
    assert!((size.requests - 10.0 * 1_001.0).abs() < 1.0, "{size:?}");
    assert!((0.98..=1.0).contains(&(counted(&restless) / size.requests)));
}

#[test]
fn memory_and_disk_grow_with_rows_cells_and_what_is_in_flight() {
    let of = |rate: &str, keep| RunSize::of(&scenario(&format!("rate: {rate}")), keep);
    // A million requests of 200 ms in 200 s, of a group and a deployment.
    let rows = of("5000", RowRetention::Rows);
    assert_eq!(rows.requests, 1e6);
    let busy = 2.0 * 2e8_f64.sqrt();
    let by_hand = 30e6 + 290.0 * 1e6 + 1_900.0 * 1_000.0 + 2.9e6 + 30.0 * busy;
    assert!((rows.memory - by_hand).abs() < 1.0, "{rows:?}");
    assert!((rows.disk - (6e6 + 90e6 + 6.6 * busy)).abs() < 1.0, "{rows:?}");
    assert!((rows.seconds - 1e6 / 300_000.0).abs() < 1e-9);
    let cells = of("5000", RowRetention::Cells);
    assert!((rows.memory - cells.memory - 290e6).abs() < 1.0);
    assert!((rows.disk - cells.disk - 90e6).abs() < 1.0);
    assert_eq!((cells.unwritten().disk, cells.is_large(), rows.is_large()), (0.0, false, false));
    assert!(of("26000", RowRetention::Cells).is_large(), "5.2 million");
    assert!(of("20000", RowRetention::Rows).is_large(), "4 million of 290 bytes");
    // Up to 100,000 requests rows are plain.
    let plain = of("500", RowRetention::Rows).disk - of("500", RowRetention::Cells).disk;
    assert!((plain - 283.0 * 1e5).abs() < 1.0, "{plain}");
}

#[test]
fn a_run_of_weeks_takes_room_for_its_requests_alone() {
    let year = scenario("rate: 0.001").text.replace("200s", "8760h");
    let year = Scenario::read("year.yaml", &year).expect("it reads");
    let size = RunSize::of(&year, RowRetention::Rows);
    assert!((size.requests - 31_536.0).abs() < 0.01, "{size:?}");
    assert!(size.memory < 60e6 && size.disk < 20e6, "{size:?}");
    assert_eq!(size.lacks(MachineRoom { memory: Some(100_000_000), disk: None }), None);
}

#[test]
fn many_runs_take_the_memory_of_those_at_once_and_the_time_of_all() {
    let one = RunSize::of(&scenario("rate: 5000"), RowRetention::Cells);
    let many = one.times(59, 2);
    assert_eq!((many.requests, many.seconds), (59e6, one.seconds * 59.0 / 2.0));
    assert!((many.memory - 30e6 - 2.0 * (one.memory - 30e6)).abs() < 1.0);
    assert_eq!(one.times(1, 8), one, "one run has no second");
    let both = many.then(one);
    assert_eq!((both.requests, both.memory), (60e6, many.memory));
}

#[test]
fn a_machine_that_has_too_little_is_told_what_it_lacks() {
    let size = RunSize::of(&scenario("rate: 99999999"), RowRetention::Rows);
    let room = |memory, disk| MachineRoom { memory: Some(memory), disk: Some(disk) };
    let lack = size.lacks(room(16_000_000_000, 20_000_000_000)).expect("it is too much");
    assert_eq!((lack.of, lack.available), ("memory", 16_000_000_000));
    // Twenty billion requests of 290 bytes, twenty million in flight of 1.9 kB.
    assert!((lack.needed / 5.838e12 - 1.0).abs() < 0.001, "{lack:?}");
    let lack = size.lacks(room(u64::MAX, 20_000_000_000)).expect("it is too much");
    assert_eq!(lack.of, "space on disk");
    assert_eq!(size.lacks(room(u64::MAX, u64::MAX)), None);
    assert_eq!(size.lacks(MachineRoom::default()), None, "nothing is known of the machine");
    // To the byte.
    let needed = size.memory.ceil() as u64;
    let memory = |memory| MachineRoom { memory: Some(memory), disk: None };
    assert!(size.lacks(memory(needed)).is_none() && size.lacks(memory(needed - 1)).is_some());
}

#[test]
fn sizes_are_told_in_words() {
    let told = RunSize::of(&scenario("rate: 100000"), RowRetention::Rows).told();
    assert_eq!(told, "about 20,000,000 requests: 5.9 GB of memory, 1.8 GB of disk and 67 s");
    let cells = RunSize::of(&scenario("rate: 100000"), RowRetention::Cells);
    assert_eq!(cells.told(), "about 20,000,000 requests: 75 MB of memory, 6.8 MB of disk and 24 s");
    let told = cells.unwritten().times(590, 1).told();
    assert_eq!(told, "about 11,800,000,000 requests: 75 MB of memory and 4 h");
    assert_eq!([bytes(999.0), bytes(1_500.0), bytes(2.61e12)], ["999 bytes", "1.5 kB", "2.6 TB"]);
    assert_eq!([time(0.2), time(120.0), time(7_200.0)], ["1 s", "2 min", "2 h"]);
}

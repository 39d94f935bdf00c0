//! A rate that is learned from 429s alone, beside what the simulated provider's own limiter lets through: whatever its
//! limit is and however it counts, nearly all of it is used, and few attempts meet a 429.

use proptest::prelude::*;
use squall_failure::FailureClass;
use squall_record::{AttemptOutcome, Recording, RowRetention};
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate};
use std::fmt::Write as _;

/// The limit holds so long, then twice as much for as long again; each is looked at over its last part.
const HALF: u64 = 600;
const SETTLED: u64 = 300;

#[derive(Clone, Copy, Debug)]
struct Limit {
    rpm: u64,
    window: &'static str,
    /// Requests that want to go there, as a part of the limit, in per cent.
    demand: u64,
}

fn limits() -> impl Strategy<Value = Limit> {
    let windows = prop::sample::select(vec!["gcra", "gcra, burst: 20", "fixed", "sliding", "1s"]);
    (60..1_200_u64, windows, 120..400_u64).prop_map(|(rpm, window, demand)| Limit {
        rpm,
        window,
        demand,
    })
}

fn run(limit: Limit, learns: bool) -> Recording {
    let Limit { rpm, window, demand } = limit;
    let mut text = format!(
        "name: adaptive\nseed: 7\nduration: {}s\ntraffic: {{ group: chat, rate: {}, prompt_tokens: 10, \
         output_tokens: 10 }}\nproviders:\n",
        2 * HALF,
        (2 * rpm * demand / 100).div_ceil(60),
    );
    // What it has is the half of what it will have.
    let _ = write!(
        text,
        "  tight:\n    ttft: 200ms\n    itl: 1ms\n    limits: {{ rpm: {}, window: {window}, retry_after: absent }}\n    \
         faults: [ {{ at: 0s, for: {HALF}s, limits_cut: 50% }} ]\n  roomy: {{ ttft: 200ms, itl: 1ms }}\n",
        2 * rpm,
    );
    let _ = write!(
        text,
        "router:\n  retries: 0\n  groups:\n    chat:\n      deployments:\n        - {{ name: tight, provider: tight, \
         limits: {{ from_429s: {learns} }} }}\n        - {{ name: roomy, provider: roomy }}\nexpect: []\n",
    );
    let scenario =
        Scenario::read("adaptive", &text).unwrap_or_else(|told| panic!("{told}\n{text}"));
    let options = SimOptions { keep: RowRetention::Rows, journal: false };
    simulate(&scenario, options).expect("the router takes what the reader took")
}

/// Attempts at the limited deployment from one second to another: those that passed, and those that met a 429.
fn counts(recording: &Recording, from: u64, until: u64) -> (u64, u64) {
    let throttled = AttemptOutcome::Failed { class: FailureClass::Throttled };
    let here = recording.attempts.iter().filter(|row| {
        row.deployment == 0 && (from..until).contains(&(row.started.as_nanos() / 1_000_000_000))
    });
    here.fold(
        (0, 0),
        |(passed, met), row| {
            if row.outcome == throttled { (passed, met + 1) } else { (passed + 1, met) }
        },
    )
}

fn window_is_short(limit: Limit) -> bool {
    limit.window == "1s"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_learned_rate_is_in_a_band_of_the_providers_limit(limit in limits()) {
        let recording = run(limit, true);
        for (from, rpm) in [(HALF - SETTLED, limit.rpm), (2 * HALF - SETTLED, 2 * limit.rpm)] {
            let (passed, met) = counts(&recording, from, from + SETTLED);
            // A second holds a whole number.
            let allowed = if window_is_short(limit) { rpm / 60 * SETTLED } else { rpm * SETTLED / 60 };
            let demanded = (2 * limit.rpm * limit.demand / 100).div_ceil(60) * SETTLED / 2;
            let wanted = allowed.min(demanded);
            // Where a second holds one or two requests, whoever comes a moment too soon meets a 429.
            let least = if window_is_short(limit) { 40 } else { 60 };
            prop_assert!(passed * 100 >= wanted * least, "{passed} of {wanted} from {from} s on: {limit:?}");
            prop_assert!(met * 100 <= passed * 5 + 1_000, "{met} of {passed} from {from} s on: {limit:?}");
        }
    }
}

#[test]
fn without_it_one_in_ten_meets_a_429() {
    let limit = Limit { rpm: 300, window: "gcra, burst: 20", demand: 200 };
    let share = |learns| {
        let (passed, met) = counts(&run(limit, learns), HALF - SETTLED, HALF);
        met as f64 / (passed + met) as f64
    };
    assert!(share(false) > 0.08, "{}", share(false));
    assert!(share(true) < 0.01, "{}", share(true));
}

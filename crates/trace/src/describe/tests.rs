//! Against figures of the Azure traces that others computed: `docs/TRACES.md` names them.

use super::*;
use crate::{PRESETS, TraceInput, TraceOptions, TraceReader};

fn near(found: f64, expected: f64, digits: i32) {
    let unit = 10_f64.powi(-digits);
    let rounded = (found / unit).round() * unit;
    assert!((rounded - expected).abs() < unit * 1e-6, "{found}, expected {expected}");
}

fn code() -> TraceSummary {
    let rows = TraceReader::open(&PRESETS[0].input(), &TraceOptions::default());
    describe(rows.expect("it opens")).expect("every row reads").summary
}

/// What pandas and NumPy give for the same file: shares and ratios of windows that are full.
#[test]
fn the_azure_code_hour_has_the_figures_that_others_computed() {
    let code = code();
    assert_eq!(code.rows, 8_819);
    near(code.mean_rps, 2.57, 2);
    let expected = [
        (1, 26.11, [(862, 67), (863, 60), (861, 58)], 13.0),
        (10, 12.79, [(860, 327), (570, 234), (850, 166)], 72.0),
        (60, 4.18, [(840, 632), (180, 531), (540, 476)], 164.0),
        (300, 1.56, [(1_200, 1_199), (600, 1_116), (900, 1_030)], 138.0),
    ];
    assert_eq!(code.windows.len(), expected.len());
    for (window, (seconds, ratio, busiest, dispersion)) in code.windows.iter().zip(expected) {
        let found: Vec<_> =
            window.busiest.iter().map(|busy| (busy.start_s, busy.requests)).collect();
        assert_eq!((window.seconds, &found[..]), (seconds, &busiest[..]));
        near(window.peak_to_mean, ratio, 2);
        near(window.dispersion, dispersion, 0);
    }
    assert!(code.windows[1].empty_share > 0.5, "over half of its 10 s windows are empty");
    near(code.gap_cv.expect("there are gaps"), 13.2, 1);
}

#[test]
fn sizes_have_the_percentiles_that_others_computed() {
    let code = code();
    let input = code.input_tokens.expect("it has prompts");
    let output = code.output_tokens.expect("it has answers");
    for (found, expected) in [
        (input.mean, 2_048.0),
        (input.p50, 1_469.0),
        (input.p95, 7_303.0),
        (input.p99, 7_436.0),
        (output.mean, 28.0),
        (output.p50, 13.0),
        (output.p95, 90.0),
        (output.p99, 251.0),
    ] {
        near(found, expected, 0);
    }
    assert_eq!((input.max, output.max), (7_437, 1_899));
    for (found, expected) in [
        (input.log_mean, 7.00),
        (input.log_sd, 1.36),
        (output.log_mean, 2.79),
        (output.log_sd, 0.85),
        (code.size_correlation.expect("both are there"), 0.0),
    ] {
        near(found, expected, 2);
    }
    near(code.tokens_per_minute.expect("there are tokens") / 1e3, 320.0, 0);
    near(code.tokens_busiest_minute.expect("there are tokens") as f64 / 1e6, 1.34, 2);
}

fn of(text: &'static str) -> TraceSummary {
    let input = TraceInput::memory("small.csv", text.as_bytes());
    let rows = TraceReader::open(&input, &TraceOptions::default()).expect("it opens");
    describe(rows).expect("it reads").summary
}

#[test]
fn windows_that_the_trace_does_not_fill_are_not_counted() {
    let few = of("t_s,input_tokens\n0,10\n0.5,30\n2.5,20\n");
    assert_eq!(few.windows.len(), 1, "only of one second");
    let second = &few.windows[0];
    // Two windows are full: two requests, and none.
    assert_eq!((second.count, second.peak_requests, second.empty_share), (2, 2, 0.5));
    assert_eq!((second.peak_to_mean, second.dispersion), (2.0, 1.0));
}

#[test]
fn a_single_request_and_long_silence_have_figures_too() {
    let one = of("t_s\n5\n");
    assert_eq!((one.rows, one.mean_rps, one.gap_cv), (1, 0.0, None));
    assert!(one.windows.is_empty() && one.input_tokens.is_none());
    let years = of("t_s\n0\n100000000\n");
    assert_eq!(years.windows[0].count, 100_000_000);
    assert_eq!(years.windows[0].peak_requests, 1);
}

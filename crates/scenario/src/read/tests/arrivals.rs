//! Arrival processes: every form that the reference names, and what is said of settings that cannot be.

use super::bad::spoiled;
use super::good::with_traffic;
use crate::{Diagnostics, arrival_words};
use core::time::Duration;
use insta::assert_snapshot;
use squall_workload::Arrivals;

fn arrivals(text: &str) -> Arrivals {
    let read = with_traffic(&format!("rate: 20, arrivals: {text}"));
    read.workload.sources[0].arrivals.clone()
}

#[test]
fn bursts_are_read_by_their_settings() {
    let Arrivals::Gamma { shape, .. } = arrivals("{ gamma: { cv: 2 } }") else { panic!() };
    assert_eq!(shape, 0.25);
    assert_eq!(arrivals("{ gamma: { shape: 0.25 } }"), arrivals("{ gamma: { cv: 2 } }"));
    // A Weibull distribution of shape 1/2 has a squared CV of 5.
    let Arrivals::Weibull { shape, .. } = arrivals("{ weibull: { cv: 2.2360679775 } }") else {
        panic!()
    };
    assert!((shape - 0.5).abs() < 1e-9, "{shape}");
    let Arrivals::OnOff { on, off, .. } = arrivals("{ on_off: { on: 5s, off: 1m } }") else {
        panic!()
    };
    assert_eq!((on, off), (Duration::from_secs(5), Duration::from_secs(60)));
    let Arrivals::Hawkes { branching, decay, .. } =
        arrivals("{ hawkes: { branching: 90%, decay: 2s } }")
    else {
        panic!()
    };
    assert_eq!((branching, decay), (0.9, Duration::from_secs(2)));
}

#[test]
fn a_word_alone_has_the_defaults_that_the_reference_names() {
    assert_eq!(arrivals("gamma"), arrivals("{ gamma: { cv: 1.5 } }"));
    assert_eq!(arrivals("weibull"), arrivals("{ weibull: { cv: 1.5 } }"));
    assert_eq!(arrivals("on_off"), arrivals("{ on_off: { on: 20s, off: 40s } }"));
    assert_eq!(arrivals("on_off"), arrivals("{ on_off: {} }"));
    assert_eq!(arrivals("hawkes"), arrivals("{ hawkes: { branching: 75%, decay: 10s } }"));
    assert_eq!(arrivals("hawkes"), arrivals("{ hawkes: {} }"));
    for word in arrival_words() {
        assert_eq!(arrivals(word).rate_at(squall_determinism::Timestamp::ZERO), Some(20.0));
    }
}

/// Variance ÷ mean of counts in windows of 1, 10, 60 and 120 s of Azure's published hours, and what theory gives the fitted
/// processes: an interrupted Poisson process (Fischer and Meier-Hellstern 1993), and a Hawkes process (Hawkes 1971).
#[test]
fn fitted_processes_have_the_dispersion_of_their_traces_at_every_scale() {
    const WINDOWS: [f64; 4] = [1.0, 10.0, 60.0, 120.0];
    /// ∫∫ e^(−k·|s − t|) over a window, twice.
    fn doubled(k: f64, window: f64) -> f64 {
        2.0 * (window / k - (1.0 - (-k * window).exp()) / (k * k))
    }
    let Arrivals::OnOff { on, off, .. } = arrivals("{ preset: azure-2023-code }") else { panic!() };
    let (rps, on, off) = (2.567, on.as_secs_f64(), off.as_secs_f64());
    for (window, measured) in WINDOWS.into_iter().zip([13.18, 71.86, 166.89, 213.53]) {
        let theory = 1.0 + rps * off / on * doubled(1.0 / on + 1.0 / off, window) / window;
        assert!((theory / measured - 1.0).abs() < 0.17, "{window} s: {theory}, not {measured}");
    }
    let Arrivals::Hawkes { branching, decay, .. } = arrivals("{ preset: azure-2023-conv }") else {
        panic!()
    };
    let beta = 1.0 / decay.as_secs_f64();
    let (alpha, kappa) = (branching * beta, beta * (1.0 - branching));
    for (window, measured) in WINDOWS.into_iter().zip([1.38, 3.87, 16.41, 30.6]) {
        let a = alpha * (2.0 * beta - alpha) / (2.0 * kappa);
        let theory = 1.0 + a * doubled(kappa, window) / window;
        assert!((theory / measured - 1.0).abs() < 0.08, "{window} s: {theory}, not {measured}");
    }
}

/// What is said of these arrivals.
fn said(arrivals: &str) -> Diagnostics {
    spoiled(&[("  client:", &format!("  arrivals: {arrivals}\n  client:"))])
}

#[test]
fn a_variation_of_nothing_or_beyond_all_that_was_measured_is_refused() {
    assert_snapshot!(said("{ gamma: { cv: 0 } }"));
    assert_snapshot!(said("{ weibull: { cv: 31 } }"));
    assert_snapshot!(said("{ weibull: { shape: 0 } }"));
    assert_snapshot!(said("{ gamma: { cv: 2, shape: 1 } }"));
}

#[test]
fn arrivals_that_never_end_are_refused() {
    assert_snapshot!(said("{ hawkes: { branching: 100%, decay: 0s } }"));
    assert_snapshot!(said("{ hawkes: { branching: 99% } }"));
}

#[test]
fn bursts_too_short_to_tell_are_refused() {
    assert_snapshot!(said("{ on_off: { on: 1us, off: 0s } }"));
}

#[test]
fn a_process_that_does_not_exist_is_told_the_nearest() {
    assert_snapshot!(said("gama"));
    assert_snapshot!(said("{ gama: { cv: 2 } }"));
    assert_snapshot!(said("{ poisson: {} }"));
}

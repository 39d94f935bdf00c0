//! What each library does after each answer: the rules of their sources, read by hand. That the libraries keep to them is
//! tried in `tests/clients`.

use super::*;
use crate::Sdk;
use squall_determinism::{Seed, StreamPurpose};

const DRAWS: StreamPurpose = StreamPurpose::named("tests.retry");

fn after(sdk: &str, failure: CallFailure, retries: u32, draw: u64) -> Option<Duration> {
    let sdk = Sdk::named(sdk).expect("it is listed");
    sdk.retries.wait(&failure, retries, &mut Seed::new(1).stream(DRAWS, 0, draw))
}

fn status(status: u16) -> CallFailure {
    CallFailure::new(CallFailureCause::Status(status))
}

fn asked(status: u16, seconds: f64) -> CallFailure {
    let retry_after = Some(Duration::from_secs_f64(seconds));
    CallFailure { retry_after, ..CallFailure::new(CallFailureCause::Status(status)) }
}

const STAINLESS: [&str; 4] = ["openai-python", "openai-node", "anthropic-python", "anthropic-node"];

#[test]
fn waits_double_from_half_a_second_to_eight_less_up_to_a_quarter() {
    for sdk in STAINLESS {
        let retries = Sdk::named(sdk).expect("it is listed").retries;
        let patient = ClientRetries { max: 10, ..retries };
        for (nth, full) in [(0, 0.5), (1, 1.0), (2, 2.0), (4, 8.0), (9, 8.0)] {
            let waits = (0..1_000).map(|draw| {
                let mut draws = Seed::new(1).stream(DRAWS, 0, draw);
                let wait = patient.wait(&status(500), nth, &mut draws);
                wait.expect("it tries again").as_secs_f64() / full
            });
            let waits: std::vec::Vec<_> = waits.collect();
            let (least, most) = waits.iter().fold((2.0_f64, 0.0_f64), |(least, most), wait| {
                (least.min(*wait), most.max(*wait))
            });
            let mean = waits.iter().sum::<f64>() / 1_000.0;
            assert!((0.75..0.752).contains(&least), "{sdk}: {least}");
            assert!((0.998..=1.0).contains(&most), "{sdk}: {most}");
            assert!((mean - 0.875).abs() < 0.008, "{sdk}: {mean}");
        }
    }
}

#[test]
fn googles_waits_double_from_one_second_with_up_to_one_more_and_end_at_sixty() {
    for draw in 0..200 {
        for (nth, full) in [(0, 1.0), (1, 2.0), (2, 4.0), (3, 8.0)] {
            let wait = after("google-genai-python", status(503), nth, draw).expect("it tries");
            assert!((full..=full + 1.0).contains(&wait.as_secs_f64()));
        }
    }
    assert_eq!(after("google-genai-python", status(503), 4, 0), None, "five calls in all");
    let google = Sdk::named("google-genai-python").expect("it is listed").retries;
    let patient = ClientRetries { max: 100, ..google };
    let late = patient.wait(&status(503), 70, &mut Seed::new(1).stream(DRAWS, 0, 0));
    assert_eq!(late, Some(Duration::from_secs(60)));
}

#[test]
fn two_retries_and_no_more() {
    for sdk in STAINLESS {
        assert!(after(sdk, status(503), 1, 0).is_some());
        assert_eq!(after(sdk, status(503), 2, 0), None, "{sdk}");
    }
}

#[test]
fn statuses_that_are_tried_again() {
    for sdk in STAINLESS {
        for retried in [408, 409, 429, 500, 502, 503, 504, 520, 529, 599] {
            assert!(after(sdk, status(retried), 0, 0).is_some(), "{sdk} {retried}");
        }
        for told in [400, 401, 403, 404, 413, 422, 499] {
            assert_eq!(after(sdk, status(told), 0, 0), None, "{sdk} {told}");
        }
    }
    for retried in [408, 429, 500, 502, 503, 504] {
        assert!(after("google-genai-python", status(retried), 0, 0).is_some(), "{retried}");
    }
    for told in [400, 409, 501, 529] {
        assert_eq!(after("google-genai-python", status(told), 0, 0), None, "{told}");
    }
}

#[test]
fn retry_after_is_waited_for_by_all_but_googles() {
    for sdk in STAINLESS {
        let wait = after(sdk, asked(429, 3.5), 0, 0);
        assert_eq!(wait, Some(Duration::from_millis(3_500)), "{sdk}");
        assert_eq!(after(sdk, asked(400, 3.5), 0, 0), None, "{sdk}");
    }
    let wait = after("google-genai-python", asked(429, 30.0), 0, 0).expect("it tries again");
    assert!(wait <= Duration::from_secs(2));
}

#[test]
fn a_wait_of_nothing_is_one_for_openais_of_node_alone() {
    for sdk in STAINLESS {
        let wait = after(sdk, asked(429, 0.0), 0, 0).expect("it tries again");
        assert_eq!(wait.is_zero(), sdk == "openai-node", "{sdk}");
    }
}

#[test]
fn what_is_too_long_to_wait_for_differs_by_library() {
    let wait = |sdk, seconds| after(sdk, asked(503, seconds), 0, 0);
    assert_eq!(wait("openai-python", 120.0), Some(Duration::from_secs(120)));
    assert_eq!(wait("openai-python", 120.1), None);
    assert_eq!(wait("anthropic-python", 121.0), Some(Duration::from_secs(121)));
    assert_eq!(wait("anthropic-python", 5e6), Some(Duration::from_secs(4_294_967)));
    assert_eq!(wait("openai-node", 86_400.0), Some(Duration::from_secs(86_400)));
    assert_eq!(wait("openai-node", 3e6), Some(Duration::ZERO));
    let own = wait("anthropic-node", 3e6).expect("it tries again");
    assert!(own <= Duration::from_millis(500) && own >= Duration::from_millis(375));
}

#[test]
fn a_header_overrules_the_status_but_not_openais_longest_wait() {
    for sdk in STAINLESS {
        let told = |code, yes| CallFailure { should_retry: Some(yes), ..status(code) };
        assert!(after(sdk, told(400, true), 0, 0).is_some(), "{sdk}");
        assert_eq!(after(sdk, told(503, false), 0, 0), None, "{sdk}");
    }
    let long = CallFailure { should_retry: Some(true), ..asked(503, 121.0) };
    assert_eq!(after("openai-python", long, 0, 0), None);
    let google = CallFailure { should_retry: Some(false), ..status(503) };
    assert!(after("google-genai-python", google, 0, 0).is_some());
}

#[test]
fn what_breaks_without_a_status() {
    use CallFailureCause::{Cut, Final, Lost, Refused, TimedOut};
    let table = [
        (Refused, [true, true, true, true, true]),
        (Lost, [true, true, true, true, false]),
        (TimedOut, [true, true, true, true, true]),
        (Cut, [true, false, true, false, false]),
        (Final, [false; 5]),
    ];
    for (cause, retried) in table {
        for (sdk, retried) in Sdk::ALL.iter().zip(retried) {
            let wait = after(sdk.name, CallFailure::new(cause), 0, 0);
            assert_eq!(wait.is_some(), retried, "{} after {cause:?}", sdk.name);
        }
    }
}

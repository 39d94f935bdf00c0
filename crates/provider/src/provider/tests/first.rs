//! Faults by count.

use super::*;
use crate::{CheckAnswer, CountScope, FaultTarget, FirstAttempts};

/// A fault from 10 s to 20 s that hits the first attempts.
fn first(attempts: u32, of: CountScope, kind: FaultKind) -> FaultConfig {
    let first = Some(FirstAttempts { attempts, of });
    FaultConfig { target: FaultTarget { first, ..FaultTarget::default() }, ..fault(kind) }
}

fn with(fault: FaultConfig) -> Provider {
    provider(ProviderConfig { faults: vec![fault], ..config() })
}

fn error() -> FaultKind {
    FaultKind::Error(ErrorAnswer::of(FailureClass::Server))
}

/// Lets an attempt arrive; whether the fault hit it.
fn hits(provider: &mut Provider, millis: u64, (request, model, key): (u64, u64, u64)) -> bool {
    let arrival = AttemptArrival {
        tag: AttemptTag(millis),
        request,
        model,
        key,
        session: None,
        input_tokens: 400,
        output_tokens: Some(60),
        stream: true,
        prefill: None,
        quoted: None,
    };
    provider.handle(at(millis), ProviderInput::Arrived(arrival));
    drain(provider).iter().any(|output| match output {
        ProviderOutput::Reject { rejection, .. } => rejection.fault == Some(0),
        ProviderOutput::Plan { plan, .. } => plan.fault == Some(0),
        ProviderOutput::Listener(_) | ProviderOutput::Note(_) => false,
    })
}

#[test]
fn the_first_attempts_that_arrive_while_it_lasts_are_hit_and_no_later_one() {
    let mut provider = with(first(2, CountScope::Provider, error()));
    let mut hit = |millis| hits(&mut provider, millis, (millis, 0, 0));
    assert!(!hit(9_000), "before it begins nothing is counted");
    assert!(hit(10_100));
    assert!(hit(10_101));
    assert!(!hit(10_102));
    assert!(!hit(19_000));
}

#[test]
fn models_keys_and_requests_are_counted_each_by_itself() {
    let cases = [
        (CountScope::Model, (9, 1, 9), (9, 2, 9)),
        (CountScope::Key, (9, 9, 1), (9, 9, 2)),
        (CountScope::Request, (1, 9, 9), (2, 9, 9)),
    ];
    for (of, one, other) in cases {
        let mut provider = with(first(1, of, error()));
        let hit = [one, other, one, other, one]
            .into_iter()
            .zip(10_100..)
            .map(|(whose, millis)| hits(&mut provider, millis, whose));
        assert_eq!(hit.collect::<Vec<_>>(), [true, true, false, false, false], "{of:?}");
    }
}

#[test]
fn what_bends_an_answer_is_counted_like_what_refuses_it() {
    let kinds = [
        FaultKind::Cut { after_tokens: 3 },
        FaultKind::Delay { by: Duration::from_secs(3), early_head: false },
        FaultKind::MalformedEvent { after_tokens: 3 },
        FaultKind::NoEndMark,
        FaultKind::BlackHole,
        FaultKind::Reset { after_tokens: 0 },
        FaultKind::Throttle { retry_after: None },
    ];
    for kind in kinds {
        let mut provider = with(first(1, CountScope::Provider, kind));
        assert!(hits(&mut provider, 10_100, (1, 0, 0)), "{kind:?}");
        assert!(!hits(&mut provider, 10_101, (2, 0, 0)), "{kind:?}");
    }
}

#[test]
fn only_attempts_that_it_can_hit_are_counted() {
    let target = FaultTarget { model: Some(7), ..first(1, CountScope::Provider, error()).target };
    let mut provider = with(FaultConfig { target, ..fault(error()) });
    assert!(!hits(&mut provider, 10_100, (1, 8, 0)), "another model");
    assert!(hits(&mut provider, 10_101, (2, 7, 0)));
    assert!(!hits(&mut provider, 10_102, (3, 7, 0)));
}

#[test]
fn an_attempt_that_another_fault_answers_is_not_counted() {
    let answers = FaultConfig { lasts: Duration::from_secs(1), ..fault(error()) };
    let faults = vec![answers, first(1, CountScope::Provider, error())];
    let mut provider = provider(ProviderConfig { faults, ..config() });
    let of =
        |provider: &mut Provider, millis| rejection(&arrive(provider, at(millis), millis)).fault;
    assert_eq!(of(&mut provider, 10_100), Some(0));
    assert_eq!(of(&mut provider, 11_100), Some(1), "the first that was left to it");
}

#[test]
fn who_is_in_flight_at_its_onset_goes_on_and_checks_hear_nothing_of_it() {
    let mut provider = with(first(5, CountScope::Provider, FaultKind::BlackHole));
    arrive(&mut provider, at(9_990), 1);
    provider.handle(at(10_100), ProviderInput::Tick);
    let replanned =
        drain(&mut provider).iter().any(|output| matches!(output, ProviderOutput::Plan { .. }));
    assert!(!replanned, "attempts that arrive are counted");
    assert_eq!(provider.answers_checks(at(11_000)), CheckAnswer::Answered);
}

#[test]
fn a_fault_that_comes_again_counts_anew() {
    let one = first(1, CountScope::Request, error());
    let again = FaultConfig { at: Timestamp::from_secs(30), ..one };
    let mut provider = provider(ProviderConfig { faults: vec![one, again], ..config() });
    assert!(hits(&mut provider, 10_100, (1, 0, 0)));
    assert!(!hits(&mut provider, 10_101, (1, 0, 0)));
    let outputs = arrive(&mut provider, at(30_100), 1);
    assert_eq!(rejection(&outputs).fault, Some(1));
}

#[test]
fn a_count_is_told_in_the_words_of_the_fault() {
    let told = |attempts, of| std::format!("{}", first(attempts, of, error()));
    assert_eq!(told(2, CountScope::Provider), "500, first 2");
    assert_eq!(told(1, CountScope::Request), "500, first 1 of each request");
}

//! Requests whose clients call again, seen through the contract of the workload.

use super::tests::source;
use super::*;
use crate::{
    Arrivals, CallFailure, ClientConfig, ClientRequest, RetriedCall, Sdk, SentCall, SourceConfig,
};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use squall_failure::CallFailureCause;

const FAILED: ClientAnswer = ClientAnswer::Failed(CallFailure::new(CallFailureCause::Status(503)));

fn patient(timeout: u64) -> ClientConfig {
    let openai = Sdk::named("openai-python").unwrap();
    let retries = Some(openai.retries);
    ClientConfig { retries, ..ClientConfig::waiting(Duration::from_secs(timeout)) }
}

/// One request at the first second, whose client behaves so.
fn one(client: ClientConfig) -> Workload {
    several(client, 1)
}

fn several(client: ClientConfig, count: u64) -> Workload {
    let times = (1..=count).map(Timestamp::from_secs).collect();
    let source = SourceConfig { client, ..source(Arrivals::At { times }) };
    Workload::new(WorkloadConfig::of(source, Timestamp::from_secs(100)), Seed::new(7))
}

fn outputs(workload: &mut Workload) -> Vec<WorkloadOutput> {
    core::iter::from_fn(|| workload.poll()).collect()
}

/// The time of the next timer, and what it does.
fn tick(workload: &mut Workload) -> (Timestamp, Vec<WorkloadOutput>) {
    let now = workload.next_timer().expect("something is due");
    workload.handle(now, WorkloadInput::Tick);
    (now, outputs(workload))
}

fn answer(workload: &mut Workload, now: Timestamp, answer: ClientAnswer) -> Vec<WorkloadOutput> {
    workload.handle(now, WorkloadInput::Answered { request: Ordinal(0), answer });
    outputs(workload)
}

fn sent(outputs: &[WorkloadOutput]) -> ClientRequest {
    match outputs {
        [WorkloadOutput::Send(client)] => *client,
        other => panic!("one call is made, and not {other:?}"),
    }
}

fn retried(outputs: &[WorkloadOutput]) -> RetriedCall {
    match outputs {
        [WorkloadOutput::Retry(retried)] => *retried,
        other => panic!("a call will be made again, and not {other:?}"),
    }
}

#[test]
fn a_request_is_called_three_times_and_then_has_failed() {
    let mut workload = one(patient(60));
    let (mut now, first) = tick(&mut workload);
    let first = sent(&first);
    for (nth, least, most) in [(0, 375, 500), (1, 750, 1_000)] {
        let told = answer(&mut workload, now, FAILED);
        let told = retried(&told);
        let ms = Duration::from_millis;
        assert_eq!(told.call, SentCall { request: Ordinal(0), nth });
        assert_eq!(told.cause, CallFailureCause::Status(503));
        assert!((ms(least)..=ms(most)).contains(&told.wait), "{:?}", told.wait);
        assert!(!workload.is_done());
        let (at, again) = tick(&mut workload);
        assert_eq!(at, now + told.wait);
        assert_eq!(sent(&again), ClientRequest { nth: nth + 1, ..first }, "the same request");
        now = at;
    }
    assert_eq!(answer(&mut workload, now, FAILED), []);
    assert!(workload.is_done());
}

#[test]
fn a_request_that_succeeds_at_its_second_call_is_not_called_again() {
    let mut workload = one(patient(60));
    let (now, _) = tick(&mut workload);
    answer(&mut workload, now, FAILED);
    let (now, _) = tick(&mut workload);
    assert_eq!(answer(&mut workload, now, ClientAnswer::Succeeded), []);
    assert!(workload.is_done());
    assert_eq!(workload.next_timer(), None);
}

#[test]
fn a_client_that_gives_up_between_two_calls_makes_no_other() {
    let mut workload = one(patient(1));
    let (now, _) = tick(&mut workload);
    let late = now + Duration::from_millis(900);
    retried(&answer(&mut workload, late, FAILED));
    let (at, given_up) = tick(&mut workload);
    assert_eq!(at, now + Duration::from_secs(1));
    assert_eq!(given_up, [WorkloadOutput::GiveUp { request: Ordinal(0) }]);
    assert!(workload.is_done());
    assert_eq!(workload.next_timer(), None);
}

#[test]
fn a_call_that_times_out_is_made_again_and_the_last_is_the_end() {
    let call_timeout = Some(Duration::from_secs(5));
    let mut workload = one(ClientConfig { call_timeout, ..patient(60) });
    let (mut now, _) = tick(&mut workload);
    for _ in 0..2 {
        let (at, hung_up) = tick(&mut workload);
        assert_eq!(at, now + Duration::from_secs(5));
        assert_eq!(retried(&hung_up).cause, CallFailureCause::TimedOut);
        (now, _) = tick(&mut workload);
    }
    let (at, last) = tick(&mut workload);
    assert_eq!(at, now + Duration::from_secs(5));
    assert_eq!(last, [WorkloadOutput::GiveUp { request: Ordinal(0) }]);
    assert!(workload.is_done());
}

#[test]
fn an_answer_that_has_begun_does_not_time_out_and_is_not_impatiently_left() {
    let client = ClientConfig {
        call_timeout: Some(Duration::from_secs(5)),
        first_token: Some(Duration::from_secs(4)),
        ..patient(60)
    };
    let mut workload = one(client);
    let (now, first) = tick(&mut workload);
    let call = sent(&first).call();
    workload.handle(now + Duration::from_secs(3), WorkloadInput::Begun { call });
    let (at, given_up) = tick(&mut workload);
    assert_eq!((at, given_up.len()), (now + Duration::from_secs(60), 1), "the whole time-out");
    assert!(workload.is_done());
}

#[test]
fn impatience_at_the_first_token_counts_from_the_start_over_all_calls() {
    let first_token = Some(Duration::from_secs(2));
    let mut workload = one(ClientConfig { first_token, ..patient(60) });
    let (start, _) = tick(&mut workload);
    retried(&answer(&mut workload, start + Duration::from_secs(1), FAILED));
    let (_, again) = tick(&mut workload);
    assert_eq!(sent(&again).nth, 1);
    let (at, given_up) = tick(&mut workload);
    assert_eq!(at, start + Duration::from_secs(2));
    assert_eq!(given_up, [WorkloadOutput::GiveUp { request: Ordinal(0) }]);
}

#[test]
fn a_beginning_of_a_call_that_was_hung_up_on_is_passed_over() {
    let call_timeout = Some(Duration::from_secs(5));
    let mut workload = one(ClientConfig { call_timeout, ..patient(60) });
    let (_, first) = tick(&mut workload);
    let old = sent(&first).call();
    tick(&mut workload);
    let (now, _) = tick(&mut workload);
    workload.handle(now, WorkloadInput::Begun { call: old });
    let (at, hung_up) = tick(&mut workload);
    assert_eq!(at, now + Duration::from_secs(5));
    assert_eq!(retried(&hung_up).call.nth, 1);
}

/// The waits of every request, none of which ever gets an answer but 503.
fn waits(mut workload: Workload) -> Vec<(u64, u16, Duration)> {
    let mut all = Vec::new();
    while workload.next_timer().is_some() {
        let (now, mut outputs) = tick(&mut workload);
        while let Some(output) = outputs.pop() {
            if let WorkloadOutput::Send(client) = output {
                let (request, answer) = (client.request, FAILED);
                workload.handle(now, WorkloadInput::Answered { request, answer });
                let told = core::iter::from_fn(|| workload.poll());
                all.extend(told.map(|output| {
                    let retried = retried(&[output]);
                    (retried.call.request.0, retried.call.nth, retried.wait)
                }));
            }
        }
    }
    all.sort_unstable();
    all
}

#[test]
fn waits_are_those_of_their_request_whoever_else_there_is() {
    let alone = waits(several(patient(60), 5));
    assert_eq!(alone.len(), 10);
    let different: alloc::collections::BTreeSet<_> = alone.iter().map(|(.., wait)| wait).collect();
    assert_eq!(different.len(), 10, "every wait is drawn for itself");
    let times = (1..=5).map(Timestamp::from_secs).collect();
    let of =
        |key, times| SourceConfig { key, client: patient(60), ..source(Arrivals::At { times }) };
    let other = (1..=5).map(|second| Timestamp::from_millis(second * 1_000 + 500)).collect();
    let until = Timestamp::from_secs(100);
    let config = WorkloadConfig { sources: vec![of(0, times), of(1, other)], until, abort: None };
    let beside = waits(Workload::new(config, Seed::new(7)));
    let own = beside.iter().filter(|(request, ..)| request % 2 == 0);
    let own: Vec<_> = own.map(|&(request, nth, wait)| (request / 2, nth, wait)).collect();
    assert_eq!(own, alone);
}

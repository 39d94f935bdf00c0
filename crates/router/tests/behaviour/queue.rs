//! Waiting for a deployment, and limits of our own.

use crate::rig::{Rig, group};
use squall_failure::{Failure, FailureClass, FailureSource, Sent};
use squall_router::{GroupConfig, RateLimit, RateLimits, RateWindow, Retries, RouterInput};
use std::time::Duration;

fn limited(limits: RateLimits) -> GroupConfig {
    let mut chat = group(&["only"]);
    chat.deployments[0].limits = limits;
    chat
}

fn per_minute(per_minute: u64, burst: u64) -> Option<RateLimit> {
    Some(RateLimit { per_minute, window: RateWindow::Gcra { burst: Some(burst) } })
}

#[test]
fn a_full_deployment_makes_requests_wait_and_serves_them_in_order() {
    let mut rig =
        Rig::new(vec![limited(RateLimits { concurrency: Some(1), ..RateLimits::default() })]);
    let first = rig.arrive().start();
    let waiting: Vec<_> = (0..3).map(|_| rig.arrive()).collect();
    assert!(waiting.iter().all(|step| step.started().is_none()));
    let mut running = first;
    for step in &waiting {
        running = rig.finish(running.attempt).start();
        assert_eq!(running.attempt.request, step.accepted());
    }
}

#[test]
fn nobody_overtakes_those_who_wait() {
    let mut rig =
        Rig::new(vec![limited(RateLimits { concurrency: Some(1), ..RateLimits::default() })]);
    let first = rig.arrive().start();
    let second = rig.arrive();
    let third = rig.arrive();
    assert_eq!(rig.finish(first.attempt).start().attempt.request, second.accepted());
    assert!(third.started().is_none());
}

#[test]
fn those_who_wait_too_long_are_refused() {
    let mut chat = limited(RateLimits { concurrency: Some(1), ..RateLimits::default() });
    chat.max_queue_wait = Duration::from_secs(2);
    let mut rig = Rig::new(vec![chat]);
    rig.arrive();
    rig.arrive();
    let step = rig.next_tick();
    assert_eq!(rig.now.as_secs_f64(), 2.0);
    assert_eq!(step.failure().class, FailureClass::Throttled);
}

#[test]
fn a_waiting_request_starts_when_the_limit_lets_it() {
    let mut rig =
        Rig::new(vec![limited(RateLimits { rpm: per_minute(60, 1), ..RateLimits::default() })]);
    rig.serve();
    assert!(rig.arrive().started().is_none());
    assert!(rig.arrive().started().is_none());
    for second in [1.0, 2.0] {
        assert!(rig.next_tick().started().is_some());
        assert_eq!(rig.now.as_secs_f64(), second);
    }
}

#[test]
fn a_client_that_leaves_the_queue_is_not_served() {
    let mut rig =
        Rig::new(vec![limited(RateLimits { concurrency: Some(1), ..RateLimits::default() })]);
    let first = rig.arrive().start();
    let second = rig.arrive();
    let third = rig.arrive();
    rig.tell(RouterInput::ClientGone { request: second.accepted() });
    assert_eq!(rig.finish(first.attempt).start().attempt.request, third.accepted());
}

/// Of those who wait for the same, only the first has a timer for it.
#[test]
fn when_the_first_who_waits_leaves_the_next_starts_at_its_time() {
    let mut rig =
        Rig::new(vec![limited(RateLimits { rpm: per_minute(60, 1), ..RateLimits::default() })]);
    rig.serve();
    let (first, second) = (rig.arrive().accepted(), rig.arrive().accepted());
    rig.tell(RouterInput::ClientGone { request: first });
    assert_eq!(rig.next_tick().start().attempt.request, second);
    assert_eq!(rig.now.as_secs_f64(), 1.0);
}

#[test]
fn tokens_that_were_estimated_and_not_used_are_given_back() {
    let tpm = per_minute(400, 400);
    let mut chat = limited(RateLimits { tpm, ..RateLimits::default() });
    chat.max_queue_wait = Duration::from_secs(40);
    let mut rig = Rig::new(vec![chat]);
    let first = rig.arrive().start();
    rig.arrive();
    assert!(rig.arrive().started().is_none(), "400 of 400 are reserved");
    let usage = squall_router::TokenUsage { input_tokens: 0, output_tokens: 0 };
    let step = rig.tell(RouterInput::Finished { attempt: first.attempt, usage: Some(usage) });
    assert!(step.started().is_some(), "200 came back");
}

#[test]
fn an_attempt_that_sent_nothing_takes_nothing_from_the_limit() {
    let mut chat = limited(RateLimits { rpm: per_minute(60, 1), ..RateLimits::default() });
    chat.retries = Retries::new(0);
    let mut rig = Rig::new(vec![chat]);
    let start = rig.arrive().start();
    let refused = Failure::new(FailureClass::Connect, FailureSource::Provider);
    assert_eq!(refused.sent, Sent::Nothing);
    rig.fail(start.attempt, refused);
    assert!(rig.arrive().started().is_some());
}

#[test]
fn a_request_larger_than_every_limit_is_told_so_at_once() {
    let tpm = per_minute(100, 100);
    let mut rig = Rig::new(vec![limited(RateLimits { tpm, ..RateLimits::default() })]);
    assert_eq!(rig.arrive().failure().class, FailureClass::ContextWindow);
}

/// Otherwise a queue of those who are about to give up could keep a deployment out for ever: each probe would be
/// cut off before it says anything.
#[test]
fn a_probe_goes_with_whoever_came_last_and_the_others_in_their_order_once_it_was_answered() {
    let mut chat = group(&["only"]);
    chat.retries = Retries::new(0);
    let mut rig = Rig::new(vec![chat]);
    for _ in 0..5 {
        let start = rig.arrive().start();
        rig.fail(start.attempt, Failure::new(FailureClass::Server, FailureSource::Provider));
    }
    let waiting: Vec<_> = (0..3).map(|_| rig.arrive()).collect();
    assert!(waiting.iter().all(|step| step.started().is_none()));
    let probe = rig.next_tick().start();
    assert_eq!(probe.attempt.request, waiting[2].accepted());
    let step = rig.tell(RouterInput::FirstToken { attempt: probe.attempt });
    assert_eq!(step.start().attempt.request, waiting[0].accepted());
}

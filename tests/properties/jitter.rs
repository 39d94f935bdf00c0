//! Waits are inside their envelope, even in it, and on top of what the provider asked for.

use squall_determinism::{Seed, Timestamp};
use squall_failure::{Failure, FailureClass, FailureSource};
use squall_router::{
    Cooldown, DeploymentConfig, FailureCooldown, GroupConfig, GroupId, RequestArrival, RequestTag,
    RetryWait, Router, RouterConfig, RouterEvent, RouterInput, RouterOutput,
};
use std::time::Duration;

/// Failures of each request, before it is answered: as many as a group has retries by default.
const FAILURES: u16 = 2;

/// A wait as it was told of, and how long it was from the failure to the next attempt.
struct Wait {
    told: RetryWait,
    was: Duration,
}

/// The waits of so many requests, each of which fails twice at the only deployment there is.
fn waits(requests: u64, failure: Failure) -> Vec<Wait> {
    let mut group = GroupConfig::new("chat");
    group.deployments = vec![DeploymentConfig::new("only")];
    let failure_rule =
        FailureCooldown { consecutive: 0, min_attempts: u32::MAX, ..FailureCooldown::default() };
    group.cooldown = Cooldown { failure: failure_rule, ..Cooldown::default() }.into();
    let config = RouterConfig { groups: vec![group], ..RouterConfig::default() };
    let mut router = Router::new(config, Seed::new(7), 0).expect("the configuration is complete");
    (0..requests).flat_map(|nth| waits_of(&mut router, nth, failure)).collect()
}

fn waits_of(router: &mut Router, nth: u64, failure: Failure) -> Vec<Wait> {
    let arrival = RequestArrival {
        input_tokens: 1,
        output_tokens: 1,
        stream: false,
        ..RequestArrival::new(RequestTag(nth), GroupId(0))
    };
    let mut now = Timestamp::from_secs(60 * nth);
    let mut input = Some(RouterInput::Arrived(arrival));
    let mut told = None;
    let mut failed_at = now;
    let mut waits = Vec::new();
    loop {
        router.handle(now, input.take().unwrap_or(RouterInput::Tick));
        while let Some(output) = router.poll() {
            match output {
                RouterOutput::StartAttempt(start) => {
                    let attempt = start.attempt;
                    waits.extend(told.take().map(|told| Wait { told, was: now.since(failed_at) }));
                    failed_at = now;
                    input = Some(if waits.len() < usize::from(FAILURES) {
                        RouterInput::Failed { attempt, failure }
                    } else {
                        RouterInput::Finished { attempt, usage: None }
                    });
                }
                RouterOutput::Note(RouterEvent::RetryScheduled { wait, .. }) => told = Some(wait),
                RouterOutput::Done { .. } => return waits,
                _ => {}
            }
        }
        if input.is_none() {
            now = router.next_timer().expect("a request that waits has a timer");
        }
    }
}

fn failed() -> Failure {
    Failure::new(FailureClass::Server, FailureSource::Provider)
}

#[test]
fn every_wait_is_inside_its_envelope() {
    let waits = waits(1_000, failed());
    assert_eq!(waits.len(), 2_000);
    for Wait { told, was } in waits {
        assert_eq!(told.ceiling, Duration::from_millis(500) * 2_u32.pow(u32::from(told.retry) - 1));
        assert!(told.jitter <= told.ceiling, "{told:?}");
        assert_eq!((told.delay, was), (told.jitter, told.jitter));
    }
}

#[test]
fn waits_are_even_between_zero_and_their_ceiling() {
    let waits = waits(2_000, failed());
    for retry in 1..=FAILURES {
        let waits = waits.iter().map(|wait| wait.told).filter(|told| told.retry == retry);
        let mut parts: Vec<f64> =
            waits.map(|told| told.jitter.as_secs_f64() / told.ceiling.as_secs_f64()).collect();
        parts.sort_by(f64::total_cmp);
        let n = parts.len() as f64;
        let distance = parts
            .iter()
            .enumerate()
            .map(|(i, part)| (part - i as f64 / n).abs().max((part - (i as f64 + 1.0) / n).abs()))
            .fold(0.0, f64::max);
        assert!(distance < 1.95 / n.sqrt(), "Kolmogorov-Smirnov at 0.1 %: {distance}, {retry}");
    }
}

#[test]
fn a_wait_is_as_long_as_retry_after_and_its_jitter_on_top() {
    let asked = Duration::from_millis(700);
    let throttled = Failure::new(FailureClass::Throttled, FailureSource::Provider);
    let waits = waits(1_000, throttled.with_retry_after(Some(asked)));
    assert_eq!(waits.len(), 2_000);
    for Wait { told, was } in waits {
        assert!(told.jitter <= told.ceiling, "{told:?}");
        assert_eq!((told.delay, was), (asked + told.jitter, asked + told.jitter));
    }
}

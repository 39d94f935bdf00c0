//! 88 to 98: limits of rate and concurrency.
//!
//! Not here: 95 is the reader's (how `max_parallel_requests` comes about), and 98 is not there: routers do
//! not share state.

use super::{ALL, World, declared, litellm, ours, per_minute, rig_by, rpm, server, single};
use crate::rig::{Rig, group, no_jitter};
use squall_failure::FailureClass;
use squall_router::{
    ConcurrencyRelease, GroupConfig, LitellmStrategy, Outcome, Profile, RateLimit, RateLimits,
    RateWindow, Retries, RouterInput, RouterOutput, Strategy, TokenUsage,
};
use std::time::Duration;

const V2: Strategy = Strategy::Litellm(LitellmStrategy::UsageBasedV2);

fn tpm(tokens: u64) -> RateLimits {
    RateLimits { tpm: per_minute(tokens), ..RateLimits::default() }
}

/// Serves one request that turns out to have used so many tokens, as was estimated.
fn use_tokens(rig: &mut Rig, tokens: u32) -> bool {
    let step = rig.arrive_with(|arrival| {
        (arrival.input_tokens, arrival.output_tokens) = (tokens, 0);
        arrival.overrides.retries = Some(0);
    });
    let Some(start) = step.started() else { return false };
    let usage = Some(TokenUsage { input_tokens: tokens, output_tokens: 0 });
    rig.tell(RouterInput::Finished { attempt: start.attempt, usage });
    true
}

#[test]
fn one_success_of_50_tokens_counts_50_tokens_and_one_request() {
    let limits = RateLimits { tpm: per_minute(1_000), ..rpm(10) };
    let mut group = single();
    group.deployments[0].limits = limits;
    let mut rig = ours(group);
    use_tokens(&mut rig, 50);
    let now = rig.router.deployment_snapshots().next().unwrap();
    assert_eq!((now.limits.rpm, now.limits.tpm), (Some((1, 10)), Some((50, 1_000))));
}

#[test]
fn with_1439_of_1440_tokens_used_a_short_prompt_finds_no_deployment() {
    for profile in ALL {
        let mut group = GroupConfig {
            strategy: Strategy::LowestUsage,
            max_queue_wait: Duration::ZERO,
            ..single()
        };
        group.deployments[0].limits = tpm(1_440);
        let mut rig = rig_by(profile, vec![group]);
        assert!(use_tokens(&mut rig, 1_439));
        assert!(!use_tokens(&mut rig, 5), "{profile:?}");
    }
}

#[test]
fn a_tpm_of_0_is_never_selected() {
    for profile in ALL {
        let mut group = GroupConfig { strategy: Strategy::LowestUsage, ..group(&["none", "some"]) };
        group.deployments[0].limits = tpm(0);
        group.deployments[1].limits = tpm(1_000_000);
        let mut world = World::new(rig_by(profile, vec![group]), &[], server());
        assert_eq!(world.successes(50), 50);
        assert_eq!(world.calls[0], 0, "{profile:?}");
    }
}

#[test]
fn of_two_with_equal_use_both_are_chosen() {
    for profile in ALL {
        let group = GroupConfig { strategy: Strategy::LowestUsage, ..group(&["a", "b"]) };
        let mut rig = rig_by(profile, vec![group]);
        let picks: Vec<_> = (0..1_000).map(|_| rig.arrive().start().deployment.0).collect();
        let first = picks.iter().filter(|&&to| to == 0).count();
        assert!((400..=600).contains(&first), "{profile:?}: {first}");
    }
}

#[test]
fn of_a_limit_of_5_requests_1_80_admits_4_and_ours_5() {
    let admitted = |profile| {
        let mut group = GroupConfig {
            strategy: V2,
            max_queue_wait: Duration::ZERO,
            ..declared(&[(None, Some(5), None)])
        };
        group.retries = Retries::new(0);
        World::new(rig_by(profile, vec![group]), &[], server()).successes(8)
    };
    assert_eq!(admitted(Profile::LITELLM_1_80), 4);
    assert_eq!(admitted(Profile::Squall), 5);
}

/// Where the reference checks at all it counts from the first request on, exactly.
#[test]
fn a_limit_of_5_requests_is_no_limit_to_simple_shuffle_unless_it_is_checked_before_the_call() {
    let mut world = World::new(litellm(declared(&[(None, Some(5), None)])), &[], server());
    assert_eq!(world.successes(8), 8);

    let from_first = RateLimit { per_minute: 5, window: RateWindow::FromFirst };
    let checked = || {
        let mut group = declared(&[(None, Some(5), None)]);
        group.deployments[0].limits.rpm = Some(from_first);
        group.max_queue_wait = Duration::ZERO;
        group
    };
    let mut world = World::new(Rig::new(vec![checked()]), &[], server());
    assert_eq!(world.successes(8), 5);
    let mut rig = Rig::new(vec![checked()]);
    let started = (0..20).filter(|_| rig.arrive().started().is_some()).count();
    assert_eq!(started, 5, "all at once");
}

#[test]
fn a_cap_of_2_lets_2_run_at_once_and_all_8_succeed() {
    for profile in [Profile::Squall, Profile::LITELLM_1_80] {
        let mut group = single();
        group.deployments[0].limits.concurrency = Some(2);
        let mut rig = rig_by(profile, vec![group]);
        let mut running = std::collections::VecDeque::new();
        for _ in 0..8 {
            running.extend(rig.arrive().started());
        }
        let mut served = 0;
        while let Some(start) = running.pop_front() {
            assert!(running.len() < 2, "{profile:?}");
            rig.after(Duration::from_millis(300));
            let step = rig.finish(start.attempt);
            served += u32::from(step.outcome().is_some());
            running.extend(step.outputs.iter().filter_map(|output| match output {
                RouterOutput::StartAttempt(start) => Some(*start),
                _ => None,
            }));
        }
        assert_eq!(served, 8, "{profile:?}");
    }
}

#[test]
fn a_place_is_given_back_with_the_first_token_in_1_80_and_at_the_end_in_ours() {
    for (profile, second) in [(Profile::LITELLM_1_80, true), (Profile::Squall, false)] {
        let mut group = single();
        group.deployments[0].limits.concurrency = Some(1);
        let mut rig = rig_by(profile, vec![group]);
        let first = rig.arrive().start();
        rig.tell(RouterInput::FirstToken { attempt: first.attempt });
        assert_eq!(rig.arrive().started().is_some(), second, "{profile:?}");
    }
    assert_eq!(RateLimits::default().release, ConcurrencyRelease::AtEnd);
}

#[test]
fn a_cap_of_1_with_retries_and_three_at_once_never_has_two_in_flight() {
    for profile in ALL {
        let mut group = GroupConfig { retries: Retries::new(3), ..single() };
        group.deployments[0].limits = RateLimits { concurrency: Some(1), ..rpm(1) };
        group.retry_rule = no_jitter();
        let mut rig = rig_by(profile, vec![group]);
        let mut outputs: Vec<_> = (0..3).flat_map(|_| rig.arrive().outputs).collect();
        let (mut running, mut ended) = (Vec::new(), 0);
        loop {
            for output in outputs {
                match output {
                    RouterOutput::StartAttempt(start) => running.push(start.attempt),
                    RouterOutput::Done { outcome: Outcome::Failed { failure, .. }, .. } => {
                        assert_eq!(failure.class, FailureClass::Throttled, "{profile:?}");
                        ended += 1;
                    }
                    RouterOutput::Done { .. } => ended += 1,
                    _ => {}
                }
            }
            assert!(running.len() <= 1, "{profile:?}");
            outputs = match running.pop() {
                Some(attempt) => rig.finish(attempt).outputs,
                None if rig.router.next_timer().is_some() => rig.next_tick().outputs,
                None => break,
            };
        }
        assert_eq!(ended, 3, "{profile:?}");
    }
}

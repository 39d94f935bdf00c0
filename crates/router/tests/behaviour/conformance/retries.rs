//! 45 to 64: retries.

use super::{
    ALL, World, counting_every_attempt, is_success, litellm, ours, pair, rig_by, server, single,
};
use crate::rig::{Rig, Step, failed, group, throttled};
use squall_failure::{Failure, FailureClass};
use squall_router::{
    CooldownRule, Fallbacks, GroupConfig, GroupId, Outcome, Profile, Retries, RetryBudget,
    RouterEvent,
};
use std::time::Duration;

/// Calls of one request whose every attempt fails in one way.
fn calls(profile: Profile, group: GroupConfig, failure: Failure) -> u32 {
    let all: Vec<u16> = (0..group.deployments.len() as u16).collect();
    let mut world = World::new(rig_by(profile, vec![group]), &all, failure);
    world.request();
    world.calls()
}

/// The waits of one request whose every attempt fails in one way, in seconds, the last before its end
/// included.
fn waits(mut rig: Rig, failure: Failure) -> Vec<f64> {
    let mut waits = Vec::new();
    let mut step = rig.arrive();
    while step.outcome().is_none() {
        let before = rig.now;
        step = match step.started() {
            Some(start) => rig.fail(start.attempt, failure),
            None => {
                let step = rig.next_tick();
                waits.push(rig.now.since(before).as_secs_f64());
                step
            }
        };
    }
    waits
}

fn wait_of(step: &Step) -> Option<Duration> {
    match step.note(|note| matches!(note, RouterEvent::RetryScheduled { .. })) {
        Some(RouterEvent::RetryScheduled { wait, .. }) => Some(wait.delay),
        _ => None,
    }
}

fn with_retries(group: GroupConfig, retries: u16) -> GroupConfig {
    GroupConfig { retries: Retries::new(retries), ..group }
}

fn never_cooling(group: GroupConfig) -> GroupConfig {
    GroupConfig { cooldown: CooldownRule::Never, ..group }
}

#[test]
fn by_default_there_are_two_retries() {
    for profile in ALL {
        assert_eq!(calls(profile, pair(), server()), 3, "{profile:?}");
    }
}

#[test]
fn a_wrong_key_without_an_alternative_is_not_retried() {
    for profile in ALL {
        let unauthorized = failed(FailureClass::Auth).with_status(401);
        assert_eq!(calls(profile, single(), unauthorized), 1, "{profile:?}");
    }
}

/// Ours never asks the same model again what its content policy refused: it leaves the group.
#[test]
fn a_policy_says_how_often_a_class_of_failure_is_retried() {
    let retries = Retries::new(2)
        .with(FailureClass::ContentPolicy, 3)
        .with(FailureClass::Auth, 0)
        .with(FailureClass::Server, 1);
    let group = || GroupConfig { retries, ..never_cooling(pair()) };
    let refused = failed(FailureClass::ContentPolicy).with_status(400);
    let unauthorized = failed(FailureClass::Auth).with_status(401);
    assert_eq!(calls(Profile::LITELLM_1_80, group(), refused), 4);
    assert_eq!(calls(Profile::Squall, group(), refused), 1);
    for profile in ALL {
        assert_eq!(calls(profile, group(), unauthorized), 1, "{profile:?}");
        assert_eq!(calls(profile, group(), server()), 2, "{profile:?}");
    }
}

#[test]
fn each_group_follows_its_own_policy() {
    for profile in ALL {
        assert_eq!(calls(profile, with_retries(pair(), 2), server()), 3);
        assert_eq!(calls(profile, with_retries(pair(), 0), server()), 1);
    }
}

#[test]
fn a_429_is_retried_while_there_is_another_healthy_deployment() {
    for profile in ALL {
        let mut world = World::new(rig_by(profile, vec![pair()]), &[0], throttled(None));
        assert_eq!(world.successes(10), 10, "{profile:?}");
        assert_eq!(world.calls[0], 1);
    }
}

/// Ours waits, if the provider is back within the group's `max_queue_wait`; else it says when.
#[test]
fn a_429_with_nobody_healthy_and_no_fallback_is_not_retried() {
    let only_b = |profile| {
        let mut rig = rig_by(profile, vec![pair()]);
        for _ in 0..2 {
            let start = rig.arrive_with(|arrival| arrival.overrides.retries = Some(0)).start();
            rig.fail(start.attempt, throttled(Some(60)));
            if rig.router.cooling().count() == 1 {
                break;
            }
        }
        let start = rig.arrive().start();
        rig.fail(start.attempt, throttled(Some(60)))
    };
    for profile in ALL {
        assert_eq!(only_b(profile).failure().class, FailureClass::Throttled, "{profile:?}");
    }
    assert_eq!(only_b(Profile::Squall).failure().retry_after, Some(Duration::from_secs(60)));
}

#[test]
fn a_prompt_too_long_goes_to_its_fallback_without_a_retry() {
    let too_long = failed(FailureClass::ContextWindow).with_status(400);
    for profile in ALL {
        let chat = GroupConfig {
            fallbacks: Fallbacks { context_window: Some(vec![GroupId(1)]), ..Fallbacks::default() },
            ..pair()
        };
        let long = GroupConfig { name: "long".into(), ..group(&["long"]) };
        let mut world = World::new(rig_by(profile, vec![chat, long]), &[0, 1], too_long);
        assert!(is_success(&world.request()), "{profile:?}");
        assert_eq!(world.calls(), 2);
    }
    assert_eq!(calls(Profile::Squall, pair(), too_long), 1, "without one it surfaces at once");
}

/// Ours asks another deployment once: that a provider does not know a model says nothing of its siblings.
#[test]
fn a_404_is_not_retried_by_1_80() {
    let unknown = failed(FailureClass::NotFound).with_status(404);
    assert_eq!(calls(Profile::LITELLM_1_80, pair(), unknown), 1);
    let mut world = World::new(ours(pair()), &[0], unknown);
    assert_eq!(world.successes(5), 5);
}

#[test]
fn a_retry_after_of_60_s_is_waited_for_by_a_single_deployment_and_not_with_a_healthy_sibling() {
    let waits_60 = waits(litellm(with_retries(single(), 1)), throttled(Some(60)));
    assert!((60.0..=60.75).contains(&waits_60[0]), "{waits_60:?}");
    let mut rig = litellm(pair());
    let start = rig.arrive().start();
    assert!(rig.fail(start.attempt, throttled(Some(60))).started().is_some(), "at once");

    let patient = GroupConfig {
        max_queue_wait: Duration::from_secs(100),
        deadline: Duration::from_secs(200),
        ..with_retries(single(), 1)
    };
    let waits_60 = waits(ours(patient), throttled(Some(60)));
    assert!(waits_60[0] >= 60.0, "{waits_60:?}");
    let mut rig = ours(pair());
    let start = rig.arrive().start();
    assert!(rig.fail(start.attempt, throttled(Some(60))).started().is_some(), "at once");
}

#[test]
fn a_429_without_a_header_and_with_nobody_healthy_is_waited_for() {
    for profile in [Profile::Squall, Profile::LITELLM_1_80] {
        let group = match profile {
            Profile::LITELLM_1_80 => counting_every_attempt(pair()),
            _ => pair(),
        };
        let mut rig = rig_by(profile, vec![group]);
        let first = rig.arrive().start();
        let second = rig.fail(first.attempt, throttled(None)).start();
        let step = rig.fail(second.attempt, throttled(None));
        assert!(wait_of(&step).is_some_and(|wait| wait > Duration::ZERO), "{profile:?}");
    }
}

#[test]
fn the_wait_before_retry_k_is_half_a_second_doubled_k_times_and_up_to_three_quarters_more() {
    let group = never_cooling(with_retries(single(), 6));
    let group = GroupConfig { deadline: Duration::from_secs(600), ..group };
    let waits = waits(litellm(group), server());
    for (k, wait) in waits.iter().take(6).enumerate() {
        let least = (0.5 * f64::from(1_u32 << k)).min(8.0);
        assert!((least..=least + 0.75).contains(wait), "{k}: {wait} in {waits:?}");
    }
}

#[test]
fn a_retry_after_of_90_s_is_not_believed_by_1_80() {
    let waits = waits(litellm(with_retries(single(), 1)), throttled(Some(90)));
    assert!((0.5..=1.25).contains(&waits[0]), "{waits:?}");
}

#[test]
fn n_retries_are_n_and_one_calls_of_a_provider_that_times_out() {
    for (profile, retries) in ALL.into_iter().flat_map(|each| (0..4).map(move |n| (each, n))) {
        let group = GroupConfig {
            deadline: Duration::from_secs(600),
            max_queue_wait: Duration::from_secs(60),
            ..with_retries(pair(), retries)
        };
        let mut rig = rig_by(profile, vec![group]);
        let mut step = rig.arrive();
        let mut calls = 0;
        while step.outcome().is_none() {
            calls += u16::from(step.started().is_some());
            step = rig.next_tick();
        }
        assert_eq!(calls, retries + 1, "{profile:?}");
        assert_eq!(step.failure().class, FailureClass::Timeout);
    }
}

#[test]
fn a_request_may_ask_for_its_own_number_of_retries() {
    for profile in ALL {
        let mut rig = rig_by(profile, vec![pair()]);
        let start = rig.arrive_with(|arrival| arrival.overrides.retries = Some(0)).start();
        assert!(rig.fail(start.attempt, server()).outcome().is_some(), "{profile:?}");
    }
}

#[test]
fn no_wait_stands_behind_the_last_attempt_but_in_1_80() {
    let group = || never_cooling(with_retries(single(), 2));
    assert_eq!(
        waits(litellm(group()), server()).len(),
        3,
        "two before retries and one for nothing"
    );
    assert_eq!(waits(ours(group()), server()).len(), 2);
}

#[test]
fn of_a_pair_the_one_that_fails_gets_five_calls_and_all_requests_succeed() {
    let mut world = World::new(litellm(counting_every_attempt(pair())), &[0], server());
    let successes = world.successes(30);
    assert_eq!(world.calls[0], 5);
    assert!(successes >= 29, "three picks of the dead one in a row are an eighth: {successes}");

    let mut world = World::new(ours(pair()), &[0], server());
    assert_eq!(world.successes(30), 30);
    assert_eq!(world.calls[0], 5);
}

#[test]
fn a_retry_avoids_the_deployment_that_failed_while_half_the_requests_of_1_80_fail() {
    let mut group = never_cooling(group(&["large", "small"]));
    group.deployments[0].weight = 8;
    group.deployments[1].weight = 2;
    let mut world = World::new(litellm(group.clone()), &[0], server());
    let failures = 1_000 - world.successes(1_000);
    assert!((460..=565).contains(&failures), "0.8³ = 51.2 %: {failures}");
    // Without its retry budget, which would keep four retries for five requests from being sent.
    let mut rig = Rig::with_budget(vec![group], RetryBudget::UNLIMITED);
    rig.after(Duration::from_secs(1));
    let mut world = World::new(rig, &[0], server());
    assert_eq!(world.successes(1_000), 1_000);
}

#[test]
fn statuses_400_and_422_are_not_retried_but_by_1_80() {
    for status in [400, 422] {
        let refused = failed(FailureClass::BadRequest).with_status(status);
        assert_eq!(calls(Profile::LITELLM_1_80, pair(), refused), 3);
        assert_eq!(calls(Profile::Squall, pair(), refused), 1);
    }
}

#[test]
fn a_client_of_1_80_is_told_the_failure_its_rule_ends_with_and_ours_the_last() {
    let mut rig = ours(never_cooling(with_retries(pair(), 1)));
    let first = rig.arrive().start();
    let second = rig.fail(first.attempt, failed(FailureClass::Overloaded)).start();
    let outcome = rig.fail(second.attempt, server()).outcome();
    let told = |outcome| match outcome {
        Some(Outcome::Failed { failure, .. }) => failure.class,
        other => panic!("not failed: {other:?}"),
    };
    assert_eq!(told(outcome), FailureClass::Server);

    let mut rig = litellm(never_cooling(with_retries(pair(), 1)));
    let first = rig.arrive().start();
    let second = rig.fail(first.attempt, failed(FailureClass::Overloaded)).start();
    let outcome = rig.fail(second.attempt, server()).outcome();
    assert_eq!(told(outcome), FailureClass::Overloaded);
}

//! 16 to 44: when a deployment cools down.
//!
//! Not here: 17 (an attempt without a deployment cannot be said), 29 (the core writes nothing anywhere),
//! 35 (a cooldown is a point in time and no entry with a life of its own) and 37 (no request can name the
//! deployment that is held responsible).

use super::{
    ALL, World, cooled, counting_every_attempt, litellm, ours, pair, rig_by, server, single,
};
use crate::rig::{Rig, failed, group, no_jitter, throttled};
use squall_failure::{Failure, FailureClass};
use squall_router::{
    CooldownCause, CooldownRule, GroupConfig, LitellmAllowedFails, LitellmCooldown, LitellmCounts,
    Profile, Retries,
};
use std::time::Duration;

fn with_cooldown(group: GroupConfig, cooldown: impl Into<CooldownRule>) -> GroupConfig {
    GroupConfig { cooldown: cooldown.into(), retries: Retries::new(0), ..group }
}

fn counting(
    allowed_fails: Option<u32>,
    policy: impl Into<Option<LitellmAllowedFails>>,
) -> LitellmCooldown {
    let (counts, policy) = (Some(LitellmCounts::EveryAttempt), policy.into());
    LitellmCooldown { allowed_fails, policy, counts, ..LitellmCooldown::default() }
}

/// One request that is tried once, where `only` it may; says whether that cooled the deployment down.
fn blow(rig: &mut Rig, failure: Failure) -> Option<CooldownCause> {
    let start = rig.arrive_with(|arrival| arrival.overrides.retries = Some(0)).start();
    cooled(&rig.fail(start.attempt, failure), start.deployment.0)
}

/// How many failures one after the other it takes to cool a deployment of this group down, of at most
/// `most`. Every request that meets another is answered.
fn blows_to_cool(rig: &mut Rig, of: u16, failure: Failure, most: u32) -> Option<u32> {
    let mut blows = 0;
    while blows < most {
        let start = rig.arrive_with(|arrival| arrival.overrides.retries = Some(0)).start();
        if start.deployment.0 != of {
            rig.finish(start.attempt);
            continue;
        }
        blows += 1;
        if cooled(&rig.fail(start.attempt, failure), of).is_some() {
            return Some(blows);
        }
    }
    None
}

#[test]
fn with_cooldowns_disabled_nothing_cools_down() {
    for profile in ALL {
        let mut rig = rig_by(profile, vec![with_cooldown(pair(), CooldownRule::Never)]);
        assert_eq!(blows_to_cool(&mut rig, 0, server(), 50), None);
    }
}

/// Ours does: a pattern's deployment is as dead as another when its provider is down.
#[test]
fn a_wildcard_deployment_is_never_cooled_by_1_80() {
    let pattern = || GroupConfig { name: "openai/*".into(), ..pair() };
    assert_eq!(blows_to_cool(&mut litellm(pattern()), 0, server(), 50), None);
    assert_eq!(blows_to_cool(&mut ours(pattern()), 0, server(), 50), Some(5));
}

#[test]
fn one_429_cools_a_deployment_that_has_siblings() {
    for profile in ALL {
        let mut rig = rig_by(profile, vec![pair()]);
        assert_eq!(blow(&mut rig, throttled(None)), Some(CooldownCause::Throttled));
    }
}

#[test]
fn one_401_cools_any_deployment() {
    for (profile, group) in ALL.into_iter().flat_map(|each| [(each, pair()), (each, single())]) {
        let unauthorized = failed(FailureClass::Auth).with_status(401);
        let mut rig = rig_by(profile, vec![group]);
        assert_eq!(blow(&mut rig, unauthorized), Some(CooldownCause::Misconfigured));
    }
}

#[test]
fn after_40_successes_more_than_half_must_fail_in_1_80_while_ours_needs_five_in_a_row() {
    let needed = |mut rig: Rig| {
        let mut successes = 0;
        while successes < 40 {
            successes += u32::from(rig.serve() == 0);
        }
        blows_to_cool(&mut rig, 0, server(), 100)
    };
    assert_eq!(needed(litellm(counting_every_attempt(pair()))), Some(41));
    assert_eq!(needed(ours(pair())), Some(5));
}

#[test]
fn three_failures_and_seven_successes_do_not_cool() {
    for profile in ALL {
        let mut rig = rig_by(profile, vec![pair()]);
        for nth in 0..20 {
            let start = rig.arrive_with(|arrival| arrival.overrides.retries = Some(0)).start();
            let step = match start.deployment.0 {
                0 if nth % 3 == 0 => rig.fail(start.attempt, server()),
                _ => rig.finish(start.attempt),
            };
            assert_eq!(cooled(&step, 0), None, "{profile:?}");
        }
    }
}

#[test]
fn three_failures_of_three_do_not_cool_a_single_deployment() {
    for profile in ALL {
        assert_eq!(blows_to_cool(&mut rig_by(profile, vec![single()]), 0, server(), 3), None);
    }
}

/// Ours keeps away from it until it may be asked again: calling it earlier brings another 429 and, with
/// some providers, a longer ban.
#[test]
fn a_429_does_not_cool_a_single_deployment_in_1_80() {
    assert_eq!(blow(&mut litellm(single()), throttled(None)), None);
    assert_eq!(blow(&mut ours(single()), throttled(None)), Some(CooldownCause::Throttled));
}

#[test]
fn of_a_pair_one_failure_does_not_cool_and_five_of_five_do() {
    for profile in ALL {
        let mut rig = rig_by(profile, vec![pair()]);
        assert_eq!(blows_to_cool(&mut rig, 0, server(), 10), Some(5), "{profile:?}");
    }
}

#[test]
fn with_100_allowed_fails_the_101st_cools() {
    let cooldown = counting(Some(100), None);
    let mut rig = litellm(with_cooldown(pair(), CooldownRule::Litellm(cooldown)));
    assert_eq!(blows_to_cool(&mut rig, 0, server(), 200), Some(101));
}

#[test]
fn three_allowed_fails_pass_for_none_in_1_80() {
    let cooldown = |fails| CooldownRule::Litellm(counting(Some(fails), None));
    let mut rig = litellm(with_cooldown(pair(), cooldown(3)));
    assert_eq!(blows_to_cool(&mut rig, 0, server(), 20), Some(5), "the share over a minute");
    let mut rig = litellm(with_cooldown(pair(), cooldown(2)));
    assert_eq!(blows_to_cool(&mut rig, 0, server(), 20), Some(3));
}

/// The reference has meanwhile ceased to count connection errors. Ours counts them like any failure: a
/// provider that refuses connections is down, whoever's fault that is.
#[test]
fn refused_connections_count_and_a_rate_limit_cools_at_once() {
    for profile in ALL {
        let refused = failed(FailureClass::Connect);
        assert_eq!(blows_to_cool(&mut rig_by(profile, vec![pair()]), 0, refused, 10), Some(5));
        let mut rig = rig_by(profile, vec![pair()]);
        assert_eq!(blows_to_cool(&mut rig, 0, throttled(None), 10), Some(1));
    }
}

#[test]
fn a_deployments_own_allowed_fails_beat_the_routers() {
    let rule = |fails| CooldownRule::Litellm(counting(Some(fails), None));
    let mut group = with_cooldown(pair(), rule(10));
    group.deployments[0].cooldown = Some(rule(0));
    let mut rig = litellm(group);
    assert_eq!(blows_to_cool(&mut rig, 1, throttled(None), 1), None, "the sibling");
    assert_eq!(blows_to_cool(&mut rig, 0, throttled(None), 1), Some(1));
}

#[test]
fn a_threshold_of_0_for_a_class_passes_for_none_in_1_80() {
    let policy = LitellmAllowedFails { rate_limit: Some(0), ..LitellmAllowedFails::default() };
    let group = || with_cooldown(pair(), CooldownRule::Litellm(counting(None, policy)));
    assert_eq!(blows_to_cool(&mut litellm(group()), 0, throttled(None), 10), Some(4));
    assert_eq!(blows_to_cool(&mut ours(group()), 0, throttled(None), 10), Some(1));
    assert_eq!(blows_to_cool(&mut ours(group()), 0, server(), 10), Some(5));
}

#[test]
fn throttling_counts_for_no_other_failure_while_1_80_has_one_counter() {
    let policy = LitellmAllowedFails { timeout: Some(9), ..LitellmAllowedFails::default() };
    let group = || with_cooldown(pair(), CooldownRule::Litellm(counting(None, policy)));
    let mut rig = litellm(group());
    assert_eq!(blows_to_cool(&mut rig, 0, throttled(None), 3), None);
    assert_eq!(blows_to_cool(&mut rig, 0, server(), 3), Some(1), "the fourth of all");

    let mut rig = ours(group());
    for _ in 0..3 {
        assert_eq!(blows_to_cool(&mut rig, 0, throttled(Some(1)), 1), Some(1));
        rig.after(Duration::from_secs(1));
    }
    assert_eq!(blows_to_cool(&mut rig, 0, server(), 9), Some(5));
}

#[test]
fn a_cooldown_that_is_over_counts_no_more() {
    for profile in ALL {
        let mut rig = rig_by(profile, vec![pair()]);
        assert_eq!(blows_to_cool(&mut rig, 0, throttled(Some(60)), 1), Some(1));
        rig.after(Duration::from_secs(120));
        assert!((0..50).any(|_| rig.serve() == 0), "{profile:?}");
        assert_eq!(rig.router.cooling().count(), 0);
    }
}

#[test]
fn a_cooldown_time_of_0_is_none_at_all() {
    let mut group = with_cooldown(pair(), CooldownRule::Litellm(LitellmCooldown::default()));
    group.deployments[0].cooldown = Some(CooldownRule::Litellm(LitellmCooldown {
        deployment_time: Some(Duration::ZERO),
        ..LitellmCooldown::default()
    }));
    for profile in ALL {
        let mut rig = rig_by(profile, vec![group.clone()]);
        assert_eq!(blows_to_cool(&mut rig, 0, throttled(Some(60)), 9), None, "{profile:?}");
    }
}

#[test]
fn a_retry_after_of_120_s_is_a_cooldown_of_120_s_unless_the_deployment_says_10() {
    let cooling = |mut rig: Rig| {
        blows_to_cool(&mut rig, 0, throttled(Some(120)), 1);
        rig.router.cooling().map(|(_, until)| until.as_secs_f64()).collect::<Vec<_>>()
    };
    for profile in ALL {
        assert_eq!(cooling(rig_by(profile, vec![pair()])), [120.0], "{profile:?}");
    }
    let mut group = with_cooldown(pair(), CooldownRule::Litellm(LitellmCooldown::default()));
    group.deployments[0].cooldown = Some(CooldownRule::Litellm(LitellmCooldown {
        deployment_time: Some(Duration::from_secs(10)),
        ..LitellmCooldown::default()
    }));
    assert_eq!(cooling(litellm(group)), [10.0]);
}

/// 403 differs: to ours it is a key without the right to call, as lasting as 401.
#[test]
fn statuses_400_403_409_and_422_do_not_cool_and_404_does_at_once() {
    let of = |class, status| failed(class).with_status(status);
    for profile in ALL {
        for status in [400, 409, 422] {
            let mut rig = rig_by(profile, vec![pair()]);
            let failure = of(FailureClass::BadRequest, status);
            assert_eq!(blows_to_cool(&mut rig, 0, failure, 20), None, "{profile:?}: {status}");
        }
        let mut rig = rig_by(profile, vec![pair()]);
        assert_eq!(blows_to_cool(&mut rig, 0, of(FailureClass::NotFound, 404), 20), Some(1));
    }
    let forbidden = of(FailureClass::Auth, 403);
    assert_eq!(blows_to_cool(&mut litellm(pair()), 0, forbidden, 20), None);
    assert_eq!(blows_to_cool(&mut ours(pair()), 0, forbidden, 20), Some(1));
}

#[test]
fn of_a_pair_that_never_served_the_one_that_refuses_is_cooled_after_five() {
    for profile in ALL {
        let group = GroupConfig { retries: Retries::new(0), ..pair() };
        let mut world =
            World::new(rig_by(profile, vec![group]), &[0], failed(FailureClass::Connect));
        let successes = world.successes(40);
        assert_eq!((world.calls[0], successes), (5, 35), "{profile:?}");
    }
}

#[test]
fn a_busy_deployment_that_dies_is_out_within_ten_attempts_while_1_80_needs_as_many_as_succeeded() {
    let needed = |mut rig: Rig| {
        let mut successes = 0;
        while successes < 400 {
            rig.after(Duration::from_millis(10));
            successes += u32::from(rig.serve() == 0);
        }
        blows_to_cool(&mut rig, 0, server(), 1_000)
    };
    assert_eq!(needed(litellm(counting_every_attempt(pair()))), Some(401));
    assert!(needed(ours(pair())).is_some_and(|needed| needed <= 10));
}

#[test]
fn behind_the_proxy_of_1_80_a_request_counts_once_however_often_it_fails() {
    let mut rig = litellm(group(&["a", "b"]));
    let mut world = World::new(std::mem::replace(&mut rig, ours(single())), &[0, 1], server());
    world.successes(3);
    assert_eq!(world.calls(), 9);
    assert_eq!(world.rig.router.cooling().count(), 0, "three were counted, over two deployments");
}

#[test]
fn in_ours_one_probe_decides_and_in_1_80_everyone_comes_back_at_once() {
    for (profile, wanted) in [(Profile::Squall, 1), (Profile::LITELLM_1_80, 5)] {
        let group = GroupConfig { retry_rule: no_jitter(), ..pair() };
        let mut rig = rig_by(profile, vec![group]);
        blows_to_cool(&mut rig, 0, server(), 10);
        rig.after(Duration::from_secs(6)).tick();
        let starts: Vec<_> = (0..40).map(|_| rig.arrive().start().deployment.0).collect();
        let at_once = starts.iter().filter(|&&to| to == 0).count();
        assert!(
            if wanted == 1 { at_once == 1 } else { at_once > wanted },
            "{profile:?}: {at_once}"
        );
    }
}

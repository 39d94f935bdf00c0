//! 99 to 110: the other strategies, and tags.

use super::{ALL, declared, litellm, ours, rig_by, server};
use crate::rig::{Rig, failed, group};
use squall_determinism::Share;
use squall_failure::FailureClass;
use squall_router::{
    AttemptId, CooldownRule, GroupConfig, LatencyTuning, LitellmStrategy, Outcome, Profile,
    Strategy, TagMatch, Tags,
};
use std::time::Duration;

const FREE: Tags = Tags(1);
const PAID: Tags = Tags(2);
const C: Tags = Tags(4);

fn by_latency(deployments: &[&str], buffer: u32) -> GroupConfig {
    let latency = LatencyTuning { buffer: Share::percent(buffer), ..LatencyTuning::default() };
    GroupConfig { strategy: Strategy::LowestLatency(latency), ..group(deployments) }
}

fn litellm_latency(deployments: &[&str], buffer: u32, ttl: u64) -> GroupConfig {
    let (buffer, ttl) = (Share::percent(buffer), Duration::from_secs(ttl));
    let strategy = Strategy::Litellm(LitellmStrategy::LatencyBased { buffer, ttl });
    GroupConfig { strategy, ..group(deployments) }
}

/// Serves whole answers until each deployment has been seen once; the nth takes `seconds[n]`.
fn learn(rig: &mut Rig, seconds: &[f64]) {
    let running: Vec<_> = seconds.iter().map(|_| whole(rig)).collect();
    let mut running: Vec<(f64, AttemptId)> =
        running.into_iter().map(|(to, attempt)| (seconds[usize::from(to)], attempt)).collect();
    running.sort_by(|a, b| a.0.total_cmp(&b.0));
    let began = rig.now;
    for (seconds, attempt) in running {
        rig.now = began + Duration::from_secs_f64(seconds);
        rig.finish(attempt);
    }
}

/// Begins a request whose answer is not streamed.
fn whole(rig: &mut Rig) -> (u16, AttemptId) {
    let start = rig.arrive_with(|arrival| arrival.stream = false).start();
    (start.deployment.0, start.attempt)
}

fn picks(rig: &mut Rig, requests: u32) -> Vec<u16> {
    (0..requests).map(|_| whole(rig).0).collect()
}

#[test]
fn of_3_s_and_2_s_the_faster_is_chosen() {
    let mut rig = ours(by_latency(&["slow", "fast"], 20));
    learn(&mut rig, &[3.0, 2.0]);
    assert_eq!(picks(&mut rig, 20), [1; 20]);

    // 1.80 knows no deployment at first, and draws; it learns of one at a time.
    let mut rig = litellm(litellm_latency(&["slow", "fast"], 0, 3_600));
    for _ in 0..20 {
        let (to, attempt) = whole(&mut rig);
        rig.after(Duration::from_secs(if to == 0 { 3 } else { 2 }));
        rig.finish(attempt);
    }
    assert_eq!(picks(&mut rig, 20), [1; 20]);
}

#[test]
fn after_its_ttl_1_80_has_forgotten_everything_at_once() {
    let mut rig = litellm(litellm_latency(&["slow", "fast"], 0, 3));
    for _ in 0..20 {
        let (to, attempt) = whole(&mut rig);
        rig.after(Duration::from_millis(if to == 0 { 300 } else { 200 }));
        rig.finish(attempt);
    }
    assert_eq!(picks(&mut rig, 20), [1; 20]);
    rig.after(Duration::from_secs(3));
    assert!(picks(&mut rig, 40).contains(&0));
}

/// 1.80's list holds ten samples, of which nine never change: it does not see that the fast one has
/// become slow. Ours forgets by the clock.
#[test]
fn a_history_that_is_full_freezes_in_1_80_and_never_in_ours() {
    let turned = |mut rig: Rig| {
        let serve = |rig: &mut Rig, seconds: [f64; 2]| {
            let (to, attempt) = whole(rig);
            rig.after(Duration::from_secs_f64(seconds[usize::from(to)]));
            rig.finish(attempt);
            to
        };
        (0..40).for_each(|_| {
            serve(&mut rig, [0.3, 0.2]);
        });
        let after: Vec<_> = (0..40).map(|_| serve(&mut rig, [0.3, 0.5])).collect();
        after.iter().filter(|&&to| to == 1).count()
    };
    assert_eq!(turned(litellm(litellm_latency(&["a", "b"], 0, 3_600))), 40);
    let stuck = turned(ours(by_latency(&["a", "b"], 20)));
    assert!(stuck < 15, "{stuck} of 40");
}

#[test]
fn by_latency_1_80_keeps_to_the_declared_requests_per_minute() {
    let strategy = litellm_latency(&[], 0, 3_600).strategy;
    let by = |rpms: [u64; 2]| {
        let group = declared(&[(None, Some(rpms[0]), None), (None, Some(rpms[1]), None)]);
        let mut rig = litellm(GroupConfig { strategy: strategy.clone(), ..group });
        // Three calls of each in this minute; requests are counted when they have ended.
        let mut calls = [0, 0];
        let mut running = Vec::new();
        while calls != [3, 3] {
            let (to, attempt) = whole(&mut rig);
            if calls[usize::from(to)] < 3 {
                calls[usize::from(to)] += 1;
                running.push(attempt);
            } else {
                rig.fail(attempt, failed(FailureClass::BadRequest));
            }
        }
        running.into_iter().for_each(|attempt| drop(rig.finish(attempt)));
        rig.arrive().started().map(|start| start.deployment.0)
    };
    assert_eq!(by([1, 3]), None);
    assert_eq!(by([5, 3]), Some(0));
}

#[test]
fn with_a_buffer_of_50_percent_whoever_is_within_it_may_be_chosen() {
    let mut rig = ours(by_latency(&["best", "near", "far"], 50));
    learn(&mut rig, &[1.0, 1.4, 1.8]);
    let chosen = picks(&mut rig, 60);
    assert!(chosen.contains(&0) && chosen.contains(&1) && !chosen.contains(&2));

    let mut rig = litellm(litellm_latency(&["best", "near", "far"], 50, 3_600));
    for _ in 0..60 {
        let (to, attempt) = whole(&mut rig);
        // What 1.80 tries second keeps a sample of 0 among its ten, and is a tenth quicker than it is.
        rig.after(Duration::from_secs_f64([1.0, 1.3, 1.8][usize::from(to)]));
        rig.finish(attempt);
    }
    let chosen = picks(&mut rig, 60);
    assert!(chosen.contains(&0) && chosen.contains(&1) && !chosen.contains(&2));
}

#[test]
fn a_deployment_that_was_never_seen_is_tried_first() {
    for group in [by_latency(&["seen", "new"], 20), litellm_latency(&["seen", "new"], 0, 3_600)] {
        let mut rig = Rig::new(vec![group]);
        let (first, attempt) = whole(&mut rig);
        rig.after(Duration::from_millis(1));
        rig.finish(attempt);
        assert_ne!(whole(&mut rig).0, first);
    }
}

/// Keeps so many attempts under way at each deployment.
fn busy(rig: &mut Rig, wanted: &[usize]) {
    let mut running = vec![Vec::new(); wanted.len()];
    let enough = |running: &[Vec<AttemptId>]| {
        running.iter().zip(wanted).all(|(running, &wanted)| running.len() >= wanted)
    };
    while !enough(&running) {
        let (to, attempt) = whole(rig);
        running[usize::from(to)].push(attempt);
    }
    for (running, &wanted) in running.iter_mut().zip(wanted) {
        running.drain(wanted..).for_each(|attempt| drop(rig.finish(attempt)));
    }
}

#[test]
fn of_10_1_and_50_in_flight_the_second_is_picked() {
    for profile in ALL {
        let group = GroupConfig { strategy: Strategy::LeastBusy, ..group(&["a", "b", "c"]) };
        let mut rig = rig_by(profile, vec![group]);
        busy(&mut rig, &[10, 1, 50]);
        for _ in 0..20 {
            let (to, attempt) = whole(&mut rig);
            rig.finish(attempt);
            assert_eq!(to, 1, "{profile:?}");
        }
    }
}

#[test]
fn the_0_of_a_deployment_that_cools_down_is_ignored_but_by_1_80_which_then_draws() {
    let chosen = |profile| {
        let group =
            GroupConfig { strategy: Strategy::LeastBusy, ..group(&["out", "idle", "busy"]) };
        let mut rig = rig_by(profile, vec![group]);
        busy(&mut rig, &[1, 1, 8]);
        for _ in 0..60 {
            let start = rig.arrive_with(|arrival| arrival.overrides.retries = Some(0)).start();
            if start.deployment.0 == 0 {
                rig.fail(start.attempt, failed(FailureClass::Auth).with_status(401));
                break;
            }
            rig.finish(start.attempt);
        }
        assert_eq!(rig.router.cooling().count(), 1);
        let mut busy_picked = 0;
        for _ in 0..20 {
            let (to, attempt) = whole(&mut rig);
            busy_picked += u32::from(to == 2);
            rig.finish(attempt);
        }
        busy_picked
    };
    assert_eq!(chosen(Profile::Squall), 0);
    assert!(chosen(Profile::LITELLM_1_80) > 0);
}

#[test]
fn of_two_drawn_the_busier_is_never_picked() {
    let group = GroupConfig { strategy: Strategy::TwoChoices, ..group(&["a", "b", "c"]) };
    let mut rig = rig_by(Profile::Squall, vec![group]);
    busy(&mut rig, &[1, 10, 50]);
    let mut counts = [0; 3];
    for _ in 0..600 {
        let (to, attempt) = whole(&mut rig);
        counts[usize::from(to)] += 1;
        rig.finish(attempt);
    }
    // Of the three pairs two have the first in them, one the second without it.
    assert_eq!(counts[2], 0);
    assert!((340..460).contains(&counts[0]), "{counts:?}");
}

#[test]
fn with_equal_counts_each_of_three_gets_more_than_30_of_300() {
    for profile in ALL {
        let group = GroupConfig { strategy: Strategy::LeastBusy, ..group(&["a", "b", "c"]) };
        let mut rig = rig_by(profile, vec![group]);
        let mut counts = [0; 3];
        picks(&mut rig, 300).into_iter().for_each(|to| counts[usize::from(to)] += 1);
        assert!(counts.iter().all(|&count| count > 30), "{profile:?}: {counts:?}");
    }
}

fn tagged(tags: &[Tags], rule: TagMatch) -> GroupConfig {
    let names: Vec<_> = (0..tags.len()).map(|n| format!("d{n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let mut group = GroupConfig { tags: rule, ..group(&names) };
    for (deployment, &tags) in group.deployments.iter_mut().zip(tags) {
        deployment.tags = tags;
    }
    group
}

/// Where requests with these tags go; `None` if nowhere.
fn tagged_pick(rig: &mut Rig, tags: Tags) -> Option<u16> {
    let step = rig.arrive_with(|arrival| arrival.tags = tags);
    let start = step.started()?;
    rig.finish(start.attempt);
    Some(start.deployment.0)
}

#[test]
fn a_request_tagged_free_goes_to_the_free_deployment_and_paid_to_the_paid() {
    for profile in ALL {
        let mut rig = rig_by(profile, vec![tagged(&[FREE, PAID], TagMatch::Any)]);
        for _ in 0..5 {
            assert_eq!(tagged_pick(&mut rig, FREE), Some(0), "{profile:?}");
            assert_eq!(tagged_pick(&mut rig, PAID), Some(1), "{profile:?}");
        }
    }
}

#[test]
fn any_matches_where_one_tag_is_shared_and_all_does_not() {
    let a_and_b = Tags(FREE.0 | PAID.0);
    let a_and_c = Tags(FREE.0 | C.0);
    for profile in ALL {
        let mut rig = rig_by(profile, vec![tagged(&[a_and_b], TagMatch::Any)]);
        assert_eq!(tagged_pick(&mut rig, a_and_c), Some(0), "{profile:?}");
        let mut rig = rig_by(profile, vec![tagged(&[a_and_b], TagMatch::All)]);
        assert_eq!(tagged_pick(&mut rig, a_and_c), None, "{profile:?}");
    }
}

#[test]
fn a_request_without_tags_matches_no_tag_and_goes_to_the_default_pool() {
    for rule in [TagMatch::Any, TagMatch::All] {
        let mut group = tagged(&[FREE, PAID, Tags::NONE], rule);
        group.deployments[2].default_pool = true;
        let mut rig = Rig::new(vec![group]);
        assert!((0..9).all(|_| tagged_pick(&mut rig, Tags::NONE) == Some(2)));
        assert_eq!(tagged_pick(&mut rig, C), Some(2), "a tag that nobody has");
    }
}

#[test]
fn failing_quickly_is_not_fast() {
    let group = GroupConfig { cooldown: CooldownRule::Never, ..by_latency(&["dead", "slow"], 20) };
    let mut rig = ours(group);
    let mut failures = 0;
    for _ in 0..50 {
        let (to, attempt) = whole(&mut rig);
        rig.after(Duration::from_millis(if to == 0 { 1 } else { 400 }));
        let step = match to {
            0 => rig.fail(attempt, server()),
            _ => rig.finish(attempt),
        };
        failures += u32::from(to == 0);
        if let Some(retry) = step.started() {
            rig.after(Duration::from_millis(400));
            let outcome = rig.finish(retry.attempt).outcome();
            assert!(matches!(outcome, Some(Outcome::Succeeded { .. })));
        }
    }
    assert!(failures <= 3, "{failures} of 50");
}
